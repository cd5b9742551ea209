"""Pages and announcements through Slack: to a person (`U...`) as the app's own message, or to a channel (`C...`)."""

from __future__ import annotations

from tocsin.core.chat_text import Card
from tocsin.ports import Declined, Message, Receipt
from tocsin.senders.slack_api import SlackApi
from tocsin.senders.slack_blocks import drawn, of_card


class SlackSender:
    """Posts with buttons. A receipt's `provider_id` is `CHANNEL/TS`, by which the message is found again and revised.

    Slack has no idempotency keys: a repeated attempt carries the page's id in the message's metadata.
    """

    kind = "slack"

    def __init__(self, api: SlackApi) -> None:
        self._api = api

    async def send(self, message: Message) -> Receipt:
        made = drawn(message)
        answer = await self._api.call(
            "chat.postMessage",
            channel=message.method.address.strip(),
            text=made.text,
            blocks=made.blocks,
            metadata={
                "event_type": "tocsin_page",
                "event_payload": {"page": message.id, "incident": message.incident, "attempt": message.attempt},
            },
            unfurl_links=False,
            unfurl_media=False,
        )
        if isinstance(answer, Declined):
            return answer.receipt
        return Receipt(code="sent", provider_id=f"{answer.get('channel', '')}/{answer.get('ts', '')}")

    async def revise(self, post: str, shown: Card) -> Receipt:
        """The message `CHANNEL/TS` shows the incident as it is now."""
        channel, _, ts = post.partition("/")
        made = of_card(shown)
        answer = await self._api.call("chat.update", channel=channel, ts=ts, text=made.text, blocks=made.blocks)
        return answer.receipt if isinstance(answer, Declined) else Receipt(code="sent", provider_id=post)

    async def close(self) -> None:
        await self._api.close()
