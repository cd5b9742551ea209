"""Who is on call is written down as it passes: each minute where somebody changed, each hour where nobody did."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from tocsin.guides import Guides
from tocsin.oncall.record import advance
from tocsin.ports import Store
from tocsin.writer import Overloaded

LOOK_SECONDS = 60.0  # a shift that ended is written down so late at most; nothing is lost if it is later

log = logging.getLogger(__name__)


class Rota:
    """`run` runs a function on the writer thread."""

    def __init__(self, run: Callable[[Callable[[Store], Any]], Awaitable[Any]], guides: Guides, tenant: str) -> None:
        self._run = run
        self._guides = guides
        self._tenant = tenant

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Every schedule's record is as of now, or less than an hour old with nobody changed since."""
        try:
            await self._run(self._record)
        except Overloaded as error:  # deadlines and intake go first; the next look writes it all
            log.info("on call: not written down yet, %s", error)

    def _record(self, store: Store) -> None:
        now = store.now()
        for name, schedule in self._guides.directory(self._tenant).schedules.items():
            advance(store, self._tenant, name, schedule, now, always=False)
