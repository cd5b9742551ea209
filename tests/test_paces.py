"""The pace of a provider in simulated time: nothing waits longer than pace, places and rest ask for."""

from __future__ import annotations

import heapq
import random

from hypothesis import given, settings, strategies as st

from tocsin.saying.paces import LEASED_MAX, Paces

LANE = "email"
LOOK = 0.004  # what a look at the store takes


def seconds_for(count: int, per_second: float, attempt: float, jitter: random.Random) -> float:
    """How long `count` announcements of one lane take when they are made as `Announcing.run` makes them."""
    paces = Paces({LANE: per_second})
    now, due, under_way = 1000.0, count, list[float]()
    while due or under_way:
        room = paces.room(now)(LANE)
        now += LOOK * jitter.random()
        taken = min(room, due)
        for _ in range(taken):
            paces.took(LANE, now)
            heapq.heappush(under_way, now + attempt * (0.5 + jitter.random()))
        due -= taken
        now += LOOK * jitter.random()
        frees = paces.frees_in(now) if due else None
        until = now + (60.0 if frees is None else max(0.02, frees))
        while under_way and under_way[0] <= until:
            now = max(now, heapq.heappop(under_way))
            if paces.ended(LANE, "sent", None, now):
                until = now
        now = max(now, until) if due else now
    return now - 1000.0


@settings(max_examples=200, deadline=None)
@given(
    st.integers(1, 600),
    st.sampled_from([0.5, 1.0, 3.3, 20.0, 50.0, 200.0, 1_000.0]),
    st.floats(0.001, 2.0),
    st.integers(0, 2**32),
)
def test_nobody_waits_once_the_pace_allows_it(count: int, per_second: float, attempt: float, seed: int) -> None:
    took = seconds_for(count, per_second, attempt, random.Random(seed))

    paced = max(0.0, count - max(1.0, per_second)) / per_second
    crowded = count * attempt * 1.5 / (LEASED_MAX // 2)
    assert took <= paced + crowded + 3 * attempt + 1.0 + count * 0.001


def test_a_token_that_came_between_the_two_questions_is_no_reason_to_idle() -> None:
    paces = Paces({LANE: 50.0})
    for _ in range(50):
        paces.took(LANE, 0.0)
        paces.ended(LANE, "sent", None, 0.0)
    assert paces.room(0.0199)(LANE) == 0

    assert paces.frees_in(0.0201) == 0.0


def test_a_lane_that_is_only_full_is_waited_for_until_one_of_its_attempts_ends() -> None:
    paces = Paces({LANE: 1_000.0})
    for _ in range(LEASED_MAX):
        paces.took(LANE, 0.0)
    paces.room(0.5)

    assert paces.frees_in(0.5) is None
