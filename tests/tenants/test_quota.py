"""Limits of a tenant: nothing is lost over them, and somebody hears of it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from tocsin.core.tenants import Limits
from tocsin.ports import QuotaMet
from tocsin.tenants.quota import AGAIN_SECONDS, REMEMBERED_SECONDS, Quota, size_of


class Hands:
    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


def test_without_limits_everything_is_taken():
    quota = Quota()
    for _ in range(1000):
        quota.took(1_000_000, 1_000_000)

    assert quota.admit() is None and quota.too_large(10**9) is None
    assert quota.may_announce() and not quota.streams_full(999) and quota.reasons == ()


def test_a_storm_is_asked_to_come_back_and_is_let_in_again():
    now = Hands()
    quota = Quota(Limits(alerts_per_second=10, alerts_burst=100), now)

    quota.took(150, 9_000)

    assert "10 alerts a second" in str(quota.admit())
    assert quota.retry_after_seconds == 6
    now.at += 6
    assert quota.admit() is None
    assert quota.met["alerts_per_second"] == 1


@given(st.lists(st.tuples(st.floats(0, 5), st.integers(1, 50)), max_size=80))
def test_no_more_is_let_in_than_burst_and_rate_and_the_last_body(posts):
    now = Hands()
    quota = Quota(Limits(alerts_per_second=10, alerts_burst=40), now)
    let_in = 0
    for wait, alerts in posts:
        now.at += wait
        if quota.admit() is None:
            quota.took(alerts, 100)
            let_in += alerts
    assert let_in <= 40 + 10 * now.at + 50


def test_a_body_of_another_format_counts_by_its_size():
    now = Hands()
    quota = Quota(Limits(alerts_per_second=1, alerts_burst=10), now)

    quota.took(0, 9 * 1024)
    assert quota.admit() is not None


def test_limits_are_reasons_for_a_while_and_are_told_once_an_hour():
    now = Hands()
    quota = Quota(Limits(alerts_per_second=1, alerts_burst=1), now)
    quota.took(5, 5)
    quota.admit()
    told: list[str] = []

    async def alarm(text: str) -> None:
        told.append(text)

    (reason,) = quota.reasons
    assert "alerts_per_second (1)" in reason and "503" in reason
    asyncio.run(quota._tell(alarm))
    asyncio.run(quota._tell(alarm))
    assert len(told) == 1
    now.at += AGAIN_SECONDS
    assert quota.reasons == ()
    asyncio.run(quota._tell(alarm))
    quota.took(10_000, 5)
    quota.admit()
    asyncio.run(quota._tell(alarm))
    assert len(told) == 2
    now.at += REMEMBERED_SECONDS
    assert quota.reasons == ()


def test_people_and_guides_are_counted():
    quota = Quota(Limits(people=2, guides=1))

    quota.admit_document("person", 1)
    quota.admit_document("silence", 10_000)
    with pytest.raises(QuotaMet, match="people: expected at most 2"):
        quota.admit_document("person", 2)
    with pytest.raises(QuotaMet, match="guides"):
        quota.admit_document("guide", 1)


def test_streams_and_bodies_have_their_limits():
    quota = Quota(Limits(streams=2, body_kb=1))

    assert not quota.streams_full(1) and quota.streams_full(2)
    assert quota.too_large(1024) is None and "1024" in str(quota.too_large(1025))


def test_announcements_wait_and_pages_count():
    now = Hands()
    quota = Quota(Limits(messages_per_minute=2), now)
    for _ in range(3):
        quota.sent()

    assert not quota.may_announce()
    quota.held_back()
    assert quota.met["messages_per_minute"] == 1
    now.at += 60
    assert quota.may_announce()


def test_a_full_house_takes_no_alerts(tmp_path: Path):
    (tmp_path / "big").write_bytes(b"x" * 2 * 1024 * 1024)
    (tmp_path / "tenants").mkdir()
    (tmp_path / "tenants" / "theirs").write_bytes(b"x" * 2 * 1024 * 1024)
    quota = Quota(Limits(stored_mb=1))

    quota.stored_bytes = size_of(tmp_path)

    assert 2 * 1024 * 1024 <= quota.stored_bytes < 3 * 1024 * 1024
    assert "1 MB" in str(quota.admit())
    quota.set(Limits(stored_mb=10))
    assert quota.admit() is None
