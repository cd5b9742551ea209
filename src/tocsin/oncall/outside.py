"""An outside calendar (iCalendar text) as fixed shifts: bounded, and every error names the event.

The recurrences are the library's; wall times become instants by our own rule, because a handoff in an hour that
daylight saving leaves out must not be later for one than for the other.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from tocsin.core.walltime import resolve, zone_named

TEXT_MAX = 1024 * 1024  # bytes; years of a team's calendar are a tenth
EVENTS_MAX = 2_000
SHIFTS_MAX = 5_000  # within the horizon
AHEAD = timedelta(days=400)  # read so far: whoever imports again sees further

_PRIORITY = re.compile(r"^\s*\[L\d+\]\s*")
_TELLING = (
    "UID", "SUMMARY", "STATUS", "ATTENDEE", "DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID",
)  # fmt: skip
_FREQUENCIES = ("HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY")


class Unreadable(ValueError):
    """The text is no calendar that can be taken over; the text of the error names the event."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    person: str
    start: datetime
    end: datetime
    uid: str


def rows(text: bytes, zone: str, start: datetime, end: datetime, person_of: Callable[[str], str | None]) -> list[Row]:
    """Every shift that touches [start, end), whole, by start. `person_of`: a name or mail address -> a person's id.

    An event's summary names its people, by commas; else its attendees do. Times without a zone are `zone`'s. Raises
    Unreadable.
    """
    calendar = _parsed(text)
    events = calendar.walk("VEVENT")
    if len(events) > EVENTS_MAX:
        raise Unreadable(f"calendar: expected at most {EVENTS_MAX} events, got {len(events)}")
    for event in events:
        _check(event, calendar)
    recurring: Any = import_module("recurring_ical_events")
    found: list[tuple[datetime, datetime, ZoneInfo, Any]] = []
    try:
        for event in recurring.of(calendar, skip_bad_series=False).between(start, end):
            found.append(_walls(event, zone))
            if len(found) > SHIFTS_MAX:
                raise Unreadable(f"{_named(event)}: expected at most {SHIFTS_MAX} shifts, got more by then")
    except (TypeError, AttributeError, KeyError, OverflowError) as error:
        raise Unreadable(f"calendar: a series cannot be expanded: {error}") from error
    starts = {(first, str(clock)) for first, _, clock, _ in found}
    made: list[Row] = []
    for first, last, clock, event in found:
        begun = resolve(first, clock)
        done = resolve(last, clock, "first" if (last, str(clock)) in starts else "last")
        if begun < done and str(event.get("STATUS", "")).upper() != "CANCELLED":
            made += [
                Row(person=who, start=begun, end=done, uid=str(event.get("UID"))) for who in _people(event, person_of)
            ]
    return sorted(made, key=lambda each: (each.start, each.person))


def _parsed(text: bytes) -> Any:
    if len(text) > TEXT_MAX:
        raise Unreadable(f"calendar: expected at most {TEXT_MAX} bytes, got {len(text)}")
    try:
        return import_module("icalendar").Calendar.from_ical(text)
    except (ValueError, IndexError, KeyError) as error:
        raise Unreadable(f"calendar: expected iCalendar text, got: {error}") from error


def _check(event: Any, calendar: Any) -> None:
    """What would be wrong, or would never end."""
    for field, problem in event.errors:
        if field in _TELLING:  # a creation date of the year 0 (Google) is nobody's shift
            raise Unreadable(f"{_named(event)}: {field}: {problem}")
    if event.get("UID") is None or event.get("DTSTART") is None:
        raise Unreadable(
            f"{_named(event)}: expected UID and DTSTART, got no {'UID' if event.get('UID') is None else 'DTSTART'}"
        )
    known = {str(each.get("TZID")) for each in calendar.walk("VTIMEZONE")}
    for field in ("DTSTART", "DTEND"):
        name = str(event[field].params.get("TZID", "")) if field in event else ""
        said = event[field].dt if field in event else None
        is_known = isinstance(said, datetime) and said.tzinfo is not None  # Windows' names and vendors' prefixes too
        if name and name not in known and not is_known:
            try:
                zone_named(name)
            except ValueError as error:
                raise Unreadable(f"{_named(event)}: {field}: {error}") from error
    rules = event.get("RRULE", [])
    for rule in rules if isinstance(rules, list) else [rules]:
        frequency, interval = str(rule.get("FREQ", [""])[0]).upper(), rule.get("INTERVAL", [1])[0]
        if frequency not in _FREQUENCIES:
            raise Unreadable(
                f"{_named(event)}: RRULE: expected FREQ {', '.join(_FREQUENCIES)}, got {frequency or 'none'}"
            )
        if not isinstance(interval, int) or interval < 1:
            raise Unreadable(f"{_named(event)}: RRULE: expected INTERVAL 1 or more, got {interval}")
        if any(part in rule for part in ("BYSECOND", "BYMINUTE", "BYHOUR")):
            raise Unreadable(f"{_named(event)}: RRULE: expected one start a period, got BYSECOND, BYMINUTE or BYHOUR")


def _walls(event: Any, zone: str) -> tuple[datetime, datetime, ZoneInfo, Any]:
    begun = event["DTSTART"].dt
    done = (
        event["DTEND"].dt
        if "DTEND" in event
        else begun + (event["DURATION"].dt if "DURATION" in event else timedelta())
    )
    if not isinstance(begun, datetime):  # whole days
        done = done if done > begun else begun + timedelta(days=1)
    first, clock = _wall(begun, zone)
    last, ends = _wall(done, zone)
    if str(ends) != str(clock):  # a flight's times; ours is the start's zone
        last = resolve(last, ends).astimezone(clock).replace(tzinfo=None)
    return first, last, clock, event


def _wall(said: date | datetime, zone: str) -> tuple[datetime, ZoneInfo]:
    if not isinstance(said, datetime):
        return datetime(said.year, said.month, said.day), ZoneInfo(zone)  # noqa: DTZ001  a wall time
    if said.tzinfo is None:
        return said, ZoneInfo(zone)
    if isinstance(said.tzinfo, ZoneInfo):
        return said.replace(tzinfo=None, fold=0), said.tzinfo
    return said.astimezone(UTC).replace(tzinfo=None), ZoneInfo("UTC")


def _people(event: Any, person_of: Callable[[str], str | None]) -> list[str]:
    summary = _PRIORITY.sub("", str(event.get("SUMMARY", ""))).strip()
    said = [each.strip() for each in summary.split(",") if each.strip()]
    found = [person_of(each) for each in said]
    if found and all(found):
        return [each for each in found if each]
    guests = event.get("ATTENDEE", [])
    named = [str(each).partition(":")[2] or str(each) for each in (guests if isinstance(guests, list) else [guests])]
    invited = [each for each in map(person_of, named) if each]
    if invited:
        return invited
    unknown = next((name for name, who in zip(said, found, strict=True) if not who), summary)
    raise Unreadable(f"{_named(event)}: SUMMARY: expected people of the directory, got {unknown!r}")


def _named(event: Any) -> str:
    """How people find the event in their calendar."""
    broken = any(field == "DTSTART" for field, _ in event.errors)
    at = f" at {event['DTSTART'].dt}" if "DTSTART" in event and not broken else ""
    return f"event {str(event.get('SUMMARY', '')) or '(no summary)'!r}{at} (UID {event.get('UID', 'none')})"
