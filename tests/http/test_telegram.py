"""Telegram's webhook: only with the secret we gave it, once, and only for whom we know."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from tocsin.http.telegram import HEADER, TelegramApp, secret_token

SECRET = secret_token(b"k" * 32, "1:abc")


class Desk:
    def __init__(self) -> None:
        self.said: list[dict[str, Any]] = []

    async def update(self, said: dict[str, Any]) -> None:
        self.said.append(said)


def asked(desk: Desk | None, body: bytes = b'{"update_id":1}', *, method: str = "POST", **headers: str) -> int:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": "/telegram/updates",
        "query_string": b"",
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
    }
    asyncio.run(TelegramApp(desk, SECRET)(scope, receive, send))
    return int(sent[0]["status"])


def test_an_update_with_the_secret_is_handed_on():
    desk = Desk()

    assert asked(desk, **{HEADER: SECRET}) == 200
    assert desk.said == [{"update_id": 1}]


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b'"\xff"', b"[" * 100_000])
def test_what_is_no_update_is_refused_or_ignored(body: bytes):
    desk = Desk()

    assert asked(desk, body, **{HEADER: SECRET}) < 500
    assert desk.said == []


def test_without_the_secret_nothing_is():
    desk = Desk()

    assert asked(desk) == 401
    assert asked(desk, **{HEADER: SECRET[:-1]}) == 401
    assert asked(desk, **{HEADER: secret_token(b"k" * 32, "2:other")}) == 401
    assert asked(None, **{HEADER: SECRET}) == 404
    assert asked(desk, method="GET", **{HEADER: SECRET}) == 405
    assert desk.said == []


def test_what_is_no_update_is_refused_in_words():
    for body in (b"", b"[]", b"garbage", b"\xff", msgspec.json.encode("x")):
        assert asked(Desk(), body, **{HEADER: SECRET}) == 400
