"""Telegram through a bot of one's own. https://core.telegram.org/bots/api

An address is a chat's id: a person who pressed Start, or a group the bot is in. The Acknowledge button comes back as a
callback query (http/telegram.py), and the message is edited when the incident changes.
"""

from __future__ import annotations

import ssl
from datetime import datetime
from typing import Any

import msgspec

from tocsin.core.chat_text import Card, Mood, fitting, html
from tocsin.core.paging_text import clock, one_line
from tocsin.ports import Message, Receipt, ReceiptCode
from tocsin.senders.cards import card_in
from tocsin.senders.hook import unlinked
from tocsin.senders.http import TIMEOUT_SECONDS, Answer, Poster, receipt_of, target

API = "https://api.telegram.org"
TEXT_MAX = 3500  # of 4,096 characters, entities counted after parsing
CALLBACK_MAX = 64  # bytes of a button's data
_MARKS: dict[Mood, str] = {"waiting": "🚨", "taken": "🛠️", "ended": "✅"}

_SAID: tuple[tuple[str, ReceiptCode], ...] = (  # words of `description`, which is all that tells them apart
    ("chat not found", "channel_unknown"),
    ("bot was blocked", "person_gone"),
    ("user is deactivated", "person_gone"),
    ("bot was kicked", "not_in_channel"),
    ("bot is not a member", "not_in_channel"),
    ("bot can't initiate", "not_in_channel"),
    ("not enough rights", "missing_scope"),
    ("message is too long", "too_large"),
    ("group chat was upgraded", "bad_address"),
)


class _Parameters(msgspec.Struct, frozen=True):
    retry_after: int | None = None
    migrate_to_chat_id: int | None = None


class _Answered(msgspec.Struct, frozen=True):
    ok: bool
    result: Any = None
    description: str = ""
    parameters: _Parameters = _Parameters()


class TelegramSender:
    """Sends with buttons. A receipt's `provider_id` is `CHAT/MESSAGE`. The token stands in every URL and in no log."""

    kind = "telegram"

    def __init__(
        self,
        *,
        token: str,
        base_url: str = API,
        timeout_seconds: float = TIMEOUT_SECONDS,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._base = base_url.rstrip("/")
        self._token = token
        self._poster = Poster(allow_private=True, timeout_seconds=timeout_seconds, tls=tls)

    async def send(self, message: Message) -> Receipt:
        shown = card_in(message)
        text = card_html(shown) if shown else said_html(message)
        answer = await self.call(
            "sendMessage",
            chat_id=message.method.address.strip(),
            text=text,
            parse_mode="HTML",
            link_preview_options={"is_disabled": True},
            disable_notification=message.event in ("notice", "resolved"),
            reply_markup={"inline_keyboard": _keyboard(message, shown)},
        )
        if isinstance(answer, Receipt):
            return answer
        chat, number = answer.get("chat", {}).get("id", ""), answer.get("message_id", "")
        return Receipt(code="sent", provider_id=f"{chat}/{number}")

    async def revise(self, post: str, shown: Card) -> Receipt:
        """The message `CHAT/MESSAGE` shows the incident as it is now."""
        chat, _, number = post.partition("/")
        if not number.isdecimal():
            return Receipt(code="bad_address", permanent=True, detail=f"no message: {post!r}")
        answer = await self.call(
            "editMessageText",
            chat_id=chat,
            message_id=int(number),
            text=card_html(shown),
            parse_mode="HTML",
            link_preview_options={"is_disabled": True},
            reply_markup={"inline_keyboard": _buttons(shown)},
        )
        if isinstance(answer, Receipt) and "message is not modified" not in answer.detail:
            return answer
        return Receipt(code="sent", provider_id=post)

    async def call(self, method: str, /, **arguments: Any) -> dict[str, Any] | Receipt:
        """The result of a Bot API method, or the receipt of what prevented it."""
        to = target(f"{self._base}/bot{self._token}/{method}")
        answer = await self._poster.post(to, {}, msgspec.json.encode(arguments))
        return answer if isinstance(answer, Receipt) else _read(method, answer, receipt_of(to, answer))

    async def close(self) -> None:
        await self._poster.close()


def _read(method: str, answer: Answer, by_status: Receipt) -> dict[str, Any] | Receipt:
    """The body says more than the status. Where there is no body of Telegram's, the status has to do."""
    try:
        said = msgspec.json.decode(answer.body, type=_Answered)
    except msgspec.DecodeError:
        if by_status.code != "sent":
            return by_status
        return Receipt(code="unknown", detail=f"{method}: the answer is not Telegram's")
    if said.ok:
        return said.result if isinstance(said.result, dict) else {}
    detail = f"Telegram, {method}: {one_line(said.description, 160)}"
    if said.parameters.migrate_to_chat_id:
        detail += f"; its id is now {said.parameters.migrate_to_chat_id}"
    wait = said.parameters.retry_after
    if answer.status == 429:
        return Receipt(code="throttled", detail=detail, retry_after_seconds=wait or by_status.retry_after_seconds)
    if answer.status == 401:
        return Receipt(code="token_revoked", permanent=True, detail=detail)
    for words, code in _SAID:
        if words in said.description.casefold():
            return Receipt(code=code, permanent=True, detail=detail)
    return msgspec.structs.replace(by_status, detail=detail)


def card_html(shown: Card) -> str:
    """The card as Telegram's HTML."""
    lines = [f"{_MARKS[shown.mood]} <b>{html(shown.heading)}</b> ({html(shown.reference)})", html(shown.state), ""]
    lines += [f"<b>{name}:</b> {html(_text(value))}" for name, value in shown.rows]
    return "\n".join(lines)


def said_html(message: Message) -> str:
    """A message's own words as Telegram's HTML."""
    return f"<b>{html(one_line(message.subject))}</b>\n\n{html(fitting(unlinked(message), TEXT_MAX))}"


def _text(value: str | datetime) -> str:
    return value if isinstance(value, str) else clock(value, "UTC")


def _keyboard(message: Message, shown: Card | None) -> list[list[dict[str, str]]]:
    if shown:
        return _buttons(shown)
    links = [("Acknowledge", message.acknowledge_url), ("Open", message.incident_url)]
    return [[{"text": label, "url": url} for label, url in links if url and _reachable(url)]]


def _buttons(shown: Card) -> list[list[dict[str, str]]]:
    row: list[dict[str, str]] = []
    for word, label in (("ack", "Acknowledge"), ("esc", "Escalate")):
        data = f"{word}:{shown.incident}"
        if shown.mood == "waiting" and len(data.encode()) <= CALLBACK_MAX:
            row.append({"text": label, "callback_data": data})
    if _reachable(shown.url):
        row.append({"text": "Open", "url": shown.url})
    return [row]


def _reachable(url: str) -> bool:
    """Telegram refuses a whole message for a button whose URL is on a private host or has no dot in its name."""
    host = url.partition("://")[2].partition("/")[0].partition(":")[0]
    return len(url) <= 2048 and "." in host and not host.replace(".", "").isdecimal()
