"""Keeps something outside in step with incidents: each change is followed, however often that fails.

What is outside may be slow or down. An incident never waits for it: a change only marks the incident, and whoever
follows looks at what it is now, not at what happened meanwhile.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Protocol, TypeVar

import msgspec

from tocsin.clock import monotonic
from tocsin.core.facts import OPEN_STATUSES
from tocsin.engine import Engine
from tocsin.ports import Conflict, Store
from tocsin.writer import Overloaded

T = TypeVar("T")
log = logging.getLogger(__name__)

AT_ONCE_MAX = 4  # incidents that are followed at the same time: these services take about one call a second
QUIET_SECONDS = 0.2  # changes that come together are followed once
PAGE = 200  # incidents of one look into the store at the start
FAILED_SECONDS = 5.0  # after the store could not be asked
STOP_SECONDS = 2.0


class FollowerDeps(Protocol):
    @property
    def tenant(self) -> str: ...
    @property
    def engine(self) -> Engine: ...
    def run(self, fn: Callable[[Store], T]) -> Awaitable[T]: ...


class Version(msgspec.Struct, frozen=True):
    """The part of an incident's summary that says how far it is."""

    version: int


class Follower:
    """`follow(incident)` brings what is outside up to date; it returns in how many seconds to look again, or None.

    `seen(store)`: up to which version each incident was followed, so that a restart follows what is behind.
    """

    def __init__(
        self,
        deps: FollowerDeps,
        name: str,
        follow: Callable[[str], Awaitable[float | None]],
        seen: Callable[[Store], dict[str, int]],
    ) -> None:
        self._deps = deps
        self._name = name
        self._follow = follow
        self._seen = seen
        self._due: list[tuple[float, str]] = []
        self._waiting: dict[str, float] = {}
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()
        self._wake = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def changed(self, tenant: str, stream: str, version: int) -> None:
        """The incident changed. From any thread."""
        loop = self._loop
        if loop is not None and not loop.is_closed() and tenant == self._deps.tenant:
            loop.call_soon_threadsafe(self._mark, stream, QUIET_SECONDS)

    @property
    def idle(self) -> bool:
        """Whether nothing is under way or due soon."""
        return not self._busy and not any(at <= monotonic() + 1 for at in self._waiting.values())

    async def run(self) -> None:
        """Follow until cancelled."""
        self._loop = asyncio.get_running_loop()
        for stream in await self._behind():
            self._mark(stream, 0)
        try:
            while True:
                self._wake.clear()
                self._begin_due()
                next_at = self._due[0][0] - monotonic() if self._due else 60.0
                try:
                    async with asyncio.timeout(max(0.01, next_at)):
                        await self._wake.wait()
                except TimeoutError:
                    continue
        finally:
            await self._stopped()

    async def _behind(self) -> list[str]:
        """The incidents that changed since they were followed last, and the open ones that never were."""

        def look(store: Store) -> list[str]:
            seen = self._seen(store)
            found = []
            for stream, version in seen.items():
                row = store.index(self._deps.tenant, stream)
                if row and msgspec.json.decode(row.summary, type=Version).version > version:
                    found.append(stream)
            cursor: str | None = None
            while True:
                rows, cursor = store.listing(
                    self._deps.tenant, statuses=sorted(OPEN_STATUSES), limit=PAGE, cursor=cursor
                )
                found += [row.incident for row in rows if row.incident not in seen]
                if cursor is None:
                    return found

        return await self._deps.run(look)

    def _mark(self, stream: str, seconds: float) -> None:
        if stream in self._busy:
            self._again.add(stream)
            return
        at = monotonic() + seconds
        if at < self._waiting.get(stream, float("inf")):
            self._waiting[stream] = at
            heapq.heappush(self._due, (at, stream))
            self._wake.set()

    def _begin_due(self) -> None:
        while self._due and len(self._busy) < AT_ONCE_MAX and self._due[0][0] <= monotonic():
            at, stream = heapq.heappop(self._due)
            if self._waiting.get(stream) == at:
                del self._waiting[stream]
                task = asyncio.create_task(self._one(stream), name=f"{self._name} {stream}")
                self._busy[stream] = task
                task.add_done_callback(partial(self._ended, stream))

    async def _one(self, stream: str) -> None:
        try:
            seconds = await self._follow(stream)
        except (Overloaded, Conflict, OSError) as error:
            log.warning("%s: incident %s could not be followed now: %s", self._name, stream, error)
            seconds = FAILED_SECONDS
        if seconds is not None:
            self._look_again(stream, seconds)

    def _look_again(self, stream: str, seconds: float) -> None:
        at = monotonic() + seconds
        self._waiting[stream] = at
        heapq.heappush(self._due, (at, stream))

    def _ended(self, stream: str, task: asyncio.Task[None]) -> None:
        self._busy.pop(stream, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("%s: following incident %s failed", self._name, stream, exc_info=error)
        if stream in self._again:
            self._again.discard(stream)
            self._mark(stream, QUIET_SECONDS)
        self._wake.set()

    async def _stopped(self) -> None:
        tasks = list(self._busy.values())
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=STOP_SECONDS)
            for task in late:
                task.cancel()
