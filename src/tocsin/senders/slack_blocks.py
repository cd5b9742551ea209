"""Messages as Slack's Block Kit. https://docs.slack.dev/reference/block-kit

What alerts and people wrote goes into `plain_text` and `rich_text`, which Slack shows letter by letter: a label cannot
mention, link or format anything, whatever it says.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from tocsin.core.chat_text import Card, Mood, fitting, mrkdwn
from tocsin.core.paging_text import clock, one_line
from tocsin.ports import Message
from tocsin.senders.cards import card_in

HEADER_MAX = 150
TEXT_MAX = 3000  # of one text object; also what people read in a chat
FALLBACK_MAX = 3000  # of `text`, which notifications and screen readers use
MARKS: dict[Mood, str] = {"waiting": "🚨", "taken": "🛠️", "ended": "✅"}

Block = dict[str, Any]


class Drawn(msgspec.Struct, frozen=True, kw_only=True):
    """A message ready to post: the blocks, and the text for notifications."""

    text: str
    blocks: list[Block]


def drawn(message: Message) -> Drawn:
    """A message of delivery: about one incident as its card with buttons, anything else as its own words."""
    shown = card_in(message)
    return ringing(of_card(shown) if shown else _said(message), message.mention)


def of_card(shown: Card) -> Drawn:
    """The incident with its buttons, as far as they make sense now."""
    heading = f"{MARKS[shown.mood]} {shown.heading} ({shown.reference})"
    runs = [_run(shown.state, bold=True)]
    for name, value in shown.rows:
        runs += [_run(f"\n{name}: ", bold=True), _value(value)]
    return Drawn(
        text=mrkdwn(one_line(f"{heading}: {shown.state}", FALLBACK_MAX)),
        blocks=[
            {"type": "header", "text": _plain(heading, HEADER_MAX)},
            _rich(runs),
            _buttons(shown),
        ],
    )


def reply(text: str) -> Drawn:
    """A few lines in a thread."""
    kept = fitting(text, TEXT_MAX)
    return Drawn(text=mrkdwn(kept), blocks=[_rich([_run(kept)])])


def ringing(given: Drawn, mention: str) -> Drawn:
    """`mention` (channel, here) rings those who are in the channel; empty: nobody."""
    if not mention:
        return given
    told = _rich([{"type": "broadcast", "range": mention}])
    return Drawn(text=f"<!{mention}> {given.text}", blocks=[told, *given.blocks])


def _said(message: Message) -> Drawn:
    """A bundle, an announcement, a test or an alarm: its subject and its text, the links as buttons."""
    urls = [url for url in (message.acknowledge_url, message.incident_url) if url]
    text = "\n".join(line for line in message.text.splitlines() if not line.endswith(tuple(urls)))
    links = [("Acknowledge", message.acknowledge_url), ("Open", message.incident_url)]
    blocks: list[Block] = [
        {"type": "header", "text": _plain(message.subject, HEADER_MAX)},
        _rich([_run(fitting(text.strip(), TEXT_MAX) or message.subject)]),
    ]
    buttons = [
        {"type": "button", "action_id": f"tocsin.link.{n}", "text": _plain(label, 75), "url": url}
        for n, (label, url) in enumerate(links)
        if url and len(url) <= 3000
    ]
    if buttons:
        blocks.append({"type": "actions", "elements": buttons})
    return Drawn(text=mrkdwn(one_line(message.subject, FALLBACK_MAX)), blocks=blocks)


def _buttons(shown: Card) -> Block:
    """Acting buttons for whoever may, and the page for the rest. Their value is the incident; Slack signs it."""
    acts: list[Block] = []
    if shown.mood == "waiting":
        acts.append(_button("acknowledge", "Acknowledge", shown.incident, style="primary"))
    if shown.mood != "ended":
        acts += [
            _button("escalate", "Escalate", shown.incident, style="danger" if shown.mood == "waiting" else ""),
            _button("assign", "Assign", shown.incident),
            _button("update", "Post update", shown.incident),
            _button("resolve", "Resolve", shown.incident),
        ]
    acts.append({"type": "button", "action_id": "tocsin.open", "text": _plain("Open", 75), "url": shown.url})
    return {"type": "actions", "elements": acts}


def _button(action: str, label: str, incident: str, *, style: str = "") -> Block:
    button: Block = {
        "type": "button",
        "action_id": f"tocsin.{action}",
        "text": _plain(label, 75),
        "value": incident,
    }
    return button | ({"style": style} if style else {})


def _plain(text: str, most: int) -> Block:
    return {"type": "plain_text", "text": one_line(text, most) or "-", "emoji": False}


def _rich(runs: list[Block]) -> Block:
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": runs}]}


def _run(text: str, *, bold: bool = False) -> Block:
    return {"type": "text", "text": text or " "} | ({"style": {"bold": True}} if bold else {})


def _value(value: str | datetime) -> Block:
    if isinstance(value, str):
        return _run(value)
    return {
        "type": "date",
        "timestamp": int(value.timestamp()),
        "format": "{date_short_pretty} {time}",
        "fallback": clock(value, "UTC"),
    }
