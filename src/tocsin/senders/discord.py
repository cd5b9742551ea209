"""Discord through a channel's webhook. https://docs.discord.com/developers/resources/webhook

`allowed_mentions` is the belt: with an empty list nothing in a message can ring anybody; the escaping is the braces.
"""

from __future__ import annotations

import ssl
from datetime import datetime
from typing import Any

import msgspec

from tocsin.core.chat_text import fitting, markdown
from tocsin.core.paging_text import one_line
from tocsin.ports import Message, Receipt
from tocsin.senders.cards import card_in
from tocsin.senders.hook import COLOURS, SAID, HookSender, unlinked
from tocsin.senders.http import TIMEOUT_SECONDS, Answer, Target, receipt_of

NO_TITLE = "Tocsin"
TITLE_MAX, DESCRIPTION_MAX, VALUE_MAX, FIELDS_MAX = 256, 4096, 1024, 25  # of an embed
EMBED_MAX = 6000  # of all the texts of an embed together
MENTIONS = {"channel": "@everyone", "here": "@here"}
LINK_MAX = 1500  # characters of a link in a description; a bundle's is longer, and its page has a button too


def discord_sender(
    *, allow_private: bool = False, timeout_seconds: float = TIMEOUT_SECONDS, tls: ssl.SSLContext | None = None
) -> HookSender:
    """The sender of kind `discord`; with `wait=true` Discord answers with the message's id."""
    return HookSender(
        "discord",
        body_of,
        read=_accepted,
        query="wait=true",
        allow_private=allow_private,
        timeout_seconds=timeout_seconds,
        tls=tls,
    )


def body_of(message: Message) -> dict[str, Any]:
    """One embed: the incident's card, or the message's own words."""
    shown = card_in(message)
    links = [("Acknowledge", message.acknowledge_url), ("Open", message.incident_url)]
    linked = " · ".join(f"[{label}](<{url}>)" for label, url in links if url and len(url) <= LINK_MAX)
    text = f"**{markdown(shown.state)}**" if shown else _escaped(unlinked(message), 2000)
    title = f"{shown.heading} ({shown.reference})" if shown else one_line(message.subject)
    embed: dict[str, Any] = {
        "title": _escaped(title, TITLE_MAX) or NO_TITLE,  # one made of signs that cannot be shown is empty
        "description": f"{text}\n\n{linked}",
        "color": int((COLOURS[shown.mood] if shown else SAID).removeprefix("#"), 16),
        "fields": [
            {"name": name, "value": _value(value), "inline": len(_value(value)) < 40}
            for name, value in (shown.rows if shown else ())
        ][:FIELDS_MAX],
    }
    if message.incident_url:
        embed["url"] = message.incident_url
    return {
        "username": "Tocsin",
        "content": MENTIONS.get(message.mention, ""),
        "embeds": [embed],
        "allowed_mentions": {"parse": ["everyone"] if message.mention else []},
    }


def _value(value: str | datetime) -> str:
    """An instant in the reader's own zone and words: Discord's `<t:...>`."""
    if isinstance(value, str):
        return _escaped(value, VALUE_MAX // 2)
    return f"<t:{int(value.timestamp())}:f>"


def _escaped(text: str, most: int) -> str:
    """Escaped and still within `most`: what is cut is the text, never the middle of an escape."""
    escaped = markdown(text)
    while len(escaped) > most:
        text = fitting(text, min(len(text) - 1, int(len(text) * most / len(escaped))))
        escaped = markdown(text)
    return escaped


class _Posted(msgspec.Struct):
    id: str
    channel_id: str = ""


def _accepted(to: Target, answer: Answer) -> Receipt:
    receipt = receipt_of(to, answer)
    if receipt.code != "sent":
        return receipt
    try:
        posted = msgspec.json.decode(answer.body, type=_Posted)
    except msgspec.DecodeError:
        return Receipt(code="unknown", detail=f"{to.origin} answered {answer.status}, but not as Discord does")
    return Receipt(code="sent", provider_id=posted.id)
