"""Forms met in guides that nobody tuned on, written afresh and as small as they still show the form."""

from __future__ import annotations

from typing import Any

import pytest

from tests.guide.scoring import cadences, ladder, timers, value
from tocsin.guide.compile import compile_guide

Clocks = list[tuple[Any, ...]]


def clocks(text: str) -> Clocks:
    return [
        (each.id, value(each.respond_within), value(each.resolve_within), each.source and each.source.line)
        for each in compile_guide(text, "g.md").policy.severities
    ]


def page(body: str) -> str:
    return (
        "# Incident response\n\n## Severity levels\n\n"
        "| Severity | Meaning | Response time |\n|---|---|---|\n"
        "| SEV1 (Critical) | All is down | 15 minutes |\n| SEV2 (High) | Much is down | 1 hour |\n| SEV3 (Low) | A flaw | 1 day |\n\n"
        f"{body}\n"
    )


FORMS: dict[str, tuple[str, Clocks]] = {
    "Portuguese, with a target": (
        "# Resposta a incidentes\n\n## Classificação de severidade\n\n"
        "| Severidade | Critério | Tempo de Resposta Alvo |\n|---|---|---|\n"
        "| **Crítica** | tudo parado | Imediato (< 20 min) |\n| **Alta** | metade | < 3h |\n| **Baixa** | pouco | < 24h |\n",
        [("Crítica", 1200, None, 7), ("Alta", 10800, None, 8), ("Baixa", 86400, None, 9)],
    ),
    "German steps with the time in the heading": (
        "# Vorfälle\n\n## Incident-Klassifikation\n\n### Stufe 1: KRITISCH\n\n- alles steht\n\n"
        "### Stufe 2: HOCH (Reaktion innerhalb 3 Stunden)\n\n- vieles steht\n\n### Stufe 3: MITTEL (Reaktion innerhalb 12 Stunden)\n\n- wenig\n",
        [("Stufe 1", None, None, 5), ("Stufe 2", 10800, None, 9), ("Stufe 3", 43200, None, 13)],
    ),
    "an agreement to acknowledge": (
        "# Incidents\n\n## Severity\n\n| Severity | Definition | SLA to acknowledge |\n|---|---|---|\n"
        "| SEV1 | down | 10 minutes |\n| SEV2 | slow | 2 business days |\n",
        [("SEV1", 600, None, 7), ("SEV2", "2 business days", None, 8)],
    ),
    "a table of activities under each heading": (
        "# Incidents\n\n## Severity definitions\n\n### SEV-1: Critical\n\n**Definition:** everything.\n\n**SLAs:**\n\n"
        "| Activity | Timeline |\n|---|---|\n| Initial acknowledgement | 10 minutes |\n| Lead assigned | 20 minutes |\n"
        "| Resolution target | 6 hours |\n\n### SEV-2: High\n\n**Definition:** some.\n\n**SLAs:**\n\n"
        "| Activity | Timeline |\n|---|---|\n| Initial acknowledgement | 40 minutes |\n| Resolution target | 3 business days |\n",
        [("SEV-1", 600, 21600, 5), ("SEV-2", 2400, "3 business days", 17)],
    ),
    "a fence below each heading": (
        "# Incidents\n\n## Severity levels\n\n### Critical (P0)\n\n```yaml\nResponse Time: < 2 minutes\nActions:\n  - page\n```\n\n"
        "### High (P1)\n\n```yaml\nResponse Time: < 20 minutes\n```\n",
        [("P0", 120, None, 5), ("P1", 1200, None, 13)],
    ),
    "a form below each heading sets nothing": (
        "# Incidents\n\n## Severity levels\n\n### Critical (P0)\n\n```\nResponse time: 10 minutes\nSummary: [what happened]\n```\n\n### High (P1)\n\nSlow.\n",
        [("P0", None, None, 5), ("P1", None, None, 12)],
    ),
    "procedures by severity below the table that defines them": (
        "# Incidents\n\n## Severity matrix\n\n| Level | Name | Initial response | Resolution target |\n|---|---|---|---|\n"
        "| **P1** | Critical | **10 minutes** | 3 hours |\n| **P2** | High | **20 minutes** | 6 hours |\n\n"
        "## Response procedures by severity\n\n### P1 — Critical\n\n1. **Acknowledge** within 10 minutes.\n\n### P2 — High\n\n1. **Acknowledge** within 20 minutes.\n",
        [("P1", 600, 10800, 7), ("P2", 1200, 21600, 8)],
    ),
    "words alone under a heading that says levels": (
        "# Incident process\n\n## Severity levels\n\n- Critical\n- High\n- Low\n",
        [("Critical", None, None, 5), ("High", None, None, 6), ("Low", None, None, 7)],
    ),
    "a matrix of words that is the only scheme": (
        "# Emergencies\n\n## Escalation matrix\n\n| Severity | Response time | Escalation |\n|---|---|---|\n"
        "| Critical (data lost) | Immediate | CTO |\n| High | 2 hours | IT director |\n| Low | 2 weeks | Owner |\n",
        [("Critical", 0, None, 7), ("High", 7200, None, 8), ("Low", 1209600, None, 9)],
    ),
    "named numbers under escalation": (
        "# Upkeep\n\n## Escalation procedures\n\n- **Severity 1** (Critical): Page the on-call engineer\n"
        "- **Severity 2** (High): Response time: 3 hours\n- **Severity 3** (Low): Planned work\n",
        [("Severity 1", None, None, 5), ("Severity 2", 10800, None, 6), ("Severity 3", None, None, 7)],
    ),
    "a response that says when the status page is told": (
        "# Incidents\n\n## Severity model\n\n| Sev | Impact | Response |\n|---|---|---|\n"
        "| Sev1 | all | Page on-call; status page within 20 min |\n| Sev2 | some | Within 1 hour; ticket |\n",
        [("Sev1", None, None, 7), ("Sev2", 3600, None, 8)],
    ),
    "coloured signs before bold labels": (
        "# Incidents\n\n## Severity\n\n- 🔴 **Red / SEV1** — down. Respond: 20 minutes.\n- 🟢 **Green / SEV2** — small. Respond: next business day.\n",
        [("SEV1", 1200, None, 5), ("SEV2", "next business day", None, 6)],
    ),
    "two clocks in one sentence": (
        "# Incidents\n\n## Severity levels\n\n- **SEV1**: all. We acknowledge within 10 minutes and resolve within 3 hours.\n"
        "- **SEV2**: some. We respond within 1 hour and 30 minutes.\n",
        [("SEV1", 600, 10800, 5), ("SEV2", 5400, None, 6)],
    ),
    "blanks that nobody filled in": (
        "# Incidents\n\n## Severity\n\n| Severity | Response time |\n|---|---|\n| P0 | TBD |\n| P1 | [X] minutes |\n| P2 | __ hours |\n",
        [("P0", None, None, 7), ("P1", None, None, 8), ("P2", None, None, 9)],
    ),
    "a column for the night": (
        "# Incidents\n\n## Severity\n\n| Sev | Response | Response (after hours) |\n|---|---|---|\n| 1 | 10 min | 30 min |\n| 2 | 2 hours | 1 day |\n",
        [("SEV1", 600, None, 7), ("SEV2", 7200, None, 8)],
    ),
    "a time in a heading below the severity": (
        "# Incidents\n\n## Severity levels\n\n- **P0 (Critical)**: all\n- **P1 (High)**: some\n\n## Procedures\n\n### P0 - Critical incidents\n\nPage.\n\n"
        "### P1 - High incidents\n\n#### Response time: 2 hours\n\n1. Look\n",
        [("P0", None, None, 5), ("P1", 7200, None, 6)],
    ),
    "time to triage": (
        "# Incidents\n\n## Severity\n\n| Severity | Definition | Target triage time | Target resolution |\n|---|---|---|---|\n"
        "| SEV-1 (Critical) | all | < 20 minutes | < 3 hours |\n| SEV-2 (High) | some | < 2 hours | Next sprint |\n",
        [("SEV-1", 1200, 10800, 7), ("SEV-2", 7200, "next sprint", 8)],
    ),
    "Chinese, with the time inside the words": (
        "# 安全事件响应计划\n\n## 严重程度分级\n\n| 级别 | 名称 | 描述 | 响应时间 |\n|---|---|---|---|\n"
        "| P0 | 紧急 | 全部 | 立即响应 (20分钟内) |\n| P1 | 高危 | 部分 | 2小时内响应 |\n| P2 | 低危 | 很少 | 3天内响应 |\n",
        [("P0", 1200, None, 7), ("P1", 7200, None, 8), ("P2", 259200, None, 9)],
    ),
}

NO_POLICY = {
    "scores of vulnerabilities": "# Security policy\n\n## Severity\n\n| CVSS | Severity | Fix within |\n|---|---|---|\n| 9-10 | Critical | 7 days |\n| 7-8.9 | High | 30 days |\n",
    "availability of tiers": "# Objectives\n\n| Tier | Availability | Response time |\n|---|---|---|\n| Tier 1 | 99.95% | 200 ms |\n| Tier 2 | 99% | 1 s |\n",
    "plans to buy": "# Support plans\n\n| Plan | Critical | High |\n|---|---|---|\n| Basic | 24 hours | 2 days |\n| Pro | 1 hour | 4 hours |\n",
    "phases of a road map": "# Roadmap\n\n## Phase 1 (P0)\n\n- a\n\n## Phase 2 (P1)\n\n- b\n",
    "a test plan": "# Test plan\n\n| Priority | Count | Time |\n|---|---|---|\n| P0 | 12 | 5 min |\n| P1 | 30 | 20 min |\n",
    "levels of a log": "# Logging\n\n## Severity levels\n\n- Emergency: unusable\n- Critical: bad\n- Info: words\n",
    "a log of incidents": "# Incident log\n\n| Date | Severity | Time to resolve |\n|---|---|---|\n| 1 May | SEV1 | 30 minutes |\n| 2 May | SEV2 | 2 hours |\n",
    "classes of trouble": "# Incident guide\n\n## Incident classes\n\n### Class 1: Wrong data\n\n**Severity**: High\n\n### Class 2: Lost mail\n\n**Severity**: Medium\n\n### Class 3: Stuck\n\n**Severity**: High\n",
    "who is on duty": "# On-call\n\n| Week | Primary | Secondary |\n|---|---|---|\n| 1 | Ana | Ben |\n\nHand over every week. Look at the queue every 4 hours.\n",
    "recovery of tiers": "# Disaster recovery\n\n| Tier | RTO | RPO |\n|---|---|---|\n| Tier 1 | 1 hour | 15 min |\n| Tier 2 | 4 hours | 1 hour |\n",
    "steps of a response": "# Security incident response\n\n1. All incidents must be reported within one hour of their discovery.\n2. Tell the owner.\n",
}


@pytest.mark.parametrize("kind", NO_POLICY)
def test_nothing_runs_from_this(kind: str):
    policy = compile_guide(NO_POLICY[kind], "g.md").policy

    assert (policy.severities, policy.cadences, policy.escalation.levels, policy.escalation.while_unresolved) == (
        (),
        (),
        (),
        (),
    )


@pytest.mark.parametrize("form", FORMS)
def test_severities_are_read_in_this_form(form: str):
    text, expected = FORMS[form]

    assert clocks(text) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("## Regular status updates\n\n**Frequency by severity:**\n- SEV1: every 20 minutes\n- SEV2: daily", {"SEV1": 1200, "SEV2": 86400}),
        ("## Status page\n\n### Update frequency\n\n- **Critical**: every 20 minutes\n- **Low**: daily", {"SEV1": 1200, "SEV3": 86400}),
        ("## Backups\n\n**Frequency by severity:**\n- SEV1: every 20 minutes", {}),
    ],
)  # fmt: skip
def test_a_list_of_intervals_is_a_cadence_where_its_heading_says_so(body: str, expected: dict[str, int]):
    assert cadences(compile_guide(page(body), "g.md").policy) == expected


@pytest.mark.parametrize(
    "body",
    [
        "## Escalation path\n\nEscalate at once when any of these is true:\n\n- authentication may be broken\n- the outage exceeds 30 minutes",
        "## Escalation timelines\n\n- **SEV3 to SEV2**: Within 20 minutes of meeting the criteria\n- **SEV2 to SEV1**: Within 5 minutes",
        "## Escalation path\n\n1. Detect the issue from monitoring.\n2. Page the owner of the service.\n3. Close after recovery is verified.",
    ],
)
def test_conditions_and_steps_under_escalation_are_no_ladder(body: str):
    policy = compile_guide(page(body), "g.md").policy

    assert policy.escalation.levels == ()
    assert timers(policy) == {}


def test_a_tree_may_say_in_parentheses_when_the_next_level_is_due():
    tree = "## Escalation paths\n\n```\nL1: On-call engineer\n    |\n    v (not resolved in 20 min, or data lost)\nL2: Team lead\n    |\n    v (the press calls)\nL3: CTO\n```"

    got = ladder(compile_guide(page(tree), "g.md").policy)

    assert got == [(1, "on-call engineer", None), (2, "team lead", 1200), (3, "cto", None)]


def test_updates_beside_another_duty_are_a_cadence():
    table = "# Incidents\n\n## Severity\n\n| | Meaning | Comms |\n|---|---|---|\n| Sev 1 | down | Status page within 20 minutes, updates hourly |\n| Sev 2 | slow | Updates daily during business hours |\n"

    assert cadences(compile_guide(table, "g.md").policy) == {"Sev 1": 3600, "Sev 2": 86400}


def test_a_level_under_its_own_heading_says_when_it_is_reached():
    body = "## Escalation procedures\n\n### Level 1: On-call engineer\n\n- Handles everything first\n\n### Level 2: Technical support team\n\n- Escalate if help is needed\n\n### Level 3: CTO\n\n- Escalate if the incident duration exceeds 3 hours\n- Escalate if data was lost"

    got = ladder(compile_guide(page(body), "g.md").policy)

    assert got == [(1, "on-call engineer", None), (2, "technical support team", None), (3, "cto", 10800)]


def test_a_list_belongs_to_the_severity_of_the_line_that_leads_into_it():
    body = "## War room\n\nFor SEV1 incidents:\n\n1. Open a channel\n2. Begin hourly status updates"

    assert cadences(compile_guide(page(body), "g.md").policy) == {"SEV1": 3600}


def test_a_time_line_of_one_severity_is_its_ladder():
    body = "## Escalation procedures\n\n### SEV1 escalation\n\n1. **0-5 min**: Page on-call engineer\n2. **5-20 min**: Page engineering manager\n3. **20+ min**: Page CTO"

    policy = compile_guide(page(body), "g.md").policy

    assert ladder(policy) == [(1, "on-call engineer", None), (2, "engineering manager", 300), (3, "cto", 1200)]
    assert {level.severities for level in policy.escalation.levels} == {("SEV1",)}


def test_people_before_an_arrow_are_the_ladder_and_what_follows_says_when():
    body = "## Escalation path\n\n1. **Primary on-call** → Attempt to resolve\n2. **Secondary on-call** → If no response in 20 minutes\n3. **Platform lead** → If SEV1 or no resolution in 2 hours\n4. **CTO** → If critical, anytime"

    got = ladder(compile_guide(page(body), "g.md").policy)

    assert got == [
        (1, "primary on-call", None),
        (2, "secondary on-call", 1200),
        (3, "platform lead", 7200),
        (4, "cto", None),
    ]


def test_a_chain_behind_a_label_belongs_to_the_severities_in_its_parentheses():
    body = "## On-call rotation\n\n**Primary:** rotates weekly\n**Secondary:** stands in\n**Escalation:** Security lead → CTO → CEO (for SEV1 incidents)"

    levels = compile_guide(page(body), "g.md").policy.escalation.levels

    assert [(level.severities, level.who) for level in levels] == [
        (("SEV1",), ("Security lead",)),
        (("SEV1",), ("CTO",)),
        (("SEV1",), ("CEO",)),
    ]


def test_a_matrix_whose_rows_are_severities_is_no_ladder():
    table = "## Escalation matrix\n\n| Severity | Initial notification | Escalation if no response |\n|---|---|---|\n| SEV1 | IC and CTO immediately | CEO at +30 min |\n| SEV2 | IC within 1 hour | CTO at +30 min |"

    assert compile_guide(page(table), "g.md").policy.escalation.levels == ()


def test_a_review_may_be_due_by_the_sentence_above_its_template():
    body = "## Post-mortem template\n\nEvery SEV1 and SEV2 incident requires a blameless post-mortem within 36 hours:\n\n- **Summary:** what happened\n- **Timeline:** when"

    review = compile_guide(page(body), "g.md").policy.review

    assert (value(review.within), review.severities) == (129600, ("SEV1", "SEV2"))
