"""Announcements on their way: lease, look again, send, settle in batches. Beside `delivery`, which is for pages.

Lease, send, record: a kill at any point leads to the same message being sent again with the same id, never to none.
Outcomes are stored many at a time, because ten thousand commits would hold up the deadlines that share the writer.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from tocsin.announceport import Room
from tocsin.clock import Clock, monotonic
from tocsin.core.announcement import Announcement, AnnouncementSettlement, LeasedAnnouncement, message_id
from tocsin.core.hooks import HOOK
from tocsin.core.people import Method, Person, destination
from tocsin.core.retry import ANNOUNCEMENT, HOOK as HOOK_PATIENCE, retry_at
from tocsin.delivery import SEND_SECONDS, Submit
from tocsin.engine import Engine
from tocsin.lanes import Lanes
from tocsin.ports import Message, Receipt
from tocsin.saying.paces import Paces
from tocsin.writer import Urgency

log = logging.getLogger(__name__)

LEASE_SECONDS = 300  # what a lane is handed at once (paces.LEASED_MAX) can all be made in that time
LEASE_MAX = 200
IN_FLIGHT_MAX = 512
PLACES_MAX = 8  # at one provider at once; pages have places of their own
PLACE_SECONDS = 240
BATCH_MAX = 200  # outcomes of one commit
BATCH_SECONDS = 0.05  # how long outcomes are gathered
IDLE_SECONDS = 5.0
FAILED_SECONDS = 1.0
STOP_SECONDS = 3.0
DETAIL_MAX = 500

Dispatch = Callable[[Message], Awaitable[Receipt]]


class Desk(Protocol):
    """Where announcements come from and outcomes go to."""

    async def lease(self, limit: int, room: Room) -> list[LeasedAnnouncement]: ...
    async def look(self, leased: LeasedAnnouncement) -> Announcement | str | None:
        """What is to be said now; why it must not be said any more; or None when the lease was lost."""
        ...

    async def settle(self, told: Sequence[AnnouncementSettlement]) -> None: ...
    async def next_at(self) -> datetime | None: ...


class Allowance(Protocol):
    """How much may be said by now (tenants/quota.py)."""

    def may_announce(self) -> bool: ...
    def held_back(self) -> None: ...


class Announcing:
    """Runs until `stop`. `dispatch` hands a message to its sender, bounded (`Delivery.dispatch`).

    `counts` tells how many attempts ended how: (kind, receipt code).
    """

    def __init__(
        self,
        desk: Desk,
        dispatch: Dispatch,
        clock: Clock,
        paces: Paces | None = None,
        allowance: Allowance | None = None,
    ) -> None:
        self._desk = desk
        self._allowance = allowance
        self._dispatch = dispatch
        self._clock = clock
        self._paces = paces or Paces()
        self._lanes = Lanes(PLACES_MAX, PLACE_SECONDS)
        self._tasks: set[asyncio.Task[None]] = set()
        self._settled: list[AnnouncementSettlement] = []
        self._wake = asyncio.Event()
        self._some = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = False
        self.counts: Counter[tuple[str, str]] = Counter()
        self.failures = 0

    @property
    def in_flight(self) -> int:
        """Attempts under way, and those whose outcome is not stored yet."""
        return len(self._tasks) + len(self._settled)

    def nudge(self) -> None:
        """Something may be owed now: look at once. From any thread; cheap, and many at once are one."""
        loop = self._loop
        if loop is not None and not loop.is_closed() and not self._wake.is_set():
            loop.call_soon_threadsafe(self._wake.set)

    async def run(self) -> None:
        """Announce until `stop` is called."""
        self._loop = asyncio.get_running_loop()
        settling = asyncio.create_task(self._settle(), name="announcements settle")
        while not self._stopping:
            self._wake.clear()
            limit = min(LEASE_MAX, IN_FLIGHT_MAX - len(self._tasks))
            leased = await self._leased(limit) if limit > 0 else []
            for each in leased or ():
                self._begin(each)
            if leased is None:
                await self._pause(FAILED_SECONDS)
            elif not leased or len(leased) < limit:
                await self._pause(await self._until_next())
        await settling

    async def stop(self, grace_seconds: float = STOP_SECONDS) -> None:
        """Nothing more is leased; what is under way is finished, or after the grace left to its lease."""
        self._stopping = True
        self._wake.set()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=grace_seconds)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=1)
        self._some.set()

    # --- one attempt --------------------------------------------------------------------------------------------------

    def _begin(self, leased: LeasedAnnouncement) -> None:
        lane = destination(leased.recipient.kind, leased.recipient.address)
        self._paces.took(lane, monotonic())
        task = asyncio.create_task(self._attempt(leased, lane), name=f"announcement {leased.announcement}")
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        was_full = len(self._tasks) >= IN_FLIGHT_MAX
        self._tasks.discard(task)
        if was_full:
            self._wake.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            self.failures += 1  # its lease ends, and the message is sent again
            log.error("%s: the attempt was abandoned", task.get_name(), exc_info=error)

    async def _attempt(self, leased: LeasedAnnouncement, lane: str) -> None:
        receipt: Receipt | None = None
        try:
            async with self._lanes.place(lane) as placed:
                if placed:
                    receipt = await self._made(leased)
        finally:
            code, after = (receipt.code, receipt.retry_after_seconds) if receipt else ("", None)
            if self._paces.ended(lane, code, after, monotonic()):
                self._wake.set()

    async def _made(self, leased: LeasedAnnouncement) -> Receipt | None:
        """The receipt of the attempt, its outcome noted; None when it was not made."""
        said = await self._desk.look(leased)
        now = self._clock.now()
        if said is None or now + timedelta(seconds=SEND_SECONDS) > leased.lease_until:
            return None
        if isinstance(said, str):
            self._note(AnnouncementSettlement(leased=leased, outcome="withdrawn", at=now, code="", detail=said))
            return None
        receipt = await self._dispatch(message_of(said, leased, now))
        self.counts[leased.recipient.kind, receipt.code] += 1
        self._note(settled(leased, receipt, self._clock.now()))
        return receipt

    def _note(self, outcome: AnnouncementSettlement) -> None:
        self._settled.append(outcome)
        self._some.set()

    async def _settle(self) -> None:
        """Stores what ended, until everything has ended."""
        while self._settled or self._tasks or not self._stopping:
            await self._some.wait()
            if not self._stopping and len(self._settled) < BATCH_MAX:
                await asyncio.sleep(BATCH_SECONDS)
            self._some.clear()
            batch = self._settled[:BATCH_MAX]
            if batch:
                await self._store(batch)
                del self._settled[: len(batch)]
            if self._settled or (self._stopping and not self._tasks):
                self._some.set()

    async def _store(self, batch: list[AnnouncementSettlement]) -> None:
        stored = asyncio.ensure_future(self._desk.settle(batch))
        await asyncio.wait({stored})
        if error := stored.exception():
            self.failures += 1  # their leases end, and they are sent again with the same ids
            log.error("the outcomes of %d announcements could not be stored", len(batch), exc_info=error)

    # --- waiting ------------------------------------------------------------------------------------------------------

    async def _leased(self, limit: int) -> list[LeasedAnnouncement] | None:
        """The attempts to be made now, or None when the store could not be asked."""
        if self._allowance is not None and not self._allowance.may_announce():
            return []
        asked = asyncio.ensure_future(self._desk.lease(limit, self._paces.room(monotonic())))
        await asyncio.wait({asked})
        error = asked.exception()
        if error is None:
            return asked.result()
        if not self._stopping:
            self.failures += 1
            log.error("announcements could not be leased", exc_info=error)
        return None

    async def _until_next(self) -> float:
        asked = asyncio.ensure_future(self._desk.next_at())
        await asyncio.wait({asked})
        next_at = None if asked.exception() else asked.result()
        if next_at is None:
            return IDLE_SECONDS
        seconds = (next_at - self._clock.now()).total_seconds()
        if seconds <= 0:  # something is due and every lane of it is full, paced or resting
            frees = self._paces.frees_in(monotonic())
            seconds = IDLE_SECONDS if frees is None else frees
            if self._allowance is not None:
                self._allowance.held_back()
        return min(IDLE_SECONDS, max(0.02, seconds))

    async def _pause(self, seconds: float) -> None:
        if not self._stopping:
            waiting = asyncio.ensure_future(self._wake.wait())
            await asyncio.wait({waiting}, timeout=seconds)
            waiting.cancel()


def settled(leased: LeasedAnnouncement, receipt: Receipt, now: datetime) -> AnnouncementSettlement:
    """What follows from a receipt: sent, tried again later, or failed for good."""
    sent = receipt.code == "sent"
    seed = message_id(leased.announcement, leased.number)
    patience = HOOK_PATIENCE if leased.recipient.kind == HOOK else ANNOUNCEMENT
    again = None if sent else retry_at(leased.attempt, receipt, now, seed, patience)
    return AnnouncementSettlement(
        leased=leased,
        outcome="sent" if sent else "pending" if again else "failed",
        at=now,
        code=receipt.code,
        detail=receipt.detail[:DETAIL_MAX],
        provider_id=receipt.provider_id[:200],
        retry_at=again,
    )


def message_of(said: Announcement, leased: LeasedAnnouncement, now: datetime) -> Message:
    """The message of one attempt at one recipient."""
    to = leased.recipient
    return Message(
        id=message_id(said.id, leased.number),
        attempt=leased.attempt,
        person=Person(id=to.name or to.address, name=to.name),
        method=Method(kind=to.kind, address=to.address),  # type: ignore[arg-type]
        subject=said.subject,
        text=said.text,
        acknowledge_url=None,
        incident_url=said.url,
        reference=said.reference,
        incident=said.incident,
        severity=said.severity,
        rank=said.rank,
        event=said.event,
        at=now,
        data=said.data,
        topic=said.topic,
        audience=said.audience,
        unsubscribe_url=to.unsubscribe_url,
        mention=said.mention,
    )


class WriterDesk:
    """The store's announcements through the writer thread; they come after pages, receipts and deadlines."""

    def __init__(
        self,
        engine: Engine,
        submit: Submit,
        after: Callable[[Sequence[AnnouncementSettlement]], None] = lambda told: None,
    ) -> None:
        """`after` hears on the writer thread what became of attempts, once that is stored."""
        self._engine = engine
        self._submit = submit
        self._after = after

    async def lease(self, limit: int, room: Room) -> list[LeasedAnnouncement]:
        store = self._engine.store
        return await asyncio.wrap_future(
            self._submit(lambda: store.claim_announcements(store.now(), limit, LEASE_SECONDS, room), Urgency.RECEIPT)
        )

    async def look(self, leased: LeasedAnnouncement) -> Announcement | str | None:
        return await asyncio.wrap_future(self._submit(lambda: look(self._engine, leased), Urgency.RECEIPT))

    async def settle(self, told: Sequence[AnnouncementSettlement]) -> None:
        def receive() -> None:
            self._engine.receive_announcements(told)
            self._after(told)

        await asyncio.wrap_future(self._submit(receive, Urgency.RECEIPT))

    async def next_at(self) -> datetime | None:
        store = self._engine.store
        return await asyncio.wrap_future(self._submit(store.next_announcement, Urgency.RECEIPT))


def look(engine: Engine, leased: LeasedAnnouncement) -> Announcement | str | None:
    """The announcement as it is to be said now; the reason why not; None when somebody else has the attempt."""
    store = engine.store
    rows = store.told_to(leased.tenant, leased.announcement, after=leased.number - 1, limit=1)
    if not rows or rows[0].state != "pending" or rows[0].attempts != leased.attempt:
        return None
    said = store.announcement(leased.tenant, leased.announcement)
    if said and said.outside and said.incident:
        row = store.index(leased.tenant, said.incident)
        if row and row.drill:
            return "a drill is not announced outside"
    if said and said.incident and said.incident in store.private(leased.tenant):
        return "the incident became private"
    return said
