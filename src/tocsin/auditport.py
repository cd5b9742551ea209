"""What the audit trail needs from a store; part of `ports.Store`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

import msgspec

from tocsin.core.facts import AnyFact
from tocsin.core.ledger import Draft, Entry as AuditEntry, Head, Link, Plain


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A signed head of an audit log: `note` is the C2SP signed note over origin, size and root."""

    size: int
    at: datetime
    note: str


class Anchored(msgspec.Struct, frozen=True, kw_only=True):
    """The newest checkpoint that left the machine by this anchor; `detail` says where it is to be found."""

    anchor: str
    size: int
    at: datetime
    detail: str = ""


class Protection(msgspec.Struct, frozen=True, kw_only=True):
    """`size`: entries that a place outside holds; `entries`: all there are; `at` None: nothing ever left."""

    entries: int
    signed: int
    size: int
    at: datetime | None
    places: tuple[str, ...]
    failing: dict[str, str]


class AuditStore(Protocol):
    """`commit`, `put` and `delete` write their entries themselves, in the same transaction; the rest is here."""

    def acting(self, actor: str) -> AbstractContextManager[None]:
        """Documents written inside are this actor's doing; outside of it, they are Tocsin's."""
        ...

    def record(self, tenant: str, drafts: Sequence[Draft]) -> None:
        """Entries for what changes no row: heartbeats, exports, access. From the writer thread only."""
        ...

    def erase(self, tenant: str, seqs: Sequence[int], facts: Sequence[tuple[str, int, AnyFact]], note: Draft) -> None:
        """What these entries committed to is gone, these facts (stream, version) stand in their place, and `note` is
        the entry that says so: all of it or nothing. From the writer thread only."""
        ...

    def audit_head(self, tenant: str) -> Head: ...
    def audit_entries(self, tenant: str, after: int = 0, limit: int | None = None) -> Iterator[AuditEntry]:
        """Entries with a seq of at least `after`, oldest first."""
        ...

    def audit_plain(self, tenant: str) -> Iterator[Plain]:
        """Every entry as a bare tuple, oldest first."""
        ...

    def audit_links(self, tenant: str) -> Iterator[Link]:
        """Of every entry what the chain is made of, oldest first: seq, body, hash."""
        ...

    def audit_newest(self, tenant: str, before: int | None = None, limit: int = 100) -> list[AuditEntry]:
        """Entries below `before`, newest first."""
        ...

    def audit_tenants(self) -> list[str]: ...
    def fact_body(self, tenant: str, stream: str, version: int) -> bytes | None:
        """The exact bytes of one fact."""
        ...

    def keep_checkpoint(self, tenant: str, checkpoint: Checkpoint) -> None: ...
    def checkpoints(self, tenant: str) -> list[Checkpoint]:
        """By size, smallest first."""
        ...

    def keep_anchored(self, tenant: str, anchored: Anchored) -> None: ...
    def anchored(self, tenant: str) -> list[Anchored]: ...
