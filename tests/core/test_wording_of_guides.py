"""The seventeen templates of the five guides, filled for one recorded incident, field by field."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import Any

import pytest

from tests.core.test_wording import ENDED, RECORD, recorded, scene
from tests.shared_files import SHARED
from tocsin.core import facts as f
from tocsin.core.documents import Action, Record, Week, document
from tocsin.core.policy import Policy
from tocsin.core.wording import fill
from tocsin.guidefile import read_guide

pytestmark = pytest.mark.needs("shared")


@cache
def guide(number: str) -> Policy:
    return read_guide(next((SHARED / "guides").glob(f"{number}_*.txt"))).policy


def said(number: str, title: str, severity: str, *more: f.AnyFact, record: Record | None = None, **changes: Any) -> Any:
    policy = guide(number)
    template = next(each for each in policy.templates if each.title == title)
    there = scene(recorded(severity, *more), policy=policy, **changes)
    return document(template.body, there, record) if record else fill(template.body, there)


def by_name(filled: Any) -> dict[str, str]:
    return {each.name: each.value for each in filled.fields}


def test_tpl_01_incident_update():
    filled = said("000", "INCIDENT UPDATE", "SEV-1", given={"ETA": "05:00 UTC"})

    assert filled.text == (
        "🚨 INCIDENT UPDATE\nIncident: INC-2026-007\nStatus: Investigating\nImpact: Nobody can pay\nETA: 05:00 UTC\n"
        "Next Update: 03:40 UTC"
    )


def test_tpl_02_initial_customer_mail():
    filled = said("000", "Initial Customer Notification", "SEV-1", outside=True)
    assert filled.subject == "TRIXTECH Service Interruption"
    assert filled.missing == ("Specific functionality",)

    filled = said("000", "Initial Customer Notification", "SEV-1", given={"functionality": "pay by card"})
    assert "may affect your ability to pay by card.\n" in filled.text
    assert (
        "- Issue started at 03:00 UTC\n- Affected services: Checkout\n- Current status: Investigating\n" in filled.text
    )
    assert "will provide updates every 30 minutes.\n\nBest regards,\nTRIXTECH Support Team" in filled.text


def test_tpl_03_resolution_mail():
    measure = {"measures": "Disk alerts added"}
    filled = said("000", "Resolution Notification", "SEV-1", *ENDED, given=measure)

    assert filled.missing == ()
    assert "- A full disk\n- Duration: 03:00 UTC to 04:30 UTC\n- Impact: Nobody can pay\n" in filled.text
    assert "- Disk enlarged\n- Disk alerts added\n" in filled.text


def test_tpl_04_incident_alert():
    filled = said("001", "Initial Incident Notification", "P1")

    assert filled.text.startswith("INCIDENT ALERT - P1\n\nService: Checkout\nStarted: 2026-11-23 03:00 UTC")
    assert "Status: Investigating\n" in filled.text and "issue affecting Checkout." in filled.text
    assert filled.text.endswith("Next Update: 03:40 UTC\nIncident Commander: Ana Díaz")


def test_tpl_05_incident_resolved():
    filled = said("001", "Resolution Notification", "P1", *ENDED)

    assert filled.missing == ()
    assert by_name(filled) | {"Post-Incident Review": ""} == {
        "Severity": "1", "Service": "Checkout", "Duration": "1 hour 30 minutes", "Impact": "Nobody can pay",
        "Status": "Resolved", "Service description": "Checkout", "Timestamp": "2026-11-23 04:30 UTC",
        "Root Cause": "A full disk",
        "Post-Incident Review": "",
    }  # fmt: skip
    assert filled.text.endswith("Post-Incident Review: 2026-11-24 04:30 UTC")


def test_tpl_06_slack_alert_with_examples():
    filled = said("002", "Internal Team Notification (Slack Template)", "P2", every=timedelta(minutes=15))

    assert filled.text == (
        "🚨 INCIDENT ALERT - P2 🚨\nService: Checkout\nStatus: INVESTIGATING\nImpact: Nobody can pay\n"
        "Started: 2026-11-23 03:00 UTC\nETA: Investigating\nIncident Commander: @ana\nUpdates: Every 15 minutes"
    )


def test_tpl_07_customer_mail_with_examples():
    filled = said("002", "Customer Communication Template", "P1", given={"What happened": "Payments are down"})

    assert filled.subject == "[URGENT] Service Disruption - TRDR Hub"
    assert (
        "What happened: Payments are down\nWhen: Started at 03:00 UTC on November 23, 2026\n"
        "Impact: Nobody can pay\nResolution: We are actively working on a fix\n"
    ) in filled.text
    assert "please contact: emergency@trdrhub.com" in filled.text


def test_tpl_08_notification_list():
    filled = said("003", "Incident Notification", "P0")

    assert filled.text.splitlines()[1:] == [
        "- **Incident ID**: INC-2026-007",
        "- **Severity**: Critical",
        "- **Impact**: Nobody can pay",
        "- **Start Time**: 2026-11-23 03:00 UTC",
        "- **Initial Response**: Investigating, Ana Díaz has it",
        "- **Next Update**: 2026-11-23 03:40 UTC",
    ]


def test_tpl_09_stakeholders_in_one_paragraph():
    filled = said("004", "Notify Stakeholders", "P1")

    assert filled.text.startswith("We are aware of an issue affecting the DuetRight Dashboard.\n")
    assert filled.text.endswith("every 15 minutes.") and filled.fields == ()


def test_tpl_10_initial_notice():
    filled = said("004", "Initial Notice", "P1", outside=True)

    assert filled.subject == "DuetRight Dashboard - Service Issue"
    assert "Impact: Nobody can pay\nStarted: 03:00 UTC\nExpected Resolution: Not known yet\n" in filled.text
    assert "updates every 30 minutes." in filled.text


def test_tpl_11_resolution_notice():
    filled = said("004", "Resolution Notice", "P1", *ENDED, outside=True)

    assert "Duration: 03:00 UTC to 04:30 UTC\nImpact: Payments fail\nCause: A full disk\n" in filled.text


def test_tpl_12_slack_alert():
    filled = said("004", "Slack Alert Template", "P1")

    assert filled.mention == "channel"
    assert filled.text == (
        "🚨 INCIDENT ALERT - P1\nService: Checkout\nIssue: Checkout 5xx\nImpact: Nobody can pay\nIC: @ana\n"
        "Thread: https://tocsin.example/incidents/INC-2026-007"
    )


def test_tpl_13_action_item():
    action = Action(
        title="Watch the disk", owner="Ana", due="2026-12-01", priority="high", status="in progress",
        description="Alert at 80 %", criteria=("It fires", "It is in the runbook"),
    )  # fmt: skip

    filled = said("000", "Action Item Template", "SEV-1", record=Record(action=action))

    assert filled.missing == ()
    assert filled.text.splitlines() == [
        "# Action Item: Watch the disk", "", "**Owner:** Ana", "**Due Date:** 2026-12-01", "**Priority:** High",
        "**Status:** In Progress", "", "**Description:**", "Alert at 80 %", "", "**Acceptance Criteria:**",
        "- [ ] It fires", "- [ ] It is in the runbook", "", "**Related Incident:** INC-2026-007",
    ]  # fmt: skip


def test_tpl_14_weekly_report():
    week = Week(
        of="2026-11-23", total=4, by_severity={"SEV-0": 1, "SEV-2": 3}, average_resolution=timedelta(minutes=90),
        types=(("Database", 3), ("Network", 1)), actions={"completed": 2, "overdue": 1},
    )  # fmt: skip

    filled = said("000", "Weekly Incident Report", "SEV-1", record=Record(week=week))

    assert filled.text.startswith("# Weekly Incident Summary - Week of 2026-11-23\n")
    assert "- Total incidents: 4\n- By severity: SEV-0: 1, SEV-1: 0, SEV-2: 3\n" in filled.text
    assert "- Average resolution time: 1.5 hours\n" in filled.text
    assert "1. Database - 3 incidents\n2. Network - 1 incidents\n3. none - 0 incidents\n" in filled.text
    assert "- Completed: 2\n- In Progress: 0\n- Overdue: 1\n" in filled.text
    assert filled.missing == ("Positive/negative trends", "Common root causes", "Improvement areas")


def test_tpl_15_incident_document():
    filled = said("001", "Incident Documentation Template", "P1", *ENDED, record=RECORD)

    for line in (
        "- **Incident ID**: INC-2026-007",
        "- **Severity**: P1",
        "- **Duration**: 1 hour 30 minutes",
        "- **Services Affected**: Checkout",
        "- **Customer Impact**: 1200 users affected, revenue € 5,000; Payments fail",
        "| 03:00 | Alert \\| fired |  | prometheus |",
        "- **Primary Cause**: A full disk",
        "- **Contributing Factors**: no alert",
        "- **Detection**: monitoring",
        "- **Prevention**: No disk check",
        "- **Resolution Steps**: Disk enlarged",
    ):
        assert line in filled.text
    assert set(filled.missing) == {
        "Verification", "Monitoring", "Short-term action items", "Medium-term action items", "Long-term action items",
    }  # fmt: skip


def test_tpl_16_pir():
    filled = said("002", "PIR Template", "P1", *ENDED, record=RECORD)

    assert "- **Date/Time**: 2026-11-23 03:00 UTC\n- **Duration**: 1 hour 30 minutes\n" in filled.text
    assert "| 04:30 | Disk enlarged | ana |" in filled.text
    assert "- Found fast" in filled.text and "john.doe" not in filled.text
    assert filled.missing == ("What Could Be Improved",)


def test_tpl_17_post_mortem():
    filled = said("004", "Post-Mortem Template", "P1", *ENDED, record=RECORD)

    assert filled.text.startswith(
        "# Incident Post-Mortem: INC-2026-007\n\n## Summary\n- **Date**: 2026-11-23\n- **Duration**: 90 minutes\n"
        "- **Impact**: 1200 users affected\n- **Severity**: P1\n"
    )
    assert "## Root Cause\nA full disk\n\n## Resolution\nDisk enlarged\n" in filled.text
    assert "3. Where we got lucky\n   - It was night [3 am]" in filled.text
    assert filled.missing == ("What went poorly",)
