"""Tries that failed slow the next ones down, and nobody can be kept out by it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, strategies as st

from tocsin.core.lockout import (
    FORGOTTEN,
    FREE,
    LINK_LASTS,
    WAIT_MAX,
    Tally,
    counted,
    current,
    link_due,
    longest_link_gap,
    waits,
)

T0 = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)


def failures(count: int) -> Tally:
    tally = Tally()
    for _ in range(count):
        tally = counted(tally, T0)
    return tally


def test_a_few_mistypes_cost_nothing_and_then_the_wait_doubles_up_to_a_bound():
    seconds = [waits(failures(count), T0).total_seconds() for count in range(FREE - 1, FREE + 9)]

    assert seconds == [0, 10, 20, 40, 80, 160, 320, 640, 900, 900]


def test_a_wait_passes_and_failures_are_forgotten():
    tally = failures(FREE)

    assert waits(tally, T0 + timedelta(seconds=10)) == timedelta(0)
    assert current(tally, T0 + FORGOTTEN) == Tally()
    assert counted(tally, T0 + FORGOTTEN).count == 1


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_nobody_waits_longer_than_the_bound_whatever_was_tried(count: int, later: int):
    tally = Tally(count=count, last_at=T0)

    assert timedelta(0) <= waits(tally, T0 + timedelta(seconds=later)) <= WAIT_MAX


def test_no_gap_between_links_is_longer_than_a_link_works():
    assert longest_link_gap() < LINK_LASTS


@given(st.lists(st.integers(0, 1_200), min_size=1, max_size=60))
def test_whoever_asks_in_somebodys_name_that_person_has_a_working_link_or_can_have_one(gaps: list[int]):
    """Strangers ask for links as often as they like; at every instant one that was sent still works, or one is due."""
    tally, now, sent_at = Tally(), T0, None
    for gap in gaps:
        now += timedelta(seconds=gap)
        works = sent_at is not None and now < sent_at + LINK_LASTS
        assert works or link_due(tally, now)
        if link_due(tally, now):
            tally, sent_at = counted(tally, now), now


def test_somebody_who_is_made_to_get_links_gets_few():
    tally, sent = Tally(), 0
    for second in range(0, 3_600, 5):
        if link_due(tally, T0 + timedelta(seconds=second)):
            tally, sent = counted(tally, T0 + timedelta(seconds=second)), sent + 1

    assert sent <= 9
