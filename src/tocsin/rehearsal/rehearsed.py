"""A rehearsal said to people, minute by minute, and to programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from tocsin.core.policy import BusinessHours, Policy
from tocsin.core.promises import Promise
from tocsin.rehearsal.rehearsal import Event
from tocsin.rehearsal.staging import Rehearsed
from tocsin.rehearsal.walls import offset

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MARK = "*"  # behind the guide's words for somebody nobody is bound to


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """One expectation: `name` as written, and what came instead where it failed."""

    name: str
    line: int
    passed: bool
    expected: str
    got: str


def as_text(rehearsed: Rehearsed, zone: ZoneInfo, checked: Sequence[Checked] = ()) -> str:
    return "\n".join([*_head(rehearsed, zone), "", *_timeline(rehearsed, zone), "", *_foot(rehearsed, zone, checked)])


def as_json(rehearsed: Rehearsed, zone: ZoneInfo, checked: Sequence[Checked] = ()) -> dict[str, Any]:
    """`timeline` in order, `promises` as they stood at the end, `pages` per person; instants in UTC."""
    played, found = rehearsed.played, rehearsed.cast
    return {
        "guide": rehearsed.guide,
        "title": rehearsed.policy.title,
        "severity": rehearsed.played.facts[0].severity,  # type: ignore[union-attr]
        "opened_at": _utc(played.opened_at),
        "until": _utc(played.until),
        "zone": zone.key,
        "business_time": _hours(rehearsed.policy),
        "unbound": list(found.unbound),
        "stand_ins": bool(found.stand_ins),
        "unpaged": [_event(each, rehearsed) for each in rehearsed.unpaged],
        "timeline": [_event(each, rehearsed) for each in played.events],
        "promises": [msgspec.to_builtins(each) for each in _ledger(rehearsed)],
        "pages": dict(_pages(rehearsed)),
        "missed": sum(each.state == "missed" for each in played.ledger),
        "status": played.incident.status,
        "severity_at_the_end": played.incident.severity,
        "expectations": [msgspec.to_builtins(each) for each in checked],
    }


def _event(event: Event, rehearsed: Rehearsed) -> dict[str, Any]:
    said = msgspec.to_builtins(event)
    kept = {name: value for name, value in said.items() if value not in ("", None, [], 0) or name == "text"}
    offset_seconds = int((event.at - rehearsed.played.opened_at).total_seconds())
    return {"offset_seconds": offset_seconds, **kept, "at": _utc(event.at)}


def _utc(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}Z"


def _head(rehearsed: Rehearsed, zone: ZoneInfo) -> Iterator[str]:
    played, found = rehearsed.played, rehearsed.cast
    opened = played.opened_at
    severity = played.facts[0].severity  # type: ignore[union-attr]
    yield f"{rehearsed.policy.title}: {severity} at {_wall(opened, zone)} {zone.key} ({opened:%H:%M} UTC)"
    yield f"Business time: {_hours(rehearsed.policy)}"
    if found.stand_ins and found.unbound:
        yield f"Nobody is bound to: {', '.join(found.unbound)}. They stand in the guide's words, marked {_MARK}."
    elif found.unbound:
        yield f"Nobody is bound to: {', '.join(found.unbound)}. As it is now, these words page nobody."
    for event in rehearsed.unpaged:
        yield f"{offset(event.at, opened)}: {event.text}"


def _hours(policy: Policy) -> str:
    hours = policy.business_hours or BusinessHours()
    days = ",".join(_DAYS[day] for day in hours.days)
    holidays = hours.country or "no"
    if hours.country and hours.subdivision:
        holidays += f"-{hours.subdivision}"
    closed = f", closed on {', '.join(hours.closures)}" if hours.closures else ""
    said = "" if policy.business_hours else " (the guide sets none)"
    return f"{days} {hours.opens}-{hours.closes} {hours.zone}, {holidays} holidays{closed}{said}"


def _timeline(rehearsed: Rehearsed, zone: ZoneInfo) -> Iterator[str]:
    played = rehearsed.played
    for event in played.events:
        marked = ", ".join(_marked(person, rehearsed) for person in event.people)
        text = event.text.replace(", ".join(event.people), marked, 1) if event.people else event.text
        if event.kind in ("owed", "missed", "at risk") and event.due_at:
            verb = "was due" if event.kind == "missed" else "due"
            text += f", {verb} {_wall(event.due_at, zone)} ({offset(event.due_at, played.opened_at)})"
        elif event.kind == "owed":
            text += ", without a due time"
        place = f"  [line {event.line}]" if event.line and event.kind == "refused" else ""
        verb = f"refused: {text}" if event.kind == "refused" else text
        yield f"{offset(event.at, played.opened_at):>10}  {_wall(event.at, zone)}  {verb}{place}"
    yield f"{offset(played.until, played.opened_at):>10}  {_wall(played.until, zone)}  the rehearsal ends"


def _foot(rehearsed: Rehearsed, zone: ZoneInfo, checked: Sequence[Checked]) -> Iterator[str]:
    played = rehearsed.played
    yield "Promises, as they stood at the end"
    for promise in _ledger(rehearsed):
        due = f"due {_wall(promise.due_at, zone)}" if promise.due_at else "no due time"
        kept = f", kept {offset(promise.kept_at, played.opened_at)}" if promise.kept_at else ""
        line = f"  (line {promise.source.line})" if promise.source else ""
        yield f"  {promise.state:<8} {promise.text}: {due}{kept}{line}"
    if not played.ledger:
        yield "  none"
    pages = _pages(rehearsed)
    said = ", ".join(f"{_marked(name, rehearsed)} {count}" for name, count in pages.most_common()) or "nobody"
    yield f"Pages: {said}"
    failed = [each for each in checked if not each.passed]
    for each in failed:
        yield f"FAILED line {each.line}: {each.name}"
        yield f"  expected {each.expected}"
        yield f"  got      {each.got}"
    if checked:
        yield f"{len(checked) - len(failed)} of {len(checked)} expectations hold"


def _ledger(rehearsed: Rehearsed) -> list[Promise]:
    far = max(rehearsed.played.until, rehearsed.played.opened_at)
    return sorted(rehearsed.played.ledger, key=lambda each: (each.due_at is None, each.due_at or far, each.key))


def _pages(rehearsed: Rehearsed) -> Counter[str]:
    counts: Counter[str] = Counter()
    for event in rehearsed.played.events:
        if event.kind in ("paged", "nobody"):
            counts.update(event.people)
    return counts


def _marked(name: str, rehearsed: Rehearsed) -> str:
    return name + _MARK if name in rehearsed.cast.stand_ins else name


def _wall(at: datetime, zone: ZoneInfo) -> str:
    wall = at.astimezone(zone)
    return f"{_DAYS[wall.weekday()]} {wall:%Y-%m-%d %H:%M:%S}"
