"""What Tocsin notices by itself, put together: one `Handing` for every detector, and the loops that look."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from tocsin.clock import Clock
from tocsin.core.alert import Episode
from tocsin.core.probe import Probed, since, standing, target_of
from tocsin.detect.checking import check
from tocsin.detect.handing import Handing
from tocsin.detect.logs import Logs
from tocsin.detect.prober import Prober, Watched
from tocsin.detect.queries import Queries
from tocsin.digest.fates import Fates
from tocsin.ports import Entry
from tocsin.redaction import Redactor, secrets_of
from tocsin.setting.config import Config
from tocsin.setting.prometheus import PrometheusSetting
from tocsin.wiring.reaching import allowed_by, reach_of

if TYPE_CHECKING:
    from tocsin.detect.prometheus import Prometheus


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
        self._probes, self._hosts = config.probes, config.outgoing_hosts
        self._prober: Prober | None = None
        self._prometheus = config.prometheus
        self.queries: Queries | None = None

    def work(self) -> tuple[Coroutine[Any, Any, None], ...]:
        """Called in the event loop, once."""
        reach = reach_of(self._hosts)
        self._prober = Prober(self._probes, lambda probe: check(probe, reach, self.clock), self.handing)
        if self._prometheus is None:
            return (self.logs.run(), self._prober.run())
        answers = prometheus_of(self._prometheus, self._hosts)
        self.queries = Queries(self._prometheus.queries, answers, self.clock, self.handing)
        return (self.logs.run(), self._prober.run(), self.queries.run())

    def figures(self) -> dict[str, float]:
        """For /metrics: nothing of what is not configured."""
        return {**self.logs.figures(), **(self.queries.figures() if self.queries else {})}

    def counters(self) -> dict[str, int]:
        return {**self.logs.counters(), **(self.queries.counters() if self.queries else {})}

    def probed(self) -> list[Probed]:
        """Every probe as it stands, in the order of the file."""
        return [_probed(each) for each in self._prober.watched.values()] if self._prober else []

    async def accept(self, entry: Entry) -> int:
        return await self._parts.accept(entry)

    async def firing_of(self, sources: str) -> Sequence[Episode]:
        """Asked on a reader's thread, where the writer may be waited for."""
        asking = partial(self._parts.alerts.firing_of, self.tenant, sources)
        return await asyncio.get_running_loop().run_in_executor(self._parts.readers, asking)


def prometheus_of(said: PrometheusSetting, hosts: Sequence[str]) -> Prometheus:
    """The server that is asked, where it may be called."""
    allowed = allowed_by(hosts)
    made: Prometheus = import_module("tocsin.detect.prometheus").Prometheus(  # a server that asks none loads no client
        said.url, token=said.token, user=said.user, password=said.password, allowed=allowed
    )
    return made


def _probed(watched: Watched) -> Probed:
    probe, last = watched.probe, watched.last
    return Probed(
        name=probe.name,
        kind=probe.kind,
        target=target_of(probe),
        service=probe.service,
        severity=probe.severity,
        every_seconds=probe.every_seconds,
        standing=standing(watched.states),
        since=since(watched.states),
        problems=[each.text for _, each in sorted(last.found.items()) if each] if last else [],
        looked_at=last.at if last else None,
        seconds=last.seconds if last else None,
        up=last.up if last else None,
        evidence=last.evidence if last else {},
        certificate_expires_at=last.expires_at if last else None,
        fault=watched.fault,
    )
