"""Rows of events: iCal events with their recurrences, weekly templates, and events that an override cuts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
from dateutil.rrule import rrulestr

from tocsin.core.schedule import Shift
from tocsin.core.walltime import Gap, resolve, wall_at
from tocsin.oncall.form import span, zone_of
from tocsin.oncall.nodes import Malformed, Node

OCCURRENCES_MAX = 100_000  # of one event within one query

_PRIORITY = re.compile(r"^\s*\[L\d+\]\s*")
_UNTIL = re.compile(r"UNTIL=(\d{8}T\d{6})Z")
_DURATION = re.compile(r"\+?P(?:(\d{1,3})W)?(?:(\d{1,4})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,6})M)?(?:(\d{1,8})S)?)?")
_LENGTHS = (
    ("duration_minutes", timedelta(minutes=1)),
    ("duration_hours", timedelta(hours=1)),
    ("duration_seconds", timedelta(seconds=1)),
    ("duration_wall_days", timedelta(days=1)),
)
_CONTEXT = timedelta(days=2)


class Occurrence(msgspec.Struct, frozen=True, kw_only=True):
    person: str
    start: datetime
    end: datetime
    all_day: bool = False


class _Event(msgspec.Struct, frozen=True, kw_only=True):
    """`start` is a wall time in `zone`; it lasts a wall-clock length, and then `exact` time."""

    uid: str
    people: tuple[str, ...]
    start: datetime
    length: timedelta
    exact: timedelta
    zone: ZoneInfo
    all_day: bool
    rules: tuple[str, ...]
    added: tuple[datetime, ...]  # wall times besides those of the rules
    skipped: tuple[datetime, ...]  # wall times left out
    replaces: datetime | None  # the wall time of the occurrence that this one stands for
    onwards: bool  # and for all that follow it
    cancelled: bool
    node: Node


def ical_occurrences(node: Node, start: datetime, end: datetime) -> list[Occurrence]:
    """What the events of a vector come to in [start, end], whole, by start.

    A RECURRENCE-ID replaces that one occurrence; a cancelled event does not happen; a day is one of the event's zone.
    """
    default = ZoneInfo(zone_of(node))
    events = [_event(each, default) for each in node.need("ical_events").each()]
    replaced = {(each.uid, _at(each.replaces, each)) for each in events if each.replaces is not None}
    onwards = sorted((each for each in events if each.onwards), key=lambda each: _at(each.replaces, each))
    reach = max([each.length + each.exact + _moved(each) for each in events], default=timedelta())
    found: list[Occurrence] = []
    for event in events:
        for wall in _starts(event, start, end, reach):
            first = _at(wall, event)
            if event.replaces is None and ((event.uid, first) in replaced or wall in event.skipped):
                continue
            stands_for = [each for each in onwards if each.uid == event.uid and _at(each.replaces, each) < first]
            if event.replaces is None and stands_for:
                found += _occurrences(
                    stands_for[-1], first + (_at(None, stands_for[-1]) - _at(stands_for[-1].replaces, stands_for[-1]))
                )
            else:
                found += _occurrences(event, first)
    touching = [each for each in found if each.start <= end and each.end >= start]
    return sorted(touching, key=lambda each: (each.start, each.person))


def _occurrences(event: _Event, first: datetime) -> Iterator[Occurrence]:
    """The event as it happens from `first` on, once for each of its people; nothing if it is cancelled."""
    wall = wall_at(first, event.zone).replace(fold=0)
    last = (resolve(wall + event.length, event.zone, "last") if event.length else first) + event.exact
    if not event.cancelled:
        for person in event.people:
            yield Occurrence(person=person, start=first, end=last, all_day=event.all_day)


def _moved(event: _Event) -> timedelta:
    return abs(event.start - event.replaces) if event.replaces is not None and event.onwards else timedelta()


def template_events(node: Node, gap: Gap = "after") -> Iterator[tuple[datetime, datetime]]:
    """The events of a weekly template in the weeks that the query names; offsets are wall-clock seconds.

    Events of a template hand off to each other, so their ends are the first occurrence of a repeated wall time too.
    """
    template = node.need("template")
    zone = ZoneInfo(zone_of(template))
    for epoch in node.need("query").need("epochs").each():
        midnight = epoch.wall()
        for event in template.need("events").each():
            start = midnight + timedelta(seconds=event.need("start_offset_s").number())
            length = event.need("duration_s")
            if length.number() <= 0:
                raise length.fail("a duration above 0")
            yield (
                resolve(start, zone, "first", gap),
                resolve(start + timedelta(seconds=length.number()), zone, "first", gap),
            )


def overridden(node: Node) -> list[Shift]:
    """The events after one person has taken over a span: one event of theirs, no longer than what there was."""
    taking = node.need("override")
    start, end = span(taking)
    person = taking.need("user").text()
    kept: list[Shift] = []
    touched: list[Shift] = []
    for each in node.need("events").each():
        first, last = span(each)
        event = Shift(person=each.need("user").text(), start=first, end=last)
        if last <= start or first >= end:
            kept.append(event)
            continue
        touched.append(event)
        if first < start:
            kept.append(Shift(person=event.person, start=first, end=start))
        if last > end:
            kept.append(Shift(person=event.person, start=end, end=last))
    if not touched:
        raise Malformed(taking.path, "expected a span with at least one event in it, got none")
    first, last = min(each.start for each in touched), max(each.end for each in touched)
    kept.append(Shift(person=person, start=max(start, first), end=min(end, last)))
    return sorted(kept, key=lambda each: (each.start, each.end, each.person))


def _event(node: Node, default: ZoneInfo) -> _Event:
    replaces, status, uid = node.get("recurrence_id", "recurrence_id_date"), node.get("status"), node.get("uid")
    all_day = node.get("dtstart_date") is not None
    begins = node.need("dtstart_date", "dtstart") if all_day else node.need("dtstart")
    zone = _zone(node, begins, default)
    start = _wall(begins, zone)
    length, exact = _length(node, start, zone, all_day=all_day)
    reach = node.get("range")
    summary = _PRIORITY.sub("", node.need("summary", "user").text())
    return _Event(
        uid=uid.text() if uid is not None else str(node.path),
        people=tuple(each.strip() for each in summary.split(",") if each.strip()) or (summary.strip(),),
        start=start,
        length=length,
        exact=exact,
        zone=zone,
        all_day=all_day,
        rules=tuple(each.text() for each in _several(node, "rrule")),
        added=tuple(_wall(each, zone) for each in _several(node, "rdate", "rdate_date")),
        skipped=tuple(_wall(each, zone) for each in _several(node, "exdate", "exdate_date")),
        replaces=_wall(replaces, zone) if replaces is not None else None,
        onwards=reach is not None and reach.choice("THISANDFUTURE") == "THISANDFUTURE",
        cancelled=status is not None and status.text().upper() == "CANCELLED",
        node=node,
    )


def _zone(node: Node, begins: Node, default: ZoneInfo) -> ZoneInfo:
    """The event's own zone: named, or UTC where it starts in UTC, as then its recurrences do; else the calendar's."""
    named = node.get("tzid")
    if named is not None:
        return ZoneInfo(named.zone())
    return ZoneInfo("UTC") if re.search(r"[0-9]Z$", begins.text()) else default


def _several(node: Node, *names: str) -> list[Node]:
    """What stands under these names, each one value or a list of them."""
    found = [each for name in names if (each := node.get(name)) is not None]
    return [one for each in found for one in (each.each() if isinstance(each.value, list) else [each])]


def _length(node: Node, start: datetime, zone: ZoneInfo, *, all_day: bool) -> tuple[timedelta, timedelta]:
    """How long the event lasts by the clock, and in exact time after that. A duration's weeks and days go by the clock,
    its hours do not (RFC 5545, 3.3.6)."""
    ends, named, said = (
        node.get("dtend_date") if all_day else node.get("dtend"),
        node.get("dtend_tzid"),
        node.get("duration"),
    )
    if ends is not None:
        end = _wall(ends, ZoneInfo(named.zone()) if named is not None else zone)
        if named is not None:
            end = wall_at(resolve(end, ZoneInfo(named.zone())), zone).replace(fold=0)
        if end < start:
            raise Malformed(node.path, "expected an end after the start")
        return end - start, timedelta()
    if said is not None:
        match = _DURATION.fullmatch(said.text().upper())
        if match is None or not any(match.groups()):
            raise said.fail("a duration such as PT8H or P1D")
        weeks, days, hours, minutes, seconds = (int(each or 0) for each in match.groups())
        return timedelta(weeks=weeks, days=days), timedelta(hours=hours, minutes=minutes, seconds=seconds)
    for name, unit in _LENGTHS:
        length = node.get(name)
        if length is not None:
            return length.number(0) * unit, timedelta()
    return timedelta(days=1 if all_day else 0), timedelta()


def _wall(node: Node, zone: ZoneInfo) -> datetime:
    """A local time; one with an offset is shown in the event's zone."""
    if re.search(r"(?:Z|[+-]\d\d:?\d\d)$", node.text()[10:]):
        return wall_at(node.instant(), zone).replace(fold=0)
    return node.wall()


def _at(wall: datetime | None, event: _Event) -> datetime:
    return resolve(wall or event.start, event.zone)


def _starts(event: _Event, start: datetime, end: datetime, reach: timedelta) -> Iterator[datetime]:
    """The wall times at which the event starts and that may matter for [start, end], each once, in order."""
    if not event.rules:
        yield from sorted({event.start, *event.added})
        return
    low = wall_at(start, event.zone).replace(fold=0) - reach - _CONTEXT
    high = wall_at(end, event.zone).replace(fold=0) + reach + _CONTEXT
    walls = {wall for wall in event.added if low <= wall <= high}
    for said in event.rules:
        text = _UNTIL.sub(lambda found: f"UNTIL={_local(found[1], event.zone)}", said.upper().removeprefix("RRULE:"))
        try:
            rule = rrulestr(text, dtstart=event.start)
        except ValueError as error:
            raise Malformed(
                (*event.node.path, "rrule"), f"expected a recurrence rule, got {text!r}: {error}"
            ) from error
        for number, wall in enumerate(rule.between(low, high, inc=True)):
            if number >= OCCURRENCES_MAX:
                raise Malformed(
                    (*event.node.path, "rrule"), f"expected at most {OCCURRENCES_MAX} occurrences in a query"
                )
            walls.add(wall)
    yield from sorted(walls)


def _local(text: str, zone: ZoneInfo) -> str:
    until = datetime.strptime(text, "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    return wall_at(until, zone).strftime("%Y%m%dT%H%M%S")
