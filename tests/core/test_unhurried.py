"""Severities for which the guide has no escalation climb by day, and only if nobody answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, strategies as st

from tests.core.lives import LEVELS, Life, world
from tocsin.core import commands as c
from tocsin.core.calendar import BusinessTime, in_business_hours
from tocsin.core.escalation import World
from tocsin.core.policy import Deadline, Escalation, Level, Severity, WhileUnresolved
from tocsin.core.promises import next_wakeup
from tocsin.core.unhurried import WORKING_DAY, climbs_at, unhurried

FRIDAY_NIGHT = datetime(2026, 11, 27, 22, 30, tzinfo=UTC)
TIMED = (WhileUnresolved(severity="SEV-1", every=Deadline(seconds=1800)),)
NEXT_DAY = Deadline(calendar="next_business_day")


def house(respond: Deadline | None = NEXT_DAY, **escalation: Any) -> World:
    severities = (Severity(id="SEV-1", rank=0), Severity(id="SEV-3", rank=1, respond_within=respond))
    scheme = Escalation(**({"levels": LEVELS, "while_unresolved": TIMED, "until": "resolved"} | escalation))
    return world(severities=severities, escalation=scheme)


def mild(respond: Deadline | None = NEXT_DAY, **escalation: Any) -> Life:
    return Life(house(respond, **escalation), at=FRIDAY_NIGHT, severity="SEV-3")


def test_where_others_have_intervals_one_without_waits_for_its_own_working_day():
    life = mild()

    assert life.now.ladder.again_at == datetime(2026, 11, 30, 17, 0, tzinfo=UTC)


def test_a_guide_that_says_no_escalation_is_taken_at_its_word():
    life = mild(while_unresolved=(), never=("SEV-3",))

    assert life.now.ladder.again_at == datetime(2026, 11, 30, 17, 0, tzinfo=UTC)


def test_an_acknowledgement_ends_it_although_the_others_run_until_they_are_resolved():
    life = mild()
    life.does(c.Acknowledge(by="ana"), FRIDAY_NIGHT + timedelta(minutes=5))

    assert life.now.ladder.until == "acknowledged"
    assert next_wakeup(life.now, life.world.rules) is None


def test_unanswered_it_still_reaches_the_next_level():
    life = mild()

    life.wakes(datetime(2026, 11, 30, 17, 0, tzinfo=UTC))

    assert life.now.ladder.level == 2


def test_a_raise_makes_haste_again_at_once():
    life = mild()
    at = FRIDAY_NIGHT + timedelta(minutes=40)

    life.does(c.ChangeSeverity(by="ana", severity="SEV-1", because="it spreads"), at)

    assert life.now.ladder.again_at == at + timedelta(minutes=30)


def test_a_short_time_to_respond_is_night_work():
    life = mild(Deadline(seconds=1800))

    assert life.now.ladder.again_at == FRIDAY_NIGHT + timedelta(minutes=30)


def test_a_day_to_respond_ends_when_the_house_opens():
    life = mild(Deadline(seconds=86_400))

    assert life.now.ladder.again_at == datetime(2026, 11, 30, 9, 0, tzinfo=UTC)


def test_without_a_time_to_respond_the_levels_limit_counts_working_hours():
    life = mild(None)  # a quarter of an hour is an hour of the next working day

    assert life.now.ladder.again_at == datetime(2026, 11, 30, 10, 0, tzinfo=UTC)


def test_levels_that_the_guide_wrote_for_a_severity_are_its_escalation():
    own = (Level(level=1, who=("ana",), within=Deadline(seconds=900), severities=("SEV-3",)),)

    policy = house().policy
    assert not unhurried(policy, Escalation(levels=own, while_unresolved=TIMED), "SEV-3")
    assert unhurried(policy, Escalation(levels=LEVELS, while_unresolved=TIMED), "SEV-3")
    assert not unhurried(policy, Escalation(levels=LEVELS), "SEV-3")


@given(timed=st.sets(st.integers(0, 4), min_size=1), mine=st.integers(0, 4))
def test_what_is_worse_than_a_timed_severity_never_waits(timed: set[int], mine: int):
    severities = tuple(Severity(id=f"S{n}", rank=n) for n in range(5))
    rows = tuple(WhileUnresolved(severity=f"S{n}", every=Deadline(seconds=1800)) for n in timed)
    scheme = Escalation(levels=LEVELS, while_unresolved=rows, until="resolved")
    of = world(severities=severities, escalation=scheme)

    assert unhurried(of.policy, scheme, f"S{mine}") == (mine > max(timed))
    if mine <= max(timed):
        life = Life(of, at=FRIDAY_NIGHT, severity=f"S{mine}")
        assert life.now.ladder.again_at is not None
        assert life.now.ladder.again_at <= FRIDAY_NIGHT + timedelta(minutes=30)


seconds = st.integers(60, 30 * 86_400)
responds = st.one_of(
    st.none(),
    st.just(NEXT_DAY),
    st.sampled_from([Deadline(calendar="same_day"), Deadline(calendar="next_day"), Deadline(calendar_days=1)]),
    st.builds(Deadline, business_days=st.integers(1, 9)),
    st.builds(Deadline, business_hours=st.integers(1, 60)),
    st.builds(Deadline, seconds=seconds.filter(lambda each: each >= WORKING_DAY.total_seconds())),
)


@given(
    respond=responds,
    within=st.one_of(st.none(), st.builds(Deadline, seconds=seconds)),
    now=st.integers(0, 2 * 365 * 24 * 60).map(lambda minutes: FRIDAY_NIGHT + timedelta(minutes=minutes)),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
)
def test_it_never_climbs_outside_business_hours(
    respond: Deadline | None, within: Deadline | None, now: datetime, zone: str
) -> None:
    calendar = BusinessTime(zone=zone)

    at = climbs_at(Severity(id="SEV-3", rank=1, respond_within=respond), within, now, calendar)

    if at is None:
        assert respond is None
        assert within is None
    else:
        assert at > now
        assert in_business_hours(at, calendar) or in_business_hours(at - timedelta(microseconds=1), calendar)


@pytest.mark.parametrize("hour", range(0, 24, 5))
def test_whatever_the_hour_a_ladder_of_many_laps_stays_in_the_day(hour: int) -> None:
    life = Life(house(), at=datetime(2026, 11, 27, hour, 5, tzinfo=UTC), severity="SEV-3")

    for _ in range(12):
        at = next_wakeup(life.now, life.world.rules, life.world.calendar)
        assert at is not None
        life.wakes(at)
        ladder_at = life.now.ladder.again_at
        assert ladder_at is not None
        assert in_business_hours(ladder_at - timedelta(microseconds=1), life.world.calendar)
