"""When an attempt that failed is made again. Pure: the jitter comes from a seed, so that a decision can be replayed."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Protocol

import msgspec

DELAYS: tuple[timedelta, ...] = tuple(
    timedelta(seconds=seconds) for seconds in (5, 15, 30, 60, 120, 180, 300, 300, 300, 300, 300, 300)
)
"""Wait after the 1st, 2nd ... failed attempt. Most outages of a mail server or a relay are a restart (seconds), the
rest are minutes: the sum is 37 minutes, so an outage of 20 minutes never loses a page, and one that lasts longer is
given up while somebody can still be reached another way."""

ATTEMPTS_MAX = len(DELAYS) + 1
JITTER = 0.2  # of the wait, added or taken away: a relay that comes back must not meet everybody at one instant
RETRY_AFTER_MAX = timedelta(minutes=5)  # the longest wait a provider may ask for; a page is no newsletter


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """How long a message is tried: `delays` after the 1st, 2nd ... failed attempt, then it is given up."""

    delays: tuple[timedelta, ...]
    retry_after_max: timedelta


PAGE = Patience(delays=DELAYS, retry_after_max=RETRY_AFTER_MAX)
ANNOUNCEMENT = Patience(
    delays=(*DELAYS[:5], *(timedelta(minutes=wait) for wait in (5, 10, 20, 30, 60, 60, 120, 120, 240))),
    retry_after_max=timedelta(hours=1),
)
"""News is late after hours, and useless after a day: the sum is 11 hours. Nobody waits for its acknowledgement, so what
a provider asks for is honoured much longer than for a page."""

HOOK = Patience(
    delays=tuple(timedelta(seconds=wait) for wait in (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)),
    retry_after_max=timedelta(days=1),
)
"""A program that was down over a weekend still wants to know: three days and some hours in all.
Source: standard-webhooks/standard-webhooks spec, its schedule of retries."""


class Failed(Protocol):
    """The part of a receipt that decides (`ports.Receipt` is one)."""

    @property
    def code(self) -> str: ...
    @property
    def permanent(self) -> bool: ...
    @property
    def retry_after_seconds(self) -> int | None: ...


def retry_at(attempt: int, receipt: Failed, now: datetime, seed: str, patience: Patience = PAGE) -> datetime | None:
    """When this method is tried again after failed attempt number `attempt` (from 1), or None: it is given up.

    A permanent failure is given up at once. What the provider asks for (`Retry-After`) is honoured up to
    `patience.retry_after_max`, and never shortens the wait. `seed`: the message's id; equal arguments give equal
    instants.
    """
    if receipt.permanent or receipt.code == "sent" or attempt > len(patience.delays):
        return None
    number = max(1, attempt)
    wait = patience.delays[number - 1] * (1 + JITTER * _between(seed, number))
    asked = timedelta(
        seconds=max(0, min(receipt.retry_after_seconds or 0, int(patience.retry_after_max.total_seconds())))
    )
    return now + max(wait, asked)


def _between(seed: str, attempt: int) -> float:
    """A number in [-1, 1) that is the same for the same page and attempt."""
    text = f"{seed}/{attempt}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest()) / 2**63 - 1
