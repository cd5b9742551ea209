"""Talking to the server: one request, one JSON answer, and errors in words.

The standard library's client is used because a command line that somebody types at night has to start quickly.
"""

from __future__ import annotations

import ipaddress
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any, BinaryIO
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, ProxyHandler, Request, build_opener

from tocsin.cli.output import FAILURE, NO_MATCH, UNDECIDED, USAGE, fail
from tocsin.setting.config import load
from tocsin.setting.file import ConfigError

URL_DEFAULT = "http://127.0.0.1:8080"
TOKEN_FILE = "cli.token"
URL_FILE = "cli.url"
TIMEOUT_SECONDS = 30.0
LONG_SECONDS = 900.0  # for what is large, or is made while somebody waits
PIECE = 1024 * 1024
ANSWER_MAX = 64 * 1024 * 1024
PAGES_MAX = 1_000  # of a listing that is followed to its end

_CODES = {400: USAGE, 401: FAILURE, 403: FAILURE, 404: NO_MATCH, 409: FAILURE, 503: UNDECIDED}


class Client:
    """The server at `url`, spoken to with `token`."""

    def __init__(self, url: str, token: str | None, host: str | None = None) -> None:
        """`host`: the tenant's, where its name does not lead to this machine."""
        self.url, self._host = url.rstrip("/"), host
        self._token = token
        self._opener = _opener(self.url)

    def get(self, path: str, **query: Any) -> Any:
        return self.call("GET", path, query=query)

    def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """The decoded answer, None when there is none. Ends the command with a text where the server refuses."""
        data = None if body is None else json.dumps(body).encode()
        more = {"Content-Type": "application/json"} if body is not None else {}
        with self._answered(method, path, query, {**more, **(headers or {})}, data, TIMEOUT_SECONDS) as answer:
            return _decoded(answer)

    def upload(self, path: str, content: BinaryIO, size: int, **query: Any) -> Any:
        """The decoded answer to a body of `size` bytes, which is read as it is sent."""
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        with self._answered("POST", path, query, headers, content, LONG_SECONDS) as answer:
            return _decoded(answer)

    def download(
        self, method: str, path: str, out: BinaryIO, body: Mapping[str, Any] | None = None, **query: Any
    ) -> int:
        """How many bytes were written to `out`. Ends the command where fewer came than were said."""
        data = None if body is None else json.dumps(body).encode()
        more = {"Content-Type": "application/json"} if body is not None else {}
        with self._answered(method, path, query, {"Accept": "*/*", **more}, data, LONG_SECONDS) as answer:
            size = 0
            while piece := answer.read(PIECE):
                size += out.write(piece)
            if answer.length:
                fail(
                    f"the answer broke off after {size} bytes: what was to be given is damaged, or the line is", FAILURE
                )
            return size

    @contextmanager
    def _answered(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None,
        headers: Mapping[str, str],
        data: bytes | BinaryIO | None,
        seconds: float,
    ) -> Iterator[HTTPResponse]:
        asked = {name: value for name, value in (query or {}).items() if value not in (None, "", (), [])}
        url = f"{self.url}{path}" + (f"?{urlencode(asked, doseq=True)}" if asked else "")
        request = Request(url, method=method, data=data)
        said = {"Accept": "application/json", **({"Host": self._host} if self._host else {})}
        if self._token:
            said["Authorization"] = f"Bearer {self._token}"
        for name, value in {**said, **headers}.items():
            if not (value.isascii() and value.isprintable()):
                shown = "something else" if name == "Authorization" else repr(value[:60])
                fail(f"{name}: expected printable ASCII, got {shown}", USAGE)
            request.add_header(name, value)
        try:
            with self._opener.open(request, timeout=seconds) as answer:
                yield answer
        except HTTPError as error:
            with error:
                fail(_refusal(error, self._token), _CODES.get(error.code, FAILURE if error.code < 500 else UNDECIDED))
        except (URLError, HTTPException, OSError) as error:
            reason = why(error)
            fail(f"no answer from {self.url}: {reason}; is `tocsin serve` running, and TOCSIN_URL right?", UNDECIDED)

    def items(self, path: str, *, most: int | None = None, **query: Any) -> Iterator[dict[str, Any]]:
        """The items of a listing, following its cursor until `most` came (None: to its end)."""
        cursor: str | None = None
        given = 0
        for _ in range(PAGES_MAX):
            page = self.get(path, cursor=cursor, **query)
            for item in page["items"]:
                if most is not None and given >= most:
                    return
                given += 1
                yield item
            cursor = page.get("next")
            if cursor is None:
                return


def connect() -> Client:
    """The server that TOCSIN_URL names, else the one this directory's configuration describes."""
    return Client(*address(), host())


def host() -> str | None:
    """The host of the tenant on this machine that TOCSIN_TENANT names. Its server left it beside its token."""
    name = os.environ.get("TOCSIN_TENANT")
    if not name or os.environ.get("TOCSIN_URL"):
        return None
    file = _data() / "tenants" / name / "host"
    try:
        return file.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        fail(f"{file}: expected the host of a tenant of this installation; is its name right?", USAGE)


def _data() -> Path:
    try:
        return load(None, os.environ).data
    except ConfigError:
        return Path(os.environ.get("TOCSIN_DATA", "data"))


def address(url: str | None = None) -> tuple[str, str | None]:
    """URL and token of the server: `url`, else what TOCSIN_URL names, else what a server left in the data directory
    when it was started, else what this directory's configuration says.

    Without TOCSIN_TOKEN, the token that a server on this machine leaves in its data directory; it is never sent to
    another machine.
    """
    try:
        config = load(None, os.environ)
        listen, data = config.listen, config.data
        local = f"http://{listen.text}" if listen.port and listen.host not in ("0.0.0.0", "::") else URL_DEFAULT
    except ConfigError:  # a broken file is the server's concern; whoever acknowledges a page does not need it
        local, data = URL_DEFAULT, Path(os.environ.get("TOCSIN_DATA", "data"))
    url = url or os.environ.get("TOCSIN_URL") or _left(data, URL_FILE) or local
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        fail(f"TOCSIN_URL: expected an address such as {URL_DEFAULT}, got {url!r}", USAGE)
    name = os.environ.get("TOCSIN_TENANT")
    house = data / "tenants" / name if name else data
    token = os.environ.get("TOCSIN_TOKEN") or (_left(house, TOKEN_FILE) if _is_local(url) else None)
    return url, token


def part(name: str) -> str:
    """A name as one segment of a path. Without one, the path would be that of all of them."""
    if not name.strip():
        fail(f"expected a name, got {name!r}", USAGE)
    return quote(name, safe="")


def _left(data: Path, name: str) -> str | None:
    try:
        return (data / name).read_text("ascii").strip() or None
    except (OSError, UnicodeDecodeError):
        return None


def _is_local(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class _NoRedirect(HTTPRedirectHandler):
    """A redirect would take the token somewhere else."""

    def redirect_request(self, *args: Any, **more: Any) -> None:
        return None


def _opener(url: str) -> OpenerDirector:
    return build_opener(_NoRedirect(), *([ProxyHandler({})] if _is_local(url) else []))


def why(error: Exception) -> str:
    """Why nobody answered, in words."""
    reason = getattr(error, "reason", error)
    return (reason.strerror if isinstance(reason, OSError) else None) or str(reason)


def _decoded(answer: HTTPResponse) -> Any:
    body = answer.read(ANSWER_MAX)
    if not body:
        return None
    if "json" not in answer.headers.get_content_type():
        fail(f"expected JSON from {answer.url}, got {answer.headers.get_content_type()}; is that a Tocsin?")
    return json.loads(body)


def _refusal(error: HTTPError, token: str | None) -> str:
    """What the server said, in one line per field; what to do, where it is about the token."""
    body = error.read(ANSWER_MAX)
    try:
        problem = json.loads(body)
        detail = problem.get("detail") or problem.get("title") or ""
    except (ValueError, AttributeError):
        detail = body.decode("utf-8", "replace").strip()[:300]
    if error.code == 401 and not token:
        return "the server wants a token: set TOCSIN_TOKEN, or run this where its data directory is (TOCSIN_DATA)"
    return f"{detail or error.reason} ({error.code})"
