"""Who is on call: one computation for the pager, the calendar, the feed and the check for gaps.

Order of precedence: what was recorded, for the past; then a temporary schedule, which replaces all of its span, gaps
included; then the layers of the highest priority that has anybody, changed by overrides, person by person.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import msgspec

from tocsin.core.rotation import STEADY, Restriction, Rotation, active, on_turn, turns, windows
from tocsin.core.schedule_pattern import Pattern, pattern_at, pattern_spans
from tocsin.core.walltime import Here, local


class Shift(msgspec.Struct, frozen=True, kw_only=True):
    """`person` is on call in [start, end)."""

    person: str
    start: datetime
    end: datetime


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """Nobody is on call in [start, end)."""

    start: datetime
    end: datetime


class Layer(msgspec.Struct, frozen=True, kw_only=True):
    """Fixed people, a rotation, a pattern or fixed shifts, in its windows only if it has any."""

    name: str = ""
    priority: int = 0
    people: tuple[str, ...] = ()
    fixed: tuple[Shift, ...] = ()
    rotation: Rotation | None = None
    pattern: Pattern | None = None
    restrictions: tuple[Restriction, ...] = ()
    starts_at: datetime | None = None
    ends_at: datetime | None = None


class Override(msgspec.Struct, frozen=True, kw_only=True):
    """`add` somebody, `remove` somebody, or both: `add` stands in for `remove`, while `remove` would be on call."""

    add: str | None = None
    remove: str | None = None
    start: datetime
    end: datetime


class Temporary(msgspec.Struct, frozen=True, kw_only=True):
    """In [start, end) these shifts, and nothing else, count."""

    start: datetime
    end: datetime
    shifts: tuple[Shift, ...] = ()


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """What happened: a shift without an end was still running when it was recorded."""

    person: str
    start: datetime
    end: datetime | None = None


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """`recorded` counts before `recorded_until`, and from `recorded_since` if that is known; `swaps` are overrides that
    are applied last, one after the other."""

    name: str = ""
    zone: str = "UTC"
    layers: tuple[Layer, ...] = ()
    overrides: tuple[Override, ...] = ()
    temporary: tuple[Temporary, ...] = ()
    swaps: tuple[Override, ...] = ()
    recorded: tuple[Recorded, ...] = ()
    recorded_since: datetime | None = None
    recorded_until: datetime | None = None


def on_call(schedule: Schedule, at: datetime) -> tuple[str, ...]:
    """Everybody on call at `at`, each once, in the order of the layers."""
    if _past(schedule, at):
        return _distinct(
            each.person for each in schedule.recorded if each.start <= at and (each.end is None or at < each.end)
        )
    for temporary in reversed(schedule.temporary):  # the later one cuts what was set before it
        if temporary.start <= at < temporary.end:
            return _distinct(each.person for each in temporary.shifts if each.start <= at < each.end)
    best: int | None = None
    planned: list[str] = []
    clocks: dict[str, Here] = {}
    for layer in sorted(schedule.layers, key=_rank):
        if best is not None and layer.priority < best:
            break
        people = _layer_at(layer, at, clocks)
        if people:
            best = layer.priority
            planned.extend(people)
    return _changed(schedule, planned, at)


def named_in(schedule: Schedule) -> tuple[str, ...]:
    """Everybody who can ever be on call by this schedule, each once."""
    names: list[str] = []
    for layer in schedule.layers:
        names += layer.people
        names += [each.person for each in layer.fixed]
        names += [each for turn in (layer.rotation.participants if layer.rotation else ()) for each in turn.people]
        names += [each for group in (layer.pattern.groups if layer.pattern else ()) for each in group]
    names += [each.add for each in (*schedule.overrides, *schedule.swaps) if each.add]
    names += [shift.person for each in schedule.temporary for shift in each.shifts]
    return _distinct(names)


def shifts(schedule: Schedule, start: datetime, end: datetime) -> list[Shift]:
    """Every shift that touches [start, end), cut to it, by start; what meets is one shift."""
    running: dict[str, datetime] = {}
    found: list[Shift] = []
    for here, people in _segments(schedule, start, end):
        for person in [each for each in running if each not in people]:
            found.append(Shift(person=person, start=running.pop(person), end=here))
        for person in people:
            running.setdefault(person, here)
    found += [Shift(person=person, start=since, end=end) for person, since in running.items() if since < end]
    return sorted(found, key=lambda each: (each.start, each.end, each.person))


def coverage_gaps(schedule: Schedule, start: datetime, end: datetime) -> list[Gap]:
    """When nobody is on call in [start, end)."""
    found: list[Gap] = []
    since: datetime | None = None
    for here, people in [*_segments(schedule, start, end), (end, ("",))]:
        if people and since is not None:
            found.append(Gap(start=since, end=here))
            since = None
        elif not people and since is None:
            since = here
    return found


def _segments(schedule: Schedule, start: datetime, end: datetime) -> Iterator[tuple[datetime, tuple[str, ...]]]:
    """Where somebody may change, and who is on call from there: one sweep over sorted boundaries."""
    spans = [(each.priority, list(_layer_spans(each, start, end))) for each in schedule.layers]
    edges = {start, end, *_edges(schedule)}
    edges |= {edge for _, each in spans for first, last, _ in each for edge in (first, last)}
    heads = [0] * len(spans)
    for here, _ in pairwise(sorted(edge for edge in edges if start <= edge <= end)):
        if _fixed(schedule, here):
            yield here, on_call(schedule, here)
            continue
        layers = []
        for number, (priority, each) in enumerate(spans):
            while heads[number] < len(each) and each[heads[number]][1] <= here:
                heads[number] += 1
            people: tuple[str, ...] = ()
            for first, last, names in each[heads[number] :]:
                if first > here:
                    break
                people += names if here < last else ()
            layers.append((priority, people))
        yield here, _changed(schedule, _by_priority(layers), here)


def _fixed(schedule: Schedule, at: datetime) -> bool:
    return _past(schedule, at) or any(each.start <= at < each.end for each in schedule.temporary)


def _past(schedule: Schedule, at: datetime) -> bool:
    until, since = schedule.recorded_until, schedule.recorded_since
    return until is not None and at < until and (since is None or since <= at)


def _edges(schedule: Schedule) -> Iterator[datetime]:
    for override in (*schedule.overrides, *schedule.swaps):
        yield from (override.start, override.end)
    for temporary in schedule.temporary:
        yield from (temporary.start, temporary.end)
        for shift in temporary.shifts:
            yield from (shift.start, shift.end)
    for recorded in schedule.recorded:
        yield recorded.start
        if recorded.end is not None:
            yield recorded.end
    yield from (each for each in (schedule.recorded_since, schedule.recorded_until) if each is not None)


def _rank(layer: Layer) -> int:
    return -layer.priority


def _by_priority(layers: Sequence[tuple[int, tuple[str, ...]]]) -> list[str]:
    """Everybody of the highest priority that has anybody; a buffer turn lets the layers below show through."""
    best: int | None = None
    people: list[str] = []
    for priority, names in layers:
        if not names or (best is not None and priority < best):
            continue
        if best is None or priority > best:
            best, people = priority, []
        people.extend(names)
    return people


def _changed(schedule: Schedule, planned: list[str], at: datetime) -> tuple[str, ...]:
    if schedule.overrides:
        now = [each for each in schedule.overrides if each.start <= at < each.end]
        stand_ins = {each.remove: each.add for each in now if each.remove}
        added = [each.add for each in now if each.add and not each.remove]
        planned = [each for each in (stand_ins.get(name, name) for name in planned) if each] + added
    for swap in schedule.swaps:
        if swap.start <= at < swap.end:
            planned = [swap.add if swap.add and name == swap.remove else name for name in planned]
    return _distinct(planned)


def _distinct(names: Iterator[str] | list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _layer_at(layer: Layer, at: datetime, clocks: dict[str, Here]) -> tuple[str, ...]:
    """`clocks`: what the zones that were looked at before show at `at`."""
    if (layer.starts_at and at < layer.starts_at) or (layer.ends_at and at >= layer.ends_at):
        return ()
    if layer.restrictions:
        for each in layer.restrictions:
            if active(each, at, clocks.get(each.zone) or _clock(clocks, each.zone, at)):
                break
        else:
            return ()
    turning = layer.rotation
    if turning is not None:
        return on_turn(turning, at, clocks.get(turning.zone) or _clock(clocks, turning.zone, at))
    if layer.fixed:
        return tuple(each.person for each in layer.fixed if each.start <= at < each.end)
    return layer.people if layer.pattern is None else pattern_at(layer.pattern, at)


def _clock(clocks: dict[str, Here], zone: str, at: datetime) -> Here:
    found = clocks[zone] = local(at, ZoneInfo(zone), STEADY)
    return found


def _layer_spans(layer: Layer, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime, tuple[str, ...]]]:
    """When whom, within [start, end), by start."""
    start = max(start, layer.starts_at) if layer.starts_at else start
    end = min(end, layer.ends_at) if layer.ends_at else end
    if start >= end:
        return
    for opens, closes in _open(layer.restrictions, start, end):
        if layer.rotation is not None:
            for turn in turns(layer.rotation, opens, closes):
                yield turn.start, turn.end, turn.people
        elif layer.pattern is not None:
            yield from pattern_spans(layer.pattern, opens, closes)
        elif layer.fixed:
            for each in layer.fixed:  # by start: whoever makes the layer sorts them
                if each.start < closes and each.end > opens:
                    yield max(each.start, opens), min(each.end, closes), (each.person,)
        else:
            yield opens, closes, layer.people


def _open(restrictions: tuple[Restriction, ...], start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """The union of the windows, cut to [start, end)."""
    if not restrictions:
        return [(start, end)]
    joined: list[tuple[datetime, datetime]] = []
    for opens, closes in sorted(span for each in restrictions for span in windows(each, start, end)):
        opens, closes = max(opens, start), min(closes, end)
        if joined and opens <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], closes)
        elif opens < closes:
            joined.append((opens, closes))
    return joined
