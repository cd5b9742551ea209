"""A log with checkpoints, as an installation has one, and the attackers that work behind its back."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.store.given import TENANT, append
from tocsin import verifier
from tocsin.anchors import note
from tocsin.auditport import Checkpoint
from tocsin.clock import ManualClock
from tocsin.core import ledger
from tocsin.store.sqlite import SqliteStore

T0 = datetime(2026, 11, 28, 3, 0, tzinfo=UTC)
NAME = "tocsin-test"
ORIGIN = f"{NAME}/{TENANT}"


class Installation:
    """A store with a log, its signing key, and the checkpoints that left it: `outside` size -> note and leaves."""

    def __init__(self, folder: Path, seed: int = 0) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "tocsin.db"
        self.clock = ManualClock(T0)
        self.store = SqliteStore(self.path, self.clock)
        self.key = Ed25519PrivateKey.from_private_bytes(random.Random(seed).randbytes(32))
        self.vkey = note.public(NAME, self.key)
        self.store.put(TENANT, "audit-key", "keys", msgspec.json.encode([self.vkey]))
        self.outside = folder / "outside"
        self._anchored = 0

    def lives(self, count: int) -> None:
        """`count` commits of one fact each."""
        for n in range(count):
            self.clock.advance(timedelta(seconds=20))
            self.store.commit([append(f"s{self.store.audit_head(TENANT).size}-{n}")])

    def signs(self) -> str:
        head = self.store.audit_head(TENANT)
        signed = note.sign(note.head_text(ORIGIN, head.size, ledger.root(head.frontier)), NAME, self.key)
        self.store.keep_checkpoint(TENANT, Checkpoint(size=head.size, at=self.clock.now(), note=signed))
        return signed

    def anchors(self) -> None:
        """A checkpoint leaves, with the leaf hashes since the last that did."""
        signed = self.signs()
        head = self.store.audit_head(TENANT)
        leaves = [ledger.leaf_hash(each.body) for each in self.store.audit_entries(TENANT, self._anchored)]
        self.outside.mkdir(exist_ok=True)
        (self.outside / f"{head.size:012d}.note").write_text(signed)
        (self.outside / f"{self._anchored:012d}-{head.size:012d}.leaves").write_bytes(b"".join(leaves))
        self._anchored = head.size

    def close(self) -> None:
        self.store.close()


Log = list[tuple[int, int, bytes, bytes, bytes | None, bytes | None]]
SAY = msgspec.json.Encoder()


class Attacker:
    """Somebody with the database file. `power` 1 edits rows, 2 re-hashes everything and drops the checkpoints that no
    longer fit, 3 has the signing key as well and signs anew."""

    def __init__(self, installation: Installation, power: int, seed: int) -> None:
        self._of = installation
        self._power = power
        self._random = random.Random(seed)

    def attack(self, kind: str, below: int) -> int:
        """What is done to entries below `below`; the first entry that is not what it was."""
        with closing(sqlite3.connect(self._of.path, isolation_level=None)) as db:
            for trigger in ("audit_is_not_edited", "audit_is_not_deleted"):
                db.execute(f"DROP TRIGGER {trigger}")
            log: Log = db.execute(
                "SELECT seq, recorded_us, body, hash, salt, content FROM audit WHERE tenant = ? ORDER BY seq", (TENANT,)
            ).fetchall()
            first, log = self._changed(kind, log, below)
            if self._power > 1:
                log = self._rehashed(log)
            db.execute("DELETE FROM audit WHERE tenant = ?", (TENANT,))
            db.executemany(f"INSERT INTO audit VALUES ('{TENANT}', ?, ?, ?, ?, ?, ?)", log)
            if self._power > 1:
                self._cover(db, log, first)
            if kind == "facts":
                self._swapped_facts(db, log, first)
            if kind == "doubled":
                self._doubled(db, log, first)
        return first

    def _changed(self, kind: str, log: Log, below: int) -> tuple[int, Log]:
        n = self._random.randrange(below - 2)
        match kind:
            case "edited":
                return n, [*log[:n], self._edited(log[n]), *log[n + 1 :]]
            case "deleted":
                return n, self._numbered([*log[:n], *log[n + 1 :]])
            case "inserted":
                return n, self._numbered([*log[:n], self._edited(log[n]), *log[n:]])
            case "reordered":
                return n, self._numbered([*log[:n], log[n + 1], log[n], *log[n + 2 :]])
            case "truncated":
                return n, log[:n]
            case "forked":
                return n, [*log[:n], *(self._edited(each) for each in log[n:])]
            case "backdated":
                return n, [*log[:n], self._earlier(log[n]), *log[n + 1 :]]
            case "salts":
                one, two = log[n], log[n + 1]
                return n, [*log[:n], (*one[:4], two[4], one[5]), (*two[:4], one[4], two[5]), *log[n + 2 :]]
            case "facts":  # entry 0 is a document
                return max(n, 1), log
            case "doubled":
                return n, log
            case "transplanted":
                return 0, self._anothers(log)
            case _:
                return 0, [self._edited(each) for each in log]

    def _edited(
        self, row: tuple[int, int, bytes, bytes, bytes | None, bytes | None]
    ) -> tuple[int, int, bytes, bytes, bytes | None, bytes | None]:
        said = msgspec.structs.replace(ledger.decode(row[2]), actor="mallory")
        return (row[0], row[1], SAY.encode(said), *row[3:])

    def _earlier(
        self, row: tuple[int, int, bytes, bytes, bytes | None, bytes | None]
    ) -> tuple[int, int, bytes, bytes, bytes | None, bytes | None]:
        """As if the clock had been set back before it, and the body says so too."""
        at = row[1] - 3_600_000_000
        said = msgspec.structs.replace(ledger.decode(row[2]), at=verifier.instant(at))
        return (row[0], at, SAY.encode(said), *row[3:])

    def _anothers(self, log: Log) -> Log:
        """The log of another tenant, whole and honest, in this one's place."""
        other = Installation(self._of.path.parent / "other", self._random.randrange(1000, 2000))
        other.lives(len(log) - 1)
        found = list(other.store.audit_plain(TENANT))
        other.close()
        return found

    def _swapped_facts(self, db: sqlite3.Connection, log: Log, n: int) -> None:
        """Two incidents say what the other's facts say; the log is untouched."""
        names = [ledger.decode(log[each][2]).resource.rpartition("/") for each in (n, n + 1)]
        bodies = [b'{"fact":"NoteAdded","at":"2026-11-28T03:00:00Z","by":"mallory","text":"never happened"}', None]
        find = "SELECT body FROM facts WHERE tenant = ? AND stream = ? AND version = ?"
        bodies[1] = db.execute(find, (TENANT, names[0][0], int(names[0][2]))).fetchone()[0]
        for (stream, _, version), body in zip(names, bodies, strict=True):
            db.execute(
                "UPDATE facts SET body = ? WHERE tenant = ? AND stream = ? AND version = ?",
                (body, TENANT, stream, int(version)),
            )

    def _doubled(self, db: sqlite3.Connection, log: Log, n: int) -> None:
        """Two entries with one number: the table is made anew without the key that forbids it."""
        db.execute("DROP VIEW audit_log_entries")
        db.execute("CREATE TABLE forged AS SELECT * FROM audit ORDER BY seq")
        db.execute("DROP TABLE audit")
        db.execute("ALTER TABLE forged RENAME TO audit")
        edited = self._edited(log[n])
        link = ledger.sha256((log[n - 1][3] if n else ledger.GENESIS) + edited[2]).digest()
        db.execute("INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?)", (TENANT, *edited[:3], link, *edited[4:]))

    def _numbered(self, log: Log) -> Log:
        """Rows have a place each; whoever re-hashes puts the number into the body too."""
        found: Log = []
        for seq, row in enumerate(log):
            body = SAY.encode(msgspec.structs.replace(ledger.decode(row[2]), seq=seq)) if self._power > 1 else row[2]
            found.append((seq, row[1], body, *row[3:]))
        return found

    def _rehashed(self, log: Log) -> Log:
        link, found = ledger.GENESIS, []
        for row in log:
            link = ledger.sha256(link + row[2]).digest()
            found.append((row[0], row[1], row[2], link, row[4], row[5]))
        return found

    def _cover(self, db: sqlite3.Connection, log: Log, first: int) -> None:
        """The head fits, and checkpoints that would tell are gone, or signed anew."""
        frontier: list[bytes] = []
        for size, row in enumerate(log):
            ledger.push(frontier, size, ledger.leaf_hash(row[2]))
        link = log[-1][3] if log else ledger.GENESIS
        db.execute(
            "UPDATE audit_heads SET size = ?, hash = ?, frontier = ? WHERE tenant = ?",
            (len(log), link, b"".join(frontier), TENANT),
        )
        db.execute("DELETE FROM audit_checkpoints WHERE size > ?", (first,))
        if self._power > 2:
            signed = note.sign(note.head_text(ORIGIN, len(log), ledger.root(frontier)), NAME, self._of.key)
            db.execute("INSERT OR REPLACE INTO audit_checkpoints VALUES (?, ?, 0, ?)", (TENANT, len(log), signed))
