"""What one tenant may use of the installation, counted. Nothing is lost over a limit: senders are asked to come back.

A limit that was met is remembered for a while, so that `/ready`, `/metrics` and the tenant's own people hear of it.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

from tocsin.clock import monotonic
from tocsin.core.tenants import Limits
from tocsin.ports import QuotaMet

KIB = 1024
LOOK_SECONDS = 5.0
REMEMBERED_SECONDS = 300.0  # a limit that was met so long ago is no reason any more
AGAIN_SECONDS = 3_600.0  # one storm is told once
ENTRY_BYTES = 1_024  # of a body in another format than Alertmanager's that count as one alert

log = logging.getLogger(__name__)


class Bucket:
    """`rate` a second, at most `burst` at once; it may be overdrawn by the last one, who is paid for by the next."""

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self.rate, self.burst = rate, max(1.0, burst)
        self._left, self._counted_at = self.burst, now

    def has(self, now: float) -> bool:
        self._left = min(self.burst, self._left + max(0.0, now - self._counted_at) * self.rate)
        self._counted_at = now
        return self._left >= 1

    def take(self, count: float) -> None:
        self._left -= count

    def frees_in(self, now: float) -> float:
        """Seconds until it has something again."""
        return 0.0 if self.has(now) else (1 - self._left) / self.rate


class Quota:
    """The limits of one tenant and how they stand. `admit` and `took` belong to the loop's thread, as intake does."""

    def __init__(self, limits: Limits = Limits(), now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self.met: Counter[str] = Counter()  # limit -> how often it was met
        self._met_at: dict[str, float] = {}
        self._told_at: float | None = None
        self.stored_bytes = 0
        self.set(limits)

    @property
    def limited(self) -> bool:
        """Whether there is a limit at all."""
        return self.limits != Limits()

    def set(self, limits: Limits) -> None:
        """These limits hold from now on; what was used before is not counted again."""
        self.limits = limits
        now = self._now()
        rate, minute = limits.alerts_per_second, limits.messages_per_minute
        self._alerts = Bucket(rate, limits.burst, now) if rate else None
        self._messages = Bucket(minute / 60, minute, now) if minute else None

    # --- intake -------------------------------------------------------------------------------------------------------

    def admit(self) -> str | None:
        """Why no body can be taken now, or None. What one costs is said by `took`."""
        limits = self.limits
        if limits.stored_mb and self.stored_bytes > limits.stored_mb * KIB * KIB:
            return self._refuse("stored_mb", f"{limits.stored_mb} MB are stored, which is this organisation's limit")
        if self._alerts is not None and not self._alerts.has(self._now()):
            return self._refuse("alerts_per_second", f"more than {limits.alerts_per_second} alerts a second came")
        return None

    def too_large(self, size: int) -> str | None:
        """Why no body of this size is ever taken, or None."""
        most = self.limits.body_kb
        if not most or size <= most * KIB:
            return None
        return self._refuse("body_kb", f"body: expected at most {most * KIB} bytes, got {size}")

    def took(self, alerts: int, size: int) -> None:
        """So many alerts came; 0: it is not known how many are in a body of this size."""
        if self._alerts is not None:
            self._alerts.take(alerts or 1 + size // ENTRY_BYTES)

    @property
    def retry_after_seconds(self) -> int:
        """When a sender that was refused may succeed."""
        return min(60, 1 + int(self._alerts.frees_in(self._now()))) if self._alerts else 5

    # --- evidence -----------------------------------------------------------------------------------------------------

    def room(self) -> int | None:
        """How many more bytes may be stored; None: any number. Raises QuotaMet when there is no room."""
        most = self.limits.stored_mb
        if not most:
            return None
        left = most * KIB * KIB - self.stored_bytes
        if left <= 0:
            raise QuotaMet(self._refuse("stored_mb", f"{most} MB are stored, which is this organisation's limit"))
        return left

    def stored(self, size: int) -> None:
        """So much more is stored, before anybody has measured it."""
        self.stored_bytes += size

    # --- what goes out ------------------------------------------------------------------------------------------------

    def may_announce(self) -> bool:
        """Whether another announcement may be handed to its sender now."""
        return self._messages is None or self._messages.has(self._now())

    def held_back(self) -> None:
        """Something is to be announced and may not be, yet."""
        if not self.may_announce():
            self._refuse("messages_per_minute", "")

    def sent(self) -> None:
        """A message of any kind was handed over: pages count, and never wait."""
        if self._messages is not None:
            self._messages.take(1)

    # --- documents and streams ----------------------------------------------------------------------------------------

    def admit_document(self, kind: str, present: int) -> None:
        """Raises QuotaMet when there may be no further document of this kind. Writer thread."""
        name = _DOCUMENTS.get(kind)
        most = getattr(self.limits, name) if name else None
        if most is not None and present >= most:
            raise QuotaMet(self._refuse(str(name), f"{name}: expected at most {most}, which is the limit here"))

    def streams_full(self, open_streams: int) -> bool:
        """Whether one more event stream is too many."""
        most = self.limits.streams
        if most is None or open_streams < most:
            return False
        self._refuse("streams", "")
        return True

    # --- telling ------------------------------------------------------------------------------------------------------

    def _refuse(self, limit: str, why: str) -> str:
        self.met[limit] += 1
        self._met_at[limit] = self._now()
        return why

    @property
    def reasons(self) -> tuple[str, ...]:
        """Limits that were met lately, in sentences."""
        now = self._now()
        return tuple(
            f"the limit {name} ({getattr(self.limits, name)}) is met: {_CONSEQUENCE[name]}"
            for name, at in sorted(self._met_at.items())
            if now - at < REMEMBERED_SECONDS
        )

    async def watch(
        self, data: Path, elsewhere: Callable[[], Awaitable[int]], alarm: Callable[[str], Awaitable[object]]
    ) -> None:
        """For ever: what is stored is measured, here and `elsewhere`, and the tenant's people hear of a limit that was
        met."""
        while True:
            if self.limits.stored_mb:
                self.stored_bytes = await asyncio.to_thread(size_of, data) + await elsewhere()
                self._nearly_full()
            await self._tell(alarm)
            await asyncio.sleep(LOOK_SECONDS)

    def _nearly_full(self) -> None:
        if self.limits.stored_mb and self.stored_bytes > self.limits.stored_mb * KIB * KIB:
            self._refuse("stored_mb", "")

    async def _tell(self, alarm: Callable[[str], Awaitable[object]]) -> None:
        reasons, now = self.reasons, self._now()
        if reasons and (self._told_at is None or now - self._told_at >= AGAIN_SECONDS):
            self._told_at = now
            log.warning("quota: %s", "; ".join(reasons))
            await alarm("A limit of this organisation is met: " + "; ".join(reasons))


_DOCUMENTS = {"person": "people", "guide": "guides"}
_CONSEQUENCE = {
    "alerts_per_second": "alerts are answered 503, and their senders try again",
    "body_kb": "larger bodies are refused with 413",
    "stored_mb": "alerts are answered 503 and evidence is not taken until there is room; people can still work",
    "streams": "no more pages keep themselves up to date",
    "people": "nobody can be added",
    "guides": "no guide can be added",
    "messages_per_minute": "announcements wait their turn; pages do not",
}


def size_of(data: Path) -> int:
    """The bytes that a directory takes on disk, whatever it says its files' lengths are."""
    return sum(_blocks(data))


def _blocks(folder: Path) -> Iterator[int]:
    try:
        with os.scandir(folder) as found:
            for each in found:
                if each.is_dir(follow_symlinks=False):
                    if each.name != "tenants":  # others have limits of their own
                        yield from _blocks(Path(each.path))
                else:
                    yield each.stat(follow_symlinks=False).st_blocks * 512
    except FileNotFoundError:  # a segment that was just released
        return
