"""Who carries how much: hours on call, nights, weekends, holidays, pages and pages at night, per person (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from tocsin.core.rotation import Restriction, active, windows
from tocsin.core.schedule import Shift
from tocsin.core.walltime import resolve

NIGHT = (time(22), time(6))  # local time of whoever is on call

Span = tuple[datetime, datetime]


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """Hours may count in several columns: a holiday's night is both. `nights`: in how many nights they were on call."""

    person: str
    hours: float
    shifts: int
    nights: int
    night_hours: float
    weekend_hours: float
    holiday_hours: float
    pages: int
    night_pages: int


def loads(
    shifts: Iterable[Shift], pages: Iterable[tuple[str, datetime]], zones: Mapping[str, str], holidays: frozenset[date]
) -> list[Load]:
    """One row per person, the most hours first. Being on call by two schedules at once counts once."""
    held: dict[str, list[Span]] = {}
    for each in shifts:
        held.setdefault(each.person, []).append((each.start, each.end))
    told: dict[str, list[datetime]] = {}
    for person, at in pages:
        told.setdefault(person, []).append(at)
    found = []
    for person in sorted({*held, *told}):
        zone = zones.get(person, "UTC")
        found.append(_load(person, _joined(held.get(person, [])), told.get(person, []), zone, holidays))
    return sorted(found, key=lambda each: (-each.hours, each.person))


def _load(person: str, spans: list[Span], told: list[datetime], zone: str, holidays: frozenset[date]) -> Load:
    night = Restriction(start=NIGHT[0], end=NIGHT[1], zone=zone)
    weekend = Restriction(days=("SA", "SU"), zone=zone)
    nights = [each for span in spans for each in _overlaps(span, windows(night, *span))]
    return Load(
        person=person,
        hours=_hours(spans),
        shifts=len(spans),
        nights=len(nights),
        night_hours=_hours(nights),
        weekend_hours=_hours([each for span in spans for each in _overlaps(span, windows(weekend, *span))]),
        holiday_hours=_hours([each for span in spans for each in _overlaps(span, _days(span, zone, holidays))]),
        pages=len(told),
        night_pages=sum(active(night, each) for each in told),
    )


def _days(span: Span, zone: str, holidays: frozenset[date]) -> Iterable[Span]:
    clock = ZoneInfo(zone)
    day = span[0].astimezone(clock).date()
    while day <= span[1].astimezone(clock).date():
        if day in holidays:
            wall = datetime.combine(day, time())
            yield resolve(wall, clock), resolve(wall + timedelta(days=1), clock)
        day += timedelta(days=1)


def _overlaps(span: Span, others: Iterable[Span]) -> list[Span]:
    cut = [(max(span[0], start), min(span[1], end)) for start, end in others]
    return [each for each in cut if each[0] < each[1]]


def _joined(spans: list[Span]) -> list[Span]:
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((start.astimezone(UTC), end.astimezone(UTC)))
    return found


def _hours(spans: list[Span]) -> float:
    return round(sum(((end - start) for start, end in spans), timedelta()) / timedelta(hours=1), 2)
