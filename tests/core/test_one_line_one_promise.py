"""A line of the guide that is read both as a row of the matrix and as a duty to tell is one promise."""

from __future__ import annotations

from typing import Any

import pytest

from tocsin.core.policy import Communication, Deadline, Escalation, Level, Notify, Policy, Severity, Source
from tocsin.core.rulebook import rules

HALF_AN_HOUR = Deadline(seconds=1800)
LEVELS = (Level(level=1, who=("on-call",)),)


def ids(severities: tuple[str, ...] = ("SEV-1",), **duty: Any) -> list[str]:
    row = Notify(severity="SEV-1", who=("Key stakeholders",), within=HALF_AN_HOUR, source=Source(line=40))
    said = {"audience": "stakeholders", "within": HALF_AN_HOUR, "source": Source(line=40)} | duty
    policy = Policy(
        title="Guide",
        severities=(Severity(id="SEV-1", rank=0), Severity(id="SEV-2", rank=1)),
        escalation=Escalation(levels=LEVELS, notify=(row,)),
        communications=(Communication(severities=severities, **said),),
    )
    return [f"{rule.id} {','.join(rule.severities)}" for rule in rules(policy)]


def test_key_stakeholders_and_stakeholders_of_one_line_are_told_once() -> None:
    assert ids() == ["notify:SEV-1:0 SEV-1"]


def test_the_other_severities_of_the_duty_are_still_owed() -> None:
    assert ids(("SEV-1", "SEV-2")) == ["tell:stakeholders:0 SEV-2", "notify:SEV-1:0 SEV-1"]


@pytest.mark.parametrize(
    "other",
    [
        {"source": Source(line=41)},
        {"source": None},
        {"within": Deadline(seconds=3600)},
        {"audience": "customers"},
        {"condition": "if data is lost"},
        {"severities": ()},
    ],
)
def test_what_differs_is_a_promise_of_its_own(other: dict[str, Any]) -> None:
    assert any(each.startswith("tell:") for each in ids(**other))
