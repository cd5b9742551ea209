"""`[[probes]]`: what Tocsin asks itself, as configured."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jmespath
import msgspec

from tocsin.core.probe import Probe
from tocsin.core.probe_fields import KEYS, METHODS, RECORDS
from tocsin.setting.kinds import Wrong, labels, name, one_of, secret, span, text, whole, words
from tocsin.setting.row import REQUIRED, Setting, row as _row

DAY = 86_400
WARN_BEFORE, PAGE_BEFORE = 21 * DAY, DAY  # of a tls probe that says nothing
EVERY_MIN, TIMEOUT_MAX, TIMEOUT = 5, 120, 10
LATENCY = re.compile(r"([0-9]{1,6})(ms|s)")


def _statuses(value: Any) -> tuple[tuple[int, int], ...]:
    """Ranges of status codes: 200, "204", "2xx", "200-204"."""
    said = value if isinstance(value, list) else [value]
    found = []
    for each in said:
        spelt = str(each).strip().casefold() if isinstance(each, str | int) and not isinstance(each, bool) else ""
        low, dash, high = spelt.partition("-")
        if re.fullmatch(r"[1-5]xx", spelt):
            low, high = f"{spelt[0]}00", f"{spelt[0]}99"
        elif not dash:
            high = low
        if not re.fullmatch(r"[1-5][0-9]{2}", low) or not re.fullmatch(r"[1-5][0-9]{2}", high) or low > high:
            raise Wrong('status codes, such as 200, "2xx" or ["200-204", 301]')
        found.append((int(low), int(high)))
    if not found:
        raise Wrong("at least one status code")
    return tuple(found)


def _latency(value: Any) -> float:
    found = LATENCY.fullmatch(value.strip()) if isinstance(value, str) else None
    seconds = int(found[1]) / (1000 if found[2] == "ms" else 1) if found else 0
    if not 0 < seconds <= TIMEOUT_MAX:
        raise Wrong(f"a time such as 800ms or 2s, at most {TIMEOUT_MAX} s")
    return seconds


def _equals(value: Any) -> dict[str, str]:
    """JMESPath -> the value that must stand there, as JSON would write it; a text without its quotes."""
    if not isinstance(value, dict):
        raise Wrong('a table of paths and values, such as { status = "ok" }')
    found = {}
    for path, wanted in value.items():
        try:
            jmespath.compile(path)
        except jmespath.exceptions.JMESPathError:
            raise Wrong("paths as JMESPath writes them, such as checks.database.status", repr(path)[:80]) from None
        if not isinstance(wanted, str | int | bool | float):
            raise Wrong("texts, numbers, true or false as values", path)
        found[path] = wanted if isinstance(wanted, str) else msgspec.json.encode(wanted).decode()
    return found


PROBES: tuple[Setting, ...] = (
    _row("probes[].name", name, REQUIRED, "A short name: the label `probe` of its alerts, which come from the source "
         "`probe:NAME`."),
    _row("probes[].kind", one_of("http", "tcp", "tls", "dns", "status-page"), REQUIRED, "What is asked.",
         unit="http, tcp, tls, dns or status-page"),
    _row("probes[].every", span(EVERY_MIN, DAY), 60, "How often it is asked.", unit="time", shown='"1m"'),
    _row("probes[].timeout", span(1, TIMEOUT_MAX), TIMEOUT, "How long one look may take in all.", unit="time",
         shown='"10s"'),
    _row("probes[].failures", whole(1, 100), 3, "So many bad looks in a row before the alert fires."),
    _row("probes[].recoveries", whole(1, 100), 2, "So many good ones in a row before it ends."),
    _row("probes[].severity", name, "critical", "The severity label of its alert."),
    _row("probes[].warn_severity", name, "warning", "The severity label of what is not urgent yet: a certificate "
         "within `warn_before`, a component with degraded performance."),
    _row("probes[].service", name, None, "What it is about; else its own name, so that each probe has an incident "
         "of its own."),
    _row("probes[].labels", labels, {}, "More labels of its alerts."),
    _row("probes[].runbook_url", text, None, "What helps when it fails; stands on the incident.", unit="URL"),
    _row("probes[].url", text, None, "http and status-page: what is asked. Of a status page its root, or the address "
         "of its summary.json.", unit="URL"),
    _row("probes[].method", one_of(*METHODS), "GET", "http: the method.", unit="GET, HEAD, POST or OPTIONS"),
    _row("probes[].headers", labels, {}, "http and status-page: sent along. Not for secrets."),
    _row("probes[].secret", secret, None, "http and status-page: the value of a header that nobody may see, such as "
         "`Bearer ...`.", is_secret=True),
    _row("probes[].secret_header", name, "Authorization", "The name of that header."),
    _row("probes[].body", text, None, "http: what is posted."),
    _row("probes[].status", _statuses, ((200, 299),), "http: the answers that are fine: `204`, `\"2xx\"`, "
         "`[\"200-204\", 301]`.", shown='"2xx"'),
    _row("probes[].contains", text, None, "http: the answer contains this text, in the first 256 KiB of it."),
    _row("probes[].json", _equals, {}, "http: what stands where in the JSON answer: `{ status = \"ok\", "
         "\"checks.db.up\" = true }`, by JMESPath."),
    _row("probes[].latency_max", _latency, None, "A slower answer is a bad look.", unit="time, such as 800ms"),
    _row("probes[].address", text, None, "tcp and tls: what is connected to.", unit="HOST:PORT"),
    _row("probes[].domain", text, None, "dns: the name that is asked for."),
    _row("probes[].record", one_of(*RECORDS), "A", "dns: the type of record.", unit="A, AAAA, CNAME, MX, TXT or NS"),
    _row("probes[].server", text, None, "dns: the name server; else those of this machine.", unit="HOST or HOST:PORT"),
    _row("probes[].expected", words, (), "dns: all that may be answered; else any answer is fine."),
    _row("probes[].components", words, (), "status-page: only these components; else all of them."),
    _row("probes[].warn_before", span(0, 366 * DAY), None, "tls and https: a certificate that ends sooner is a "
         "warning; 0s: never. A tls probe that says nothing: `\"21d\"`.", unit="time"),
    _row("probes[].page_before", span(0, 366 * DAY), None, "tls and https: a certificate that ends sooner pages. A tls "
         "probe that says nothing: `\"24h\"`.", unit="time"),
    _row("probes[].ca_file", text, None, "tls and https: the only certificate authorities that count, in PEM, for "
         "certificates of your own.", unit="path"),
)  # fmt: skip

_FIELDS = {key: field for field, key in KEYS.items()}


def probe_of(row: dict[str, Any], folder: Path = Path()) -> Probe:
    """One row of the file as a value. `folder`: what a relative `ca_file` begins at."""
    said = {_FIELDS.get(key, key): value for key, value in row.items()}
    if said["kind"] == "tls":
        for field, default in (("warn_before_seconds", WARN_BEFORE), ("page_before_seconds", PAGE_BEFORE)):
            said[field] = default if said[field] is None else said[field]
    if said["ca_file"] is not None:
        said["ca_file"] = str(folder / said["ca_file"])
    if "timeout_seconds" in said and said["timeout_seconds"] == TIMEOUT:
        said["timeout_seconds"] = min(TIMEOUT, said["every_seconds"])
    return Probe(**said)


def probe_settings(rows: list[dict[str, Any]], file: Path | None) -> tuple[Probe, ...]:
    """Every probe of the file."""
    return tuple(probe_of(row, file.parent if file else Path()) for row in rows)
