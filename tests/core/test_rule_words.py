"""Rules as people read them on a timeline."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tocsin.core import facts as f
from tocsin.core.policy import Cadence, Deadline, Escalation, Notify, Policy, Severity
from tocsin.core.promises import rules
from tocsin.core.rule_words import promise_words, rule_words
from tocsin.core.view import words

T0 = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("respond:SEV-0", "respond to SEV-0"),
        ("resolve:P1", "resolve P1"),
        ("notify:SEV-0:0", "tell those whom the guide names for SEV-0"),
        ("update:Incident Response Team:1", "update Incident Response Team"),
        ("tell:press: all of it:12", "tell press: all of it"),
        ("update:partners {0}:2", "update partners {0}"),
        ("follow-up:customers:4", "follow up for customers"),
        ("effect:3", "say whether action item 3 helped"),
        ("review:hold", "hold the review"),
        ("mitigate:P1", "mitigate P1"),
        ("monitoring", "monitoring"),
        ("update:", "update:"),
        ("", ""),
    ],
)
def test_a_rule_is_a_sentence(rule: str, said: str):
    assert rule_words(rule) == said


def test_a_promise_is_called_as_its_rule_whatever_its_name_holds():
    assert promise_words("tell:a@b.example:0@17#2") == "tell a@b.example"
    assert promise_words("respond:SEV-0@1") == "respond to SEV-0"


def test_no_rule_of_a_guide_stands_on_a_timeline_as_its_id():
    severity = Severity(
        id="P1", name="Worst", rank=0, respond_within=Deadline(seconds=60), resolve_within=Deadline(seconds=90)
    )
    policy = Policy(
        title="g",
        severities=(severity,),
        cadences=(Cadence(audience="customers", every=Deadline(seconds=1800)),),
        escalation=Escalation(notify=(Notify(severity="P1", who=("ceo",), within=Deadline(seconds=60)),)),
    )

    for rule in rules(policy):
        missed = f.PromiseMissed(at=T0, key=f"{rule.id}@1#0", rule=rule.id, due_at=T0)
        assert rule.id not in words(missed) and rule_words(rule.id) in words(missed)


def test_a_page_without_an_address_is_told_without_one():
    sent = f.PageSent(at=T0, page="p", person="ana", kind="console", address="", method=0, attempt=1)

    assert words(sent) == "ana was paged by console"
