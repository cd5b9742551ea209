"""The keeping of evidence: content goes into the vault, what happened to it onto the timeline, in that order.

The order is the promise. Content is durable before the fact that names it is written, so that no fact is without its
content; what a crash leaves behind is content without a fact, which housekeeping finds and drops. Reading is the other
way round: that somebody was given it is on the timeline before a byte leaves.

`references.py` says what is referred to: written before the fact and completed after it, so that housekeeping need not
read every incident.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import quote

import msgspec

from tocsin.clock import Clock
from tocsin.core import evidence as e, facts as f
from tocsin.core.evidence import Evidence, Item
from tocsin.core.evidence_profile import Checked, checked, profile
from tocsin.core.incident import Incident, Refused
from tocsin.engine import Engine, NotFound
from tocsin.evidenceport import Label, NotCollected, NotReadable, Query
from tocsin.ports import QuotaMet, Store
from tocsin.proof.references import REFERENCE, Reference, gone, let_go, object_names, references, swept
from tocsin.setting.evidence import EvidenceSetting, LogSource
from tocsin.writer import Overloaded

if TYPE_CHECKING:  # brings `cryptography`, which no start needs
    from tocsin.evidence.vault import Kept, Vault

LOOK_SECONDS = 3_600.0
GRACE = timedelta(hours=1)  # a reference that is younger may be about to get its fact
ORPHANS_KEPT = timedelta(days=7)  # content that nothing refers to, as after the restore of an older database
FETCH_SECONDS = 600.0
REMOVED_MAX = 200  # items of one look whose retention has ended
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)  # until the core says when it was
RETENTION = "its retention ended"

T = TypeVar("T")
log = logging.getLogger(__name__)
Fetch = Callable[[str, Mapping[str, str], bool], AsyncIterator[bytes]]
"""The body at an address, with these headers; the last says whether private addresses are allowed."""
Seal = Callable[[], Awaitable[bool]]
"""Whether the audit trail as it is now has a signed checkpoint."""


class Office(Protocol):
    @property
    def tenant(self) -> str: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def engine(self) -> Engine: ...
    def run(self, fn: Callable[[Store], T]) -> Awaitable[T]: ...
    def read(self, fn: Callable[[Store], T]) -> Awaitable[T]: ...
    def fresh_id(self) -> str: ...


class Room(Protocol):
    """What the tenant may store (tenants.quota.Quota)."""

    def room(self) -> int | None: ...
    def stored(self, size: int) -> None: ...


class Custody:
    """Evidence of one tenant. `room` None: it may store what it likes."""

    def __init__(
        self, office: Office, setting: EvidenceSetting, fetch: Fetch, seal: Seal, room: Room | None = None
    ) -> None:
        self._office, self._setting, self._fetch, self._seal, self._room = office, setting, fetch, seal, room
        self._vault: Vault | None = None
        self._sources: dict[str, LogSource] = {each.name.casefold(): each for each in setting.log_sources}

    @property
    def vault(self) -> Vault:
        if self._vault is None:
            make = import_module("tocsin.evidence.making").vault_of
            self._vault = make(self._setting, self._office.tenant, self._office.clock)
        return self._vault

    # --- collecting ---------------------------------------------------------------------------------------------------

    def log_sources(self) -> Sequence[str]:
        return [each.name for each in self._setting.log_sources]

    def cleaned(self, text: str) -> str:
        redactor = import_module("tocsin.evidence.making").Redactor()
        clean: bytes = redactor.feed(text.encode("utf-8", "replace")) + redactor.finish()
        return clean.decode("utf-8", "replace")

    async def collect(self, by: str, name: str, label: Label, chunks: AsyncIterator[bytes]) -> tuple[str, Item]:
        if not label.name.strip() or len(label.name) > e.NAME_MAX:
            raise ValueError(f"name: expected 1 to {e.NAME_MAX} characters, got {len(label.name)}")
        await self.of(name)
        errors = self._errors()
        try:
            left = self._room.room() if self._room else None
            bytes_max = self._setting.bytes_max if left is None else min(left, self._setting.bytes_max)
            async with self.vault.keeping(chunks, bytes_max=bytes_max, original=label.keep_original) as kept:
                made = await self._recorded(by, name, label, kept)
            if self._room:
                self._room.stored(kept.size + kept.original_size)
            return made
        except (errors.too_large, QuotaMet) as error:
            await self.failed(by, name, label, str(error))
            raise NotCollected(str(error), too_large=True) from error
        except (*errors.store, OSError) as error:
            await self.failed(by, name, label, str(error))
            raise NotCollected(str(error)) from error

    async def fetch(self, by: str, name: str, label: Label, url: str) -> tuple[str, Item]:
        shown = without_secrets(url)
        label = msgspec.structs.replace(label, source="url", origin=shown)
        return await self.collect(by, name, label, self._fetch(url, {}, self._setting.allow_private))

    async def ask(self, by: str, name: str, label: Label, query: Query) -> tuple[str, Item]:
        source = self._sources.get(query.source.casefold())
        if source is None:
            known = ", ".join(self.log_sources()) or "none is configured"
            raise ValueError(f"source: expected a log source ({known}), got {query.source!r}")
        said = query.query or source.query
        span = f"{query.start:%Y-%m-%dT%H:%M:%SZ} to {query.end:%Y-%m-%dT%H:%M:%SZ}"
        label = msgspec.structs.replace(label, source="query", origin=f"{source.name}: {said} ({span})")
        headers = {"Authorization": f"Bearer {source.token}"} if source.token else {}
        return await self.collect(by, name, label, self._fetch(asked_url(source, query), headers, True))

    async def failed(self, by: str, name: str, label: Label, detail: str) -> None:
        fact = f.EvidenceFailed(
            at=self._office.clock.now(),
            name=label.name[: e.NAME_MAX],
            source=label.source,
            detail=detail[:1_000],
            origin=label.origin[:4_000],
            step=label.step,
        )
        await self._handle(name, e.FailEvidence(by=by, fact=fact))

    async def _recorded(self, by: str, name: str, label: Label, kept: Kept) -> tuple[str, Item]:
        """The content is durable; now it is referred to, and then it is a fact."""
        tenant, engine, place = self._office.tenant, self._office.engine, self._office.fresh_id()
        command = e.CollectEvidence(by=by, fact=_fact(label, kept), rules=self._setting.retention)
        objects = object_names(kept.sha256, kept.original_sha256)

        def on_the_writer(store: Store) -> tuple[str, Item]:
            stream = engine.find(tenant, name)
            made = Reference(stream=stream, objects=objects, at=store.now(), size=kept.size + kept.original_size)
            store.put(tenant, REFERENCE, place, msgspec.json.encode(made))
            try:
                incident = engine.handle(tenant, name, command)
            except (Refused, ValueError):
                store.delete(tenant, REFERENCE, place)
                raise
            item = incident.evidence.items[max(incident.evidence.items)]
            whole = msgspec.structs.replace(made, stream=incident.id, item=item.item, keep_until=item.keep_until)
            store.put(tenant, REFERENCE, place, msgspec.json.encode(whole))
            return incident.reference, item

        return await self._office.run(on_the_writer)

    # --- what is done to it -------------------------------------------------------------------------------------------

    async def of(self, name: str) -> Incident:
        engine, tenant = self._office.engine, self._office.tenant
        return await self._office.run(lambda _: engine.load(tenant, engine.find(tenant, name)))

    async def give(self, by: str, name: str, item: int, *, original: bool) -> tuple[Item, AsyncIterator[bytes]]:
        incident = await self._handle(name, e.ReadEvidence(by=by, item=item, original=original))
        found = incident.evidence.items[item]
        return found, self.content(found, original=original)

    async def content(self, item: Item, *, original: bool = False) -> AsyncIterator[bytes]:
        """The content, with nobody told. Raises NotReadable."""
        digest = item.original_sha256 if original else item.sha256
        errors = self._errors()
        try:
            async for piece in self.vault.content(digest, original=original):
                yield piece
        except (*errors.store, *errors.content, OSError) as error:
            log.error("evidence %s (SHA-256 %s) cannot be read: %s", item.item, digest, error)
            raise NotReadable(f"evidence {item.item}: {error}") from error

    async def hold(self, by: str, name: str, items: Sequence[int], because: str) -> Incident:
        return await self._handle(name, e.HoldEvidence(by=by, items=tuple(items), because=because))

    async def release(self, by: str, name: str, items: Sequence[int], because: str) -> Incident:
        return await self._handle(name, e.ReleaseEvidence(by=by, items=tuple(items), because=because))

    async def remove(self, by: str, name: str, item: int, because: str) -> Incident:
        """The fact first: content that is gone and still promised would be worse than content that nobody names."""
        tenant, engine = self._office.tenant, self._office.engine

        def on_the_writer(store: Store) -> Incident:
            incident = engine.handle(tenant, name, e.RemoveEvidence(by=by, item=item, because=because))
            let_go(store, tenant, incident.id, item)
            return incident

        incident = await self._office.run(on_the_writer)
        await self.sweep()
        return incident

    async def sweep(self) -> int:
        """How many contents went that were let go of. What a store does not delete now is asked again later."""
        tenant, dropped = self._office.tenant, 0
        for name in await self._office.read(lambda store: gone(store, tenant)):
            try:
                dropped += await self.vault.drop(name)
            except (*self._errors().store, OSError) as error:
                log.warning("evidence: %s is not deleted yet: %s", name, error)
                continue
            await self._office.run(lambda store, done=name: swept(store, tenant, done))  # type: ignore[misc]
        return dropped

    async def profile(self, name: str) -> tuple[Evidence, Sequence[Checked]]:
        incident = await self.of(name)
        engine, tenant = self._office.engine, self._office.tenant
        guide = await self._office.run(lambda _: engine.guides.digested(tenant, incident.policy_digest))
        return incident.evidence, checked(profile(guide.policy), incident.evidence)

    async def export(self, by: str, name: str, items: Sequence[int], purpose: str) -> tuple[str, AsyncIterator[bytes]]:
        incident = await self.of(name)
        made: tuple[str, AsyncIterator[bytes]] = await import_module("tocsin.proof.bundling").bundle(
            self._office, self, self._seal, incident, tuple(items), by=by, purpose=purpose
        )
        return made

    async def _handle(self, name: str, command: Any) -> Incident:
        engine, tenant = self._office.engine, self._office.tenant
        return await self._office.run(lambda _: engine.handle(tenant, name, command))

    async def elsewhere(self) -> int:
        """The bytes of evidence that lie outside of the data directory, where nobody else measures them."""
        if self._setting.bucket is None and self._setting.folder.is_relative_to(self._setting.spool.parent):
            return 0
        tenant = self._office.tenant
        every = await self._office.read(lambda store: references(store, tenant))
        return sum({each.objects: each.size for each in every.values()}.values())

    # --- housekeeping -------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """For ever: what is past its time goes, and so does what nobody refers to."""
        await asyncio.to_thread(tidied, self._setting)
        while True:
            try:
                await self.look()
            except Overloaded as error:  # pages go first
                log.info("evidence: not now, %s", error)
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> tuple[int, int]:
        """How many items were removed because their time is over, and how many contents nobody referred to."""
        now, tenant = self._office.clock.now(), self._office.tenant
        every = await self._office.read(lambda store: references(store, tenant))
        if not every and self._vault is None and not self._setting.folder.is_dir() and self._setting.bucket is None:
            return 0, 0  # nothing was ever kept: the vault's libraries need not be loaded
        ended = 0
        for each in sorted(every.values(), key=lambda ref: ref.keep_until or now):
            if each.item is not None and each.keep_until and each.keep_until <= now and ended < REMOVED_MAX:
                ended += await self._expired(each.stream, each.item)
        await self._office.run(lambda store: self._confirm(store, now))
        await self.sweep()
        try:
            return ended, await self._orphans(now)
        except (*self._errors().store, OSError) as error:
            log.warning("evidence: what nobody refers to is looked for later: %s", error)
            return ended, 0

    async def _expired(self, stream: str, item: int) -> int:
        try:
            await self.remove(f.TOCSIN, stream, item, RETENTION)
        except (Refused, ValueError, NotFound) as error:
            log.info("evidence stays: %s", error)
            return 0
        return 1

    def _confirm(self, store: Store, now: datetime) -> None:
        """A reference whose fact was never written, or whose item is gone, is dropped; one that a crash left without
        its number gets it."""
        tenant, engine = self._office.tenant, self._office.engine
        for name, each in references(store, tenant).items():
            if each.item is not None or now - each.at < GRACE:
                continue
            found = self._item_of(engine.load(tenant, each.stream), each, references(store, tenant))
            if found is None:
                store.delete(tenant, REFERENCE, name)
            else:
                whole = msgspec.structs.replace(each, item=found.item, keep_until=found.keep_until)
                store.put(tenant, REFERENCE, name, msgspec.json.encode(whole))

    def _item_of(self, incident: Incident, ref: Reference, every: Mapping[str, Reference]) -> Item | None:
        taken = {other.item for other in every.values() if other.stream == ref.stream}
        for item in incident.evidence.items.values():
            if item.item not in taken and object_names(*item.contents) == ref.objects:
                return item
        return None

    async def _orphans(self, now: datetime) -> int:
        tenant = self._office.tenant
        every = await self._office.read(lambda store: references(store, tenant))
        needed = {name for each in every.values() for name in each.objects}
        old = [each.name async for each in self.vault.orphans(needed) if now - each.modified_at >= ORPHANS_KEPT]
        dropped = [await self.vault.drop(name) for name in old]
        return sum(dropped)

    async def close(self) -> None:
        if self._vault is not None:
            await self._vault.objects.close()

    @staticmethod
    def _errors() -> Any:
        """The vault's own errors, which are not known before it is loaded."""
        return import_module("tocsin.evidence.making").ERRORS


def tidied(setting: EvidenceSetting) -> int:
    """How many half-written contents of an earlier run are gone. Nothing may be coming in yet."""
    left = list(setting.spool.glob("*.part")) if setting.spool.is_dir() else []
    for path in left:
        path.unlink(missing_ok=True)
    return len(left)


def asked_url(source: LogSource, query: Query) -> str:
    """The address of a query: what is asked and when, in the places that the template has for them."""
    start, end = int(query.start.timestamp()), int(query.end.timestamp())
    values = {
        "query": query.query or source.query,
        "start": f"{query.start:%Y-%m-%dT%H:%M:%SZ}",
        "end": f"{query.end:%Y-%m-%dT%H:%M:%SZ}",
        "start_unix": str(start),
        "end_unix": str(end),
        "start_ns": str(start * 10**9),
        "end_ns": str(end * 10**9),
    }
    found = source.url
    for name, value in values.items():
        found = found.replace(f"{{{name}}}", quote(value, safe=""))
    return found


def without_secrets(url: str) -> str:
    """An address without user, password, and the values of its query."""
    head, mark, query = url.partition("?")
    scheme, slashes, rest = head.partition("//")
    host, slash, path = rest.partition("/")
    names = "&".join(f"{pair.partition('=')[0]}=..." for pair in query.split("&")) if mark else ""
    return f"{scheme}{slashes}{host.rpartition('@')[2]}{slash}{path}{mark}{names}"


def _fact(label: Label, kept: Kept) -> f.EvidenceCollected:
    """Without its number and its instant, which the core gives."""
    return f.EvidenceCollected(
        at=EPOCH,
        item=0,
        name=label.name,
        kind=label.kind,
        source=label.source,
        sha256=kept.sha256,
        size=kept.size,
        origin=label.origin[:4_000],
        host=label.host[:200],
        exit_code=label.exit_code,
        redactions=kept.redactions,
        looked=kept.looked,
        original_sha256=kept.original_sha256,
        original_size=kept.original_size,
        original_for=label.original_for if kept.original_sha256 else (),
        step=label.step,
    )
