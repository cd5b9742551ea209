"""A chat's incoming webhook: one JSON body to one secret URL. What the body looks like is the dialect's own file."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Any

import msgspec

from tocsin.core.chat_text import Mood
from tocsin.ports import Message, Receipt
from tocsin.senders.http import TIMEOUT_SECONDS, Answer, Poster, Target, receipt_of, target

Draw = Callable[[Message], dict[str, Any]]
Read = Callable[[Target, Answer], Receipt]
COLOURS: dict[Mood, str] = {"waiting": "#b3261e", "taken": "#b26a00", "ended": "#1b7f3b"}
SAID = "#4a5568"  # of what is about no incident


class HookSender:
    """Posts what `draw` makes of a message; `read` says what the answer means. An address is the webhook's URL.

    Incoming webhooks have no ids and no idempotency keys of their own: an attempt that got no answer may show twice.
    """

    def __init__(
        self,
        kind: str,
        draw: Draw,
        *,
        read: Read = receipt_of,
        query: str = "",
        allow_private: bool = False,
        timeout_seconds: float = TIMEOUT_SECONDS,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.kind = kind
        self._draw = draw
        self._read = read
        self._query = query
        self._poster = Poster(allow_private=allow_private, timeout_seconds=timeout_seconds, tls=tls)

    async def send(self, message: Message) -> Receipt:
        try:
            to = target(message.method.address)
        except ValueError as error:
            return Receipt(code="bad_address", permanent=True, detail=str(error))
        if self._query:
            to = msgspec.structs.replace(to, path=f"{to.path}{'&' if '?' in to.path else '?'}{self._query}")
        answer = await self._poster.post(to, {}, msgspec.json.encode(self._draw(message)))
        return answer if isinstance(answer, Receipt) else self._read(to, answer)

    async def close(self) -> None:
        await self._poster.close()


def unlinked(message: Message) -> str:
    """The message's text without the lines that only carry its links: every dialect shows those in its own way."""
    urls = tuple(url for url in (message.acknowledge_url, message.incident_url) if url)
    return "\n".join(line for line in message.text.splitlines() if not line.endswith(urls)).strip()
