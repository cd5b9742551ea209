"""The requests that `tocsin alert` and `tocsin silence` make. Standard library only: a command line starts often."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from tocsin.cli.client import address, host, why

TIMEOUT_SECONDS = 30.0
ERROR_TEXT_MAX = 2_000


class Failed(Exception):
    """The server could not be reached, or said no. `status` None: not reached."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class Client:
    """One Tocsin (or Alertmanager) at `url`; without a token it is asked as this machine's loopback."""

    def __init__(self, url: str, token: str | None, timeout: float = TIMEOUT_SECONDS, host: str | None = None) -> None:
        self._url, self._host = url.rstrip("/"), host
        self._token = token
        self._timeout = timeout
        local = urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")
        proxies = urllib.request.ProxyHandler({}) if local else urllib.request.ProxyHandler()
        self._opener = urllib.request.build_opener(proxies)  # a proxy cannot reach this machine's own loopback

    def get(self, path: str, query: Iterable[tuple[str, str]] = ()) -> Any:
        text = urlencode(list(query))
        return self._ask("GET", f"{path}?{text}" if text else path)

    def post(self, path: str, body: Any) -> Any:
        return self._ask("POST", path, json.dumps(body).encode())

    def delete(self, path: str) -> Any:
        return self._ask("DELETE", path)

    def _ask(self, method: str, path: str, body: bytes | None = None) -> Any:
        headers = {"Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if self._host:
            headers["Host"] = self._host
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        request = urllib.request.Request(f"{self._url}{path}", data=body, headers=headers, method=method)
        try:
            with self._opener.open(request, timeout=self._timeout) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            with error:
                raise Failed(_told(error.code, error.read()), error.code) from None
        except (OSError, ValueError) as error:
            raise Failed(f"{self._url} did not answer: {why(error)}") from None
        try:
            return json.loads(text) if text.strip() else None
        except ValueError:
            raise Failed(f"{self._url}{path} answered something that is not JSON") from None


def client(url: str | None, timeout: float = TIMEOUT_SECONDS) -> Client:
    """The server at `url`, else the one that the environment or this directory's configuration describes."""
    return Client(*address(url), timeout, None if url else host())


def segment(text: str) -> str:
    """The text as one segment of a path."""
    return quote(text, safe="")


def _told(status: int, body: bytes) -> str:
    """What the server said, out of the forms errors have: a JSON string, go-openapi's, a problem, or plain text."""
    text = body.decode("utf-8", "replace").strip()
    try:
        value = json.loads(text)
    except ValueError:
        value = text
    if isinstance(value, dict):
        value = value.get("detail") or value.get("message") or value.get("title") or text
    return f"{value}"[:ERROR_TEXT_MAX] or f"the server answered {status}"
