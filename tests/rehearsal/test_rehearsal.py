"""What a rehearsal shows: who is paged, what is owed, and nothing that would not happen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
from hypothesis import given, strategies as st

from tests.core.lives import PEOPLE, minutes, person, policy
from tocsin.core import commands as c
from tocsin.core.decide import Opening
from tocsin.core.people import Directory, Method
from tocsin.core.policy import Deadline, Escalation, Level, Paging, Policy, WhileUnresolved
from tocsin.rehearsal.rehearsal import Action, Played, play
from tocsin.rehearsal.staging import Rehearsed, rehearse, world_of

T0 = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
DIRECTORY = Directory(people=PEOPLE, last_resort=("dora",))


def rehearsed(made: Policy, directory: Directory = DIRECTORY, *actions: Action, hours: int = 2, **more) -> Rehearsed:
    until = T0 + timedelta(hours=hours)
    return rehearse("test", made, directory, start=T0, until=until, severity="SEV-1", actions=actions, **more)


def seen(played: Played, *kinds: str) -> list[tuple[int, str, tuple[str, ...]]]:
    """(minutes after the opening, kind, people) of the events of these kinds."""
    return [
        (int((each.at - played.opened_at).total_seconds() // 60), each.kind, each.people)
        for each in played.events
        if each.kind in kinds
    ]


def test_everybody_who_would_be_paged_is_named_at_their_minute():
    played = rehearsed(policy()).played

    assert seen(played, "paged", "nobody")[:5] == [
        (0, "paged", ("ana",)),
        (15, "paged", ("ben",)),
        (45, "nobody", ("dora",)),
        (45, "paged", ("ben",)),
        (75, "paged", ("ben",)),
    ]


def test_an_answer_stops_the_pages_and_keeps_the_promise():
    acknowledge = Action(at=T0 + minutes(3), command=c.Acknowledge(by="ana"))

    played = rehearsed(policy(), DIRECTORY, acknowledge).played

    assert seen(played, "paged") == [(0, "paged", ("ana",))]
    assert [(each.rule, each.state, each.kept_at) for each in played.ledger if each.rule == "respond:SEV-1"] == [
        ("respond:SEV-1", "kept", T0 + minutes(3))
    ]


def test_an_answer_at_the_very_instant_it_is_due_is_in_time():
    played = rehearsed(policy(), DIRECTORY, Action(at=T0 + minutes(5), command=c.Acknowledge(by="ana"))).played

    assert not seen(played, "missed") or seen(played, "missed")[0][0] > 5


def test_words_that_mean_nobody_stand_for_themselves():
    made = policy(escalation=Escalation(levels=(Level(level=1, who=("On-call", "ana")),)))

    found = rehearsed(made)

    assert found.cast.unbound == ("On-call",)
    assert seen(found.played, "paged")[0] == (0, "paged", ("On-call", "ana"))


def test_without_stand_ins_a_word_that_means_nobody_is_a_gap():
    made = policy(escalation=Escalation(levels=(Level(level=1, who=("On-call",)), Level(level=2, who=("ben",)))))

    found = rehearsed(made, stand_ins=False)

    assert seen(found.played, "passed", "paged")[:2] == [(0, "passed", ()), (0, "paged", ("ben",))]
    assert found.cast.unbound == ("On-call",)


def test_a_binding_that_leads_nowhere_is_stood_in_for_too():
    directory = msgspec.structs.replace(DIRECTORY, bindings={"on-call": ("zoe",)})
    made = policy(escalation=Escalation(levels=(Level(level=1, who=("On-call",)),)))

    assert seen(rehearsed(made, directory).played, "paged")[0] == (0, "paged", ("On-call",))


def test_a_guide_without_anybody_pages_the_owner_of_the_service():
    made = policy(escalation=Escalation())

    assert seen(rehearsed(made).played, "paged")[0] == (0, "paged", ("owner of the service",))


def test_an_unreachable_person_is_passed_before_the_time():
    played = rehearsed(policy(), unreachable=frozenset({"ana"})).played

    assert seen(played, "paged")[:2] == [(0, "paged", ("ana",)), (0, "paged", ("ben",))]


def test_a_second_method_is_tried_only_while_nobody_answers():
    later = Method(kind="webhook", address="https://x", after_seconds=300)
    slow = person("ana", Method(kind="email", address="a@b"), later)
    directory = msgspec.structs.replace(DIRECTORY, people=PEOPLE | {"ana": slow})

    silent = rehearsed(policy(), directory).played
    answered = rehearsed(policy(), directory, Action(at=T0 + minutes(4), command=c.Acknowledge(by="ana"))).played

    assert [each.at for each in silent.events if each.what == "tried"][:1] == [T0 + minutes(5)]
    assert [each for each in answered.events if each.what == "tried"] == []


def test_what_the_state_refuses_is_said_and_changes_nothing():
    played = rehearsed(policy(), DIRECTORY, Action(at=T0 + minutes(1), command=c.Reopen(because="no"), line=7)).played

    refused = [each for each in played.events if each.kind == "refused"]
    assert [(each.line, each.what) for each in refused] == [(7, "reopen")]
    assert "is investigating" in refused[0].text


def test_an_acknowledgement_that_times_out_pages_again():
    made = policy(paging=Paging(acknowledge_timeout=Deadline(seconds=1200)))

    played = rehearsed(made, DIRECTORY, Action(at=T0 + minutes(2), command=c.Acknowledge(by="ana"))).played

    assert seen(played, "paged")[:2] == [(0, "paged", ("ana",)), (22, "paged", ("ana",))]


RUNNING_ON = policy(
    escalation=Escalation(
        levels=(Level(level=1, who=("ana",), within=Deadline(seconds=900)), Level(level=2, who=("ben", "Boss"))),
        while_unresolved=(WhileUnresolved(severity="SEV-1", every=Deadline(seconds=1200)),),
    ),
    paging=Paging(acknowledge_timeout=Deadline(seconds=1800)),
)
COMMANDS = st.sampled_from(
    [
        c.Acknowledge(by="ana"),
        c.Acknowledge(by="ben"),
        c.Unacknowledge(by="ana", because="no"),
        c.Snooze(by="ana", until=T0 + minutes(50)),
        c.ChangeSeverity(by="ben", severity="SEV-2", because="less"),
        c.ChangeSeverity(by="ben", severity="SEV-1", because="more"),
        c.PostUpdate(by="ben", text="news", audience="customers"),
        c.Escalate(by="ben", because="now"),
        c.Resolve(by="ana"),
        c.Reopen(by="ana", because="again"),
    ]
)
LIVES = st.lists(st.tuples(st.integers(0, 90), COMMANDS), max_size=8)


@given(life=LIVES, first=st.integers(0, 120), more=st.integers(0, 120))
def test_a_longer_rehearsal_begins_as_the_shorter_one(life: list, first: int, more: int) -> None:
    actions = [Action(at=T0 + minutes(n), command=command) for n, command in life]
    world = world_of(RUNNING_ON, DIRECTORY, T0)
    opening = Opening(incident="i", reference="R", title="T", guide="g", policy_digest="", severity="SEV-1")

    short = play(opening, world, actions, T0, T0 + minutes(first))
    long = play(opening, world, actions, T0, T0 + minutes(first + more))

    assert long.events[: len(short.events)] == short.events
    assert all(a.at <= b.at for a, b in zip(long.events, long.events[1:], strict=False))


@given(life=LIVES)
def test_every_missed_promise_is_missed_at_the_instant_it_was_due(life: list) -> None:
    actions = [Action(at=T0 + minutes(n), command=command) for n, command in life]

    played = rehearsed(RUNNING_ON, DIRECTORY, *actions).played

    assert all(each.at == each.due_at for each in played.events if each.kind == "missed")
