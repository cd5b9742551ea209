"""Announcements in memory; the same rules as store/announcing.py, by looking at everything."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from tocsin.announceport import Room
from tocsin.core.announcement import (
    Announcement,
    AnnouncementSettlement,
    LeasedAnnouncement,
    Owed,
    RecipientState,
    Told,
    ToldTo,
    change_of,
    each_once,
)
from tocsin.core.people import destination

Key = tuple[str, str]  # tenant, announcement


class AnnounceBox:
    """`_said` in the order in which it was announced; `_rows` by announcement and recipient."""

    def __init__(self) -> None:
        self._said: dict[Key, Announcement] = {}
        self._rows: dict[Key, dict[int, ToldTo]] = {}
        self._leased: set[tuple[Key, int]] = set()

    def copy(self) -> AnnounceBox:
        other = AnnounceBox()
        other._said = self._said.copy()
        other._rows = {key: rows.copy() for key, rows in self._rows.items()}
        other._leased = self._leased.copy()
        return other

    __copy__ = copy

    def owe(self, owed: Owed) -> None:
        said = owed.announcement
        key = (owed.tenant, said.id)
        of_topic = [
            each for (tenant, _), each in self._said.items() if (tenant, each.topic) == (owed.tenant, said.topic)
        ]
        if key in self._said or (of_topic and change_of(of_topic[-1]) == change_of(said)):
            return
        self._said[key] = said
        self._rows[key] = {
            n: ToldTo(
                number=n, recipient=each, state="pending", attempts=0, at=None, next_at=said.at, code="", detail="",
                provider_id="",
            )
            for n, each in enumerate(each_once(owed.recipients))
        }  # fmt: skip

    def settle(self, one: AnnouncementSettlement) -> None:
        key, number = (one.leased.tenant, one.leased.announcement), one.leased.number
        row = self._rows.get(key, {}).get(number)
        if row is None or (key, number) not in self._leased or row.attempts != one.leased.attempt:
            return
        self._leased.discard((key, number))
        self._rows[key][number] = msgspec.structs.replace(
            row,
            state=one.outcome,
            at=one.at,
            next_at=(one.retry_at or one.at) if one.outcome == "pending" else None,
            code=one.code,
            detail=one.detail,
            provider_id=one.provider_id,
        )

    def release_leases(self, now: datetime) -> None:
        for key, number in self._leased:
            row = self._rows[key][number]
            self._rows[key][number] = msgspec.structs.replace(row, next_at=min(row.next_at or now, now))
        self._leased.clear()

    def claim(self, now: datetime, limit: int, lease_seconds: int, room: Room) -> list[LeasedAnnouncement]:
        until = now + timedelta(seconds=lease_seconds)
        lanes: dict[str, list[tuple[datetime, int, int, Key]]] = {}
        for place, (key, rows) in enumerate(self._rows.items()):
            for row in rows.values():
                if row.next_at is not None and row.next_at <= now:
                    lane = destination(row.recipient.kind, row.recipient.address)
                    lanes.setdefault(lane, []).append((row.next_at, place, row.number, key))
        claimed: list[LeasedAnnouncement] = []
        for _, lane in sorted((min(waiting)[0], lane) for lane, waiting in lanes.items()):
            most = max(0, min(room(lane), limit - len(claimed)))
            for _, _, number, key in sorted(lanes[lane])[:most]:
                row = self._rows[key][number]
                self._rows[key][number] = msgspec.structs.replace(row, next_at=until, attempts=row.attempts + 1)
                self._leased.add((key, number))
                claimed.append(
                    LeasedAnnouncement(
                        tenant=key[0],
                        announcement=key[1],
                        number=number,
                        recipient=row.recipient,
                        attempt=row.attempts + 1,
                        lease_until=until,
                    )
                )
        return claimed

    def next_at(self) -> datetime | None:
        return min((row.next_at for rows in self._rows.values() for row in rows.values() if row.next_at), default=None)

    def announcement(self, tenant: str, name: str) -> Announcement | None:
        return self._said.get((tenant, name))

    def announced(self, tenant: str, incident: str | None, topic: str | None, limit: int) -> list[Told]:
        found = [
            (key, said)
            for key, said in self._said.items()
            if key[0] == tenant and incident in (None, said.incident) and topic in (None, said.topic)
        ]
        return [self._told(key, said) for key, said in reversed(found)][:limit]

    def _told(self, key: Key, said: Announcement) -> Told:
        states = [row.state for row in self._rows[key].values()]
        return Told(
            announcement=said,
            pending=states.count("pending"),
            sent=states.count("sent"),
            failed=states.count("failed"),
            withdrawn=states.count("withdrawn"),
        )

    def told_to(self, tenant: str, name: str, states: Sequence[RecipientState], after: int, limit: int) -> list[ToldTo]:
        rows = self._rows.get((tenant, name), {}).values()
        return [row for row in rows if row.number > after and (not states or row.state in states)][:limit]

    def withdraw(self, tenant: str, kind: str, address: str) -> int:
        count = 0
        for key, rows in self._rows.items():
            for row in list(rows.values()):
                if key[0] == tenant and (row.recipient.kind, row.recipient.address) == (kind, address) and row.next_at:
                    rows[row.number] = msgspec.structs.replace(row, state="withdrawn", next_at=None)
                    self._leased.discard((key, row.number))
                    count += 1
        return count

    def forget(self, before: datetime, limit: int) -> int:
        newest = {(key[0], said.topic): key for key, said in self._said.items()}
        gone = [
            key
            for key, said in self._said.items()
            if said.at < before
            and newest[key[0], said.topic] != key
            and all(row.state != "pending" for row in self._rows[key].values())
        ][:limit]
        for key in gone:
            del self._said[key], self._rows[key]
        return len(gone)
