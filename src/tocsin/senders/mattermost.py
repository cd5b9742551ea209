"""Mattermost and Rocket.Chat through their incoming webhooks, which take nearly the same attachments.

https://developers.mattermost.com/integrate/webhooks/incoming and https://docs.rocket.chat/docs/integrations. Both read
Markdown and ring everybody for a bare `@channel` or `@all`, whoever wrote it: labels go through `markdown`.
"""

from __future__ import annotations

import ssl
from datetime import datetime
from typing import Any

import msgspec

from tocsin.core.chat_text import Card, fitting, markdown
from tocsin.core.paging_text import clock, one_line
from tocsin.ports import Message, Receipt
from tocsin.senders.cards import card_in
from tocsin.senders.hook import COLOURS, SAID, HookSender, unlinked
from tocsin.senders.http import TIMEOUT_SECONDS, Answer, Target, receipt_of

TEXT_MAX = 3800  # old Mattermost servers cut at 4,000 characters; Rocket.Chat's default limit is 5,000
ROCKET_MENTIONS = {"channel": "@all", "here": "@here"}


def mattermost_sender(
    *, allow_private: bool = False, timeout_seconds: float = TIMEOUT_SECONDS, tls: ssl.SSLContext | None = None
) -> HookSender:
    """The sender of kind `mattermost`."""
    return HookSender("mattermost", mattermost, allow_private=allow_private, timeout_seconds=timeout_seconds, tls=tls)


def rocketchat_sender(
    *, allow_private: bool = False, timeout_seconds: float = TIMEOUT_SECONDS, tls: ssl.SSLContext | None = None
) -> HookSender:
    """The sender of kind `rocketchat`."""
    return HookSender(
        "rocketchat",
        rocketchat,
        read=_accepted,
        allow_private=allow_private,
        timeout_seconds=timeout_seconds,
        tls=tls,
    )


def mattermost(message: Message) -> dict[str, Any]:
    """The body for Mattermost; a worst-severity page is marked urgent."""
    ring = f"@{message.mention}" if message.mention else ""
    body: dict[str, Any] = {"username": "Tocsin", "text": ring, "attachments": [_attachment(message)]}
    if message.event in ("page", "bundle") and message.rank == 0:
        body["priority"] = {"priority": "urgent"}
    return body


def rocketchat(message: Message) -> dict[str, Any]:
    """The body for Rocket.Chat."""
    return {"alias": "Tocsin", "text": ROCKET_MENTIONS.get(message.mention, ""), "attachments": [_attachment(message)]}


def _attachment(message: Message) -> dict[str, Any]:
    shown = card_in(message)
    text = f"**{markdown(shown.state)}**" if shown else markdown(fitting(unlinked(message), TEXT_MAX // 2))
    links = [("Acknowledge", message.acknowledge_url), ("Open", message.incident_url)]
    linked = " · ".join(f"[{label}]({url})" for label, url in links if url)
    title = f"{shown.heading} ({shown.reference})" if shown else one_line(message.subject)
    return {
        "fallback": one_line(message.subject, 300),
        "color": COLOURS[shown.mood] if shown else SAID,
        "title": markdown(title),
        "title_link": message.incident_url,
        "text": f"{text}\n\n{linked}",
        "fields": _fields(shown) if shown else [],
    }


def _fields(shown: Card) -> list[dict[str, Any]]:
    return [
        {"short": len(_text(value)) < 40, "title": name, "value": markdown(_text(value))} for name, value in shown.rows
    ]


def _text(value: str | datetime) -> str:
    return value if isinstance(value, str) else clock(value, "UTC")


class _Answered(msgspec.Struct):
    success: bool
    error: str = ""


def _accepted(to: Target, answer: Answer) -> Receipt:
    """Rocket.Chat says `success` in the body too; a script of the integration may have refused."""
    receipt = receipt_of(to, answer)
    if receipt.code != "sent":
        return receipt
    try:
        said = msgspec.json.decode(answer.body, type=_Answered)
    except msgspec.DecodeError:
        return Receipt(code="unknown", detail=f"{to.origin} answered {answer.status}, but not as Rocket.Chat does")
    if said.success:
        return receipt
    return Receipt(code="rejected", permanent=True, detail=f"{to.origin}: {one_line(said.error, 160)}")
