"""The store in memory: for rehearsal, simulation and tests. It keeps the same contract and nothing else.

Written to be read beside the SQLite store: plain dictionaries and scans, no index.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Literal

import msgspec

from tocsin.announceport import Room
from tocsin.auditport import Anchored, Checkpoint
from tocsin.clock import Clock
from tocsin.core import ledger
from tocsin.core.announcement import (
    Announcement,
    AnnouncementSettlement,
    LeasedAnnouncement,
    Owed,
    RecipientState,
    Told,
    ToldTo,
)
from tocsin.core.facts import TOCSIN, AnyFact, decode, encode
from tocsin.core.ledger import Draft, Entry as AuditEntry, Head, Link, Plain
from tocsin.ports import AlertChanges, Append, Claim, Conflict, Document, IndexRow, LeasedPage, Settlement, Word
from tocsin.store.cursors import cursor_of, position_of
from tocsin.store.instants import us
from tocsin.store.tables import Tables, Undo
from tocsin.store.writing import draft_of


class MemoryStore:
    """One thread only; `reading` gives a copy of the moment."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tables = Tables()
        self._actor = TOCSIN

    def now(self) -> datetime:
        return self._clock.now()

    def commit(
        self,
        appends: Sequence[Append] = (),
        *,
        alerts: AlertChanges | None = None,
        settle: Sequence[Settlement] = (),
        consumed: int | None = None,
        announce: Sequence[Owed] = (),
        told: Sequence[AnnouncementSettlement] = (),
        documents: Sequence[Document] = (),
    ) -> None:
        undo = Undo(self._tables, appends)
        outbox = self._tables.outbox.copy() if settle or any(each.pages or each.forgive for each in appends) else None
        try:
            for settlement in settle:
                self._tables.outbox.settle(settlement)
            for append in appends:
                self._append(append)
        except BaseException:
            undo.apply()
            if outbox is not None:
                self._tables.outbox = outbox
            raise
        for append in appends:
            self._note(append.tenant, _drafts(append))
        for one in told:
            self._tables.announcements.settle(one)
        for owed in announce:
            self._tables.announcements.owe(owed)
        for document in documents:
            self.put(*document)
        if alerts is not None:
            self._change_alerts(alerts)
        if consumed is not None:
            self._tables.consumed = max(self._tables.consumed, consumed)

    def _change_alerts(self, alerts: AlertChanges) -> None:
        tables = self._tables
        tables.blocks |= {number: (alerts.tenant, cells) for number, cells in alerts.blocks.items()}
        tables.words |= {(alerts.tenant, kind, number): value for kind, number, value in alerts.words}
        tables.bodies |= alerts.bodies

    def _append(self, append: Append) -> None:
        tables = self._tables
        name = (append.tenant, append.stream)
        before = tables.facts.get(name, ())
        if len(before) != append.expected:
            raise Conflict(f"stream {append.stream}: expected {append.expected} facts, got {len(before)}")
        tables.facts[name] = before + tuple(encode(fact) for fact in append.facts)
        tables.index[name] = append.index
        if append.wake_at is None:
            tables.wake.pop(name, None)
        else:
            tables.wake[name] = append.wake_at
        for claim in append.release:
            if tables.claims.get((append.tenant, claim)) == append.stream:
                del tables.claims[append.tenant, claim]
        for claim in append.take:
            holder = tables.claims.setdefault((append.tenant, claim), append.stream)
            if holder != append.stream:
                raise Conflict(f"{claim.kind} {claim.name!r} is held by stream {holder}", claim)
        if append.reference_counter is not None:
            counter, number = append.reference_counter
            last = tables.counters.get((append.tenant, counter), 0)
            if number != last + 1:
                raise Conflict(f"counter {counter!r}: expected {last + 1}, got {number}")
            tables.counters[append.tenant, counter] = number
        tables.outbox.owe(append)

    # --- streams ------------------------------------------------------------------------------------------------------

    def facts(self, tenant: str, stream: str, after: int = 0) -> list[AnyFact]:
        return [decode(body) for body in self._tables.facts.get((tenant, stream), ())[after:]]

    def index(self, tenant: str, stream: str) -> IndexRow | None:
        return self._tables.index.get((tenant, stream))

    def find(self, tenant: str, reference: str) -> str | None:
        exact = self.holder(tenant, Claim(kind="reference", name=reference))
        return exact or self.holder(tenant, Claim(kind="reference", name=reference.upper()))

    def holder(self, tenant: str, claim: Claim) -> str | None:
        return self._tables.claims.get((tenant, claim))

    def holders(self, tenant: str, kind: str) -> list[str]:
        held = sorted(
            (claim.name, stream)
            for (owner, claim), stream in self._tables.claims.items()
            if owner == tenant and claim.kind == kind
        )
        return [stream for _, stream in held]

    def last_number(self, tenant: str, counter: str) -> int:
        return self._tables.counters.get((tenant, counter), 0)

    def listing(
        self,
        tenant: str,
        *,
        statuses: Sequence[str] = (),
        severities: Sequence[str] = (),
        service: str | None = None,
        category: str | None = None,
        text: str = "",
        limit: int = 50,
        cursor: str | None = None,
        kind: Literal["incident", "duty"] = "incident",
        actions: bool = False,
        without: Collection[str] = (),
    ) -> tuple[list[IndexRow], str | None]:
        after = position_of(cursor) if cursor is not None else None
        rows = [
            row
            for (owner, _), row in self._tables.index.items()
            if owner == tenant
            and row.kind == kind
            and (row.actions > 0 or not actions)
            and row.incident not in without
            and (not statuses or row.status in statuses)
            and (not severities or _ascii_folded(row.severity) in map(_ascii_folded, severities))
            and (service is None or (row.service is not None and _ascii_folded(row.service) == _ascii_folded(service)))
            and (category is None or _ascii_folded(row.category or "") == _ascii_folded(category))
            and text.casefold() in f"{row.reference}\n{row.title}".casefold()
            and (after is None or _place(row) < after)
        ]
        rows.sort(key=_place, reverse=True)
        more = limit > 0 and len(rows) > limit
        return rows[:limit], cursor_of(*_place(rows[limit - 1])) if more else None

    def private(self, tenant: str) -> dict[str, tuple[str, ...]]:
        rows = self._tables.index.items()
        return {stream: row.readers for (owner, stream), row in rows if owner == tenant and row.readers is not None}

    def due(self, now: datetime, limit: int) -> list[tuple[str, str, datetime]]:
        due = [(at, tenant, stream) for (tenant, stream), at in self._tables.wake.items() if at <= now]
        return [(tenant, stream, at) for at, tenant, stream in sorted(due)[:limit]]

    def next_wake(self) -> datetime | None:
        return min(self._tables.wake.values(), default=None)

    def postpone(self, tenant: str, stream: str, until: datetime) -> None:
        self._tables.wake[tenant, stream] = until

    # --- delivery -----------------------------------------------------------------------------------------------------

    def release_leases(self) -> None:
        """Whoever was sending is gone, as after a restart: what was leased may be tried at once."""
        self._tables.outbox.release_leases(self._clock.now())
        self._tables.announcements.release_leases(self._clock.now())

    def claim_pages(self, now: datetime, limit: int, lease_seconds: int) -> list[LeasedPage]:
        references = {name: row.reference for name, row in self._tables.index.items()}
        return self._tables.outbox.claim(now, limit, lease_seconds, references)

    def renew(self, leases: Sequence[str], until: datetime) -> None:
        self._tables.outbox.renew(leases, until)

    def next_page(self, now: datetime) -> datetime | None:
        return self._tables.outbox.next_at()

    def claim_announcements(
        self, now: datetime, limit: int, lease_seconds: int, room: Room
    ) -> list[LeasedAnnouncement]:
        return self._tables.announcements.claim(now, limit, lease_seconds, room)

    def next_announcement(self) -> datetime | None:
        return self._tables.announcements.next_at()

    def announcement(self, tenant: str, announcement: str) -> Announcement | None:
        return self._tables.announcements.announcement(tenant, announcement)

    def announced(
        self, tenant: str, *, incident: str | None = None, topic: str | None = None, limit: int = 200
    ) -> list[Told]:
        return self._tables.announcements.announced(tenant, incident, topic, limit)

    def told_to(
        self,
        tenant: str,
        announcement: str,
        *,
        states: Sequence[RecipientState] = (),
        after: int = -1,
        limit: int = 200,
    ) -> list[ToldTo]:
        return self._tables.announcements.told_to(tenant, announcement, states, after, limit)

    def withdraw(self, tenant: str, kind: str, address: str) -> int:
        return self._tables.announcements.withdraw(tenant, kind, address)

    def forget_announcements(self, before: datetime, limit: int) -> int:
        return self._tables.announcements.forget(before, limit)

    # --- documents ----------------------------------------------------------------------------------------------------

    def put(self, tenant: str, kind: str, name: str, value: bytes) -> None:
        existed = (tenant, kind, name) in self._tables.documents
        self._tables.documents[tenant, kind, name] = value
        self._administered(tenant, kind, name, value, existed=existed)

    def get(self, tenant: str, kind: str, name: str) -> bytes | None:
        return self._tables.documents.get((tenant, kind, name))

    def delete(self, tenant: str, kind: str, name: str) -> bool:
        gone = self._tables.documents.pop((tenant, kind, name), None) is not None
        if gone:
            self._administered(tenant, kind, name, None, existed=True)
        return gone

    def items(self, tenant: str, kind: str) -> list[tuple[str, bytes]]:
        mine = [
            (name, value)
            for (owner, of, name), value in self._tables.documents.items()
            if (owner, of) == (tenant, kind)
        ]
        return sorted(mine)

    def kinds(self, tenant: str) -> list[str]:
        return sorted({kind for owner, kind, _ in self._tables.documents if owner == tenant})

    def fact_counts(self, tenant: str) -> Iterator[tuple[str, int, int, int]]:
        for (owner, stream), bodies in self._tables.facts.items():
            if owner == tenant:
                yield stream, len(bodies), 1, len(bodies)

    # --- the audit trail ----------------------------------------------------------------------------------------------

    @contextmanager
    def acting(self, actor: str) -> Iterator[None]:
        before, self._actor = self._actor, actor
        try:
            yield
        finally:
            self._actor = before

    def record(self, tenant: str, drafts: Sequence[Draft]) -> None:
        self._note(tenant, drafts)

    def _administered(self, tenant: str, kind: str, name: str, value: bytes | None, *, existed: bool) -> None:
        draft = ledger.of_document(kind, name, self._actor, value, existed=existed)
        if draft is not None:
            self._note(tenant, [draft])

    def _note(self, tenant: str, drafts: Sequence[Draft]) -> None:
        if not drafts:
            return
        now = self._clock.now()
        salts = [os.urandom(ledger.SALT_BYTES) for _ in drafts]
        head, entries = ledger.appended(self.audit_head(tenant), drafts, us(now), now, salts)
        self._tables.heads[tenant] = head
        self._tables.audit |= {(tenant, each.seq): each for each in entries}

    def erase(self, tenant: str, seqs: Sequence[int], facts: Sequence[tuple[str, int, AnyFact]], note: Draft) -> None:
        tables = self._tables
        for seq in seqs:
            tables.audit[tenant, seq] = msgspec.structs.replace(tables.audit[tenant, seq], salt=None, content=None)
        for stream, version, fact in facts:
            bodies = list(tables.facts[tenant, stream])
            bodies[version - 1] = encode(fact)
            tables.facts[tenant, stream] = tuple(bodies)
        self._note(tenant, [note])

    def audit_head(self, tenant: str) -> Head:
        return self._tables.heads.get(tenant) or Head()

    def audit_entries(self, tenant: str, after: int = 0, limit: int | None = None) -> Iterator[AuditEntry]:
        size = self.audit_head(tenant).size
        for seq in range(after, size if limit is None else min(size, after + limit)):
            yield self._tables.audit[tenant, seq]

    def audit_plain(self, tenant: str) -> Iterator[Plain]:
        for each in self.audit_entries(tenant):
            yield each.seq, each.recorded_us, each.body, each.hash, each.salt, each.content

    def audit_links(self, tenant: str) -> Iterator[Link]:
        return ((each.seq, each.body, each.hash) for each in self.audit_entries(tenant))

    def audit_newest(self, tenant: str, before: int | None = None, limit: int = 100) -> list[AuditEntry]:
        end = self.audit_head(tenant).size if before is None else min(before, self.audit_head(tenant).size)
        return [self._tables.audit[tenant, seq] for seq in range(end - 1, max(-1, end - 1 - limit), -1)]

    def audit_tenants(self) -> list[str]:
        return sorted(self._tables.heads)

    def fact_body(self, tenant: str, stream: str, version: int) -> bytes | None:
        bodies = self._tables.facts.get((tenant, stream), ())
        return bodies[version - 1] if 0 < version <= len(bodies) else None

    def keep_checkpoint(self, tenant: str, checkpoint: Checkpoint) -> None:
        self._tables.checkpoints[tenant, checkpoint.size] = checkpoint
        kept = [(each.size, us(each.at)) for each in self.checkpoints(tenant)]
        for size in ledger.superfluous(kept):
            del self._tables.checkpoints[tenant, size]

    def checkpoints(self, tenant: str) -> list[Checkpoint]:
        return [each for (owner, _), each in sorted(self._tables.checkpoints.items()) if owner == tenant]

    def keep_anchored(self, tenant: str, anchored: Anchored) -> None:
        self._tables.anchored[tenant, anchored.anchor] = anchored

    def anchored(self, tenant: str) -> list[Anchored]:
        return [each for (owner, _), each in sorted(self._tables.anchored.items()) if owner == tenant]

    # --- alerts -------------------------------------------------------------------------------------------------------

    def alert_blocks(self, numbers: Sequence[int] | None = None) -> Iterator[tuple[int, str, bytes]]:
        blocks = self._tables.blocks
        for number in sorted(blocks if numbers is None else blocks.keys() & set(numbers)):
            yield number, *blocks[number]

    def alert_words(self) -> list[tuple[str, Word]]:
        return [(tenant, (kind, number, value)) for (tenant, kind, number), value in sorted(self._tables.words.items())]

    def alert_bodies(self, slots: Sequence[int]) -> dict[int, bytes]:
        return {slot: body for slot in slots if (body := self._tables.bodies.get(slot))}

    def consumed(self) -> int:
        return self._tables.consumed

    @contextmanager
    def reading(self) -> Iterator[MemoryStore]:
        moment = MemoryStore(self._clock)
        moment._tables = self._tables.copy()
        yield moment

    def close(self) -> None:
        """Nothing is held."""


def _drafts(append: Append) -> list[Draft]:
    return [
        draft_of(append.stream, version, fact, encode(fact))
        for version, fact in enumerate(append.facts, append.expected + 1)
    ]


def _place(row: IndexRow) -> tuple[int, str]:
    return us(row.opened_at), row.incident


def _ascii_folded(text: str) -> str:
    """As SQLite's NOCASE compares: the letters of ASCII in lower case."""
    return text.encode("utf-8", "surrogatepass").lower().decode("utf-8", "surrogatepass")
