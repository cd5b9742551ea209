"""A few places for each destination, so that a server that hangs holds up its own pages only."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tocsin.core.people import destination

__all__ = ["PLACES_MAX", "PLACE_SECONDS", "Lanes", "destination"]

PLACES_MAX = 16  # attempts at one destination at once: a server that hangs may hold up its own pages only
PLACE_SECONDS = 20  # how long an attempt waits for a place; then it is put back, as throttled


class Lanes:
    """A few places for each destination; one that nobody uses is forgotten."""

    def __init__(self, places: int = PLACES_MAX, wait_seconds: float = PLACE_SECONDS) -> None:
        self._places = places
        self._wait_seconds = wait_seconds
        self._lanes: dict[str, tuple[asyncio.Semaphore, int]] = {}

    @asynccontextmanager
    async def place(self, name: str) -> AsyncIterator[bool]:
        """True inside, when a place was free in time; False when none was."""
        free, users = self._lanes.get(name, (asyncio.Semaphore(self._places), 0))
        self._lanes[name] = (free, users + 1)
        placed = False
        try:
            try:
                async with asyncio.timeout(self._wait_seconds):
                    placed = await free.acquire()
            except TimeoutError:
                placed = False
            yield placed
        finally:
            if placed:
                free.release()
            users = self._lanes[name][1] - 1
            if users:
                self._lanes[name] = (free, users)
            else:
                del self._lanes[name]
