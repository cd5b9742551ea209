"""Who would not be reached: each rule with what it finds, and nothing found where everybody can be."""

from __future__ import annotations

import msgspec
from hypothesis import given, strategies as st

from tests.core.lives import PEOPLE, Life, person, policy
from tocsin.core.audiences import Channel, StoredAudience, audiences
from tocsin.core.escalation import World, escalate
from tocsin.core.facts import CoverageGap, NobodyReached
from tocsin.core.people import Directory, Method, Person, Service, Team
from tocsin.core.policy import (
    Cadence,
    Communication,
    Deadline,
    Escalation,
    Level,
    Notify,
    Paging,
    Policy,
    Role,
    Source,
)
from tocsin.core.promises import rules
from tocsin.core.readiness import CROWD, gaps, unheard

_INCIDENT = Life().now
EVERYBODY = Directory(people=PEOPLE, last_resort=("dora",))
MUTE = Person(id="ana", methods=(Method(kind="email", address="a@b", enabled=False),))


def found(made: Policy, directory: Directory = EVERYBODY) -> list[tuple[str, str, int]]:
    return [(gap.check, gap.level, gap.line) for gap in gaps([("guide", made)], directory)]


def with_people(**people: Person) -> Directory:
    return msgspec.structs.replace(EVERYBODY, people=PEOPLE | people)


def test_nothing_is_found_where_everybody_can_be_reached():
    assert found(policy()) == []


def test_a_level_that_means_nobody_is_an_error_with_its_line():
    made = policy(escalation=Escalation(levels=(Level(level=1, who=("Boss",), source=Source(line=12)),)))

    (gap,) = gaps([("guide", made)], EVERYBODY)

    assert (gap.check, gap.level, gap.guide, gap.line) == ("level", "error", "guide", 12)
    assert gap.text == "level 1 pages nobody; Boss: means no active person"


def test_a_level_that_reaches_only_some_is_a_warning():
    made = policy(escalation=Escalation(levels=(Level(level=1, who=("ana", "Boss")),)))

    assert found(made) == [("level", "warning", 0)]


def test_somebody_without_an_enabled_method_cannot_be_reached():
    texts = [gap.text for gap in gaps([("guide", policy())], with_people(ana=MUTE))]

    assert texts == [
        "level 1 pages nobody; ana: ana has no enabled contact method",
        "ana: every contact method is disabled",
    ]


def test_who_has_left_is_nobody():
    gone = msgspec.structs.replace(PEOPLE["ana"], active=False)

    assert found(policy(), with_people(ana=gone)) == [("level", "error", 0)]


def test_ladders_with_a_name_are_looked_at_too():
    made = policy(escalations={"database": Escalation(levels=(Level(level=1, who=("dba",)),))})

    (gap,) = gaps([("guide", made)], EVERYBODY)

    assert gap.text.startswith("level 1 of database pages nobody")


def test_the_owner_is_known_only_with_an_incident():
    assert found(policy(escalation=Escalation(levels=(Level(level=1, who=("owner",)),)))) == []


def test_roles_and_notifications_that_mean_nobody_are_warnings():
    escalation = Escalation(levels=policy().escalation.levels, notify=(Notify(severity="SEV-1", who=("Press",)),))
    made = policy(escalation=escalation, roles=(Role(name="Scribe", source=Source(line=3)), Role(name="ben")))

    assert found(made) == [("notify", "warning", 0), ("role", "warning", 3)]


def test_without_a_last_resort_everybody_or_nobody_is_paged():
    nobody_named = msgspec.structs.replace(EVERYBODY, last_resort=())
    alone = Directory(people={"ana": MUTE}, last_resort=("ana",))

    assert found(policy(), nobody_named) == [("last resort", "warning", 0)]
    assert found(policy(paging=Paging(last_resort=("ben",))), nobody_named) == []
    assert ("last resort", "error", 0) in found(policy(), alone)


def test_a_binding_that_leads_nowhere_is_found():
    directory = msgspec.structs.replace(EVERYBODY, bindings={"DBA": ("zoe",), "Ops": ("ana", "zoe"), "None": ()})

    assert [(gap.level, gap.text) for gap in gaps([("guide", policy())], directory)] == [
        ("error", "DBA is bound to zoe: no active person"),
        ("error", "None is bound to nobody"),
        ("warning", "Ops is bound to zoe: no active person"),
    ]


def test_people_teams_and_services_are_looked_at():
    directory = msgspec.structs.replace(
        with_people(zoe=Person(id="zoe")),
        teams={"web": Team(id="web", members=("nobody",))},
        services={"db": Service(id="db"), "api": Service(id="api", owner="web"), "ok": Service(id="ok", owner="ana")},
    )

    assert [gap.text for gap in gaps([("guide", policy())], directory)] == [
        "zoe has no contact method",
        "team web has no active member",
        "service db has no owner",
        "service api: its owner web cannot be reached",
    ]


WORDS = st.lists(st.sampled_from(["ana", "ben", "Boss", "team:web", "mute"]), min_size=1, max_size=3).map(tuple)


@given(levels=st.lists(WORDS, min_size=1, max_size=3))
def test_a_level_is_an_error_exactly_when_the_ladder_would_pass_it(levels: list[tuple[str, ...]]) -> None:
    made = policy(escalation=Escalation(levels=tuple(Level(level=n, who=who) for n, who in enumerate(levels, 1))))
    directory = with_people(mute=msgspec.structs.replace(MUTE, id="mute"), cleo=person("cleo"))
    world = World(policy=made, rules=rules(made), directory=directory)

    errors = [gap for gap in gaps([("guide", made)], directory) if (gap.check, gap.level) == ("level", "error")]

    silent = [n for n in range(1, len(levels) + 1) if _passed(world, n)]
    assert [gap.text.split(" ")[1] for gap in errors] == [str(n) for n in silent]


def _passed(world: World, level: int) -> bool:
    alone = msgspec.structs.replace(world.policy.escalation.levels[level - 1], level=1)
    made = msgspec.structs.replace(world.policy, escalation=Escalation(levels=(alone,)))
    life = msgspec.structs.replace(world, policy=made)
    facts = escalate(_INCIDENT, life, "test", _INCIDENT.opened_at, level=1)
    return any(isinstance(fact, CoverageGap | NobodyReached) for fact in facts)


def test_a_level_of_more_people_than_one_page_goes_to_is_a_warning():
    crowd = {f"p{n}": person(f"p{n}") for n in range(CROWD + 1)}
    made = policy(escalation=Escalation(levels=(Level(level=1, who=tuple(crowd)),)))

    (gap,) = gaps([("guide", made)], with_people(**crowd))

    assert (gap.check, gap.level) == ("level", "warning")
    assert gap.text.startswith(f"level 1 pages {CROWD + 1} people")


def test_whom_the_guide_owes_news_has_a_channel_or_is_named_with_its_line():
    made = policy(
        cadences=(
            Cadence(audience="customers", every=Deadline(seconds=1800), source=Source(line=7)),
            Cadence(audience="the team", every=Deadline(seconds=900), channels=("Slack #war-room",)),
        ),
        communications=(
            Communication(audience="Executives", within=Deadline(seconds=3600)),
            Communication(audience="public", within=Deadline(seconds=3600)),
            Communication(audience="the moon", within=Deadline(seconds=3600)),
            Communication(audience="partners"),
        ),
    )
    reached = StoredAudience(id="executives", channels=(Channel(kind="email", address="c@example.org"),))

    found = unheard([("guide", made)], audiences({"executives": reached}))

    assert [(gap.check, gap.level, gap.line, gap.text) for gap in found] == [
        (
            "audience",
            "warning",
            7,
            "customers are owed news and have no channel: `tocsin audience set customers --channel ...`",
        ),
        (
            "audience",
            "warning",
            0,
            "the team (response-team) are owed news and have no channel: "
            "`tocsin audience set response-team --channel ...` (the guide says: Slack #war-room)",
        ),
        (
            "audience",
            "warning",
            0,
            "the moon are owed news and no audience goes by that name: `tocsin audience set NAME --word ...`",
        ),
    ]
