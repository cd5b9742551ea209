"""The daily look at readiness: what it finds goes to the log and to /metrics."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from tocsin.clock import Clock
from tocsin.core.readiness import Gap
from tocsin.writer import Overloaded

EVERY = timedelta(days=1)
LOOK_SECONDS = 60.0  # how often it is asked whether a day has passed; a suspended machine looks soon after it wakes
LOGGED_MAX = 5  # errors named in the log; all findings are counted, and `tocsin readiness` names them

log = logging.getLogger(__name__)


class Vigil:
    """`found` is what the last look found, None before the first; `look` reads it where the directory may be read."""

    def __init__(self, look: Callable[[], Awaitable[list[Gap]]], clock: Clock) -> None:
        self._look = look
        self._clock = clock
        self._looked_at: datetime | None = None
        self.found: list[Gap] | None = None

    async def run(self) -> None:
        """Looks once at the start and then once a day, until cancelled."""
        while True:
            await self.look_if_due()
            await asyncio.sleep(LOOK_SECONDS)

    async def look_if_due(self) -> bool:
        """Whether a day had passed, and everything that was found is logged."""
        now = self._clock.now()
        if self._looked_at is not None and self._looked_at <= now < self._looked_at + EVERY:
            return False
        try:
            self.found = await self._look()
        except Overloaded as error:  # deadlines and intake go first; there is time
            log.info("readiness: not looked at, %s", error)
            return False
        self._looked_at = now
        errors = [gap for gap in self.found if gap.level == "error"]
        warnings = sum(gap.level == "warning" for gap in self.found)
        if errors or warnings:
            log.warning("readiness: %d errors, %d warnings: tocsin readiness", len(errors), warnings)
        else:
            log.info("readiness: everybody that the guides name can be reached")
        for gap in errors[:LOGGED_MAX]:
            log.warning("readiness: %s%s", f"{gap.guide}: " if gap.guide else "", gap.text)
        return True

    def figures(self) -> dict[str, float]:
        """For /metrics: nothing before the first look."""
        if self.found is None:
            return {}
        errors = sum(gap.level == "error" for gap in self.found)
        return {"readiness_errors": errors, "readiness_warnings": sum(gap.level == "warning" for gap in self.found)}
