"""Pages on their way: lease what is owed, look again whether it still is, send, hand the receipt back.

The order is lease, send, record: a kill at any point leads to the same page being sent again with the same id, never
to none. Whoever is slow is slow alone: every attempt is its own task, each destination has its own few places, and
nothing here waits for one of them before it leases the next.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from concurrent.futures import Future
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

import msgspec

from tocsin.clock import Clock
from tocsin.core.annotated import Said
from tocsin.core.paging_text import Addressed, Concern, alarming, entering, public, trial, verifying, wording
from tocsin.core.people import Directory, Method, Person
from tocsin.core.view import IncidentView
from tocsin.lanes import PLACE_SECONDS, Lanes, destination
from tocsin.ports import IndexRow, LeasedPage, Message, Receipt, Sender
from tocsin.writer import Urgency

log = logging.getLogger(__name__)
Result = TypeVar("Result")

IN_FLIGHT_MAX = 512  # leased pages held at once; each is a task and at most one connection
LEASE_MAX = 64  # pages of one look into the store, so that receipts come between
SEND_SECONDS = 30  # for any sender; with the wait for a place less than the 60 s of a lease
IDLE_SECONDS = 5.0  # the store is looked at this often even when nobody said that something is owed
FAILED_SECONDS = 1.0  # after the store could not be asked
STOP_SECONDS = 3.0
SHARED = frozenset({"teams", "discord", "mattermost", "rocketchat"})  # others read there: a link in it acts once


class Links(Protocol):
    """Who makes the acknowledge links (http/links.py)."""

    def acknowledge_url(
        self, *, tenant: str, incidents: Sequence[str], person: str, page: str, now: datetime, once: bool = False
    ) -> str: ...


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What an attempt needs to know at send time. `concerns`: the page's incident first, then those that ride along."""

    person: Person
    concerns: tuple[tuple[IncidentView, int], ...]  # with the rank of the severity
    said: Said = Said()  # what the alerts of the first one say
    page: LeasedPage  # without the riders that were forgiven meanwhile


class Desk(Protocol):
    """Where pages come from and receipts go to."""

    async def lease(self, limit: int, held: Collection[LeasedPage]) -> list[LeasedPage]:
        """What is to be sent now, and none of `held`: those attempts are under way."""
        ...

    async def look(self, page: LeasedPage) -> Seen | None:
        """The state at send time, or None when nothing of it is owed any more."""
        ...

    async def receive(self, page: LeasedPage, receipt: Receipt) -> None: ...
    async def next_at(self) -> datetime | None:
        """When the next attempt may be made, or None."""
        ...


class Delivery:
    """Runs until `stop`. `senders` by method kind; `public_url` without a slash at its end.

    `counts` tells how many attempts ended how: (kind, receipt code), and (kind, "forgiven") for those not made.
    """

    def __init__(
        self,
        desk: Desk,
        senders: Mapping[str, Sender],
        *,
        links: Links,
        clock: Clock,
        public_url: str,
        sent: Callable[[], None] = lambda: None,
    ) -> None:
        self._sent = sent  # is told of every message that was handed to a sender
        self._desk = desk
        self._senders = dict(senders)
        self._links = links
        self._clock = clock
        self._public_url = public_url
        self._lanes = Lanes()
        self._tasks: dict[asyncio.Task[None], LeasedPage] = {}
        self._wake = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = False
        self.counts: Counter[tuple[str, str]] = Counter()
        self.failures = 0

    @property
    def in_flight(self) -> int:
        return len(self._tasks)

    def nudge(self) -> None:
        """Something may be owed now: look at once. From any thread; cheap, and many at once are one."""
        loop = self._loop
        if loop is not None and not loop.is_closed() and not self._wake.is_set():
            loop.call_soon_threadsafe(self._wake.set)

    async def run(self) -> None:
        """Deliver until `stop` is called."""
        self._loop = asyncio.get_running_loop()
        while not self._stopping:
            self._wake.clear()
            limit = min(LEASE_MAX, IN_FLIGHT_MAX - len(self._tasks))
            leased = await self._leased(limit) if limit else []
            for page in leased or ():
                self._begin(page)
            if leased is None:
                await self._pause(FAILED_SECONDS)
            elif len(leased) < limit or not limit:
                await self._pause(await self._until_next() if limit else IDLE_SECONDS)

    async def stop(self, grace_seconds: float = STOP_SECONDS) -> None:
        """Nothing more is leased; what is under way is finished, or after the grace left to its lease."""
        self._stopping = True
        self._wake.set()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=grace_seconds)
            for task in late:
                task.cancel()
            if late:
                log.warning("%d attempts were left to be made again after the restart", len(late))
                await asyncio.wait(late, timeout=1)
        for sender in self._senders.values():
            await sender.close()

    async def trial(
        self, person: Person, method: Method, alarm: str = "", code: str = "", link: tuple[str, str] | None = None
    ) -> Receipt:
        """What becomes of one message sent directly, never repeated, that asks for nothing.

        It is a test; or it says what is wrong with Tocsin itself (`alarm`), carries a `code`, or a sign-in `link` with
        the address it was asked for from.
        """
        now = self._clock.now()
        if code:
            said = verifying(code, now, person.zone)
        elif link:
            said = entering(*link, now, person.zone)
        elif alarm:
            said = alarming(alarm, now, person.zone, f"{self._public_url}/ready")
        else:
            said = trial(person.name or person.id, now, person.zone)
        message = Message(
            id=f"{said.event}-{person.id}-{int(now.timestamp())}",
            attempt=1,
            person=person,
            method=method,
            subject=said.subject,
            text=said.text,
            acknowledge_url=None,
            incident_url=f"{self._public_url}/",
            reference="",
            incident="",
            severity="",
            rank=0,
            event=said.event,
            at=now,
            data={},
        )
        return await self.dispatch(message)

    # --- one attempt --------------------------------------------------------------------------------------------------

    def _begin(self, page: LeasedPage) -> None:
        task = asyncio.create_task(self._attempt(page), name=f"page {page.id}")
        self._tasks[task] = page
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        was_full = len(self._tasks) >= IN_FLIGHT_MAX
        self._tasks.pop(task, None)
        if was_full:
            self._wake.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            self.failures += 1  # its lease ends, and the page is tried again
            log.error("%s: the attempt was abandoned", task.get_name(), exc_info=error)

    async def _attempt(self, page: LeasedPage) -> None:
        async with self._lanes.place(destination(page.kind, page.address)) as placed:
            if not placed:
                waited = f"no place was free for {PLACE_SECONDS} s: too many messages go to the same server at once"
                return await self._desk.receive(page, Receipt(code="throttled", detail=waited))
            seen = await self._desk.look(page)
            if seen is None:
                self.counts[page.kind, "forgiven"] += 1
                return None
            now = self._clock.now()
            if now + timedelta(seconds=SEND_SECONDS) > page.lease_until:
                log.warning("page %s: its lease is nearly over, it is leased again", page.id)
                return None
            receipt = await self.dispatch(message_of(seen, self._links, now, self._public_url))
        await self._desk.receive(seen.page, receipt)

    async def dispatch(self, message: Message) -> Receipt:
        """The receipt of one attempt by the sender of its kind; never raises, and ends within `SEND_SECONDS`."""
        kind = message.method.kind
        sender = self._senders.get(kind)
        if sender is None:
            detail = f"no sender for {kind} is configured, only {', '.join(sorted(self._senders)) or 'none'}"
            receipt = Receipt(code="misconfigured", permanent=True, detail=detail)
        else:
            self._sent()
            receipt = await _bounded(sender.send(message), kind)
        self.counts[kind, receipt.code] += 1
        log.info("message %s attempt %d by %s: %s %s", message.id, message.attempt, kind, receipt.code, receipt.detail)
        return receipt

    # --- waiting ------------------------------------------------------------------------------------------------------

    async def _leased(self, limit: int) -> list[LeasedPage] | None:
        """The pages to be sent now, or None when the store could not be asked."""
        asked = asyncio.ensure_future(self._desk.lease(limit, tuple(self._tasks.values())))
        await asyncio.wait({asked})
        error = asked.exception()
        if error is None:
            return asked.result()
        if not self._stopping:
            self.failures += 1
            log.error("owed pages could not be leased", exc_info=error)
        return None

    async def _until_next(self) -> float:
        asked = asyncio.ensure_future(self._desk.next_at())
        await asyncio.wait({asked})
        next_at = None if asked.exception() else asked.result()
        if next_at is None:
            return IDLE_SECONDS
        return min(IDLE_SECONDS, max(0.01, (next_at - self._clock.now()).total_seconds()))

    async def _pause(self, seconds: float) -> None:
        if not self._stopping:
            waiting = asyncio.ensure_future(self._wake.wait())
            await asyncio.wait({waiting}, timeout=seconds)
            waiting.cancel()


async def _bounded(sending: Coroutine[Any, Any, Receipt], kind: str) -> Receipt:
    """The receipt, whatever the sender does: a sender that hangs or raises must not take the page with it."""
    task = asyncio.create_task(sending)
    try:
        await asyncio.wait({task}, timeout=SEND_SECONDS)
    finally:
        if not task.done():
            task.cancel()
    if not task.done() or task.cancelled():
        return Receipt(code="timeout", detail=f"the {kind} sender did not end within {SEND_SECONDS} s")
    error = task.exception()
    if error is None:
        return task.result()
    log.error("the %s sender raised", kind, exc_info=error)
    return Receipt(code="unknown", detail=f"the {kind} sender failed: {type(error).__name__}")


def message_of(seen: Seen, links: Links, now: datetime, public_url: str) -> Message:
    """The message of one attempt, worded for the state at `now`.

    The acknowledge link covers every incident of the message that still waits for somebody; a notice has none.
    """
    page, person = seen.page, seen.person
    concerns = tuple(
        Concern(incident=incident, rank=rank, url=f"{public_url}{_path(incident)}", said=Said() if n else seen.said)
        for n, (incident, rank) in enumerate(seen.concerns)
    )
    first = concerns[0]
    waiting = tuple(each.incident.id for each in concerns if each.waits)
    url = None
    if waiting and not page.notice:
        once = page.kind in SHARED
        url = links.acknowledge_url(
            tenant=page.tenant, incidents=waiting, person=page.person, page=page.id, now=now, once=once
        )
    to = Addressed(person=person.id, zone=person.zone, level=page.level, notice=page.notice)
    said = wording(concerns, to, now, url, f"{public_url}/")
    return Message(
        id=page.id,
        attempt=page.attempt,
        person=person,
        method=Method(kind=page.kind, address=page.address),  # type: ignore[arg-type]
        subject=said.subject,
        text=said.text,
        acknowledge_url=url,
        incident_url=first.url if len(concerns) == 1 else f"{public_url}/",
        reference=first.incident.reference,
        incident=first.incident.id,
        severity=first.incident.severity,
        rank=min(each.rank for each in concerns),
        event=said.event,
        at=now,
        data=public(concerns),
    )


def _path(of: IncidentView) -> str:
    return "/duties" if of.kind == "duty" else f"/incidents/{of.reference}"


# --- the desk of an embedded server -----------------------------------------------------------------------------------


class Indexed(Protocol):
    def index(self, tenant: str, stream: str) -> IndexRow | None: ...
    def next_page(self, now: datetime) -> datetime | None: ...
    def now(self) -> datetime: ...


class Pages(Protocol):
    """The part of the engine that delivery needs; called on the writer thread only."""

    @property
    def store(self) -> Indexed: ...
    def lease(self, limit: int, held: Collection[LeasedPage]) -> list[LeasedPage]: ...
    def describe(self, page: LeasedPage) -> IncidentView | None: ...
    def receive(self, page: LeasedPage, receipt: Receipt) -> None: ...
    def directory(self, tenant: str) -> Directory: ...


Submit = Callable[[Callable[[], Any], Urgency], "Future[Any]"]
SaidBy = Callable[[str, Sequence[str]], Said]  # tenant, fingerprints
SAYING_MAX = 5  # alerts of an incident whose words are looked up for a page


class WriterDesk:
    """The engine's pages through the writer thread: leases go with the deadlines, receipts behind them."""

    def __init__(self, engine: Pages, submit: Submit, said: SaidBy | None = None) -> None:
        """`said`: what alerts say; called on the writer thread."""
        self._engine = engine
        self._submit = submit
        self._said = said

    async def lease(self, limit: int, held: Collection[LeasedPage]) -> list[LeasedPage]:
        return await self._run(lambda: self._engine.lease(limit, held), Urgency.DEADLINE)

    async def look(self, page: LeasedPage) -> Seen | None:
        return await self._run(lambda: self._seen(page), Urgency.DEADLINE)

    def _seen(self, page: LeasedPage) -> Seen | None:
        found = seen(self._engine, page)
        if found is None or self._said is None:
            return found
        names = [alert.fingerprint for alert in found.concerns[0][0].alerts[:SAYING_MAX]]
        return msgspec.structs.replace(found, said=self._said(page.tenant, names))

    async def receive(self, page: LeasedPage, receipt: Receipt) -> None:
        await self._run(lambda: self._engine.receive(page, receipt), Urgency.RECEIPT)

    async def next_at(self) -> datetime | None:
        store = self._engine.store
        return await self._run(lambda: store.next_page(store.now()), Urgency.DEADLINE)

    async def _run(self, task: Callable[[], Result], urgency: Urgency) -> Result:
        result: Result = await asyncio.wrap_future(self._submit(task, urgency))
        return result


def seen(engine: Pages, page: LeasedPage) -> Seen | None:
    """The page and its riders as they are now, without what was forgiven meanwhile; None when nothing is left.

    Where the page itself was forgiven, its first rider takes its place: the receipt must not tell an incident that
    somebody was paged for it when the message does not speak of it.
    """
    owed: list[tuple[tuple[str, str, str], tuple[IncidentView, int]]] = []
    for each in ((page.id, page.incident, ""), *page.also):
        concern = _described(engine, page, each[0], each[1])
        if concern is not None:
            owed.append((each, concern))
    if not owed:
        return None
    (name, incident, _), *_rest = [each for each, _ in owed]
    return Seen(
        person=engine.directory(page.tenant).people.get(page.person) or Person(id=page.person),
        concerns=tuple({concern[0].id: concern for _, concern in owed}.values()),
        page=msgspec.structs.replace(page, id=name, incident=incident, also=tuple(each for each, _ in owed[1:])),
    )


def _described(engine: Pages, page: LeasedPage, name: str, incident: str) -> tuple[IncidentView, int] | None:
    one = msgspec.structs.replace(page, id=name, incident=incident, also=())
    view = engine.describe(one)
    if view is None:
        return None
    row = engine.store.index(page.tenant, incident)
    return view, row.rank if row else 0
