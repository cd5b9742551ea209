"""The dead-man monitors of this node: beats are recorded durably, and silence is reported when its time comes.

What was agreed and what was heard are documents; what follows from them is journalled like any alert, before the
document says so. A crash in between reports the same alert again, which changes nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

import msgspec

from tocsin.clock import Clock
from tocsin.core.monitor import BEATS, MONITOR, Beats, Monitor, Signal, Step, heard, looked, missed_at
from tocsin.intake import monitor as wire
from tocsin.ports import Entry, Store
from tocsin.writer import Overloaded

T = TypeVar("T")
log = logging.getLogger(__name__)

SOURCE = "monitor"  # what the alerts are filed under
LOOK_EVERY_SECONDS = 60.0  # when nothing is due sooner; a clock that was set forward is noticed this late
RETRY_SECONDS = 1.0  # after the disk or the writer took nothing


class MonitorDeps(Protocol):
    @property
    def tenant(self) -> str: ...
    @property
    def clock(self) -> Clock: ...

    def run(self, fn: Callable[[Store], T]) -> Awaitable[T]: ...

    def read(self, fn: Callable[[Store], T]) -> Awaitable[T]: ...

    def accept(self, entry: Entry) -> Awaitable[int]:
        """Journal the entry; its position, once durable. Raises writer.Overloaded, OSError."""
        ...


class _Kept(msgspec.Struct):
    monitor: Monitor
    beats: Beats
    lock: asyncio.Lock
    unsure: bool = False  # until the next good beat: more may have been told than is stored, by us or the last process


class Monitors:
    """`load` first; then `run` as a task, `beat` for every ping. `changed` after monitors were written elsewhere."""

    def __init__(self, deps: MonitorDeps) -> None:
        self._deps = deps
        self._kept: dict[str, _Kept] = {}
        self._moved = asyncio.Event()
        self._stale = True
        self._since = deps.clock.now()

    async def load(self) -> None:
        """Every stored monitor is watched; those that were removed are not."""
        tenant = self._deps.tenant

        def stored(store: Store) -> tuple[list[tuple[str, bytes]], dict[str, bytes]]:
            return store.items(tenant, MONITOR), dict(store.items(tenant, BEATS))

        self._stale = False
        monitors, beats = await self._deps.read(stored)
        kept: dict[str, _Kept] = {}
        for name, body in monitors:
            monitor = msgspec.json.decode(body, type=Monitor)
            was = self._kept.get(name)
            if was is not None:
                was.monitor = monitor
                kept[name] = was
                continue
            said = msgspec.json.decode(beats[name], type=Beats) if name in beats else Beats()
            kept[name] = _Kept(monitor, said, asyncio.Lock(), unsure=name in beats or monitor.armed)
        self._kept = kept
        self._moved.set()

    def changed(self) -> None:
        """Monitors were written: they are read again before the next look or beat. Called in the loop's thread."""
        self._stale = True
        self._moved.set()

    async def beat(self, name: str, signal: Signal, *, code: int | None = None, text: str = "") -> bool:
        """The beat is recorded durably, and so is what follows from it. False: no monitor is called so.

        Raises writer.Overloaded or OSError when nothing could be recorded.
        """
        if self._stale:
            await self.load()
        kept = self._kept.get(name)
        if kept is None:
            return False
        async with kept.lock:
            now = self._deps.clock.now()
            await self._take(
                kept, heard(kept.monitor, kept.beats, signal, now, code=code, text=text, unsure=kept.unsure)
            )
        self._moved.set()
        return True

    async def look(self) -> None:
        """Every monitor whose beat is missed by now is down, and reported."""
        if self._stale:
            await self.load()
        for kept in list(self._kept.values()):
            async with kept.lock:
                now = self._deps.clock.now()
                not_before = self._since + timedelta(seconds=kept.monitor.grace_seconds)
                step = looked(kept.monitor, kept.beats, now, not_before=not_before, unsure=kept.unsure)
                if step.beats != kept.beats or step.report is not None:
                    await self._take(kept, step)

    def next_look(self) -> datetime | None:
        """When the next beat will be missed, or None. A restart gives each monitor its grace to be heard again."""
        due = [
            max(missed, self._since + timedelta(seconds=kept.monitor.grace_seconds))
            for kept in self._kept.values()
            if (missed := missed_at(kept.monitor, kept.beats)) is not None
        ]
        return min(due, default=None)

    async def run(self) -> None:
        """Looks whenever something is due, until cancelled."""
        while True:
            wait = LOOK_EVERY_SECONDS
            try:
                await self.look()
                due = self.next_look()
                if due is not None:
                    wait = min(wait, max(0.0, (due - self._deps.clock.now()).total_seconds()))
            except (Overloaded, OSError) as error:
                log.warning("dead-man monitors: nothing could be recorded, trying again: %s", error)
                wait = RETRY_SECONDS
            self._moved.clear()
            try:
                await asyncio.wait_for(self._moved.wait(), wait)
            except TimeoutError:
                continue

    async def _take(self, kept: _Kept, step: Step) -> None:
        tenant, name = self._deps.tenant, kept.monitor.id
        if step.report is not None:
            entry = Entry(
                position=0,
                tenant=tenant,
                source=SOURCE,
                kind=wire.KIND,
                received_at=self._deps.clock.now(),
                body=wire.body([step.report]),
            )
            kept.unsure = True  # until the document says so as well
            await self._deps.accept(entry)
        await self._deps.run(lambda store: store.put(tenant, BEATS, name, msgspec.json.encode(step.beats)))
        kept.beats = step.beats
        if step.report is not None:
            kept.unsure = False


def stored_monitors(store: Store, tenant: str) -> list[tuple[Monitor, Beats]]:
    """Every monitor and what was heard of it, for listings."""
    beats = dict(store.items(tenant, BEATS))
    return [
        (
            msgspec.json.decode(body, type=Monitor),
            msgspec.json.decode(beats[name], type=Beats) if name in beats else Beats(),
        )
        for name, body in store.items(tenant, MONITOR)
    ]
