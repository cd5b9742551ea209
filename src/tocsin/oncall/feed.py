"""Shifts as an iCalendar feed, for the calendars people already look at.

Instants are written in UTC: a local time of the repeated hour would be ambiguous, and every calendar shows its owner's
zone anyway. A shift keeps its UID while its person and its start stay, so that calendars move it instead of adding it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from tocsin.core.schedule import Gap, Schedule, Shift, coverage_gaps, shifts

BACK, AHEAD = timedelta(days=30), timedelta(days=120)  # the horizon; it moves at local midnight
EVENTS_MAX = 2_000  # hourly turns of four months are more; then the feed ends sooner


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One event of a feed. `person` empty: nobody is on call."""

    schedule: str
    person: str
    start: datetime
    end: datetime
    begins: bool = True  # False: it began before the horizon
    ends: bool = True


def horizon(now: datetime, zone: str) -> tuple[datetime, datetime]:
    """From a local midnight to one, so that the feed is the same all day."""
    day = now.astimezone(ZoneInfo(zone)).replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
    return day - BACK, day + AHEAD


def entries(
    name: str, schedule: Schedule, start: datetime, end: datetime, *, people: Sequence[str] | None = None
) -> list[Entry]:
    """The shifts of a schedule in [start, end), and its gaps; with `people`, in any letter case, only theirs."""
    wanted = None if people is None else {each.casefold() for each in people}
    found: list[Shift | Gap] = [
        each for each in shifts(schedule, start, end) if wanted is None or each.person.casefold() in wanted
    ]
    if wanted is None:
        found += coverage_gaps(schedule, start, end)
    return [
        Entry(
            schedule=name,
            person=each.person if isinstance(each, Shift) else "",
            start=each.start,
            end=each.end,
            begins=each.start > start,
            ends=each.end < end,
        )
        for each in found
    ]


def calendar(title: str, listed: Iterable[Entry], stamp: datetime, *, about: str = "") -> bytes:
    """The feed as text/calendar; the same entries and stamp give the same bytes."""
    icalendar: Any = import_module("icalendar")  # 50 ms that only feeds need
    made = icalendar.Calendar()
    made.add("prodid", "-//Tocsin//on call//EN")
    made.add("version", "2.0")
    made.add("method", "PUBLISH")
    made.add("x-wr-calname", title)
    made.add("x-wr-timezone", "UTC")
    made.add("refresh-interval", timedelta(hours=1), parameters={"VALUE": "DURATION"})
    made.add("x-published-ttl", timedelta(hours=1))
    for each in sorted(listed, key=lambda one: (one.start, one.end, one.schedule, one.person))[:EVENTS_MAX]:
        event = icalendar.Event()
        event.add("uid", uid(each))
        event.add("dtstamp", stamp)
        event.add("dtstart", each.start)
        event.add("dtend", each.end)
        event.add("summary", f"{each.person}: {each.schedule}" if each.person else f"NOBODY on call: {each.schedule}")
        notes = [about] if about else []
        notes += ["It began before this feed does."] if not each.begins else []
        notes += ["It goes on after this feed ends."] if not each.ends else []
        if notes:
            event.add("description", " ".join(notes))
        event.add("transp", "TRANSPARENT")
        made.add_component(event)
    return bytes(made.to_ical())


def uid(entry: Entry) -> str:
    """What names the event as long as person and start stay; of one that began before the horizon, the person alone."""
    begun = entry.start.astimezone(UTC).isoformat() if entry.begins else "before"
    digest = hashlib.sha256("\0".join((entry.schedule, entry.person, begun)).encode()).hexdigest()[:32]
    return f"{digest}@tocsin"
