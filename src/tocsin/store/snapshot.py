"""The SQLite store's questions, answered by one connection at one moment."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import Literal

from tocsin.announceport import Room
from tocsin.auditport import Anchored, Checkpoint
from tocsin.clock import Clock
from tocsin.core.announcement import (
    Announcement,
    AnnouncementSettlement,
    LeasedAnnouncement,
    Owed,
    RecipientState,
    Told,
    ToldTo,
)
from tocsin.core.facts import AnyFact
from tocsin.core.ledger import Draft, Entry as AuditEntry, Head, Link, Plain
from tocsin.ports import AlertChanges, Append, Claim, Document, IndexRow, LeasedPage, Settlement, Word
from tocsin.store import announcing, audit, delivery, reading


class Snapshot:
    """The store's questions, answered by one connection."""

    def __init__(self, clock: Clock, db: sqlite3.Connection | None = None) -> None:
        self._clock = clock
        self._snapshot = db

    @contextmanager
    def _reader(self) -> Iterator[sqlite3.Connection]:
        assert self._snapshot is not None, "the snapshot has ended"
        yield self._snapshot

    def now(self) -> datetime:
        return self._clock.now()

    def facts(self, tenant: str, stream: str, after: int = 0) -> list[AnyFact]:
        with self._reader() as db:
            return reading.facts(db, tenant, stream, after)

    def index(self, tenant: str, stream: str) -> IndexRow | None:
        with self._reader() as db:
            return reading.index(db, tenant, stream)

    def find(self, tenant: str, reference: str) -> str | None:
        with self._reader() as db:
            return reading.find(db, tenant, reference)

    def holder(self, tenant: str, claim: Claim) -> str | None:
        with self._reader() as db:
            return reading.holder(db, tenant, claim)

    def holders(self, tenant: str, kind: str) -> list[str]:
        with self._reader() as db:
            return reading.holders(db, tenant, kind)

    def last_number(self, tenant: str, counter: str) -> int:
        with self._reader() as db:
            return reading.last_number(db, tenant, counter)

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
        with self._reader() as db:
            return reading.listing(
                db,
                tenant,
                statuses=statuses,
                severities=severities,
                service=service,
                category=category,
                text=text,
                limit=limit,
                cursor=cursor,
                kind=kind,
                actions=actions,
                without=without,
            )

    def private(self, tenant: str) -> dict[str, tuple[str, ...]]:
        with self._reader() as db:
            return reading.private(db, tenant)

    def due(self, now: datetime, limit: int) -> list[tuple[str, str, datetime]]:
        with self._reader() as db:
            return reading.due(db, now, limit)

    def next_wake(self) -> datetime | None:
        with self._reader() as db:
            return reading.next_wake(db)

    def next_page(self, now: datetime) -> datetime | None:
        with self._reader() as db:
            return delivery.next_at(db)

    def next_announcement(self) -> datetime | None:
        with self._reader() as db:
            return announcing.next_at(db)

    def announcement(self, tenant: str, announcement: str) -> Announcement | None:
        with self._reader() as db:
            return announcing.announcement(db, tenant, announcement)

    def announced(
        self, tenant: str, *, incident: str | None = None, topic: str | None = None, limit: int = 200
    ) -> list[Told]:
        with self._reader() as db:
            return announcing.announced(db, tenant, incident, topic, limit)

    def told_to(
        self,
        tenant: str,
        announcement: str,
        *,
        states: Sequence[RecipientState] = (),
        after: int = -1,
        limit: int = 200,
    ) -> list[ToldTo]:
        with self._reader() as db:
            return announcing.told_to(db, tenant, announcement, states, after, limit)

    def get(self, tenant: str, kind: str, name: str) -> bytes | None:
        with self._reader() as db:
            return reading.get(db, tenant, kind, name)

    def items(self, tenant: str, kind: str) -> list[tuple[str, bytes]]:
        with self._reader() as db:
            return reading.items(db, tenant, kind)

    def kinds(self, tenant: str) -> list[str]:
        with self._reader() as db:
            return reading.kinds(db, tenant)

    def fact_counts(self, tenant: str) -> Iterator[tuple[str, int, int, int]]:
        with self._reader() as db:
            yield from reading.fact_counts(db, tenant)

    def alert_blocks(self, numbers: Sequence[int] | None = None) -> Iterator[tuple[int, str, bytes]]:
        with self._reader() as db:
            yield from reading.alert_blocks(db, numbers)

    def alert_words(self) -> list[tuple[str, Word]]:
        with self._reader() as db:
            return reading.alert_words(db)

    def alert_bodies(self, slots: Sequence[int]) -> dict[int, bytes]:
        with self._reader() as db:
            return reading.alert_bodies(db, slots)

    def consumed(self) -> int:
        with self._reader() as db:
            return reading.consumed(db)

    # the audit trail

    def audit_head(self, tenant: str) -> Head:
        with self._reader() as db:
            return audit.head(db, tenant)

    def audit_entries(self, tenant: str, after: int = 0, limit: int | None = None) -> Iterator[AuditEntry]:
        with self._reader() as db:
            yield from audit.entries(db, tenant, after, limit)

    def audit_plain(self, tenant: str) -> Iterator[Plain]:
        with self._reader() as db:
            yield from audit.plain(db, tenant)

    def audit_links(self, tenant: str) -> Iterator[Link]:
        with self._reader() as db:
            yield from audit.links(db, tenant)

    def audit_newest(self, tenant: str, before: int | None = None, limit: int = 100) -> list[AuditEntry]:
        with self._reader() as db:
            return audit.newest(db, tenant, before, limit)

    def audit_tenants(self) -> list[str]:
        with self._reader() as db:
            return audit.tenants(db)

    def fact_body(self, tenant: str, stream: str, version: int) -> bytes | None:
        with self._reader() as db:
            return audit.fact_body(db, tenant, stream, version)

    def checkpoints(self, tenant: str) -> list[Checkpoint]:
        with self._reader() as db:
            return audit.checkpoints(db, tenant)

    def anchored(self, tenant: str) -> list[Anchored]:
        with self._reader() as db:
            return audit.anchored(db, tenant)

    # a snapshot does not write, whatever it is asked

    def acting(self, actor: str) -> AbstractContextManager[None]:
        raise TypeError("a snapshot is for reading")

    def record(self, tenant: str, drafts: Sequence[Draft]) -> None:
        raise TypeError("a snapshot is for reading")

    def erase(self, tenant: str, seqs: Sequence[int], facts: Sequence[tuple[str, int, AnyFact]], note: Draft) -> None:
        raise TypeError("a snapshot is for reading")

    def keep_checkpoint(self, tenant: str, checkpoint: Checkpoint) -> None:
        raise TypeError("a snapshot is for reading")

    def keep_anchored(self, tenant: str, anchored: Anchored) -> None:
        raise TypeError("a snapshot is for reading")

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
        raise TypeError("a snapshot is for reading")

    def claim_pages(self, now: datetime, limit: int, lease_seconds: int) -> list[LeasedPage]:
        raise TypeError("a snapshot is for reading")

    def claim_announcements(
        self, now: datetime, limit: int, lease_seconds: int, room: Room
    ) -> list[LeasedAnnouncement]:
        raise TypeError("a snapshot is for reading")

    def withdraw(self, tenant: str, kind: str, address: str) -> int:
        raise TypeError("a snapshot is for reading")

    def forget_announcements(self, before: datetime, limit: int) -> int:
        raise TypeError("a snapshot is for reading")

    def renew(self, leases: Sequence[str], until: datetime) -> None:
        raise TypeError("a snapshot is for reading")

    def postpone(self, tenant: str, stream: str, until: datetime) -> None:
        raise TypeError("a snapshot is for reading")

    def put(self, tenant: str, kind: str, name: str, value: bytes) -> None:
        raise TypeError("a snapshot is for reading")

    def delete(self, tenant: str, kind: str, name: str) -> bool:
        raise TypeError("a snapshot is for reading")

    @contextmanager
    def reading(self) -> Iterator[Snapshot]:
        yield self

    def close(self) -> None:
        self._snapshot = None
