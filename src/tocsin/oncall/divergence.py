"""Where tools differ: what Tocsin decided, said in words that are only said if the core really does it.

Such a vector holds its setup and its recommendation in prose. The setup's zone, times and dates are read; the core is
asked; the sentence is built from what it answers, and an answer that breaks the decision is said instead of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

from tocsin.core.ladder_timeline import Entered, Event, Ladder, OwnRule, Step, timeline
from tocsin.core.rotation import Restriction, Rotation, Unit, active, handoffs, window_at_or_after
from tocsin.core.schedule import Layer, Override, Schedule, Shift, Temporary, on_call
from tocsin.core.walltime import resolve
from tocsin.oncall.kinds import Answer, writer
from tocsin.oncall.nodes import Node

_CLOCK = re.compile(r"\b([01]\d|2[0-3]):([0-5]\d)\b")
_DATE = re.compile(r"\b\d{4}-\d\d-\d\d\b")
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_NOON = datetime(2026, 6, 3, 12, tzinfo=UTC)


def divergence(node: Node) -> Answer:
    """Whether Tocsin does what the vector recommends, and what it does."""
    tags = {each.text() for each in node.some("tags")}
    setup = node.need("setup")
    for wanted, say in _TOPICS:
        if wanted <= tags:
            said = say(setup)
            recommended = node.need("recommended").text()
            return _same(said, recommended), said
    raise node.need("tags").fail("tags of a topic that Tocsin has decided")


def _same(said: str, recommended: str) -> bool:
    try:
        return datetime.fromisoformat(said) == datetime.fromisoformat(recommended)
    except (ValueError, TypeError):
        return " ".join(said.split()) == " ".join(recommended.split())


def _handoff(setup: Node) -> str:
    """The handoff on the day in question."""
    zone, said = setup.need("timezone").zone(), setup.need("rotation").text()
    clock, day = _first(_CLOCK, setup, "rotation"), datetime.fromisoformat(_first(_DATE, setup, "date"))
    anchor = datetime.combine(day - timedelta(weeks=2), time.fromisoformat(clock))
    unit: Unit = "week" if said.startswith("weekly") else "day"
    turning = Rotation(unit=unit, anchor=anchor, zone=zone)
    midnight = resolve(day, ZoneInfo(zone))
    return writer(zone)(next(each for each in handoffs(turning, midnight, midnight + _DAY) if each >= midnight))


def _window(setup: Node) -> str:
    """Two windows that meet in the repeated hour: both are open during it."""
    zone = ZoneInfo(setup.need("timezone").zone())
    clocks = [f"{hour}:{minute}" for hour, minute in _CLOCK.findall(setup.need("window").text())]
    if len(clocks) != 4:
        raise setup.need("window").fail("two windows, such as 20:00-01:30 then 01:30-20:00")
    night, day = (
        Restriction(start=time.fromisoformat(a), end=time.fromisoformat(b), zone=str(zone))
        for a, b in (clocks[:2], clocks[2:])
    )
    date = datetime.fromisoformat(_first(_DATE, setup, "date"))
    wall = datetime.combine(date, night.end)
    first, last = resolve(wall, zone, "first"), resolve(wall, zone, "last")
    open_night, open_day = window_at_or_after(night, first - _HOUR), window_at_or_after(day, first)
    end = "last" if open_night and open_night[1] == last > first else "first"
    start = "first" if open_day and open_day[0] == first else "last"
    return f"end = {end} occurrence, start = {start} occurrence"


def _midnight(setup: Node) -> str:
    """A zone without local midnight on the day of the change, and the same for the other zones named."""
    parts = []
    for listed in setup.need("timezones").each():
        name, _, day = listed.text().partition(" ")
        zone, date = ZoneInfo(Node(name, listed.path).zone()), datetime.fromisoformat(day)
        before = resolve(date - _DAY, zone)
        daily = [
            list(islice(handoffs(Rotation(unit="day", anchor=date - hour, zone=name), before, before + 4 * _DAY), 3))
            for hour in (timedelta(days=3), timedelta(days=3) - 9 * _HOUR)
        ]
        walls = [{each.astimezone(zone).time() for each in found} for found in daily]
        rule = Restriction(start=time(0), end=time(8), zone=name)
        one, eight = resolve(date + _HOUR, zone), resolve(date + 8 * _HOUR, zone)
        second = timedelta(seconds=1)
        exact = active(rule, one) and active(rule, eight - second) and not active(rule, eight)
        exact = exact and not active(rule, one - second)
        moves = walls[1] == {time(9)} and daily[0][1] == one
        parts.append((", ".join(map(writer(name), daily[0])), moves and exact))
    if not all(kept for _, kept in parts):
        return "a midnight that does not exist moves more than itself"
    return f"daily 00:00 -> {parts[0][0]}; daily 09:00 unaffected; rule 00:00-08:00 active [01:00,08:00) on the day"


def _month(setup: Node) -> str:
    zone = setup.need("timezone").zone()
    found = re.search(r"anchor (\S+)", setup.need("rotation").text())
    if found is None:
        raise setup.need("rotation").fail("an anchor")
    turning = Rotation(unit="month", anchor=Node(found[1], setup.path).wall(), zone=zone)
    start = resolve(turning.anchor, ZoneInfo(zone))
    days = [
        f"{each.astimezone(ZoneInfo(zone)):%m-%d}" for each in islice(handoffs(turning, start, start + 200 * _DAY), 4)
    ]
    return (
        f"clamp to the last day of the month: {', '.join(days)} ... computed as anchor + n months each time (no drift)"
    )


def _hourly(setup: Node) -> str:
    zone = ZoneInfo(setup.need("timezone").zone())
    day = datetime.fromisoformat(_first(_DATE, setup, "date"))
    start, end = resolve(day, zone), resolve(day + _DAY, zone)

    def hours(every: int) -> list[datetime]:
        return list(handoffs(Rotation(unit="hour", every=every, anchor=day, zone=str(zone)), start, end))

    even = all(each.astimezone(zone).hour % 2 == 0 for each in hours(2))
    fives = hours(5)
    elapsed = all(later - earlier == 5 * _HOUR for earlier, later in pairwise(fives))
    on_the_wall = (
        "wall-clock for intervals dividing 24 h"
        if len([each for each in hours(1) if each < end]) == 24
        else "elapsed time for all intervals"
    )
    return (
        f"{on_the_wall} (2-hourly {'stays on' if even else 'leaves'} even hours), "
        f"{'elapsed time' if elapsed else 'wall-clock'} otherwise"
    )


def _layers(setup: Node) -> str:
    spans = re.findall(r"(\w+) (\d\d)-(\d\d)", setup.need("layers").text())
    if len(spans) != 2:
        raise setup.need("layers").fail("two people with hours, such as ann 08-12 and bob 10-16")

    def at(priority: int) -> set[str]:
        layers = tuple(
            Layer(
                people=(who,), priority=n * priority, restrictions=(Restriction(start=time(int(a)), end=time(int(b))),)
            )
            for n, (who, a, b) in enumerate(spans)
        )
        return set(on_call(Schedule(layers=layers), _NOON.replace(hour=int(spans[1][1]))))

    union = at(0) == {spans[0][0], spans[1][0]}
    highest = at(1) == {spans[1][0]}
    return (
        f"{'union' if union else 'one of several'} within a layer priority, "
        f"{'highest priority wins' if highest else 'union'} between priorities"
    )


def _overrides(setup: Node) -> str:
    layers = (Layer(people=("A", "C")),)
    start, end = _NOON, _NOON + 6 * _HOUR

    def now(add: str | None = None, remove: str | None = None) -> set[str]:
        override = Override(add=add, remove=remove, start=start, end=end)
        return set(on_call(Schedule(layers=layers, overrides=(override,)), start + _HOUR))

    alone = Temporary(start=start, end=end, shifts=(Shift(person="B", start=start, end=end),))
    kept = [
        now("B", "A") == {"B", "C"},
        now("B", "X") == {"A", "C"},
        now("B") == {"A", "B", "C"},
        now(None, "A") == {"C"},
        set(on_call(Schedule(layers=layers, temporary=(alone,)), start + _HOUR)) == {"B"},
    ]
    if not all(kept):
        return f"of replace, replace somebody absent, add, remove, temporary schedule, these hold: {kept}"
    return "three override kinds add/remove/replace per person, plus a temporary schedule that replaces everything"


def _empty_step(setup: Node) -> str:
    found = timeline(Ladder(steps=(Step(delay=15), Step(delay=15, targets=("u",)))), {}, (), 60)
    if found.entered != (Entered(at=0, step=1),) or found.gaps != (Entered(at=0, step=0),):
        return "waits for a step that means nobody"
    return "skip at once, and record a coverage-gap event that someone is told about"


def _own_rules(setup: Node) -> str:
    steps = (Step(delay=10, targets=("u",)), Step(delay=60, targets=("u", "v")))
    rules = {"u": (OwnRule(delay=0, method="sms"), OwnRule(delay=30, method="voice"))}
    told = [(each.at, each.method) for each in timeline(Ladder(steps=steps), rules, (), 60).told]
    stopped = timeline(Ladder(steps=steps), rules, (Event(at=20, action="acknowledge", user="v"),), 60).told
    kept = (0, "sms") in told and (30, "voice") in told and len(stopped) == 1
    if not kept:
        return "end when the ladder moves on"
    again = "but never restart a chain already running for the same user and page" if len(told) == 2 else "and restart"
    return f"keep running until ack/resolve, {again}"


_TOPICS: tuple[tuple[frozenset[str], Callable[[Node], str]], ...] = (
    (frozenset({"midnight-gap"}), _midnight),
    (frozenset({"handoff-in-gap"}), _handoff),
    (frozenset({"handoff-in-fold"}), _handoff),
    (frozenset({"restriction", "fall-back"}), _window),
    (frozenset({"month-overflow"}), _month),
    (frozenset({"hourly", "dst"}), _hourly),
    (frozenset({"layers"}), _layers),
    (frozenset({"override"}), _overrides),
    (frozenset({"nobody-on-call"}), _empty_step),
    (frozenset({"notification-rules"}), _own_rules),
)


def _first(pattern: re.Pattern[str], setup: Node, name: str) -> str:
    found = pattern.search(setup.need(name).text())
    if found is None:
        raise setup.need(name).fail("a date such as 2020-03-08" if pattern is _DATE else "a time such as 02:30")
    return found[0]
