"""Incidents in Slack's channels: one message each, kept up to date; and a channel of an incident's own."""

from __future__ import annotations

from typing import Any

from tocsin.core.chat_text import Card
from tocsin.ports import Declined, Receipt
from tocsin.senders.slack_api import SlackApi
from tocsin.senders.slack_blocks import Drawn, of_card, reply

EVENT = "tocsin_message"
PAGES_MAX = 50  # of a listing that is searched for a channel of a known name
PAGE = 200
SUFFIXES_MAX = 5  # names that are tried when somebody else has the incident's
TOPIC_MAX = 250
SEARCHED_MAX = 100  # newest messages among which one of ours is looked for
DONE = Receipt(code="sent")


class SlackRoom:
    """A post is `CHANNEL/TS`. `key` names what is posted: by it a message is found again whose answer was lost."""

    kind = "slack"

    def __init__(self, api: SlackApi) -> None:
        self._api = api

    async def post(self, channel: str, shown: Card, key: str) -> str | Declined:
        """The incident's message is in the channel, which is joined first where that is allowed."""
        made = of_card(shown)
        answer = await self._posted(channel, made, key, None)
        if isinstance(answer, Declined) and answer.error == "not_in_channel":
            joined = await self._api.call("conversations.join", channel=channel)
            if isinstance(joined, Declined):
                return answer
            answer = await self._posted(channel, made, key, None)
        return answer if isinstance(answer, Declined) else f"{answer['channel']}/{answer['ts']}"

    async def reply(self, post: str, text: str, key: str) -> str | Declined:
        """The text is in the post's thread."""
        channel, _, ts = post.partition("/")
        answer = await self._posted(channel, reply(text), key, ts)
        return answer if isinstance(answer, Declined) else f"{channel}/{answer['ts']}"

    async def revise(self, post: str, shown: Card) -> Receipt:
        """The post shows the incident as it is now."""
        channel, _, ts = post.partition("/")
        made = of_card(shown)
        return _receipt(await self._api.call("chat.update", channel=channel, ts=ts, text=made.text, blocks=made.blocks))

    async def find(self, channel: str, key: str, thread: str = "") -> str | Declined | None:
        """The post that carries `key`, among the newest of the channel or of a post's thread."""
        place, _, ts = thread.partition("/") if thread else (channel, "", "")
        method = "conversations.replies" if thread else "conversations.history"
        answer = await self._api.call(
            method, channel=place, ts=ts or None, limit=SEARCHED_MAX, include_all_metadata=True
        )
        if isinstance(answer, Declined):
            return answer
        for message in answer.get("messages", ()):
            metadata = message.get("metadata") or {}
            if metadata.get("event_type") == EVENT and (metadata.get("event_payload") or {}).get("key") == key:
                return f"{place}/{message['ts']}"
        return None

    async def open_channel(self, name: str) -> tuple[str, str] | Declined:
        """(id, name) of a channel of this name that is ours: made now, or by an attempt whose answer was lost.

        Where somebody else has the name, or an archived one of ours, it gets a number.
        """
        last: Declined | None = None
        for n in range(1, SUFFIXES_MAX + 1):
            wanted = name if n == 1 else f"{name[:76]}-{n}"
            answer = await self._api.call("conversations.create", name=wanted)
            if not isinstance(answer, Declined):
                return str(answer["channel"]["id"]), str(answer["channel"]["name"])
            if answer.error != "name_taken":
                return answer
            ours = await self._ours(wanted)
            if isinstance(ours, Declined):
                return ours
            if ours is not None:
                return ours, wanted
            last = answer
        assert last is not None, "at least one name was tried"
        return last

    async def set_topic(self, channel: str, topic: str) -> Receipt:
        return _receipt(await self._api.call("conversations.setTopic", channel=channel, topic=topic[:TOPIC_MAX]))

    async def pin(self, post: str) -> Receipt:
        channel, _, ts = post.partition("/")
        return _receipt(await self._api.call("pins.add", channel=channel, timestamp=ts), "already_pinned")

    async def invite(self, channel: str, users: tuple[str, ...]) -> Receipt:
        """These users are in the channel; who is there already is no mistake."""
        answer = await self._api.call("conversations.invite", channel=channel, users=",".join(users), force=True)
        return _receipt(answer, "already_in_channel", "cant_invite_self")

    async def archive(self, channel: str) -> Receipt:
        return _receipt(await self._api.call("conversations.archive", channel=channel), "already_archived")

    async def _posted(self, channel: str, made: Drawn, key: str, thread: str | None) -> dict[str, Any] | Declined:
        return await self._api.call(
            "chat.postMessage",
            channel=channel,
            text=made.text,
            blocks=made.blocks,
            metadata={"event_type": EVENT, "event_payload": {"key": key}},
            thread_ts=thread,
            unfurl_links=False,
            unfurl_media=False,
        )

    async def _ours(self, name: str) -> str | Declined | None:
        """The id of an open channel of this name that this app made."""
        me = await self._api.call("auth.test")
        if isinstance(me, Declined):
            return me
        cursor = ""
        for _ in range(PAGES_MAX):
            answer = await self._api.call(
                "conversations.list", types="public_channel", limit=PAGE, exclude_archived=True, cursor=cursor
            )
            if isinstance(answer, Declined):
                return answer
            for channel in answer.get("channels", ()):
                if channel.get("name") == name:
                    return str(channel["id"]) if channel.get("creator") == me.get("user_id") else None
            cursor = (answer.get("response_metadata") or {}).get("next_cursor", "")
            if not cursor:
                return None
        return None


def _receipt(answer: dict[str, Any] | Declined, *fine: str) -> Receipt:
    """The receipt of a call; `fine`: words of Slack's that mean it is so already."""
    return answer.receipt if isinstance(answer, Declined) and answer.error not in fine else DONE
