"""Times that stand beside a severity under a header that names no clock: they start nothing, and that is said."""

from __future__ import annotations

import re

from tocsin.guide.clocks import clauses, clock_of
from tocsin.guide.entries import Entry, Field, Group
from tocsin.guide.inline import plain
from tocsin.guide.notes import Notes
from tocsin.guide.quantity import read

# "Business hours | After hours": a limit that depends on the time of day has no place in a policy.
SOME_HOURS = re.compile(r"\b(?:after|off|out[\s-]of|outside|business|working|office|core)[\s-]*hours?\b|\bnights?\b|\bweekends?\b|\bholidays?\b|\bovernight\b", re.I)  # fmt: skip
_READ_OTHERWISE = re.compile(r"/|^response\b|^timing\b", re.I)  # two clocks in one cell, several in one
_TIMES = frozenset({"elapsed", "range", "business_days", "business_hours", "interval"})


def report(group: Group, notes: Notes) -> None:
    """One finding per column of a severity table whose cells are times and whose header is not known."""
    if group.form != "table":
        return
    said: set[str] = set()
    for entry in group.entries:
        for field in _unread(entry):
            if field.label not in said:
                said.add(field.label)
                message = f'"{plain(field.value)[:80]}" under {field.label!r}: the header names no clock that is known, so none starts'
                notes.add("GUIDE-UNREAD", "note", field.line, message, 'name the clock, such as "Response time"')


def _unread(entry: Entry) -> list[Field]:
    unknown = (field for field in entry.fields if not clock_of(field.label))
    return [
        field
        for field in unknown
        if not SOME_HOURS.search(field.label) and not _READ_OTHERWISE.search(field.label) and _is_time(field)
    ]


def _is_time(field: Field) -> bool:
    quantity = read(plain(field.value))
    if quantity is not None:
        return quantity.kind in _TIMES and quantity.value != 0
    return len(field.value) <= 200 and any(True for _ in clauses(field.value))
