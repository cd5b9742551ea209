"""Whose turn it is, and when it ends: rotations hand off at local wall time, restrictions are local windows.

A rotation is a grid of wall times around its anchor, in both directions, and a position: who has the turn at one
instant. Turns are counted from there, one per handoff, so that people can be added and removed without a reshuffle, and
an hour that daylight saving removes takes nobody's turn.
"""

from __future__ import annotations

from bisect import bisect_right
from calendar import monthrange
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from tocsin.core.walltime import Here, gaps, local, resolve, wall_at

Unit = Literal["hour", "day", "week", "month"]
Overflow = Literal["clamp", "overflow"]  # of a month too short for the anchor's day
HourlyBy = Literal["wall", "elapsed"]

DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
JOIN_DAYS_MAX = 8  # windows of consecutive days join into at most a week; one more day finds the edge
GAP_HOURS_MAX = 4  # Troll puts its clocks forward by two hours each spring, Casey has by three; one more is to be sure
LONG_GAP = timedelta(hours=20)  # Apia, Kwajalein and Kiritimati have each left out a whole day
STEADY = timedelta(days=3)  # longer than any window that covers an instant reaches from it
COUNTED = timedelta(
    days=366 * 60
)  # from an hourly rotation's anchor: the changes of clocks that are looked up, not found

_DAY = timedelta(days=1)
_LAST = datetime(9990, 1, 1, tzinfo=UTC)
_STEPS = {"hour": timedelta(hours=1), "day": _DAY, "week": 7 * _DAY}


class Participant(msgspec.Struct, frozen=True, kw_only=True):
    """One turn: everybody in `people` has it together; nobody at all is a buffer turn.

    Outside `joins_at` .. `leaves_at` the turn is passed over.
    """

    people: tuple[str, ...] = ()
    joins_at: datetime | None = None
    leaves_at: datetime | None = None


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """`participants[index]` has the turn that is running at `at`."""

    index: int
    at: datetime


class Rotation(msgspec.Struct, frozen=True, kw_only=True):
    """`anchor` is one handoff, as local wall time without offset. Without a position, turn 0 starts there."""

    every: int = 1
    unit: Unit
    anchor: datetime
    zone: str = "UTC"
    participants: tuple[Participant, ...] = ()
    position: Position | None = None
    overflow: Overflow = "clamp"
    hourly_by: HourlyBy | None = None  # None: by the wall clock if `every` divides 24, else by elapsed time
    lost: tuple[
        tuple[datetime, int], ...
    ] = ()  # follows from the rest: the anchor's instant, and how many an hourly grid lost by when

    def __post_init__(self) -> None:
        if _elapsed(self):
            msgspec.structs.force_setattr(self, "lost", ((resolve(self.anchor, ZoneInfo(self.zone)), 0),))
        elif self.unit == "hour" and self.every <= GAP_HOURS_MAX:
            msgspec.structs.force_setattr(self, "lost", _lost(self))


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    start: datetime
    end: datetime
    people: tuple[str, ...]


class Restriction(msgspec.Struct, frozen=True, kw_only=True):
    """A window that starts on each of `days`; with `end` equal to `start` it lasts 24 hours, earlier means next day."""

    days: tuple[str, ...] = DAYS
    start: time = time()
    end: time = time()
    zone: str = "UTC"


def handoff(rotation: Rotation, number: int) -> datetime:
    """The instant of handoff `number`, counted on the grid from the anchor; it never falls as `number` rises."""
    if _elapsed(rotation):
        return rotation.lost[0][0] + number * rotation.every * timedelta(hours=1)
    return resolve(_wall(rotation, number), ZoneInfo(rotation.zone))


def slot(rotation: Rotation, at: datetime) -> int:
    """The number of the last handoff at or before `at`."""
    if _elapsed(rotation):
        return (at - rotation.lost[0][0]) // (rotation.every * timedelta(hours=1))
    zone = ZoneInfo(rotation.zone)
    wall = wall_at(at, zone)
    if not wall.fold:
        return _slot(rotation, wall)
    number = _slot(rotation, wall.replace(fold=0))
    while resolve(_wall(rotation, number + 1), zone) <= at:
        number += 1  # the repeated hour: what has handed off in its first pass stays handed off
    return number


def next_handoff(rotation: Rotation, at: datetime) -> datetime:
    """The first handoff after `at`."""
    number = slot(rotation, at) + 1
    found = handoff(rotation, number)
    while found <= at:
        number += 1
        found = handoff(rotation, number)
    return found


def current_handoff(rotation: Rotation, at: datetime) -> datetime:
    """The last handoff at or before `at`."""
    return handoff(rotation, slot(rotation, at))


def handoffs(rotation: Rotation, start: datetime, end: datetime) -> Iterator[datetime]:
    """Every handoff from the one that began the turn running at `start` to the first one after `end`."""
    here = current_handoff(rotation, start)
    yield here
    while here <= end:
        here = next_handoff(rotation, here)
        yield here


def on_turn(rotation: Rotation, at: datetime, now: Here | None = None) -> tuple[str, ...]:
    """Who has the turn at `at`; nobody in a buffer turn or when everybody has left. `now`: `at` in the zone."""
    members = rotation.participants
    if not members:
        return ()
    position = rotation.position
    timed = False
    for each in members:  # not any(): this is asked for every layer of every schedule of every page
        timed = timed or each.joins_at is not None or each.leaves_at is not None
    if not timed and position is None:
        number = (
            _slot(rotation, now.wall) if now and not now.wall.fold and not _elapsed(rotation) else slot(rotation, at)
        )
        return members[(number - _collapsed_since_anchor(rotation, number, at, now)) % len(members)].people
    start = position or Position(index=0, at=resolve(rotation.anchor, ZoneInfo(rotation.zone)))
    if timed and at > start.at:
        index = _index_with_changes(rotation, start, at)
    else:  # before the position, the past is what was recorded: nobody is passed over
        index = (start.index + _passed(rotation, start.at, at)) % len(members)
    chosen = members[index]
    return chosen.people if _member(chosen, at) or at < start.at else ()


def turns(rotation: Rotation, start: datetime, end: datetime) -> Iterator[Turn]:
    """The turns that touch [start, end), cut to it, in order and without holes between them."""
    changes = sorted(
        instant
        for each in rotation.participants
        for instant in (each.joins_at, each.leaves_at)
        if instant and start < instant < end
    )
    here = start
    while here < end:
        until = next_handoff(rotation, here)
        while changes and changes[0] <= here:
            changes.pop(0)
        until = min(until, end, *changes[:1])
        yield Turn(start=here, end=until, people=on_turn(rotation, here))
        here = until


def active(restriction: Restriction, at: datetime, now: Here | None = None) -> bool:
    """Whether a window is open at `at`; windows are half-open. `now`: `at` in the zone."""
    zone = ZoneInfo(restriction.zone)
    wall, _, steady = now or local(at, zone, STEADY)
    if steady:  # then wall time is enough, at a quarter of the cost
        today, yesterday = DAYS[wall.weekday()] in restriction.days, DAYS[wall.weekday() - 1] in restriction.days
        start, end, clock = restriction.start, restriction.end, wall.time()
        if end > start:
            return today and start <= clock < end
        return (today and clock >= start) or (yesterday and clock < end)
    for day in (_midnight(wall) + _DAY, _midnight(wall), _midnight(wall) - _DAY):  # clocks may go back past midnight
        if DAYS[day.weekday()] in restriction.days:
            opens, closes = _window(restriction, day, zone)
            if opens <= at < closes:
                return True
    return False


def windows(restriction: Restriction, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The windows that touch [start, end), joined where they meet; of those before and after it only a day or two."""
    zone = ZoneInfo(restriction.zone)
    day = _midnight(wall_at(start, zone)) - 2 * _DAY
    last_day = wall_at(end, zone) + _DAY
    held: tuple[datetime, datetime] | None = None
    while day <= last_day:
        opens, closes = _window(restriction, day, zone)
        if DAYS[day.weekday()] in restriction.days and opens < closes:
            if held and opens <= held[1]:
                held = held[0], max(held[1], closes)
            else:
                if held and held[1] > start and held[0] < end:
                    yield held
                held = opens, closes
        day += _DAY
    if held and held[1] > start and held[0] < end:
        yield held


def window_at_or_after(restriction: Restriction, at: datetime) -> tuple[datetime, datetime] | None:
    """The window open at `at`, else the next one, joined with its neighbours; None if always open, or never."""
    if not restriction.days or (restriction.start == restriction.end and set(restriction.days) >= set(DAYS)):
        return None
    span = 2 * JOIN_DAYS_MAX * _DAY
    return next((each for each in windows(restriction, at - span, at + span) if each[1] > at), None)


def _midnight(wall: datetime) -> datetime:
    return wall.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)


def _window(restriction: Restriction, day: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    last_day = day if restriction.end > restriction.start else day + _DAY
    return (
        resolve(datetime.combine(day, restriction.start), zone),
        resolve(datetime.combine(last_day, restriction.end), zone, "last"),
    )


def _elapsed(rotation: Rotation) -> bool:
    if rotation.unit != "hour":
        return False
    return rotation.hourly_by == "elapsed" if rotation.hourly_by else 24 % rotation.every != 0


def _wall(rotation: Rotation, number: int) -> datetime:
    steps = number * rotation.every
    match rotation.unit:
        case "hour":
            return rotation.anchor + timedelta(hours=steps)
        case "day":
            return rotation.anchor + timedelta(days=steps)
        case "week":
            return rotation.anchor + timedelta(weeks=steps)
        case "month":
            year, month = divmod(rotation.anchor.year * 12 + rotation.anchor.month - 1 + steps, 12)
            length = monthrange(year, month + 1)[1]
            first = rotation.anchor.replace(year=year, month=month + 1, day=1)
            days = rotation.anchor.day - 1
            return first + timedelta(days=min(days, length - 1) if rotation.overflow == "clamp" else days)


def _slot(rotation: Rotation, wall: datetime) -> int:
    """The last number whose wall time is at or before `wall`."""
    if rotation.unit != "month":
        return (wall - rotation.anchor) // (rotation.every * _STEPS[rotation.unit])
    months = (wall.year - rotation.anchor.year) * 12 + wall.month - rotation.anchor.month
    number = months // rotation.every
    while _wall(rotation, number) > wall:  # earlier in the month, or an overflow into it: at most two steps
        number -= 1
    return number


def _passed(rotation: Rotation, start: datetime, end: datetime) -> int:
    """How many handoffs lie between; negative backwards. Those that a gap makes one instant count as one."""
    if end < start:
        return -_passed(rotation, end, start)
    first, last = slot(rotation, start), slot(rotation, end)
    return last - first - _collapsed(rotation, first, last, end)


def _collapsed(rotation: Rotation, first: int, last: int, near: datetime) -> int:
    """How many handoffs after `first`, up to `last`, are no instants of their own; `near` is an instant at `last`.

    Two grid times fall into one gap if they are hours apart, or if the gap is one of the few that took a day.
    """
    if rotation.unit not in ("hour", "day") or first == last or _elapsed(rotation):
        return 0
    if first > last:
        return -_collapsed(rotation, last, first, near)
    zone = ZoneInfo(rotation.zone)
    within_a_gap = rotation.unit == "hour" and rotation.every <= GAP_HOURS_MAX
    if not within_a_gap:
        begun = _wall(rotation, first).replace(tzinfo=zone).utcoffset() or timedelta()
        if abs((near.astimezone(zone).utcoffset() or timedelta()) - begun) < LONG_GAP:
            return 0
    start, end = handoff(rotation, first), handoff(rotation, last)
    if rotation.lost and rotation.lost[0][0] <= start and end <= rotation.lost[-1][0]:
        return _lost_by(rotation, end) - _lost_by(rotation, start)
    return sum(count for _, count in _collapses(rotation, start, end))


def _collapsed_since_anchor(rotation: Rotation, number: int, at: datetime, now: Here | None) -> int:
    """`_collapsed` from handoff 0 to `number`, the last at or before `at`: what the pager asks for all the time."""
    if rotation.unit not in ("hour", "day") or _elapsed(rotation):
        return 0
    if rotation.lost:
        if rotation.lost[0][0] <= at <= rotation.lost[-1][0]:
            return _lost_by(rotation, at)  # a gap that takes a handoff is itself one, so there is none after the last
    elif now is not None:
        begun = rotation.anchor.replace(tzinfo=ZoneInfo(rotation.zone)).utcoffset() or timedelta()
        if abs(now.offset - begun) < LONG_GAP:
            return 0
    return _collapsed(rotation, 0, number, at)


def _collapses(rotation: Rotation, start: datetime, end: datetime) -> Iterator[tuple[datetime, int]]:
    """The gaps in (start, end] that make several handoffs one instant, and how many are lost in each."""
    for instant, before, after in gaps(ZoneInfo(rotation.zone), start, end):
        inside = _slot(rotation, after) - _slot(rotation, before - timedelta(microseconds=1))
        if inside > 1:
            yield instant, inside - 1


def _lost(rotation: Rotation) -> tuple[tuple[datetime, int], ...]:
    """How many handoffs were lost by when, from the anchor on; the ends of what was counted are in it."""
    start = resolve(rotation.anchor, ZoneInfo(rotation.zone))
    end = min(start, _LAST - COUNTED) + COUNTED
    total, found = 0, [(start, 0)]
    for instant, count in _collapses(rotation, start, end):
        total += count
        found.append((instant, total))
    return (*found, (end, total))


def _lost_by(rotation: Rotation, at: datetime) -> int:
    return rotation.lost[bisect_right(rotation.lost, (at, 1 << 60)) - 1][1]


def _member(participant: Participant, at: datetime) -> bool:
    joined = participant.joins_at is None or participant.joins_at <= at
    return joined and (participant.leaves_at is None or at < participant.leaves_at)


def _index_with_changes(rotation: Rotation, start: Position, at: datetime) -> int:
    """The turn moves on at each handoff, and at once when whoever has it leaves, to the next member in the order."""
    members = rotation.participants
    instants = {each.joins_at for each in members} | {each.leaves_at for each in members}
    index, here = start.index % len(members), start.at
    for until in sorted(each for each in instants if each and start.at < each <= at):
        index = _moved(rotation, index, here, until - timedelta(microseconds=1))
        present = [n for n, each in enumerate(members) if _member(each, until)]
        if present and (current_handoff(rotation, until) == until or index not in present):
            index = _advanced(index, present, 1)
        here = until
    return _moved(rotation, index, here, at)


def _moved(rotation: Rotation, index: int, start: datetime, end: datetime) -> int:
    """Where the turn is at `end`, if nobody joins or leaves after `start`."""
    present = [n for n, each in enumerate(rotation.participants) if _member(each, start)]
    return _advanced(index, present, _passed(rotation, start, end)) if present else index


def _advanced(index: int, present: list[int], passed: int) -> int:
    """`passed` turns after `index`, among those present, in order; whoever is not present is passed over."""
    if index in present:
        return present[(present.index(index) + passed) % len(present)]
    later = next((n for n, each in enumerate(present) if each > index), 0)
    return present[(later + max(passed - 1, 0)) % len(present)]
