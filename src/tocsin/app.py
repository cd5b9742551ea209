"""Knows everybody and wires them together: one process, one writer thread, one event loop.

`App` is what every face asks for (`http.deps.Deps` and its like). `serve` starts it in the order in which nothing can
be lost: store, journal and table first, then the loops that owe something, the socket last; it stops in reverse.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, TypeVar

from tocsin import accepting, acting
from tocsin.auditport import Protection
from tocsin.clock import Clock, SystemClock
from tocsin.contacts import ChannelTest
from tocsin.core.announcement import AnnouncementSettlement, Owed
from tocsin.core.people import Method, Person
from tocsin.core.readiness import Gap
from tocsin.core.sight import NOBODY
from tocsin.delivery import Delivery, WriterDesk
from tocsin.devices import VAPID
from tocsin.digest.alerttable import AlertTable
from tocsin.digest.digest import Digest
from tocsin.digest.fates import Fates
from tocsin.engine import Engine
from tocsin.guidefile import GuideFile
from tocsin.health import health_of
from tocsin.http import auth
from tocsin.http.alertmanager import AlertmanagerApp
from tocsin.http.api import Faces
from tocsin.http.asgi import Answer, Receive, Scope, Send
from tocsin.http.deps import Explained, Health
from tocsin.http.gate import with_safe_headers
from tocsin.http.intake import IntakeApp
from tocsin.http.links import Links, create_links
from tocsin.http.sources import SOURCE, Source, Sources, credential, stored_sources
from tocsin.http.status import StatusApp
from tocsin.http.status_forms import Forms
from tocsin.http.statuspage import ManageApp
from tocsin.http.tenancy import Tenancy
from tocsin.http.twilio import TwilioApp
from tocsin.intake.committer import Committer, recalled
from tocsin.intake.door import AlertsDoor
from tocsin.intake.formats import FORMATS
from tocsin.intake.journal import SegmentJournal
from tocsin.monitors import Monitors
from tocsin.ports import DEFAULT_TENANT, Document, Entry, Receipt, Sender, Store
from tocsin.proof import notary
from tocsin.proof.inspection import Inspection
from tocsin.proof.outside import notary_of
from tocsin.saying.announcing import Announcing, WriterDesk as AnnouncingDesk
from tocsin.saying.composing import Announcer
from tocsin.setting.config import Config
from tocsin.setting.secret import secret_of
from tocsin.sighted import asked
from tocsin.store.sqlite import SqliteStore
from tocsin.tenants.quota import Quota
from tocsin.watch import alarming
from tocsin.watch.housekeeping import keep_house
from tocsin.watch.rota import Rota
from tocsin.watch.upkeep import reconcile
from tocsin.watch.vigil import Vigil
from tocsin.watch.watchdog import Watchdog
from tocsin.web.routes import on_missing, routes
from tocsin.wiring import restoring
from tocsin.wiring.chatting import Chatting
from tocsin.wiring.detecting import Detecting
from tocsin.wiring.facing import face_of
from tocsin.wiring.furnish import furnish, put_guides
from tocsin.wiring.identifying import identity_of
from tocsin.wiring.keeper import custody_of
from tocsin.wiring.outgoing import Outgoing
from tocsin.wiring.publicpages import PublicPages
from tocsin.wiring.readied import readiness
from tocsin.wiring.sending import senders
from tocsin.writer import Turn, Urgency, Writer

if TYPE_CHECKING:
    from tocsin.verifier import Report

T = TypeVar("T")

READERS = 4  # threads that read for the faces; SQLite readers do not wait for the writer
CATCH_UP_SECONDS = 1.0  # how long a read waits for what was accepted before it
AUDIT = "tocsin.audit"  # loaded when somebody asks: it brings `cryptography`, which no start needs
MUTING = ("silence", "maintenance", "guide", "policy")  # documents that turn verdicts
LIVE = ("person", "team", "service", "binding", "guide", "policy")  # documents that the engine has decoded


class App:
    """One tenant, everything in its place, not yet running. `config.data` exists and is ours (the store locks it).

    Programs on this machine need no token with the installation's own tenant, and with no other. `turn`: when its
    intake may be digested. `tenants`: the others, where this one looks after them.
    """

    tenants: Tenancy | None = None

    def __init__(
        self, config: Config, clock: Clock | None = None, *, tenant: str = DEFAULT_TENANT, turn: Turn | None = None
    ) -> None:
        self.config, self.tenant = config, tenant
        self.quota = Quota(config.limits)
        self.clock: Clock = clock or SystemClock()
        self.version = version("tocsin")
        self.public_url = config.public_url
        self.vapid, self.access, self.remedies = config.data / VAPID, config.access, config.remedies
        host, data = config.listen.host, config.data
        self.loopback = tenant == DEFAULT_TENANT and auth.loopback_host(f"[{host}]" if ":" in host else host)
        self.started_at = self.clock.now()
        self.store = SqliteStore(config.database, self.clock)
        self.journal = SegmentJournal(data / "journal", retained_bytes=config.journal_retained_bytes, background=True)
        self.engine = Engine(self.store, new_id=lambda: uuid.uuid4().hex, zone=config.zone)
        self.pages = PublicPages(self, config, self._nudge_announcing)
        self.board, self.subscribers, self.watch = self.pages.board, self.pages.subscribers, self.pages.watch
        self.identity = identity_of(config)
        self.outgoing = Outgoing(self, config, self._nudge_announcing)
        self.writer = Writer(self._deadlines, turn)
        parsers = {name: each.parse for name, each in FORMATS.items()}
        self.digest = Digest(
            self.engine,
            AlertTable(),
            self.journal,
            parsers,
            submit=lambda task: self.writer.submit(task, Urgency.INTAKE),
            tenant=tenant,
            turn=turn,
        )
        self.alerts = Fates(self.digest, self.store, self.journal, parsers, self.writer.submit)
        self.sources, self.monitors, self.detecting = Sources(), Monitors(self), Detecting(self)
        self.evidence = custody_of(self, config)
        self.readers = ThreadPoolExecutor(READERS, "tocsin-reader", acting.belongs_to, (tenant,))
        self.committer: Committer
        self.door: AlertsDoor
        self.delivery: Delivery
        self.announcing: Announcing
        self.watchdog = Watchdog(self.read, self.clock, timedelta(seconds=config.watchdog_late_seconds), self._alarm)
        self.vigil = Vigil(self._gaps, self.clock)
        self.inspection = Inspection(self, self.tenant, self.clock, self._alarm)
        self.channels = ChannelTest(self, self.engine.guides)
        self.rota = Rota(self.run, self.engine.guides, self.tenant)
        self.loop: asyncio.AbstractEventLoop
        self._tasks: list[asyncio.Task[None]] = []

    # --- starting and stopping ----------------------------------------------------------------------------------------

    async def start(self, guides: Sequence[GuideFile] = ()) -> list[str]:
        """Everything runs but the socket; what there is to say about guides, in sentences."""
        self.loop = asyncio.get_running_loop()
        self.writer.start()
        said = await self.run(lambda store: self._furnish(store, guides))
        last = self.journal.last()
        self.committer = Committer(
            self.journal,
            self.clock,
            self.digest,
            last_order_us=recalled(*last).order_us if last else 0,
            notify=self.loop.call_soon_threadsafe,
            soon=self.loop.call_soon,
        )
        self.digest.progress = self.committer.digested
        self.committer.start()
        self.door = AlertsDoor(self.committer, self.clock, self.digest.table.memo, self.quota)
        secret = secret_of(self.config.secret_file)
        links = Links([secret], self.public_url, self.tenant)
        chosen = senders(self.config, self.clock, self.board.target) | self.outgoing.senders()
        self.delivery = Delivery(
            WriterDesk(self.engine, self.writer.submit, self.alerts.said),
            chosen,
            links=links,
            clock=self.clock,
            public_url=self.public_url,
            sent=self.quota.sent,
        )
        self.announcing = Announcing(
            AnnouncingDesk(self.engine, self.writer.submit, self._announced),
            self.delivery.dispatch,
            self.clock,
            allowance=self.quota,
        )
        self.engine.announcing(Announcer(self.engine, self.public_url))
        self.engine.subscribe(lambda tenant, stream, version: self._nudge())
        self.notary = notary_of(self, self.config, self.name, chosen)
        self.engine.subscribe(lambda tenant, stream, version: self.notary.seen(self.engine, tenant, stream))
        self.chatting = self._chatting(secret, chosen)
        self._open_faces(links)
        await self.monitors.load()
        work = (
            self.delivery.run(),
            self.announcing.run(),
            *(each.run() for each in (self.monitors, self.watchdog, self.vigil, self.rota, self.channels)),
            *(each.run() for each in (self.notary, self.inspection, self.evidence)),
            keep_house(self.store.checkpoint, self.run),
            self.quota.watch(self.config.data, self.evidence.elsewhere, self._alarm),
            *self.pages.runs(),
            *self.chatting.work(),
            *self.detecting.work(),
        )
        self._tasks = [asyncio.create_task(each) for each in work]
        return said

    def _chatting(self, secret: bytes, senders: Mapping[str, Sender]) -> Chatting:
        made = Chatting(self, self.config, secret, senders)
        self.engine.subscribe(made.changed)
        self.digest.echoes = made.carrier.echoes
        return made

    def _open_faces(self, links: Links) -> None:
        self.links = create_links(self, links)
        self.twilio = TwilioApp(self, links, self.config.twilio.token if self.config.twilio else None)
        self.faces = Faces(self, routes, on_missing)
        self.faces.events.full = self.quota.streams_full
        self.faces.started()
        self.alertmanager = AlertmanagerApp(self)
        self.intake = IntakeApp(self, self.alertmanager)
        self.status, self.manage = StatusApp(self, Forms(self, self.subscribers)), ManageApp(self)

    def _furnish(self, store: Store, guides: Sequence[GuideFile]) -> list[str]:
        restoring.begun(store, self.tenant, self.version, self.config.data)
        self.identity.seal_stored(store, self.tenant)
        self.name = notary.installation(store, self.tenant, lambda: uuid.uuid4().hex)
        furnish(store, self.config, self.tenant)
        self.store.admit = self.quota.admit_document  # what the configuration names is there already
        said = put_guides(self.engine.guides, store, guides, self.tenant, self.config.business_hours)
        self.sources.replace(stored_sources(store, self.tenant))
        self.engine.guides.changed(self.tenant)
        reconcile(self.engine, self.tenant)
        self.pages.load()
        self.outgoing.load()
        if replayed := self.digest.load():
            said.append(f"read {replayed} accepted payloads again after the last stop")
        return said

    async def offer(self, files: Sequence[GuideFile]) -> list[str]:
        """Guides that changed on disk: compiled, compared and offered, never applied by themselves."""
        hours = self.config.business_hours
        return await self.run(lambda store: put_guides(self.engine.guides, store, files, self.tenant, hours))

    def is_empty(self) -> bool:
        """Whether no guide was ever activated here."""
        return not self.store.items(self.tenant, "guide")

    async def stop(self, seconds: float = 4.0) -> None:
        """What was accepted is digested or stays in the journal, what was sent is recorded; at most `seconds` or so."""
        for task in self._tasks[2:]:
            task.cancel()
        await asyncio.gather(self.announcing.stop(seconds / 4), self._tasks[1])
        await self.delivery.stop(seconds / 4)
        await self.pages.close()
        await asyncio.gather(*(each.close() for each in (self.chatting, self.identity, self.evidence)))
        await asyncio.to_thread(self.committer.stop, seconds / 4)
        self.writer.submit(self.digest.flush, Urgency.INTAKE)
        self.writer.submit(lambda: notary.stopped(self.store), Urgency.INTAKE)
        await asyncio.to_thread(self.writer.stop, seconds / 2)
        self.readers.shutdown(wait=False, cancel_futures=True)
        self.journal.close()
        self.store.close()

    def _nudge_announcing(self) -> None:
        if self._tasks:  # while starting, nobody is there to be nudged
            self.announcing.nudge()

    def _announced(self, told: Sequence[AnnouncementSettlement]) -> None:
        self.subscribers.bounced(told)
        self.outgoing.settled(told)

    def _nudge(self) -> None:
        self.delivery.nudge()
        self.announcing.nudge()

    def _deadlines(self) -> int:
        return self.engine.wake() + self.digest.tick(self.store.now())

    # --- what the faces ask for (http.deps.Deps and its like) ---------------------------------------------------------

    async def run(self, fn: Callable[[Store], T]) -> T:
        """`fn(store)` on the writer thread, before deadlines and intake; the audit trail says for whom."""
        actor, sight = acting.actor(), acting.sight()

        def writing() -> T:
            with self.store.acting(actor):
                return asked(fn, self.store, sight)

        return await asyncio.wrap_future(self.writer.submit(writing, Urgency.COMMAND))

    async def read(self, fn: Callable[[Store], T]) -> T:
        """`fn(snapshot)` on a reader's thread."""
        sight = acting.sight()

        def reading() -> T:
            with self.store.reading() as snapshot:
                return asked(fn, snapshot, sight)

        return await asyncio.get_running_loop().run_in_executor(self.readers, reading)

    async def caught_up(self) -> bool:
        """True once everything accepted before this call is digested; False after a second of waiting."""
        position = self.committer.last_position
        if self.digest.position >= position:
            return True
        done = asyncio.Event()

        def tell() -> None:
            self.loop.call_soon_threadsafe(done.set)

        self.writer.submit(lambda: self.digest.when_digested(position, tell), Urgency.COMMAND)
        try:
            await asyncio.wait_for(done.wait(), CATCH_UP_SECONDS)
        except TimeoutError:
            return False
        return True

    async def announce(self, owed: Sequence[Owed], documents: Sequence[Document] = ()) -> None:
        """These announcements are owed and these documents stored, in one commit: what is no fact of an incident."""
        await self.run(lambda store: store.commit(announce=owed, documents=documents))
        self.announcing.nudge()

    def changed(self, kind: str) -> None:
        """Documents of this kind were written: forget what was decoded of them. Called on the writer thread."""
        if kind in LIVE:
            self.engine.guides.changed(self.tenant)
        if kind == "guide":
            reconcile(self.engine, self.tenant)
        if kind in MUTING:
            self.digest.settler.changed(self.tenant)
        self.pages.changed(kind)
        self.outgoing.changed(kind)
        if kind == SOURCE:
            self.sources.replace(stored_sources(self.store, self.tenant))
        if kind == "monitor":
            self.loop.call_soon_threadsafe(self.monitors.changed)

    async def accept(self, entry: Entry) -> int:
        """Journal the entry; its position, once durable. Raises writer.Overloaded, OSError."""
        return await accepting.accept(self.committer, entry, self.quota)

    async def accept_alerts(self, tenant: str, source: str, body: bytes) -> Answer:
        """Decode, journal what is valid, and answer as Alertmanager does."""
        return await accepting.accept_alerts(self.door, tenant, source, body)

    async def trial(self, person: Person, method: Method, code: str = "", link: Any = None) -> Receipt:
        return await self.delivery.trial(person, method, code=code, link=link)

    def fresh_id(self) -> str:
        return uuid.uuid4().hex

    async def explain(self, tenant: str, fingerprint: str) -> Explained | None:
        return await self._reading(lambda: self.alerts.explain(tenant, fingerprint))

    async def fate(self, tenant: str, payload: str) -> Mapping[str, Any] | None:
        return await self._reading(lambda: self.alerts.fate(tenant, payload))

    async def alerts_of(self, tenant: str, incident: str) -> Sequence[Mapping[str, Any]]:
        return await self._reading(lambda: self.alerts.of_incident(tenant, incident))

    async def _reading(self, fn: Callable[[], T]) -> T:
        reading = partial(asked, lambda _: fn(), self.store, acting.sight())
        return await asyncio.get_running_loop().run_in_executor(self.readers, reading)

    async def protection(self, tenant: str) -> Protection:
        return await self.notary.protection(tenant)

    async def audited(self, tenant: str) -> Report:
        return await self.read(lambda store: import_module(AUDIT).audited(store, tenant))

    def health(self) -> Health:
        return health_of(self)

    def authorize(self, headers: Mapping[str, str]) -> Source | None:
        """The source that a post to `/api/v2/alerts` speaks for, as `AlertmanagerApp` decides it, without a loop."""
        text = credential(headers)
        if text is None:
            return OPEN_SOURCE if auth.trusted_loopback(headers, listening=self.loopback) else None
        return self.alertmanager.posting_source(text, self.store)

    # --- people -------------------------------------------------------------------------------------------------------

    async def _alarm(self, text: str) -> None:
        """The watchdog's person hears it by every method, sent directly: the engine may be what is late."""
        people = await self.read(lambda store: alarming.watchers(store, self.config, self.tenant))
        await alarming.tell(self.delivery, people, text)

    async def _gaps(self) -> list[Gap]:
        """Who would not be reached, as the engine would decide it now."""
        return await self.run(lambda store: readiness(store, self.engine.guides, self.tenant))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        acting.sees(NOBODY)  # until a face knows who asks
        https = self.public_url.startswith("https:")
        await face_of(self, scope.get("path", ""))(scope, receive, with_safe_headers(send, tls=https))


OPEN_SOURCE = Source(name="alertmanager", kind="any", token_sha256="")
