"""What a ladder and everybody's own rules would do, minute by minute."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from tocsin.core.ladder_timeline import Entered, Event, Ladder, OwnRule, Step, timeline

TWO = (Step(delay=30, targets=("u1",)), Step(delay=60, targets=("u2",)))
RULES = {"u1": (OwnRule(delay=0, method="sms"), OwnRule(delay=40, method="voice"))}


def entered(ladder: Ladder, *events: Event, horizon: float = 240) -> list[tuple[float, int]]:
    return [(each.at, each.step) for each in timeline(ladder, {}, events, horizon).entered]


def told(ladder: Ladder, *events: Event) -> list[tuple[float, str, str]]:
    return [(each.at, each.user, each.method) for each in timeline(ladder, RULES, events, 240).told]


def test_repeat_counts_extra_passes_and_the_last_delay_separates_them():
    assert entered(Ladder(steps=TWO, repeat=1)) == [(0, 0), (30, 1), (90, 0), (120, 1)]


def test_an_acknowledgement_at_the_same_minute_goes_first():
    assert entered(Ladder(steps=TWO), Event(at=30, action="acknowledge", user="u1")) == [(0, 0)]


def test_asking_to_escalate_moves_at_once_and_restarts_the_clock():
    assert entered(Ladder(steps=TWO, repeat=1), Event(at=10, action="escalate")) == [(0, 0), (10, 1), (70, 0), (100, 1)]


def test_asking_to_escalate_works_after_an_acknowledgement_and_wraps():
    events = (Event(at=40, action="acknowledge", user="u2"), Event(at=50, action="escalate"))

    assert entered(Ladder(steps=TWO), *events) == [(0, 0), (30, 1), (50, 0), (80, 1)]


def test_a_hold_keeps_the_ladder_and_then_it_starts_at_the_first_step():
    events = (Event(at=0, action="hold"), Event(at=100, action="release"))

    assert entered(Ladder(steps=TWO), *events) == [(100, 0), (130, 1)]


def test_a_step_that_means_nobody_is_passed_at_once_and_is_a_gap():
    ladder = Ladder(steps=(Step(delay=15), *TWO))

    found = timeline(ladder, {}, (), 60)

    assert found.gaps == (Entered(at=0, step=0),)
    assert found.entered == (Entered(at=0, step=1), Entered(at=30, step=2))


def test_own_rules_go_on_after_the_ladder_has_moved():
    assert told(Ladder(steps=TWO)) == [(0, "u1", "sms"), (40, "u1", "voice")]


def test_own_rules_are_not_restarted_while_they_run():
    ladder = Ladder(steps=(Step(delay=30, targets=("u1",)),), repeat=2)

    assert told(ladder) == [(0, "u1", "sms"), (40, "u1", "voice"), (60, "u1", "sms"), (100, "u1", "voice")]


def test_with_multi_ack_the_others_are_told_all_the_same():
    ladder = Ladder(steps=(Step(delay=60, targets=("u1", "u2"), multi_ack=True),))

    assert told(ladder, Event(at=5, action="acknowledge", user="u2")) == [(0, "u1", "sms"), (40, "u1", "voice")]
    assert told(ladder, Event(at=5, action="acknowledge", user="u1")) == [(0, "u1", "sms")]


@given(
    st.lists(st.tuples(st.integers(0, 200), st.sampled_from(["acknowledge", "close", "escalate", "hold", "release"])))
)
def test_nothing_happens_after_a_close_and_times_never_go_back(events: list[tuple[int, str]]):
    happened = [Event(at=at, action=action, user="u1") for at, action in events]  # type: ignore[arg-type]

    found = timeline(Ladder(steps=TWO, repeat=-1), RULES, happened, 240)

    times = [each.at for each in found.entered]
    closed = min((each.at for each in happened if each.action == "close"), default=241)
    assert times == sorted(times)
    assert all(each.at <= closed for each in (*found.entered, *found.told))


def test_a_ladder_that_would_never_end_is_refused():
    with pytest.raises(ValueError, match="set a delay"):
        timeline(Ladder(steps=(Step(delay=0, targets=("u1",)),), repeat=-1), {}, (), 10)
