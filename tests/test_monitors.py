from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import msgspec
import pytest

from tocsin.clock import ManualClock
from tocsin.core.alert import Report
from tocsin.core.monitor import MONITOR, Monitor, standing
from tocsin.intake import formats
from tocsin.monitors import Monitors, stored_monitors
from tocsin.ports import DEFAULT_TENANT, Entry, Store
from tocsin.store.memory import MemoryStore

T = TypeVar("T")
T0 = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


class Node:
    """`deps` of the monitors over a memory store; `restart` forgets everything that is not stored."""

    tenant = DEFAULT_TENANT

    def __init__(self) -> None:
        self.clock = ManualClock(T0)
        self.store = MemoryStore(self.clock)
        self.reports: list[Report] = []
        self.crash_after_journal = False
        self.monitors = Monitors(self)

    def watch(self, name: str = "backup", *, every: int = 3600, grace: int = 600) -> None:
        monitor = Monitor(id=name, every_seconds=every, grace_seconds=grace, created_at=self.clock.now())
        self.store.put(self.tenant, MONITOR, name, msgspec.json.encode(monitor))
        self.monitors.changed()

    def restart(self) -> None:
        self.monitors = Monitors(self)

    async def run(self, fn: Callable[[Store], T]) -> T:
        if self.crash_after_journal:
            raise OSError("killed")
        return fn(self.store)

    async def read(self, fn: Callable[[Store], T]) -> T:
        return fn(self.store)

    async def accept(self, entry: Entry) -> int:
        self.reports += formats.parse(entry)
        return len(self.reports)

    def standings(self) -> dict[str, str]:
        now = self.clock.now()
        return {each.id: standing(each, beats, now) for each, beats in stored_monitors(self.store, self.tenant)}


def test_silence_is_reported_once_when_its_time_comes() -> None:
    async def story() -> None:
        node = Node()
        node.watch()
        assert await node.monitors.beat("backup", "alive")
        assert node.monitors.next_look() == T0 + minutes(70)
        node.clock.advance(minutes(69))
        await node.monitors.look()
        assert node.reports == []
        node.clock.advance(minutes(1))
        await node.monitors.look()
        await node.monitors.look()

        (report,) = node.reports
        assert (report.action, report.starts_at) == ("fire", T0 + minutes(70))
        assert node.monitors.next_look() is None
        assert node.standings() == {"backup": "down"}

    asyncio.run(story())


def test_a_restart_forgets_nothing() -> None:
    async def story() -> None:
        node = Node()
        node.watch()
        await node.monitors.beat("backup", "alive")
        node.clock.advance(minutes(75))
        await node.monitors.look()
        node.restart()
        await node.monitors.look()
        await node.monitors.beat("backup", "alive")

        assert [(report.action, report.starts_at) for report in node.reports] == [
            ("fire", T0 + minutes(70)),
            ("resolve", T0 + minutes(70)),
        ]

    asyncio.run(story())


def test_after_an_outage_of_ours_everybody_gets_the_grace_to_be_heard() -> None:
    async def story() -> None:
        node = Node()
        node.watch("heard")
        node.watch("silent")
        await node.monitors.beat("heard", "alive")
        await node.monitors.beat("silent", "alive")
        node.clock.advance(minutes(300))
        node.restart()
        await node.monitors.look()
        assert node.reports == []
        await node.monitors.beat("heard", "alive")
        node.clock.advance(minutes(10))
        await node.monitors.look()

        assert [report.labels["monitor"] for report in node.reports if report.action == "fire"] == ["silent"]

    asyncio.run(story())


def test_a_crash_between_journal_and_document_tells_the_same_alert_again() -> None:
    async def story() -> None:
        node = Node()
        node.watch()
        await node.monitors.beat("backup", "alive")
        node.clock.advance(minutes(75))
        node.crash_after_journal = True
        with pytest.raises(OSError, match="killed"):
            await node.monitors.look()
        node.crash_after_journal = False
        node.restart()
        node.clock.advance(minutes(10))
        await node.monitors.look()

        first, second = node.reports
        assert first == second

    asyncio.run(story())


def test_a_beat_after_a_crash_clears_an_alert_that_only_the_journal_knows() -> None:
    async def story() -> None:
        node = Node()
        node.watch()
        await node.monitors.beat("backup", "alive")
        node.clock.advance(minutes(75))
        node.crash_after_journal = True
        with pytest.raises(OSError, match="killed"):
            await node.monitors.look()
        node.crash_after_journal = False
        node.restart()
        node.clock.advance(minutes(1))
        await node.monitors.beat("backup", "alive")
        await node.monitors.beat("backup", "alive")

        assert [report.action for report in node.reports] == ["fire", "resolve"]
        assert node.reports[1].fingerprint == node.reports[0].fingerprint

    asyncio.run(story())


def test_a_monitor_that_is_removed_is_watched_no_more() -> None:
    async def story() -> None:
        node = Node()
        node.watch()
        await node.monitors.beat("backup", "alive")
        node.store.delete(node.tenant, MONITOR, "backup")
        node.monitors.changed()
        node.clock.advance(minutes(300))
        await node.monitors.look()

        assert node.reports == []
        assert not await node.monitors.beat("backup", "alive")

    asyncio.run(story())


def test_the_loop_looks_when_something_is_due_and_after_every_beat() -> None:
    async def story() -> None:
        node = Node()
        node.watch(every=10, grace=0)
        looking = asyncio.create_task(node.monitors.run())
        await node.monitors.beat("backup", "alive")
        await asyncio.sleep(0)
        node.clock.advance(timedelta(seconds=10))
        await node.monitors.beat("other", "alive")
        node.monitors.changed()
        for _ in range(20):
            await asyncio.sleep(0)
        looking.cancel()

        assert [report.action for report in node.reports] == ["fire"]

    asyncio.run(story())
