"""Events of calendars as vectors say them: recurrences, exceptions, durations, and the same as iCalendar text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from tests.oncall.test_check import checked
from tocsin.core.rotation import DAYS
from tocsin.oncall.events import ical_occurrences
from tocsin.oncall.nodes import Node
from tocsin.oncall.outside import rows
from tocsin.zonedata import use_pinned_zones

use_pinned_zones()

BERLIN = "Europe/Berlin"
FROM, TO = "2026-03-01T00:00+00:00", "2026-04-30T00:00+00:00"
Shifts = list[tuple[str, str, str]]


def event(**more: Any) -> dict[str, Any]:
    """Nine to five on Friday, 27 March 2026; clocks go forward on Sunday."""
    begins = {"dtstart": "2026-03-27T09:00", "dtend": "2026-03-27T17:00", "tzid": BERLIN}
    return {"uid": "u", "summary": "ann", **begins, **more}


def lasting(**more: Any) -> dict[str, Any]:
    return {"uid": "u", "summary": "ann", "dtstart": "2026-03-28T09:00", "tzid": BERLIN, **more}


def day(date: str, hours: str = "09-17", who: str = "ann", last: str = "") -> tuple[str, str, str]:
    first, end = hours.split("-")
    begun, done = (
        datetime.fromisoformat(each).replace(tzinfo=ZoneInfo(BERLIN)).isoformat()
        for each in (f"{date}T{first}:00", f"{last or date}T{end}:00")
    )
    return who, begun, done


DAILY = "FREQ=DAILY;COUNT=3"
ALL_DAY = {"uid": "a", "summary": "ann", "dtstart_date": "2026-03-27", "rrule": DAILY}
CASES: dict[str, tuple[list[dict[str, Any]], Shifts]] = {
    "further dates": (
        [event(rdate=["2026-03-30T09:00", "2026-04-01T07:00Z"])],
        [day("2026-03-27"), day("2026-03-30"), day("2026-04-01")],
    ),
    "a further date that is left out": (
        [event(rdate=["2026-03-30T09:00", "2026-04-01T09:00"], exdate="2026-03-30T09:00")],
        [day("2026-03-27"), day("2026-04-01")],
    ),
    "a rule and a further date": (
        [event(rrule="FREQ=DAILY;COUNT=2", rdate="2026-04-01T09:00")],
        [day("2026-03-27"), day("2026-03-28"), day("2026-04-01")],
    ),
    "two rules": (
        [event(rrule=["FREQ=DAILY;COUNT=2", "RRULE:freq=weekly;count=2"])],
        [day("2026-03-27"), day("2026-03-28"), day("2026-04-03")],
    ),
    "left out in UTC, after clocks changed": (
        [event(rrule=DAILY, exdate=["2026-03-29T07:00Z"])],
        [day("2026-03-27"), day("2026-03-28")],
    ),
    "whole days left out": (
        [{**ALL_DAY, "exdate_date": ["2026-03-28"], "tzid": BERLIN}],
        [day("2026-03-27", "00-00", last="2026-03-28"), day("2026-03-29", "00-00", last="2026-03-30")],
    ),
    "eight hours": ([lasting(duration="PT8H")], [day("2026-03-28")]),
    "eight hours, as a number": ([lasting(duration_hours=8)], [day("2026-03-28")]),
    "a day by the clock, of 23 hours": ([lasting(duration="P1D")], [day("2026-03-28", "09-09", last="2026-03-29")]),
    "24 exact hours": ([lasting(duration="PT24H")], [day("2026-03-28", "09-10", last="2026-03-29")]),
    "a week and an hour": ([lasting(duration="P1WT1H")], [day("2026-03-28", "09-10", last="2026-04-04")]),
    "an end in another zone": ([event(dtend="2026-03-27T16:00", dtend_tzid="Europe/London")], [day("2026-03-27")]),
    "in UTC, which has no summer": (
        [{"uid": "u", "summary": "ann", "dtstart": "2026-03-28T08:00Z", "dtend": "2026-03-28T16:00Z", "rrule": DAILY}],
        [day("2026-03-28"), day("2026-03-29", "10-18"), day("2026-03-30", "10-18")],
    ),
    "one for all that follow": (
        [
            event(rrule="FREQ=DAILY;COUNT=5"),
            event(recurrence_id="2026-03-28T09:00", range="THISANDFUTURE", summary="bob", dtstart="2026-03-28T10:00",
                  dtend="2026-03-28T12:00"),
            event(recurrence_id="2026-03-30T09:00", summary="cyd", dtstart="2026-03-30T20:00",
                  dtend="2026-03-30T21:00"),
            event(recurrence_id="2026-03-31T09:00", range="THISANDFUTURE", status="CANCELLED",
                  dtstart="2026-03-31T09:00", dtend="2026-03-31T17:00"),
        ],
        [day("2026-03-27"), day("2026-03-28", "10-12", "bob"), day("2026-03-29", "10-12", "bob"),
         day("2026-03-30", "20-21", "cyd")],
    ),
    "two people": ([event(summary="[L2] ann, bob")], [day("2026-03-27"), day("2026-03-27", who="bob")]),
}  # fmt: skip


def vector(events: list[dict[str, Any]], shifts: Shifts) -> dict[str, Any]:
    wanted = [{"user": who, "start": start, "end": end} for who, start, end in shifts]
    query = {"from": FROM, "to": TO}
    return {
        "kind": "ical_shifts",
        "timezone": BERLIN,
        "ical_events": events,
        "query": query,
        "expect": {"shifts": wanted},
    }


@pytest.mark.parametrize("name", CASES)
def test_events_are_the_shifts_that_their_calendar_shows(name: str):
    result = checked(vector(*CASES[name]))

    assert result.passed, result


@pytest.mark.parametrize("name", CASES)
def test_without_one_of_its_shifts_or_an_hour_later_it_is_another_calendar(name: str):
    events, shifts = CASES[name]
    for n, (who, start, end) in enumerate(shifts):
        later = (datetime.fromisoformat(end) + timedelta(hours=1)).isoformat()
        assert not checked(vector(events, [*shifts[:n], *shifts[n + 1 :]])).passed
        assert not checked(vector(events, [*shifts[:n], (who, start, later), *shifts[n + 1 :]])).passed


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"duration": "8 hours"}, "duration: expected a duration such as PT8H"),
        ({"duration": "P"}, "duration: expected a duration such as PT8H"),
        ({"duration": "PT8H", "range": "THISANDPRIOR"}, "range: expected one of THISANDFUTURE"),
    ],
)
def test_what_an_event_may_not_say_is_named(more: dict[str, Any], said: str):
    assert said in str(checked(vector([lasting(**more)], [day("2026-03-28")])).got)


walls = st.integers(0, 16 * 24 * 60).map(
    lambda minutes: datetime.fromisoformat("2026-03-20") + timedelta(minutes=minutes)
)
rules = st.sampled_from(
    [
        "",
        DAILY,
        "FREQ=WEEKLY;BYDAY=DAY,SA;COUNT=5",
        "FREQ=DAILY;INTERVAL=3;UNTIL=20260410T120000Z",
        "FREQ=YEARLY;COUNT=2",
    ]
)
zones = st.sampled_from([BERLIN, "America/New_York", "Australia/Lord_Howe", "UTC"])


@given(walls, st.integers(1, 70), rules, zones, st.integers(0, 3))
def test_a_calendar_as_text_and_as_a_vector_is_the_same(
    start: datetime, hours: int, rule: str, zone: str, left_out: int
):
    # An event whose start is no day of its own rule means whatever its reader wants (RFC 5545, 3.8.5.3).
    rule = rule.replace("=DAY", f"={DAYS[start.weekday()]}")
    end, skipped = start + timedelta(hours=hours), start + timedelta(days=left_out)
    said = event(dtstart=start.isoformat(), dtend=end.isoformat(), tzid=zone, exdate=skipped.isoformat())
    text = "\r\n".join([
        "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//t//t//EN", "BEGIN:VEVENT", "UID:u", "SUMMARY:ann",
        f"DTSTART;TZID={zone}:{start:%Y%m%dT%H%M%S}", f"DTEND;TZID={zone}:{end:%Y%m%dT%H%M%S}",
        f"EXDATE;TZID={zone}:{skipped:%Y%m%dT%H%M%S}", *([f"RRULE:{rule}"] if rule else []),
        "END:VEVENT", "END:VCALENDAR",
    ])  # fmt: skip
    low, high = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC)

    node = Node({"ical_events": [said | ({"rrule": rule} if rule else {})]})
    mine = [(each.start, each.end) for each in ical_occurrences(node, low, high) if each.start < each.end]
    theirs = [(each.start, each.end) for each in rows(text.encode(), zone, low, high, lambda name: name)]

    assert mine == theirs
