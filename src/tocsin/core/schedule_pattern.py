"""A recurring shift with turns: starts at a local wall time, lasts a wall-clock duration, and goes round the groups.

Recurrence as RRULE has it (every n-th hour, day, week or month; by day, month day, month), with two rules of its own.
With days given, "every n days" means n consecutive enabled days for each group, so that nobody starves. And a turn that
would have started before `first_at` is used up silently.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from tocsin.core.rotation import DAYS
from tocsin.core.walltime import resolve, wall_at

PatternUnit = Literal["hour", "day", "week", "month"]

_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)
_CONTEXT = timedelta(days=2)  # beyond a query: clocks differ from UTC, and change, by less than this


class Pattern(msgspec.Struct, frozen=True, kw_only=True):
    """`start` is a local wall time; `length` is wall-clock time; `until` is the last instant a shift may start."""

    start: datetime
    length: timedelta
    zone: str = "UTC"
    every: int = 1
    unit: PatternUnit | None = None  # None: once
    groups: tuple[tuple[str, ...], ...] = ()
    by_day: tuple[str, ...] = ()
    by_month_day: tuple[int, ...] = ()  # from the end if negative
    by_month: tuple[int, ...] = ()
    week_start: str = "MO"
    first_at: datetime | None = None
    until: datetime | None = None
    clip: bool = False  # a shift that is running at `first_at` starts there, and one running at `until` ends there


def pattern_spans(
    pattern: Pattern, start: datetime, end: datetime
) -> Iterator[tuple[datetime, datetime, tuple[str, ...]]]:
    """The shifts that touch [start, end), cut to it, by start."""
    for first, last, people in whole_spans(pattern, start, end):
        if first < end and last > start:
            yield max(first, start), min(last, end), people


def pattern_at(pattern: Pattern, at: datetime) -> tuple[str, ...]:
    """Everybody whose shift covers `at`."""
    spans = whole_spans(pattern, at, at + timedelta(microseconds=1))
    return tuple(name for first, last, people in spans if first <= at < last for name in people)


def whole_spans(
    pattern: Pattern, start: datetime, end: datetime
) -> Iterator[tuple[datetime, datetime, tuple[str, ...]]]:
    """The shifts that touch [start, end), whole, by start."""
    if not pattern.groups:
        return
    zone = ZoneInfo(pattern.zone)
    low = wall_at(start, zone) - pattern.length - _CONTEXT
    high = wall_at(end, zone) + pattern.length + _CONTEXT
    starts = dict(_starts(pattern, low, high))
    for wall, number in starts.items():
        first = resolve(wall, zone)
        ends = wall + pattern.length
        last = resolve(ends, zone, "first" if ends in starts else "last")
        if pattern.until is not None and first > pattern.until:
            return
        if pattern.first_at is not None and first < pattern.first_at:
            if not pattern.clip or last <= pattern.first_at:
                continue
            first = pattern.first_at
        if pattern.clip and pattern.until is not None:
            last = min(last, pattern.until)
        if first < last and first < end and last >= start:
            yield first, last, pattern.groups[number % len(pattern.groups)]


def _starts(pattern: Pattern, low: datetime, high: datetime) -> Iterator[tuple[datetime, int]]:
    """The wall times in [low, high] at which a shift starts, and the number of the turn."""
    low = max(low, pattern.start)
    if pattern.unit is None:
        if low <= high and low == pattern.start:
            yield pattern.start, 0
        return
    if pattern.unit == "hour":
        step = pattern.every * _HOUR
        number = -((pattern.start - low) // step)
        while pattern.start + number * step <= high:
            wall = pattern.start + number * step
            if _enabled(pattern, wall.date()):
                yield wall, number
            number += 1
        return
    day = low.date()
    while day <= high.date():
        wall = datetime.combine(day, pattern.start.time())
        number_of = _turn(pattern, day)
        if number_of is not None and low <= wall <= high:
            yield wall, number_of
        day += _DAY


def _turn(pattern: Pattern, day: date) -> int | None:
    """The number of the turn whose shift starts on `day`; None if none does."""
    first = pattern.start.date()
    match pattern.unit:
        case "day":
            if not (pattern.by_day or pattern.by_month_day or pattern.by_month):
                number, rest = divmod((day - first).days, pattern.every)
                return None if rest else number
            return _enabled_before(pattern, day) // pattern.every if _enabled(pattern, day) else None
        case "week":
            week = (_week(pattern, day) - _week(pattern, first)) // timedelta(weeks=1)
            days = pattern.by_day or (DAYS[first.weekday()],)
            on = DAYS[day.weekday()] in days and _enabled(pattern, day)
            return week // pattern.every if on and week % pattern.every == 0 else None
        case _:
            month = (day.year - first.year) * 12 + day.month - first.month
            if pattern.by_day or pattern.by_month_day:
                on = _enabled(pattern, day)
            else:
                on = day.day == min(first.day, _month_length(day)) and _enabled(pattern, day)
            return month // pattern.every if on and month % pattern.every == 0 else None


def _enabled(pattern: Pattern, day: date) -> bool:
    if pattern.by_day and DAYS[day.weekday()] not in pattern.by_day:
        return False
    if pattern.by_month and day.month not in pattern.by_month:
        return False
    from_end = day.day - _month_length(day) - 1
    return not pattern.by_month_day or day.day in pattern.by_month_day or from_end in pattern.by_month_day


def _enabled_before(pattern: Pattern, day: date) -> int:
    """How many enabled days lie in [first day, day)."""
    first = pattern.start.date()
    weeks = 0
    if not (pattern.by_month_day or pattern.by_month):
        weeks = (day - first).days // 7
        first += timedelta(weeks=weeks)
    rest = sum(_enabled(pattern, first + n * _DAY) for n in range((day - first).days))
    return weeks * len(set(pattern.by_day)) + rest


def _week(pattern: Pattern, day: date) -> date:
    return day - timedelta(days=(day.weekday() - DAYS.index(pattern.week_start)) % 7)


def _month_length(day: date) -> int:
    following = day.replace(day=28) + timedelta(days=4)
    return (following.replace(day=1) - _DAY).day
