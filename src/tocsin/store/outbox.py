"""Owed pages in memory; the same rules as store/delivery.py, by looking at everything."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from tocsin.core.facts import SeverityChanged
from tocsin.ports import Append, LeasedPage, Settlement
from tocsin.store.instants import instant, us
from tocsin.store.throttle import BUNDLE_MAX, WINDOW_US, Room, room, room_at, turn_of


class Owed(msgspec.Struct, frozen=True, kw_only=True):
    """One method of one page; while leased, `due_us` is the end of the lease."""

    tenant: str
    page: str
    method: int
    stream: str
    person: str
    kind: str
    address: str
    level: int
    notice: bool
    turn: int
    due_us: int
    attempts: int = 0
    lease: int | None = None

    @property
    def place(self) -> tuple[int, str, int]:
        return self.due_us, self.page, self.method


class Outbox:
    def __init__(self) -> None:
        self._owed: dict[tuple[str, str, int], Owed] = {}
        self._sends: dict[int, tuple[str, str, int]] = {}  # lease -> tenant, person, at
        self._last_lease = 0

    def copy(self) -> Outbox:
        other = Outbox()
        other._owed, other._sends, other._last_lease = self._owed.copy(), self._sends.copy(), self._last_lease
        return other

    __copy__ = copy

    def owe(self, append: Append) -> None:
        for page in append.pages:
            for n, method in enumerate(page.methods):
                self._owed.setdefault(
                    (append.tenant, page.id, n),
                    Owed(
                        tenant=append.tenant,
                        page=page.id,
                        method=n,
                        stream=append.stream,
                        person=page.person,
                        kind=method.kind,
                        address=method.address,
                        level=page.level,
                        notice=page.notice,
                        turn=turn_of(append, notice=page.notice),
                        due_us=us(method.not_before),
                    ),
                )
        if any(isinstance(fact, SeverityChanged) for fact in append.facts):
            mine = [
                each for each in self._owed.values() if (each.tenant, each.stream) == (append.tenant, append.stream)
            ]
            for each in mine:
                self._put(msgspec.structs.replace(each, turn=turn_of(append, notice=each.notice)))
        forgiven = {(append.tenant, page) for page in append.forgive}
        if forgiven:
            self._owed = {key: row for key, row in self._owed.items() if key[:2] not in forgiven}

        for page_id, failed in append.hasten:
            row = self._owed.get((append.tenant, page_id, failed + 1))
            if row is not None and not row.attempts:
                self._put(msgspec.structs.replace(row, due_us=min(row.due_us, us(append.facts[-1].at))))

    def release_leases(self, now: datetime) -> None:
        for row in [each for each in self._owed.values() if each.lease is not None]:
            self._put(msgspec.structs.replace(row, due_us=min(row.due_us, us(now)), lease=None))

    def renew(self, leases: Sequence[str], until: datetime) -> None:
        held = {int(lease) for lease in leases}
        for row in [each for each in self._owed.values() if each.lease in held]:
            self._put(msgspec.structs.replace(row, due_us=us(until)))

    def settle(self, settlement: Settlement) -> None:
        lease = int(settlement.page.lease)
        if settlement.outcome != "sent":
            self._sends.pop(lease, None)
        for row in [each for each in self._owed.values() if each.lease == lease]:
            if settlement.outcome == "retry":
                retry_us = us(settlement.retry_at or settlement.at)
                self._put(msgspec.structs.replace(row, due_us=retry_us, lease=None))
                continue
            del self._owed[row.tenant, row.page, row.method]
            after = self._owed.get((row.tenant, row.page, row.method + 1))
            if settlement.outcome == "given_up" and after and not after.attempts:
                self._put(msgspec.structs.replace(after, due_us=min(after.due_us, us(settlement.at))))

    def claim(
        self, now: datetime, limit: int, lease_seconds: int, references: dict[tuple[str, str], str]
    ) -> list[LeasedPage]:
        claimed: list[LeasedPage] = []
        ready_at = self.next_at()
        if ready_at is None or ready_at > now:
            return []
        self._sends = {n: sent for n, sent in self._sends.items() if sent[2] > us(now) - WINDOW_US}
        for notice in (False, True):
            lines = sorted((at, *line) for line, at in self._lines(notice).items() if at <= us(now))
            for _, tenant, person in lines[: max(0, limit - len(claimed))]:
                while len(claimed) < limit:
                    leased = self._claim_one((tenant, person), notice, now, lease_seconds, references)
                    if leased is None:
                        break
                    claimed.append(leased)
        return claimed

    def next_at(self) -> datetime | None:
        ready = [at for notice in (False, True) for at in self._lines(notice).values()]
        return instant(min(ready)) if ready else None

    def _claim_one(
        self,
        line: tuple[str, str],
        notice: bool,
        now: datetime,
        lease_seconds: int,
        references: dict[tuple[str, str], str],
    ) -> LeasedPage | None:
        waiting = sorted(
            (row for row in self._owed.values() if (row.tenant, row.person) == line and row.due_us <= us(now)),
            key=lambda row: (row.turn, row.place),
        )
        head = next((row for row in waiting if row.notice == notice), None)
        mode: Room = room(self._sent_to(line), us(now), head.turn) if head else "none"
        if mode == "none" or head is None:
            return None
        self._last_lease += 1
        self._sends[self._last_lease] = (*line, us(now))
        to = (head.kind, head.address)
        riders = (
            [row for row in waiting if row is not head and (row.kind, row.address) == to] if mode == "bundle" else []
        )
        riders = riders[:BUNDLE_MAX]
        until = now + timedelta(seconds=lease_seconds)
        for row in (head, *riders):
            self._put(msgspec.structs.replace(row, lease=self._last_lease, due_us=us(until), attempts=row.attempts + 1))
        named = {row.page: (row.page, row.stream, references[row.tenant, row.stream]) for row in riders}
        named.pop(head.page, None)
        return LeasedPage(
            tenant=head.tenant,
            id=head.page,
            incident=head.stream,
            person=head.person,
            kind=head.kind,
            address=head.address,
            level=head.level,
            notice=head.notice,
            method=head.method,
            attempt=head.attempts + 1,
            lease=str(self._last_lease),
            lease_until=until,
            also=tuple(named.values()),
        )

    def _lines(self, notice: bool) -> dict[tuple[str, str], int]:
        """When each person may get the next page, or notice."""
        earliest: dict[tuple[str, str], int] = {}
        for row in self._owed.values():
            if row.notice == notice:
                line = (row.tenant, row.person)
                ready = max(row.due_us, room_at(self._sent_to(line), row.turn))
                earliest[line] = min(earliest.get(line, ready), ready)
        return earliest

    def _sent_to(self, line: tuple[str, str]) -> list[int]:
        return [at for tenant, person, at in self._sends.values() if (tenant, person) == line]

    def _put(self, row: Owed) -> None:
        self._owed[row.tenant, row.page, row.method] = row
