"""One bounded HTTP request, and what its answer means for a page. Redirects are not followed, proxies are not used."""

from __future__ import annotations

import asyncio
import base64
import re
import ssl
from email.utils import parsedate_to_datetime
from functools import cache
from http import HTTPStatus
from typing import Literal
from urllib.parse import unquote, urlsplit

import httpcore2
import msgspec

from tocsin.core.paging_text import one_line
from tocsin.ports import Receipt, ReceiptCode
from tocsin.senders.addresses import Forbidden, Guard

TIMEOUT_SECONDS = 20.0  # for everything: resolve, connect, TLS, send, answer
CONNECT_SECONDS = 8.0
ANSWER_BYTES_MAX = 16 * 1024  # what is read of an answer; the rest is dropped with the connection
CONNECTIONS_MAX = 200
KEEPALIVE_SECONDS = 10.0
SECRET_SHORTEST = 8  # characters of a part of an URL that may be one
SAID_MAX = 160  # characters of an answer that a receipt repeats
URL_MAX = 2048
BODY_SECONDS = 3.0  # for an answer's body, once its status is known

Headers = dict[str, str]
_BAD = re.compile(r"[\x00-\x20\x7f\\]")  # what parsers disagree about, and what breaks a request line


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """A URL taken apart once, so that what is judged is what is called. `authorization`: from the user info, if any."""

    scheme: Literal["http", "https"]
    host: str
    port: int | None
    path: str
    authorization: str | None

    @property
    def origin(self) -> str:
        """Scheme, host and port: what may be shown, unlike the path, which may hold a secret."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + (f":{self.port}" if self.port else "")


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """`credentials`: what the request signed in with, so that nobody repeats it."""

    status: int
    headers: Headers
    body: bytes
    credentials: tuple[str, ...] = ()


def target(url: str) -> Target:
    """The parts of an http or https URL. Raises ValueError saying what is wrong with it."""
    if len(url) > URL_MAX:
        raise ValueError(f"address: expected a URL of at most {URL_MAX} characters, got {len(url)}")
    if _BAD.search(url):
        raise ValueError("address: expected a URL without spaces, control characters or backslashes")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        raise ValueError(f"address: expected an http or https URL, got {one_line(parts.scheme, 20) or 'none'}")
    if not parts.hostname:
        raise ValueError("address: expected a URL with a host")
    try:
        host = parts.hostname.encode("ascii" if parts.hostname.isascii() else "idna").decode("ascii")
    except UnicodeError as error:
        raise ValueError(f"address: expected a host name, got {one_line(parts.hostname, 60)!r}") from error
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(
        scheme="https" if parts.scheme == "https" else "http",
        host=host,
        port=parts.port,
        path="".join(each if each.isascii() else _quoted(each) for each in path),
        authorization=_authorization(parts.username, parts.password),
    )


def _quoted(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "replace"))


def _authorization(username: str | None, password: str | None) -> str | None:
    """Basic for `user:password@`, Bearer for `:token@`."""
    if not username and not password:
        return None
    if not username:
        return f"Bearer {unquote(password or '')}"
    pair = f"{unquote(username)}:{unquote(password or '')}".encode()
    return f"Basic {base64.b64encode(pair).decode()}"


@cache
def system_trust() -> ssl.SSLContext:
    """What the system trusts, read once: that takes most of a tenth of a second, and every channel posts by it. TLS 1.2
    at least, whatever the system allows, and with the ciphers that Python recommends: those with forward secrecy."""
    trust = ssl.create_default_context()
    trust.minimum_version = max(trust.minimum_version, ssl.TLSVersion.TLSv1_2)
    return trust


class Poster:
    """Requests within a time limit, to judged addresses only. `tls`: another trust store than the system's."""

    def __init__(
        self,
        *,
        allow_private: bool,
        timeout_seconds: float = TIMEOUT_SECONDS,
        tls: ssl.SSLContext | None = None,
        answer_bytes_max: int = ANSWER_BYTES_MAX,
    ) -> None:
        self._timeout = timeout_seconds
        self._answer_bytes_max = answer_bytes_max
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=tls or system_trust(),
            max_connections=CONNECTIONS_MAX,
            max_keepalive_connections=CONNECTIONS_MAX,
            keepalive_expiry=KEEPALIVE_SECONDS,
            network_backend=Guard(allow_private=allow_private),
        )

    async def post(self, to: Target, headers: Headers, body: bytes) -> Answer | Receipt:
        """The answer, or the receipt of what prevented one. Never raises for what a network or a server does."""
        return await self.request("POST", to, headers, body)

    async def request(self, method: str, to: Target, headers: Headers, body: bytes = b"") -> Answer | Receipt:
        """As `post`, with another method."""
        try:
            async with asyncio.timeout(self._timeout):
                return await self._request(method, to, headers, body)
        except Forbidden as error:
            return Receipt(code="bad_address", permanent=True, detail=str(error))
        except (TimeoutError, httpcore2.TimeoutException):
            return Receipt(code="timeout", detail=f"{to.origin} did not answer within {self._timeout:g} s")
        except httpcore2.ConnectError as error:
            return Receipt(code="unreachable", detail=f"{to.origin}: {_why(error)}")
        except httpcore2.LocalProtocolError as error:
            return Receipt(code="misconfigured", permanent=True, detail=f"{to.origin}: {_why(error)}")
        except httpcore2.RemoteProtocolError as error:
            dropped = "disconnected" in str(error)
            code: ReceiptCode = "unreachable" if dropped else "unknown"
            return Receipt(code=code, detail=f"{to.origin}: {_why(error)}")
        except (httpcore2.NetworkError, OSError) as error:
            return Receipt(code="unreachable", detail=f"{to.origin}: connection lost before the answer: {_why(error)}")

    async def _request(self, method: str, to: Target, headers: Headers, body: bytes) -> Answer:
        given = {"User-Agent": "Tocsin", "Content-Type": "application/json", "Accept-Encoding": "identity"} | headers
        if to.authorization:
            given["Authorization"] = to.authorization
        timeouts = {"connect": min(CONNECT_SECONDS, self._timeout), "read": self._timeout, "write": self._timeout}
        url = httpcore2.URL(scheme=to.scheme, host=to.host, port=to.port, target=to.path)
        async with self._pool.stream(
            method,
            url,
            headers=list(given.items()),
            content=body,
            extensions={"timeout": timeouts | {"pool": self._timeout}},
        ) as response:
            body_read = await _start_of(response, self._answer_bytes_max)
            return Answer(
                status=response.status,
                headers={name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers},
                body=body_read,
                credentials=_credentials(given.get("Authorization", "")),
            )

    async def close(self) -> None:
        await self._pool.aclose()


async def _start_of(response: httpcore2.Response, most: int) -> bytes:
    """The start of an answer's body, as far as it comes. The status has decided already: a body that stalls or breaks
    off must not make a message that was accepted look like one that was not."""
    read = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in response.aiter_stream():
                read += chunk
                if len(read) >= most:
                    break
    except (TimeoutError, httpcore2.TimeoutException, httpcore2.NetworkError, httpcore2.RemoteProtocolError):
        pass  # what came so far is what there is
    return bytes(read[:most])


def _why(error: BaseException) -> str:
    text = one_line(str(error), SAID_MAX)
    return text or type(error).__name__


def receipt_of(to: Target, answer: Answer) -> Receipt:
    """What an HTTP answer means, by its status alone.

    Source: Standard Webhooks (2xx is success, redirects are not followed, 410 ends it, Retry-After is honoured).
    """
    code, permanent = _meaning(answer.status)
    detail = "" if code == "sent" else f"{to.origin} answered {answer.status}{_phrase(to, answer)}"
    return Receipt(
        code=code,
        permanent=permanent,
        detail=detail,
        retry_after_seconds=None if code == "sent" or permanent else retry_after(answer.headers),
    )


def _meaning(status: int) -> tuple[ReceiptCode, bool]:
    """The code, and whether it is for good. A redirect that is not for good may be a proxy's maintenance page."""
    if 200 <= status < 300:
        return "sent", False
    named: dict[int, tuple[ReceiptCode, bool]] = {
        301: ("bad_address", True),
        308: ("bad_address", True),
        401: ("unauthorised", True),
        403: ("unauthorised", True),
        404: ("bad_address", True),
        408: ("refused", False),
        410: ("gone", True),
        413: ("too_large", True),
        421: ("refused", False),
        425: ("refused", False),
        429: ("throttled", False),
    }
    if status in named:
        return named[status]
    if 400 <= status < 500:
        return "rejected", True
    return ("refused", False) if 300 <= status < 600 else ("unknown", False)


def _phrase(to: Target, answer: Answer) -> str:
    known = answer.status in {each.value for each in HTTPStatus}
    phrase = f" {HTTPStatus(answer.status).phrase}" if known else ""
    moved = one_line(_without_secrets(to, answer, answer.headers.get("location", "")), SAID_MAX)
    said = one_line(_without_secrets(to, answer, answer.body.decode("utf-8", "replace")), SAID_MAX)
    return phrase + (f", to {moved}" if moved and 300 <= answer.status < 400 else "") + (f": {said}" if said else "")


def _without_secrets(to: Target, answer: Answer, text: str) -> str:
    """What a receiver said, without what it repeats of our request: half of them answer `Cannot POST /the/secret`."""
    parts = [to.path, *re.split(r"[/?&=;]", to.path)]
    hidden = {*parts, *map(unquote, parts), *answer.credentials}
    for each in sorted(hidden, key=len, reverse=True):
        if len(each) >= SECRET_SHORTEST:
            text = text.replace(each, "…")
    return text


def _credentials(authorization: str) -> tuple[str, ...]:
    """The credentials of an Authorization header; of Basic ones, the password too."""
    scheme, _, text = authorization.partition(" ")
    if scheme != "Basic":
        return (text,)
    try:
        return text, base64.b64decode(text).decode("utf-8", "replace").partition(":")[2]
    except ValueError:
        return (text,)


def retry_after(headers: Headers) -> int | None:
    """The seconds of a Retry-After header, in either of its forms; a date counts from the answer's own Date."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return int(text[:9])
    try:
        until, sent = parsedate_to_datetime(text), parsedate_to_datetime(headers.get("date", ""))
        return max(0, int((until - sent).total_seconds()))
    except (ValueError, TypeError, OverflowError):
        return None
