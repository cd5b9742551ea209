"""A real server for tests of the faces: the engine over an SQLite store, a writer thread, a free port."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import msgspec

from tests.http.keeping import Kept, setting
from tests.listening import Listening, http_client
from tocsin import acting
from tocsin.approvers import Approvers
from tocsin.audit import audited
from tocsin.auditport import Protection
from tocsin.clock import ManualClock
from tocsin.core.alert import Verdict
from tocsin.core.binding import Binding
from tocsin.core.facts import AlertName
from tocsin.core.people import Method, Person, Service
from tocsin.core.policy import Cadence, Deadline, Escalation, FollowUp, Level, Policy, Review, Severity, Trigger
from tocsin.core.probe import Probed
from tocsin.core.sight import NOBODY
from tocsin.engine import Engine, Group
from tocsin.evidence.keys import KeyFile
from tocsin.http import auth
from tocsin.http.api import Faces
from tocsin.http.deps import Explained, Health
from tocsin.http.status import StatusApp, is_status
from tocsin.http.status_forms import Forms
from tocsin.http.statuspage import ManageApp
from tocsin.http.tenancy import Tenancy
from tocsin.identity.box import Box
from tocsin.identity.hashing import Hasher
from tocsin.identity.identity import Identity
from tocsin.ports import DEFAULT_TENANT, Receipt, Store
from tocsin.saying.composing import Announcer
from tocsin.setting.access import AccessSetting
from tocsin.sighted import asked
from tocsin.status.board import KINDS, Board
from tocsin.status.subscribers import Subscribers
from tocsin.status.watch import Watch
from tocsin.store.sqlite import SqliteStore
from tocsin.verifier import Report
from tocsin.web import routes as web

T = TypeVar("T")
T0 = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)

POLICY = Policy(
    title="How we respond",
    review=Review(checklist=("Invite everybody",)),
    follow_ups=(FollowUp(text="a summary", audience="customers", within=Deadline(business_days=2)),),
    severities=(
        Severity(
            id="SEV-0",
            name="Critical",
            rank=0,
            respond_within=Deadline(seconds=300),
            resolve_within=Deadline(seconds=3600),
        ),
        Severity(
            id="SEV-1",
            name="Major",
            rank=1,
            respond_within=Deadline(seconds=900),
            resolve_within=Deadline(seconds=14400),
        ),
        Severity(id="SEV-2", name="Minor", rank=2, respond_within=Deadline(seconds=3600)),
        Severity(id="SEV-3", name="No impact", rank=3),
    ),
    escalation=Escalation(
        levels=(
            Level(level=1, who=("ana",), within=Deadline(seconds=600)),
            Level(level=2, who=("ben",), within=Deadline(seconds=1200)),
        ),
        triggers=(Trigger(text="customer data at risk", kind="manual"),),
    ),
    cadences=(
        Cadence(audience="customers", every=Deadline(seconds=1800), severities=("SEV-0", "SEV-1")),
        Cadence(audience="partners", every=Deadline(seconds=1800), confirmed=False),
    ),
)


class Detected:
    """What is noticed here: nothing, until a test says otherwise."""

    def __init__(self) -> None:
        self.probes: list[Probed] = []

    def probed(self) -> list[Probed]:
        return self.probes


class World:
    """`deps` of one Tocsin, and what tests do to it from outside."""

    tenant = DEFAULT_TENANT
    loopback = True
    access = AccessSetting()
    remedies: tuple[Binding, ...] = ()
    alerts_say: Mapping[str, str] = {}  # more annotations of every alert
    tenants: Tenancy | None = None

    fresh_id: Callable[[], str]

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock(T0)
        self.vapid = folder / "vapid.pem"
        self.store = SqliteStore(folder / "tocsin.db", self.clock)
        ids = itertools.count(1)
        self.engine = Engine(self.store, new_id=lambda: f"i{next(ids):031d}")
        self.engine.announcing(Announcer(self.engine, "https://tocsin.example"))
        self.engine.releasing(Approvers(self.engine))
        self.board = Board(self.tenant, self.engine, self.store)
        self.subscribers = Subscribers(
            self.tenant, self.store, self.board, secret=b"s" * 32, public_url="http://status.test", nudge=lambda: None
        )
        self.engine.announcing(self.subscribers.announce)
        self.watch = Watch(self.clock, lambda: list(self.board.providers), self.fetch)
        self.fetched: dict[str, bytes] = {}
        self.detecting = Detected()
        self.identity = Identity(b"s" * 32, Box(KeyFile(folder / "identity.keys", {}, "").keys))
        self.identity.hasher = Hasher(memory_kib=64)  # most tests need a password and no work for who guesses
        self.evidence = Kept(self, setting(folder))
        self._writer = ThreadPoolExecutor(1, initializer=self.store.own)
        self.public_url = ""
        self.reasons: tuple[str, ...] = ()
        self.told: list[str] = []
        self.sent: list[tuple[str, str, str]] = []
        self.receipt = Receipt(code="sent")
        self.do(self._prepare)

    def _prepare(self, store: Store) -> None:
        for person in (
            Person(id="ana", name="Ana Ivanova", methods=(Method(kind="email", address="ana@example.org"),)),
            Person(id="ben", name="Ben Okoro", methods=(Method(kind="email", address="ben@example.org"),)),
        ):
            store.put(self.tenant, "person", person.id, msgspec.json.encode(person))
        store.put(self.tenant, "service", "checkout", msgspec.json.encode(Service(id="checkout", owner="ana")))
        self.engine.guides.activate(self.tenant, "main", POLICY)

    def do(self, fn: Callable[[Store], T]) -> T:
        """`fn` on the writer thread."""
        return self._writer.submit(fn, self.store).result()

    async def run(self, fn: Callable[[Store], T]) -> T:
        actor, sight = acting.actor(), acting.sight()

        def writing() -> T:
            with self.store.acting(actor):
                return asked(fn, self.store, sight)

        return await asyncio.get_running_loop().run_in_executor(self._writer, writing)

    async def read(self, fn: Callable[[Store], T]) -> T:
        sight = acting.sight()

        def reading() -> T:
            with self.store.reading() as snapshot:
                return asked(fn, snapshot, sight)

        return await asyncio.get_running_loop().run_in_executor(None, reading)

    async def caught_up(self) -> bool:
        return True

    def changed(self, kind: str) -> None:
        self.told.append(kind)
        if kind in KINDS:
            self.board.changed()

    async def protection(self, tenant: str) -> Protection:
        size = self.store.audit_head(tenant).size
        return Protection(entries=size, signed=0, size=0, at=None, places=(), failing={})

    async def audited(self, tenant: str) -> Report:
        return await self.read(lambda store: audited(store, tenant))

    async def trial(self, person: Person, method: Method, code: str = "", link: Any = None) -> Receipt:
        self.sent.append((person.id, method.kind, link[0] if link else code))
        return self.receipt

    def health(self) -> Health:
        return Health(reasons=self.reasons, figures={"wake_lateness_seconds": 0.25}, counters={"intake_entries": 7})

    async def explain(self, tenant: str, fingerprint: str) -> Explained | None:
        if fingerprint != "00c0ffee00c0ffee":
            return None
        return Explained(fingerprint=fingerprint, state="firing", because=("route 'checkout' matched",))

    async def fate(self, tenant: str, payload: str) -> Mapping[str, Any] | None:
        return {"payload": payload, "incident": None, "because": "silenced"} if payload == "17" else None

    async def alerts_of(self, tenant: str, incident: str) -> Sequence[Mapping[str, Any]]:
        said = {"runbook_url": "https://wiki.example/slow?a=1&b=2", "panel_url": "javascript:alert(1)"}
        said |= {"description": "p99 is <b>4 s</b>\nsince noon", **self.alerts_say}
        alert = {"fingerprint": "00c0ffee00c0ffee", "labels": {"alertname": "Slow"}, "state": "firing"}
        return [alert | {"annotations": said, "url": "https://u:p@prometheus.example/"}]

    async def fetch(self, url: str) -> bytes:
        if url not in self.fetched:
            raise OSError(f"{url} did not answer")
        return self.fetched[url]

    def look_at_providers(self) -> None:
        asyncio.run(self.watch.look())

    # --- from outside -------------------------------------------------------------------------------------------------

    def token(self, role: auth.Spoken = "admin", person: str = "ana") -> str:
        issued = auth.issue(person, role, self.clock.now(), name="test")
        self.do(lambda store: auth.save(store, self.tenant, "token", issued.record))
        return issued.text

    def alert(self, title: str, *, key: str, severity: str = "SEV-1", service: str = "checkout") -> str:
        """An alert fires and opens (or joins) the incident of its key; its id."""
        group = Group(
            key=key,
            verdict=Verdict(outcome="page", guide="main", severity=severity, service=service, key=key),
            title=title,
            source="prometheus",
            fired=(AlertName(fingerprint="00c0ffee00c0ffee", starts_at=self.clock.now(), title=title),),
            fired_count=1,
        )
        return self.do(lambda _: self.engine.report(self.tenant, [group]))[key]

    def close(self) -> None:
        self._writer.shutdown()
        self.store.close()


class Server:
    """The faces, served on a port the kernel chose. `stop` asks as SIGTERM does."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._clients: list[httpx2.Client] = []
        self.faces = Faces(world, web.routes, web.on_missing)
        self._listening = Listening(self._dispatch, begin=self.faces.started, end=self.faces.close)
        self.url = world.public_url = self._listening.url
        self.status, self.manage = StatusApp(world, Forms(world, world.subscribers)), ManageApp(world)
        self._listening.start()
        self.on_loop = self._listening.on_loop

    async def _dispatch(self, scope: Any, receive: Any, send: Any) -> None:
        """As app.py does it."""
        acting.sees(NOBODY)
        path = scope.get("path", "")
        app = self.status if is_status(path) else self.manage if path.startswith("/v1/pages") else self.faces
        await app(scope, receive, send)

    def client(self, token: str | None = None, **headers: str) -> httpx2.Client:
        if token:
            headers["Authorization"] = f"Bearer {token}"
        client = http_client(base_url=self.url, headers=headers, timeout=10)
        self._clients.append(client)
        return client

    def stop(self) -> bool:
        """Whether the server ended within 6 seconds, whatever clients hold open."""
        ended = self._listening.stop()
        for client in self._clients:
            client.close()
        return ended
