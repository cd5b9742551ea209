"""`POST /telegram/updates`: Telegram's webhook, verified by the secret token that we gave it.

https://core.telegram.org/bots/api#setwebhook
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Any, Protocol

import msgspec

from tocsin.http.asgi import Answer, BodyGone, BodyTooLarge, Receive, Scope, Send, answer, read_body, request_of

PATH = "/telegram/updates"
HEADER = "x-telegram-bot-api-secret-token"
BODY_MAX = 256 * 1024


class Telegram(Protocol):
    """What answers Telegram (chat/telegram_desk.py)."""

    async def update(self, said: dict[str, Any]) -> None: ...


def secret_token(installation: bytes, bot_token: str) -> str:
    """What Telegram has to say in its header: derived, so that it need not be configured, and new with a new bot."""
    return hmac.new(installation, f"telegram webhook {bot_token}".encode(), hashlib.sha256).hexdigest()


class TelegramApp:
    """The ASGI app behind `/telegram/`. `desk` None: no bot is configured, and everything is refused."""

    def __init__(self, desk: Telegram | None, secret: str) -> None:
        self._desk = desk
        self._secret = secret

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            given = await self._answer(scope, receive)
        except BodyGone:
            return
        except BodyTooLarge as error:
            given = _plain(413, str(error))
        await answer(send, given, head=scope["method"] == "HEAD")

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        if scope["path"] != PATH or self._desk is None:
            return _plain(404, "Telegram is not set up here")
        request = request_of(scope)
        if request.method != "POST":
            return _plain(405, "expected POST", (("allow", "POST"),))
        given = request.headers.get(HEADER, "").encode("utf-8", "replace")
        if not hmac.compare_digest(given, self._secret.encode()):
            return _plain(401, "expected Telegram's secret token")
        body = await read_body(receive, request.headers, BODY_MAX)
        try:
            said = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            said = None
        if not isinstance(said, dict):
            return _plain(400, "body: expected a JSON object")
        await self._desk.update(said)
        return Answer(content_type="")


def _plain(status: int, text: str, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    return Answer(status=status, body=f"{text}\n".encode(), content_type="text/plain; charset=utf-8", headers=headers)
