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
_CONTEXT = timedelta(days=2)


class Occurrence(msgspec.Struct, frozen=True, kw_only=True):
    person: str
    start: datetime
    end: datetime
    all_day: bool = False


class _Event(msgspec.Struct, frozen=True, kw_only=True):
    """`start` and `end` are wall times in `zone`."""

    uid: str
    person: str
    start: datetime
    end: datetime
    zone: ZoneInfo
    all_day: bool
    rrule: str | None
    skipped: tuple[datetime, ...]  # wall times left out
    replaces: datetime | None  # the wall time of the occurrence that this one stands for
    cancelled: bool
    node: Node


def ical_occurrences(node: Node, start: datetime, end: datetime) -> list[Occurrence]:
    """What the events of a vector come to in [start, end], whole, by start.

    A RECURRENCE-ID replaces that one occurrence; a cancelled event does not happen; a day is one of the event's zone.
    """
    default = ZoneInfo(zone_of(node))
    events = [_event(each, default) for each in node.need("ical_events").each()]
    replaced = {(each.uid, _at(each.replaces, each)) for each in events if each.replaces is not None}
    found = []
    for event in events:
        if event.cancelled:
            continue
        length = event.end - event.start
        for wall in _starts(event, start, end, length):
            first = _at(wall, event)
            if event.replaces is None and ((event.uid, first) in replaced or wall in event.skipped):
                continue
            last = resolve(wall + length, event.zone, "last")
            if first <= end and last >= start:
                found.append(Occurrence(person=event.person, start=first, end=last, all_day=event.all_day))
    return sorted(found, key=lambda each: (each.start, each.person))


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
    named, rule, replaces, status = (
        node.get("tzid"),
        node.get("rrule"),
        node.get("recurrence_id", "recurrence_id_date"),
        node.get("status"),
    )
    zone = ZoneInfo(named.zone()) if named is not None else default
    all_day = node.get("dtstart_date") is not None
    start = _wall(node.need("dtstart_date", "dtstart") if all_day else node.need("dtstart"), zone)
    ends = node.get("dtend_date") if all_day else node.get("dtend")
    minutes = node.get("duration_minutes")
    if ends is not None:
        end = _wall(ends, zone)
    elif minutes is not None:
        end = start + timedelta(minutes=minutes.number(0))
    else:
        end = start + timedelta(days=1 if all_day else 0)
    if end < start:
        raise Malformed(node.path, "expected an end after the start")
    uid = node.get("uid")
    skipped = node.get("exdate")
    left_out = [] if skipped is None else list(skipped.each()) if isinstance(skipped.value, list) else [skipped]
    return _Event(
        uid=uid.text() if uid is not None else str(node.path),
        person=_PRIORITY.sub("", node.need("summary", "user").text()).strip(),
        start=start,
        end=end,
        zone=zone,
        all_day=all_day,
        rrule=rule.text() if rule is not None else None,
        skipped=tuple(_wall(each, zone) for each in left_out),
        replaces=_wall(replaces, zone) if replaces is not None else None,
        cancelled=status is not None and status.text().upper() == "CANCELLED",
        node=node,
    )


def _wall(node: Node, zone: ZoneInfo) -> datetime:
    """A local time; one with an offset is shown in the event's zone."""
    if re.search(r"(?:Z|[+-]\d\d:?\d\d)$", node.text()[10:]):
        return wall_at(node.instant(), zone).replace(fold=0)
    return node.wall()


def _at(wall: datetime | None, event: _Event) -> datetime:
    return resolve(wall or event.start, event.zone)


def _starts(event: _Event, start: datetime, end: datetime, length: timedelta) -> Iterator[datetime]:
    if event.rrule is None:
        yield event.start
        return
    text = _UNTIL.sub(lambda found: f"UNTIL={_local(found[1], event.zone)}", event.rrule.removeprefix("RRULE:"))
    try:
        rule = rrulestr(text, dtstart=event.start)
    except ValueError as error:
        raise Malformed((*event.node.path, "rrule"), f"expected a recurrence rule, got {text!r}: {error}") from error
    low = wall_at(start, event.zone).replace(fold=0) - length - _CONTEXT
    high = wall_at(end, event.zone).replace(fold=0) + _CONTEXT
    for number, wall in enumerate(rule.between(low, high, inc=True)):
        if number >= OCCURRENCES_MAX:
            raise Malformed((*event.node.path, "rrule"), f"expected at most {OCCURRENCES_MAX} occurrences in a query")
        yield wall


def _local(text: str, zone: ZoneInfo) -> str:
    until = datetime.strptime(text, "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    return wall_at(until, zone).strftime("%Y%m%dT%H%M%S")
