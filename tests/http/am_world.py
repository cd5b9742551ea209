"""A server that speaks Alertmanager's API over the real store, with an alert table simple enough to be seen correct."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import msgspec

from tests.listening import Listening, http_client
from tocsin.clock import Clock, ManualClock
from tocsin.core.alert import Episode, fingerprint_of
from tocsin.core.policy import Escalation, Inhibition, Level, Policy, Route, Severity
from tocsin.core.routing import compile_policies
from tocsin.core.silence import maintenance_mutes, mutes
from tocsin.core.triage import Context, source_fired, verdict
from tocsin.guides import Guides
from tocsin.http import auth
from tocsin.http.alertmanager import AlertmanagerApp
from tocsin.http.asgi import Answer
from tocsin.http.deps import Health
from tocsin.http.silences import maintenance_windows, silences
from tocsin.http.sources import Source, Sources, token_digest
from tocsin.intake.postable import PostableReader, answer, labels_of
from tocsin.ports import DEFAULT_TENANT, Store
from tocsin.store.sqlite import SqliteStore

T = TypeVar("T")
T0 = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SOURCE_TOKEN = "0123456789abcdef0123456789abcdef"

POLICY = Policy(
    title="How we respond",
    severities=(Severity(id="SEV-0", rank=0), Severity(id="SEV-1", rank=1)),
    escalation=Escalation(levels=(Level(level=1, who=("ana",)),)),
    escalations={"database": Escalation(levels=(Level(level=1, who=("ben",)),))},
    routes=(
        Route(name="db", matchers=('team="db"',), escalation="database", correlate_by=("alertname",)),
        Route(name="checkout", matchers=('service="checkout"',), service="checkout"),
        Route(name="dev", matchers=('env="dev"',), page=False),
    ),
    inhibitions=(
        Inhibition(
            source_matchers=('alertname="ClusterDown"',), target_matchers=('severity="warning"',), equal=("cluster",)
        ),
    ),
)


class Table:
    """Episodes in a dictionary; every alert is judged on arrival. Implements http.alertlist.AlertReader."""

    def __init__(self) -> None:
        self.episodes: dict[str, Episode] = {}
        self.asked: list[dict[str, str]] = []
        self._reader = PostableReader()

    def firing(self, store: Store, tenant: str, now: datetime, equal: Mapping[str, str]) -> Iterable[Episode]:
        self.asked.append(dict(equal))
        return [each for each in self.episodes.values() if each.ends_at is None or each.ends_at > now]

    def post(self, body: bytes, source: str, now: datetime, context: Context) -> Answer:
        reading = self._reader.read(body, (now - EPOCH) // timedelta(microseconds=1))
        for posted in reading.posted:
            labels = labels_of(posted)
            fingerprint = fingerprint_of(labels)
            raw = bytes(posted.raw_annotations)
            url = bytes(posted.raw_url)
            starts = EPOCH + timedelta(microseconds=posted.starts_us) if posted.starts_us else now
            self.episodes[fingerprint] = Episode(
                fingerprint=fingerprint,
                labels=labels,
                annotations=msgspec.json.decode(raw, type=dict[str, str]) if raw else {},
                starts_at=starts,
                ends_at=EPOCH + timedelta(microseconds=posted.ends_us),
                timeout=posted.timeout,
                updated_at=now,
                source=source,
                url=msgspec.json.decode(url, type=str) if url else "",
            )
        firing = [each for each in self.episodes.values() if each.ends_at and each.ends_at > now]
        for each in firing:
            source_fired(context, each.labels, each.fingerprint)
        for each in firing:
            each.verdict = verdict(context, each.labels, each.fingerprint, each.starts_at, now)
        status, told = answer(reading)
        return Answer(status=status, body=told, content_type="application/json" if told else "")


class AmWorld:
    """`deps` of the Alertmanager API."""

    tenant = DEFAULT_TENANT
    version = "0.1.0"

    def __init__(self, folder: Path, clock: Clock | None = None, *, loopback: bool = True) -> None:
        self.clock = clock or ManualClock(T0)
        self.started_at = self.clock.now()
        self.loopback = loopback
        self.store = SqliteStore(folder / "tocsin.db", self.clock)
        self.sources = Sources(
            [Source(name="prom", kind="alertmanager", token_sha256=token_digest(SOURCE_TOKEN), tenant=self.tenant)]
        )
        self.alerts = Table()
        self.reasons: tuple[str, ...] = ()
        self.told: list[str] = []
        self._writer = ThreadPoolExecutor(1, initializer=self.store.own)
        self.do(lambda store: Guides(store).activate(self.tenant, "main", POLICY))

    def do(self, fn: Callable[[Store], T]) -> T:
        return self._writer.submit(fn, self.store).result()

    async def run(self, fn: Callable[[Store], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._writer, fn, self.store)

    async def read(self, fn: Callable[[Store], T]) -> T:
        def reading() -> T:
            with self.store.reading() as snapshot:
                return fn(snapshot)

        return await asyncio.get_running_loop().run_in_executor(None, reading)

    async def caught_up(self) -> bool:
        return True

    def health(self) -> Health:
        return Health(reasons=self.reasons)

    def changed(self, kind: str) -> None:
        self.told.append(kind)

    async def accept_alerts(self, tenant: str, source: str, body: bytes) -> Answer:
        now = self.clock.now()
        return self.do(lambda store: self.alerts.post(body, source, now, self._context(store, now)))

    def _context(self, store: Store, now: datetime) -> Context:
        guides = [(guide.name, guide.policy) for guide in Guides(store).active(self.tenant)]
        return Context(
            compiled=compile_policies(guides),
            silences=mutes(silences(store, self.tenant), now),
            maintenance=maintenance_mutes(maintenance_windows(store, self.tenant), now),
            firing_sources={},
        )

    def token(self, role: auth.Role) -> str:
        issued = auth.issue("ana", role, self.clock.now(), name="test")
        self.do(lambda store: auth.save(store, self.tenant, "token", issued.record))
        return issued.text

    def close(self) -> None:
        self._writer.shutdown()
        self.store.close()


class Serving:
    """An ASGI app on a port the kernel chose."""

    def __init__(self, app: Any) -> None:
        self._clients: list[httpx2.Client] = []
        self._listening = Listening(app)
        self._listening.start()
        self.url = self._listening.url

    def client(self, **headers: str) -> httpx2.Client:
        client = http_client(base_url=self.url, headers=headers, timeout=10)
        self._clients.append(client)
        return client

    def stop(self) -> None:
        for client in self._clients:
            client.close()
        self._listening.stop()


def am_server(world: AmWorld) -> Serving:
    return Serving(AlertmanagerApp(world))
