"""Business hours in words: read where one reading is possible, in doubt where two are."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from tocsin.core.hourstext import DAY_NAMES, days_in, hours_in, zone_named

WEEK = (0, 1, 2, 3, 4)


@pytest.mark.parametrize(
    ("text", "zone", "days", "opens", "closes"),
    [
        ("Mon-Fri 9am-5pm ET", "America/New_York", WEEK, "09:00", "17:00"),
        ("Monday through Friday, 8:30 a.m. to 6 p.m. Pacific Time", "America/Los_Angeles", WEEK, "08:30", "18:00"),
        ("09:00–17:30 Europe/Berlin, Monday to Friday", "Europe/Berlin", WEEK, "09:00", "17:30"),
        ("weekdays 9-5 UTC", "UTC", WEEK, "09:00", "17:00"),
        ("Sun-Thu 8.00-16.00 (UTC+3)", "Etc/GMT-3", (0, 1, 2, 3, 6), "08:00", "16:00"),
        ("24/7 UTC", "UTC", (0, 1, 2, 3, 4, 5, 6), "00:00", "24:00"),
        ("Fri-Mon, 7-15 JST", "Asia/Tokyo", (0, 4, 5, 6), "07:00", "15:00"),
        ("Mon, Wed and Fri from 1pm to 9pm CET", "Europe/Brussels", (0, 2, 4), "13:00", "21:00"),
    ],
)
def test_one_reading_is_taken(text: str, zone: str, days: tuple[int, ...], opens: str, closes: str):
    said = hours_in(text)

    assert (said.zone, said.days, said.opens, said.closes, said.doubts) == (zone, days, opens, closes, ())


@pytest.mark.parametrize(
    ("text", "doubt"),
    [
        ("Mon-Fri 9am-5pm IST", "IST is the time of several places"),
        ("Mon-Fri 9-17 local time", "local time is the time of several places"),
        ("Mon-Fri 8-11 ET", "its hours have two readings"),
        ("Mon-Fri 6pm-9am ET", "its hours have two readings"),
        ("Mon-Thu 9-17, Fri 9-15 UTC", "it has several hours"),
        ("Mon-Fri 9-17 ET or CET", "it names several time zones: America/New_York, Europe/Brussels"),
        ("Mon-Fri 9-17 Europe/Atlantis", "Europe/Atlantis is no time zone"),
        ("Mon-Fri 9-17 UTC+5:30", "name the place"),
        ("x" * 1001, "it has more than 1000 characters"),
    ],
)
def test_two_readings_are_a_doubt(text: str, doubt: str):
    assert hours_in(text).doubts[0].startswith(doubt)


@pytest.mark.parametrize("text", ["answer within 1-2 hours", "5-10 minutes", "since 2026-11-28", "call 24-7 days"])
def test_what_is_no_time_of_day_is_none(text: str):
    assert hours_in(text).opens is None and hours_in(text).doubts == ()


@given(st.integers(0, 23), st.integers(0, 59), st.integers(0, 23), st.integers(0, 59))
def test_times_of_twenty_four_hours_come_back_as_they_were_written(a: int, b: int, c: int, d: int):
    opens, closes = f"{a:02}:{b:02}", f"{c:02}:{d:02}"

    said = hours_in(f"Mon-Fri {opens}-{closes} UTC")

    if opens < closes:
        assert (said.opens, said.closes) == (opens, closes)
    else:
        assert said.opens is None or said.opens < (said.closes or "")


@given(st.text(max_size=200))
def test_any_text_is_read_without_an_error(text: str):
    said = hours_in(text)

    assert said.opens is None or said.closes is None or said.opens < said.closes


@given(st.integers(0, 6), st.integers(0, 6))
def test_a_span_of_days_begins_and_ends_as_it_says(first: int, last: int):
    found = days_in(f"{DAY_NAMES[first].title()} to {DAY_NAMES[last].title()}") or ()

    assert {first, last} <= set(found) and len(found) == (last - first) % 7 + 1


@pytest.mark.parametrize(
    ("text", "zone"),
    [("Europe/Paris", "Europe/Paris"), ("EST", "America/New_York"), ("Eastern Time", "America/New_York"),
     ("UTC-4", "Etc/GMT+4"), ("Mars", None), ("IST", None), ("", None)],
)  # fmt: skip
def test_a_zone_has_many_names(text: str, zone: str | None):
    assert zone_named(text) == zone
