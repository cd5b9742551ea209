"""The policy as a value: deadlines, its canonical bytes, and the short spans people write."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, strategies as st

from tocsin.core import guidance, policy as p
from tocsin.core.policy import Deadline, Policy, Severity, canonical, digest, elapsed, severity_of
from tocsin.core.spans import parse_deadline, parse_seconds, show_deadline, show_seconds

POLICY = Policy(title="g", severities=(Severity(id="SEV-1", rank=0), Severity(id="SEV-2", rank=1)))


def test_a_deadline_has_exactly_one_unit() -> None:
    for units in ({}, {"seconds": 1, "months": 1}, {"calendar": "next_day", "milestone": "launch"}):
        with pytest.raises(ValueError, match="expected exactly one unit"):
            Deadline(**units)


def test_a_deadline_is_never_negative() -> None:
    with pytest.raises(ValueError, match="business_days: expected a number of at least 0, got -1"):
        Deadline(business_days=-1)


def test_only_elapsed_deadlines_have_a_length() -> None:
    assert elapsed(Deadline(seconds=90)) == timedelta(seconds=90)
    assert elapsed(Deadline(calendar_days=2)) == timedelta(days=2)
    assert elapsed(None) is None
    for deadline in (Deadline(business_hours=4), Deadline(months=1), Deadline(milestone="launch")):
        assert elapsed(deadline) is None


def test_equal_policies_have_the_same_bytes_and_different_ones_do_not() -> None:
    again = msgspec.json.decode(canonical(POLICY), type=Policy)

    assert again == POLICY
    assert canonical(again) == canonical(POLICY)
    assert digest(msgspec.structs.replace(POLICY, title="h")) != digest(POLICY)


def test_a_misspelt_field_is_an_error_and_not_no_limit() -> None:
    with pytest.raises(msgspec.ValidationError, match="respond_witin"):
        msgspec.json.decode(b'{"title":"g","severities":[{"id":"P1","rank":0,"respond_witin":null}]}', type=Policy)


def test_a_severity_is_found_in_any_letter_case() -> None:
    found = severity_of(POLICY, "sev-2")

    assert found is not None
    assert found.id == "SEV-2"
    assert severity_of(POLICY, "SEV-3") is None


def test_every_value_of_a_guide_can_be_imported_from_the_policy() -> None:
    values = [
        name
        for name, value in vars(guidance).items()
        if isinstance(value, type) and value.__module__ == guidance.__name__
    ]

    assert set(values) <= set(p.__all__)


@pytest.mark.parametrize(
    ("text", "deadline"),
    [
        ("15m", Deadline(seconds=900)),
        ("1h30m", Deadline(seconds=5400)),
        ("1h 30 min", Deadline(seconds=5400)),
        ("90 seconds", Deadline(seconds=90)),
        ("2 days", Deadline(seconds=172_800)),
        ("1w", Deadline(seconds=604_800)),
        ("0", Deadline(seconds=0)),
        ("Immediate", Deadline(seconds=0)),
        ("2 business days", Deadline(business_days=2)),
        ("1  Business  Day", Deadline(business_days=1)),
        ("4 business hours", Deadline(business_hours=4)),
        ("next business day", Deadline(calendar="next_business_day")),
        ("same day", Deadline(calendar="same_day")),
        ("3 calendar days", Deadline(calendar_days=3)),
        ("1 month", Deadline(months=1)),
    ],
)
def test_spans_as_people_write_them(text: str, deadline: Deadline) -> None:
    assert parse_deadline(text) == deadline


@pytest.mark.parametrize(
    "text", ["", "15", "m", "-5m", "1.5h", "5 mins or so", "soon", "5m,", "1h-2h", "12:30", "1e3s", "5 business", "٥m"]
)
def test_what_could_be_misread_is_no_span(text: str) -> None:
    assert parse_deadline(text) is None


UNITS = st.one_of(
    st.integers(0, 10**11).map(lambda n: Deadline(seconds=n)),
    st.integers(0, 999_999).map(lambda n: Deadline(business_days=n)),
    st.integers(0, 999_999).map(lambda n: Deadline(business_hours=n)),
    st.integers(0, 999_999).map(lambda n: Deadline(calendar_days=n)),
    st.integers(0, 999_999).map(lambda n: Deadline(months=n)),
    st.sampled_from(["next_business_day", "same_business_day", "same_day", "next_day"]).map(
        lambda name: Deadline(calendar=name)
    ),
)


@given(UNITS)
def test_what_is_shown_reads_back(deadline: Deadline) -> None:
    shown = show_deadline(deadline)

    assert shown is not None
    assert parse_deadline(shown) == deadline


@given(st.integers(0, 10**11))
def test_seconds_read_back(seconds: int) -> None:
    assert parse_seconds(show_seconds(seconds)) == seconds


@pytest.mark.parametrize(
    "fields",
    [{"seconds": 5, "text": "at once"}, {"milestone": "launch"}, {"months": 1, "not_after": Deadline(seconds=5)}],
)
def test_what_the_short_form_cannot_say_has_none(fields: dict[str, Any]) -> None:
    assert show_deadline(Deadline(**fields)) is None
