"""Probes that a guide asks for without knowing it: what its commands look at by hand could be looked at all the time.

A command counts when it only looks (a GET or HEAD of a health address, a TLS handshake, a question to a name server, a
port that is tried) from where responders sit: what is asked from inside a pod or over ssh, Tocsin cannot ask.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from itertools import pairwise

import msgspec

from tocsin.core.guidance import CodeBlock
from tocsin.core.parameters import parameters
from tocsin.core.policy import Policy
from tocsin.core.probe import Probe
from tocsin.core.probe_fields import check_probe

DAY = 86_400
WARN_BEFORE, PAGE_BEFORE = 21 * DAY, DAY
NAME_MAX = 80
CODE_MAX = 100  # characters of a command in a comment

_HEALTH = re.compile(r"health|ready|readiness|live|liveness|alive|ping|status|heartbeat|up", re.I)
_URL = re.compile(r"(https?)://(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::([0-9]{1,5}))?(/[!-~]*)?", re.I)
_PLACE = re.compile(r"[<>{}$]")
_ANGLES = re.compile(r"<([A-Za-z][\w .-]{0,60})>")  # a place to fill in, which a shell takes for redirections
FILL_IN = "it has a place to fill in"
_ENDS = ("|", "||", "&&", ";", "&", ">", ">>", "2>&1", "2>/dev/null", "<")
_ELSEWHERE = ("kubectl", "docker", "podman", "ssh", "oc", "nsenter", "docker-compose", "heroku", "fly")
_BEFORE = ("sudo", "time", "watch", "timeout", "nice", "env")  # a program that runs another one
_SENDS = ("-d", "--data", "--data-raw", "--data-binary", "--data-urlencode", "-F", "--form", "-T", "--upload-file")
_VALUED = (  # of curl: the next word is no address
    *("-H", "--header", "-o", "--output", "-m", "--max-time", "-w", "--write-out", "-A", "--user-agent", "-e"),
    *("--connect-timeout", "--retry", "--retry-delay", "--cacert", "--resolve", "-b", "--cookie", "-c", "--cookie-jar"),
)
_CERTIFIED = ("--cert", "-E", "--key")
_LOCAL = ("localhost", "127.0.0.1", "[::1]")


class Suggestion(msgspec.Struct, frozen=True, kw_only=True):
    """A probe, the lines of the guide that look at the same, and the first such command."""

    probe: Probe
    lines: tuple[int, ...]
    code: str
    local: bool = False  # it looks at the machine where it runs


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """A command that looks at something and makes no probe, and why."""

    line: int
    code: str
    because: str


class Suggested(msgspec.Struct, frozen=True, kw_only=True):
    suggestions: tuple[Suggestion, ...]
    left: tuple[Left, ...]


def suggested(policy: Policy) -> Suggested:
    """What the commands of the guide look at, each thing once, in the guide's order."""
    found: dict[tuple[object, ...], Suggestion] = {}
    left: list[Left] = []
    for block in policy.commands:
        line = block.source.line if block.source else 0
        for words in _programs(block):
            probe = _probe(words)
            if isinstance(probe, str):
                left.append(Left(line=line, code=_short(block.code), because=probe))
            elif probe is not None:
                key = (probe.kind, probe.url, probe.address, probe.domain)
                before = found.get(key)
                lines = tuple(dict.fromkeys((*before.lines, line))) if before else (line,)
                code = before.code if before else _short(block.code)
                found[key] = Suggestion(probe=probe, lines=lines, code=code, local=_is_local(probe))
    return Suggested(suggestions=tuple(_told_apart(_once(list(found.values())))), left=tuple(dict.fromkeys(left)))


def _programs(block: CodeBlock) -> Iterator[list[str]]:
    """The words of each program that the command runs, without what becomes of its output."""
    if not re.search(r"\b(?:curl|wget|openssl|nslookup|dig|host|nc|telnet|pg_isready)\b", block.code):
        return
    for line in block.code.replace("\\\n", " ").splitlines():
        try:
            lexer = shlex.shlex(_ANGLES.sub(_braced, line), posix=True, punctuation_chars=";&|<>")
            lexer.whitespace_split, lexer.commenters = True, "#"
            words = list(lexer)
        except ValueError:  # a quote that another line closes
            continue
        program: list[str] = []
        for word in [*words, ";"]:
            if word in _ENDS or set(word) <= set(";&|<>"):
                if program:
                    yield program
                program = []
            else:
                program.append(word)


def _braced(found: re.Match[str]) -> str:
    return "{" + found[1].replace(" ", "-") + "}"


def _probe(words: Sequence[str]) -> Probe | str | None:
    """The probe that looks at the same, or why there is none, or None for what looks at nothing."""
    while words and (words[0] in _BEFORE or "=" in words[0] or words[0] in ("$", ">", "%")):
        words = words[1:]
    if not words or words[0] in _ELSEWHERE:
        return None
    make = {
        "curl": _curl, "wget": _curl, "openssl": _openssl, "nslookup": _name, "dig": _name, "host": _name, "nc": _port,
        "telnet": _port, "pg_isready": _postgres,
    }.get(words[0])  # fmt: skip
    made = make(words[1:]) if make else None
    if isinstance(made, Probe):
        target = made.url or made.address or made.domain or ""
        if _PLACE.search(target) or parameters(f"{words[0]} {target.replace(':', ' ')}"):
            return FILL_IN
        try:
            check_probe(made)
        except ValueError as error:
            return str(error)
    return made


def _curl(words: Sequence[str]) -> Probe | str | None:
    """A GET or HEAD of an address whose path speaks of health."""
    method, address, skip = "GET", "", False
    for number, word in enumerate(words):
        if skip:
            skip = False
        elif word in ("-X", "--request"):
            method, skip = words[number + 1] if number + 1 < len(words) else "", True
        elif word in _SENDS:
            return None
        elif word in _CERTIFIED:
            return "it needs a certificate of its own, which a probe does not show"
        elif word in ("-I", "--head", "--spider"):
            method = "HEAD"
        elif word in _VALUED:
            skip = True
        elif not word.startswith("-") and not address:
            address = word
    if method not in ("GET", "HEAD") or not address:
        return None
    if "://" not in address:
        address = f"http://{address}"
    bare = address.partition("?")[0]
    if _PLACE.search(bare):
        return FILL_IN
    parts = _URL.fullmatch(bare)
    if parts is None:
        return None
    path = parts[4] or ""
    if not any(_HEALTH.fullmatch(each) for piece in path.split("/") for each in re.split(r"[-_.]", piece) if each):
        return None
    secure = parts[1].casefold() == "https"
    return Probe(
        name=_slug(f"{parts[2]}{'-' + parts[3] if parts[3] else ''}{path}"),
        kind="http",
        url=address,
        method=method,
        service=None if parts[2].casefold() in _LOCAL else parts[2].casefold(),
        warn_before_seconds=WARN_BEFORE if secure else None,
        page_before_seconds=PAGE_BEFORE if secure else None,
    )


def _openssl(words: Sequence[str]) -> Probe | str | None:
    """`openssl s_client -connect HOST:PORT`."""
    if "s_client" not in words or "-connect" not in words[:-1]:
        return None
    address = words[words.index("-connect") + 1]
    host = address.rpartition(":")[0]
    if not host or _PLACE.search(address):
        return FILL_IN
    return Probe(
        name=_slug(f"{host}-certificate"),
        kind="tls",
        address=address,
        service=host.casefold(),
        warn_before_seconds=WARN_BEFORE,
        page_before_seconds=PAGE_BEFORE,
    )


def _name(words: Sequence[str]) -> Probe | str | None:
    """`nslookup NAME`, `dig NAME`."""
    names = [word for word in words if not word.startswith(("-", "+", "@")) and word.upper() not in _RECORDS]
    if not names:
        return None
    if _PLACE.search(names[0]):
        return FILL_IN
    if "." not in names[0]:
        return "its name has no dot: only the machine where it is asked may know it"
    record = next((word.upper() for word in words if word.upper() in _RECORDS), "A")
    return Probe(
        name=_slug(f"{names[0]}-name"), kind="dns", domain=names[0], record=record, service=names[0].casefold()
    )


_RECORDS = ("A", "AAAA", "CNAME", "MX", "TXT", "NS")


def _port(words: Sequence[str]) -> Probe | str | None:
    """`nc -z HOST PORT`, `telnet HOST PORT`."""
    said = [word for word in words if not word.startswith("-")]
    return _tcp(said[-2], said[-1]) if len(said) >= 2 and said[-1].isdigit() else None


def _postgres(words: Sequence[str]) -> Probe | str | None:
    """`pg_isready -h HOST -p PORT`."""
    given = dict(pairwise(words))
    return _tcp(given["-h"], given.get("-p", "5432")) if "-h" in given else None


def _tcp(host: str, port: str) -> Probe:
    return Probe(name=_slug(f"{host}-{port}"), kind="tcp", address=f"{host}:{port}", service=host.casefold())


def _slug(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9.]+", "-", text).strip("-.")[:NAME_MAX].casefold()


def _short(code: str) -> str:
    one = " ".join(code.split())
    return one if len(one) <= CODE_MAX else one[: CODE_MAX - 1] + "…"


def _is_local(probe: Probe) -> bool:
    place = probe.url or probe.address or probe.domain or ""
    return any(each in re.split(r"[/:]", place) for each in _LOCAL) or "[::1]" in place


def _once(found: list[Suggestion]) -> list[Suggestion]:
    """One probe looks at the certificate of a host: a tls probe where there is one, else its first https one."""
    seen = {each.probe.service for each in found if each.probe.kind == "tls"}
    kept = []
    for each in found:
        probe = each.probe
        if probe.kind == "http" and probe.page_before_seconds is not None:
            if probe.service in seen:
                probe = msgspec.structs.replace(probe, warn_before_seconds=None, page_before_seconds=None)
            seen.add(probe.service)
        kept.append(msgspec.structs.replace(each, probe=probe))
    return kept


def _told_apart(found: list[Suggestion]) -> Iterator[Suggestion]:
    """Names that are alike get a number."""
    counts: dict[str, int] = {}
    for each in found:
        name = each.probe.name
        counts[name] = counts.get(name, 0) + 1
        if counts[name] > 1:
            each = msgspec.structs.replace(
                each, probe=msgspec.structs.replace(each.probe, name=f"{name}-{counts[name]}")
            )
        yield each
