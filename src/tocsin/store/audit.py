"""The audit trail's rows: entries join the log in the transaction of the change that they record."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import datetime

from tocsin.auditport import Anchored, Checkpoint
from tocsin.core import ledger
from tocsin.core.ledger import Draft, Entry, Head
from tocsin.store.instants import instant, us

HASH_BYTES = 32
HEAD_EVERY = 64  # entries between two writes of the head: what a start or a reader folds again, at most


class Ledger:
    """The writer's side: the heads that are committed, remembered so that an append reads nothing."""

    def __init__(self) -> None:
        self._heads: dict[str, Head] = {}
        self._written: dict[str, Head] = {}

    def append(self, db: sqlite3.Connection, tenant: str, drafts: Sequence[Draft], now: datetime) -> None:
        """The entries are in the log once the transaction commits; call `settled` then, or `undone`."""
        if not drafts:
            return
        before = self._written.get(tenant) or self._heads.get(tenant) or head(db, tenant)
        noise = os.urandom(ledger.SALT_BYTES * len(drafts))
        salts = [noise[n : n + ledger.SALT_BYTES] for n in range(0, len(noise), ledger.SALT_BYTES)]
        after, entries = ledger.appended(before, drafts, us(now), now, salts)
        db.executemany(
            "INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(tenant, each.seq, each.recorded_us, each.body, each.hash, each.salt, each.content) for each in entries],
        )
        if not before.size or before.size // HEAD_EVERY != after.size // HEAD_EVERY:
            db.execute(
                "INSERT INTO audit_heads VALUES (?, ?, ?, ?, ?) ON CONFLICT (tenant) DO UPDATE SET "
                "size = excluded.size, hash = excluded.hash, frontier = excluded.frontier, "
                "recorded_us = excluded.recorded_us",
                (tenant, after.size, after.hash, b"".join(after.frontier), after.recorded_us),
            )
        self._written[tenant] = after

    def settled(self) -> None:
        if self._written:
            self._heads |= self._written
            self._written = {}

    def undone(self) -> None:
        self._written = {}


def head(db: sqlite3.Connection, tenant: str) -> Head:
    """Where the log stands: the head as it was last stored, and the few entries since. Whatever somebody else wrote
    there is read as what belongs there: it is verification that says what is wrong."""
    row = db.execute(
        "SELECT CAST(size AS INTEGER), CAST(hash AS BLOB), CAST(frontier AS BLOB), CAST(recorded_us AS INTEGER) "
        "FROM audit_heads WHERE tenant = ?",
        (tenant,),
    ).fetchone()
    if row is None:
        return Head()
    size, link, stored, recorded_us = row
    if len(stored) != HASH_BYTES * max(size, 0).bit_count():  # no such head exists: it is made anew from the log
        size, link, stored, recorded_us = 0, ledger.GENESIS, b"", 0
    frontier = [stored[n : n + HASH_BYTES] for n in range(0, len(stored), HASH_BYTES)]
    since = db.execute(
        "SELECT CAST(recorded_us AS INTEGER), CAST(body AS BLOB), CAST(hash AS BLOB) FROM audit "
        "WHERE tenant = ? AND seq >= ? ORDER BY seq",
        (tenant, size),
    )
    for recorded_us, body, link in since:  # noqa: B007 (the last of them stay)
        ledger.push(frontier, size, ledger.leaf_hash(body))
        size += 1
    return Head(size=size, hash=link, frontier=tuple(frontier), recorded_us=recorded_us)


def plain(db: sqlite3.Connection, tenant: str) -> Iterator[ledger.Plain]:
    """Every entry as a bare tuple, oldest first."""
    yield from db.execute(
        "SELECT seq, recorded_us, body, hash, salt, content FROM audit WHERE tenant = ? ORDER BY seq", (tenant,)
    )


def links(db: sqlite3.Connection, tenant: str) -> Iterator[ledger.Link]:
    """Of every entry what the chain is made of, oldest first: what verification reads by the million."""
    yield from db.execute("SELECT seq, body, hash FROM audit WHERE tenant = ? ORDER BY seq", (tenant,))


def entries(db: sqlite3.Connection, tenant: str, after: int, limit: int | None) -> Iterator[Entry]:
    """Entries with a seq of at least `after`, oldest first."""
    rows = db.execute(
        "SELECT seq, recorded_us, body, hash, salt, content FROM audit WHERE tenant = ? AND seq >= ? "
        "ORDER BY seq LIMIT ?",
        (tenant, after, -1 if limit is None else limit),
    )
    for seq, recorded_us, body, link, salt, content in rows:
        yield Entry(seq=seq, recorded_us=recorded_us, body=body, hash=link, salt=salt, content=content)


def newest(db: sqlite3.Connection, tenant: str, before: int | None, limit: int) -> list[Entry]:
    """Entries below `before`, newest first."""
    rows = db.execute(
        "SELECT seq, recorded_us, body, hash, salt, content FROM audit WHERE tenant = ? AND seq < ? "
        "ORDER BY seq DESC LIMIT ?",
        (tenant, 2**62 if before is None else before, limit),
    )
    return [
        Entry(seq=seq, recorded_us=recorded_us, body=body, hash=link, salt=salt, content=content)
        for seq, recorded_us, body, link, salt, content in rows
    ]


def fact_body(db: sqlite3.Connection, tenant: str, stream: str, version: int) -> bytes | None:
    row = db.execute(
        "SELECT body FROM facts WHERE tenant = ? AND stream = ? AND version = ?", (tenant, stream, version)
    ).fetchone()
    return row[0] if row else None


def erase(db: sqlite3.Connection, tenant: str, seqs: Sequence[int]) -> None:
    """What these entries committed to can never be opened again; the entries stay as they are."""
    db.executemany(
        "UPDATE audit SET salt = NULL, content = NULL WHERE tenant = ? AND seq = ?", [(tenant, seq) for seq in seqs]
    )


def keep_checkpoint(db: sqlite3.Connection, tenant: str, checkpoint: Checkpoint) -> None:
    db.execute(
        "INSERT INTO audit_checkpoints VALUES (?, ?, ?, ?) ON CONFLICT (tenant, size) DO UPDATE SET "
        "at_us = excluded.at_us, note = excluded.note",
        (tenant, checkpoint.size, us(checkpoint.at), checkpoint.note),
    )
    kept = db.execute("SELECT size, at_us FROM audit_checkpoints WHERE tenant = ? ORDER BY size", (tenant,)).fetchall()
    gone = [(tenant, size) for size in ledger.superfluous(kept)]
    db.executemany("DELETE FROM audit_checkpoints WHERE tenant = ? AND size = ?", gone)


def checkpoints(db: sqlite3.Connection, tenant: str) -> list[Checkpoint]:
    rows = db.execute("SELECT size, at_us, note FROM audit_checkpoints WHERE tenant = ? ORDER BY size", (tenant,))
    return [Checkpoint(size=size, at=instant(at_us), note=note) for size, at_us, note in rows]


def keep_anchored(db: sqlite3.Connection, tenant: str, anchored: Anchored) -> None:
    db.execute(
        "INSERT INTO audit_anchors VALUES (?, ?, ?, ?, ?) ON CONFLICT (tenant, anchor) DO UPDATE SET "
        "size = excluded.size, at_us = excluded.at_us, detail = excluded.detail",
        (tenant, anchored.anchor, anchored.size, us(anchored.at), anchored.detail),
    )


def anchored(db: sqlite3.Connection, tenant: str) -> list[Anchored]:
    rows = db.execute(
        "SELECT anchor, size, at_us, detail FROM audit_anchors WHERE tenant = ? ORDER BY anchor", (tenant,)
    )
    return [Anchored(anchor=name, size=size, at=instant(at_us), detail=detail) for name, size, at_us, detail in rows]


def tenants(db: sqlite3.Connection) -> list[str]:
    return [name for (name,) in db.execute("SELECT tenant FROM audit_heads ORDER BY tenant")]
