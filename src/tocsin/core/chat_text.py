"""What a chat message says of an incident, before a dialect writes it; and how each dialect is kept from misreading.

Labels of alerts are other people's text. In a chat they could ring everybody's phone (`<!channel>`, `@everyone`), forge
a link or break the layout, so that every dialect has one function through which all text goes. Only a template that
asks for @channel by itself gets a mention, and never through these functions.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Literal

import msgspec

from tocsin.core.facts import OPEN_STATUSES
from tocsin.core.paging_text import one_line
from tocsin.core.view import IncidentView

Mood = Literal["waiting", "taken", "ended"]
ROW_MAX = 300  # characters of one row; the page of the incident has the rest
BROKEN = "\u200b"  # a zero-width space: looks the same, and no service takes it for a mention


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """An incident as a chat shows it. `rows` hold text, or instants that a dialect may show in the reader's zone.

    It depends on nothing but the incident, so that an unchanged incident gives an unchanged card.
    """

    incident: str
    reference: str
    heading: str
    mood: Mood
    state: str
    rows: tuple[tuple[str, str | datetime], ...]
    url: str


def card(incident: IncidentView, url: str) -> Card:
    """The incident in a few rows: how bad, what, since when, who has it, what is owed next."""
    ended = incident.status not in OPEN_STATUSES
    mood: Mood = "ended" if ended else "taken" if incident.acknowledged_at else "waiting"
    owed = incident.owed_next
    leads = "; ".join(f"{role}: {', '.join(people)}" for role, people in incident.roles.items() if people)
    rows: list[tuple[str, str | datetime]] = [
        ("Severity", incident.severity),
        ("Service", ", ".join(incident.services) or incident.service or ""),
        ("Started", incident.corrected.get("started_at", incident.opened_at)),
        ("Ended", (incident.resolved_at or incident.closed_at or "") if ended else ""),
        ("Alerts", _alerts(incident)),
        ("Impact", incident.impact or ""),
        ("Roles", leads),
        ("Cause", incident.root_cause or ""),
        ("Next", owed.due_at if owed and owed.due_at and not ended else ""),
    ]
    drill = "[DRILL] " if incident.drill else ""
    return Card(
        incident=incident.id,
        reference=incident.reference,
        heading=one_line(f"{drill}[{one_line(incident.severity, 40)}] {one_line(incident.title)}"),
        mood=mood,
        state=one_line(_state(incident), 200),
        rows=tuple((name, value) for name, value in map(_readable, rows) if value),
        url=url,
    )


def _readable(row: tuple[str, str | datetime]) -> tuple[str, str | datetime]:
    name, value = row
    return name, value if isinstance(value, datetime) else one_line(value, ROW_MAX)


def _state(incident: IncidentView) -> str:
    if incident.merged_into:
        return "Merged into another incident"
    if incident.status not in OPEN_STATUSES:
        return f"{incident.status.capitalize()}{f' by {incident.resolved_by}' if incident.resolved_by else ''}"
    if incident.acknowledged_at is None:
        return f"{incident.status.capitalize()}, nobody has it yet"
    return f"{incident.status.capitalize()}, {incident.acknowledged_by or 'somebody'} has it"


def _alerts(incident: IncidentView) -> str:
    if not incident.alert_count:
        return ""
    return f"{incident.firing} firing of {incident.alert_count}"


# --- dialects ---------------------------------------------------------------------------------------------------------


def mrkdwn(text: str) -> str:
    """Slack's markup shows `text` as it is: it has no mention and no link that nobody meant.

    Source: https://docs.slack.dev/messaging/formatting-message-text (only &, < and > are control characters).
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def markdown(text: str) -> str:
    """Markdown (Mattermost, Rocket.Chat, Discord, Teams) shows `text` as it is and rings nobody."""
    return unmentioned(_MARKDOWN.sub(r"\\\g<0>", text))


def wiki(text: str) -> str:
    """Jira's wiki markup shows `text` as it is: no macro, no `[~user]`, no link."""
    return unmentioned(_WIKI.sub(r"\\\g<0>", text))


def html(text: str) -> str:
    """Telegram's HTML shows `text` as it is and rings nobody."""
    return unmentioned(text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))


def unmentioned(text: str) -> str:
    """`@everyone`, `@channel` or `@ana` look the same and are no mentions any more; mail addresses stay whole."""
    return _MENTION.sub("@" + BROKEN, text)


def fitting(text: str, most: int) -> str:
    """`text` within `most` characters, cut at the end of a line where one is near."""
    if len(text) <= most:
        return text
    cut = text[: most - 2]
    line = cut.rfind("\n")
    return (cut[:line] if line > most * 0.8 else cut).rstrip() + "\n…"


_MARKDOWN = re.compile(r"[\\`*_~|<>\[\]#]")
_WIKI = re.compile(r"[\\{}\[\]*_+^~!|?-]")
_MENTION = re.compile(r"(?<![A-Za-z0-9_])@(?=[^\s" + BROKEN + "])")  # a letter before it: a mail address
