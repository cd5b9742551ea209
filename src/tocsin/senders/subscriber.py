"""Webhooks of a status page's subscribers: Atlassian's body as it is, and never to a private address.

Whoever subscribes chooses the address, so that it is an outsider's: `[webhook] allow_private` does not count here.
"""

from __future__ import annotations

import ssl

import msgspec

from tocsin.ports import Message, Receipt
from tocsin.senders.http import TIMEOUT_SECONDS, Poster, receipt_of, target
from tocsin.senders.webhook import header_id


class SubscriberSender:
    """Posts `message.data`. `allow_private`: only for tests, whose servers are on this machine."""

    kind = "subscriber-webhook"

    def __init__(
        self,
        *,
        allow_private: bool = False,
        timeout_seconds: float = TIMEOUT_SECONDS,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._poster = Poster(allow_private=allow_private, timeout_seconds=timeout_seconds, tls=tls)

    async def send(self, message: Message) -> Receipt:
        try:
            to = target(message.method.address)
        except ValueError as error:
            return Receipt(code="bad_address", permanent=True, detail=str(error))
        headers = {"webhook-id": header_id(message.id)}
        if message.unsubscribe_url:
            headers["List-Unsubscribe"] = f"<{message.unsubscribe_url}>"
        body = dict(message.data)
        body["meta"] = dict(body.get("meta") or {}) | {"unsubscribe": message.unsubscribe_url}
        answer = await self._poster.post(to, headers, msgspec.json.encode(body))
        return answer if isinstance(answer, Receipt) else receipt_of(to, answer)

    async def close(self) -> None:
        await self._poster.close()
