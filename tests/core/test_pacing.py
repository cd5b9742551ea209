"""When the next message may go."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from tocsin.core.pacing import PaceRule, next_allowed

T0 = datetime(2026, 6, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
VOICE = (
    PaceRule(count=1, per=MINUTE),
    PaceRule(count=3, per=15 * MINUTE),
    PaceRule(count=7, per=60 * MINUTE, smooth=True),
    PaceRule(count=15, per=180 * MINUTE, smooth=True),
)


def test_a_message_goes_at_once_when_nothing_was_sent():
    assert next_allowed(VOICE, (), T0) == T0


def test_a_full_window_waits_for_its_oldest():
    rule = PaceRule(count=2, per=10 * MINUTE)

    assert next_allowed((rule,), (T0, T0 + 4 * MINUTE), T0 + 5 * MINUTE) == T0 + 10 * MINUTE


def test_what_a_longer_window_allows_is_spread():
    rules = (PaceRule(count=3, per=15 * MINUTE), PaceRule(count=18, per=60 * MINUTE, smooth=True))
    sent = [T0, T0, T0]

    for expected in (15, 18, 21):
        sent.append(next_allowed(rules, sent, sent[-1]))
        assert sent[-1] == T0 + expected * MINUTE


@given(st.lists(st.integers(0, 20), max_size=40))
def test_no_window_ever_holds_more_than_its_rule_allows(waits: list[int]):
    sent: list[datetime] = []
    now = T0
    for wait in waits:
        now = next_allowed(VOICE, sent, now + wait * MINUTE)
        sent.append(now)

    for rule in VOICE:
        assert all(sum(start <= each < start + rule.per for each in sent) <= rule.count for start in sent)


@pytest.mark.parametrize("rule", [PaceRule(count=0, per=MINUTE), PaceRule(count=1, per=timedelta())])
def test_a_rule_that_never_admits_anything_is_refused(rule: PaceRule):
    with pytest.raises(ValueError, match="above 0"):
        next_allowed((rule,), (), T0)
