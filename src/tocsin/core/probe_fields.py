"""Which settings fit which kind of probe, said so that whoever wrote them finds the line."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from tocsin.core.probe import Kind, Probe

RECORDS = ("A", "AAAA", "CNAME", "MX", "TXT", "NS")
METHODS = ("GET", "HEAD", "POST", "OPTIONS")  # of which none should change anything; POST is for health queries
HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")  # a token of RFC 9110
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_URL = re.compile(r"https?://(\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?([/?][!-~]*)?")
_HOST_PORT = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[^\s:/@\[\]]+):([0-9]{1,5})")
_DOMAIN = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?")

_HTTP = frozenset({"url", "headers", "secret", "secret_header", "ca_file"})
_CERTIFICATE = frozenset({"warn_before_seconds", "page_before_seconds", "warn_severity", "ca_file"})
FITS: Mapping[Kind, frozenset[str]] = {
    "http": _HTTP | _CERTIFICATE | {"method", "body", "status", "contains", "equals", "latency_max_seconds"},
    "tcp": frozenset({"address", "latency_max_seconds"}),
    "tls": _CERTIFICATE | {"address", "latency_max_seconds"},
    "dns": frozenset({"domain", "record", "server", "expected", "latency_max_seconds"}),
    "status-page": _HTTP | {"components", "warn_severity"},
}
NEEDS: Mapping[Kind, str] = {"http": "url", "tcp": "address", "tls": "address", "dns": "domain", "status-page": "url"}
_KINDLESS = frozenset(
    {"name", "kind", "every_seconds", "timeout_seconds", "failures", "recoveries", "severity", "service", "labels"}
) | {"runbook"}
KEYS = {  # what a field is called in tocsin.toml, where that is another name
    "every_seconds": "every",
    "timeout_seconds": "timeout",
    "latency_max_seconds": "latency_max",
    "warn_before_seconds": "warn_before",
    "page_before_seconds": "page_before",
    "equals": "json",
    "runbook": "runbook_url",
}


def check_probe(probe: Probe) -> None:
    """Raises ValueError naming the field as the file spells it, what was expected and what came."""
    if not _NAME.fullmatch(probe.name):
        raise ValueError(f"name: expected letters, digits, '.', '_' and '-', at most 100, got {probe.name!r}")
    needed = NEEDS[probe.kind]
    if not getattr(probe, needed):
        raise ValueError(f"{needed}: expected a value, because a probe of kind {probe.kind} needs one, got nothing")
    defaults = {each.name: each.default for each in msgspec.structs.fields(Probe)}
    for field in Probe.__struct_fields__:
        if field in _KINDLESS | FITS[probe.kind] or getattr(probe, field) == _empty(defaults[field]):
            continue
        fits = ", ".join(sorted(KEYS.get(each, each) for each in FITS[probe.kind]))
        key = KEYS.get(field, field)
        raise ValueError(f"{key}: expected one of {fits} for a probe of kind {probe.kind}, got {key}")
    if probe.timeout_seconds > probe.every_seconds:
        raise ValueError(f"timeout: expected at most every ({probe.every_seconds} s), got {probe.timeout_seconds} s")
    _check_places(probe)
    _check_headers(probe)


def _empty(default: object) -> object:
    return {} if default is msgspec.NODEFAULT else default


def _check_places(probe: Probe) -> None:
    if probe.url is not None:
        if "@" in probe.url.partition("://")[2].partition("/")[0]:
            raise ValueError("url: expected no password in it; use secret or secret_file, got one")
        if not _URL.fullmatch(probe.url):
            raise ValueError(f"url: expected http://... or https://... in ASCII without spaces, got {probe.url[:80]!r}")
    for key in ("address", "server"):
        said = getattr(probe, key)
        if said is not None:
            host_port(said, key, 53 if key == "server" else None)
    if probe.domain is not None and (not _DOMAIN.fullmatch(probe.domain) or len(probe.domain) > 253):
        raise ValueError(f"domain: expected a name such as example.org, got {probe.domain[:80]!r}")


def _check_headers(probe: Probe) -> None:
    for name, value in (*probe.headers.items(), (probe.secret_header, probe.secret or "")):
        if not HEADER.fullmatch(name):
            raise ValueError(f"headers: expected names of letters, digits and -, got {name[:40]!r}")
        if not value.isprintable() or not value.isascii():
            raise ValueError(f"headers: expected printable ASCII as the value of {name}, got something else")
    if probe.headers and probe.secret_header in probe.headers and probe.secret:
        raise ValueError(f"headers: expected no {probe.secret_header}, because secret is sent as that, got one")
    if probe.method == "HEAD" and (probe.contains is not None or probe.equals):
        key = "json" if probe.equals else "contains"
        raise ValueError(f"{key}: expected nothing with method HEAD, whose answer has no body, got {key}")
    if probe.body is not None and probe.method != "POST":
        raise ValueError(f"body: expected nothing with method {probe.method}, got a body")


def host_port(text: str, key: str = "address", port: int | None = None) -> tuple[str, int]:
    """Host and port of `db.internal:5432` or `[::1]:53`. `port`: where none is said. Raises ValueError."""
    whole = text if port is None or _HOST_PORT.fullmatch(text) else f"{text}:{port}"
    found = _HOST_PORT.fullmatch(whole)
    if not found or not 0 < int(found[2]) < 65_536:
        raise ValueError(f"{key}: expected HOST:PORT, got {text[:80]!r}")
    return found[1].strip("[]"), int(found[2])
