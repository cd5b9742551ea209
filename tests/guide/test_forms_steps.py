"""Escalation in sentences, steps for one severity, and whom a ladder is for, written afresh after what public pages do."""

from __future__ import annotations

from typing import Any

import pytest

from tests.guide.scoring import value
from tests.guide.test_forms_ladders import STEPS, TIMELINE, Rungs, compiled, rungs, unread
from tocsin.guide.compile import compile_guide

TWO = [("", "primary on-call", 600, "level"), ("", "secondary on-call", None, "")]

LADDERS: dict[str, tuple[str, Rungs]] = {
    "call, and if there is no answer": (
        "## Escalation policy\n\n- Page the duty engineer within 5 minutes.\n- Escalate to the team lead if no response in 10 minutes.\n- Escalate to the CTO if unresolved after 40 minutes.\n",
        STEPS,
    ),
    "what starts it stands before, other work behind": (
        "## Escalation flow\n\n1. An alarm opens a ticket\n2. Primary on-call responds within 5m\n3. If unresolved in 10m, escalate to the secondary on-call\n4. Write down each step\n",
        TWO,
    ),
    "the tool pages": (
        "## Escalation\n\n1. PagerDuty pages the primary on-call.\n2. If unacknowledged after 10 minutes, automatically escalate to the secondary on-call.\n",
        TWO,
    ),
    "still unresolved, without a time": (
        "## Escalation\n\n1. The duty engineer is paged.\n2. After 10 minutes without acknowledgement, page the team lead.\n3. If still unresolved, escalate to the CTO.\n",
        [("", "duty engineer", 600, "level"), ("", "team lead", None, ""), ("", "cto", None, "")],
    ),
    "arrows behind conditions": (
        "## Escalation\n\n- Page the duty engineer.\n- No ack in 10 min → team lead\n- Not resolved in 40 min → CTO\n",
        STEPS,
    ),
    "for the severity that the first sentence names": (
        "## Escalation\n\n- Page the duty engineer immediately for SEV1 incidents.\n- If no acknowledgement within 10 minutes, escalate to the team lead.\n",
        [("SEV1", "duty engineer", 600, "level"), ("SEV1", "team lead", None, "")],
    ),
    "for the severities that the line above names": (
        "## Escalation path\n\nSEV1 and SEV2 pages take this way if nobody answers:\n\n1. **Level 1 (immediate):** Duty engineer\n2. **Level 2 (+10 min):** Team lead\n3. **Level 3 (+40 min):** CTO\n",
        [(f"{'SEV1,SEV2'}", *each[1:]) for each in TIMELINE],
    ),
    "times that do not rise count from level to level": (
        "## Escalation path\n\n1. **Level 1:** Duty engineer\n2. **Level 2 (after 30 min):** Team lead\n3. **Level 3 (after 30 min):** CTO\n",
        [("", "duty engineer", 1800, "level"), ("", "team lead", 1800, "level"), ("", "cto", None, "")],
    ),
    "a step for one severity": (
        "## Escalation\n\n- SEV1: escalate to the engineering manager if not resolved within 30 minutes\n",
        [("SEV1", "owner", 1800, "opened"), ("SEV1", "engineering manager", None, "")],
    ),
    "steps for severities, one after the other": (
        "## Escalation\n\n- If a SEV1 is not resolved within 30 minutes, escalate to the team lead.\n- If a SEV1 is not resolved within 2 hours, escalate to the CTO.\n- A SEV2 not acknowledged in 1 hour → page the team lead (second phone).\n",
        [
            ("SEV1", "owner", 1800, "opened"), ("SEV1", "team lead", 7200, "opened"), ("SEV1", "cto", None, ""),
            ("SEV2", "owner", 3600, "opened"), ("SEV2", "team lead", None, ""),
        ],
    ),
    "a step under the heading of its severity": (
        "## Escalation\n\n### SEV1 and SEV2\n\n**Escalation**: If not resolved within 30 minutes, escalate to the senior engineer\n",
        [("SEV1,SEV2", "owner", 1800, "opened"), ("SEV1,SEV2", "senior engineer", None, "")],
    ),
    "a step beside the one who is called": (
        "## Escalation steps\n\n1. **Duty engineer**: First to answer, day and night.\n2. **Team lead**: Escalate if a SEV1 is not resolved within 30 minutes.\n",
        [("SEV1", "owner", 1800, "opened"), ("SEV1", "team lead", None, "")],
    ),
    "a table of situations": (
        "## Escalation\n\n| Situation | Action |\n|---|---|\n| SEV1 not resolved in 30 min | → CTO |\n| SEV2 sem resolução em 2h | → Team lead |\n| Several teams | → Coordination |\n",
        [
            ("SEV1", "owner", 1800, "opened"), ("SEV1", "cto", None, ""),
            ("SEV2", "owner", 7200, "opened"), ("SEV2", "team lead", None, ""),
        ],
    ),
    "roles with whom they escalate to": (
        "## Escalation\n\n| Role | Duty | Escalates to |\n|---|---|---|\n| Duty engineer | looks | Team lead |\n| Team lead | decides | CTO |\n| CTO | speaks | CEO / Board |\n",
        [("", "duty engineer", None, ""), ("", "team lead", None, ""), ("", "cto", None, ""), ("", "ceo+board", None, "")],
    ),
    "roles with what they are for": (
        "## Escalation tree\n\nEscalation order:\n\n1. **Secondary on-call** — for a second pair of eyes or to take over for the night.\n2. **Manager on duty** — for decisions about people and money.\n",
        [("", "secondary on-call", None, ""), ("", "manager on duty", None, "")],
    ),
    "a frame with a title around a drawing": (
        "## Escalation\n\n```\n┌──────────────────────────┐\n│     ESCALATION PATH      │\n├──────────────────────────┤\n│  Duty engineer           │\n│      │                   │\n│      ▼ 10 min            │\n│  Team lead               │\n│      │                   │\n│      ▼ 40 min            │\n│  CTO                     │\n└──────────────────────────┘\n```\n",
        STEPS,
    ),
    "minutes in columns": (
        "## Escalation ladder\n\n```\nMinute 0     Duty engineer paged\nMinute 10    Team lead if no ACK\nMinute 40    CTO\nHour 2+      Suppliers as needed\n```\n",
        TIMELINE,
    ),
    "when to escalate, below each level": (
        "## Escalation levels\n\n### Level 1: Duty engineer\n\n- **Role:** first\n\n### Level 2: Team lead\n\n- **When to escalate:**\n  - Primary unresponsive after 10 minutes\n  - SEV1 incident ongoing > 30 minutes\n\n### Level 3: CTO\n\n- **When to escalate:**\n  - Incident ongoing > 40 minutes\n",
        [("", "duty engineer", 600, "level"), ("", "team lead", 2400, "opened"), ("", "cto", None, "")],
    ),
    "a ladder of its own takes a severity out of the general one": (
        "## Escalation\n\n1. Duty engineer\n2. Team lead (after 20 minutes)\n\n### SEV1\n\n- Immediately: duty engineer\n- After 10 minutes: CTO\n",
        [
            ("SEV2,SEV3", "duty engineer", 1200, "opened"), ("SEV2,SEV3", "team lead", None, ""),
            ("SEV1", "duty engineer", 600, "opened"), ("SEV1", "cto", None, ""),
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", LADDERS)
def test_a_ladder_is_read_in_this_form(form: str):
    body, expected = LADDERS[form]

    assert rungs(body) == expected


NONE: dict[str, tuple[str, set[int]]] = {
    "a condition on something else": ("## Escalation\n\n1. The receiver looks at the alert.\n2. Page the second engineer if a payment is not explained in five minutes.\n", {4}),
    "levels without people": ("## Escalation\n\n1. Page L1 immediately for all alerts.\n2. Escalate to L2 if unresolved in 15 minutes.\n", {3, 4}),
    "a severity that is raised": ("## Escalation\n\n- SEV2: escalate to SEV1 if not resolved within 30 minutes\n", {3}),
    "two times in one sentence": ("## Escalation\n\n- SEV1: escalate to the CTO if not acknowledged in 10 minutes or not resolved in 1 hour\n", {3}),
    "a step that nobody can tell the first of": ("## Escalation\n\n- Escalate to the CTO if not resolved within 1 hour\n", {3}),
}  # fmt: skip


@pytest.mark.parametrize("form", NONE)
def test_what_is_not_sure_is_reported_instead(form: str):
    body, lines = NONE[form]

    assert rungs(body) == []
    assert lines <= unread(body)


def test_a_step_beside_a_ladder_for_every_severity_is_reported():
    body = "## Escalation\n\n1. Duty engineer\n2. Team lead (after 10 minutes)\n\nSEV1: escalate to the CTO if not resolved within 1 hour.\n"

    assert [who for _, who, _, _ in rungs(body)] == ["duty engineer", "team lead"]
    assert unread(body) == {6}


def test_the_same_ladder_twice_is_a_second_one():
    body = "## Escalation\n\n### SEV1 and SEV2\n\n- L1: Duty engineer\n- L2: Team lead\n\n### SEV1\n\n- L1: Duty engineer\n- L2: CTO\n"

    policy = compiled(body)

    assert [(each.severities, each.who) for each in policy.escalation.levels] == [
        (("SEV1", "SEV2"), ("Duty engineer",)),
        (("SEV1", "SEV2"), ("Team lead",)),
    ]
    assert [each.rule for each in policy.findings if each.rule == "GUIDE-LADDERS"] == ["GUIDE-LADDERS"]


def test_every_severity_counts_the_levels_of_its_ladder_from_one():
    for body, _ in LADDERS.values():
        levels = compiled(body).escalation.levels
        for one in ("SEV1", "SEV2", "SEV3"):
            mine = [each.level for each in levels if not each.severities or one in each.severities]
            assert mine == list(range(1, len(mine) + 1)), body


def test_an_escalation_after_a_time_without_an_end_is_a_timer():
    text = "# Incidents\n\n## Severity levels\n\n### SEV1 - All\n\n**Response time**: 15 minutes\n**Escalation**: After 10 minutes without progress\n\n### SEV2 - Some\n\n**Response time**: 1 hour\n**Escalation**: Not required\n"

    timers: list[tuple[str, Any]] = [
        (each.severity, value(each.every)) for each in compile_guide(text, "g.md").policy.escalation.while_unresolved
    ]

    assert timers == [("SEV1", 600)]


def test_intervals_that_share_a_word_are_one_for_each_severity():
    body = "## Updates\n\n- Post status updates every 15 minutes (SEV1), 30 minutes (SEV2) or 2 hours (SEV3)\n"

    found = [(each.severities, value(each.every)) for each in compiled(body).cadences]

    assert found == [(("SEV1",), 900), (("SEV2",), 1800), (("SEV3",), 7200)]


def test_immediate_is_a_clock_where_a_heading_labels_it():
    text = "# Incidents\n\n## Priorities\n\n### P1 - Critical (Response: Immediate, Resolution: 4 hours)\n\nAll.\n\n### P2 - High (Response: 1 hour, Resolution: 8 hours)\n\nSome.\n"

    found = [
        (value(each.respond_within), value(each.resolve_within))
        for each in compile_guide(text, "g.md").policy.severities
    ]

    assert found == [(0, 14400), (3600, 28800)]
