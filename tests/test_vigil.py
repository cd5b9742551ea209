"""The daily look: once at the start, then once a day, and it never gives up."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta

from tocsin.clock import ManualClock
from tocsin.core.readiness import Gap
from tocsin.watch.vigil import Vigil
from tocsin.writer import Overloaded

T0 = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
GAP = Gap(check="level", level="error", text="level 1 pages nobody", guide="guide")


def vigil(*answers: list[Gap] | Exception) -> tuple[Vigil, ManualClock]:
    left = list(answers)

    async def look() -> list[Gap]:
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    clock = ManualClock(T0)
    return Vigil(look, clock), clock


def test_it_looks_at_the_start_and_again_after_a_day():
    watching, clock = vigil([GAP], [])

    first = asyncio.run(watching.look_if_due())
    clock.advance(timedelta(hours=23, minutes=59))
    too_soon = asyncio.run(watching.look_if_due())
    clock.advance(timedelta(minutes=1))
    second = asyncio.run(watching.look_if_due())

    assert (first, too_soon, second) == (True, False, True)


def test_what_it_finds_is_logged_and_counted(caplog):
    watching, _ = vigil([GAP, Gap(check="role", level="warning", text="role Scribe: means no active person")])

    with caplog.at_level(logging.WARNING):
        asyncio.run(watching.look_if_due())

    assert "1 errors, 1 warnings" in caplog.text
    assert "guide: level 1 pages nobody" in caplog.text
    assert watching.figures() == {"readiness_errors": 1, "readiness_warnings": 1}


def test_nothing_is_counted_before_the_first_look():
    watching, _ = vigil()

    assert watching.figures() == {}


def test_a_busy_server_is_asked_again_at_the_next_minute():
    watching, _ = vigil(Overloaded("too much to do"), [])

    assert [asyncio.run(watching.look_if_due()) for _ in range(2)] == [False, True]


def test_a_clock_that_was_set_back_does_not_stop_it():
    watching, clock = vigil([], [])
    asyncio.run(watching.look_if_due())

    clock.set(T0 - timedelta(days=3))

    assert asyncio.run(watching.look_if_due())
