"""Microsoft Teams through a Workflows webhook, as an Adaptive Card.

https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using. Text stands in
`TextRun`s, which Teams shows letter by letter: labels can neither format nor mention. A card cannot act without a bot;
its button opens Tocsin's signed link, which belongs to the person that was paged.
"""

from __future__ import annotations

import ssl
from datetime import datetime
from typing import Any

import msgspec

from tocsin.core.chat_text import Card, Mood, fitting
from tocsin.core.paging_text import clock, one_line
from tocsin.ports import Message
from tocsin.senders.cards import card_in
from tocsin.senders.hook import HookSender, unlinked
from tocsin.senders.http import TIMEOUT_SECONDS

BODY_BYTES_MAX = 28 * 1024  # Teams refuses larger messages
URL_MAX = 2048  # of an action, to be on the safe side; the page of the incident acknowledges too
_COLOURS: dict[Mood, str] = {"waiting": "Attention", "taken": "Warning", "ended": "Good"}

Element = dict[str, Any]


def teams_sender(
    *, allow_private: bool = False, timeout_seconds: float = TIMEOUT_SECONDS, tls: ssl.SSLContext | None = None
) -> HookSender:
    """The sender of kind `teams`."""
    return HookSender("teams", body_of, allow_private=allow_private, timeout_seconds=timeout_seconds, tls=tls)


def body_of(message: Message) -> dict[str, Any]:
    """The card in its envelope, within what Teams takes."""
    shown = card_in(message)
    body = _card_body(shown) if shown else _said_body(message, 12_000)
    made = _envelope(message, body)
    if len(msgspec.json.encode(made)) > BODY_BYTES_MAX:
        made = _envelope(message, _said_body(message, 2_000))
    return made


def _envelope(message: Message, body: list[Element]) -> dict[str, Any]:
    links = [("Acknowledge", message.acknowledge_url), ("Open", message.incident_url)]
    actions = [
        {"type": "Action.OpenUrl", "title": title, "url": url} for title, url in links if url and len(url) <= URL_MAX
    ]
    content = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "fallbackText": one_line(message.subject, 300),
        "msteams": {"width": "Full"},
        "body": body,
        "actions": actions,
    }
    return {
        "type": "message",
        "attachments": [
            {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": content}
        ],
    }


def _card_body(shown: Card) -> list[Element]:
    rows = [[_run(f"{name}: ", bold=True), _run(_text(value))] for name, value in shown.rows]
    return [
        _rich([_run(f"{shown.heading} ({shown.reference})", bold=True, size="Large")]),
        _rich([_run(shown.state, bold=True, colour=_COLOURS[shown.mood])]),
        *(_rich(each) for each in rows),
    ]


def _said_body(message: Message, most: int) -> list[Element]:
    lines = fitting(unlinked(message), most).splitlines()
    return [
        _rich([_run(one_line(message.subject), bold=True, size="Large")]),
        *(_rich([_run(line)]) for line in lines if line.strip()),
    ]


def _text(value: str | datetime) -> str:
    return value if isinstance(value, str) else clock(value, "UTC")


def _rich(runs: list[Element]) -> Element:
    return {"type": "RichTextBlock", "inlines": runs}


def _run(text: str, *, bold: bool = False, size: str = "", colour: str = "") -> Element:
    run: Element = {"type": "TextRun", "text": text}
    if bold:
        run["weight"] = "Bolder"
    if size:
        run["size"] = size
    if colour:
        run["color"] = colour
    return run
