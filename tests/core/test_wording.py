"""Messages in the guide's words: every field filled, or asked for by name; nothing goes out half filled."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from tocsin.core import facts as f
from tocsin.core.documents import Action, Entry, Record, document
from tocsin.core.incident import Incident, fold
from tocsin.core.policy import Policy, Severity
from tocsin.core.slots import open_marks, slots
from tocsin.core.wording import Scene, fill

T0 = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
POLICY = Policy(
    title="Own guide",
    severities=(Severity(id="P1", name="Critical", rank=0), Severity(id="P2", name="Major", rank=1)),
)


def at(n: float) -> datetime:
    return T0 + timedelta(minutes=n)


def recorded(severity: str = "P1", *more: f.AnyFact) -> Incident:
    incident = fold(
        [
            f.Opened(
                at=T0, incident="i", reference="INC-2026-007", title="Checkout 5xx", guide="g", policy_digest="d",
                severity=severity, service="checkout", detected_by="monitoring",
            ),
            f.Acknowledged(at=at(2), by="ana"),
            f.RoleAssigned(at=at(3), by="ana", role="Incident Commander", person="ana"),
            f.ImpactSet(at=at(4), by="ana", impact="Nobody can pay"),
            *more,
        ]
    )  # fmt: skip
    assert incident is not None
    return incident


ENDED = (
    f.StatusChanged(at=at(20), by="ana", status="identified"),
    f.RootCauseSet(at=at(30), by="ana", cause="A full disk", contributing=("no alert",), prevention="No disk check"),
    f.CustomerImpactSet(at=at(31), by="ana", users=1200, revenue="€ 5,000", description="Payments fail"),
    f.Resolved(at=at(90), by="ana", because="Disk enlarged"),
    f.ReviewScheduled(at=at(95), by="ana", meets_at=at(90 + 24 * 60)),
)


def scene(incident: Incident | None = None, **changes: Any) -> Scene:
    values: dict[str, Any] = {
        "incident": incident or recorded(),
        "policy": POLICY,
        "now": at(10),
        "every": timedelta(minutes=30),
        "people": {"ana": "Ana Díaz"},
        "services": {"checkout": "Checkout"},
        "resolution": "Disk enlarged",
        "url": "https://tocsin.example/incidents/INC-2026-007",
    }
    return Scene(**{**values, **changes})


def values(body: str, **changes: Any) -> dict[str, str]:
    return {each.name: each.value for each in fill(body, scene(**changes)).fields}


# --- own words --------------------------------------------------------------------------------------------------------


def test_placeholders_labels_with_examples_and_plain_text_are_told_apart():
    body = "OUTAGE of [affected services]\nStarted: 2024-02-03 04:05 UTC\nStatus: Investigating\nPlease stay calm."

    assert fill(body, scene()).text == (
        "OUTAGE of Checkout\nStarted: 2026-11-23 03:00 UTC\nStatus: Investigating\nPlease stay calm."
    )


def test_an_enumeration_becomes_the_word_that_holds():
    body = "State: [Investigating/Identified/Fixing/Resolved]"

    said = {
        status: fill(body, scene(recorded("P1", f.StatusChanged(at=at(5), status=status)))).text  # type: ignore[arg-type]
        for status in ("investigating", "identified", "mitigating", "monitoring")
    }

    assert said == {
        "investigating": "State: Investigating",
        "identified": "State: Identified",
        "mitigating": "State: Fixing",
        "monitoring": "State: Fixing",
    }
    assert fill(body, scene(recorded("P1", *ENDED))).text == "State: Resolved"


@pytest.mark.parametrize(
    "line, written",
    [
        ("Started: [Time]", "Started: 03:00 UTC"),
        ("Started: HH:MM", "Started: 03:00 UTC"),
        ("Date: YYYY-MM-DD", "Date: 2026-11-23"),
        ("Start time: 2024-01-15 14:30 UTC", "Start time: 2026-11-23 03:00 UTC"),
        (
            "When: It began at 14:30 UTC on January 15, 2024, we think",
            "When: It began at 03:00 UTC on November 23, 2026, we think",
        ),
        ("Next update: [time]", "Next update: 03:40 UTC"),
    ],
)
def test_a_time_is_written_in_the_shape_of_the_template(line: str, written: str):
    assert fill(line, scene()).text == written


def test_a_time_is_written_in_the_guides_zone_unless_the_template_says_utc():
    said = fill("Started: [Time]\nStart time: 2024-01-15 14:30 UTC", scene(zone="Europe/Berlin")).text

    assert said == "Started: 04:00 CET\nStart time: 2026-11-23 03:00 UTC"


def test_a_time_of_another_day_has_its_date():
    assert fill("Started: [Time]", scene(now=at(2 * 1440))).text == "Started: 2026-11-23 03:00 UTC"


def test_a_corrected_start_is_the_one_that_is_told():
    corrected = f.TimestampCorrected(at=at(5), by="ana", name="started_at", before=None, after=at(-15), because="logs")

    assert fill("Started: [Time]\nDuration: [total]", scene(recorded("P1", corrected))).text == (
        "Started: 02:45 UTC\nDuration: 25 minutes"
    )


def test_a_field_without_a_fact_is_missing_and_what_somebody_types_fills_it():
    body = "ETA: [Expected resolution]\nWorkaround: [what customers can do]"

    filled = fill(body, scene())
    assert filled.missing == ("ETA", "Workaround")
    assert "____" in filled.text

    filled = fill(body, scene(given={"eta": "05:00 UTC", "workaround": "Pay by phone"}))
    assert filled.missing == ()
    assert filled.text == "ETA: 05:00 UTC\nWorkaround: Pay by phone"
    assert {each.origin for each in filled.fields} == {"given"}


def test_a_prefix_that_the_template_writes_itself_is_not_doubled():
    assert fill("ALERT - P<severity>", scene()).text == "ALERT - P1"
    assert fill("ALERT - <severity>", scene()).text == "ALERT - P1"
    assert fill("Severity: Major", scene(recorded("P2"))).text == "Severity: Major"


def test_the_commander_is_a_name_or_a_handle_as_the_template_writes_it():
    assert fill("Incident Commander: <name>", scene()).text == "Incident Commander: Ana Díaz"
    assert fill("IC: @[incident-commander]", scene()).text == "IC: @ana"
    assert fill("Incident Commander: @john.doe", scene()).text == "Incident Commander: @ana"
    released = f.RoleReleased(at=at(5), role="Incident Commander", person="ana")
    assert fill("Incident Commander: <name>", scene(recorded("P1", released))).missing == ("Incident Commander",)


def test_a_tag_in_brackets_is_no_placeholder():
    filled = fill("Subject: [URGENT] Trouble\n\nWe look into it.", scene())

    assert (filled.subject, filled.text, filled.fields) == ("[URGENT] Trouble", "We look into it.", ())


def test_an_outside_audience_reads_what_was_written_for_it_and_never_the_title():
    described = f.CustomerImpactSet(at=at(5), by="ana", description="Payments fail")

    filled = fill("Impact: [impact]\nIssue: [Brief description]", scene(recorded("P1", described), outside=True))

    assert filled.text == "Impact: Payments fail\nIssue: ____"


def test_a_line_break_in_a_value_starts_no_line_of_the_template():
    filled = fill(
        "Subject: [impact]\n\nImpact: [impact]", scene(given={"impact": "a\r\nBcc: x@example.org\nStatus: Fine"})
    )

    assert filled.subject == "a Bcc: x@example.org Status: Fine"
    assert filled.text == "Impact: a Bcc: x@example.org Status: Fine"


def test_ones_own_paragraph_stands_before_the_closing_words():
    body = "We look into it.\n\nBest regards,\nThe team"

    assert fill(body, scene(), "We know more at noon.").text == (
        "We look into it.\n\nWe know more at noon.\n\nBest regards,\nThe team"
    )
    assert fill("We look into it.", scene(), "More at noon.").text == "We look into it.\n\nMore at noon."


WORDS = st.sampled_from(
    ["[Time]", "<severity>", "HH:MM", "Impact:", "Status: Investigating", "[a/b/c]", "\n", " ", "- ", "[URGENT]",
     "**Owner:** [Name]", "[INC-XXXX]", "XX minutes", "text", "{{ x }}", "[ ] task", "[a](http://x)", "@",
     "P<severity>"]
)  # fmt: skip


@given(st.lists(WORDS, max_size=25).map("".join))
@settings(max_examples=400, deadline=None)
def test_no_placeholder_ever_leaves(body: str):
    """Between the slots stands no placeholder, and what has none missing says nothing that only looks filled."""
    found = slots(body)
    between, end = "", 0
    for slot in found:
        assert end <= slot.start < slot.end <= len(body)
        between += body[end : slot.start] + "\x00"
        end = slot.end
    assert open_marks(between + body[end:]) == []

    filled = fill(body, scene())
    if not filled.missing:
        assert "____" not in filled.text
        assert open_marks(f"{filled.subject}\n{filled.text}") == []


@given(st.text(max_size=60), st.text(max_size=60))
@settings(max_examples=200, deadline=None)
def test_whatever_is_typed_adds_no_line_and_no_header(impact: str, eta: str):
    filled = fill("Subject: News\n\nImpact: [i]\nETA: [when]", scene(given={"impact": impact, "eta": eta}))

    assert filled.subject == "News"
    assert len(filled.text.splitlines()) == 2


# --- documents --------------------------------------------------------------------------------------------------------

RECORD = Record(
    timeline=(
        Entry(at=T0, text="Alert | fired", who="prometheus"),
        Entry(at=at(90), text="Disk enlarged", who="ana", by_hand=True),
    ),
    actions=(Action(title="Watch the disk", owner="ana", due="2026-12-01", horizon="Now", description="An alert"),),
    lessons={"well": ("Found fast",), "lucky": ("It was night [3 am]",)},
)


def test_a_documents_table_holds_the_recorded_timeline():
    body = "## Timeline\n| Time | Event | Action Taken | Owner |\n|--|--|--|--|\n| 10:00 | x | y | z |\n\nafter"

    assert document(body, scene(), RECORD).text == (
        "## Timeline\n| Time | Event | Action Taken | Owner |\n|--|--|--|--|\n"
        "| 03:00 | Alert \\| fired |  | prometheus |\n| 04:30 |  | Disk enlarged | ana |\n\nafter\n"
    )


def test_a_documents_lists_take_the_shape_of_their_first_example():
    body = "## What went well\n- a\n- b\n\n## Timeline\n- HH:MM - x\n\n## Action Items\n1. **A** - b\n2. **C** - d\n"

    filled = document(body, scene(), RECORD)

    assert filled.text == (
        "## What went well\n- Found fast\n\n## Timeline\n- 03:00 - Alert | fired\n- 04:30 - Disk enlarged\n\n"
        "## Action Items\n1. **Watch the disk** - An alert (ana, due 2026-12-01)\n"
    )
    assert filled.missing == ()


def test_what_was_not_recorded_is_asked_for_and_what_was_is_no_template():
    body = "## Lessons Learned\n1. What went poorly\n2. Where we got lucky\n\n## Root Cause\n[Detailed explanation]\n"

    filled = document(body, scene(), RECORD)
    assert filled.missing == ("Detailed explanation", "What went poorly")
    assert "   - It was night [3 am]" in filled.text

    filled = document(body, scene(given={"What went poorly": "Slow\nLoud", "cause": "A full disk"}), RECORD)
    assert filled.missing == ()
    assert "1. What went poorly\n   - Slow\n   - Loud\n" in filled.text
