"""The probes of this node: each is looked at in its own rhythm, and what is down is handed in as an alert.

Nothing of a probe is stored but its alert: after a restart it is down if its alert fires, and otherwise has to fail
its number of times in a row like any other. Beginnings are spread, and at most `LOOKS_MAX` looks are under way at once.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import msgspec

from tocsin.core.probe import Look, Probe, Problem, State, after, alerts, resumed, subject_of
from tocsin.detect.handing import Finding, Handing
from tocsin.writer import Overloaded

SOURCE = "probe:"  # what the names of sources begin with
LOOKS_MAX = 20  # at once; the rest wait for their turn, which their timeout does not count
SPREAD_SECONDS = 30.0  # the longest wait for a first look
RETRY_SECONDS = 5.0  # after what fires could not be read at a start
JITTER = 0.05  # of `every`, either way, so that probes that began together drift apart

log = logging.getLogger(__name__)


class Watched(msgspec.Struct):
    """A probe, and what is known of it. `fault`: why the last look did not happen, which is a fault of ours."""

    probe: Probe
    states: dict[str, State] = {}
    last: Look | None = None
    fault: str = ""


class Prober:
    """`run` as a task. `look` is one look at a probe; `chance` a number from 0 to 1."""

    def __init__(
        self,
        probes: Sequence[Probe],
        look: Callable[[Probe], Awaitable[Look]],
        handing: Handing,
        *,
        chance: Callable[[], float] = random.random,
        retry_seconds: float = RETRY_SECONDS,
    ) -> None:
        self.watched = {each.name: Watched(probe=each) for each in probes}
        self._look, self._handing, self._chance = look, handing, chance
        self._retry_seconds = retry_seconds
        self._turns = asyncio.Semaphore(LOOKS_MAX)

    async def run(self) -> None:
        """Every probe is looked at when it is due, until cancelled."""
        while not await self._resumed():
            await asyncio.sleep(self._retry_seconds)
        async with asyncio.TaskGroup() as tasks:
            for each in self.watched.values():
                tasks.create_task(self._keep(each))

    async def _resumed(self) -> bool:
        try:
            await self.resume()
        except (Overloaded, OSError) as error:  # TimeoutError is one: the writer reads the journal again
            log.warning("probes: what fires could not be read, trying again: %s", str(error) or type(error).__name__)
            return False
        return True

    async def resume(self) -> None:
        """What fired before the restart is known; the alerts of probes that are configured no more end."""
        await self._handing.load(SOURCE)
        for source in self._handing.sources(SOURCE):
            watched = self.watched.get(source.removeprefix(SOURCE))
            if watched is None:
                await self._tell(source, [], timedelta(0))
                continue
            for said in self._handing.opened(source):
                problem = Problem(
                    text=said.annotations.get("summary", "").removeprefix(f"{watched.probe.name} "),
                    severity=said.labels.get("severity"),
                )
                watched.states[subject_of(said.labels)] = resumed(said.since, problem)

    async def once(self, name: str) -> None:
        """The probe is looked at now, and what follows is told. A fault of ours is logged, and stops nobody else."""
        watched = self.watched[name]
        async with self._turns:
            looking = asyncio.ensure_future(self._followed(watched))
            try:
                await asyncio.wait({looking})
            finally:
                looking.cancel()
        error = looking.exception()
        watched.fault = f"{type(error).__name__}: {error}" if error else ""
        if error:
            log.error("probe %s could not look: %s", name, watched.fault, exc_info=error)

    async def _followed(self, watched: Watched) -> None:
        probe, look = watched.probe, await self._look(watched.probe)
        watched.last, watched.states = look, after(probe, watched.states, look)
        said = [
            Finding(labels=each.labels, annotations=each.annotations, since=each.since)
            for each in alerts(probe, watched.states, look)
        ]
        await self._tell(f"{SOURCE}{probe.name}", said, timedelta(seconds=probe.every_seconds))

    async def _keep(self, watched: Watched) -> None:
        every = watched.probe.every_seconds
        await asyncio.sleep(self._chance() * min(every, SPREAD_SECONDS))
        loop = asyncio.get_running_loop()
        while True:
            begun = loop.time()
            await self.once(watched.probe.name)
            wait = every * (1 + JITTER * (2 * self._chance() - 1))
            await asyncio.sleep(max(0.0, begun + wait - loop.time()))

    async def _tell(self, source: str, findings: Sequence[Finding], every: timedelta) -> None:
        try:
            await self._handing.tell(source, findings, every=every)
        except (Overloaded, OSError) as error:
            log.warning("%s: nothing could be recorded, the next look says it again: %s", source, error)
