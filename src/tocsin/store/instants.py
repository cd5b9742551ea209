"""Instants as the stores keep them: microseconds since the epoch."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def us(at: datetime) -> int:
    """Exact, unlike `timestamp()`, which goes through a float. `at` is aware."""
    return (at - _EPOCH) // _MICROSECOND


def us_or_none(at: datetime | None) -> int | None:
    return None if at is None else us(at)


def instant(value: int) -> datetime:
    return _EPOCH + timedelta(microseconds=value)


def instant_or_none(value: int | None) -> datetime | None:
    return None if value is None else instant(value)
