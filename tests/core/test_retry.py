"""A failed attempt is made again soon, not forever, and never all at one instant."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from tocsin.core.retry import ATTEMPTS_MAX, DELAYS, JITTER, RETRY_AFTER_MAX, retry_at
from tocsin.ports import Receipt

T0 = datetime(2026, 3, 4, 3, 0, tzinfo=UTC)
BUSY = Receipt(code="refused", detail="451 try again later")

seeds = st.text(max_size=40)
attempts = st.integers(1, ATTEMPTS_MAX - 1)


def test_the_first_retry_comes_within_seconds():
    again = retry_at(1, BUSY, T0, "page-1")

    assert again is not None
    assert timedelta(seconds=4) <= again - T0 <= timedelta(seconds=6)


@pytest.mark.parametrize("code", ["gone", "rejected", "bad_address", "unauthorised", "misconfigured", "too_large"])
def test_a_permanent_failure_is_given_up_at_once(code):
    assert retry_at(1, Receipt(code=code, permanent=True), T0, "page-1") is None


def test_what_was_sent_is_not_sent_again():
    assert retry_at(1, Receipt(code="sent"), T0, "page-1") is None


def test_the_last_attempt_is_the_last():
    assert retry_at(ATTEMPTS_MAX - 1, BUSY, T0, "page-1") is not None
    assert retry_at(ATTEMPTS_MAX, BUSY, T0, "page-1") is None


def test_a_providers_word_is_honoured_within_a_bound():
    asked = Receipt(code="throttled", retry_after_seconds=90)
    greedy = Receipt(code="throttled", retry_after_seconds=86_400)

    assert retry_at(1, asked, T0, "page-1") == T0 + timedelta(seconds=90)
    assert retry_at(1, greedy, T0, "page-1") == T0 + RETRY_AFTER_MAX


@given(seed=seeds, attempt=attempts, asked=st.none() | st.integers(-10, 10**12))
def test_every_wait_is_bounded_and_deterministic(seed, attempt, asked):
    receipt = Receipt(code="throttled", retry_after_seconds=asked)

    again = retry_at(attempt, receipt, T0, seed)

    assert again == retry_at(attempt, receipt, T0, seed)
    assert again is not None
    assert DELAYS[attempt - 1] * (1 - JITTER) <= again - T0
    assert again - T0 <= max(DELAYS[attempt - 1] * (1 + JITTER), RETRY_AFTER_MAX)


@given(seed=seeds, outage=st.integers(0, 20 * 60), send_seconds=st.floats(0, 30))
def test_an_outage_of_twenty_minutes_loses_no_page(seed, outage, send_seconds):
    over = T0 + timedelta(seconds=outage)
    at, attempt = T0, 1

    while at < over:
        again = retry_at(attempt, BUSY, at + timedelta(seconds=send_seconds), seed)
        assert again is not None, f"given up at {at} though the outage ends at {over}"
        at, attempt = again, attempt + 1

    assert at - over <= RETRY_AFTER_MAX * (1 + JITTER) + timedelta(
        seconds=send_seconds
    )  # and it arrives minutes after the outage, not an hour


@given(seed=seeds)
def test_nobody_is_tried_for_ever(seed):
    at, attempt = T0, 1

    while (again := retry_at(attempt, BUSY, at, seed)) is not None:
        at, attempt = again, attempt + 1

    assert attempt == ATTEMPTS_MAX
    assert at - T0 <= timedelta(minutes=45)


def test_pages_that_failed_together_are_not_tried_together():
    waits = {retry_at(4, BUSY, T0, f"page-{n}") for n in range(100)}

    assert len(waits) == 100
