"""Durations as people write them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, strategies as st

from tests.shared_files import SHARED
from tocsin.core.policy import Deadline
from tocsin.guide.quantity import deadline, read, scan


@pytest.mark.needs("shared")
def test_every_phrase_of_the_collection_is_read():
    for phrase in json.loads((SHARED / "fixtures" / "durations.json").read_text("utf-8")):
        got = read(phrase["text"])

        assert got is not None, phrase
        value = list(got.value) if isinstance(got.value, tuple) else got.value
        assert (got.kind, value, got.bound) == (phrase["kind"], phrase["value"], phrase["bound"]), phrase


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("30 minutes", Deadline(seconds=1800)),
        ("up to 2 hours", Deadline(seconds=7200)),
        ("1h30m", Deadline(seconds=5400)),
        ("2 hours 30 minutes", Deadline(seconds=9000)),
        ("half an hour", Deadline(seconds=1800)),
        ("15 min (24/7)", Deadline(seconds=900)),
        ("4 hours (business hours)", Deadline(business_hours=4)),
        ("within three business days", Deadline(business_days=3)),
        ("NBD", Deadline(calendar="next_business_day")),
        ("by end of next business day", Deadline(calendar="next_business_day")),
        ("2 months", Deadline(months=2)),
        ("1-4 hours", Deadline(seconds=14400)),
        ("Next planned release", Deadline(milestone="next_release")),
        ("15 Minuten", Deadline(seconds=900)),
        ("2 heures", Deadline(seconds=7200)),
    ],
)
def test_a_phrase_sets_a_limit(text: str, limit: Deadline):
    got = deadline(read(text))

    assert got is not None
    assert (got.seconds, got.business_days, got.business_hours, got.calendar, got.months, got.milestone) == (
        limit.seconds,
        limit.business_days,
        limit.business_hours,
        limit.calendar,
        limit.months,
        limit.milestone,
    )


@pytest.mark.parametrize(
    "text",
    [
        "15 minutes (business hours), 1 hour otherwise",
        "Page on-call immediately, status page within 15 min",
        "15 min or 30 min",
        "Call the vendor within 2 hours",
        "> 5% of requests",
        "p95 200ms",
        "HTTP 500",
        "3 replicas",
        "Implement during normal hours",
        "",
        r"best effort, < 4\text{ hours} $",  # a number that nobody has read is no word
    ],
)
def test_a_phrase_with_two_meanings_or_none_is_not_read(text: str):
    got = read(text)

    assert got is None or got.kind == "none"


@pytest.mark.parametrize("text", ["> 1 hour", "60+ minutes", "None", "TBD", "N/A"])
def test_what_is_no_upper_limit_sets_none(text: str):
    assert deadline(read(text)) is None


def test_a_sentence_gives_its_quantities_in_order():
    found = scan("Every 15 minutes for SEV-0/1, hourly for SEV-2, then within 2 business days")

    assert [(each.kind, each.value) for each in found] == [
        ("interval", 900),
        ("interval", 3600),
        ("business_days", 2),
    ]


UNITS = {"minutes": 60, "min": 60, "hours": 3600, "hrs": 3600, "days": 86400, "weeks": 604800}


@given(st.integers(1, 300), st.sampled_from(sorted(UNITS)), st.sampled_from(["", "< ", "within ", "≤ ", "up to "]))
def test_a_number_and_a_unit_are_that_many_seconds_whatever_bounds_them(count: int, unit: str, bound: str):
    got = deadline(read(f"{bound}{count} {unit}"))

    assert got is not None
    assert got.seconds == count * UNITS[unit]


@given(st.text(max_size=300))
def test_no_text_breaks_the_grammar(text: str):
    read(text)
    for quantity in scan(text):
        deadline(quantity)
