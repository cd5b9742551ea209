"""References: what people say when they mean an incident."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given, strategies as st

from tocsin.core.reference import counter, parse_reference, reference

T0 = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)


def test_both_formats_of_the_guides() -> None:
    assert reference("INC-YYYY-NNN", 1, datetime(2024, 1, 2, tzinfo=UTC)) == "INC-2024-001"
    assert reference("INC-YYYY-MM-DD-NNN", 7, T0) == "INC-2026-11-23-007"


def test_numbers_grow_past_three_digits() -> None:
    said = [reference("INC-YYYY-NNN", n, T0) for n in (999, 1000, 123_456)]

    assert said == ["INC-2026-999", "INC-2026-1000", "INC-2026-123456"]


def test_the_period_is_taken_in_the_tenants_zone() -> None:
    new_year = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)

    assert counter("INC-YYYY-NNN", new_year, "UTC") == "INC-2026"
    assert counter("INC-YYYY-NNN", new_year, "Europe/Madrid") == "INC-2027"
    assert counter("INC-YYYY-MM-DD-NNN", new_year, "Europe/Madrid") == "INC-2027-01-01"
    assert counter("INC-YYYY-MM-DD-NNN", T0, "America/New_York") == "INC-2026-11-22"


def test_counting_starts_at_one() -> None:
    with pytest.raises(ValueError, match="expected at least 1, got 0"):
        reference("INC-YYYY-NNN", 0, T0)


NUMBERS = st.integers(min_value=1, max_value=10**9)
INSTANTS = st.integers(min_value=946_684_800, max_value=7_258_118_400).map(lambda n: datetime.fromtimestamp(n, UTC))
FORMATS = st.sampled_from(["INC-YYYY-NNN", "INC-YYYY-MM-DD-NNN"])


@given(FORMATS, NUMBERS, INSTANTS, st.sampled_from(["UTC", "Asia/Kathmandu", "Pacific/Auckland"]))
def test_what_is_said_can_be_taken_apart_again(form: str, number: int, at: datetime, zone: str) -> None:
    said = reference(form, number, at, zone)  # type: ignore[arg-type]
    parsed = parse_reference(f" {said.lower()} ")

    assert parsed is not None
    assert (parsed.format, parsed.number) == (form, number)
    assert said.startswith(counter(form, at, zone) + "-")  # type: ignore[arg-type]
    assert parsed.day is None or f"INC-{parsed.day.isoformat()}" == counter(form, at, zone)  # type: ignore[arg-type]


@given(st.tuples(FORMATS, NUMBERS, INSTANTS), st.tuples(FORMATS, NUMBERS, INSTANTS))
def test_two_incidents_never_share_a_reference(
    one: tuple[str, int, datetime], other: tuple[str, int, datetime]
) -> None:
    names = [(counter(form, at), number) for form, number, at in (one, other)]  # type: ignore[arg-type]
    said = [reference(form, number, at) for form, number, at in (one, other)]  # type: ignore[arg-type]

    assert (said[0] == said[1]) == (names[0] == names[1])


@pytest.mark.parametrize(
    "text",
    [
        "", "INC-", "INC-2026", "INC-2026-1", "INC-2026-0001", "INC-2026-000", "INC-2026-13-01-001",
        "INC-2026-02-30-001", "XINC-2026-001", "INC-2026-001x", "INC-XXXX", "INC-٢٠٢٦-001",
    ],
)  # fmt: skip
def test_what_nobody_would_say_is_no_reference(text: str) -> None:
    assert parse_reference(text) is None


def test_a_days_reference_names_the_day() -> None:
    parsed = parse_reference("INC-2026-11-23-012")

    assert parsed is not None
    assert (parsed.day, parsed.year, parsed.number) == (date(2026, 11, 23), 2026, 12)
