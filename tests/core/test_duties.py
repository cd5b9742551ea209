"""Upkeep: owed, reminded, kept or missed, period after period."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from tests.core.lives import PEOPLE, person, world
from tocsin.core import commands as c, facts as f
from tocsin.core.calendar import BusinessTime
from tocsin.core.decide import decide
from tocsin.core.duties import ChangeDuty, EndDuty, Upkeep, began, name_of, next_review, stream_of, upkeep_of
from tocsin.core.incident import Incident, Refused, evolve, fold
from tocsin.core.policy import Deadline, Drill, Duty, Policy, Source
from tocsin.core.promises import next_wakeup, promises

T0 = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
DAY, WEEK = timedelta(days=1), timedelta(days=7)
UTC_TIME = BusinessTime()
WEEKLY = Upkeep(title="Test the channels weekly", every=Deadline(seconds=604_800), who=("upkeep",), line=374)
WORLD = world(people=PEOPLE | {"eve": person("eve", roles=("upkeep",))}, last_resort=())


class Kept:
    def __init__(self, upkeep: Upkeep = WEEKLY, at: datetime = T0) -> None:
        self.facts = began(
            upkeep, stream="duty-1", name="channels", guide="g", digest="d" * 64, calendar=UTC_TIME, now=at
        )

    @property
    def now(self) -> Incident:
        found = fold(self.facts)
        assert found is not None
        return found

    def does(self, command: object, at: datetime) -> list:
        facts = decide(self.now, command, WORLD_OF_DUTIES, at)
        self.facts += facts
        return facts

    def states(self) -> list[str]:
        return [each.state for each in promises(self.now, ())]


WORLD_OF_DUTIES = type(WORLD)(policy=WORLD.policy, rules=(), directory=WORLD.directory)


def test_a_duty_is_owed_a_period_after_it_began() -> None:
    duty = Kept()

    (promise,) = promises(duty.now, ())

    assert (promise.due_at, promise.state, promise.source) == (T0 + WEEK, "open", Source(line=374))


def test_whoever_keeps_it_is_reminded_and_then_daily() -> None:
    duty = Kept()

    risk = T0 + WEEK * 0.8
    assert next_wakeup(duty.now, ()) == risk
    assert [type(each).__name__ for each in duty.does(c.Wake(), risk)] == ["PromiseAtRisk", "Notified"]
    missed = duty.does(c.Wake(), T0 + WEEK)
    assert [type(each).__name__ for each in missed] == ["PromiseMissed", "Notified"]
    assert [page.person for page in missed[1].pages] == ["eve"]
    assert duty.states() == ["missed"]
    assert next_wakeup(duty.now, ()) == T0 + WEEK + DAY


def test_a_kept_duty_is_due_again_a_period_later() -> None:
    duty = Kept()

    duty.does(c.KeepDuty(by="eve", notes="all work"), T0 + DAY)

    (promise,) = promises(duty.now, ())
    assert (promise.due_at, promise.state) == (T0 + 8 * DAY, "open")
    assert duty.now.duty is not None
    assert (duty.now.duty.kept, duty.now.duty.kept_by) == (1, "eve")


def test_every_period_that_nobody_keeps_is_missed_once() -> None:
    duty = Kept()
    while (at := next_wakeup(duty.now, ())) is not None and at <= T0 + 3 * WEEK:
        duty.does(c.Wake(), at)

    assert [each.due_at for each in duty.facts if isinstance(each, f.PromiseMissed)] == [
        T0 + n * WEEK for n in (1, 2, 3)
    ]


def test_a_waived_period_reminds_nobody() -> None:
    duty = Kept()
    (promise,) = promises(duty.now, ())

    duty.does(c.WaivePromise(by="ana", key=promise.key, because="we moved"), T0 + DAY)

    assert next_wakeup(duty.now, ()) is None


def test_a_duty_is_no_incident_and_an_incident_is_none() -> None:
    with pytest.raises(Refused, match="cannot acknowledge: channels is a duty"):
        Kept().does(c.Acknowledge(by="ana"), T0)


def test_another_period_counts_from_when_it_was_last_kept() -> None:
    duty = Kept()
    duty.does(c.KeepDuty(by="eve"), T0 + DAY)
    monthly = Upkeep(title=WEEKLY.title, every=Deadline(months=1), who=("upkeep",), line=374)

    duty.does(ChangeDuty(upkeep=monthly, policy_digest="e" * 64), T0 + 2 * DAY)

    assert [each.due_at for each in promises(duty.now, ())] == [datetime(2026, 12, 24, 3, 0, tzinfo=UTC)]
    assert duty.does(ChangeDuty(upkeep=monthly, policy_digest="e" * 64), T0 + 3 * DAY) == []


def test_a_duty_that_no_guide_asks_for_owes_nothing_and_comes_back_when_one_does() -> None:
    duty = Kept()
    duty.does(EndDuty(because="gone"), T0 + DAY)
    assert (promises(duty.now, ()), next_wakeup(duty.now, ())) == ([], None)

    duty.does(ChangeDuty(upkeep=WEEKLY, policy_digest="e" * 64), T0 + 2 * DAY)

    assert [each.due_at for each in promises(duty.now, ())] == [T0 + 9 * DAY]


def test_a_review_of_the_document_is_owed_once() -> None:
    once = Upkeep(title="Review the guide", kind="document", due_at=T0 + 30 * DAY, who=("upkeep",))
    duty = Kept(once)

    duty.does(c.KeepDuty(by="eve"), T0 + DAY)

    assert next_wakeup(duty.now, ()) is None
    assert duty.does(ChangeDuty(upkeep=once, policy_digest="d" * 64), T0 + 2 * DAY) == []
    later = Upkeep(title="Review the guide", kind="document", due_at=T0 + 300 * DAY, who=("upkeep",))
    duty.does(ChangeDuty(upkeep=later, policy_digest="d" * 64), T0 + 3 * DAY)
    assert [each.due_at for each in promises(duty.now, ())] == [T0 + 300 * DAY]


@given(
    done=st.lists(st.integers(0, 200), max_size=6),
    months=st.integers(1, 12),
    begins=st.integers(0, 3_000_000).map(lambda n: T0 + timedelta(minutes=n)),
)
def test_it_is_always_owed_again_and_looking_twice_adds_nothing(done: list[int], months: int, begins: datetime) -> None:
    duty = Kept(Upkeep(title="Review", every=Deadline(months=months), who=("upkeep",)), begins)
    for day in sorted(done):
        at = begins + day * DAY
        while (wake := next_wakeup(duty.now, ())) is not None and wake <= at:
            assert duty.does(c.Wake(), wake)
        assert duty.does(c.Wake(), at) == []
        duty.does(c.KeepDuty(by="eve"), at)
        assert next_wakeup(duty.now, ()) is not None and next_wakeup(duty.now, ()) > at
    state = None
    for fact in duty.facts:
        state = evolve(state, fact)
    assert state == duty.now


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2025-10-15", "2025-10-15"),
        ("October 2025", "2025-10-31"),
        ("Feb 2028", "2028-02-29"),
        ("next year", None),
        ("Smarch 2025", None),
        ("", None),
    ],
)
def test_the_day_on_which_a_document_is_to_be_reviewed(text: str, day: str | None) -> None:
    found = next_review(text, UTC_TIME)

    assert (str(found.date()) if found else None) == day


def test_a_guides_duties_drills_and_review_are_upkeep() -> None:
    policy = Policy(
        title="Guide",
        severities=(),
        metadata={"owner": "DevOps Team", "next_review": "October 2027"},
        duties=(Duty(title="Test channels weekly", every=Deadline(seconds=604_800)),),
        drills=(Drill(title="Monthly simulation", every=Deadline(months=1)), Drill(title="Chaos engineering")),
    )

    found = upkeep_of(policy, UTC_TIME)

    assert [(each.title, each.kind) for each in found] == [
        ("Test channels weekly", "upkeep"),
        ("Monthly simulation", "drill"),
        ("Review Guide", "document"),
    ]
    assert {each.who for each in found} == {("upkeep", "DevOps Team")}


def test_names_and_streams_are_stable() -> None:
    assert name_of(WEEKLY) == "test-the-channels-weekly"
    assert name_of(Upkeep(title="…")) == "duty"
    assert stream_of("g", WEEKLY) == stream_of("g", Upkeep(title="TEST the channels weekly"))
    assert stream_of("g", WEEKLY) != stream_of("h", WEEKLY)
