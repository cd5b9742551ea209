"""Announcements in the SQLite store: the content once, a row per recipient, and who of them may be sent to now.

Claiming goes lane by lane, so that a provider that is slow or paced holds up nobody else's messages: the index on
(lane, due) is stepped through from lane to lane, and rows that have to wait are never looked at.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import get_args

import msgspec

from tocsin.announceport import Room
from tocsin.core.announcement import (
    Announcement,
    AnnouncementSettlement,
    LeasedAnnouncement,
    Owed,
    Recipient,
    RecipientState,
    Told,
    ToldTo,
    change_of,
    each_once,
)
from tocsin.core.people import destination
from tocsin.store.instants import instant_or_none, us

STATES: tuple[RecipientState, ...] = get_args(RecipientState)  # their place here is their number in the table
_RECIPIENT = "kind, address, name, unsubscribe_url, timeline"


def owe(db: sqlite3.Connection, owed: Owed) -> None:
    """The announcement is owed to each of its recipients, unless it is known or no news."""
    said = owed.announcement
    change = change_of(said)
    if db.execute("SELECT 1 FROM announcements WHERE tenant = ? AND id = ?", (owed.tenant, said.id)).fetchone():
        return
    newest = db.execute(
        "SELECT change FROM announcements WHERE tenant = ? AND topic = ? ORDER BY number DESC LIMIT 1",
        (owed.tenant, said.topic),
    ).fetchone()
    if newest == (change,):
        return
    made = db.execute(
        "INSERT INTO announcements (tenant, id, topic, change, stream, at_us, body) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (owed.tenant, said.id, said.topic, change, said.incident, us(said.at), msgspec.json.encode(said)),
    )
    db.executemany(
        "INSERT INTO recipients VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, 0, 0, NULL, '', '', '')",
        [
            (
                made.lastrowid, n, owed.tenant, each.kind, each.address, each.name, each.unsubscribe_url,
                each.timeline, destination(each.kind, each.address), us(said.at),
            )
            for n, each in enumerate(each_once(owed.recipients))
        ],
    )  # fmt: skip


def settle(db: sqlite3.Connection, settlements: Sequence[AnnouncementSettlement]) -> None:
    """Every attempt's outcome, where its lease still holds."""
    for one in settlements:
        leased = one.leased
        pending = one.outcome == "pending"
        db.execute(
            "UPDATE recipients SET state = ?, due_us = ?, leased = 0, at_us = ?, code = ?, detail = ?, provider_id = ? "
            "WHERE announcement = (SELECT number FROM announcements WHERE tenant = ? AND id = ?) "
            "AND number = ? AND state = 0 AND leased = 1 AND attempts = ?",
            (
                STATES.index(one.outcome), us(one.retry_at or one.at) if pending else None, us(one.at),
                one.code, one.detail, one.provider_id,
                leased.tenant, leased.announcement, leased.number, leased.attempt,
            ),
        )  # fmt: skip


def release_leases(db: sqlite3.Connection, now: datetime) -> None:
    """Nobody is sending any more: what was leased may be tried at once."""
    db.execute("UPDATE recipients SET due_us = min(due_us, ?), leased = 0 WHERE leased = 1", (us(now),))


def claim(
    db: sqlite3.Connection, now: datetime, limit: int, lease_seconds: int, room: Room
) -> list[LeasedAnnouncement]:
    """Attempts that may be made now, leased: lanes in the order of who waited longest, within a lane as well."""
    now_us, until = us(now), now + timedelta(seconds=lease_seconds)
    claimed: list[LeasedAnnouncement] = []
    for _, lane in sorted(_lanes_due(db, now_us)):
        most = min(room(lane), limit - len(claimed))
        if most <= 0:
            continue
        rows = db.execute(
            f"SELECT a.id, r.announcement, r.number, r.tenant, r.attempts, {_RECIPIENT} FROM recipients r "
            "JOIN announcements a ON a.number = r.announcement "
            "WHERE r.lane = ? AND r.due_us <= ? ORDER BY r.due_us, r.announcement, r.number LIMIT ?",
            (lane, now_us, most),
        ).fetchall()
        db.executemany(
            "UPDATE recipients SET due_us = ?, leased = 1, attempts = attempts + 1 "
            "WHERE announcement = ? AND number = ?",
            [(us(until), row[1], row[2]) for row in rows],
        )
        claimed += [
            LeasedAnnouncement(
                tenant=tenant,
                announcement=name,
                number=number,
                recipient=_recipient(recipient),
                attempt=attempts + 1,
                lease_until=until,
            )
            for name, _, number, tenant, attempts, *recipient in rows
        ]
    return claimed


def _lanes_due(db: sqlite3.Connection, now_us: int) -> list[tuple[int, str]]:
    """(when its oldest row became due, lane) of every lane with something to send now."""
    rows = db.execute(
        "WITH RECURSIVE lanes (lane) AS ("
        "SELECT min(lane) FROM recipients WHERE due_us IS NOT NULL UNION ALL "
        "SELECT (SELECT min(lane) FROM recipients WHERE lane > lanes.lane AND due_us IS NOT NULL) "
        "FROM lanes WHERE lanes.lane IS NOT NULL) "
        "SELECT (SELECT min(due_us) FROM recipients r WHERE r.lane = lanes.lane AND r.due_us IS NOT NULL), lane "
        "FROM lanes WHERE lane IS NOT NULL"
    )
    return [(due_us, lane) for due_us, lane in rows if due_us <= now_us]


def next_at(db: sqlite3.Connection) -> datetime | None:
    (due_us,) = db.execute("SELECT min(due_us) FROM recipients WHERE due_us IS NOT NULL").fetchone()
    return instant_or_none(due_us)


def announcement(db: sqlite3.Connection, tenant: str, name: str) -> Announcement | None:
    row = db.execute("SELECT body FROM announcements WHERE tenant = ? AND id = ?", (tenant, name)).fetchone()
    return msgspec.json.decode(row[0], type=Announcement) if row else None


def announced(db: sqlite3.Connection, tenant: str, incident: str | None, topic: str | None, limit: int) -> list[Told]:
    """Newest first, each with how many recipients are in which state."""
    rows = db.execute(
        "SELECT number, body FROM announcements WHERE tenant = ? AND (? IS NULL OR stream = ?) "
        "AND (? IS NULL OR topic = ?) ORDER BY number DESC LIMIT ?",
        (tenant, incident, incident, topic, topic, limit),
    ).fetchall()
    return [_told(db, number, body) for number, body in rows]


def _told(db: sqlite3.Connection, number: int, body: bytes) -> Told:
    counted = db.execute("SELECT state, count(*) FROM recipients WHERE announcement = ? GROUP BY state", (number,))
    counts = {STATES[state]: count for state, count in counted}
    return Told(
        announcement=msgspec.json.decode(body, type=Announcement),
        pending=counts.get("pending", 0),
        sent=counts.get("sent", 0),
        failed=counts.get("failed", 0),
        withdrawn=counts.get("withdrawn", 0),
    )


def told_to(
    db: sqlite3.Connection, tenant: str, name: str, states: Sequence[RecipientState], after: int, limit: int
) -> list[ToldTo]:
    wanted = [STATES.index(each) for each in states or STATES]
    rows = db.execute(
        f"SELECT r.number, state, attempts, r.at_us, due_us, code, detail, provider_id, {_RECIPIENT} FROM recipients r "
        "WHERE announcement = (SELECT number FROM announcements WHERE tenant = ? AND id = ?) AND r.number > ? "
        f"AND state IN ({', '.join('?' * len(wanted))}) ORDER BY r.number LIMIT ?",
        (tenant, name, after, *wanted, limit),
    )
    return [
        ToldTo(
            number=number,
            recipient=_recipient(recipient),
            state=STATES[state],
            attempts=attempts,
            at=instant_or_none(at_us),
            next_at=instant_or_none(due_us),
            code=code,
            detail=detail,
            provider_id=provider_id,
        )
        for number, state, attempts, at_us, due_us, code, detail, provider_id, *recipient in rows
    ]


def _recipient(row: Sequence[str]) -> Recipient:
    kind, address, name, unsubscribe_url, timeline = row
    return Recipient(kind=kind, address=address, name=name, unsubscribe_url=unsubscribe_url, timeline=bool(timeline))


def withdraw(db: sqlite3.Connection, tenant: str, kind: str, address: str) -> int:
    gone = db.execute(
        "UPDATE recipients SET state = 3, due_us = NULL, leased = 0 "
        "WHERE tenant = ? AND kind = ? AND address = ? AND due_us IS NOT NULL",
        (tenant, kind, address),
    )
    return gone.rowcount


def forget(db: sqlite3.Connection, before: datetime, limit: int) -> int:
    """The newest of a topic stays: it says what is no news any more."""
    rows = db.execute(
        "SELECT number FROM announcements a WHERE at_us < ? "
        "AND NOT EXISTS (SELECT 1 FROM recipients WHERE announcement = a.number AND state = 0) "
        "AND EXISTS (SELECT 1 FROM announcements b "
        "WHERE b.tenant = a.tenant AND b.topic = a.topic AND b.number > a.number) "
        "ORDER BY number LIMIT ?",
        (us(before), limit),
    ).fetchall()
    db.executemany("DELETE FROM recipients WHERE announcement = ?", rows)
    db.executemany("DELETE FROM announcements WHERE number = ?", rows)
    return len(rows)
