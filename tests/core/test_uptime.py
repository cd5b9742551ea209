"""Uptime is what a stopwatch would say: counted minute by minute, over days of 23, 24 and 25 hours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings, strategies as st

from tocsin.core.public import Span
from tocsin.core.status import (
    Change,
    Component,
    ComponentState,
    MaintenanceUpdate,
    Planned,
    Said,
    maintenance_span,
    maintenance_status,
    rank,
    report,
)
from tocsin.core.statusview import said_spans
from tocsin.core.uptime import days, first_day, midnight, stretches, uptime

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu"]
NOW = datetime(2026, 11, 4, 15, 37, tzinfo=UTC)  # after the clocks went back in Europe and in America
COUNT = 14
MINUTE = timedelta(minutes=1)

minute = st.integers(min_value=0, max_value=15 * 24 * 60).map(lambda n: NOW - n * MINUTE)
span = st.builds(
    lambda start, long, state: Span(start=start, end=start + long * MINUTE if long else None, state=state),
    minute,
    st.one_of(st.none(), st.integers(min_value=1, max_value=3000)),
    st.sampled_from(get_args(ComponentState)),
)


def count(spans: list[Span], start: datetime, end: datetime) -> dict[str, int]:
    """How many minutes of [start, end) the component was in which state, one minute after the other."""
    found: dict[str, int] = {}
    at = start
    while at < end:
        holding = [each.state for each in spans if each.start <= at and (each.end is None or at < each.end)]
        state = max(holding, key=rank, default="operational")
        found[state] = found.get(state, 0) + 1
        at += MINUTE
    return found


def brute_hundredths(found: dict[str, int]) -> int | None:
    observed = sum(found.values()) - found.get("unknown", 0)
    down = 10 * found.get("major_outage", 0) + 3 * found.get("partial_outage", 0)
    return (10 * observed - down) * 10_000 // (10 * observed) if observed else None


@settings(max_examples=25, deadline=None)
@given(st.lists(span, max_size=6), st.sampled_from(ZONES))
def test_uptime_equals_a_count_minute_by_minute(spans: list[Span], name: str):
    zone = ZoneInfo(name)
    start = first_day(NOW, zone, COUNT)
    parts = stretches(spans, start, NOW)

    assert uptime(parts).hundredths == brute_hundredths(count(spans, start, NOW))
    for day in days(parts, NOW, zone, COUNT):
        begins, ends = midnight(day.on, zone), min(midnight(day.on + timedelta(days=1), zone), NOW)
        counted = count(spans, begins, ends)
        assert day.uptime.hundredths == brute_hundredths(counted)
        assert day.state == max(counted, key=rank, default=None)  # type: ignore[arg-type]


@pytest.mark.parametrize(("on", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-11-01", 24)])
def test_a_day_lasts_as_long_as_its_clocks_say(on: str, hours: int):
    zone = ZoneInfo("Europe/Berlin")
    day = datetime.fromisoformat(on).date()
    parts = stretches([], midnight(day, zone), midnight(day + timedelta(days=1), zone))

    assert uptime(parts).total == hours * 3_600_000_000


def test_the_same_outage_is_on_the_day_of_each_zone():
    outage = [
        Span(
            start=datetime(2026, 11, 3, 23, 30, tzinfo=UTC),
            end=datetime(2026, 11, 4, 0, 30, tzinfo=UTC),
            state="major_outage",
        )
    ]
    hit = {}
    for name in ("Pacific/Auckland", "UTC", "Pacific/Pago_Pago"):
        zone = ZoneInfo(name)
        parts = stretches(outage, first_day(NOW, zone, 5), NOW)
        hit[name] = [f"{day.on:%d}" for day in days(parts, NOW, zone, 5) if day.state == "major_outage"]

    assert hit == {"Pacific/Auckland": ["04"], "UTC": ["03", "04"], "Pacific/Pago_Pago": ["03"]}


def test_a_hundred_percent_means_that_nothing_was_down():
    start = NOW - timedelta(days=90)
    blip = [Span(start=NOW - timedelta(seconds=1), end=NOW, state="major_outage")]

    assert uptime(stretches([], start, NOW)).percent == "100.00"
    assert uptime(stretches(blip, start, NOW)).percent == "99.99"


def test_unknown_time_counts_for_neither_side():
    parts = stretches([Span(start=NOW - timedelta(days=1), end=NOW, state="unknown")], NOW - timedelta(days=1), NOW)

    assert uptime(parts).hundredths is None


COMPONENT = Component(id="api", name="API", created_at=NOW - timedelta(days=9), updated_at=NOW, fresh_seconds=300)


def test_a_silent_check_turns_unknown_and_the_gap_stays_in_the_history():
    said = report(Said(), "operational", NOW, 300)
    assert [each.state for each in said_spans(said, COMPONENT, NOW + timedelta(seconds=299))] == ["operational"]
    assert said_spans(said, COMPONENT, NOW + timedelta(seconds=301))[-1].state == "unknown"

    back = report(said, "operational", NOW + timedelta(seconds=900), 300)

    assert back.changes == (
        Change(at=NOW, state="operational"),
        Change(at=NOW + timedelta(seconds=300), state="unknown"),
        Change(at=NOW + timedelta(seconds=900), state="operational"),
    )


def test_a_check_that_never_reported_is_unknown():
    assert [each.state for each in said_spans(Said(), COMPONENT, NOW)] == ["unknown"]


def window(**more: object) -> Planned:
    given: dict[str, object] = {
        "id": "m1",
        "pages": (),
        "name": "Database upgrade",
        "starts_at": NOW,
        "ends_at": NOW + timedelta(hours=2),
        "created_at": NOW - timedelta(days=1),
        "updated_at": NOW - timedelta(days=1),
    }
    return Planned(**{**given, **more})  # type: ignore[arg-type]


def test_maintenance_is_shown_before_during_and_after_its_window():
    planned = window()
    at = {hours: maintenance_status(planned, NOW + timedelta(hours=hours)) for hours in (-1, 0, 1, 2)}

    assert at == {-1: "scheduled", 0: "in_progress", 1: "in_progress", 2: "completed"}
    assert maintenance_span(planned, NOW - timedelta(hours=1)) is None
    assert maintenance_span(planned, NOW + timedelta(hours=9)) == (NOW, NOW + timedelta(hours=2))


def test_maintenance_that_people_move_on_does_not_follow_the_clock():
    planned = window(starts_by_itself=False, ends_by_itself=False)
    assert maintenance_status(planned, NOW + timedelta(hours=5)) == "scheduled"

    begun = MaintenanceUpdate(id="1", at=NOW + timedelta(minutes=5), status="in_progress", text="Begun.")
    assert maintenance_span(window(starts_by_itself=False, ends_by_itself=False, updates=(begun,)), NOW) == (
        begun.at,
        None,
    )
