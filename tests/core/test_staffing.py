"""A role that the guide asks for: reminders while nobody holds it, a promise where the guide names a time."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.core.lives import Life, minutes, world
from tocsin.core import commands as c, facts as f
from tocsin.core.policy import Act, Deadline, Role, Rule, Staffing
from tocsin.core.policycheck import flaws
from tocsin.core.promises import next_wakeup, promises
from tocsin.guide.compile import compile_guide

T0 = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
ASKED = Staffing(role="Incident Commander", severities=("SEV-1",), text="Assign an incident commander for SEV-1")


def life(within: int | None = None, **changes: object) -> Life:
    asked = Staffing(role=ASKED.role, severities=ASKED.severities, text=ASKED.text,
                     within=Deadline(seconds=within) if within else None)  # fmt: skip
    made = Life(world(**({"staffing": (asked,)} | changes)), at=T0)
    made.does(c.Acknowledge(by="ana"), T0 + minutes(1))
    return made


def told(of: Life, until: datetime) -> list[tuple[float, str]]:
    """When people were reminded of the role, in minutes, and in which words."""
    found = []
    while (at := next_wakeup(of.now, of.world.rules, of.world.calendar)) is not None and at <= until:
        found += [fact for fact in of.wakes(at) if isinstance(fact, f.Notified) and "ncident" in fact.because]
    return [((fact.at - T0).total_seconds() / 60, fact.because) for fact in found]


def owed(of: Life) -> dict[str, str]:
    return {each.rule: each.state for each in promises(of.now, of.world.rules) if "role:" in each.rule}


def test_people_are_reminded_until_somebody_holds_the_role():
    of = life()

    said = told(of, T0 + minutes(50))
    of.does(c.AssignRole(by="ana", role="incident commander", person="ana"), T0 + minutes(51))
    after = told(of, T0 + minutes(500))

    words = "nobody is Incident Commander: Assign an incident commander for SEV-1"
    assert said == [(15, words), (45, words)]
    assert after == [] and owed(of) == {}


def test_a_role_that_is_given_back_is_asked_for_again():
    of = life()
    of.does(c.AssignRole(by="ana", role="Incident Commander", person="ana"), T0 + minutes(2))
    before = told(of, T0 + minutes(40))
    of.does(c.ReleaseRole(by="ana", role="Incident Commander"), T0 + minutes(50))

    assert before == [] and [at for at, _ in told(of, T0 + minutes(80))] != []


def test_a_second_holder_keeps_it_held():
    of = life()
    for person in ("ana", "ben"):
        of.does(c.AssignRole(by="ana", role="Incident Commander", person=person), T0 + minutes(2))
    of.does(c.ReleaseRole(by="ana", role="Incident Commander", person="ana"), T0 + minutes(3))

    assert told(of, T0 + minutes(60)) == []


def test_the_guides_own_time_is_a_promise():
    late, kept = life(within=600), life(within=600)
    told(late, T0 + minutes(11))
    kept.does(c.AssignRole(by="ana", role="Incident Commander", person="ana"), T0 + minutes(9))

    assert owed(life()) == {}
    assert owed(late) == {"role:Incident Commander": "missed"}
    assert owed(kept) == {"role:Incident Commander": "kept"}


def test_a_role_that_changes_hands_later_leaves_its_promise_kept():
    of = life(within=600)
    of.does(c.AssignRole(by="ana", role="Incident Commander", person="ana"), T0 + minutes(9))
    of.does(c.ReleaseRole(by="ana", role="Incident Commander"), T0 + minutes(50))
    between = owed(of)
    of.does(c.AssignRole(by="ana", role="Incident Commander", person="ben"), T0 + minutes(51))

    assert between == owed(of) == {"role:Incident Commander": "kept"}
    assert "PromiseMissed" not in of.kinds()


def test_a_role_that_nobody_holds_when_its_time_is_over_was_not_assigned():
    of = life(within=600)
    of.does(c.AssignRole(by="ana", role="Incident Commander", person="ana"), T0 + minutes(2))
    of.does(c.ReleaseRole(by="ana", role="Incident Commander"), T0 + minutes(3))
    before = owed(of)
    said = told(of, T0 + minutes(10))

    assert (before, owed(of)) == ({"role:Incident Commander": "open"}, {"role:Incident Commander": "missed"})
    assert [at for at, _ in said] == [10]


def test_who_held_a_role_of_a_milder_severity_and_gave_it_back_does_not_keep_the_next():
    of = life(within=600)
    of.does(c.AssignRole(by="ana", role="Incident Commander", person="ana"), T0 + minutes(2))
    of.does(c.ReleaseRole(by="ana", role="Incident Commander"), T0 + minutes(20))
    for severity in ("SEV-2", "SEV-1"):
        of.does(c.ChangeSeverity(by="ana", severity=severity, because="x"), T0 + minutes(30))

    assert owed(of) == {"role:Incident Commander": "open"}


def test_other_severities_and_what_is_over_are_not_asked():
    lower = life(staffing=(Staffing(role="Scribe of the incident", severities=("SEV-3",)),))
    over = life()
    over.does(c.Resolve(by="ana"), T0 + minutes(5))

    assert told(lower, T0 + minutes(50)) == [] and told(over, T0 + minutes(50)) == []


def test_a_policy_may_say_it_with_the_role_itself():
    of = life(staffing=(), roles=(Role(name="Incident lead", required_for=("SEV-1",)),))

    assert told(of, T0 + minutes(20)) == [(15, "nobody is Incident lead")]


def test_only_a_rule_about_a_role_ends_when_it_is_held():
    def said(name: str) -> list[str]:
        rule = Rule(id=name, start="opened", delay=Deadline(seconds=60), act=Act(kind="breach"), until="staffed")
        return [flaw.message for flaw in flaws(world(rules=(rule,)).policy) if "staffed" in flaw.message]

    assert said("role:Scribe") == [] and len(said("scribe")) == 1


GUIDE = """# Incident response

## Severity

| Severity | Response time |
|---|---|
| P1 | 15 min |
| P2 | 1 hour |
| P3 | 4 hours |

## Response

"""


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("5. **Assign incident commander** for P1/P2 incidents", ("incident commander", ("P1", "P2"), None)),
        ("- Assign an incident commander for P1 incidents within 10 minutes", ("incident commander", ("P1",), 600)),
        ("- For P1, designate a communications lead", ("communications lead", ("P1",), None)),
    ],
)
def test_a_guide_asks_for_a_role_in_its_own_words(text: str, asked: tuple[str, tuple[str, ...], int | None]):
    compiled = compile_guide(GUIDE + text + "\n", "g.md")

    (found,) = compiled.policy.staffing
    assert (found.role, found.severities, found.within.seconds if found.within else None) == asked
    assert found.source is not None and found.source.line == 13
    assert [each for each in compiled.findings if each.line == 13] == []


@pytest.mark.parametrize("text", ["- Assign a severity of P1", "- Assign tickets to P3", "- Page the manager for P1"])
def test_what_asks_for_no_role_is_none(text: str):
    assert compile_guide(GUIDE + text + "\n", "g.md").policy.staffing == ()
