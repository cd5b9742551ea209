"""One bounded HTTP question of a probe, and what its answer must be like.

Redirects are followed on the same host only, and never from https to http: what the operator did not name is not
asked, and a secret goes nowhere else.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpcore2
import jmespath
import msgspec

from tocsin.core.probe import REACH, Probe, Problem, target_of
from tocsin.detect.reaching import Backend, Distrusted, Reach, Seen, Unreachable, expiry_of, failure_of, trust
from tocsin.detect.sockets import certified, distrusted

BODY_BYTES_MAX = 256 * 1024  # of an answer that are read
REDIRECTS_MAX = 5
EXCERPT_MAX = 300  # characters of a bad answer that people are shown
REDIRECTS = (301, 302, 303, 307, 308)
TO_GET = (301, 302, 303)  # a POST goes on as a GET, as browsers do
PORTS = {"http": 80, "https": 443}


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """`url`: what answered in the end. `whole`: the body is all of it. `moved`: where a redirect leads that was not
    followed."""

    status: int
    body: bytes
    whole: bool
    url: str
    address: str
    expires_at: datetime | None = None
    moved: str = ""


async def http(probe: Probe, reach: Reach, now: datetime) -> Seen:
    """Whether the answer is as it should be."""
    assert probe.url is not None, "checked when the configuration was read"
    try:
        answer = await ask(probe, probe.url, reach)
    except Distrusted as error:
        return await disbelieved(probe, reach, error, now)
    except Unreachable as error:
        return Seen(found={REACH: Problem(text=str(error))})
    text = wrong_with(probe, answer)
    evidence = {"http_status": str(answer.status), "address": answer.address}
    if text and answer.body:
        evidence["answer"] = shown(probe, answer.body)
    return certified(probe, answer.expires_at, now, evidence, {REACH: Problem(text=text) if text else None})


async def disbelieved(probe: Probe, reach: Reach, error: Distrusted, now: datetime) -> Seen:
    """What is seen of a certificate that kept a question from being asked."""
    parts = urlsplit(error.url)
    return await distrusted(probe, reach, parts.hostname or "", parts.port or PORTS["https"], error, now)


async def ask(probe: Probe, url: str, reach: Reach) -> Answer:
    """The answer to the probe's question. Raises Unreachable, Distrusted."""
    method, body = probe.method, (probe.body or "").encode()
    for _ in range(REDIRECTS_MAX + 1):
        answer, location = await _exchange(probe, method, url, body, reach)
        if not location or _fits(probe, answer.status):
            return answer
        try:
            onward = urljoin(url, location)
        except ValueError:
            raise Unreachable(f"answers {answer.status}, which leads to no address") from None
        if not _same_place(url, onward):
            return msgspec.structs.replace(answer, moved=onward)
        if answer.status in TO_GET and method == "POST":
            method, body = "GET", b""
        url = onward
    raise Unreachable(f"goes on to other addresses more than {REDIRECTS_MAX} times")


async def _exchange(probe: Probe, method: str, url: str, body: bytes, reach: Reach) -> tuple[Answer, str]:
    """One request and its answer; where that leads, if anywhere."""
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    backend = Backend(reach)
    read, whole = bytearray(), True
    try:
        where = httpcore2.URL(scheme=parts.scheme, host=parts.hostname or "", port=parts.port, target=path)
        async with (
            httpcore2.AsyncConnectionPool(
                ssl_context=trust(probe.ca_file) if parts.scheme == "https" else None,
                max_keepalive_connections=0,
                network_backend=backend,
            ) as pool,
            pool.stream(method, where, headers=_headers(probe, parts.netloc, body), content=body or None) as response,
        ):
            async for piece in response.aiter_stream():
                read += piece
                if len(read) > BODY_BYTES_MAX:
                    whole = False
                    break
            stream = response.extensions.get("network_stream")
            tls = stream.get_extra_info("ssl_object") if stream is not None else None
            location = next((value for name, value in response.headers if name.lower() == b"location"), b"")
            answer = Answer(
                status=response.status,
                body=bytes(read[:BODY_BYTES_MAX]),
                whole=whole,
                url=url,
                address=backend.address,
                expires_at=expiry_of(tls) if tls is not None else None,
            )
    except httpcore2.RemoteProtocolError as error:
        raise Unreachable(f"broke its answer off: {' '.join(str(error).split())[:200]}") from error
    except (httpcore2.NetworkError, httpcore2.TimeoutException, httpcore2.ProtocolError, OSError, ValueError) as error:
        failure = failure_of(error, target_of(msgspec.structs.replace(probe, url=url)))
        if isinstance(failure, Distrusted):
            failure.url = url
        raise failure from error
    return answer, location.decode("latin-1") if answer.status in REDIRECTS else ""


def _headers(probe: Probe, place: str, body: bytes) -> list[tuple[str, str]]:
    own = {"Host": place.rpartition("@")[2], "User-Agent": "Tocsin", "Accept": "*/*", "Accept-Encoding": "identity"}
    if body:
        own["Content-Type"] = "application/json"
    given = {**probe.headers, **({probe.secret_header: probe.secret} if probe.secret else {})}
    names = {name.casefold() for name in given}
    return [*((name, value) for name, value in own.items() if name.casefold() not in names), *given.items()]


def _same_place(url: str, onward: str) -> bool:
    """Whether a redirect stays where the operator sent the probe; from http to https of the same host is staying."""
    one = urlsplit(url)
    try:
        other = urlsplit(onward)
        ports = one.port or PORTS[one.scheme], other.port or PORTS[other.scheme]
    except (KeyError, ValueError):
        return False
    upgraded = (one.scheme, other.scheme) == ("http", "https") and ports[1] == PORTS["https"]
    same = one.scheme == other.scheme and ports[0] == ports[1]
    return one.hostname == other.hostname and (same or upgraded)


# --- judging ---------------------------------------------------------------------------------------------------------


def wrong_with(probe: Probe, answer: Answer) -> str:
    """What is wrong with an answer, or nothing. A wrong status says more than what follows from it."""
    if not _fits(probe, answer.status):
        if answer.moved:
            elsewhere = target_of(msgspec.structs.replace(probe, url=answer.moved))
            return f"answers {answer.status}, which leads elsewhere ({elsewhere}) and is not followed"
        return f"answers {answer.status}, expected {_statuses(probe)}"
    if probe.contains is not None and probe.contains.encode() not in answer.body:
        cut = "" if answer.whole else f" in the first {BODY_BYTES_MAX // 1024} KiB"
        return f"answers {answer.status} without {probe.contains[:80]!r}{cut}"
    if probe.equals and (wrong := _wrong_json(probe, answer)):
        return wrong
    return ""


def _fits(probe: Probe, status: int) -> bool:
    return any(low <= status <= high for low, high in probe.status)


def _statuses(probe: Probe) -> str:
    return " or ".join(str(low) if low == high else f"{low}-{high}" for low, high in probe.status)


def _wrong_json(probe: Probe, answer: Answer) -> str:
    if not answer.whole:
        return f"answers {answer.status} with more than {BODY_BYTES_MAX // 1024} KiB, which is not read as JSON"
    try:
        value = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, RecursionError):
        return f"answers {answer.status} with something that is no JSON"
    for path, wanted in probe.equals.items():
        got = _text(_searched(path, value))
        if got != wanted:
            return f"answers {answer.status} with {path} = {_hidden(probe, got)[:80]}, expected {wanted}"
    return ""


def _searched(path: str, value: Any) -> Any:
    try:
        return jmespath.search(path, value)
    except jmespath.exceptions.JMESPathError:  # a function that this value does not fit
        return None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def shown(probe: Probe, body: bytes) -> str:
    """The beginning of an answer on one line, without a secret of ours that it may repeat."""
    text = " ".join(_hidden(probe, body[: 4 * EXCERPT_MAX].decode("utf-8", "replace")).split())
    printable = "".join(each if each.isprintable() else "\ufffd" for each in text)
    return printable if len(printable) <= EXCERPT_MAX else printable[: EXCERPT_MAX - 1] + "\u2026"


def _hidden(probe: Probe, text: str) -> str:
    """Credentials alone as well as with their scheme."""
    for each in {probe.secret or "", (probe.secret or "").rpartition(" ")[2]}:
        if each:
            text = text.replace(each, "\u2026")
    return text
