"""Alert rows as the first schema kept them, one per alert, become blocks of cells when the database is opened."""

from __future__ import annotations

import sqlite3
from array import array
from collections import Counter
from typing import Any

from tocsin.core.cells import BLOCK, FREE, SHAPE, packed
from tocsin.ports import AlertChanges
from tocsin.store.writing import change_alerts

CHUNK = 16 * BLOCK  # slots converted at once
ENDED, TIMEOUT = 1, 2  # flags of the cells
FOREVER = 2**62  # the deadline of an open end, which the rows wrote as 0


def convert(db: sqlite3.Connection) -> None:
    """No alert rows of the first schema are left; what they said stands in blocks, words and texts."""
    if not db.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'alerts'").fetchone():
        return
    db.execute("BEGIN IMMEDIATE")
    try:
        _Conversion(db).run()
        db.execute("DROP TABLE alerts")
        db.execute("DROP TABLE alert_bodies")
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise


class _Conversion:
    """The new slots differ from the old ones: a block belongs to one tenant."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._words: dict[tuple[str, str, bytes], int] = {}
        self._count: Counter[str] = Counter()
        self._next = 0

    def run(self) -> None:
        for (tenant,) in self._db.execute("SELECT DISTINCT tenant FROM alerts ORDER BY tenant").fetchall():
            last = -1
            while rows := self._db.execute(
                "SELECT slot, fingerprint, starts_us, ends_us, updated_us, count, incident, verdict, source, state, "
                "timeout, body FROM alerts LEFT JOIN alert_bodies USING (slot) "
                "WHERE alerts.tenant = ? AND slot > ? ORDER BY slot LIMIT ?",
                (tenant, last, CHUNK),
            ).fetchall():
                last = rows[-1][0]
                change_alerts(self._db, self._changes(tenant, [row[1:] for row in rows]))

    def _changes(self, tenant: str, rows: list[tuple[Any, ...]]) -> AlertChanges:
        changes = AlertChanges(tenant=tenant, blocks={}, words=[], bodies={})
        columns = [array(code) for code in SHAPE]
        for n, row in enumerate(rows):
            *_, body = row
            for column, cell in zip(columns, self._cells(changes, row), strict=True):
                column.append(cell)
            if body is not None:
                changes.bodies[self._next + n] = body
        short = -len(rows) % BLOCK
        for column in columns:
            column.extend([FREE if column is columns[-1] else 0] * short)
        for first in range(0, len(columns[0]), BLOCK):
            changes.blocks[(self._next + first) // BLOCK] = packed(columns, first)
        self._next += len(columns[0])
        return changes

    def _cells(self, changes: AlertChanges, row: tuple[Any, ...]) -> tuple[int, ...]:
        fingerprint, starts, ends, updated, count, incident, verdict, source, state, timeout, _ = row
        return (
            int(fingerprint, 16),
            starts, ends or FOREVER, updated, count,
            self._word(changes, "incident", incident),
            self._word(changes, "verdict", verdict),
            self._word(changes, "source", source),
            (ENDED if state else 0) | (TIMEOUT if timeout else 0),
        )  # fmt: skip

    def _word(self, changes: AlertChanges, kind: str, value: str | bytes | None) -> int:
        if value is None:
            return 0
        text = value.encode() if isinstance(value, str) else value
        key = (changes.tenant, kind, text)
        found = self._words.get(key)
        if found is None:
            self._count[kind] += 1
            found = self._words[key] = self._count[kind]
            changes.words.append((kind, found, text))
        return found
