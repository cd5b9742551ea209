"""Who watches the watchman: notices when a stored wake-up or an owed page is late, and says so.

It looks through its own read-only connection, from the event loop, so that a writer that hangs is noticed too. What it
finds is a reason in `/ready`, a number in `/metrics`, and a message to the configured person, sent directly.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import msgspec

from tocsin.clock import Clock, monotonic
from tocsin.ports import Store

log = logging.getLogger(__name__)

LOOK_SECONDS = 5.0
AGAIN_AFTER = timedelta(hours=1)  # a watchdog that barks every five seconds is switched off
READ_SECONDS = 20.0  # a store that does not answer a two-row question for so long is a finding itself


class Lateness(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds for which the oldest wake-up and owed page have been due; `error`: why it could not be asked."""

    wake_seconds: float = 0.0
    page_seconds: float = 0.0
    error: str = ""


Read = Callable[
    [Callable[[Store], tuple[datetime | None, datetime | None]]], Awaitable[tuple[datetime | None, datetime | None]]
]


class Watchdog:
    """`alarm(text)` tells the configured person; `late_after` is how late is too late."""

    def __init__(
        self, read: Read, clock: Clock, late_after: timedelta, alarm: Callable[[str], Awaitable[object]]
    ) -> None:
        self._read = read
        self._clock = clock
        self._late_after = late_after
        self._alarm = alarm
        self._told_at: datetime | None = None
        self.lateness = Lateness()
        self.looked_at = monotonic()

    @property
    def reasons(self) -> tuple[str, ...]:
        """What is wrong, in sentences; empty when nothing is."""
        late, limit = self.lateness, self._late_after.total_seconds()
        found = []
        if late.error:
            found.append(f"the store does not answer: {late.error}")
        if late.wake_seconds > limit:
            found.append(f"a deadline has been due for {late.wake_seconds:.0f} s")
        if late.page_seconds > limit:
            found.append(f"a page has been owed for {late.page_seconds:.0f} s")
        return tuple(found)

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """One look; whoever must know has been told when it returns."""
        self.lateness = await self._measured()
        self.looked_at = monotonic()
        if not self.reasons:
            self._told_at = None
            return
        now = self._clock.now()
        log.error("watchdog: %s", "; ".join(self.reasons))
        if self._told_at is None or now - self._told_at >= AGAIN_AFTER:
            self._told_at = now
            await self._alarm("Tocsin is late: " + "; ".join(self.reasons))

    async def _measured(self) -> Lateness:
        now = self._clock.now()
        try:
            wake_at, page_at = await asyncio.wait_for(
                self._read(lambda store: (store.next_wake(), store.next_page(now))), READ_SECONDS
            )
        except TimeoutError:
            return Lateness(error=f"no answer within {READ_SECONDS:.0f} s")
        except OSError as error:
            return Lateness(error=str(error))
        now = self._clock.now()
        return Lateness(wake_seconds=_since(wake_at, now), page_seconds=_since(page_at, now))


def _since(at: datetime | None, now: datetime) -> float:
    return max(0.0, (now - at).total_seconds()) if at else 0.0
