"""A span computed at once and asked instant by instant: TOCSIN_TIMELINES random schedules (default 150)."""

from __future__ import annotations

import os
from datetime import UTC, datetime, time, timedelta
from random import Random

from tests.core.test_schedule_walls import ZONES
from tocsin.core.rotation import DAYS, Participant, Restriction, Rotation, Unit
from tocsin.core.schedule import Layer, Override, Schedule, Shift, Temporary, on_call, shifts

TIMELINES = int(os.environ.get("TOCSIN_TIMELINES", "150"))
PEOPLE = ("ana", "ben", "cho", "dee", "eve")
UNITS: tuple[Unit, ...] = ("hour", "day", "week", "month")
MINUTE = timedelta(minutes=1)


def span(dice: Random, start: datetime, days: int) -> tuple[datetime, datetime]:
    begun = start + dice.randrange(days * 1440) * MINUTE
    return begun, begun + dice.randrange(1, 2880) * MINUTE


def clock(dice: Random) -> time:
    return time(dice.randrange(24), dice.choice((0, 15, 30)))


def layer(dice: Random, start: datetime, zone: str) -> Layer:
    turns = tuple(
        Participant(people=tuple(dice.sample(PEOPLE, dice.choice((0, 1, 1, 1, 2)))))
        for _ in range(dice.randrange(1, 5))
    )
    anchor = start.replace(tzinfo=None) + dice.randrange(-40000, 4000) * MINUTE
    rotation = Rotation(
        every=dice.randrange(1, 8), unit=dice.choice(UNITS), anchor=anchor, zone=zone, participants=turns
    )
    days = tuple(dice.sample(DAYS, dice.randrange(1, 8)))
    hours = (Restriction(days=days, start=clock(dice), end=clock(dice), zone=zone),) if dice.random() < 0.5 else ()
    return Layer(priority=dice.randrange(3), rotation=rotation, restrictions=hours)


def schedule(dice: Random, start: datetime, days: int) -> Schedule:
    zone = dice.choice(ZONES)
    overrides = []
    for _ in range(dice.randrange(4)):
        begun, ended = span(dice, start, days)
        remove, add = dice.choice(((None, "ana"), ("ben", None), ("ana", "cho"), ("cho", "dee")))
        overrides.append(Override(add=add, remove=remove, start=begun, end=ended))
    temporary = []
    for _ in range(dice.randrange(2)):
        begun, ended = span(dice, start, days)
        middle = begun + (ended - begun) / 2
        temporary.append(Temporary(start=begun, end=ended, shifts=(Shift(person="eve", start=begun, end=middle),)))
    layers = tuple(layer(dice, start, zone) for _ in range(dice.randrange(1, 5)))
    return Schedule(zone=zone, layers=layers, overrides=tuple(overrides), temporary=tuple(temporary))


def test_a_span_at_once_and_instant_by_instant_agree():
    for seed in range(TIMELINES):
        dice = Random(seed)
        start = datetime(1975, 1, 1, tzinfo=UTC) + timedelta(days=dice.randrange(30000), hours=dice.randrange(24))
        days = dice.randrange(1, 8)
        plan = schedule(dice, start, days)
        end = start + timedelta(days=days)

        found = shifts(plan, start, end)
        edges = {start, *(each.start for each in found), *(each.end for each in found)}
        asked = {at + by for at in edges for by in (-MINUTE, -timedelta(microseconds=1), timedelta(), MINUTE)}
        asked |= {start + dice.random() * (end - start) for _ in range(20)}

        for at in sorted(each for each in asked if start <= each < end):
            listed = {each.person for each in found if each.start <= at < each.end}
            assert listed == set(on_call(plan, at)), (seed, at, plan)
