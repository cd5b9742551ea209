"""Owed pages in SQLite: what may be sent now, who sends it, and what became of it.

A row of `owed` is one method of one page. While an attempt is leased, `due_us` is the lease's end, so a lease that ran
out is simply due again. `turn` orders what waits for one person, the worst first. `lines` says per person when the next
message may go, so that finding work never looks at rows that have to wait.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from tocsin.core.facts import SeverityChanged
from tocsin.ports import Append, LeasedPage, Settlement
from tocsin.store.instants import instant, us
from tocsin.store.throttle import BUNDLE_MAX, NOTICE, PAGE_TURNS, PAGES_MAX, WINDOW_US, Room, room, room_at, turn_of

Line = tuple[str, str]  # tenant, person


def owe(db: sqlite3.Connection, append: Append) -> set[Line]:
    """The pages of `append` are owed, those it forgives are not; whose lines changed.

    A page that is owed already stays as it is: its id stands for one message to one person.
    """
    changed: set[Line] = set()
    for page in append.pages:
        db.executemany(
            "INSERT OR IGNORE INTO owed VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, NULL, ?)",
            [
                (
                    append.tenant, page.id, n, append.stream, page.person, method.kind, method.address,
                    page.level, page.notice, us(method.not_before), turn_of(append, notice=page.notice),
                )
                for n, method in enumerate(page.methods)
            ],
        )  # fmt: skip
        changed.add((append.tenant, page.person))
    if any(isinstance(fact, SeverityChanged) for fact in append.facts):  # what it owes already has its new turn too
        moved = db.execute(
            "UPDATE owed SET turn = ? WHERE tenant = ? AND stream = ? AND notice = 0 RETURNING person",
            (turn_of(append, notice=False), append.tenant, append.stream),
        ).fetchall()
        changed.update((append.tenant, person) for (person,) in moved)
    for page_id in append.forgive:
        gone = db.execute(
            "DELETE FROM owed WHERE tenant = ? AND page = ? RETURNING person", (append.tenant, page_id)
        ).fetchall()
        changed.update((append.tenant, person) for (person,) in gone)
    for page_id, method in append.hasten:
        sooner = db.execute(
            "UPDATE owed SET due_us = min(due_us, ?) WHERE tenant = ? AND page = ? AND method = ? AND attempts = 0 "
            "RETURNING person",
            (us(append.facts[-1].at), append.tenant, page_id, method + 1),
        ).fetchall()
        changed.update((append.tenant, person) for (person,) in sooner)
    return changed


def release_leases(db: sqlite3.Connection, now: datetime) -> None:
    """Nobody is sending any more: what was leased may be tried at once."""
    gone = "UPDATE owed SET due_us = min(due_us, ?), lease = NULL WHERE lease IS NOT NULL RETURNING tenant, person"
    refresh(db, sorted(set(db.execute(gone, (us(now),)).fetchall())))


def renew(db: sqlite3.Connection, leases: Iterable[str], until: datetime) -> None:
    """These attempts are still being made; their leases end at `until`."""
    changed: set[Line] = set()
    for lease in leases:
        held = "UPDATE owed SET due_us = ? WHERE lease = ? RETURNING tenant, person"
        changed.update(db.execute(held, (us(until), int(lease))).fetchall())
    refresh(db, sorted(changed))


def settle(db: sqlite3.Connection, settlement: Settlement) -> set[Line]:
    """Every page in the message is where the outcome puts it; whose lines changed."""
    page, at_us = settlement.page, us(settlement.at)
    lease = int(page.lease)
    if settlement.outcome != "sent":  # it reached nobody, so the throttle does not count it
        db.execute("DELETE FROM sends WHERE id = ?", (lease,))
    leased = db.execute("SELECT tenant, page, method FROM owed WHERE lease = ?", (lease,)).fetchall()
    match settlement.outcome:
        case "retry":
            retry_us = us(settlement.retry_at or settlement.at)
            db.execute("UPDATE owed SET due_us = ?, lease = NULL WHERE lease = ?", (retry_us, lease))
        case "sent":
            db.execute("DELETE FROM owed WHERE lease = ?", (lease,))
        case "given_up":
            db.execute("DELETE FROM owed WHERE lease = ?", (lease,))
            db.executemany(  # only what was never tried: a method under way keeps its own time
                "UPDATE owed SET due_us = min(due_us, ?) WHERE tenant = ? AND page = ? AND method = ? AND attempts = 0",
                [(at_us, tenant, page_id, method + 1) for tenant, page_id, method in leased],
            )
    return {(page.tenant, page.person)}


def claim(db: sqlite3.Connection, now: datetime, limit: int, lease_seconds: int) -> list[LeasedPage]:
    """Attempts that may be made now, leased: all pages before any notice, then who waited longest."""
    now_us = us(now)
    claimed: list[LeasedPage] = []
    past = db.execute("DELETE FROM sends WHERE at_us <= ? RETURNING tenant, person", (now_us - WINDOW_US,)).fetchall()
    refresh(db, dict.fromkeys(past))
    for notice in (False, True):
        if len(claimed) >= limit:
            break
        lines = db.execute(
            "SELECT tenant, person FROM lines WHERE notice = ? AND ready_us <= ? "
            "ORDER BY ready_us, tenant, person LIMIT ?",
            (notice, now_us, limit - len(claimed)),
        ).fetchall()
        for tenant, person in lines:
            most = limit - len(claimed)
            claimed += _claim_line(db, tenant, person, notice, now, most, timedelta(seconds=lease_seconds))
        refresh(db, lines)
    return claimed


def _claim_line(
    db: sqlite3.Connection, tenant: str, person: str, notice: bool, now: datetime, most: int, lease: timedelta
) -> list[LeasedPage]:
    """Up to `most` messages to one person."""
    claimed: list[LeasedPage] = []
    until = now + lease
    while len(claimed) < most:
        mode, head = _head(db, tenant, person, (NOTICE,) if notice else PAGE_TURNS, us(now))
        if not head:
            break
        page, method, stream, kind, address, level, attempts = head
        sent = db.execute("INSERT INTO sends (tenant, person, at_us) VALUES (?, ?, ?)", (tenant, person, us(now)))
        number = sent.lastrowid
        _lease(db, number, until, [(tenant, page, method)])
        riders: list[tuple[str, str, str]] = []
        if mode == "bundle":
            riders = _riders(db, number, until, (tenant, person, kind, address), page, now)
        claimed.append(
            LeasedPage(
                tenant=tenant,
                id=page,
                incident=stream,
                person=person,
                kind=kind,
                address=address,
                level=level,
                notice=notice,
                method=method,
                attempt=attempts + 1,
                lease=str(number),
                lease_until=until,
                also=tuple(riders),
            )
        )
    return claimed


def _head(
    db: sqlite3.Connection, tenant: str, person: str, turns: Iterable[int], now_us: int
) -> tuple[Room, tuple[Any, ...] | None]:
    """What goes next to this person, the worst first; what is milder never has more room than what is worse."""
    sends = _sends(db, tenant, person)
    for turn in turns:
        mode = room(sends, now_us, turn)
        if mode == "none":
            break
        head = db.execute(
            "SELECT page, method, stream, kind, address, level, attempts FROM owed "
            "WHERE tenant = ? AND person = ? AND turn = ? AND due_us <= ? ORDER BY due_us, page, method LIMIT 1",
            (tenant, person, turn, now_us),
        ).fetchone()
        if head:
            return mode, head
    return "none", None


def _riders(
    db: sqlite3.Connection, lease: int | None, until: datetime, to: tuple[str, str, str, str], head: str, now: datetime
) -> list[tuple[str, str, str]]:
    """What else waits for the same address, leased into the same message; each page is named once."""
    rows = db.execute(
        "SELECT o.page, o.method, o.stream, s.reference FROM owed o "
        "JOIN streams s ON s.tenant = o.tenant AND s.stream = o.stream "
        "WHERE o.tenant = ? AND o.person = ? AND o.kind = ? AND o.address = ? AND o.turn BETWEEN 0 AND 4 "
        "AND o.due_us <= ? "
        "ORDER BY o.turn, o.due_us, o.page, o.method LIMIT ?",
        (*to, us(now), BUNDLE_MAX),
    ).fetchall()
    _lease(db, lease, until, [(to[0], page, method) for page, method, _, _ in rows])
    named = {page: (page, stream, reference) for page, _, stream, reference in rows if page != head}
    return list(named.values())


def _lease(db: sqlite3.Connection, lease: int | None, until: datetime, rows: list[tuple[str, str, int]]) -> None:
    db.executemany(
        "UPDATE owed SET lease = ?, due_us = ?, attempts = attempts + 1 WHERE tenant = ? AND page = ? AND method = ?",
        [(lease, us(until), *row) for row in rows],
    )


def _sends(db: sqlite3.Connection, tenant: str, person: str) -> list[int]:
    rows = db.execute(
        "SELECT at_us FROM sends WHERE tenant = ? AND person = ? ORDER BY at_us DESC LIMIT ?",
        (tenant, person, PAGES_MAX),
    )
    return [at_us for (at_us,) in rows]


def refresh(db: sqlite3.Connection, lines: Iterable[Line]) -> None:
    """`lines` says of these people when their next message may go; nothing owed, no line."""
    for tenant, person in lines:
        sends = _sends(db, tenant, person)
        for notice in (False, True):
            ready_us = _ready_us(db, tenant, person, sends, (NOTICE,) if notice else PAGE_TURNS)
            if ready_us is None:
                db.execute("DELETE FROM lines WHERE tenant = ? AND person = ? AND notice = ?", (tenant, person, notice))
            else:
                db.execute(
                    "INSERT INTO lines VALUES (?, ?, ?, ?) "
                    "ON CONFLICT (tenant, person, notice) DO UPDATE SET ready_us = excluded.ready_us",
                    (tenant, person, notice, ready_us),
                )


def _ready_us(db: sqlite3.Connection, tenant: str, person: str, sends: list[int], turns: Iterable[int]) -> int | None:
    """When the first of these turns has something due and room for it."""
    first: list[int] = []
    for turn in turns:
        (due_us,) = db.execute(
            "SELECT min(due_us) FROM owed WHERE tenant = ? AND person = ? AND turn = ?", (tenant, person, turn)
        ).fetchone()
        if due_us is not None:
            first.append(max(due_us, room_at(sends, turn)))
    return min(first, default=None)


def next_at(db: sqlite3.Connection) -> datetime | None:
    """When the next message may go."""
    ready = [
        db.execute("SELECT min(ready_us) FROM lines WHERE notice = ?", (notice,)).fetchone()[0] for notice in (0, 1)
    ]
    known = [at_us for at_us in ready if at_us is not None]
    return instant(min(known)) if known else None
