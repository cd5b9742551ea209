"""The little that the raw ASGI routes need: reading a bounded body, answering, and looking at a request once."""

from __future__ import annotations

import zlib
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

JSON = "application/json"
BODY_MAX = 16 * 1024 * 1024  # 10 MB bodies are seen for real (10,000 alerts in one post); four at once still fit
BODY_DECODED_MAX = 64 * 1024 * 1024  # gzip packs alerts about 20:1; beyond this a body is a bomb, not a batch
QUERY_FIELDS_MAX = 256


class BodyTooLarge(Exception):
    """The body, or what it unpacks to, is larger than the bound in the text."""


class BodyGone(Exception):
    """The client went away before the whole body came; nothing is to be answered."""


class BadEncoding(Exception):
    """The body's Content-Encoding is unknown, or the body is not what it says."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What goes back. `content_type` empty: no such header, as genuine Alertmanager does for an empty body."""

    status: int = 200
    body: bytes = b""
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A request's head. Header names are lower case; a repeated header keeps the last value."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]

    def all(self, name: str) -> list[str]:
        """Every value of a query field, in order."""
        return [value for key, value in self.query if key == name]

    def one(self, name: str) -> str | None:
        """The last value of a query field, or None."""
        values = self.all(name)
        return values[-1] if values else None


def request_of(scope: Scope) -> Request:
    """The head of an HTTP scope. A query with more than `QUERY_FIELDS_MAX` fields raises ValueError."""
    text = scope.get("query_string", b"").decode("latin-1")
    query = parse_qsl(text, keep_blank_values=True, errors="replace", max_num_fields=QUERY_FIELDS_MAX)
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    return Request(method=scope["method"], path=scope["path"], query=tuple(query), headers=headers)


async def read_body(receive: Receive, headers: Mapping[str, str], limit: int = BODY_MAX) -> bytes:
    """The raw body, at most `limit` bytes. Raises BodyTooLarge, BodyGone."""
    stated = headers.get("content-length", "")
    if stated.isdigit() and int(stated) > limit:
        raise BodyTooLarge(f"body: expected at most {limit} bytes, got {stated}")
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise BodyGone
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise BodyTooLarge(f"body: expected at most {limit} bytes, got more")
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)


def unpacked(body: bytes, headers: Mapping[str, str], limit: int = BODY_DECODED_MAX) -> bytes:
    """The body without its Content-Encoding (gzip or deflate). Raises BodyTooLarge, BadEncoding."""
    encoding = headers.get("content-encoding", "").strip().casefold()
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise BadEncoding(f"content-encoding: expected gzip, deflate or identity, got {encoding!r}")
    decoder = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # 32: told apart by its header, gzip or zlib
    try:
        text = decoder.decompress(body, limit + 1)
    except zlib.error as error:
        raise BadEncoding(f"body: expected {encoding}, got something else ({error})") from None
    if len(text) > limit:
        raise BodyTooLarge(f"body: expected at most {limit} bytes unpacked, got more")
    if not decoder.eof:
        raise BadEncoding(f"body: expected {encoding}, got one that ends in the middle")
    return text


async def answer(send: Send, given: Answer, *, head: bool = False) -> None:
    """Send a whole answer; for HEAD its headers only."""
    headers = [(b"content-length", str(len(given.body)).encode())]
    if given.content_type:
        headers.append((b"content-type", given.content_type.encode("latin-1")))
    headers += [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in given.headers]
    await send({"type": "http.response.start", "status": given.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else given.body})


def as_json(value: Any, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """A JSON answer with the newline that Go's encoder puts after it."""
    return Answer(status=status, body=msgspec.json.encode(value) + b"\n", headers=headers)


def overloaded(because: str, seconds: int = 1) -> Answer:
    """503 with Retry-After: monitoring senders retry a 5xx and give up after a 4xx or 429 (wire-formats.md 2.3)."""
    return as_json({"code": 503, "message": because}, 503, (("retry-after", str(seconds)),))
