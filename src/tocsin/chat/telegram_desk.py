"""What Telegram sends: pressed buttons, and `/start` from somebody who wants to be reached there."""

from __future__ import annotations

import logging
from collections import OrderedDict
from typing import Any, Protocol

from tocsin.chat.desk import Desk, Stranger, Wrong
from tocsin.core import commands as c
from tocsin.core.chat_text import html
from tocsin.core.paging_text import one_line
from tocsin.ports import Receipt

log = logging.getLogger(__name__)
UPDATES_MAX = 5_000
ANSWER_MAX = 190  # characters of what is shown over the button


class Calls(Protocol):
    """The part of the Bot API that answering needs."""

    async def call(self, method: str, /, **arguments: Any) -> dict[str, Any] | Receipt: ...


class TelegramDesk:
    """`update` takes one update, whose secret was verified."""

    def __init__(self, desk: Desk, calls: Calls) -> None:
        self._desk = desk
        self._calls = calls
        self._seen: OrderedDict[int, None] = OrderedDict()

    async def update(self, said: dict[str, Any]) -> None:
        """The update is acted on, once."""
        number = said.get("update_id")
        if not isinstance(number, int) or number in self._seen:
            return
        self._seen[number] = None
        while len(self._seen) > UPDATES_MAX:
            self._seen.popitem(last=False)
        query, message = said.get("callback_query"), said.get("message")
        if isinstance(query, dict):
            await self._pressed(query)
        elif isinstance(message, dict) and str(message.get("text", "")).startswith("/start"):
            await self._started(message)

    async def _pressed(self, query: dict[str, Any]) -> None:
        user = str((query.get("from") or {}).get("id", ""))
        verb, _, incident = str(query.get("data", "")).partition(":")
        try:
            match verb:
                case "ack":
                    found = await self._desk.do(user, incident, c.Acknowledge())
                    text = f"You have {found.reference}" if found.acknowledged_by else found.reference
                case "esc":
                    found = await self._desk.do(user, incident, c.Escalate(because="asked for in Telegram"))
                    text = f"{found.reference} goes to the next level"
                case _:
                    text = "This button is not one of ours"
        except Stranger:
            text = f"Tocsin does not know you. Your id is {user}; an administrator can link it."
        except Wrong as wrong:
            text = str(wrong)
        answer = await self._calls.call(
            "answerCallbackQuery", callback_query_id=str(query.get("id", "")), text=one_line(text, ANSWER_MAX)
        )
        if isinstance(answer, Receipt):
            log.warning("a pressed button could not be answered: %s", answer.detail)

    async def _started(self, message: dict[str, Any]) -> None:
        chat = str((message.get("chat") or {}).get("id", ""))
        text = f"The id of this chat is <code>{html(chat)}</code>. Your administrator adds it as telegram:{html(chat)}."
        answer = await self._calls.call("sendMessage", chat_id=chat, text=text, parse_mode="HTML")
        if isinstance(answer, Receipt):
            log.warning("/start could not be answered: %s", answer.detail)
