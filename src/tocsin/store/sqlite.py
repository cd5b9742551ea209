"""The embedded store: SQLite in WAL mode, one writer, every commit on disk before it returns."""

from __future__ import annotations

import fcntl
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO

from tocsin.announceport import Room
from tocsin.auditport import Anchored, Checkpoint
from tocsin.clock import Clock
from tocsin.core import ledger
from tocsin.core.announcement import AnnouncementSettlement, LeasedAnnouncement, Owed
from tocsin.core.facts import TOCSIN, AnyFact, encode
from tocsin.core.ledger import Draft
from tocsin.ports import AlertChanges, Append, Document, LeasedPage, Settlement
from tocsin.store import announcing, audit, delivery, reading, writing
from tocsin.store.converting import convert
from tocsin.store.instants import us
from tocsin.store.migrate import SchemaError, migrate
from tocsin.store.snapshot import Snapshot

BUSY_MS = 5_000  # nobody but a migration or a backup ever holds the lock
CACHE_KIB = 4 * 1024  # of each connection: alert rows are appended, and listings read through what they need once
WAL_BYTES_MAX = (
    64 * 1024 * 1024
)  # of a log that is done with; SQLite overwrites it from its start, but never shortens it
WAL_BYTES_FOUND_MAX = 4 * 1024 * 1024  # of a log that a killed process left: reading it again is what a start waits for
LIMITED = frozenset({"person", "guide"})  # kinds of which a tenant may have only so many
READERS_IDLE_MAX = 8  # connections kept for the next reader


class DataInUse(Exception):
    """Another process owns the database."""


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """An autocommit connection with the settings that the promises rest on.

    `synchronous=FULL`: in WAL mode NORMAL returns from a commit before it is on disk. Checkpoints are made by
    `SqliteStore.checkpoint` on a connection of their own, so that no commit waits for one.
    """
    mode = "ro" if read_only else "rwc"
    db = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None, check_same_thread=False
    )
    db.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
    if not read_only:
        db.execute("PRAGMA journal_mode = WAL")
    for pragma in (
        "synchronous = FULL",
        "foreign_keys = ON",
        f"cache_size = -{CACHE_KIB}",
        "mmap_size = 0",  # an I/O error on a mapped page kills the process
        "wal_autocheckpoint = 0",
        "trusted_schema = OFF",
        "temp_store = MEMORY",
    ):
        db.execute(f"PRAGMA {pragma}")
    return db


class SqliteStore(Snapshot):
    """The store in one file. Whoever writes first is the writer thread; another thread that writes is a bug and is
    told so. `own` hands the role over. Raises DataInUse when another process has the database open for writing, and
    migrate.SchemaError when a newer release wrote it."""

    def __init__(self, path: Path, clock: Clock) -> None:
        super().__init__(clock)
        self.path = path
        self.admit: Callable[[str, int], None] | None = None  # raises QuotaMet for one document more than may be
        self._ledger = audit.Ledger()
        self._actor = TOCSIN
        self._lock_file = _locked(path)
        path.touch(mode=0o600)  # the WAL gets the same permissions from SQLite
        self._writer: int | None = None
        self._idle: list[sqlite3.Connection] = []
        self._idle_lock = threading.Lock()
        self._closed = False
        try:
            self._db = _opened(path)
            self._cut_what_was_left()
            announcing.release_leases(self._db, clock.now())
            delivery.release_leases(self._db, clock.now())  # we hold the lock: whoever was sending is gone
            self._checkpointer = connect(path)
        except BaseException:
            self._lock_file.close()
            raise

    # --- reading ------------------------------------------------------------------------------------------------------

    @contextmanager
    def _reader(self) -> Iterator[sqlite3.Connection]:
        """The writer reads what it wrote; every other thread borrows a connection."""
        if threading.get_ident() == self._writer:
            yield self._db
        else:
            with self._borrowed() as db:
                yield db

    @contextmanager
    def _borrowed(self) -> Iterator[sqlite3.Connection]:
        with self._idle_lock:
            db = self._idle.pop() if self._idle else None
        db = db or connect(self.path, read_only=True)
        try:
            yield db
        finally:
            with self._idle_lock:
                keep = not self._closed and len(self._idle) < READERS_IDLE_MAX
                if keep:
                    self._idle.append(db)
            if not keep:
                db.close()

    @contextmanager
    def reading(self) -> Iterator[Snapshot]:
        """All answers are from one moment: that of the first question."""
        with self._borrowed() as db:
            db.execute("BEGIN")
            snapshot = Snapshot(self._clock, db)
            try:
                yield snapshot
            finally:
                snapshot.close()
                db.execute("ROLLBACK")

    # --- writing ------------------------------------------------------------------------------------------------------

    def own(self) -> None:
        """The calling thread is the writer from now on. The one before must be done."""
        self._writer = threading.get_ident()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        if self._writer is None:
            self.own()
        if threading.get_ident() != self._writer:
            raise RuntimeError("the store is written to by one thread only, and this is another")
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield self._db
            self._db.execute("COMMIT")
            self._ledger.settled()
        except BaseException:
            self._ledger.undone()
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

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
        with self._writing() as db:
            lines: set[delivery.Line] = set()
            for settlement in settle:
                lines |= delivery.settle(db, settlement)
            for tenant, drafts in writing.append_all(db, appends).items():
                self._ledger.append(db, tenant, drafts, self._clock.now())
            for append in appends:
                lines |= delivery.owe(db, append)
            delivery.refresh(db, sorted(lines))
            announcing.settle(db, told)
            for owed in announce:
                announcing.owe(db, owed)
            for document in documents:
                self._put(db, document)
            if alerts is not None:
                writing.change_alerts(db, alerts)
            if consumed is not None:
                db.execute(
                    "INSERT INTO meta VALUES ('consumed', ?) "
                    "ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)",
                    (consumed,),
                )

    def claim_pages(self, now: datetime, limit: int, lease_seconds: int) -> list[LeasedPage]:
        ready_at = self.next_page(now)
        if ready_at is None or ready_at > now:
            return []  # the idle poll writes nothing
        with self._writing() as db:
            return delivery.claim(db, now, limit, lease_seconds)

    def renew(self, leases: Sequence[str], until: datetime) -> None:
        with self._writing() as db:
            delivery.renew(db, leases, until)

    def postpone(self, tenant: str, stream: str, until: datetime) -> None:
        with self._writing() as db:
            db.execute("UPDATE streams SET wake_us = ? WHERE tenant = ? AND stream = ?", (us(until), tenant, stream))

    def put(self, tenant: str, kind: str, name: str, value: bytes) -> None:
        with self._writing() as db:
            self._put(db, (tenant, kind, name, value))

    def _put(self, db: sqlite3.Connection, document: Document) -> None:
        tenant, kind, name, value = document
        existed = reading.get(db, tenant, kind, name) is not None
        if self.admit is not None and not existed and kind in LIMITED:
            (present,) = db.execute(
                "SELECT count(*) FROM documents WHERE tenant = ? AND kind = ?", (tenant, kind)
            ).fetchone()
            self.admit(kind, present)
        writing.put_document(db, document)
        self._administered(db, tenant, kind, name, value, existed=existed)

    def claim_announcements(
        self, now: datetime, limit: int, lease_seconds: int, room: Room
    ) -> list[LeasedAnnouncement]:
        due_at = self.next_announcement()
        if due_at is None or due_at > now:
            return []  # the idle poll writes nothing
        with self._writing() as db:
            return announcing.claim(db, now, limit, lease_seconds, room)

    def withdraw(self, tenant: str, kind: str, address: str) -> int:
        with self._writing() as db:
            return announcing.withdraw(db, tenant, kind, address)

    def forget_announcements(self, before: datetime, limit: int) -> int:
        with self._writing() as db:
            return announcing.forget(db, before, limit)

    def delete(self, tenant: str, kind: str, name: str) -> bool:
        with self._writing() as db:
            gone = db.execute("DELETE FROM documents WHERE tenant = ? AND kind = ? AND name = ?", (tenant, kind, name))
            if gone.rowcount > 0:
                self._administered(db, tenant, kind, name, None, existed=True)
            return gone.rowcount > 0

    # --- the audit trail ----------------------------------------------------------------------------------------------

    def _administered(
        self, db: sqlite3.Connection, tenant: str, kind: str, name: str, value: bytes | None, *, existed: bool
    ) -> None:
        draft = ledger.of_document(kind, name, self._actor, value, existed=existed)
        if draft is not None:
            self._ledger.append(db, tenant, [draft], self._clock.now())

    @contextmanager
    def acting(self, actor: str) -> Iterator[None]:
        before, self._actor = self._actor, actor
        try:
            yield
        finally:
            self._actor = before

    def record(self, tenant: str, drafts: Sequence[Draft]) -> None:
        with self._writing() as db:
            self._ledger.append(db, tenant, drafts, self._clock.now())

    def erase(self, tenant: str, seqs: Sequence[int], facts: Sequence[tuple[str, int, AnyFact]], note: Draft) -> None:
        with self._writing() as db:
            audit.erase(db, tenant, seqs)
            db.executemany(
                "UPDATE facts SET body = ? WHERE tenant = ? AND stream = ? AND version = ?",
                [(encode(fact), tenant, stream, version) for stream, version, fact in facts],
            )
            self._ledger.append(db, tenant, [note], self._clock.now())

    def keep_checkpoint(self, tenant: str, checkpoint: Checkpoint) -> None:
        with self._writing() as db:
            audit.keep_checkpoint(db, tenant, checkpoint)

    def keep_anchored(self, tenant: str, anchored: Anchored) -> None:
        with self._writing() as db:
            audit.keep_anchored(db, tenant, anchored)

    # --- housekeeping -------------------------------------------------------------------------------------------------

    def checkpoint(self) -> int:
        """The committed pages are in the database file, as far as no reader still needs the old ones; how many WAL
        pages are left over. May run in any one thread; neither readers nor the writer wait for it.

        A log that a storm made long is cut once all of it has been moved; that waits for nobody, it tries again later.
        """
        _, logged, moved = self._checkpointer.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        log = self.path.with_name(self.path.name + "-wal")
        if logged == moved and log.exists() and log.stat().st_size > WAL_BYTES_MAX:
            self._checkpointer.execute("PRAGMA busy_timeout = 0")
            self._checkpointer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return int(logged) - int(moved)

    def _cut_what_was_left(self) -> None:
        """A process that is killed again and again, each time before its first checkpoint, would else leave a log that
        grows without end, and every start reads all of it."""
        log = self.path.with_name(self.path.name + "-wal")
        if log.exists() and log.stat().st_size > WAL_BYTES_FOUND_MAX:
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    def close(self) -> None:
        """Everything is in the one file, and another process may own it."""
        if self._closed:
            return
        self._closed = True
        with self._idle_lock:
            idle, self._idle = self._idle, []
        for db in (*idle, self._checkpointer, self._db):  # the last to close moves the WAL into the file
            db.close()
        self._lock_file.close()


def _opened(path: Path) -> sqlite3.Connection:
    """The writer's connection, the schema up to date. Raises SchemaError, also for a file that is no database."""
    db: sqlite3.Connection | None = None
    try:
        db = connect(path)
        migrate(db)
        convert(db)
    except BaseException as error:
        if db is not None:
            db.close()
        if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
            raise SchemaError(f"{path}: expected a SQLite database, got: {error}; restore a backup") from error
        raise
    return db


@contextmanager
def owned(path: Path) -> Iterator[None]:
    """Nobody else has the database open for writing while this runs. Raises DataInUse."""
    with _locked(path):
        yield


def _locked(path: Path) -> IO[str]:
    place = path.with_name(path.name + ".lock")
    place.touch(mode=0o600)
    lock = place.open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise DataInUse(f"{path}: another Tocsin has it open; stop that one, or use another data directory") from None
    return lock
