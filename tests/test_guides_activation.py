"""A guide that triage could not use never comes into force."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tocsin.clock import ManualClock
from tocsin.core.policy import Policy, Route, Severity
from tocsin.guides import Guides
from tocsin.store.memory import MemoryStore

T0 = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
GOOD = Policy(title="g", severities=(Severity(id="P1", rank=0),))


@pytest.mark.parametrize(
    ("policy", "error"),
    [
        (Policy(title="g", severities=()), "severities: expected at least one"),
        (
            Policy(title="g", severities=GOOD.severities, routes=(Route(matchers=('a=~"("',)),)),
            r"g: routes\[0\].matchers: expected a regex in RE2's syntax",
        ),
    ],
)
def test_a_policy_that_triage_cannot_use_is_refused_and_the_old_one_stays(policy: Policy, error: str) -> None:
    guides = Guides(MemoryStore(ManualClock(T0)))
    guides.activate("default", "g", GOOD)

    with pytest.raises(ValueError, match=error):
        guides.activate("default", "g", policy)

    assert [guide.policy for guide in guides.active("default")] == [GOOD]
