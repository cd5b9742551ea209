"""Every field of every template of the five guides: what it says for one recorded incident, or that it is asked for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NamedTuple

import pytest

from tests.core.test_wording import ENDED, RECORD, T0, recorded, scene
from tests.core.test_wording_of_guides import guide, said
from tocsin.core import facts as f
from tocsin.core.documents import Action, Record, Week
from tocsin.core.slots import open_marks, slots

pytestmark = pytest.mark.needs("shared")

ASKED = ""  # the form asks for it, and nothing goes out before somebody says it
ACTION = Action(
    title="Watch the disk", owner="Ana", due="2026-12-01", priority="high", status="in progress",
    description="Alert at 80 %", criteria=("It fires", "It is in the runbook"),
)  # fmt: skip
WEEK = Week(
    of="2026-11-23", total=4, by_severity={"SEV-0": 1, "SEV-2": 3}, average_resolution=timedelta(minutes=90),
    types=(("Database", 3), ("Network", 1)), actions={"completed": 2, "overdue": 1},
)  # fmt: skip


class Row(NamedTuple):
    """One template for one moment of the incident."""

    tpl: str
    guide: str
    title: str
    severity: str
    fields: dict[str, str]
    repeated: tuple[tuple[str, str], ...] = ()
    ended: bool = False
    outside: bool = False
    every: timedelta = timedelta(minutes=30)
    record: Record | None = None


TABLE = (
    Row("TPL-01", "000", "INCIDENT UPDATE", "SEV-1", {
        "Incident": "INC-2026-007", "Status": "Investigating", "Impact": "Nobody can pay", "ETA": ASKED,
        "Next Update": "03:25 UTC",
    }, every=timedelta(minutes=15)),
    Row("TPL-02", "000", "Initial Customer Notification", "SEV-1", {
        "Specific functionality": ASKED, "Time": "03:00 UTC", "Affected services": "Checkout",
        "Current status": "Investigating", "Frequency": "30 minutes",
    }, outside=True),
    Row("TPL-03", "000", "Resolution Notification", "SEV-1", {
        "Brief technical summary": "A full disk", "Start time": "03:00 UTC", "End time": "04:30 UTC",
        "Impact": "Payments fail", "High-level resolution steps": "Disk enlarged",
        "Preventive measures implemented": ASKED,
    }, ended=True, outside=True),
    Row("TPL-04", "001", "Initial Incident Notification", "P1", {
        "Severity": "1", "Service": "Checkout", "Started": "2026-11-23 03:00 UTC", "Impact": "Nobody can pay",
        "Status": "Investigating", "Service description": "Checkout", "Next Update": "03:40 UTC",
        "Incident Commander": "Ana Díaz",
    }),
    Row("TPL-05", "001", "Resolution Notification", "P1", {
        "Severity": "1", "Service": "Checkout", "Duration": "1 hour 30 minutes", "Impact": "Nobody can pay",
        "Status": "Resolved", "Service description": "Checkout", "Timestamp": "2026-11-23 04:30 UTC",
        "Root Cause": "A full disk", "Post-Incident Review": "2026-11-24 04:30 UTC",
    }, ended=True),
    Row("TPL-06", "002", "Internal Team Notification (Slack Template)", "P2", {
        "Severity": "P2", "Service": "Checkout", "Status": "INVESTIGATING", "Impact": "Nobody can pay",
        "Started": "2026-11-23 03:00 UTC", "ETA": "Investigating", "Incident Commander": "@ana",
        "Updates": "Every 15 minutes",
    }, every=timedelta(minutes=15)),
    Row("TPL-07", "002", "Customer Communication Template", "P1", {
        "What happened": ASKED, "When": "Started at 03:00 UTC on November 23, 2026", "Impact": "Nobody can pay",
        "Resolution": "We are actively working on a fix",
    }, outside=True),
    Row("TPL-08", "003", "Incident Notification", "P0", {
        "Incident ID": "INC-2026-007", "Severity": "Critical", "Impact": "Nobody can pay",
        "Start Time": "2026-11-23 03:00 UTC", "Initial Response": "Investigating, Ana Díaz has it",
        "Next Update": "2026-11-23 03:40 UTC",
    }),
    Row("TPL-09", "004", "Notify Stakeholders", "P1", {}),
    Row("TPL-10", "004", "Initial Notice", "P1", {
        "Impact": "Nobody can pay", "Started": "03:00 UTC", "Expected Resolution": "Not known yet",
        "Frequency": "30 minutes",
    }, outside=True),
    Row("TPL-11", "004", "Resolution Notice", "P1", {
        "Start time": "03:00 UTC", "End time": "04:30 UTC", "Impact": "Payments fail", "Cause": "A full disk",
    }, ended=True, outside=True),
    Row("TPL-12", "004", "Slack Alert Template", "P1", {
        "Severity": "P1", "Service": "Checkout", "Issue": "Checkout 5xx", "Impact": "Nobody can pay", "IC": "ana",
        "Thread": "https://tocsin.example/incidents/INC-2026-007",
    }),
    Row("TPL-13", "000", "Action Item Template", "SEV-1", {
        "Action Item": "Watch the disk", "Owner": "Ana", "Due Date": "2026-12-01", "Priority": "High",
        "Status": "In Progress", "Detailed description of the action item": "Alert at 80 %",
        "Related Incident": "INC-2026-007",
    }, record=Record(action=ACTION)),
    Row("TPL-14", "000", "Weekly Incident Report", "SEV-1", {
        "Date": "2026-11-23", "Total incidents": "4", "Average resolution time": "1.5 hours",
        "Positive/negative trends": ASKED, "Common root causes": ASKED, "Improvement areas": ASKED, "Completed": "2",
        "In Progress": "0", "Overdue": "1",
    }, (("Count", "1"), ("Count", "0"), ("Count", "3"), ("Type", "Database"), ("Type", "Network"), ("Type", "none")),
    record=Record(week=WEEK)),
    Row("TPL-15", "001", "Incident Documentation Template", "P1", {
        "Incident ID": "INC-2026-007", "Severity": "P1", "Duration": "1 hour 30 minutes",
        "Services Affected": "Checkout",
        "Customer Impact": "1200 users affected, revenue € 5,000; Payments fail", "Primary Cause": "A full disk",
        "Contributing Factors": "no alert", "Detection": "monitoring", "Prevention": "No disk check",
        "Resolution Steps": "Disk enlarged", "Verification": ASKED, "Monitoring": ASKED,
        "Short-term action items": ASKED,
        "Medium-term action items": ASKED, "Long-term action items": ASKED,
    }, ended=True, record=RECORD),
    Row("TPL-16", "002", "PIR Template", "P1", {
        "Date/Time": "2026-11-23 03:00 UTC", "Duration": "1 hour 30 minutes", "Impact": "Nobody can pay",
        "Root Cause": "A full disk", "Resolution": "Disk enlarged", "What Could Be Improved": ASKED,
    }, ended=True, record=RECORD),
    Row("TPL-17", "004", "Post-Mortem Template", "P1", {
        "Incident Post-Mortem": "INC-2026-007", "Date": "2026-11-23", "Minutes": "90", "Users": "1200",
        "Severity": "P1",
        "Detailed explanation": "A full disk", "Steps taken to resolve": "Disk enlarged", "What went poorly": ASKED,
    }, ended=True, record=RECORD),
)  # fmt: skip


def filled(row: Row, **changes: Any) -> Any:
    more = ENDED if row.ended else ()
    values = {"outside": row.outside, "every": row.every, **changes}
    return said(row.guide, row.title, row.severity, *more, record=row.record, **values)


def fields(found: Any) -> dict[str, str]:
    return {each.name: each.value for each in found.fields}


def by_tpl(row: Row) -> str:
    return row.tpl


@pytest.mark.parametrize("row", TABLE, ids=by_tpl)
def test_every_field_says_what_is_known_or_is_asked_for(row: Row):
    found = filled(row)

    said_once = [(each.name, each.value) for each in found.fields if each.name not in dict(row.repeated)]
    assert said_once == list(row.fields.items())
    assert [(each.name, each.value) for each in found.fields if each.name in dict(row.repeated)] == list(row.repeated)
    assert set(found.missing) == {name for name, value in row.fields.items() if value == ASKED}


@pytest.mark.parametrize("row", TABLE, ids=by_tpl)
def test_what_was_asked_for_fills_it_and_no_placeholder_is_left(row: Row):
    found = filled(row, given=dict.fromkeys(filled(row).missing, "typed"))

    assert found.missing == ()
    assert "____" not in found.text and "____" not in found.subject
    kept = (each for each in open_marks(found.text) if each not in ("[3 am]",))  # what somebody wrote is no placeholder
    assert list(kept) == []


MESSAGES = tuple(row for row in TABLE if row.record is None)


@pytest.mark.parametrize("row", MESSAGES, ids=by_tpl)
def test_the_words_between_the_fields_are_the_guides(row: Row):
    body = next(each.body for each in guide(row.guide).templates if each.title == row.title)
    found = filled(row, given=dict.fromkeys(filled(row).missing, "typed"))
    written, at = f"Subject: {found.subject}\n\n{found.text}" if found.subject else found.text, 0

    pieces, start = [], 0
    for slot in slots(body):
        pieces.append(body[start : slot.start])
        start = slot.end
    for piece in (*pieces, body[start:]):
        for line in piece.split("\n"):
            words = line.removeprefix("@channel").removeprefix('Template: "').rstrip(' "').strip()
            assert words in written[at:], f"{words!r} is not there, or not in its place"
            at = written.index(words, at) + len(words)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("investigating", "Investigating"),
        ("identified", "Identified"),
        ("mitigating", "Mitigating"),
        ("resolved", "Resolved"),
    ],
)
def test_an_enumeration_takes_the_word_that_holds(status: str, expected: str):
    change: f.AnyFact = (
        f.Resolved(at=T0 + timedelta(minutes=90), by="ana", because="x")
        if status == "resolved"
        else f.StatusChanged(at=T0 + timedelta(minutes=5), by="ana", status=status)  # type: ignore[arg-type]
    )

    assert fields(said("000", "INCIDENT UPDATE", "SEV-1", change))["Status"] == expected
    loud = fields(said("002", "Internal Team Notification (Slack Template)", "P2", change))["Status"]
    assert loud == expected.upper()


@pytest.mark.parametrize(
    ("tpl", "expected"),
    [
        ("TPL-01", {"Next Update": "04:25 CET"}),
        ("TPL-02", {"Time": "04:00 CET"}),
        ("TPL-03", {"Start time": "04:00 CET", "End time": "05:30 CET"}),
        ("TPL-04", {"Started": "2026-11-23 04:00 CET", "Next Update": "04:40 CET"}),
        ("TPL-05", {"Timestamp": "2026-11-23 05:30 CET", "Post-Incident Review": "2026-11-24 05:30 CET"}),
        ("TPL-06", {"Started": "2026-11-23 03:00 UTC"}),  # the template says UTC
        ("TPL-07", {"When": "Started at 03:00 UTC on November 23, 2026"}),
        ("TPL-08", {"Start Time": "2026-11-23 03:00 UTC", "Next Update": "2026-11-23 03:40 UTC"}),
        ("TPL-10", {"Started": "04:00 CET"}),
        ("TPL-11", {"Start time": "04:00 CET", "End time": "05:30 CET"}),
        ("TPL-16", {"Date/Time": "2026-11-23 04:00 CET"}),
        ("TPL-17", {"Date": "2026-11-23"}),
    ],
)
def test_times_are_in_the_zone_of_the_guide_unless_the_template_says_utc(tpl: str, expected: dict[str, str]):
    row = next(each for each in TABLE if each.tpl == tpl)

    found = fields(filled(row, zone="Europe/Berlin"))

    assert {name: found[name] for name in expected} == expected


def test_the_table_holds_every_template():
    assert [row.tpl for row in TABLE] == [f"TPL-{n:02}" for n in range(1, 18)]
    assert scene(recorded()).incident.reference == "INC-2026-007"
