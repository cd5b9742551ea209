"""What was not done when the incident ended is not kept: it is waived, missed, or still owed, each kind in its way."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from tests.core.lives import ALERT, LEVELS, T0, Life, minutes, world
from tocsin.core import commands as c, facts as f
from tocsin.core.endings import OVER
from tocsin.core.incident import Refused
from tocsin.core.outlook import Promise
from tocsin.core.policy import (
    Act,
    Cadence,
    Communication,
    Deadline,
    Escalation,
    ExternalParty,
    Notify,
    Rule,
    Severity,
)
from tocsin.core.promises import next_wakeup, promises

HOUR = Deadline(seconds=3600)
CLOCKS = {"assess": HOUR, "contain": HOUR, "update": HOUR}
CLOSING = Rule(id="close", start="opened", delay=HOUR, act=Act(kind="breach", text="close it"), until="closed")
NAGGING = Rule(id="log", start="opened", delay=HOUR, act=Act(kind="breach", text="keep a log"))
WORLD = world(
    severities=(Severity(id="SEV-1", rank=0, respond_within=HOUR, resolve_within=HOUR, clocks=CLOCKS),),
    cadences=(Cadence(audience="partners", every=HOUR),),
    communications=(Communication(audience="customers", within=HOUR),),
    escalation=Escalation(
        levels=LEVELS,
        notify=(Notify(severity="SEV-1", who=("cleo",), within=HOUR),),
        external=(ExternalParty(who="the vendor"),),
    ),
    rules=(CLOSING, NAGGING),
)


def owed(life: Life) -> dict[str, Promise]:
    return {each.rule: each for each in promises(life.now, life.world.rules)}


def states(life: Life) -> dict[str, str]:
    return {rule: each.state for rule, each in owed(life).items()}


def confirmed() -> Life:
    life = Life(WORLD)
    life.does(c.ConfirmPromise(by="ana", rule="external:the vendor:0"), T0 + minutes(1))
    return life


def test_what_a_resolution_in_time_makes_of_each_kind():
    life = confirmed()

    life.does(c.Resolve(by="ana"), T0 + minutes(30))

    assert states(life) == {
        "respond:SEV-1": "kept",
        "resolve:SEV-1": "kept",
        "contain:SEV-1": "kept",
        "assess:SEV-1": "waived",
        "update:SEV-1": "waived",
        "update:partners:0": "waived",
        "external:the vendor:0": "waived",
        "notify:SEV-1:0": "waived",
        "log": "waived",
        "tell:customers:0": "open",
        "close": "open",
    }
    waived = [each for each in owed(life).values() if each.state == "waived"]
    assert {(each.because, each.kept_at) for each in waived} == {(OVER, None)}


def test_what_was_overdue_when_it_ended_is_missed():
    life = confirmed()

    life.does(c.Resolve(by="ana"), T0 + minutes(61))

    missed = {rule for rule, state in states(life).items() if state == "missed"}
    assert missed >= {"respond:SEV-1", "resolve:SEV-1", "assess:SEV-1", "update:partners:0", "tell:customers:0", "log"}


def test_alerts_that_clear_by_themselves_are_nobody_s_response():
    life = Life(WORLD)

    life.does(c.AttachAlerts(by="source:prom", cleared_alerts=(ALERT,), cleared=1), T0 + minutes(2))

    found = owed(life)["respond:SEV-1"]
    assert (life.now.status, found.state, found.because) == ("resolved", "waived", OVER)


def test_customers_are_still_to_hear_of_it_after_the_end_and_somebody_is_reminded():
    life = Life(WORLD)
    life.does(c.Acknowledge(by="ana"), T0 + minutes(1))
    life.does(c.Resolve(by="ana"), T0 + minutes(10))

    facts = life.wakes(T0 + minutes(48))
    assert [page.person for fact in facts if isinstance(fact, f.Notified) for page in fact.pages] == ["ana"]
    life.does(c.PostUpdate(by="ana", audience="customers", text="it was short"), T0 + minutes(50))

    assert (owed(life)["tell:customers:0"].state, owed(life)["tell:customers:0"].kept_at) == ("kept", T0 + minutes(50))


def test_customers_who_never_hear_of_it_are_missed_though_it_is_over():
    life = Life(WORLD)
    life.does(c.Resolve(by="ana"), T0 + minutes(10))

    life.wakes(T0 + minutes(60))

    missed = [fact.rule for fact in life.facts if isinstance(fact, f.PromiseMissed)]
    assert "tell:customers:0" in missed and "update:partners:0" not in missed
    assert next_wakeup(life.now, WORLD.rules) is None


@pytest.mark.parametrize("command", [c.MarkFalsePositive(by="ana"), c.MarkDrill(by="ana")])
def test_of_a_false_alarm_or_a_drill_nobody_hears_afterwards(command: Any):
    life = Life(WORLD)
    life.does(command, T0 + minutes(5))
    with suppress(Refused):
        life.does(c.Resolve(by="ana"), T0 + minutes(6))

    assert states(life)["tell:customers:0"] == "waived"


def test_a_cadence_whose_audience_heard_of_the_end_is_kept():
    life = Life(WORLD)

    life.does(c.PostUpdate(by="ana", audience="partners", text="it is over", status="resolved"), T0 + minutes(40))

    assert (owed(life)["update:partners:0"].state, life.now.status) == ("kept", "resolved")


def test_what_somebody_promised_to_say_after_the_end_is_owed_after_it():
    life = Life(WORLD)
    later = T0 + minutes(90)
    over = c.PostUpdate(by="ana", audience="partners", text="over; the cause follows", status="resolved", next_at=later)
    life.does(over, T0 + minutes(40))
    assert states(life)["promised:partners"] == "open"

    life.wakes(later)

    assert states(life)["promised:partners"] == "missed"


def test_a_reopened_incident_owes_again_what_its_end_had_waived():
    life = Life(WORLD)
    life.does(c.Resolve(by="ana"), T0 + minutes(10))

    life.does(c.Reopen(by="ana", because="again"), T0 + minutes(20))

    assert (states(life)["update:partners:0"], states(life)["assess:SEV-1"]) == ("open", "open")


WORDS = st.sampled_from(
    [
        c.Acknowledge(by="ana"),
        c.Assess(by="ana", question="Is it down?", answer="yes"),
        c.ChangeStatus(by="ana", status="mitigating"),
        c.ChangeSeverity(by="ana", severity="SEV-1", because="x"),
        c.PostUpdate(by="ana", audience="customers", text="x"),
        c.PostUpdate(by="ana", audience="partners", text="x"),
        c.Resolve(by="ana"),
        c.AttachAlerts(by="source:prom", cleared=1),
        c.Reopen(by="ana", because="x"),
        c.Close(by="ana"),
        c.MarkFalsePositive(by="ana"),
        c.Wake(),
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(WORDS, st.integers(0, 3000)), max_size=12))
def test_nothing_is_kept_that_was_not_done(steps):
    life, at = Life(WORLD), T0
    for command, seconds in steps:
        at += timedelta(seconds=seconds)
        with suppress(Refused, ValueError):
            life.does(command, at)

    did = {type(fact) for fact in life.facts}
    told = {fact.audience for fact in life.facts if isinstance(fact, f.UpdatePosted)}
    by_hand = any(isinstance(fact, f.Resolved) and fact.by == "ana" for fact in life.facts)
    done = {
        "respond:SEV-1": f.Acknowledged in did or by_hand,
        "resolve:SEV-1": f.Resolved in did,
        "contain:SEV-1": f.StatusChanged in did or f.Resolved in did,
        "assess:SEV-1": f.AssessmentAnswered in did or f.SeverityChanged in did,
        "update:SEV-1": bool(told),
        "update:partners:0": "partners" in told,
        "tell:customers:0": "customers" in told,
        "close": f.Closed in did,
        "notify:SEV-1:0": False,  # no receipt ever comes
    }
    for rule, each in owed(life).items():
        assert each.state != "kept" or done.get(rule, False), each
        assert (each.kept_at is not None) <= (each.state in ("kept", "missed"))
