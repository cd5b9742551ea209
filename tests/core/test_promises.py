"""Every clock: when it is due, what keeps it, and that it acts once."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given, settings, strategies as st

from tests.core.lives import ALERT, LEVELS, T0, WORLD, Life, minutes, states, world
from tocsin.core import commands as c, facts as f
from tocsin.core.facts import decode, encode
from tocsin.core.incident import Refused, fold
from tocsin.core.measures import measures
from tocsin.core.policy import (
    Act,
    Cadence,
    Communication,
    Deadline,
    Escalation as EscalationPolicy,
    Notify,
    Rule,
    Severity,
)
from tocsin.core.promises import due, next_wakeup, outlook, promises


def state_of(life: Life, rule: str) -> list[str]:
    return [each.state for each in promises(life.now, life.world.rules) if each.rule == rule]


def test_a_response_in_time_keeps_the_promise():
    life = Life()
    assert state_of(life, "respond:SEV-1") == ["open"]

    life.does(c.Acknowledge(by="ana"), T0 + minutes(4.9))

    assert state_of(life, "respond:SEV-1") == ["kept"]


def test_a_late_response_is_missed_once_and_stays_missed():
    life = Life()
    life.wakes(T0 + minutes(4))
    assert state_of(life, "respond:SEV-1") == ["at risk"]
    life.wakes(T0 + minutes(5))
    life.wakes(T0 + minutes(6))

    life.does(c.Acknowledge(by="ana"), T0 + minutes(7))

    assert life.kinds().count("PromiseMissed") == 1
    assert state_of(life, "respond:SEV-1") == ["missed"]


def test_rules_start_again_when_the_severity_changes():
    life = Life(severity="SEV-2")
    life.does(c.ChangeSeverity(by="ana", severity="SEV-1", because="worse"), T0 + minutes(10))

    found = next(each for each in promises(life.now, life.world.rules) if each.rule == "resolve:SEV-1")

    assert found.due_at == T0 + minutes(70)


def test_a_raised_severity_is_owed_a_response_of_its_own():
    life = Life(severity="SEV-2")
    life.does(c.Acknowledge(by="ana"), T0 + minutes(1))
    life.does(c.ChangeSeverity(by="ben", severity="SEV-1", because="worse"), T0 + minutes(10))
    assert state_of(life, "respond:SEV-1") == ["open"]

    life.wakes(T0 + minutes(15))
    assert state_of(life, "respond:SEV-1") == ["missed"]


def test_a_lowered_severity_is_in_the_hands_of_who_has_it():
    life = Life()
    life.does(c.Acknowledge(by="ana"), T0 + minutes(1))
    life.does(c.ChangeSeverity(by="ana", severity="SEV-2", because="better"), T0 + minutes(10))

    life.wakes(T0 + minutes(600))

    assert state_of(life, "respond:SEV-2") == ["kept"]
    assert life.now.acknowledged_by == "ana"


def test_an_acknowledgement_that_is_taken_back_was_a_response_all_the_same():
    life = Life()
    life.does(c.Acknowledge(by="ana"), T0 + minutes(1))
    life.does(c.Unacknowledge(by="ana", because="my laptop died"), T0 + minutes(2))

    life.wakes(T0 + minutes(10))

    assert state_of(life, "respond:SEV-1") == ["kept"]


def test_a_reopened_incident_is_owed_a_response_and_a_mitigation_again():
    contain = Severity(
        id="SEV-1", rank=0, respond_within=Deadline(seconds=300), clocks={"contain": Deadline(seconds=900)}
    )
    life = Life(world(severities=(contain,)))
    life.does(c.Acknowledge(by="ana"), T0 + minutes(1))
    life.does(c.ChangeStatus(by="ana", status="mitigating"), T0 + minutes(2))
    life.does(c.Resolve(by="ana"), T0 + minutes(3))
    assert [state_of(life, name) for name in ("respond:SEV-1", "contain:SEV-1")] == [["kept"], ["kept"]]

    life.does(c.Reopen(by="ana", because="it came back"), T0 + minutes(60))

    assert [state_of(life, name) for name in ("respond:SEV-1", "contain:SEV-1")] == [["open"], ["open"]]
    assert promises(life.now, life.world.rules)[0].due_at == T0 + minutes(65)
    life.wakes(T0 + minutes(75))
    assert [fact.rule for fact in life.facts if isinstance(fact, f.PromiseMissed)] == ["respond:SEV-1", "contain:SEV-1"]


def test_what_was_missed_before_a_reopening_stays_listed():
    life = Life()
    life.wakes(T0 + minutes(5))
    life.does(c.Resolve(by="ana"), T0 + minutes(6))

    life.does(c.Reopen(by="ana", because="again"), T0 + minutes(7))

    assert sorted(state_of(life, "respond:SEV-1")) == ["missed", "open"]


def test_a_response_that_came_too_late_while_nobody_looked_is_missed_in_writing():
    life = Life()

    facts = life.does(c.Acknowledge(by="ana"), T0 + minutes(9))

    assert [fact.due_at for fact in facts if isinstance(fact, f.PromiseMissed)] == [T0 + minutes(5)]
    assert state_of(life, "respond:SEV-1") == ["missed"]
    assert life.wakes(T0 + minutes(10)) == []


@pytest.mark.parametrize("severity", [None, "SEV-2"])
def test_an_update_that_came_too_late_while_nobody_looked_is_missed_in_writing(severity: str | None):
    life = Life(world(cadences=(Cadence(audience="customers", every=Deadline(seconds=1800)),)))
    life.does(c.Acknowledge(by="ana"), T0 + minutes(1))

    if severity:
        life.does(c.ChangeSeverity(by="ana", severity=severity, because="smaller"), T0 + minutes(41))
    life.does(c.PostUpdate(by="ana", audience="customers", text="we know"), T0 + minutes(41))

    missed = [fact.due_at for fact in life.facts if isinstance(fact, f.PromiseMissed)]
    assert missed == [T0 + minutes(30)]
    assert [each.state for each in promises(life.now, life.world.rules) if each.audience] == ["missed", "open"]


def test_an_update_at_the_very_instant_it_was_promised_for_is_in_time():
    life = Life(world(cadences=(Cadence(audience="customers", every=Deadline(seconds=1800)),)))
    life.does(c.Acknowledge(by="ana"), T0 + minutes(1))

    life.does(c.PostUpdate(by="ana", audience="customers", text="we know"), T0 + minutes(30))

    assert not any(isinstance(fact, f.PromiseMissed) for fact in life.facts)


def test_an_update_before_the_severity_changed_does_not_tell_of_the_change():
    duty = Communication(audience="partners", within=Deadline(seconds=1800))
    life = Life(world(communications=(duty,)), severity="SEV-2")
    life.does(c.PostUpdate(by="ana", audience="partners", text="a small thing"), T0 + minutes(5))

    life.does(c.ChangeSeverity(by="ana", severity="SEV-1", because="worse"), T0 + minutes(10))

    found = next(each for each in promises(life.now, life.world.rules) if each.rule == "tell:partners:0")
    assert (found.state, found.due_at) == ("open", T0 + minutes(40))


def test_a_cadence_starts_again_with_each_update_to_its_audience():
    cadence = Cadence(audience="customers", every=Deadline(seconds=1800))
    life = Life(world(cadences=(cadence,)))
    life.does(c.PostUpdate(by="ana", audience="response team", text="looking"), T0 + minutes(10))
    assert promises(life.now, life.world.rules)[-1].due_at is not None
    assert next(each.due_at for each in promises(life.now, life.world.rules) if each.audience) == T0 + minutes(30)

    life.does(c.PostUpdate(by="ana", audience="Customers", text="we know"), T0 + minutes(20))

    assert next(each.due_at for each in promises(life.now, life.world.rules) if each.audience) == T0 + minutes(50)


def test_an_update_that_is_due_soon_reminds_a_person_and_posts_nothing():
    life = Life(world(cadences=(Cadence(audience="customers", every=Deadline(seconds=1800)),)))
    life.does(c.Acknowledge(by="ana"), T0 + minutes(1))

    facts = life.wakes(T0 + minutes(24))

    told = [fact for fact in facts if isinstance(fact, f.Notified)]
    assert [page.person for page in told[0].pages] == ["ana"]
    assert told[0].pages[0].notice
    assert not any(isinstance(fact, f.UpdatePosted) for fact in life.facts)


def test_a_cadence_that_stands_only_in_a_template_starts_no_timer():
    life = Life(world(cadences=(Cadence(audience="customers", every=Deadline(seconds=60), confirmed=False),)))

    assert [(each.state, each.due_at) for each in promises(life.now, life.world.rules) if each.audience] == [
        ("proposed", None)
    ]
    assert not [each for each in due(life.now, life.world.rules, T0 + timedelta(days=9)) if each.key.startswith("upd")]


def test_after_downtime_a_repeated_rule_acts_once():
    rule = Rule(
        id="nag",
        start="opened",
        delay=Deadline(seconds=600),
        every=Deadline(seconds=600),
        until="resolved",
        act=Act(kind="remind", who=("cleo",), text="write it down"),
    )
    life = Life(world(rules=(rule,)))
    life.does(c.Acknowledge(by="ana"), T0 + minutes(1))

    facts = life.wakes(T0 + minutes(65))

    assert [fact.key for fact in facts if isinstance(fact, f.Notified) and fact.key] == ["nag@1#5"]
    assert next_wakeup(life.now, life.world.rules) == T0 + minutes(70)


def test_a_matrix_row_without_a_time_tells_at_once():
    matrix = (Notify(severity="SEV-1", who=("cleo",)),)
    life = Life(world(escalation=EscalationPolicy(levels=LEVELS, notify=matrix)))

    assert [page.person for fact in life.facts if isinstance(fact, f.Notified) for page in fact.pages] == ["cleo"]


def test_whom_the_guide_has_told_and_nobody_can_reach_is_a_promise_that_was_missed_and_counts():
    matrix = (Notify(severity="SEV-1", who=("executive",), within=Deadline(seconds=600)),)
    life = Life(world(escalation=EscalationPolicy(levels=LEVELS, notify=matrix)))
    life.does(c.Acknowledge(by="ana"), T0 + minutes(1))

    life.wakes(T0 + minutes(10))
    life.wakes(T0 + minutes(20))

    assert [fact.rule for fact in life.facts if isinstance(fact, f.PromiseMissed)] == ["notify:SEV-1:0"]
    assert [each.text for each in promises(life.now, life.world.rules) if each.state == "missed"] == ["tell executive"]
    assert measures(life.facts).missed_promises == 1


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 7200), st.booleans()), max_size=8), st.booleans())
def test_every_promise_that_is_shown_as_missed_is_counted_whatever_its_kind(steps, reachable):
    matrix = (Notify(severity="SEV-1", who=("cleo" if reachable else "executive",), within=Deadline(seconds=600)),)
    life = Life(
        world(
            escalation=EscalationPolicy(levels=LEVELS, notify=matrix),
            cadences=(Cadence(audience="partners", every=Deadline(seconds=1800)),),
            communications=(Communication(audience="customers", within=Deadline(seconds=3600)),),
        )
    )
    at = T0
    for seconds, resolve in steps:
        at += timedelta(seconds=seconds)
        try:
            life.does(c.Resolve(by="ana") if resolve else c.Reopen(by="ana", because="x"), at)
        except Refused:
            life.wakes(at)

    shown = [each for each in promises(life.now, life.world.rules) if each.state == "missed"]
    assert measures(life.facts).missed_promises == len(life.now.missed) == len(shown)


def test_a_duty_to_tell_is_kept_by_the_first_update_to_that_audience():
    duty = Communication(audience="partners", within=Deadline(seconds=1800))
    life = Life(world(communications=(duty,)))

    life.does(c.PostUpdate(by="ana", audience="partners", text="hello"), T0 + minutes(29))

    assert state_of(life, "tell:partners:0") == ["kept"]


def test_a_waived_promise_is_neither_kept_nor_missed():
    life = Life()
    life.does(c.WaivePromise(by="dora", key="respond:SEV-1@1", because="a drill of the database team"), T0)

    life.wakes(T0 + minutes(600))

    assert state_of(life, "respond:SEV-1") == ["waived"]
    assert [fact.rule for fact in life.facts if isinstance(fact, f.PromiseMissed)] == ["resolve:SEV-1"]


def test_what_is_no_quantity_is_listed_without_a_due_time_and_starts_no_timer():
    slow = Severity(id="SEV-1", rank=0, respond_within=Deadline(milestone="next sprint", text="in the next sprint"))
    life = Life(world(severities=(slow,)))

    found = promises(life.now, life.world.rules)

    assert [(each.text, each.due_at) for each in found] == [("respond (in the next sprint)", None)]


def test_a_resolved_incident_owes_nothing():
    life = Life()

    life.does(c.Resolve(by="ana"), T0 + minutes(1))

    assert next_wakeup(life.now, life.world.rules) is None
    assert due(life.now, life.world.rules, T0 + timedelta(days=400)) == []


# --- whatever happens -------------------------------------------------------------------------------------------------

WORDS = st.sampled_from(
    [
        c.Acknowledge(by="ana"),
        c.Acknowledge(by="ben"),
        c.Unacknowledge(by="ana", because="x"),
        c.Escalate(by="ana", because="x"),
        c.ChangeSeverity(by="ana", severity="SEV-1", because="x"),
        c.ChangeSeverity(by="ana", severity="SEV-2", because="x"),
        c.ChangeSeverity(by="ana", severity="SEV-3", because="x"),
        c.Resolve(by="ana"),
        c.Reopen(by="ana", because="x"),
        c.Close(by="ana"),
        c.PostUpdate(by="ana", audience="customers", text="x"),
        c.AttachAlerts(count=1),
        c.AttachAlerts(cleared=1),
        c.MarkFalsePositive(by="ana"),
        c.Wake(),
    ]
)
STEPS = st.lists(st.tuples(WORDS, st.integers(0, 7200)), max_size=25)
FULL = world(
    cadences=(Cadence(audience="customers", every=Deadline(seconds=1800)),),
    rules=(
        Rule(
            id="nag",
            start="severity",
            delay=Deadline(seconds=1200),
            every=Deadline(seconds=3600),
            until="resolved",
            act=Act(kind="escalate", text="still open"),
        ),
    ),
)


def lived(steps: list[tuple[object, int]]) -> Life:
    life = Life(FULL)
    at = T0
    for command, seconds in steps:
        at += timedelta(seconds=seconds)
        try:
            life.does(command, at)
        except Refused:
            continue
    return life


@settings(max_examples=300, deadline=None)
@given(STEPS)
def test_the_facts_alone_make_the_same_incident(steps):
    life = lived(steps)

    assert fold([decode(encode(fact)) for fact in life.facts]) == life.now


@settings(max_examples=300, deadline=None)
@given(STEPS)
def test_facts_are_in_the_order_of_time_and_no_page_id_comes_twice(steps):
    life = lived(steps)

    times = [fact.at for fact in life.facts]
    pages = [page.id for fact in life.facts for page in getattr(fact, "pages", ()) if hasattr(page, "id")]
    assert times == sorted(times)
    assert len(pages) == len(set(pages))


@settings(max_examples=300, deadline=None)
@given(STEPS)
def test_waking_again_at_the_same_instant_does_nothing(steps):
    life = lived(steps)
    at = life.now.last_at
    life.wakes(at)

    assert life.wakes(at) == []
    wake_at = next_wakeup(life.now, FULL.rules)
    assert wake_at is None or wake_at > at


@settings(max_examples=300, deadline=None)
@given(STEPS)
def test_nobody_is_paged_while_somebody_has_it_and_nothing_happens(steps):
    life = lived(steps)
    life.does(c.Wake(), life.now.last_at)
    if not life.now.open or life.now.ladder.until == "resolved":
        return
    try:
        life.does(c.Acknowledge(by="cleo"), life.now.last_at)
    except Refused:
        return
    quiet = [rule for rule in WORLD.rules if rule.act.kind == "breach"]
    at = life.now.last_at + timedelta(days=2)

    assert not [each for each in due(life.now, tuple(quiet), at) if each.cause == "ladder"]


@settings(max_examples=200, deadline=None)
@given(STEPS)
def test_every_due_key_acts_at_most_once(steps):
    life = lived(steps)
    acts = (f.Escalated, f.Notified, f.PromiseMissed, f.PromiseAtRisk)
    keys = [fact.key for fact in life.facts if isinstance(fact, acts) and fact.key]

    assert len(keys) == len(set(keys))


@settings(max_examples=200, deadline=None)
@given(STEPS)
def test_an_open_incident_nobody_has_is_always_looked_at_again(steps):
    for incident in states(lived(steps).facts)[-1:]:
        answered = incident.acknowledged_at or incident.snoozed_until
        if incident.open and not answered and incident.ladder.lap < 48:
            assert next_wakeup(incident, FULL.rules) is not None


def test_after_downtime_nobody_is_warned_of_what_is_missed_already():
    life = Life(world(cadences=(Cadence(audience="customers", every=Deadline(seconds=1800)),)))
    life.does(c.Acknowledge(by="ana"), T0 + minutes(1))

    facts = life.wakes(T0 + minutes(45))

    assert [type(fact).__name__ for fact in facts if getattr(fact, "rule", "").startswith("update")] == [
        "PromiseMissed"
    ]


# --- what was found once ----------------------------------------------------------------------------------------------


def test_an_alert_that_joins_changes_nothing_that_is_owed():
    life = Life()
    found = outlook(life.now, WORLD.rules)

    life.does(c.AttachAlerts(by="source:prom", alerts=(ALERT,), count=1), T0 + minutes(1))

    assert outlook(life.now, WORLD.rules, before=found) is found
    assert outlook(life.now, WORLD.rules) == msgspec.structs.replace(found, of=outlook(life.now, WORLD.rules).of)


@pytest.mark.parametrize(
    "command",
    [
        c.Acknowledge(by="ana"),
        c.Snooze(by="ana", until=T0 + minutes(30), because="known"),
        c.ChangeSeverity(by="ana", severity="SEV-2", because="less"),
        c.PostUpdate(by="ana", audience="customers", text="We are looking into it"),
        c.Resolve(by="ana", because="fixed"),
        c.AttachAlerts(by="source:prom", cleared_alerts=(ALERT,), cleared=1),
        c.Wake(),
    ],
    ids=lambda command: type(command).__name__,
)
def test_what_was_found_does_not_outlive_what_it_rests_on(command: c.Command):
    life = Life()
    found = outlook(life.now, WORLD.rules)

    life.does(command, T0 + minutes(4.5))

    assert not found.holds(life.now)
    assert outlook(life.now, WORLD.rules, before=found) == outlook(life.now, WORLD.rules)


def test_what_was_found_does_not_outlive_the_last_alert_of_an_incident_that_flaps():
    life = Life()
    quiet_at = T0 + minutes(2)
    life.does(c.AttachAlerts(by="source:prom", count=1, flapping_until=quiet_at, transitions=4), T0)
    found = outlook(life.now, WORLD.rules)

    life.does(c.AttachAlerts(by="source:prom", cleared=2), T0 + minutes(1))

    assert life.now.open
    assert outlook(life.now, WORLD.rules, before=found).next_at == quiet_at
