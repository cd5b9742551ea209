"""What can be asked of the SQLite store; the same questions for the writer's connection and for a reader's snapshot."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec

from tocsin.core.cells import TEXTS, split
from tocsin.core.facts import AnyFact, decode
from tocsin.ports import Claim, IndexRow, Word
from tocsin.store.cursors import cursor_of, position_of
from tocsin.store.instants import instant, instant_or_none, us

_INDEX = (
    "stream, reference, title, status, severity, rank, service, guide, opened_us, acknowledged_us, resolved_us, "
    "firing, drill, summary, kind, actions, readers, category"
)
_SLOTS_MAX = 500  # in one statement; SQLite before 3.32 takes at most 999 parameters


def facts(db: sqlite3.Connection, tenant: str, stream: str, after: int) -> list[AnyFact]:
    rows = db.execute(
        "SELECT body FROM facts WHERE tenant = ? AND stream = ? AND version > ? ORDER BY version",
        (tenant, stream, after),
    )
    return [decode(body) for (body,) in rows]


def index(db: sqlite3.Connection, tenant: str, stream: str) -> IndexRow | None:
    row = db.execute(f"SELECT {_INDEX} FROM streams WHERE tenant = ? AND stream = ?", (tenant, stream)).fetchone()
    return _index_row(row) if row else None


def holder(db: sqlite3.Connection, tenant: str, claim: Claim) -> str | None:
    row = db.execute(
        "SELECT stream FROM claims WHERE tenant = ? AND kind = ? AND name = ?", (tenant, claim.kind, claim.name)
    ).fetchone()
    return row[0] if row else None


def holders(db: sqlite3.Connection, tenant: str, kind: str) -> list[str]:
    rows = db.execute("SELECT stream FROM claims WHERE tenant = ? AND kind = ? ORDER BY name", (tenant, kind))
    return [stream for (stream,) in rows]


def find(db: sqlite3.Connection, tenant: str, reference: str) -> str | None:
    """The stream of a reference, which people also type in small letters."""
    exact = holder(db, tenant, Claim(kind="reference", name=reference))
    return exact or holder(db, tenant, Claim(kind="reference", name=reference.upper()))


def last_number(db: sqlite3.Connection, tenant: str, counter: str) -> int:
    row = db.execute("SELECT last FROM counters WHERE tenant = ? AND name = ?", (tenant, counter)).fetchone()
    return row[0] if row else 0


def listing(
    db: sqlite3.Connection,
    tenant: str,
    *,
    statuses: Sequence[str],
    severities: Sequence[str],
    service: str | None,
    category: str | None,
    text: str,
    limit: int,
    cursor: str | None,
    kind: str,
    actions: bool,
    without: Collection[str],
) -> tuple[list[IndexRow], str | None]:
    where: list[str] = [f"kind = '{'duty' if kind == 'duty' else 'incident'}'"]  # written out: the index is partial
    values: list[object] = []
    if actions:
        where.append("actions > 0")
    if without:
        where.append("stream NOT IN (SELECT value FROM json_each(?))")
        values.append(msgspec.json.encode(list(without)).decode())
    if cursor is not None:
        where.append("(opened_us, stream) < (?, ?)")
        values += position_of(cursor)
    if severities:
        where.append(f"severity COLLATE NOCASE IN ({', '.join('?' * len(severities))})")
        values += severities
    for asked, value in (("service = ? COLLATE NOCASE", service), ("category = ? COLLATE NOCASE", category)):
        if value is not None:
            where.append(asked)
            values.append(value)
    if text:
        where.append("search LIKE ? ESCAPE '\\'")
        values.append(f"%{_escaped(text.casefold())}%")
    rows = _newest(db, ["tenant = ?", *where], [tenant, *values], statuses, limit + 1)
    found = [_index_row(row) for row in rows[:limit]]
    more = len(rows) > limit and bool(found)
    return found, cursor_of(us(found[-1].opened_at), found[-1].incident) if more else None


def _newest(
    db: sqlite3.Connection, where: Sequence[str], values: Sequence[object], statuses: Sequence[str], limit: int
) -> list[Any]:
    """One branch per status, each of which stops after `limit` rows of its own index: finding the few open incidents
    among a hundred thousand closed ones must not read those."""
    branches: list[str] = []
    bound: list[object] = []
    for status in dict.fromkeys(statuses) or [None]:
        mine = [*where, *(["status = ?"] if status else [])]
        branches.append(
            f"SELECT * FROM (SELECT {_INDEX} FROM streams WHERE {' AND '.join(mine)} "
            "ORDER BY opened_us DESC, stream DESC LIMIT ?)"
        )
        bound += [*values, *([status] if status else []), limit]
    return db.execute(
        f"{' UNION ALL '.join(branches)} ORDER BY opened_us DESC, stream DESC LIMIT ?", (*bound, limit)
    ).fetchall()


def private(db: sqlite3.Connection, tenant: str) -> dict[str, tuple[str, ...]]:
    rows = db.execute("SELECT stream, readers FROM streams WHERE tenant = ? AND readers IS NOT NULL", (tenant,))
    return {stream: _names(names) for stream, names in rows}


def _names(text: str) -> tuple[str, ...]:
    return msgspec.json.decode(text, type=tuple[str, ...])


def due(db: sqlite3.Connection, now: datetime, limit: int) -> list[tuple[str, str, datetime]]:
    rows = db.execute(
        "SELECT tenant, stream, wake_us FROM streams WHERE wake_us <= ? ORDER BY wake_us, tenant, stream LIMIT ?",
        (us(now), limit),
    )
    return [(tenant, stream, instant(wake_us)) for tenant, stream, wake_us in rows]


def next_wake(db: sqlite3.Connection) -> datetime | None:
    (wake_us,) = db.execute("SELECT min(wake_us) FROM streams WHERE wake_us IS NOT NULL").fetchone()
    return instant_or_none(wake_us)


def get(db: sqlite3.Connection, tenant: str, kind: str, name: str) -> bytes | None:
    row = db.execute(
        "SELECT value FROM documents WHERE tenant = ? AND kind = ? AND name = ?", (tenant, kind, name)
    ).fetchone()
    return row[0] if row else None


def items(db: sqlite3.Connection, tenant: str, kind: str) -> list[tuple[str, bytes]]:
    return db.execute(
        "SELECT name, value FROM documents WHERE tenant = ? AND kind = ? ORDER BY name", (tenant, kind)
    ).fetchall()


def kinds(db: sqlite3.Connection, tenant: str) -> list[str]:
    rows = db.execute("SELECT DISTINCT kind FROM documents WHERE tenant = ? ORDER BY kind", (tenant,))
    return [kind for (kind,) in rows]


def fact_counts(db: sqlite3.Connection, tenant: str) -> Iterator[tuple[str, int, int, int]]:
    yield from db.execute(
        "SELECT stream, count(*), min(version), max(version) FROM facts WHERE tenant = ? GROUP BY stream", (tenant,)
    )


def alert_blocks(db: sqlite3.Connection, numbers: Sequence[int] | None) -> Iterator[tuple[int, str, bytes]]:
    if numbers is None:
        yield from db.execute("SELECT number, tenant, cells FROM alert_blocks ORDER BY number")
        return
    for number in sorted(numbers):
        yield from db.execute("SELECT number, tenant, cells FROM alert_blocks WHERE number = ?", (number,))


def alert_words(db: sqlite3.Connection) -> list[tuple[str, Word]]:
    rows = db.execute("SELECT tenant, kind, number, value FROM alert_words ORDER BY tenant, kind, number")
    return [(tenant, (kind, number, value)) for tenant, kind, number, value in rows]


def alert_bodies(db: sqlite3.Connection, slots: Sequence[int]) -> dict[int, bytes]:
    wanted: dict[int, list[int]] = {}
    for slot in slots:
        wanted.setdefault(slot // TEXTS, []).append(slot)
    found: dict[int, bytes] = {}
    numbers = list(wanted)
    for start in range(0, len(numbers), _SLOTS_MAX):
        some = numbers[start : start + _SLOTS_MAX]
        marks = ", ".join("?" * len(some))
        for number, blob in db.execute(f"SELECT number, bodies FROM alert_texts WHERE number IN ({marks})", some):
            bodies = split(blob)
            found |= {slot: bodies[slot % TEXTS] for slot in wanted[number] if bodies[slot % TEXTS]}
    return found


def consumed(db: sqlite3.Connection) -> int:
    row = db.execute("SELECT value FROM meta WHERE name = 'consumed'").fetchone()
    return row[0] if row else 0


def _index_row(row: Sequence[Any]) -> IndexRow:
    stream, reference, title, status, severity, rank, service, guide, opened, acked, resolved, *rest = row
    firing, drill, summary, kind, actions, seen_by, category = rest
    return IndexRow(
        incident=stream,
        reference=reference,
        title=title,
        status=status,
        severity=severity,
        rank=rank,
        service=service,
        guide=guide,
        opened_at=instant(opened),
        acknowledged_at=instant_or_none(acked),
        resolved_at=instant_or_none(resolved),
        firing=firing,
        drill=bool(drill),
        summary=summary,
        kind=kind,
        actions=actions,
        readers=_names(seen_by) if seen_by is not None else None,
        category=category,
    )


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
