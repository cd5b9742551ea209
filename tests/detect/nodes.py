"""What a detector is given, over a real digest whose clock is in the test's hands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import datetime, timedelta
from typing import Any

from tests.digesting import TENANT, World
from tocsin.core.alert import Episode
from tocsin.detect.handing import Finding, Handing
from tocsin.digest.fates import Fates
from tocsin.intake.formats import FORMATS
from tocsin.ports import Entry

MINUTE = timedelta(minutes=1)


class Node:
    """`deps` of a handing over a real digest; `restart` forgets everything that is not stored."""

    tenant = TENANT

    def __init__(self) -> None:
        self.world = World()
        self.clock = self.world.clock
        self.full = False
        self.entries: list[Entry] = []
        self.handing = Handing(self)

    async def restart(self) -> None:
        self.world.crash()
        self.handing = Handing(self)
        await self.handing.load("probe:")

    async def accept(self, entry: Entry) -> int:
        if self.full:
            raise OSError("the disk is full")
        self.entries.append(entry)
        accepted = self.world.accept(entry.body, entry.kind, entry.source)
        self.world.run()
        return accepted.position

    async def firing_of(self, sources: str) -> Sequence[Episode]:
        parsers = {name: each.parse for name, each in FORMATS.items()}
        return Fates(self.world.digest, self.world.store, self.world.journal, parsers, at_once).firing_of(
            TENANT, sources
        )

    async def tell(self, *findings: Finding, source: str = "probe:web") -> None:
        await self.handing.tell(source, findings, every=MINUTE)

    def after(self, span: timedelta) -> datetime:
        now = self.clock.advance(span)
        self.world.run()
        return now

    def statuses(self) -> list[str]:
        return [each.status for each in self.world.incidents()]


def at_once(task: Callable[[], Any]) -> Future[Any]:
    future: Future[Any] = Future()
    future.set_result(task())
    return future
