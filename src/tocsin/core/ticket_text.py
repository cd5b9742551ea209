"""What a ticket says of an incident: its initial details (REQUIREMENTS INT-05), each on a line of its own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec

from tocsin.core.chat_text import Card
from tocsin.core.paging_text import clock, one_line
from tocsin.core.view import IncidentView

DESCRIPTION_MAX = 4000
ALERTS_MAX = 10


class Brief(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket to be written. `marker` names the incident and stands in the ticket, so that it is found again."""

    title: str
    marker: str
    rows: tuple[tuple[str, str], ...]
    description: str
    url: str

    def written(self, escape: Callable[[str], str], bold: str = "**") -> str:
        """The text in a tracker's dialect. A line never begins with what somebody else wrote: it could be a command."""
        lines = [f"- {bold}{name}:{bold} {escape(value)}" for name, value in self.rows]
        told = f"\n\nWhat is known: {escape(one_line(self.description, DESCRIPTION_MAX))}" if self.description else ""
        return "\n".join(lines) + told + f"\n\nThe incident, its timeline and who has it: {self.url}"


def brief(incident: IncidentView, shown: Card) -> Brief:
    """The ticket of an incident as it is now."""
    rows = [("Incident", shown.reference), ("State", shown.state)]
    rows += [(name, clock(value, "UTC") if isinstance(value, datetime) else value) for name, value in shown.rows]
    rows += [("Alert", one_line(alert.title)) for alert in incident.alerts[:ALERTS_MAX]]
    return Brief(
        title=f"{shown.reference} {shown.heading}",
        marker=f"tocsin:{incident.id}",
        rows=tuple(rows),
        description=incident.description,
        url=shown.url,
    )


def ending(incident: IncidentView) -> str:
    """What stands under the ticket when the incident has ended."""
    by = f" by {one_line(incident.resolved_by, 80)}" if incident.resolved_by else ""
    at = f" at {clock(incident.resolved_at, 'UTC')}" if incident.resolved_at else ""
    cause = f" Cause: {one_line(incident.root_cause, 1000)}" if incident.root_cause else ""
    return f"{incident.reference} is {incident.status}{by}{at}.{cause}"
