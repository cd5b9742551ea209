"""What a commit does to the SQLite tables: facts, index row, claims, counter, alert states."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import TypeVar

import msgspec

from tocsin.core.cells import TEXTS, with_texts
from tocsin.core.facts import AnyFact, encode
from tocsin.core.ledger import Draft
from tocsin.ports import AlertChanges, Append, Conflict, Document
from tocsin.store import reading
from tocsin.store.instants import us, us_or_none

T = TypeVar("T")


def append_all(db: sqlite3.Connection, appends: Sequence[Append]) -> dict[str, list[Draft]]:
    """Everything that these appends say, in their order; what the audit trail has to say of it, by tenant.
    Raises Conflict; the caller rolls back.

    Few statements with many rows: between two statements another thread may take the interpreter, and a writer that
    asks for it back eight times per incident waits longer than it works.
    """
    if not appends:
        return {}
    facts, versions, drafts = _facts(db, appends)
    _insert(db, "INSERT INTO facts VALUES ", 4, facts)
    rows = {(one.tenant, one.stream): one for one in appends}  # the newest index row of a stream is the one that counts
    _insert(db, _INDEX_HEAD, 22, [_index_row(one, versions[key]) for key, one in rows.items()], _INDEX_TAIL)
    _claims(db, appends)
    for one in appends:
        if one.reference_counter is not None:
            _count(db, one.tenant, *one.reference_counter)
    return drafts


def draft_of(stream: str, version: int, fact: AnyFact, body: bytes) -> Draft:
    """What the audit trail says of a fact: who did what; the fact itself is committed to, and stays where it is."""
    return Draft(
        actor=fact.by,
        action=f"incident.{fact.__struct_config__.tag}",
        resource_type="incident",
        resource=f"{stream}/{version}",
        content=body,
    )


def _facts(
    db: sqlite3.Connection, appends: Sequence[Append]
) -> tuple[list[tuple[object, ...]], dict[tuple[str, str], int], dict[str, list[Draft]]]:
    """The rows of the facts, how many facts every stream has then, and the audit trail's drafts by tenant."""
    streams = list(dict.fromkeys((one.tenant, one.stream) for one in appends))
    versions = dict.fromkeys(streams, 0)
    for some in _chunks(streams):
        found = db.execute(
            f"SELECT tenant, stream, version FROM streams WHERE (tenant, stream) IN (VALUES {_marks(2, len(some))})",
            [value for stream in some for value in stream],
        )
        versions |= {(tenant, stream): version for tenant, stream, version in found}
    rows: list[tuple[object, ...]] = []
    drafts: dict[str, list[Draft]] = {}
    for one in appends:
        key = (one.tenant, one.stream)
        version = versions[key]
        if version != one.expected:
            raise Conflict(f"stream {one.stream}: expected {one.expected} facts, got {version}")
        said = drafts.setdefault(one.tenant, [])
        for n, fact in enumerate(one.facts, version + 1):
            body = encode(fact)
            rows.append((one.tenant, one.stream, n, body))
            said.append(draft_of(one.stream, n, fact, body))
        versions[key] = version + len(one.facts)
    return rows, versions, drafts


_INDEX_HEAD = (
    "INSERT INTO streams (version, wake_us, opened_us, acknowledged_us, resolved_us, status, severity, rank, "
    "service, guide, firing, drill, reference, title, search, summary, kind, actions, readers, category, "
    "tenant, stream) VALUES "
)
_INDEX_TAIL = (
    " ON CONFLICT (tenant, stream) DO UPDATE SET version = excluded.version, wake_us = excluded.wake_us, "
    "opened_us = excluded.opened_us, acknowledged_us = excluded.acknowledged_us, "
    "resolved_us = excluded.resolved_us, status = excluded.status, severity = excluded.severity, "
    "rank = excluded.rank, service = excluded.service, guide = excluded.guide, firing = excluded.firing, "
    "drill = excluded.drill, reference = excluded.reference, title = excluded.title, search = excluded.search, "
    "summary = excluded.summary, actions = excluded.actions, readers = excluded.readers, "
    "category = excluded.category"
)


def _index_row(one: Append, version: int) -> tuple[object, ...]:
    row = one.index
    return (
        version,
        us_or_none(one.wake_at),
        us(row.opened_at),
        us_or_none(row.acknowledged_at),
        us_or_none(row.resolved_at),
        row.status,
        row.severity,
        row.rank,
        row.service,
        row.guide,
        row.firing,
        row.drill,
        row.reference,
        row.title,
        f"{row.reference}\n{row.title}".casefold(),
        row.summary,
        row.kind,
        row.actions,
        msgspec.json.encode(row.readers).decode() if row.readers is not None else None,
        row.category,
        one.tenant,
        one.stream,
    )


def _claims(db: sqlite3.Connection, appends: Sequence[Append]) -> None:
    """Claims released and taken, in order; who holds them is asked once."""
    named = [(one.tenant, claim.kind, claim.name) for one in appends for claim in (*one.release, *one.take)]
    if not named:
        return
    held: dict[tuple[str, str, str], str] = {}
    for some in _chunks(list(dict.fromkeys(named))):
        found = db.execute(
            "SELECT tenant, kind, name, stream FROM claims "
            f"WHERE (tenant, kind, name) IN (VALUES {_marks(3, len(some))})",
            [value for claim in some for value in claim],
        )
        held |= {(tenant, kind, name): stream for tenant, kind, name, stream in found}
    after = dict(held)
    for one in appends:
        for claim in one.release:
            if after.get((one.tenant, claim.kind, claim.name)) == one.stream:
                del after[one.tenant, claim.kind, claim.name]
        for claim in one.take:
            holder = after.setdefault((one.tenant, claim.kind, claim.name), one.stream)
            if holder != one.stream:
                raise Conflict(f"{claim.kind} {claim.name!r} is held by stream {holder}", claim)
    gone = [claim for claim, stream in held.items() if after.get(claim) != stream]
    db.executemany("DELETE FROM claims WHERE tenant = ? AND kind = ? AND name = ?", gone)
    new = [(*claim, stream) for claim, stream in after.items() if held.get(claim) != stream]
    _insert(db, "INSERT INTO claims VALUES ", 4, new)


def _count(db: sqlite3.Connection, tenant: str, counter: str, number: int) -> None:
    last = reading.last_number(db, tenant, counter)
    if number != last + 1:
        raise Conflict(f"counter {counter!r}: expected {last + 1}, got {number}")
    db.execute(
        "INSERT INTO counters VALUES (?, ?, ?) ON CONFLICT (tenant, name) DO UPDATE SET last = excluded.last",
        (tenant, counter, number),
    )


def put_document(db: sqlite3.Connection, document: Document) -> None:
    db.execute(
        "INSERT INTO documents VALUES (?, ?, ?, ?) "
        "ON CONFLICT (tenant, kind, name) DO UPDATE SET value = excluded.value",
        document,
    )


def change_alerts(db: sqlite3.Connection, alerts: AlertChanges) -> None:
    tenant = alerts.tenant
    blocks: list[tuple[object, ...]] = [(number, tenant, cells) for number, cells in alerts.blocks.items()]
    _insert(db, "INSERT OR REPLACE INTO alert_blocks VALUES ", 3, blocks)
    words: list[tuple[object, ...]] = [(tenant, *word) for word in alerts.words]
    _insert(db, "INSERT OR REPLACE INTO alert_words VALUES ", 4, words)
    places: dict[int, dict[int, bytes]] = {}
    for slot, body in alerts.bodies.items():
        places.setdefault(slot // TEXTS, {})[slot % TEXTS] = body
    old = _texts(db, [number for number, texts in places.items() if len(texts) < TEXTS])
    rows: list[tuple[object, ...]] = [
        (number, tenant, with_texts(old.get(number), texts)) for number, texts in places.items()
    ]
    _insert(db, "INSERT OR REPLACE INTO alert_texts VALUES ", 3, rows)


def _texts(db: sqlite3.Connection, numbers: Sequence[int]) -> dict[int, bytes]:
    """The stored blobs that are changed in part."""
    found: dict[int, bytes] = {}
    for some in _chunks(numbers):
        marks = ", ".join("?" * len(some))
        found |= dict(db.execute(f"SELECT number, bodies FROM alert_texts WHERE number IN ({marks})", some).fetchall())
    return found


# --- many rows in one statement ---------------------------------------------------------------------------------------

ROWS = (1_024, 128, 16, 4, 1)  # few sizes, so that every statement is parsed once and then remembered
PARAMETERS_MAX = 30_000  # SQLite's default bound is 32,766


def _insert(db: sqlite3.Connection, head: str, width: int, rows: Sequence[tuple[object, ...]], tail: str = "") -> None:
    done = 0
    for size in ROWS:
        if size * width > PARAMETERS_MAX:
            continue
        while len(rows) - done >= size:
            some = rows[done : done + size]
            db.execute(head + _marks(width, size) + tail, [value for row in some for value in row])
            done += size


def _marks(width: int, count: int) -> str:
    one = f"({', '.join('?' * width)})"
    return ", ".join([one] * count)


def _chunks(values: Sequence[T]) -> list[Sequence[T]]:
    size = PARAMETERS_MAX // 30
    return [values[start : start + size] for start in range(0, len(values), size)]
