"""What Tocsin notices by itself, put together: one `Handing` for every detector, and the loops that look."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Protocol

from tocsin.clock import Clock
from tocsin.core.alert import Episode
from tocsin.detect.handing import Handing
from tocsin.detect.logs import Logs
from tocsin.digest.fates import Fates
from tocsin.ports import Entry
from tocsin.redaction import Redactor, secrets_of
from tocsin.setting.config import Config


class Parts(Protocol):
    alerts: Fates
    tenant: str
    readers: ThreadPoolExecutor
    config: Config

    @property
    def clock(self) -> Clock: ...

    async def accept(self, entry: Entry) -> int: ...


class Detecting:
    """`work()` are the loops of everything that detects; they run until cancelled."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.tenant, self.clock = parts.tenant, parts.clock
        self.handing = Handing(self)
        config = parts.config
        redact = Redactor(secrets_of(config))
        self.logs = Logs(config.logs, config.data / "logs", self.clock, redact, self.handing)

    def work(self) -> tuple[Coroutine[Any, Any, None], ...]:
        return (self.logs.run(),)

    def figures(self) -> dict[str, float]:
        """For /metrics: nothing of what is not configured."""
        return self.logs.figures()

    def counters(self) -> dict[str, int]:
        return self.logs.counters()

    async def accept(self, entry: Entry) -> int:
        return await self._parts.accept(entry)

    async def firing_of(self, sources: str) -> Sequence[Episode]:
        """Asked on a reader's thread, where the writer may be waited for."""
        asking = partial(self._parts.alerts.firing_of, self.tenant, sources)
        return await asyncio.get_running_loop().run_in_executor(self._parts.readers, asking)
