"""Ladders and cadences in forms met on public pages that nobody tuned on, written afresh and small."""

from __future__ import annotations

from typing import Any

import pytest

from tests.guide.scoring import value
from tocsin.core.policy import Policy
from tocsin.guide.compile import compile_guide

Rungs = list[tuple[str, str, Any, str]]


def page(body: str) -> str:
    return (
        "# Incident response\n\n## Severity levels\n\n"
        "| Severity | Meaning | Response time |\n|---|---|---|\n"
        "| SEV1 | All is down | 15 minutes |\n| SEV2 | Much is down | 1 hour |\n| SEV3 | A flaw | 1 day |\n\n"
        f"{body}\n"
    )


def compiled(body: str) -> Policy:
    return compile_guide(page(body), "g.md").policy


def rungs(body: str) -> Rungs:
    """(severities, who, how long, since when) of each level."""
    return [
        (
            ",".join(each.severities),
            "+".join(each.who).casefold(),
            value(each.within),
            each.since if each.within else "",
        )
        for each in compiled(body).escalation.levels
    ]


def unread(body: str) -> set[int]:
    """The lines of the body, from 1, of which the findings say that they were not understood."""
    above = page("").count("\n") - 1
    return {
        each.line - above for each in compiled(body).findings if each.rule in ("GUIDE-UNREAD", "GUIDE-NOT-UNDERSTOOD")
    }


TIMELINE = [("", "duty engineer", 600, "opened"), ("", "team lead", 2400, "opened"), ("", "cto", None, "")]
STEPS = [("", "duty engineer", 600, "level"), ("", "team lead", 2400, "level"), ("", "cto", None, "")]

LADDERS: dict[str, tuple[str, Rungs]] = {
    "times in the headers of columns": (
        "## Escalation matrix\n\n| Severity | First contact | Escalation (10 min) | Escalation (40 min) |\n|---|---|---|---|\n"
        "| SEV1 | Duty engineer | Team lead | CTO |\n| SEV2 | Duty engineer | Team lead | - |\n| SEV3 | Create ticket | Web team | - |\n",
        [
            ("SEV1", "duty engineer", 600, "opened"), ("SEV1", "team lead", 2400, "opened"), ("SEV1", "cto", None, ""),
            ("SEV2", "duty engineer", 600, "opened"), ("SEV2", "team lead", None, ""),
        ],
    ),
    "columns that are times alone": (
        "## Escalation\n\n| Severity | Immediate | 10 min | 40 min |\n|---|---|---|---|\n| SEV1 | Duty engineer | Team lead | CTO |\n| SEV2 | Duty engineer | - | Team lead |\n",
        [
            ("SEV1", "duty engineer", 600, "opened"), ("SEV1", "team lead", 2400, "opened"), ("SEV1", "cto", None, ""),
            ("SEV2", "duty engineer", 2400, "opened"), ("SEV2", "team lead", None, ""),
        ],
    ),
    "roles against severities": (
        "## Escalation matrix\n\n| Role | SEV1 | SEV2 | SEV3 |\n|---|---|---|---|\n| Duty engineer | Immediate | Immediate | Business hours |\n"
        "| Team lead | 10 min | 1 hour | 4 hours |\n| CTO | 40 min | Next day | Weekly review |\n",
        [
            ("SEV1", "duty engineer", 600, "opened"), ("SEV1", "team lead", 2400, "opened"), ("SEV1", "cto", None, ""),
            ("SEV2", "duty engineer", 3600, "opened"), ("SEV2", "team lead", None, ""),
        ],
    ),
    "steps from somebody to somebody": (
        "## Escalation\n\n| From | To | When |\n|---|---|---|\n| Duty engineer | Team lead | No acknowledgement within 10 min |\n| Team lead | CTO | Not resolved within 40 min |\n",
        STEPS,
    ),
    "when to escalate, the first with a time and the last without": (
        "## Escalation levels\n\n| Level | Role | When to escalate |\n|---|---|---|\n| L1 | Duty engineer | After 10 min without progress |\n| L2 | Team lead | After 40 min |\n| L3 | CTO | - |\n",
        STEPS,
    ),
    "when to escalate, the first at once": (
        "## Escalation levels\n\n| Level | Role | When to escalate |\n|---|---|---|\n| L1 | Duty engineer | Immediately |\n| L2 | Team lead | After 10 min |\n| L3 | CTO | After 40 min |\n",
        TIMELINE,
    ),
    "labels that are times, under a severity": (
        "## Escalation\n\n### SEV1\n\n- Immediately: duty engineer\n- After 10 minutes: team lead\n- After 40 minutes: page the CTO\n",
        [("SEV1", *each[1:]) for each in TIMELINE],
    ),
    "offsets": ("## Escalation\n\n- T+0: page the duty engineer\n- T+10m: page the team lead\n- T+40m: page the CTO\n", TIMELINE),
    "times between the arrows": ("## Escalation\n\nDuty engineer → (10 min) → Team lead → (40 min) → CTO\n", STEPS),
    "sentences in a list": (
        "## Escalation policy\n\n1. Duty engineer is paged.\n2. If not acknowledged within 10 minutes, the team lead is paged.\n3. If not resolved within 40 minutes, call the CTO.\n",
        STEPS,
    ),
    "sentences in a paragraph": (
        "## Escalation\n\nIf the duty engineer does not acknowledge within 10 minutes, escalate to the team lead. If the team lead does not answer within 40 minutes, page the CTO.\n",
        STEPS,
    ),
    "a Mermaid chart with the times on its edges": (
        "## Escalation\n\n```mermaid\nflowchart TD\n  A[Alert] --> B[L1: Duty engineer]\n  B -->|Ack within 10m| C[Monitor]\n  B -->|No ack 10m| D[L2: Team lead]\n  D -->|No ack 40m| E[CTO]\n```\n",
        STEPS,
    ),
    "a Mermaid chart with questions": (
        "## Escalation\n\n```mermaid\nflowchart TD\n  A[Page duty engineer] --> B{Acknowledged within 10 min?}\n  B -->|Yes| M[Mend]\n  B -->|No| C[Page team lead]\n  C --> D{Acknowledged within 40 min?}\n  D -->|No| E[Page CTO]\n```\n",
        STEPS,
    ),
    "boxes": (
        "## Escalation\n\n```\n┌───────────────┐\n│ Duty engineer │\n└───────┬───────┘\n        ▼ 10 min\n┌───────────────┐\n│ Team lead     │\n└───────┬───────┘\n        ▼ 40 min\n┌───────────────┐\n│ CTO           │\n└───────────────┘\n```\n",
        STEPS,
    ),
    "bars with conditions": (
        "## Escalation\n\n```\nDuty engineer (primary)\n    | (if no acknowledgment within 10 min)\nTeam lead\n    | (if not resolved in 40 min)\nCTO\n```\n",
        STEPS,
    ),
    "a time line of actions in a table": (
        "## Escalation\n\n| Elapsed time | Action |\n|---|---|\n| 0 min | Duty engineer notified by pager |\n| 10 min | If not acknowledged, escalate to the team lead |\n| 40 min | Page the CTO |\n",
        TIMELINE,
    ),
    "a time line with people beside the actions": (
        "## Escalation timeline\n\n| Duration | Action | Notify |\n|---|---|---|\n| 0 min | Detected | Duty engineer |\n| 10 min | Assessed | Team lead |\n| 40 min | Declared | CTO |\n",
        TIMELINE,
    ),
    "a time line in a fence": (
        "## Escalation protocol\n\n```\n0-10 min: Duty engineer responds\n10-40 min: Team lead notified if no acknowledgment\n40+ min: CTO notified\n```\n",
        TIMELINE,
    ),
    "counted minutes in a fence": (
        "## Escalation\n\n```\nMinute 0:   Alarm → Page duty engineer\nMinute 10:  no answer → Page team lead\nMinute 40:  Page CTO + open war room\n\nTools:\n  - a pager\n```\n",
        TIMELINE,
    ),
    "when to contact": (
        "## Escalation contacts\n\n| Role | Contact | When to contact |\n|---|---|---|\n| Duty engineer | pager | Immediate |\n| Team lead | @lead | After 10 minutes |\n| CTO | phone | After 40 minutes |\n",
        TIMELINE,
    ),
    "titles beside ways of contact": (
        "## Escalation levels\n\n| Level | Title | Scope | Contact method |\n|---|---|---|---|\n| L1 | Duty engineer | triage | pager |\n| L2 | Team lead | work | direct |\n",
        [("", "duty engineer", None, ""), ("", "team lead", None, "")],
    ),
    "escalate after, the first with a dash": (
        "## Escalation chain\n\n| Role | Contact method | Escalate after |\n|---|---|---|\n| Duty engineer | pager | - |\n| Team lead | pager | 10 minutes |\n| CTO | phone | 40 minutes |\n",
        TIMELINE,
    ),
    "times against severities": (
        "## Escalation matrix\n\n| Time since start | SEV1 action | SEV2 action |\n|---|---|---|\n| 0 min | Page duty engineer | Page duty engineer |\n| 10 min | Page team lead | - |\n| 40 min | Page CTO | Page team lead |\n| 2 hours | Write a report | - |\n",
        [
            *(("SEV1", *each[1:]) for each in TIMELINE),
            ("SEV2", "duty engineer", 2400, "opened"), ("SEV2", "team lead", None, ""),
        ],
    ),
    "from somebody to somebody, level by level": (
        "## Escalation chain\n\n1. **Level 1**: Duty engineer → Team lead (24 hours)\n2. **Level 2**: Team lead → CTO (48 hours)\n",
        [],
    ),
    "Vietnamese branches, with the tool that calls": (
        "## Escalation\n\n### SEV1\n\n```\nSEV1 bắt đầu\n  ├── 0 phút: PagerDuty gọi Primary On-Call\n  ├── 10 phút: Nếu chưa acknowledge → PagerDuty gọi Team Lead\n  └── 40 phút: Nếu chưa resolve → Thông báo CTO\n```\n",
        [("SEV1", "primary on-call", 600, "opened"), ("SEV1", "team lead", 2400, "opened"), ("SEV1", "cto", None, "")],
    ),
    "German tree": (
        "## Eskalation\n\n```\nStufe 1: Bereitschaftsdienst\n  └─ keine Antwort innerhalb von 10 Minuten → Stufe 2\nStufe 2: Teamleitung\n  └─ nicht gelöst innerhalb von 40 Minuten → Stufe 3\nStufe 3: Vorstand\n```\n",
        [("", "bereitschaftsdienst", 600, "level"), ("", "teamleitung", 2400, "level"), ("", "vorstand", None, "")],
    ),
    "Spanish arrows": (
        "## Ruta de escalamiento\n\n```\nNivel 1: Ingeniero de guardia\n   ↓ (sin respuesta en 10 minutos)\nNivel 2: Líder técnico\n   ↓ (no resuelto en 40 minutos)\nNivel 3: Directora\n```\n",
        [("", "ingeniero de guardia", 600, "level"), ("", "líder técnico", 2400, "level"), ("", "directora", None, "")],
    ),
    "Russian arrows": (
        "## Эскалация\n\n```\nДежурный инженер\n   ↓ (нет ответа 10 минут)\nТимлид\n   ↓ (не решено за 40 минут)\nДиректор\n```\n",
        [("", "дежурный инженер", 600, "level"), ("", "тимлид", 2400, "level"), ("", "директор", None, "")],
    ),
    "Chinese list": (
        "## 升级流程\n\n1. 一级：值班工程师\n2. 二级：技术负责人（10分钟未解决）\n3. 三级：部门经理（40分钟未解决）\n",
        [("", "值班工程师", 600, "level"), ("", "技术负责人", 2400, "level"), ("", "部门经理", None, "")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", LADDERS)
def test_a_ladder_is_read_in_this_form(form: str):
    body, expected = LADDERS[form]

    assert rungs(body) == expected


NONE: dict[str, tuple[str, set[int]]] = {
    "steps between levels that nobody named": ("## Escalation\n\n- L1 → L2: after 30 minutes without progress\n- L2 → L3: after 1 hour\n", {3, 4}),
    "conditions with what is done": ("## Escalation matrix\n\n- **Level 1:** losses above 2% in 1 day → notify operations\n- **Level 2:** kill switch → notify management\n", {3}),
    "levels of support that name work and nobody": ("## Support and escalation\n\n### Level 1: Basic troubleshooting\n\n- Restart\n- Response time: 15 minutes\n\n### Level 2: Deep troubleshooting\n\n- Debug\n", {6}),
    "a step behind a ladder for everything": ("## Escalation\n\n- SEV1: escalate to the CTO if not resolved within 1 hour\n- SEV1: escalate to the lead if not resolved within 30 minutes\n", {3, 4}),
    "roles whose times do not rise": ("## Escalation\n\n| Role | SEV1 | SEV2 |\n|---|---|---|\n| Duty engineer | 30 min | 1 hour |\n| Team lead | 15 min | 1 hour |\n", {3, 5, 6}),
}  # fmt: skip


@pytest.mark.parametrize("form", NONE)
def test_what_is_no_ladder_is_reported_instead(form: str):
    body, lines = NONE[form]

    assert rungs(body) == []
    assert unread(body) == lines


def test_the_end_of_a_column_that_is_no_time_line_is_reported():
    body = LADDERS["roles against severities"][0]

    assert unread(body) == {3, 7}


def test_a_time_on_an_arrow_for_some_severities_gives_them_a_ladder_and_nobody_else():
    body = "## Escalation\n\n```\nLevel 1: Duty engineer\n   |\n   v (after 15 min unresolved SEV1/SEV2)\nLevel 2: Team lead\n```\n"

    assert rungs(body) == [("SEV1,SEV2", "duty engineer", 900, "level"), ("SEV1,SEV2", "team lead", None, "")]


CADENCES: dict[str, tuple[str, list[tuple[str, tuple[str, ...], Any]]]] = {
    "audiences against severities": (
        "## Communication cadence\n\n| Stakeholder | SEV1 | SEV2 |\n|---|---|---|\n| Customers | 20 min | 2 hrs |\n| Board | Real-time | Daily |\n",
        [("customers", ("SEV1",), 1200), ("customers", ("SEV2",), 7200), ("board", ("SEV2",), 86400)],
    ),
    "audiences against severities, told and told again": (
        "## Communication matrix\n\n| Audience | SEV1 | SEV2 |\n|---|---|---|\n| Board | Immediate, hourly updates | 1 hour, daily updates |\n| Staff | 2 hours, as needed | 1 day |\n",
        [("board", ("SEV1",), 3600), ("board", ("SEV2",), 86400)],
    ),
    "severities against audiences": (
        "## Update frequency\n\n| Severity | Internal | Customers |\n|---|---|---|\n| SEV1 | 20 min | 40 min |\n| SEV2 | 2 hours | - |\n",
        [("internal", ("SEV1",), 1200), ("customers", ("SEV1",), 2400), ("internal", ("SEV2",), 7200)],
    ),
    "working days": (
        "## Communication\n\n- SEV1: updates every 20 minutes\n- SEV2: updates daily on business days\n- SEV3: updates every 2 working days\n",
        [("stakeholders", ("SEV1",), 1200), ("stakeholders", ("SEV2",), "1 business day"), ("stakeholders", ("SEV3",), "2 business days")],
    ),
    "working days in a column": (
        "## Updates\n\n| Severity | Update frequency |\n|---|---|\n| SEV1 | Hourly |\n| SEV2 | Daily (Mon-Fri) |\n",
        [("stakeholders", ("SEV1",), 3600), ("stakeholders", ("SEV2",), "1 business day")],
    ),
    "for customers by the heading, until it is over": (
        "## Updates\n\n| Severity | Status-update SLO |\n|---|---|\n| SEV1 | Every 60 minutes |\n| SEV2 | Every 4 hours |\n\n### Customer notification\n\n| Severity | Channel | Follow-up cadence |\n|---|---|---|\n| SEV1 | mail | Every 24 h until close; final report within 14 days of close. |\n| SEV2 | page | On change. |\n",
        [("stakeholders", ("SEV1",), 3600), ("stakeholders", ("SEV2",), 14400), ("customers", ("SEV1",), 86400)],
    ),
    "French": (
        "## Communication\n\n### Fréquence des mises à jour\n\n| Sévérité | Fréquence |\n|---|---|\n| SEV1 | Toutes les 20 minutes |\n| SEV2 | Toutes les 2 heures |\n",
        [("stakeholders", ("SEV1",), 1200), ("stakeholders", ("SEV2",), 7200)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", CADENCES)
def test_a_cadence_is_read_in_this_form(form: str):
    body, expected = CADENCES[form]

    found = [(each.audience, each.severities, value(each.every)) for each in compiled(body).cadences if each.confirmed]

    assert sorted(found, key=str) == sorted(expected, key=str)


def test_updates_in_working_hours_only_are_reported_and_start_no_timer():
    body = "## Communication\n\n- SEV2: status updates hourly during business hours\n"

    assert compiled(body).cadences == ()
    assert unread(body) == {3}


def test_times_by_the_hour_of_the_day_are_reported_and_start_no_clock():
    text = (
        "# Incidents\n\n## Severity\n\n| Severity | Meaning |\n|---|---|\n| SEV1 | down |\n| SEV2 | slow |\n\n"
        "## Response times\n\n| Severity | Business hours | After hours |\n|---|---|---|\n| SEV1 | 15 min | 30 min |\n| SEV2 | 1 hour | next business day |\n"
    )

    policy = compile_guide(text, "g.md").policy

    assert [each.respond_within for each in policy.severities] == [None, None]
    assert [each.line for each in policy.findings if each.rule == "GUIDE-UNREAD"] == [14, 14, 15, 15]


def test_a_deadline_under_the_heading_of_a_template_is_reported():
    body = "## Post-incident review template\n\n**Due:** within 5 business days of resolution\n\n- Summary\n"

    assert compiled(body).review.within is None
    assert unread(body) == {3}


def test_severities_may_be_named_by_their_ladder_alone():
    text = (
        "# Incident escalation\n\n## Escalation matrix\n\n| Severity | First responder | Escalation (30 min) | Executive (60 min) |\n|---|---|---|---|\n"
        "| SEV-1 | Duty engineer | Team lead | CTO |\n| SEV-2 | Duty engineer | Team lead | — |\n| SEV-3 | Backlog triage | — | — |\n"
    )

    policy = compile_guide(text, "g.md").policy

    assert [(each.id, each.source and each.source.line) for each in policy.severities] == [
        ("SEV-1", 7),
        ("SEV-2", 8),
        ("SEV-3", 9),
    ]
    assert [(each.severities, each.who, value(each.within)) for each in policy.escalation.levels] == [
        (("SEV-1",), ("Duty engineer",), 1800),
        (("SEV-1",), ("Team lead",), 3600),
        (("SEV-1",), ("CTO",), None),
        (("SEV-2",), ("Duty engineer",), 1800),
        (("SEV-2",), ("Team lead",), None),
    ]


def test_two_limits_by_the_hour_in_a_heading_set_none():
    text = "# Incidents\n\n## Severity levels\n\n### P0 - Critical (Response: Immediate, 24/7)\n\nAll.\n\n### P1 - High (Response: <30 min, business hours; <2 hours, off-hours)\n\nSome.\n\n### P2 - Low (Response: <4 hours)\n\nLittle.\n"

    policy = compile_guide(text, "g.md").policy

    assert [value(each.respond_within) for each in policy.severities] == [0, None, 14400]


def test_a_goal_in_words_is_no_clock():
    text = "# Incidents\n\n## Severity\n\n| Severity | Example | Response goal |\n|---|---|---|\n| SEV-1 | outage | immediate containment and recovery |\n| SEV-2 | slow | rapid mitigation |\n"

    assert [each.respond_within for each in compile_guide(text, "g.md").policy.severities] == [None, None]


def test_a_severity_called_by_a_word_is_named_behind_for():
    text = "# Incidents\n\n## Severity\n\n| Severity | Response time |\n|---|---|\n| Critical | 15 minutes |\n| High | 1 hour |\n| Low | 1 day |\n\n## Channel\n\n1. Post a status update every 20 minutes for Critical, every 40 minutes for High.\n"

    policy = compile_guide(text, "g.md").policy

    assert [(each.severities, value(each.every)) for each in policy.cadences] == [
        (("Critical",), 1200),
        (("High",), 2400),
    ]
