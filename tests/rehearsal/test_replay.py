"""Recorded incidents through another policy. Through their own, nothing may change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, strategies as st

from tests.core.lives import LEVELS, PEOPLE, Life, minutes, person, policy, world
from tests.rehearsal.test_rehearsal import LIVES, RUNNING_ON
from tocsin.core import commands as c, facts as f
from tocsin.core.escalation import World
from tocsin.core.incident import Refused
from tocsin.core.people import Directory
from tocsin.core.policy import Deadline, Escalation, Level, Policy, Severity
from tocsin.core.promises import next_wakeup, rules
from tocsin.rehearsal.replay import Recorded, meant, replay, sums

T0 = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
RANKS = {"SEV-1": 0, "SEV-2": 1, "SEV-3": 2}


def within(made: Policy) -> World:
    return World(policy=made, rules=rules(made), directory=Directory(people=PEOPLE, last_resort=("dora",)))


def recorded(made: Policy, actions: list, until: datetime) -> Recorded:
    """The facts of an incident as an engine would have stored them: woken whenever something was due."""
    life = Life(within(made), at=T0, key=None, alerts=(), count=0)

    def wake(before: datetime, *, inclusive: bool) -> None:
        while True:
            at = next_wakeup(life.now, life.world.rules, life.world.calendar)
            if at is None or at > before or (at == before and not inclusive):
                return
            life.wakes(at)

    for at, command in sorted(actions, key=lambda each: each[0]):
        wake(at, inclusive=False)
        try:
            life.does(command, at)
        except Refused:
            continue
    wake(until, inclusive=True)
    return Recorded(incident="i1", facts=tuple(life.facts), ranks=RANKS)


@given(life=LIVES, hours=st.integers(2, 5))
def test_through_its_own_policy_an_incident_is_as_it_was(life: list, hours: int) -> None:
    until = T0 + timedelta(hours=hours)
    known = recorded(RUNNING_ON, [(T0 + minutes(n), command) for n, command in life], until)

    found = replay(known, within(RUNNING_ON), until)

    assert found.before == found.after
    assert not found.refused


def test_a_slower_ladder_pages_fewer_people() -> None:
    slow = policy(escalation=Escalation(levels=(msgspec.structs.replace(LEVELS[0], within=Deadline(seconds=7200)),)))
    known = recorded(policy(), [(T0 + minutes(50), c.Resolve(by="ana"))], T0 + minutes(60))

    found = replay(known, within(slow), T0 + minutes(60))

    assert found.before.pages == {"ana": 1, "ben": 2, "dora": 1}
    assert found.after.pages == {"ana": 1}
    assert found.differs


def test_a_shorter_promise_is_missed_where_the_longer_was_kept() -> None:
    strict = policy(severities=(Severity(id="SEV-1", rank=0, respond_within=Deadline(seconds=60)),))
    known = recorded(policy(), [(T0 + minutes(3), c.Acknowledge(by="ana"))], T0 + minutes(10))

    found = replay(known, within(strict), T0 + minutes(10))

    assert (found.before.missed, found.after.missed) == (0, 1)


def test_an_answer_by_somebody_who_was_not_paged_is_counted() -> None:
    other = policy(escalation=Escalation(levels=(Level(level=1, who=("cleo",)),)))
    known = recorded(policy(), [(T0 + minutes(3), c.Acknowledge(by="ana"))], T0 + minutes(10))

    found = replay(known, within(other), T0 + minutes(10))

    assert found.answered_unpaged
    assert (found.before.first, found.after.first) == (("ana",), ("cleo",))


def test_a_night_is_local_to_who_is_woken() -> None:
    tokyo = {"ana": person("ana", zone="Asia/Tokyo"), "ben": PEOPLE["ben"]}  # 03:00 UTC is noon there
    far = World(policy=policy(), rules=rules(policy()), directory=Directory(people=tokyo, last_resort=("ben",)))
    known = recorded(policy(), [(T0 + minutes(20), c.Resolve(by="ana"))], T0 + minutes(20))

    found = replay(known, far, T0 + minutes(20))

    assert found.before.nights == {"ben": 1}


def test_a_severity_of_another_scheme_is_the_one_of_its_rank() -> None:
    other = policy(severities=(Severity(id="P1", rank=0), Severity(id="P2", rank=1)), severity_mapping={"SEV-3": "P1"})

    assert [meant(other, each, RANKS) for each in ("SEV-1", "SEV-2", "SEV-3", "SEV-9")] == ["P1", "P2", "P1", "P2"]


def test_the_sum_adds_both_sides_up() -> None:
    known = recorded(policy(), [(T0 + minutes(20), c.Resolve(by="ana"))], T0 + minutes(60))
    other = policy(escalation=Escalation(levels=(Level(level=1, who=("cleo",)),)))

    total = sums([replay(known, within(other), T0 + minutes(60)), replay(known, within(policy()), T0 + minutes(60))])

    assert (total.incidents, total.differing) == (2, 1)
    assert total.per_person["ana"] == (2, 1)
    assert total.per_person["cleo"][0] == 0
    assert total.pages[0] == sum(before for before, _ in total.per_person.values())


def test_facts_without_an_opening_are_refused() -> None:
    with pytest.raises(ValueError, match="incident i9: expected facts that begin with Opened"):
        replay(Recorded(incident="i9", facts=(f.Closed(at=T0),)), world(), T0)
