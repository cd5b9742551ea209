"""Who is paged, when, and why."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal

import msgspec
import pytest

from tests.core.lives import LEVELS, PEOPLE, T0, WORLD, Life, minutes, person, policy, world
from tocsin.core import commands as c, facts as f
from tocsin.core.deadlines import RecordReceipt
from tocsin.core.escalation import LAPS_MAX, ladder
from tocsin.core.people import Directory, Method, Service, Team, who
from tocsin.core.policy import Deadline, Escalation, Level, Notify, Severity, WhileUnresolved
from tocsin.core.promises import next_wakeup


def minutes_of(n: int) -> Deadline:
    return Deadline(seconds=n * 60)


def failed(page: f.OwedPage, method: int = 0, **more) -> RecordReceipt:
    way = page.methods[method]
    return RecordReceipt(
        page=page.id, person=page.person, kind=way.kind, address=way.address, method=method, attempt=1, sent=False,
        code="rejected", **more,
    )  # fmt: skip


def test_nobody_answering_means_the_next_level_after_its_time():
    life = Life()

    life.wakes(T0 + minutes(14.9))
    assert life.now.ladder.level == 1
    life.wakes(T0 + minutes(15))

    assert life.now.ladder.level == 2
    assert [page.person for page in life.facts[-1].pages] == ["ben"]


def test_the_last_level_repeats_and_its_end_pages_the_last_resort_once():
    life = Life()

    for n in range(1, 10):
        life.wakes(T0 + minutes(15 + 30 * n))

    reached = [fact for fact in life.facts if isinstance(fact, f.NobodyReached)]
    assert len(reached) == 1
    assert [page.person for page in reached[0].pages] == ["dora"]
    assert life.now.ladder.level == 2
    assert life.now.ladder.lap == 8


def test_the_last_resort_and_the_last_level_get_pages_of_their_own():
    life = Life(world(last_resort=("ben",)))

    life.wakes(T0 + minutes(15))
    life.wakes(T0 + minutes(45))

    pages = [page.id for fact in life.facts if isinstance(fact, f.Escalated | f.NobodyReached) for page in fact.pages]
    assert len(pages) == len(set(pages)) == 4


UNTIMED = (Level(level=1, who=("ana",)), Level(level=2, who=("ben",)))
BARE = tuple(Severity(id=f"SEV-{n}", rank=n - 1) for n in (1, 2, 3))


@pytest.mark.parametrize("until", ["acknowledged", "resolved"])
@pytest.mark.parametrize(
    ("severity", "again"),
    [("SEV-1", minutes(30)), ("SEV-2", minutes(30)), ("SEV-3", datetime(2026, 11, 24, 17, 0, tzinfo=UTC) - T0)],
)
def test_what_nobody_answers_is_paged_again_also_where_the_guide_gives_no_time_at_all(
    severity: str, again: timedelta, until: Literal["acknowledged", "resolved"]
):
    life = Life(world(severities=BARE, escalation=Escalation(levels=UNTIMED, until=until)), severity=severity)

    first = life.now.ladder.again_at
    life.wakes(T0 + again)
    second = life.now.ladder
    life.does(c.Acknowledge(by="ben"), T0 + again + minutes(1))

    assert (first, second.level) == (T0 + again, 2)
    assert second.again_at is not None
    assert next_wakeup(life.now, life.world.rules) is None


def test_a_ladder_does_not_repeat_for_ever():
    life = Life()
    at = T0
    for _ in range(LAPS_MAX + 20):
        wake_at = next_wakeup(life.now, WORLD.rules)
        if wake_at is None:
            break
        at = wake_at
        life.wakes(at)

    assert life.now.ladder.again_at is None
    assert life.now.ladder.lap == LAPS_MAX
    reached = [fact for fact in life.facts if isinstance(fact, f.NobodyReached)]
    assert [[page.person for page in fact.pages] for fact in reached] == [["dora"], ["dora"]]
    assert reached[-1].at == life.facts[-1].at


def test_the_smaller_of_a_levels_limit_and_the_severitys_interval_counts():
    every = (WhileUnresolved(severity="SEV-1", every=Deadline(seconds=600)),)
    life = Life(world(escalation=Escalation(levels=LEVELS, while_unresolved=every)))

    assert life.now.ladder.again_at == T0 + minutes(10)


def test_a_ladder_until_resolved_goes_on_after_an_acknowledgement_but_not_to_who_has_it():
    every = (WhileUnresolved(severity="SEV-1", every=Deadline(seconds=1800)),)
    levels = (Level(level=1, who=("ana",)), Level(level=2, who=("ana", "ben")))
    life = Life(world(escalation=Escalation(levels=levels, while_unresolved=every)))
    life.does(c.Acknowledge(by="ana"), T0 + minutes(5))

    life.wakes(T0 + minutes(30))

    assert life.now.acknowledged_by == "ana"
    assert [page.person for page in life.facts[-1].pages] == ["ben"]


def test_a_level_that_means_nobody_is_passed_at_once_and_recorded():
    levels = (Level(level=1, who=("Wizard",), within=Deadline(seconds=900)), LEVELS[1])
    life = Life(world(escalation=Escalation(levels=levels)))

    assert life.kinds() == ["Opened", "AlertsAttached", "CoverageGap", "Escalated"]
    assert life.facts[2].because == "Wizard: means no active person"
    assert life.now.ladder.level == 2


def test_a_person_without_a_method_is_a_coverage_gap():
    people = PEOPLE | {"ana": person("ana", Method(kind="email", address="a@example.org", enabled=False))}
    life = Life(world(people))

    assert "has no enabled contact method" in life.facts[2].because
    assert life.now.ladder.level == 2


def test_when_no_level_has_anybody_the_last_resort_is_paged_and_the_ladder_tried_again():
    levels = (Level(level=1, who=("Wizard",), within=Deadline(seconds=900)),)
    life = Life(world(escalation=Escalation(levels=levels)))

    assert [page.person for page in life.facts[-1].pages] == ["dora"]
    life.wakes(T0 + minutes(15))

    assert life.kinds().count("NobodyReached") == 2


def test_a_guide_with_a_matrix_and_no_levels_pages_the_matrix():
    matrix = (Notify(severity="SEV-1", who=("ana", "ben")), Notify(severity="SEV-2", who=("cleo",)))

    levels = ladder(policy(escalation=Escalation(notify=matrix)), Life().now)

    assert levels == (Level(level=1, who=("ana", "ben", "owner")),)


def test_who_the_ladder_pages_from_the_matrix_gets_no_second_message():
    matrix = (Notify(severity="SEV-1", who=("ana",)), Notify(severity="SEV-1", who=("cleo",), within=minutes_of(60)))
    life = Life(world(escalation=Escalation(notify=matrix)))

    pages = [page.person for state in life.now.pages.values() for page in [state.page]]
    assert pages == ["ana"]
    life.does(c.Acknowledge(by="ana"), T0 + minutes(1))
    life.wakes(T0 + minutes(60))

    assert [page.person for fact in life.facts if isinstance(fact, f.Notified) for page in fact.pages] == ["cleo"]


def test_without_levels_and_matrix_the_owner_of_the_service_is_paged():
    directory = Directory(
        people=PEOPLE,
        teams={"payments": Team(id="payments", members=("ben", "cleo"), lead="cleo")},
        services={"checkout": Service(id="checkout", owner="payments")},
    )

    assert [each.id for each in who(directory, ("owner",), service="checkout")] == ["cleo", "ben"]


def test_a_binding_that_leads_to_itself_means_nobody():
    directory = Directory(people=PEOPLE, bindings={"a": ("b",), "b": ("a",)})

    assert who(directory, ("a",)) == ()


def test_the_guides_words_reach_the_people_that_are_bound_to_them():
    directory = Directory(
        people=PEOPLE | {"eve": person("eve", roles=("Database Administrator",))},
        bindings={"On-call Engineer": ("ana", "team:ops")},
        teams={"ops": Team(id="ops", members=("ben",))},
    )

    found = who(directory, ("on-call engineer", "Database Administrator", "ana"))

    assert [each.id for each in found] == ["ana", "ben", "eve"]


def test_when_nobody_of_the_level_can_be_reached_the_next_is_paged_early():
    life = Life()
    page = life.facts[-1].pages[0]

    facts = life.does(failed(page), T0 + minutes(1))

    assert [type(fact).__name__ for fact in facts] == ["PageFailed", "PersonUnreachable", "Escalated"]
    assert facts[-1].level == 2
    assert facts[-1].because == "nobody at level 1 could be reached"


def test_a_channel_that_refuses_everything_does_not_use_up_the_ladder():
    life = Life()

    for n in range(400):
        owed = [state.page for state in life.now.pages.values() if state.owed]
        if not owed:
            break
        life.does(failed(owed[0]), T0 + timedelta(seconds=n))

    assert not [state for state in life.now.pages.values() if state.owed]
    assert life.now.ladder.lap == 1
    assert [fact.pages[0].person for fact in life.facts if isinstance(fact, f.NobodyReached)] == ["dora"]
    assert life.now.ladder.again_at is not None
    life.wakes(life.now.ladder.again_at)
    assert [page.person for page in life.facts[-1].pages] == ["ben"]


def test_a_last_resort_that_fails_is_not_paged_again_at_once():
    """Nobody on the last level has a way to be told, and the last resort is who failed on the first."""
    people = {"ana": person("ana"), "ben": msgspec.structs.replace(person("ben"), methods=())}
    life = Life(world(people, last_resort=("ana",)))

    for n in range(50):
        owed = [state.page for state in life.now.pages.values() if state.owed]
        if not owed:
            break
        life.does(failed(owed[0]), T0 + timedelta(seconds=n))

    assert [type(fact).__name__ for fact in life.facts if isinstance(fact, f.Escalated | f.NobodyReached)] == [
        "Escalated",
        "NobodyReached",
    ]


def test_a_last_level_timed_from_the_opening_does_not_repeat_every_second():
    levels = tuple(msgspec.structs.replace(each, since="opened") for each in LEVELS)
    life = Life(world(escalation=Escalation(levels=levels)))

    for n in range(1, 120):
        life.wakes(T0 + minutes(n))

    entered = [(fact.at, fact.level, fact.lap) for fact in life.facts if isinstance(fact, f.Escalated)]
    assert entered == [
        (T0, 1, 0),
        (T0 + minutes(15), 2, 0),
        (T0 + minutes(30), 2, 1),
        (T0 + minutes(60), 2, 2),
        (T0 + minutes(90), 2, 3),
    ]


def test_a_failing_method_is_not_the_end_of_a_person_with_two():
    two = person(
        "ana", Method(kind="email", address="a@example.org"), Method(kind="ntfy", address="u", after_seconds=60)
    )
    life = Life(world(PEOPLE | {"ana": two}))
    page = life.facts[-1].pages[0]

    facts = life.does(failed(page), T0 + minutes(1))

    assert [type(fact).__name__ for fact in facts] == ["PageFailed"]
    assert page.methods[1].not_before == T0 + minutes(1)


def test_a_method_that_will_be_tried_again_is_not_given_up():
    life = Life()
    page = life.facts[-1].pages[0]

    life.does(failed(page, again_at=T0 + minutes(2)), T0 + minutes(1))

    assert not life.now.pages[page.id].unreachable
    assert life.now.pages[page.id].owed


def test_a_failure_after_the_acknowledgement_escalates_nobody():
    life = Life()
    page = life.facts[-1].pages[0]
    life.does(c.Acknowledge(by="ana", via="link"), T0 + minutes(1))

    facts = life.does(failed(page, again_at=T0 + minutes(9)), T0 + minutes(2))

    assert [type(fact).__name__ for fact in facts] == ["PageFailed"]
    assert facts[0].again_at is None


def test_the_owed_page_carries_the_methods_in_the_order_of_their_time():
    slow = Method(kind="email", address="a@example.org", after_seconds=300)
    quick = Method(kind="ntfy", address="https://ntfy.example/ana")
    life = Life(world(PEOPLE | {"ana": person("ana", slow, quick)}))

    methods = life.facts[-1].pages[0].methods

    assert [(each.kind, each.not_before) for each in methods] == [("ntfy", T0), ("email", T0 + minutes(5))]


def test_a_named_ladder_serves_the_incident_that_asks_for_it():
    other = Escalation(levels=(Level(level=1, who=("cleo",)),))
    life = Life(world(escalations={"database": other}), escalation="database")

    assert [page.person for page in life.facts[-1].pages] == ["cleo"]


def test_a_level_for_other_severities_is_left_out():
    levels = (Level(level=1, who=("ana",), severities=("SEV-3",)), Level(level=2, who=("ben",)))

    assert [level.level for level in ladder(policy(escalation=Escalation(levels=levels)), Life().now)] == [2]


def test_without_a_last_resort_everybody_who_can_be_reached_is_paged():
    levels = (Level(level=1, who=("On-call Engineer",), within=Deadline(seconds=900)),)
    people = {"ana": person("ana"), "ben": person("ben", active=False), "cleo": person("cleo")}
    life = Life(world(people, last_resort=(), escalation=Escalation(levels=levels)))

    assert [page.person for page in life.facts[-1].pages] == ["ana", "cleo"]


@pytest.mark.parametrize("methods", [1, 3, 200])
@pytest.mark.parametrize("address", [40, 4_000])
def test_a_level_of_hundreds_of_people_pages_as_many_as_a_fact_holds(methods: int, address: int):
    """A fact that is too large is no fact: the incident would not be opened, and nobody would be paged."""
    ways = [Method(kind="email", address=f"{n}@" + "x" * address) for n in range(methods)]
    people = {f"p{n}": person(f"p{n}", *ways) for n in range(700)}
    life = Life(world(people, escalation=Escalation(levels=(Level(level=1, who=tuple(people)),))))

    for fact in life.facts:
        f.encode(fact)
    paged = [page.person for fact in life.facts if isinstance(fact, f.Escalated) for page in fact.pages]
    assert len(paged) >= (100 if methods == 1 and address < 100 else 1)
    assert paged == list(people)[: len(paged)]
