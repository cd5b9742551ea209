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
    "a matrix with the times in its cells": (
        "## Escalation\n\n| Severity | Initial response | Tier 1 | Tier 2 |\n|---|---|---|---|\n| SEV1 | Duty engineer (immediate) | Team lead (10 min) | CTO (40 min) |\n| SEV2 | Duty engineer (at once) | Team lead (if needed) | CTO |\n",
        [("SEV1", "duty engineer", 600, "opened"), ("SEV1", "team lead", 2400, "opened"), ("SEV1", "cto", None, "")],
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
    "an item that goes on below itself": (
        "## Escalation path\n\n1. PagerDuty alert fires to the duty engineer.\n2. Duty engineer has 10 minutes to acknowledge.\n3. If no acknowledgement after 10 minutes:\n   - Alert escalates to the team lead.\n   - The chat is told.\n4. If not resolved after 40 minutes:\n   - The CTO is paged.\n",
        STEPS,
    ),
    "a person in brackets who acknowledges": (
        "## Escalation\n\n1. Primary on-call (rota `web`) acknowledges within 10 minutes.\n2. If not acknowledged in 10 minutes, escalate to the secondary on-call.\n",
        TWO,
    ),
    "what is for one severity ends a list of people": (
        "## Escalation\n\n1. Duty engineer\n2. Team lead\n3. CTO (SEV1 only)\n",
        [("", "duty engineer", None, ""), ("", "team lead", None, "")],
    ),
    "what is for some cases ends a list of people": (
        "## Escalation path\n\n1. **Duty engineer** (first responder)\n   - Looks\n2. **Team lead** (if unresolved in 10 minutes)\n   - Digs\n3. **Cloud support** (if the platform is at fault)\n   - Asks\n",
        [("", "duty engineer", 600, "level"), ("", "team lead", None, "")],
    ),
    "unanswered at an instant is a time line": (
        "## Escalation tree\n\n1. **Page** lands on the primary on-call via a pager (push + SMS).\n2. If unacked at **10 minutes** → team lead.\n3. If unacked at **40 minutes** → maintainer.\n",
        [("", "primary on-call", 600, "opened"), ("", "team lead", 2400, "opened"), ("", "maintainer", None, "")],
    ),
    "levels in brackets with how long they have": (
        "## Escalation path\n\n```\nLevel 1 (duty engineer) ── resolve within 10 min\n        │ (if unresolved)\nLevel 2 (team lead)  ── resolve within 40 min\n        │ (if unresolved)\nLevel 3 (CTO)\n```\n",
        STEPS,
    ),
    "conditions beside bars": (
        "## Escalation chain\n\n```\nAlert fires\n    │\n    ▼\nDuty engineer (pager)\n    │ no ACK in 10 min\n    ▼\nTeam lead (pager)\n    │ no ACK in 40 min\n    ▼\nCTO (phone call)\n```\n",
        STEPS,
    ),
    "numbered levels in a line": (
        "## Escalation ladder\n\nL1 duty engineer → L2 team lead → L3 CTO\n",
        [("", "duty engineer", None, ""), ("", "team lead", None, ""), ("", "cto", None, "")],
    ),
    "a tree of minutes with what is done besides": (
        "## Escalation path\n\n```\nSEV1 disparado\n    │\n    ├─ 0 min: PagerDuty notifica Primary (push + SMS)\n    ├─ 10 min: Se NAO acknowledged → escala para Team Lead\n    │           Slack @here\n    └─ 40 min: Se NAO acknowledged → escala para CTO\n                (e e-mail)\n```\n",
        [("SEV1", "primary", 600, "opened"), ("SEV1", "team lead", 2400, "opened"), ("SEV1", "cto", None, "")],
    ),
    "who first, how long, and who then, by severity": (
        "## Escalation matrix\n\n| Severity | First | Escalate after | To |\n|---|---|---|---|\n| SEV1 | On-call | 10 min | Team lead |\n| SEV2 | On-call | 40 min | Team lead |\n| SEV3 | Ticket | N/A | Sprint planning |\n",
        [
            ("SEV1", "on-call", 600, "level"), ("SEV1", "team lead", None, ""),
            ("SEV2", "on-call", 2400, "level"), ("SEV2", "team lead", None, ""),
        ],
    ),
    "when the next tier is called, below each tier": (
        "## Escalation tiers\n\n### Tier 1: Duty engineer\n\n**Escalate to Tier 2 when:**\n- Unable to acknowledge within 10 minutes\n- Help is needed\n\n### Tier 2: Team lead\n\n**Escalate to Tier 3 when:**\n- SEV1 incident\n- Incident duration >2 hours\n\n### Tier 3: CTO\n\n- Decides\n",
        [("", "duty engineer", 600, "level"), ("", "team lead", 7200, "opened"), ("", "cto", None, "")],
    ),
    "what goes on for some minutes": (
        "## First half hour\n\n1. Open a channel.\n2. **Page leadership** if SEV1 reaches 30 minutes without mitigation.\n",
        [("SEV1", "owner", 1800, "opened"), ("SEV1", "leadership", None, "")],
    ),
    "a matrix drawn in columns": (
        "## Escalation matrix\n\n```\nTime elapsed    SEV1                 SEV2\n────────────────────────────────────────\n0 min           Primary on-call      Primary on-call\n10 min          + Team lead          —\n40 min          + CTO                + Team lead\n```\n",
        [
            ("SEV1", "primary on-call", 600, "opened"), ("SEV1", "team lead", 2400, "opened"), ("SEV1", "cto", None, ""),
            ("SEV2", "primary on-call", 2400, "opened"), ("SEV2", "team lead", None, ""),
        ],
    ),
    "lines that lead from one to the next": (
        "## Escalation policy\n\n**Escalation path:**\n1. On-call engineer → IC\n2. IC → Engineering manager\n3. Manager → CTO\n",
        [("", "on-call engineer", None, ""), ("", "ic", None, ""), ("", "engineering manager", None, ""), ("", "cto", None, "")],
    ),
    "levels in Korean": (
        "## 에스컬레이션 경로\n\n```\n1차: Duty engineer (Slack + 전화)\n  ↓ 10분 내 미해결\n2차: Team lead\n  ↓ 40분 내 미해결\n3차: CTO\n```\n",
        STEPS,
    ),
    "a field that says when to go on, and other cases": (
        "## Escalation paths\n\n### Level 1: Duty engineer\n- **Who:** whoever is on the rota\n- **Escalate if:** Cannot resolve within 10 minutes, or it is too hard\n\n### Level 2: Team lead\n- **Escalate if:** Cannot resolve within 40 minutes\n\n### Level 3: CTO\n- **Escalate if:** Extended outage (>2 hours), law\n",
        STEPS,
    ),
    "the same people with their times come second": (
        "## Escalation path\n\n1. Duty engineer\n2. Team lead\n3. CTO\n\n## Escalation levels\n\n| Level | Who | Timeout |\n|---|---|---|\n| 1 | Duty engineer | 10 min |\n| 2 | Team lead | 40 min |\n| 3 | CTO | - |\n",
        STEPS,
    ),
    "stretches of time, the last of them other work": (
        "## Escalation path\n\n- 0–10 min: Duty engineer investigates\n- 10–40 min: Team lead notified\n- 40 min+: Consider a rollback\n- 60 min+ for SEV1: Move the database\n",
        [("", "duty engineer", 600, "opened"), ("", "team lead", None, "")],
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
    "a condition on something else, for a severity": ("## Escalation\n\n- SEV1: page the payments lead if a queue is not empty within 5 minutes\n", {3}),
    "a time line without its beginning": ("## Escalation\n\n- After 10 minutes: page the team lead\n- After 40 minutes: page the CTO\n", {3, 4}),
    "a matrix of roles without its beginning": ("## Escalation\n\n| Role | SEV1 | SEV2 |\n|---|---|---|\n| Duty engineer | 10 min | 1 hour |\n| Team lead | 30 min | 2 hours |\n", {3}),
    "people for certain faults": ("## Escalation path\n\n1. **Duty engineer** — looks at this page and tries what it says.\n2. **Service owner** — if the sweeper is broken (not just slow) or an outage lasts > 30 minutes.\n3. **Cloud team** — if the platform is down.\n", set()),
    "what somebody is called for": ("## Escalation\n\n- **Cluster** — web team\n- **Repository** — platform team\n- **Models** — look at the vendor's page\n", set()),
    "levels without people": ("## Escalation\n\n1. Page L1 immediately for all alerts.\n2. Escalate to L2 if unresolved in 15 minutes.\n", {3, 4}),
    "a severity that is raised": ("## Escalation\n\n- SEV2: escalate to SEV1 if not resolved within 30 minutes\n", {3}),
    "some incidents of a severity": ("## Escalation\n\n- Premium customers with SEV1: escalate to the CTO if not resolved within 1 hour\n", {3}),
    "some hours of the day": ("## Escalation path (after hours)\n\n- **Level 1**: Duty engineer\n- **Level 2**: Team lead (if no answer in 10 minutes)\n", {3}),
    "two times in one sentence": ("## Escalation\n\n- SEV1: escalate to the CTO if not acknowledged in 10 minutes or not resolved in 1 hour\n", {3}),
    "a step that nobody can tell the first of": ("## Escalation\n\n- Escalate to the CTO if not resolved within 1 hour\n", {3}),
}  # fmt: skip


@pytest.mark.parametrize("form", NONE)
def test_what_is_not_sure_is_reported_instead(form: str):
    body, lines = NONE[form]

    assert rungs(body) == []
    assert lines <= unread(body)


def test_times_in_the_cells_of_a_matrix_that_do_not_rise_from_zero_are_reported():
    body = "## Escalation\n\n| Severity | First contact | Tier 1 | Tier 2 |\n|---|---|---|---|\n| SEV1 | Duty engineer (15 min) | Team lead (30 min) | CTO (1 hour) |\n"

    assert rungs(body) == []
    assert unread(body) == {5}


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


def test_some_incidents_of_a_severity_start_no_timer():
    body = "## Escalation triggers\n\n- Premium customers with SEV2: escalate if no resolution within 24 hours\n- SEV3 incidents: escalate if no resolution within 48 hours\n"

    timers = [(each.severity, value(each.every)) for each in compiled(body).escalation.while_unresolved]

    assert timers == [("SEV3", 172800)]


def test_french_lists_of_limits_and_intervals_are_read():
    text = (
        "# Incidents\n\n### Niveaux de gravité\n- **Critique** : tout est arrêté\n- **Majeur** : beaucoup est arrêté\n- **Cosmétique** : une faute\n\n"
        "### Délais de réponse\n- Critique : 1 heure\n- Majeur : 4 heures\n- Cosmétique : 72 heures\n\n"
        "### Fréquence des mises à jour\n- Critique : Toutes les heures\n- Majeur : Toutes les 4 heures\n"
    )

    policy = compile_guide(text, "g.md").policy

    assert [(each.id, value(each.respond_within)) for each in policy.severities] == [
        ("Critique", 3600),
        ("Majeur", 14400),
        ("Cosmétique", 259200),
    ]
    assert [(each.severities, value(each.every)) for each in policy.cadences] == [
        (("Critique",), 3600),
        (("Majeur",), 14400),
    ]


def test_an_interval_before_escalation_that_leads_to_somebody_is_no_timer():
    body = LADDERS["who first, how long, and who then, by severity"][0]

    assert compiled(body).escalation.while_unresolved == ()


def test_a_limit_with_whoever_must_meet_it_is_a_limit():
    text = "# Incidents\n\n## Severity\n\n| Sev | Acks | Example |\n|---|---|---|\n| 1 | primary on-call within 5 min | all |\n| 2 | primary on-call within 15 min | some |\n"

    assert [value(each.respond_within) for each in compile_guide(text, "g.md").policy.severities] == [300, 900]


def test_a_column_with_two_names_of_one_clock_is_that_clock():
    text = "# Incidents\n\n## Severity\n\n| Priority | Meaning | Acknowledge | Respond / act |\n|---|---|---|---|\n| P1 | all | 5 min | 15 min |\n| P2 | some | 15 min | 1 hour |\n"

    assert [value(each.respond_within) for each in compile_guide(text, "g.md").policy.severities] == [900, 3600]


def test_the_first_update_is_no_response():
    body = "## Initial status update\n\n| Severity | Target | Channel |\n|---|---|---|\n| SEV1 | 20 minutes | chat |\n| SEV2 | 40 minutes | chat |\n"

    policy = compiled(body)

    assert [value(each.respond_within) for each in policy.severities] == [900, 3600, 86400]
    assert [value(each.clocks["first_update"]) for each in policy.severities[:2]] == [1200, 2400]
    assert not [each for each in policy.findings if each.rule == "GUIDE-CONFLICT"]


def test_immediate_is_a_clock_where_a_heading_labels_it():
    text = "# Incidents\n\n## Priorities\n\n### P1 - Critical (Response: Immediate, Resolution: 4 hours)\n\nAll.\n\n### P2 - High (Response: 1 hour, Resolution: 8 hours)\n\nSome.\n"

    found = [
        (value(each.respond_within), value(each.resolve_within))
        for each in compile_guide(text, "g.md").policy.severities
    ]

    assert found == [(0, 14400), (3600, 28800)]
