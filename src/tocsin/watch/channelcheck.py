"""Whether each configured channel would work: its credentials are tried where that can be done without posting."""

from __future__ import annotations

from typing import Literal

import msgspec

from tocsin.core.twoway import Back
from tocsin.ports import Declined, Receipt
from tocsin.senders.slack_api import SlackApi
from tocsin.senders.telegram import TelegramSender
from tocsin.setting.config import Config, Slack, Telegram
from tocsin.wiring.chatting import told_there, trackers_of

SECONDS = 10.0


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """One look at a channel."""

    channel: str
    state: Literal["ok", "warning", "error"]
    text: str


async def looked_at(config: Config) -> list[Channel]:
    """Every configured chat, tracker and source that is told what people do, asked who we are there."""
    found: list[Channel] = []
    if config.slack:
        found += await _slack(config.slack)
    if config.telegram:
        found += await _telegram(config.telegram)
    for told, tracker in trackers_of(config):
        receipt = await tracker.check()
        await tracker.close()
        found.append(_of(f"tracker {told.id}", receipt, f"{told.kind} {told.project}: takes our token"))
    for source in config.sources:
        if source.acknowledge:
            found.append(await _told_there(source.name, source.acknowledge))
    return found


async def _told_there(source: str, back: Back) -> Channel:
    service = told_there(back)
    try:
        receipt = await service.check()
    finally:
        await service.close()
    name = f"source {source}"
    if receipt is None:
        text = f"{back.service}: this key can only be tried with an event; the timeline says when one is refused"
        return Channel(channel=name, state="ok", text=text)
    return _of(name, receipt, f"{back.service} at {back.url or 'its usual address'}: hears what people take")


async def _slack(slack: Slack) -> list[Channel]:
    api = SlackApi(token=slack.bot_token, base_url=slack.api_url, timeout_seconds=SECONDS)
    try:
        me = await api.call("auth.test")
        if isinstance(me, Declined):
            return [_of("slack", me.receipt, "")]
        found = [Channel(channel="slack", state="ok", text=f"{me.get('team')}: signed in as {me.get('user')}")]
        if slack.channel:
            found.append(await _slack_channel(api, slack.channel))
        if slack.app_token:
            opened = await api.call("apps.connections.open", token=slack.app_token)
            receipt = opened.receipt if isinstance(opened, Declined) else Receipt(code="sent")
            found.append(_of("slack", receipt, "Socket Mode takes the app token"))
        elif not slack.signing_secret:
            text = "neither signing_secret nor app_token is set: buttons and /incident do nothing"
            found.append(Channel(channel="slack", state="warning", text=text))
        return found
    finally:
        await api.close()


async def _slack_channel(api: SlackApi, channel: str) -> Channel:
    answer = await api.call("conversations.info", channel=channel)
    if isinstance(answer, Declined):
        return _of("slack", answer.receipt, "")
    known = answer.get("channel", {})
    name = f"#{known.get('name', channel)}"
    if known.get("is_archived"):
        return Channel(channel="slack", state="error", text=f"{name} is archived: nothing can be posted there")
    if not known.get("is_member"):
        return Channel(channel="slack", state="warning", text=f"the app is not in {name}; it will try to join")
    return Channel(channel="slack", state="ok", text=f"{name}: the app is in it")


async def _telegram(told: Telegram) -> list[Channel]:
    sender = TelegramSender(token=told.token, base_url=told.api_url, timeout_seconds=SECONDS)
    try:
        me = await sender.call("getMe")
    finally:
        await sender.close()
    if isinstance(me, Receipt):
        return [_of("telegram", me, "")]
    return [Channel(channel="telegram", state="ok", text=f"signed in as @{me.get('username')}")]


def _of(channel: str, receipt: Receipt, fine: str) -> Channel:
    if receipt.code == "sent":
        return Channel(channel=channel, state="ok", text=fine)
    return Channel(channel=channel, state="error", text=f"{receipt.code}: {receipt.detail}")
