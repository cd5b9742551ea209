"""Heads of requests, and answers as bytes: what the two places share that read sockets themselves.

Nothing here knows an event loop, so that the porch (`porch/`), which is to be small, can use it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import httptools
import msgspec

from tocsin.intake.outcome import Outcome

BODY_MAX = 16 * 1024 * 1024  # as http.asgi.BODY_MAX: 10 MB bodies are seen for real
HEAD_MAX = 32 * 1024
HEADS_MAX = 512  # heads remembered; a client has one per body length
FIRST = b"POST /api/v2/alerts"
END = b"\r\n\r\n"

_REASONS = {
    200: b"OK",
    400: b"Bad Request",
    401: b"Unauthorized",
    408: b"Request Timeout",
    413: b"Content Too Large",
    422: b"Unprocessable Entity",
    431: b"Request Header Fields Too Large",
    503: b"Service Unavailable",
}


class Head(msgspec.Struct):
    """What matters of a request's head. `fast` False: the ASGI server takes it."""

    fast: bool
    length: int
    keep_alive: bool
    headers: Mapping[str, str]


class _HeadReader:
    """httptools' callbacks: the head of one request."""

    def __init__(self) -> None:
        self.url = b""
        self.headers: list[tuple[str, str]] = []

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.decode("latin-1").lower(), value.decode("latin-1")))


def parsed(raw: bytes) -> Head:
    """The head that these bytes are, up to and with its empty line. Raises httptools.HttpParserError."""
    reader = _HeadReader()
    parser = httptools.HttpRequestParser(reader)
    parser.feed_data(raw)
    headers = dict(reader.headers)
    length = headers.get("content-length", "")
    plain = not ({"transfer-encoding", "expect", "upgrade", "content-encoding"} & headers.keys())
    path = reader.url.partition(b"?")[0]
    fast = (
        plain
        and path == b"/api/v2/alerts"
        and parser.get_method() == b"POST"
        and length.isascii()
        and length.isdigit()
        and len(headers) == len(reader.headers)
        and ("host" in headers or parser.get_http_version() == "1.0")
    )
    return Head(fast, int(length) if fast else 0, parser.should_keep_alive(), headers)


def answer(outcome: Outcome, date: bytes, keep: bool) -> bytes:
    """The whole answer. `date`: the Date header with its line's end. `keep`: the connection stays."""
    status, body = outcome.status, outcome.body
    if status == 200 and keep:
        return fine_answers(date)(outcome.payload)
    lines = [b"HTTP/1.1 %d %b\r\n" % (status, _REASONS.get(status, b"")), date, b"Vary: Origin\r\n"]
    if body:
        lines.append(b"Content-Type: application/json\r\n")
        body += b"\n"
    if outcome.payload:
        lines.append(b"Tocsin-Payload: %d\r\n" % outcome.payload)
    if outcome.retry_after:
        lines.append(b"Retry-After: %d\r\n" % outcome.retry_after)
    if status == 401:
        lines.append(b'WWW-Authenticate: Bearer realm="tocsin"\r\n')
    if not keep:
        lines.append(b"Connection: close\r\n")
    lines.append(b"Content-Length: %d\r\n\r\n" % len(body))
    return b"".join(lines) + body


def fine_answers(date: bytes) -> Callable[[int], bytes]:
    """The whole answer 200 to whoever goes on, by the payload's number."""
    return (b"HTTP/1.1 200 OK\r\n%bTocsin-Payload: %%d\r\nVary: Origin\r\nContent-Length: 0\r\n\r\n" % date).__mod__
