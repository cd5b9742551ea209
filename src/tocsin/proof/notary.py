"""The audit trail's minute hand: a heartbeat each minute, a signed checkpoint now and then, and its way outside.

The checkpoint is signed by another process (`anchors/signer.py`), which refuses what does not continue its last one;
it is then kept by every place of `anchors/places.py`. Nothing here can hold up a page: it reads snapshots, writes a
row or two, and what fails is logged, counted and shown, and tried again at the next round.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec

from tocsin.anchors.places import AnchorFailed, Emptied, Kept, Place, run
from tocsin.anchors.request import Request
from tocsin.auditport import Anchored, Checkpoint, Protection
from tocsin.clock import Clock
from tocsin.core import ledger
from tocsin.core.ledger import Draft
from tocsin.engine import Engine
from tocsin.ports import Store
from tocsin.store.restored import Restored
from tocsin.writer import Overloaded

LOOK_SECONDS = 5.0
KEYS = ("audit-key", "keys")
NAME = ("audit-key", "name")

T = TypeVar("T")
log = logging.getLogger(__name__)


class Desk(Protocol):
    """Where the store may be written to and read from."""

    def run(self, fn: Callable[[Store], T]) -> Awaitable[T]: ...
    def read(self, fn: Callable[[Store], T]) -> Awaitable[T]: ...


class Notary:
    """Made on the running loop. `signer`: the command of the signing process. `every`: between two checkpoints
    where nothing asks for one."""

    def __init__(
        self,
        desk: Desk,
        clock: Clock,
        *,
        signer: Sequence[str],
        name: str,
        places: Sequence[Place],
        every: timedelta,
    ) -> None:
        self._desk, self._clock = desk, clock
        self._signer = tuple(signer)
        self._name = name
        self.places = tuple(places)
        self._every = every
        self._beat_at: datetime | None = None
        self._signed_at: datetime | None = None
        self._asked = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self.failing: dict[str, str] = {}  # place, or `signer` -> why the last attempt failed
        self._key: str | None = None

    def nudge(self) -> None:
        """A checkpoint is wanted now: an incident of the highest severity was closed. From the loop's thread."""
        self._asked.set()

    def seen(self, engine: Engine, tenant: str, stream: str) -> None:
        """A commit changed this incident: the end of one of the highest severity leaves the machine at once. On the
        writer thread."""
        incident = engine.load(tenant, stream)
        if incident.status == "closed" and incident.closed_at == incident.last_at:
            row = engine.store.index(tenant, stream)
            if row is not None and row.rank == 0:
                self._loop.call_soon_threadsafe(self.nudge)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self.look()
            try:
                await asyncio.wait_for(self._asked.wait(), LOOK_SECONDS)
            except TimeoutError:
                continue

    async def look(self) -> None:
        """What is due by now is done: a heartbeat, a checkpoint."""
        now = self._clock.now()
        try:
            if self._beat_at is None or now - self._beat_at >= ledger.HEARTBEAT_EVERY:
                await self._desk.run(_beat)
                self._beat_at = now
            if self._asked.is_set() or self._signed_at is None or now - self._signed_at >= self._every:
                self._asked.clear()
                self._signed_at = now
                await self.notarise()
        except Overloaded as error:  # pages go first; the next look comes soon
            log.info("audit: not now, %s", error)

    async def notarise(self) -> None:
        """Every tenant's log has a signed checkpoint of what it holds now, and every place was given it."""
        for tenant in await self._desk.read(lambda store: store.audit_tenants()):
            checkpoint = await self._signed(tenant)
            if checkpoint is not None:
                for place in self.places:
                    await self._keep(tenant, place, checkpoint)

    async def sign(self, tenant: str) -> bool:
        """Whether the log as it is now has a signed checkpoint, for whoever cannot wait for the next round."""
        return await self._signed(tenant) is not None

    # --- signing ------------------------------------------------------------------------------------------------------

    async def _signed(self, tenant: str) -> Checkpoint | None:
        """The checkpoint of the log as it is now, or None when the signer refused."""
        try:
            if self._key is None:
                self._key = (await self._ask("public", self._name)).strip()
                await self._desk.run(self._known)
            origin = f"{self._name}/{tenant}"
            first = int(await self._ask("size", origin))
            size, root, leaves = await self._desk.read(lambda store: _grown(store, tenant, first))
            request = Request(origin=origin, first=first, size=size, leaves=leaves, root=root)
            note = await self._ask("sign", stdin=msgspec.json.encode(request))
        except AnchorFailed as error:
            await self._refused(tenant, str(error))
            return None
        self._well("signer")
        checkpoint = Checkpoint(size=size, at=self._clock.now(), note=note)
        await self._desk.run(lambda store: store.keep_checkpoint(tenant, checkpoint))
        return checkpoint

    async def _ask(self, *words: str, stdin: bytes | None = None) -> str:
        return await asyncio.to_thread(run, (*self._signer, *words), stdin)

    def _known(self, store: Store) -> None:
        """The key is among those that verification trusts where none is named; who added it is an entry itself."""
        for tenant in store.audit_tenants():
            body = store.get(tenant, *KEYS)
            keys = msgspec.json.decode(body, type=list[str]) if body else []
            if self._key not in keys:
                store.put(tenant, *KEYS, msgspec.json.encode([*keys, self._key]))

    async def _refused(self, tenant: str, why: str) -> None:
        """The signer's refusal is an entry, once: the log is not what was signed before."""
        why = why.partition("signer: ")[2] or why
        fresh = "signer" not in self.failing
        self._fails("signer", why)
        if fresh and "are signed" in why:
            draft = Draft(
                actor="tocsin", action=ledger.ROLLED_BACK, resource_type="log", resource=tenant, detail=why[:500]
            )
            await self._desk.run(lambda store: store.record(tenant, [draft]))

    # --- keeping outside ----------------------------------------------------------------------------------------------

    async def _keep(self, tenant: str, place: Place, checkpoint: Checkpoint) -> None:
        before = await self._desk.read(lambda store: {each.anchor: each.size for each in store.anchored(tenant)})
        first = before.get(place.name, 0)
        try:
            try:
                detail = await place.keep(await self._kept(tenant, checkpoint, first))
            except Emptied as error:
                await self._emptied(tenant, place, str(error))
                detail = await place.keep(await self._kept(tenant, checkpoint, 0))
        except AnchorFailed as error:
            self._fails(place.name, str(error))
            return
        self._well(place.name)
        kept = Anchored(anchor=place.name, size=checkpoint.size, at=checkpoint.at, detail=detail)
        await self._desk.run(lambda store: store.keep_anchored(tenant, kept))

    async def _kept(self, tenant: str, checkpoint: Checkpoint, first: int) -> Kept:
        leaves = await self._desk.read(lambda store: _leaves(store, tenant, first, checkpoint.size))
        return Kept(
            tenant=tenant, size=checkpoint.size, note=checkpoint.note, first=first, leaves=leaves, at=checkpoint.at
        )

    async def _emptied(self, tenant: str, place: Place, why: str) -> None:
        """Somebody who means to rewrite the log would begin so: it is an entry, which leaves with the next checkpoint.
        The place is given everything again."""
        log.error("audit: %s: %s", place.name, why)
        draft = Draft(
            actor="tocsin", action=ledger.ANCHOR_EMPTIED, resource_type="log", resource=tenant, detail=why[:500]
        )
        await self._desk.run(lambda store: store.record(tenant, [draft]))

    def _fails(self, name: str, why: str) -> None:
        if self.failing.get(name) != why:
            log.error("audit: %s: %s", name, why)
        self.failing[name] = why

    def _well(self, name: str) -> None:
        if self.failing.pop(name, None) is not None:
            log.info("audit: %s works again", name)

    # --- what is shown ------------------------------------------------------------------------------------------------

    async def protection(self, tenant: str) -> Protection:
        """How much of the log nobody here can rewrite unnoticed, and how old that is."""
        return await self._desk.read(lambda store: self._protection(store, tenant))

    def _protection(self, store: Store, tenant: str) -> Protection:
        names = {place.name for place in self.places}
        kept = [each for each in store.anchored(tenant) if each.anchor in names]
        newest = max(kept, key=lambda each: each.size, default=None)
        signed = store.checkpoints(tenant)
        return Protection(
            entries=store.audit_head(tenant).size,
            signed=signed[-1].size if signed else 0,
            size=newest.size if newest else 0,
            at=newest.at if newest else None,
            places=tuple(sorted(names)),
            failing=dict(self.failing),
        )

    def figures(self) -> dict[str, float]:
        """For /metrics."""
        return {"audit_places": float(len(self.places)), "audit_failing": float(len(self.failing))}


def started(store: Store, tenant: str, version: str, restored: Restored | None) -> None:
    """The first entry of a start; of one after a restore, that the log is not what it was."""
    drafts = [Draft(actor="tocsin", action=ledger.STARTED, resource_type="log", resource=tenant, detail=version)]
    if restored is not None:
        made, back = (f"{each:%Y-%m-%d %H:%M:%S} UTC" for each in (restored.made_at, restored.restored_at))
        detail = f"from a backup of {made}, restored {back}"
        drafts.append(
            Draft(actor="tocsin", action=ledger.RESTORED, resource_type="log", resource=tenant, detail=detail)
        )
    store.record(tenant, drafts)


def own_signer(home: Path) -> tuple[str, ...]:
    """The signing process where nobody configured another: its key and memory in a directory of its own."""
    return (sys.executable, "-m", "tocsin.anchors.signer", "--home", str(home))


def stopped(store: Store) -> None:
    for tenant in store.audit_tenants():
        store.record(tenant, [_of_log(ledger.STOPPED, tenant)])


def installation(store: Store, tenant: str, fresh: Callable[[], str]) -> str:
    """The name of this installation's logs and key, made once."""
    body = store.get(tenant, *NAME)
    if body is None:
        body = f"tocsin-{fresh()[:12]}".encode()
        store.put(tenant, *NAME, body)
    return body.decode()


def _beat(store: Store) -> None:
    for tenant in store.audit_tenants():
        store.record(tenant, [_of_log(ledger.HEARTBEAT, tenant)])


def _of_log(action: str, tenant: str) -> Draft:
    return Draft(actor="tocsin", action=action, resource_type="log", resource=tenant)


def _grown(store: Store, tenant: str, first: int) -> tuple[int, bytes, bytes]:
    """The log's size and root, and its leaf hashes from `first` on, of one moment."""
    head = store.audit_head(tenant)
    return head.size, ledger.root(head.frontier), _leaves(store, tenant, first, head.size)


def _leaves(store: Store, tenant: str, first: int, size: int) -> bytes:
    count = max(0, size - first)
    return b"".join(ledger.leaf_hash(each.body) for each in store.audit_entries(tenant, first, count))
