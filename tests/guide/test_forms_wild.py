"""Forms met in a second look at public guides: each rule once where it speaks, once where it must be silent."""

from __future__ import annotations

from typing import Any

import pytest

from tests.guide.scoring import cadences, ladder, value
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
    "limits below the procedure of a severity": (
        "# Outages\n\n## Incident classification\n\n- **P1 (Critical)**: all is down\n- **P2 (High)**: slow\n\n"
        "### P1 incident response (Critical)\n**Response time**: 12 minutes\n**Resolution time**: 3 hours\n\n#### 1. Look\n\n- a\n",
        [("P1", 720, 10800, 5), ("P2", None, None, 6)],
    ),
    "a level called normal that has a clock": (
        "# Incidents\n\n## Severity levels\n\n### HIGH\n**Response time**: 2 hours\n\n### NORMAL\n**Response time**: 2 business days\n\n### LOW\n**Response time**: 5 business days\n",
        [("HIGH", 7200, None, 5), ("NORMAL", "2 business days", None, 8), ("LOW", "5 business days", None, 11)],
    ),
    "lines of a fence": (
        "# Runbook: incident\n\n## Severity\n\n```text\nSEV1: nothing works\n  Response time: 10 minutes\nSEV2: something is broken\nSEV3: a scratch\n```\n",
        [("SEV1", 600, None, 6), ("SEV2", None, None, 8), ("SEV3", None, None, 9)],
    ),
    "a table drawn in a fence": (
        "# Incidents\n\n## Severity levels\n\n```\nLevel | Meaning | Response time\n------|---------|------\nSEV1 | down | 5 min\nSEV2 | slow | 2 hours\nSEV3 | ugly | next business day\n```\n",
        [("SEV1", 300, None, 8), ("SEV2", 7200, None, 9), ("SEV3", "next business day", None, 10)],
    ),
    "a scheme that stands only in a sentence": (
        "# Incident runbook\n\n1. Classify the incident as Sev1/Sev2/Sev3 by its impact.\n2. Update everybody every 20 minutes.\n",
        [("Sev1", None, None, 3), ("Sev2", None, None, 3), ("Sev3", None, None, 3)],
    ),
    "words that stand only in a line": (
        "# Incident response outline\n\n## Triage\n- Sources: monitors\n- Classify severity: Critical, High, Medium, Low\n",
        [("Critical", None, None, 5), ("High", None, None, 5), ("Medium", None, None, 5), ("Low", None, None, 5)],
    ),
    "Spanish acknowledgements": (
        "# Respuesta a incidentes\n\n## Tiempos\n\n| Severidad | Ejemplos | Acuse |\n|---|---|---|\n| SEV-1 | fuga | 20 min |\n| SEV-2 | error | 1 día hábil |\n",
        [("SEV-1", 1200, None, 7), ("SEV-2", "1 business day", None, 8)],
    ),
    "a definition list": (
        "# Incidents\n\n## Severity levels\n\nSEV1 (Critical)\n: All is down. Response within 12 minutes.\n\nSEV2 (High)\n: Much is down. Response within 2 hours.\n\nSEV3 (Low)\n: A flaw.\n",
        [("SEV1", 720, None, 5), ("SEV2", 7200, None, 8), ("SEV3", None, None, 11)],
    ),
    "verbs at the front of a bullet": (
        "# Incidents\n\n## Severity levels\n\n### SEV-1 - down\n\nResponse:\n- Acknowledge within **12 minutes**.\n- Resolve or mitigate within **3 hours** as a target; escalate if not.\n\n"
        "### SEV-2 - slow\n\nResponse:\n- Resolve or downgrade to a ticket within **30 hours**.\n\n### SEV-3 - ugly\n\nResponse:\n- Resolve within the current sprint or the next maintenance window.\n",
        [("SEV-1", 720, 10800, 5), ("SEV-2", None, 108000, 11), ("SEV-3", None, "current sprint", 16)],
    ),
    "the number in the heading beside an immediate page": (
        "# Incidents\n\n## Severity levels\n\n### P0 - Critical (10-minute response)\n\n**Response:** Immediate page of the engineer\n\n### P1 - High (2-hour response)\n\n**Response:** A message\n\n"
        "### P2 - Low (next business day)\n\n**Response:** Make a ticket and put it in the backlog\n",
        [("P0", 600, None, 5), ("P1", 7200, None, 9), ("P2", "next business day", None, 13)],
    ),
    "several things in one cell, each with its verb": (
        "# Incidents\n\n## Severity\n\n| Severity | Definition | Response cadence |\n|---|---|---|\n"
        "| SEV-1 | down | Drop all. Engage immediately. Status update every 20 minutes until mitigation. |\n| SEV-2 | slow | Engage within 40 minutes of detection. |\n| SEV-3 | ugly | Engage within one business day. Fix. |\n",
        [("SEV-1", 0, None, 7), ("SEV-2", 2400, None, 8), ("SEV-3", "1 business day", None, 9)],
    ),
    "an attribute table below a sub-heading": (
        "# Incidents\n\n## Severity levels\n\n### SEV1 - Critical outage\n\n#### Response requirements\n\n| Metric | Requirement |\n|---|---|\n| Time to acknowledge | < 4 minutes |\n| Resolution target | 3 hours |\n\n"
        "### SEV2 - Major\n\n#### Response requirements\n\n| Metric | Requirement |\n|---|---|\n| Time to acknowledge | < 20 minutes |\n",
        [("SEV1", 240, 10800, 5), ("SEV2", 1200, None, 14)],
    ),
    "Chinese": (
        "# 事故响应\n\n## 事故分级\n\n| 级别 | 影响 | 首次响应目标 |\n|---|---|---|\n| SEV1 | 全部 | 12 分钟内确认负责人 |\n| SEV2 | 部分 | 40 分钟内确认负责人 |\n| SEV3 | 少量 | 1 个工作日内确认负责人 |\n",
        [("SEV1", 720, None, 7), ("SEV2", 2400, None, 8), ("SEV3", "1 business day", None, 9)],
    ),
    "Korean": (
        "# 장애 대응\n\n## 장애 등급\n\n| 등급 | 설명 | 대응 시간 |\n|---|---|---|\n| P1 | 중단 | 즉시 |\n| P2 | 장애 | 20분 이내 |\n| P3 | 작음 | 다음 영업일 |\n| P4 | 글자 | 다음 배포 |\n",
        [("P1", 0, None, 7), ("P2", 1200, None, 8), ("P3", "next business day", None, 9), ("P4", "next release", None, 10)],
    ),
    "German": (
        "# Störungen\n\n## Stufen\n\n| Stufe | Bedeutung | Reaktionszeit |\n|---|---|---|\n| P0 | alles steht | Sofort |\n| P1 | vieles | 1 Tag |\n| P2 | wenig | 2 Werktage |\n| P3 | Schrift | Nächster Arbeitstag |\n| P4 | Rest | Nächster Sprint |\n",
        [("P0", 0, None, 7), ("P1", 86400, None, 8), ("P2", "2 business days", None, 9), ("P3", "next business day", None, 10), ("P4", "next sprint", None, 11)],
    ),
    "Spanish words": (
        "# Gestión\n\n## Niveles de incidentes\n\n### Niveles de severidad\n\n| Nivel | Descripción | Tiempo de respuesta |\n|---|---|---|\n| **Crítico** | vida | < 2 horas |\n| **Alto** | fallo | 1 día hábil |\n| **Bajo** | color | Siguiente sprint |\n",
        [("Crítico", 7200, None, 9), ("Alto", "1 business day", None, 10), ("Bajo", "next sprint", None, 11)],
    ),
    "Russian words": (
        "# Безопасность\n\n## Инциденты\n\n### Классификация инцидентов\n\n| Уровень | Описание | Время реакции |\n|---|---|---|\n| **Critical** | утечка | ≤2 часов |\n| **High** | сбой | ≤5 часов |\n| **Low** | мелочь | ≤3 дней |\n",
        [("Critical", 7200, None, 9), ("High", 18000, None, 10), ("Low", 259200, None, 11)],
    ),
    "service hours are business hours": (
        "# Incidents\n\n## Severity\n\n| Severity | First response |\n|---|---|\n| P1 | 20 minutes |\n| P2 | 3 service hours |\n| P3 | 2 business days |\n",
        [("P1", 1200, None, 7), ("P2", "3 business hours", None, 8), ("P3", "2 business days", None, 9)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_severities_are_read_in_this_form(form: str):
    text, expected = FORMS[form]

    assert clocks(text) == expected


SCHEME = "| {} | Response time |\n|---|---|\n| P0 | 1 hour |\n| P1 | 4 hours |\n| P2 | 1 day |\n"
NOTHING: dict[str, str] = {
    "priorities of a launch": "# Launch playbook\n\n## Response tiers\n\n" + SCHEME.format("Priority"),
    "bugs": "# Quality\n\n## Incident reviews\n\nText.\n\n## Bug severity levels\n\n" + SCHEME.format("Severity"),
    "pull requests": "# Contributing\n\n### Bug fixes\n\n**Priority levels:**\n\n" + SCHEME.format("Priority"),
    "vulnerability scores": "# Security\n\n## Severity definitions\n\n| Severity | CVSS score | Response SLA |\n|---|---|---|\n| Critical | 9.0-10.0 | 24 hours |\n| High | 7.0-8.9 | 72 hours |\n| Low | 0.1-3.9 | 14 days |\n\nAn incident is an incident.\n",
    "a game": "# Uptime heroes: game design document\n\n## Incidents\n\n### Severity levels\n\n" + SCHEME.format("Severity"),
    "a skill that writes such pages": "# Incident response skill\n\n## Severity levels\n\n" + SCHEME.format("Severity"),
    "channels by severity": "# Swarm architecture\n\nTools write logs.\n\n**Channels by severity:**\n\n| Severity | Channels |\n|---|---|\n| SEV1 | `page` + `mail` |\n| SEV2 | `mail` |\n| SEV3 | `log` |\n",
    "a note on reports": "# Incident response\n\nHow vulnerabilities are handled.\n\n## Triage\n\n1. Acknowledge the reporter of the vulnerability.\n2. Open a security advisory.\n\n## Fix\n\n| Severity | Fix time | Disclosure |\n|---|---|---|\n| Critical | 48 hours | 7 days |\n| High | 7 days | 14 days |\n| Low | next release | next release |\n\n## Disclosure\n\n- Request a CVE\n- Agree the disclosure with the reporter\n- Publish the advisory\n",
    "a form in a fence": "# Incident notes\n\n## Report\n\n```\nSEV1: [what happened]\nSEV2: [what happened]\nSEV3: [what happened]\n```\n",
    "three ids that are no list of a scheme": "# Incident notes\n\nClassify by impact. SEV1/SEV2/SEV3 were seen last year, a SEV4 never.\n",
    "words of a form": "# Incident record\n\n- Severity: Critical / High / Medium / Low\n- Date: [date]\n",
    "some sentence on another page": "# Meeting\n\nWe classify tasks as P1/P2/P3.\n",
}  # fmt: skip


@pytest.mark.parametrize("form", NOTHING)
def test_nothing_runs_from_this(form: str):
    compiled = compile_guide(NOTHING[form], "g.md")

    assert (compiled.status, compiled.policy.severities) == ("no policy", ())


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("### Critical/High severity\n\n- **Ongoing:** Regular updates every 3-4 hours", {"SEV1": 10800, "SEV2": 10800}),
        ("## Communication\n\n- **Update (every 20 minutes for SEV1, every 3 hours for SEV2):** what is known", {"SEV1": 1200, "SEV2": 10800}),
        ('## Communication\n\n- **Start:** say what is affected. "We look into it and will post updates every 20 minutes."', {}),
    ],
)  # fmt: skip
def test_cadences_keep_their_scope_and_what_a_message_says_is_no_rule(body: str, expected: dict[str, int]):
    assert cadences(compile_guide(page(body), "g.md").policy) == expected


def test_the_audience_of_a_row_is_the_one_its_column_names():
    body = "## Internal communication\n\n| Severity | Frequency | Audience |\n|---|---|---|\n| SEV1 | Every 20 min | Engineering and support |\n| SEV2 | Every 2 hours | Engineering |"

    found = compile_guide(page(body), "g.md").policy.cadences

    assert [(each.severities, each.audience) for each in found] == [
        (("SEV1",), "engineering and support"),
        (("SEV2",), "engineering"),
    ]


def test_an_interval_in_business_hours_is_reported_and_starts_nothing():
    table = "# Incidents\n\n## Severity\n\n| Severity | First response | Update cadence |\n|---|---|---|\n| SEV1 | 20 minutes | every 20 minutes |\n| SEV2 | 1 hour | every 4 business hours |\n"

    compiled = compile_guide(table, "g.md")

    assert cadences(compiled.policy) == {"SEV1": 1200}
    assert [(each.rule, each.line) for each in compiled.findings] == [("GUIDE-UNREAD", 8)]


def test_what_begins_a_chain_is_nobody_on_it():
    body = "## Escalation path\n\n```\nDetection → Security lead → CTO → Board (if required)\n```"

    assert ladder(compile_guide(page(body), "g.md").policy) == [(1, "security lead", None), (2, "cto", None)]


def test_a_chain_in_the_row_of_a_severity_is_the_ladder_of_that_severity():
    table = "# Incidents\n\n## Severity\n\n| Severity | Response time | Escalation path |\n|---|---|---|\n| SEV1 | 5 minutes | On-call → Team lead → CTO |\n| SEV2 | 30 minutes | On-call → Team lead |\n| SEV3 | 1 day | Triage in the standup |\n"

    policy = compile_guide(table, "g.md").policy

    assert [(each.severities, each.level, each.who) for each in policy.escalation.levels] == [
        (("SEV1",), 1, ("On-call",)),
        (("SEV1",), 2, ("Team lead",)),
        (("SEV1",), 3, ("CTO",)),
        (("SEV2",), 1, ("On-call",)),
        (("SEV2",), 2, ("Team lead",)),
    ]
    assert policy.escalation.notify == ()  # a meeting is nobody


def test_a_vendor_in_a_contact_table_is_no_step_of_the_ladder():
    body = "## Escalation contacts\n\n| Role | Contact | When |\n|---|---|---|\n| On-call engineer | see rota | First responder |\n| Tech lead | chat | Hard cases |\n| Cloud support | portal | Problems of the cloud |"

    assert ladder(compile_guide(page(body), "g.md").policy) == [(1, "on-call engineer", None), (2, "tech lead", None)]


@pytest.mark.parametrize(
    ("cell", "who"),
    [
        ("Immediate escalation to all senior staff", ("all senior staff",)),
        ("During business hours", ()),
        ("Bug tracking system only", ()),
        ("CISO, Legal, Executive team", ("CISO", "Legal", "Executive team")),
    ],
)
def test_only_people_and_groups_are_told(cell: str, who: tuple[str, ...]):
    table = f"# Incidents\n\n## Severity\n\n| Severity | Response time | Escalation |\n|---|---|---|\n| SEV1 | 5 minutes | {cell} |\n| SEV2 | 1 hour | None |\n"

    told = [each.who for each in compile_guide(table, "g.md").policy.escalation.notify]

    assert told == ([who] if who else [])


def test_a_page_that_an_editor_escaped_is_read_without_the_backslashes():
    text = "\\# Incidents\n\n\\## Severity levels\n\n\\- \\*\\*SEV1\\*\\*: down. Response within 12 minutes\n\\- \\*\\*SEV2\\*\\*: slow\n\\- SEV3: ugly\n"

    assert clocks(text) == [("SEV1", 720, None, 5), ("SEV2", None, None, 6), ("SEV3", None, None, 7)]
    assert "SRC-ESCAPED" in {each.rule for each in compile_guide(text, "g.md").findings}
    assert "SRC-ESCAPED" not in {each.rule for each in compile_guide(page("One \\* star."), "g.md").findings}


def test_a_review_is_due_by_the_sentence_under_its_own_heading():
    body = "## Post-incident review\n\nWithin 6 business days, publish:\n\n- Timeline"

    assert value(compile_guide(page(body), "g.md").policy.review.within) == "6 business days"


def test_people_drawn_under_each_other_are_the_ladder_and_the_arrow_says_when():
    body = "## Escalation path\n\n```\nAlert fires (monitor)\n  |\n  v\nPrimary on-call engineer (10 min response)\n  |-- Can mend it? --> Done\n  |\n  v (not resolved in 20 min OR SEV1)\nPlatform lead (chat)\n  |\n  v (not resolved in 2 hr)\nCTO + security on-call\n```"

    got = ladder(compile_guide(page(body), "g.md").policy)

    assert got == [
        (1, "primary on-call engineer", None),
        (2, "platform lead", 1200),
        (3, "cto/security on-call", 7200),
    ]


def test_boxes_of_a_process_are_no_ladder():
    body = "## Escalation flow\n\n```\nDetect the problem\n  |\n  v\nInvestigate and mend\n  |\n  v\nClose\n```"

    assert compile_guide(page(body), "g.md").policy.escalation.levels == ()


def test_a_column_called_escalation_may_hold_the_times_of_the_ladder():
    body = "## Emergency contacts\n\n| Role | Contact | Escalation |\n|---|---|---|\n| On-call | pager | Auto-page |\n| SRE lead | chat | 20 min |\n| Manager | chat | 40 min |\n| VP engineering | phone | SEV1 only |"
    names = "## Emergency contacts\n\n| Role | Contact | Escalation |\n|---|---|---|\n| On-call | pager | SRE lead |\n| SRE lead | chat | Manager |"

    got = ladder(compile_guide(page(body), "g.md").policy)

    assert got == [(1, "on-call", None), (2, "sre lead", 1200), (3, "manager", 2400)]
    assert compile_guide(page(names), "g.md").policy.escalation.levels == ()


def test_a_chain_that_begins_with_an_arrow_goes_on_from_the_first_responder():
    body = "## Escalation paths\n\n| Severity | Initial responder | Escalation path |\n|---|---|---|\n| SEV1 | On-call engineer | → Lead → CTO |\n| SEV2 | Team member | → Lead |"

    levels = compile_guide(page(body), "g.md").policy.escalation.levels

    assert [(each.severities[0], each.who[0]) for each in levels] == [
        ("SEV1", "On-call engineer"),
        ("SEV1", "Lead"),
        ("SEV1", "CTO"),
        ("SEV2", "Team member"),
        ("SEV2", "Lead"),
    ]


def test_a_dash_or_none_is_nobody_to_call():
    body = "## Contact list\n\n| Role | Name | Phone | Email |\n|---|---|---|---|\n| On-call engineer | - | - | oncall@example.org |\n| Backup | None | n/a | n/a |\n| Lead | Ana | - | - |"

    found = compile_guide(page(body), "g.md").policy.contacts

    assert [(each.role, each.name, each.email, each.phone) for each in found] == [
        ("On-call engineer", "", "oncall@example.org", ""),
        ("Backup", "", "", ""),
        ("Lead", "Ana", "", ""),
    ]


def test_the_severities_of_a_review_are_those_of_its_own_sentence():
    body = "## Post-incident review\n\nEvery SEV1 and SEV2 incident requires a blameless post-incident review within 36 hours. SEV3 incidents get one if the team wants it."

    review = compile_guide(page(body), "g.md").policy.review

    assert (value(review.within), review.severities) == (129600, ("SEV1", "SEV2"))


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ("## Roles\n\nThe incident commander coordinates the response. The scribe keeps the record.\nThe communications lead informs customers.", ["incident commander", "scribe", "communications lead"]),
        ("## Roles\n\nIncident commander\n: Decides.\n\nScribe\n: Writes it down.", ["Incident commander", "Scribe"]),
        ("## Background\n\nThe incident commander coordinates the response.", []),
        ("## Roles\n\nThe weather makes everybody tired. The commander once was a pilot.", []),
        ("## Roles\n\n```yaml\nScribe\n: Writes it down.\n```", []),
    ],
)  # fmt: skip
def test_roles_may_stand_in_sentences_and_in_definition_lists(body: str, names: list[str]):
    assert [role.name for role in compile_guide(page(body), "g.md").policy.roles] == names
