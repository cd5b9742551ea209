"""What is wrong with a value, and how it is said."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, strategies as st

from tocsin.core.metricwatch import (
    USUAL_MIN,
    MetricQuery,
    Points,
    exceeded,
    heading,
    name_of,
    shown,
    span,
    strange,
    usual_of,
)

RATE = MetricQuery(name="errors", query="x", title="checkout error rate", unit="ratio", above=0.02)
DISK = MetricQuery(name="disk", query="x", title="Disk /", unit="bytes", falls_to=0.0)
ODD = MetricQuery(name="errors", query="x", title="checkout error rate", unit="ratio", unusual="high")
GIB = 1024.0**3


def falling(begin: float, per_hour: float, minutes: int = 60) -> Points:
    return [(60.0 * n, begin - per_hour * n / 60) for n in range(minutes + 1)]


def test_a_value_above_its_limit_is_wrong():
    wrong = exceeded(RATE, "checkout error rate", 0.042)

    assert wrong is not None
    assert wrong.summary == "checkout error rate is 4.2 %, above 2 %"
    assert exceeded(RATE, "checkout error rate", 0.02) is None
    assert exceeded(RATE, "checkout error rate", math.nan) is None


def test_a_value_below_its_limit_is_wrong():
    asked = MetricQuery(name="orders", query="x", title="Orders", unit="a minute", below=3)

    wrong = exceeded(asked, "Orders", 0.5)

    assert wrong is not None and wrong.summary == "Orders is 0.5 a minute, below 3 a minute"
    assert exceeded(asked, "Orders", 3) is None


def test_a_disk_that_is_full_in_three_hours_is_wrong_now():
    wrong = heading(DISK, "Disk /", falling(16 * GIB, 4 * GIB))

    assert wrong is not None
    assert wrong.summary == "Disk / reaches 0 B in about 3 h"
    assert (
        wrong.description == "Disk / reaches 0 B in about 3 h: 12 GiB now, falling by 4 GiB an hour over the last 1 h."
    )


def test_a_disk_that_is_full_in_five_hours_can_wait():
    assert heading(DISK, "Disk /", falling(24 * GIB, 4 * GIB)) is None


@pytest.mark.parametrize("points", [falling(24 * GIB, 0), falling(24 * GIB, -4 * GIB), falling(1, 1, 4)])
def test_what_stands_still_or_goes_the_other_way_or_is_hardly_known_is_not_wrong(points: Points):
    assert heading(DISK, "Disk /", points) is None


def test_what_is_exhausted_already_is_wrong_whatever_its_trend():
    wrong = heading(DISK, "Disk /", falling(0, 0))

    assert wrong is not None and wrong.summary == "Disk / is exhausted"


def test_a_few_odd_points_turn_no_trend():
    points = [(at, 100 * GIB if n % 11 == 3 else value) for n, (at, value) in enumerate(falling(16 * GIB, 4 * GIB))]

    wrong = heading(DISK, "Disk /", points)

    assert wrong is not None and "in about 3 h" in wrong.summary


def test_what_rises_to_its_limit_is_wrong_too():
    asked = MetricQuery(name="connections", query="x", unit="percent", rises_to=100.0, within_seconds=3600)

    wrong = heading(asked, "connections", [(60.0 * n, 50 + n * 0.6) for n in range(61)])

    assert wrong is not None and wrong.summary == "connections reaches 100 % in about 23 min"


def test_a_value_far_from_the_usual_is_wrong_and_says_what_is_usual():
    usual = usual_of([0.003 + 0.0001 * (n % 31) for n in range(52)], "at this hour")
    assert usual is not None

    wrong = strange(ODD, "checkout error rate", 0.042, usual)

    assert wrong is not None
    assert wrong.summary == "checkout error rate is 4.2 %, usual at this hour is 0.32 % to 0.55 %"
    assert "The median of 52 values is" in wrong.description
    assert strange(ODD, "checkout error rate", 0.006, usual) is None
    assert strange(ODD, "checkout error rate", 0.0, usual) is None  # low is no trouble here
    assert strange(ODD, "checkout error rate", math.nan, usual) is None


def test_one_bad_week_does_not_move_what_is_usual():
    weeks = [0.004] * 39 + [0.9] * 13

    usual = usual_of(weeks, "at this hour")

    assert usual is not None
    assert strange(ODD, "x", 0.04, usual) is not None


def test_where_nothing_ever_happens_a_difference_has_to_matter():
    usual = usual_of([0.0] * 50, "at this hour")
    assert usual is not None
    wary = MetricQuery(name="errors", query="x", unusual="high", at_least=0.01)

    assert strange(ODD, "x", 0.001, usual) is not None
    assert strange(ODD, "x", 0.0, usual) is None
    assert strange(wary, "x", 0.001, usual) is None


def test_what_was_seen_too_rarely_is_not_usual():
    assert usual_of([1.0] * (USUAL_MIN - 1), "at this hour") is None


@given(st.lists(st.floats(-1e9, 1e9), min_size=USUAL_MIN, max_size=60), st.floats(-1e9, 1e9))
def test_a_value_is_not_wrong_both_ways(values: list[float], value: float):
    usual = usual_of(values, "at this hour")
    assert usual is not None
    high = strange(MetricQuery(name="x", query="x", unusual="high"), "x", value, usual)
    low = strange(MetricQuery(name="x", query="x", unusual="low"), "x", value, usual)
    both = strange(MetricQuery(name="x", query="x", unusual="both"), "x", value, usual)

    assert (high is not None) + (low is not None) == (both is not None)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.042, "ratio", "4.2 %"),
        (99.95, "percent", "100 %"),
        (12.34, "percent", "12.3 %"),
        (13_200_000_000, "bytes", "12.3 GiB"),
        (-2048, "bytes", "-2 KiB"),
        (0.35, "seconds", "350 ms"),
        (2.5, "seconds", "2.5 s"),
        (12_345, "orders", "12345 orders"),
        (0, "", "0"),
        (1e12, "", "1.00e+12"),
        (math.inf, "seconds", "infinite"),
    ],
)
def test_values_are_shown_as_people_read_them(value: float, unit: str, text: str):
    assert shown(value, unit) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(40, "40 s"), (720, "12 min"), (11_400, "3 h 10 min"), (7200, "2 h"), (180_000, "2 d 2 h")]
)
def test_spans_are_shown_in_two_units(seconds: float, text: str):
    assert span(seconds) == text


def test_series_are_told_apart_by_their_labels():
    assert name_of(RATE, {}) == "checkout error rate"
    assert name_of(DISK, {"__name__": "free", "instance": "db-1", "mount": "/"}) == "Disk / (instance=db-1, mount=/)"
