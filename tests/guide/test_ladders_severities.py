"""Times that differ by severity give a ladder per severity, and no ladder gets the time of another."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings, strategies as st

from tests.guide.test_forms_ladders import rungs, unread
from tocsin.guide.ladder_severities import times_by_severity

PEOPLE = ("Duty engineer", "Team lead", "CTO")
KNOWN = {"sev1": "SEV1", "sev2": "SEV2", "sev3": "SEV3", "p4": "P4"}
EACH = [
    ("SEV1", "duty engineer", 600, "level"), ("SEV1", "team lead", 2400, "level"), ("SEV1", "cto", None, ""),
    ("SEV2", "duty engineer", 3600, "level"), ("SEV2", "team lead", 7200, "level"), ("SEV2", "cto", None, ""),
]  # fmt: skip


def _chain(one: str, two: str) -> str:
    return f"## Escalation\n\nDuty engineer → ({one}) → Team lead → ({two}) → CTO\n"


def _arrows(one: str, two: str) -> str:
    return f"## Escalation\n\n```\nDuty engineer\n   ↓ ({one})\nTeam lead\n   ↓ {two}\nCTO\n```\n"


def _tree(one: str, two: str) -> str:
    return f"## Escalation\n\n```\nLevel 1: Duty engineer\n  └─ not resolved in {one} → Level 2\nLevel 2: Team lead\n  └─ not resolved in {two} → Level 3\nLevel 3: CTO\n```\n"


def _items(one: str, two: str) -> str:
    return f"## Escalation\n\n- **Level 1**: Duty engineer\n  - Escalate after: {one}\n- **Level 2**: Team lead\n  - Escalate after: {two}\n- **Level 3**: CTO\n"


def _headings(one: str, two: str) -> str:
    return f"## Escalation\n\n### Level 1: Duty engineer\n\n- **Escalate after:** {one}\n\n### Level 2: Team lead\n\n- **Escalate after:** {two}\n\n### Level 3: CTO\n"


def _cells(one: str, two: str) -> str:
    return f"## Escalation\n\n| Level | Who | Escalate after |\n|---|---|---|\n| 1 | Duty engineer | {one} |\n| 2 | Team lead | {two} |\n| 3 | CTO | - |\n"


FORMS: dict[str, Callable[[str, str], str]] = {
    "a chain": _chain, "arrows": _arrows, "a tree": _tree, "items": _items, "headings": _headings, "cells": _cells,
}  # fmt: skip
SAID = {
    "10 min for SEV1, 1 hour for SEV2": "40 min for SEV1, 2 hours for SEV2",
    "10 min SEV1 / 1 hr SEV2": "40 min SEV1 / 2 hr SEV2",
    "SEV1: 10 min, SEV2: 1 h": "SEV1: 40 min, SEV2: 2 h",
    "10 min (SEV1), 1 hour (SEV2)": "40 min (SEV1), 2 hours (SEV2)",
    "1 hour for SEV2, 10 min for SEV1": "2 hours for SEV2, 40 min for SEV1",
}


@pytest.mark.parametrize("said", SAID)
@pytest.mark.parametrize("form", FORMS)
def test_each_severity_has_its_own_ladder(form: str, said: str):
    body = FORMS[form](said, SAID[said])

    assert rungs(body) == EACH
    assert unread(body) == set()


@given(st.sampled_from(sorted(FORMS)), st.lists(st.integers(2, 59), min_size=4, max_size=4), st.booleans())
@settings(max_examples=60)
def test_no_severity_gets_the_time_of_another(form: str, minutes: list[int], front: bool):
    parts = [
        f"SEV{n}: {time} min" if front else f"{time} min SEV{n}" for n, time in zip((1, 2, 1, 2), minutes, strict=True)
    ]

    got = rungs(FORMS[form](" / ".join(parts[:2]), " / ".join(parts[2:])))

    for n, severity in enumerate(("SEV1", "SEV2")):
        own = [time for one, _, time, _ in got if severity in one.split(",")]
        assert own == [minutes[n] * 60, minutes[n + 2] * 60, None]


def test_a_ladder_goes_on_for_the_severity_that_an_arrow_names_alone():
    body = "## Escalation\n\n```\nDuty engineer\n  ↓ (10 min SEV1, 30 min SEV2)\nTeam lead\n  ↓ (1 hr SEV1)\nManager\n  ↓ (2 hr SEV1 - security/data)\nCTO\n```\n"

    assert rungs(body) == [
        ("SEV1", "duty engineer", 600, "level"),
        ("SEV1", "team lead", 3600, "level"),
        ("SEV1", "manager", None, ""),
        ("SEV2", "duty engineer", 1800, "level"),
        ("SEV2", "team lead", None, ""),
    ]


def test_levels_against_columns_of_severities_are_a_ladder_per_column():
    head = "## Escalation\n\n| Level | Who | {0} | {1} |\n|---|---|---|---|\n"
    line = (
        head.format("SEV1", "SEV2")
        + "| 1 | Duty engineer | 0 min | Immediate |\n| 2 | Team lead | 10 min | 1 hour |\n| 3 | CTO | 40 min | 2 hours |\n"
    )
    held = (
        head.format("SEV1 escalate after", "SEV2 escalate after")
        + "| 1 | Duty engineer | 10 min | 1 hour |\n| 2 | Team lead | 40 min | 2 hours |\n| 3 | CTO | - | - |\n"
    )

    assert rungs(held) == EACH
    assert [each[:3] for each in rungs(line)] == [each[:3] for each in EACH]
    assert {each[3] for each in rungs(line) if each[2]} == {"opened"}


def test_rows_that_say_when_they_are_called_by_severity_hold_those_above_them():
    body = "## Escalation\n\n| Level | Who | When |\n|---|---|---|\n| L1 | Duty engineer | Initial response |\n| L2 | Team lead | After 30 min SEV1/2 |\n| L3 | CTO | After 1 hour SEV1 |\n"

    assert rungs(body) == [
        ("SEV1", "duty engineer", 1800, "opened"),
        ("SEV1", "team lead", 3600, "opened"),
        ("SEV1", "cto", None, ""),
        ("SEV2", "duty engineer", 1800, "opened"),
        ("SEV2", "team lead", None, ""),
    ]


def test_a_level_that_is_left_out_takes_its_time_with_it():
    body = "## Escalation\n\n| Level | Who | When to escalate |\n|---|---|---|\n| L1 | Duty engineer | All |\n| L2 | Team lead | 30 min for SEV1, 4 hrs for SEV2 |\n| L3 | CTO | 1 hr for SEV1, 8 hrs for SEV2 |\n| L4 | Vendor support | If infrastructure issue persists > 2 hrs |\n"

    assert [each[:3] for each in rungs(body)] == [
        ("SEV1", "duty engineer", 1800),
        ("SEV1", "team lead", 3600),
        ("SEV1", "cto", None),
        ("SEV2", "duty engineer", 14400),
        ("SEV2", "team lead", 28800),
        ("SEV2", "cto", None),
    ]


NOTHING = (
    "10 min SEV1 with a breach, 1 hour SEV2", "10 min SEV1, 1 hour", "10 min SEV1, 1 hour SEV1", "10 min SEV1, 1 hour SEV5",
    "10 min or SEV1, 1 hour SEV2", "10-20 min SEV1, 1 hour SEV2", "SEV1: 10 min, 1 hour SEV2", "10 min SEV1 business hours, 1 hour SEV2",
    "every 10 min SEV1, 1 hour SEV2", "", "SEV1", "10 min",
)  # fmt: skip


@pytest.mark.parametrize("said", NOTHING)
def test_words_that_say_anything_else_have_no_times_by_severity(said: str):
    assert times_by_severity(said, KNOWN) == {}


@pytest.mark.parametrize("said", [each for each in NOTHING if "SEV1" in each and "min" in each])
def test_an_arrow_that_says_anything_else_leaves_no_ladder(said: str):
    body = _arrows(said, "40 min SEV1, 2 hours SEV2")

    assert rungs(body) == []
    assert 6 in unread(body) or 5 in unread(body)


def test_an_id_behind_a_comma_is_no_time():
    assert {one: time.value for one, time in times_by_severity("15 min SEV1, 2 hours SEV2, 4 h P4", KNOWN).items()} == {
        "SEV1": 900,
        "SEV2": 7200,
        "P4": 14400,
    }


def test_several_severities_in_one_sentence_are_a_step_for_each():
    body = "## Escalation\n\n- SEV1: 15 min, SEV2: 1 hour → engineering manager\n- SEV1: 1 hour, SEV2: 4 hours → CTO\n"

    assert rungs(body) == [
        ("SEV1", "owner", 900, "opened"),
        ("SEV1", "engineering manager", 3600, "opened"),
        ("SEV1", "cto", None, ""),
        ("SEV2", "owner", 3600, "opened"),
        ("SEV2", "engineering manager", 14400, "opened"),
        ("SEV2", "cto", None, ""),
    ]


@pytest.mark.parametrize("said", ["SEV1: 15 min, SEV2: 1 hour → a restart", "SEV1: 15 min, SEV2 with a breach: 1 hour → CTO"])  # fmt: skip
def test_several_severities_that_lead_to_nobody_or_say_more_are_no_step(said: str):
    assert rungs(f"## Escalation\n\n- {said}\n") == []
