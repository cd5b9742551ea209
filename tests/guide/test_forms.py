"""The forms in which people write severities, and what is none."""

from __future__ import annotations

from typing import Any

import pytest

from tests.guide.scoring import cadences, value
from tocsin.guide.compile import compile_guide

FORMS: dict[str, tuple[str, list[tuple[Any, ...]]]] = {
    "a table with marks": (
        """# Incident response
## Severity definitions
| Severity | Impact | Response SLA | Resolution SLA |
|---|---|---|---|
| 🔴 **P1 (Critical)** | All down | 15 min (24/7) | 4 hours |
| 🟠 **P2 (High)** | Much down | < 30 min | 8 hours |
| 🟢 P3 (Low) | Little | NBD | Next sprint |
""",
        [
            ("P1", "Critical", 900, 14400, 5),
            ("P2", "High", 1800, 28800, 6),
            ("P3", "Low", "next business day", "next sprint", 7),
        ],
    ),
    "words under headings": (
        """# Incident response plan
## Severity levels
### Critical
- Complete outage
- **Response time**: 15 minutes
### High
- **Response time**: 1 hour
### Low
- **Response time**: 24 hours
""",
        [("Critical", "Critical", 900, None, 3), ("High", "High", 3600, None, 6), ("Low", "Low", 86400, None, 8)],
    ),
    "bold paragraphs with sentences": (
        """# Runbook
## Severity

**SEV-1 (Critical)**: Full outage. Response within 15 minutes. Resolve within 4 hours.

**SEV-2 (Major)**: Partial outage. Response within 1 hour.

**SEV-3 (Minor)**: Cosmetic. Response within 1 business day.
""",
        [
            ("SEV-1", "Critical", 900, 14400, 4),
            ("SEV-2", "Major", 3600, None, 6),
            ("SEV-3", "Minor", "1 business day", None, 8),
        ],
    ),
    "numbered items with fields": (
        """# Incidents
## Classification
1. **Severity 1 - Critical**
   - Definition: Everything is down
   - Response: 15 minutes
   - Resolution target: 4 hours
2. **Severity 2 - High**
   - Response: 30 minutes
""",
        [("Severity 1", "Critical", 900, 14400, 3), ("Severity 2", "High", 1800, None, 7)],
    ),
    "a turned table": (
        """# Incidents
## Priority matrix
| | P1 | P2 |
|---|---|---|
| Description | Down | Degraded |
| Response Time | 15 min | 1 hr |
| Resolution Time | 4 hrs | 1 day |
""",
        [("P1", "", 900, 14400, 3), ("P2", "", 3600, 86400, 3)],
    ),
    "lines of one paragraph": (
        """# Incidents
## Severity levels
### SEV1 — Critical
Full outage.
Response time: 15 minutes
Resolution time: 2 hours

### SEV2 — Major
Response time: next business day
""",
        [("SEV1", "Critical", 900, 7200, 3), ("SEV2", "Major", "next business day", None, 8)],
    ),
    "limits far from the definitions": (
        """# On-call
## Severity levels
| Level | Description |
|---|---|
| S1 | Outage |
| S2 | Bug |

## Targets

| Level | Acknowledge | Mitigate | Resolve |
|---|---|---|---|
| S1 | 5 min | 30 min | 4 h |
| S2 | 1 day | - | 1 week |
""",
        [("S1", "", 300, 14400, 5), ("S2", "", 86400, 604800, 6)],
    ),
    "the time in the heading": (
        """# Incidents
## Severity
### 🔴 Critical (P0) - Response Within 15 Minutes
- a
### 🟠 High (P1) - Response Within 1 Hour
- b
""",
        [("P0", "Critical", 900, None, 3), ("P1", "High", 3600, None, 5)],
    ),
    "two levels in one": (
        """# Incidents
## Severity levels
| Level | Description | Response time |
|---|---|---|
| S1 - Critical | Down | 15 minutes |
| S2 - High | Degraded | 1 hour |
| S3/S4 - Low | Small | 1 week |
""",
        [
            ("S1", "Critical", 900, None, 5),
            ("S2", "High", 3600, None, 6),
            ("S3", "Low", 604800, None, 7),
            ("S4", "Low", 604800, None, 7),
        ],
    ),
    "an HTML table with an open cell": (
        """# Incidents
## Severity

<table>
<tr><th>Severity</th><th>Response time</th></tr>
<tr>
<td>SEV-1</td>
<td>15 minutes
</tr>
<tr><td colspan="2">Above this line everybody is called</td></tr>
<tr>
<td>SEV-2</td><td>1 hour</td>
</tr>
</table>
""",
        [("SEV-1", "", 900, None, 7), ("SEV-2", "", 3600, None, 12)],
    ),
    "another language": (
        """# 장애 대응
## 심각도
| 등급 | 설명 | 대응 시간 |
|---|---|---|
| P1 | 전체 장애 | 15분 |
| P2 | 부분 장애 | 1시간 |
""",
        [("P1", "", 900, None, 5), ("P2", "", 3600, None, 6)],
    ),
    "the mildest first": (
        """# Incidents
## Severity levels
| Severity | Description | Response time |
|---|---|---|
| P3 | Small | 1 day |
| P2 | Degraded | 1 hour |
| P1 | Down | 15 minutes |
""",
        [("P1", "", 900, None, 7), ("P2", "", 3600, None, 6), ("P3", "", 86400, None, 5)],
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_severities_are_read_in_every_form(form: str):
    text, expected = FORMS[form]

    policy = compile_guide(text, "g.md").policy

    assert [
        (each.id, each.name, value(each.respond_within), value(each.resolve_within), each.source and each.source.line)
        for each in policy.severities
    ] == expected
    assert [each.rank for each in policy.severities] == list(range(len(expected)))


NONE = {
    "alerts": "# Alerts\n| Alert | Severity | Response Time |\n|---|---|---|\n| A | warning | 1 hour |\n| B | critical | 5 min |\n",
    "a disclosure note": "# Security Policy\n## Reporting a Vulnerability\n| Severity | Fix |\n|---|---|\n| Critical | 24 hours |\n| High | 7 days |\n",
    "a stub": "# Incidents\nSTATUS: NOT STARTED\n\n## Severity\n\n| Severity | Response time |\n|---|---|\n| P0 | 15 min |\n| P1 | 1 hour |\n",
    "nothing": "",
    "a pointer": "# Incident response\n\nSee the [wiki](https://example.org).\n",
    "an example": "# Incident response\n## Example incident\n| Severity | Response time |\n|---|---|\n| P0 | 15 min |\n| P1 | 1 hour |\n",
    "support tiers": "# Support\n## Escalation\n- **Level 1**: Help desk\n- **Level 2**: Engineer\n- **Level 3**: Vendor\n",
}


@pytest.mark.parametrize("kind", NONE)
def test_what_is_no_policy_yields_nothing_that_could_run(kind: str):
    compiled = compile_guide(NONE[kind], "g.md")

    assert compiled.policy.severities == ()
    assert compiled.policy.cadences == ()
    assert compiled.policy.escalation.levels == ()
    assert compiled.status != "active"
    assert any(finding.rule in ("GUIDE-NO-POLICY", "GUIDE-STUB") for finding in compiled.findings)


def test_a_draft_says_so_and_starts_no_cadence():
    page = "# Incidents (DRAFT)\n## Severity\n| Severity | Response time | Update frequency |\n|---|---|---|\n| P0 | 15 min | Every 30 min |\n| P1 | 1 hour | Every 2 hours |\n"

    compiled = compile_guide(page, "g.md")

    assert compiled.status == "draft"
    assert [cadence.confirmed for cadence in compiled.policy.cadences] == [False, False]


@pytest.mark.parametrize(
    ("banner", "status"),
    [
        ("**Status:** Draft", "draft"),
        ("> **Status**: PROPOSED, not ratified", "draft"),
        ("Status: WIP", "draft"),
        ("This document is a draft.", "draft"),
        ("**DRAFT** - response times are proposed, not yet approved", "draft"),
        ("STATUS: NOT STARTED", "not started"),
        ("**Status:** Active", "active"),
        ("**Note:** draft the post-mortem within two days.", "active"),
        ("**Draft postmortem** is written by the commander.", "active"),
        ("Incident status: not started, investigating, resolved.", "active"),
    ],
)
def test_what_a_document_says_of_itself_counts_and_nothing_else(banner: str, status: str):
    page = f"# Incidents\n\n{banner}\n\n## Severity\n\n| Severity | Response time |\n|---|---|\n| P0 | 15 min |\n| P1 | 1 hour |\n"

    assert compile_guide(page, "g.md").status == status


HEAD = "# Incidents\n## Severity\n| Severity | Response time |\n|---|---|\n| SEV-0 | 5 min |\n| SEV-1 | 15 min |\n| SEV-2 | 1 hour |\n\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("- Frequency: every 15 minutes for SEV-0/1, hourly for SEV-2", {"SEV-0": 900, "SEV-1": 900, "SEV-2": 3600}),
        (
            "- Post status updates every 30 minutes (SEV-0/SEV-1) or every 2 hours (SEV-2)",
            {"SEV-0": 1800, "SEV-1": 1800, "SEV-2": 7200},
        ),
        ("- SEV-0: updates every 15 minutes\n- SEV-1: hourly updates", {"SEV-0": 900, "SEV-1": 3600}),
        ("Stakeholder updates are sent every 30 minutes.", {"*": 1800}),
        ("**SEV-1:**\n- Update the team every 30 minutes", {"SEV-1": 1800}),
        ("### Update cadence\n\n- SEV-0: 15 minutes\n- SEV-1: every hour", {"SEV-0": 900, "SEV-1": 3600}),
        ("- Review the runbooks every 30 days", {}),
        ("- Update the contact list monthly", {}),
        ("- Check the status of backups every 15 minutes", {}),
        ("- Updates every 15 minutes, later every 30 minutes", {}),
    ],
)
def test_a_cadence_is_a_sentence_with_an_interval_and_its_severities(text: str, expected: dict[str, int]):
    policy = compile_guide(f"{HEAD}## Communication\n\n{text}\n", "g.md").policy

    assert cadences(policy) == expected


LADDERS = {
    "hold": (
        "| Level | Role | Escalate after |\n|---|---|---|\n| 1 | On-call | 15 minutes |\n| 2 | Team lead | 30 minutes |\n| 3 | CTO | - |\n",
        [(("On-call",), 900, "level"), (("Team lead",), 1800, "level"), (("CTO",), None, "level")],
    ),
    "time line": (
        "| Time | Who |\n|---|---|\n| 0 min | On-call |\n| 15 min | Team lead |\n| 1 hour | CTO |\n",
        [(("On-call",), 900, "opened"), (("Team lead",), 3600, "opened"), (("CTO",), None, "level")],
    ),
    "sentences": (
        "1. On-call engineer (immediate)\n2. Team lead (after 15 minutes)\n3. CTO (after 1 hour)\n",
        [(("On-call engineer",), 900, "opened"), (("Team lead",), 3600, "opened"), (("CTO",), None, "level")],
    ),
    "ambiguous": (
        "1. On-call engineer (15 min)\n2. Team lead (30 min)\n",
        [],
    ),
    "chain": (
        "On-call engineer → Team lead → CTO\n",
        [(("On-call engineer",), None, "level"), (("Team lead",), None, "level"), (("CTO",), None, "level")],
    ),
}


@pytest.mark.parametrize("form", LADDERS)
def test_a_ladder_keeps_its_times_as_they_are_meant(form: str):
    text, expected = LADDERS[form]

    policy = compile_guide(f"{HEAD}## Escalation path\n\n{text}", "g.md").policy

    assert [(each.who, value(each.within), each.since) for each in policy.escalation.levels] == expected


def test_a_matrix_is_a_ladder_per_severity():
    table = "| Severity | Level 1 (0-15 min) | Level 2 (15-30 min) |\n|---|---|---|\n| SEV-0 | On-call | CTO |\n| SEV-1 | On-call | - |\n"

    policy = compile_guide(f"{HEAD}## Escalation matrix\n\n{table}", "g.md").policy

    assert [(each.severities, each.who, value(each.within)) for each in policy.escalation.levels] == [
        (("SEV-0",), ("On-call",), 900),
        (("SEV-0",), ("CTO",), None),
        (("SEV-1",), ("On-call",), None),
    ]


def test_a_list_of_actions_is_no_ladder():
    text = "1. Check the dashboards\n2. Page the on-call engineer\n3. Write down what you saw\n"

    assert compile_guide(f"{HEAD}## Escalation\n\n{text}", "g.md").policy.escalation.levels == ()


def test_an_ambiguous_time_is_reported_and_not_used():
    compiled = compile_guide(f"{HEAD}## Escalation path\n\n{LADDERS['ambiguous'][0]}", "g.md")

    assert [finding.line for finding in compiled.findings if finding.rule == "GUIDE-UNREAD"] == [11]
    assert {finding.line for finding in compiled.findings} >= {11, 12}


def test_a_line_that_names_a_time_and_became_nothing_is_listed():
    compiled = compile_guide(f"{HEAD}## Notes\n\nThe vendor must respond within 2 hours of our call.\n", "g.md")

    assert [finding.line for finding in compiled.findings if finding.rule == "GUIDE-NOT-UNDERSTOOD"] == [11]


def test_a_clock_that_stands_elsewhere_keeps_its_own_line():
    policy = compile_guide(FORMS["limits far from the definitions"][0], "g.md").policy

    assert [
        (each.source and each.source.line, each.cited["resolve_within"].source.line) for each in policy.severities
    ] == [
        (5, 12),
        (6, 13),
    ]
