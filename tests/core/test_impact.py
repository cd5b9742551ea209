"""A guide's impact-based triggers escalate by themselves when what is recorded becomes worse, and only then."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given, strategies as st

from tests.core.lives import LEVELS, T0, Life, minutes, world
from tests.core.test_regulatory import law_world
from tocsin.core import commands as c, facts as f
from tocsin.core.escalation import World
from tocsin.core.impact import acts, meaning
from tocsin.core.policy import Category, Escalation, Trigger
from tocsin.guide.compile import compile_guide

USERS, DATA, SECURITY, LAW = (
    "Increased user impact",
    "Data loss risk",
    "Security breach potential",
    "Regulatory compliance impact",
)
ASKED = ("Is there a risk of data loss?", "Is payment affected?")


def house(*texts: str, kind: Any = "impact", **escalation: Any) -> World:
    triggers = tuple(Trigger(text=text, kind=kind) for text in texts or (USERS, DATA, SECURITY, LAW))
    scheme = Escalation(levels=LEVELS, triggers=triggers, **escalation)
    categories = (Category(name="Security incident"), Category(name="Network"))
    return world(escalation=scheme, assessment=ASKED, categories=categories)


def begun(within: World | None = None, **opening: Any) -> Life:
    life = Life(within or house(), **opening)
    life.does(c.SetCustomerImpact(by="ana", users=100), T0 + minutes(1))
    life.does(c.Acknowledge(by="ana"), T0 + minutes(2))
    return life


def why(facts: list[Any]) -> list[tuple[int, str, str]]:
    return [(fact.level, fact.by, fact.because) for fact in facts if isinstance(fact, f.Escalated)]


def test_more_users_page_the_next_level_and_say_why():
    life = begun()

    facts = life.does(c.SetCustomerImpact(by="ana", users=130), T0 + minutes(3))

    assert why(facts) == [(2, "ana", "Increased user impact - users affected rose from 100 to 130")]
    assert [page.person for fact in facts if isinstance(fact, f.Escalated) for page in fact.pages] == ["ben"]
    assert life.now.acknowledged_at is None


@pytest.mark.parametrize("users", [None, 0, 99, 100])
def test_fewer_or_as_many_escalate_nothing(users: int | None):
    assert why(begun().does(c.SetCustomerImpact(by="ana", users=users), T0 + minutes(3))) == []


def test_the_first_number_is_no_rise():
    assert why(Life(house()).does(c.SetCustomerImpact(by="ana", users=9000), T0 + minutes(1))) == []


def test_a_corrected_estimate_pages_nobody_again_until_it_has_doubled():
    life = begun()

    said = [
        why(life.does(c.SetCustomerImpact(by="ana", users=n), T0 + minutes(3 + n / 100))) for n in (130, 150, 259, 260)
    ]

    assert [len(each) for each in said] == [1, 0, 0, 1]


@pytest.mark.parametrize(
    ("command", "because"),
    [
        (c.Assess(by="ana", question=ASKED[0], answer="Yes"), "Data loss risk - Is there a risk of data loss?: Yes"),
        (
            c.SetCategory(by="ana", category="security incident"),
            "Security breach potential - the category is Security incident",
        ),
    ],
)
def test_an_assessment_or_a_category_escalates_once(command: c.Command, because: str):
    life = begun()
    facts = life.does(command, T0 + minutes(3))
    life.does(c.SetCategory(by="ana", category="Network"), T0 + minutes(4))
    again = life.does(command, T0 + minutes(5))

    assert (why(facts), why(again)) == ([(2, "ana", because)], [])


@pytest.mark.parametrize(
    "command",
    [
        c.Assess(by="ana", question=ASKED[0], answer="no"),
        c.Assess(by="ana", question=ASKED[1], answer="yes"),
        c.SetCategory(by="ana", category="Network"),
        c.SetImpact(by="ana", impact="no data loss, no security breach, all users affected"),
        c.AddNote(by="ana", text="Increased user impact"),
    ],
)
def test_what_says_nothing_worse_escalates_nothing(command: c.Command):
    assert why(begun().does(command, T0 + minutes(3))) == []


def test_a_report_that_a_law_asks_for_escalates_once_it_is_owed():
    life = begun(msgspec.structs.replace(house(), law=law_world("gdpr").law))
    aware = c.RecordInstant(by="ana", name="controller_aware", happened_at=T0, because="the DPO concluded")
    facts = life.does(aware, T0 + minutes(3))
    again = life.does(msgspec.structs.replace(aware, because="confirmed"), T0 + minutes(4))

    ((level, _, because),) = why(facts)
    assert (level, because.partition(" - ")[0], why(again)) == (2, LAW, [])
    assert because.startswith(f"{LAW} - owed: ")


@pytest.mark.parametrize(
    "within",
    [house(USERS, kind="manual"), house("The board asks"), house(USERS, never=("SEV-1",))],
)
def test_triggers_of_people_and_severities_without_escalation_are_left_to_people(within: World):
    assert why(begun(within).does(c.SetCustomerImpact(by="ana", users=9000), T0 + minutes(3))) == []


def test_what_is_over_escalates_nothing():
    life = begun()
    life.does(c.Resolve(by="ana"), T0 + minutes(3))

    assert why(life.does(c.SetCustomerImpact(by="ana", users=9000), T0 + minutes(4))) == []


def test_the_seed_guides_triggers_are_understood():
    guide = "# G\n\n| Severity | Response time |\n|---|---|\n| P1 | 15 min |\n| P2 | 1 hour |\n\n## Escalation\n\n"
    found = compile_guide(
        guide
        + "### Automatic Escalation Triggers\n\n**Impact-based escalation:**\n"
        + "".join(f"- {t}\n" for t in (USERS, DATA, SECURITY, LAW))
    )

    triggers = found.policy.escalation.triggers
    assert [meaning(each) for each in triggers] == ["users", "data", "security", "law"]
    assert all(acts(each) for each in triggers)


@given(st.lists(st.integers(0, 1000), max_size=12))
def test_whatever_is_recorded_each_doubling_pages_once(numbers: list[int]):
    life, at = Life(house(USERS)), T0
    paged: list[int] = []
    for n in numbers:
        at += minutes(1)
        before = life.now.users_affected
        if why(
            [
                each
                for each in life.does(c.SetCustomerImpact(by="ana", users=n), at)
                if "rose" in getattr(each, "because", "")
            ]
        ):
            assert before is not None and n > before
            paged.append(n)

    assert all(later >= 2 * earlier for earlier, later in pairwise(paged))
    rises = [b for a, b in pairwise(numbers) if b > a]
    assert bool(paged) == bool(rises)
