"""Who is on call at an instant, since when, until when, and who then (pure)."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from tocsin.core.schedule import Schedule, on_call, shifts

AHEAD = timedelta(days=100)  # how far the next change is looked for; a quarter's turn ends within it
STEPS = (timedelta(days=2), timedelta(days=16), AHEAD)  # most changes are near


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """`until` None: nothing changes for a hundred days. `then`: who is on call from there."""

    people: tuple[str, ...]
    until: datetime | None = None
    then: tuple[str, ...] = ()


def standing(schedule: Schedule, at: datetime) -> Standing:
    """Who is on call at `at`, and the next change of it."""
    people = on_call(schedule, at)
    for step in STEPS:
        edges = {edge for each in shifts(schedule, at, at + step) for edge in (each.start, each.end)}
        for edge in sorted(each for each in edges if at < each < at + step):
            then = on_call(schedule, edge)
            if set(then) != set(people):
                return Standing(people=people, until=edge, then=then)
    return Standing(people=people)
