"""What a cell says of a cadence, and whom its column, its row or its place says is told."""

from __future__ import annotations

import re

from tocsin.guide.entries import Entry
from tocsin.guide.inline import plain
from tocsin.guide.quantity import Quantity, normalise, scan


def audience_of(entry: Entry) -> str:
    """Whom the row of a severity tells: the value of its column "Audience"."""
    said = [plain(field.value) for field in entry.fields if re.fullmatch(r"audiences?|recipients?", field.label, re.I)]
    return said[0].casefold() if said and 0 < len(said[0]) <= 60 else ""


def audience_of_place(place: str) -> str:
    """The audience that the heading of a table names: "Customer notification"."""
    told = told_by(re.sub(r"^[\d.]+\s+", "", place.rsplit(" / ", 1)[-1]))
    return "" if told == "stakeholders" else told


def leading(value: str) -> Quantity | None:
    """The interval at the front of a cell, where what follows is no second one: "Daily / ticket updates"."""
    words = plain(value)
    found = scan(words)
    if not found or found[0].kind != "interval" or found[0].start:
        return None
    if len(found) > 1:  # "every 4 h until close; final report within 14 days": what follows is another thing
        between = normalise(words)[found[0].end : found[1].start]
        if any(each.kind == "interval" for each in found[1:]) or not re.search(r"[;.]", between):
            return None
    return found[0] if re.match(r"\s*(?:[/;,(]|until\b|or\b)", normalise(words)[found[0].end :]) else None


def told_by(label: str) -> str:
    """The audience that a column or field names, such as "Customer updates"."""
    found = re.match(r"(customers?|internal|external|executives?|status page|team)\b", label, re.I)
    return (
        {"customer": "customers", "executive": "management", "executives": "management"}.get(
            found[1].casefold(), found[1].casefold()
        )
        if found
        else "stakeholders"
    )
