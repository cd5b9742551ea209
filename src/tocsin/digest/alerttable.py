"""The alerts as they are now, in columns: every episode is a slot, and a slot costs about a hundred bytes.

A dictionary per alert would cost a kilobyte, and monitors keep a hundred thousand of them firing. Labels, annotations
and links stay in the store (`alert_bodies`); the table knows who is who (fingerprint -> slot, exact label bytes ->
slot), since when, until when, which incident and why.

Only the writer thread changes the table. Other threads may read single cells, which the interpreter makes atomic.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from tocsin.core.alert import Verdict
from tocsin.core.cells import BLOCK, FREE
from tocsin.core.merge import FOREVER, Life, end_of, is_resolved, merge, newest, restored
from tocsin.digest.columns import SECOND, Finder, Names, Wheel
from tocsin.digest.newcomers import Newcomers, Place, Room

ENDED_KEPT_SECONDS = 5 * 24 * 3600  # how long an episode that is over can still be explained; Alertmanager keeps 120 h
ENDED_MAX = 200_000  # and how many of them; the oldest go first

GROWTH = 1_024  # slots made at once

ENDED, TIMEOUT, DIRTY = 1, 2, 4  # flags, beside FREE

_verdicts = msgspec.json.Encoder()
_verdict = msgspec.json.Decoder(Verdict)


class AlertTable:
    """See the module. `slots` are numbers that stay with an episode; a forgotten episode's is used again."""

    def __init__(self) -> None:
        self.fingerprint = array("Q")
        self.starts = array("q")
        self.ends = array("q")  # the deadline while it fires, the end afterwards; FOREVER: open end
        self.updated = array("q")  # order of the newest report
        self.count = array("I")
        self.flags = array("B")
        self.tenant = array("H")
        self.source = array("H")
        self.incident = array("I")
        self.verdict = array("I")
        self.said = array("q")  # hash of annotations and link, as last stored
        self.key = array("q")  # the memo's key that leads here, 0: none
        self.memos: dict[str, Finder] = {}
        self.current: dict[str, Finder] = {}  # tenant -> fingerprint -> slot of its newest episode
        self.bodies: dict[int, bytes] = {}  # changed, and not in the store yet
        self.dirty: list[int] = []  # refreshed, and not in the store yet
        self.deadlines = Wheel()
        self.firing = 0
        self.ended = 0
        self._places: dict[tuple[str, str], Place] = {}
        self._rooms: dict[str, Room] = {}
        self._gaps: list[int] = []  # where stored blocks leave room for another one
        self._tenants: list[str] = []
        self.words: dict[str, Names[bytes]] = {"source": Names(), "incident": Names(), "verdict": Names()}
        self._decoded: dict[int, Verdict] = {}
        self._encoded: dict[tuple[str, Verdict], int] = {}
        self.stored_columns: tuple[array[int], ...] = (  # in the order of `core.cells.SHAPE`
            self.fingerprint,
            self.starts,
            self.ends,
            self.updated,
            self.count,
            self.incident,
            self.verdict,
            self.source,
            self.flags,
        )
        self._old: Wheel = Wheel()

    # --- reading ------------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return self.firing + self.ended

    def memo(self, tenant: str) -> Finder:
        """Exact label bytes (their hash) -> slot of the newest episode."""
        found = self.memos.get(tenant)
        return found if found is not None else self.memos.setdefault(tenant, Finder(self.key))

    def newest(self, tenant: str) -> Finder:
        """Fingerprint -> slot of its newest episode."""
        found = self.current.get(tenant)
        return found if found is not None else self.current.setdefault(tenant, Finder(self.fingerprint))

    def slot_of(self, tenant: str, fingerprint: str) -> int | None:
        """The newest episode of this fingerprint, or None. Any text may be asked for."""
        try:
            return self.newest(tenant).get(int(fingerprint, 16) & (2**64 - 1))
        except ValueError:
            return None

    def slots(self, tenant: str, *, firing: bool = True) -> list[int]:
        """The newest episodes, those that fire or all."""
        found = self.newest(tenant).values()
        return [slot for slot in found if not self.flags[slot] & (ENDED | FREE)] if firing else found

    def episodes(self, tenant: str, fingerprint: str) -> list[int]:
        """Every episode of a fingerprint that is still known, newest first. Walks the table."""
        try:
            number = int(fingerprint, 16)
        except ValueError:
            return []
        here = self.tenant_number(tenant)
        found = [
            slot
            for slot, each in enumerate(self.fingerprint)
            if each == number and self.tenant[slot] == here and not self.flags[slot] & FREE
        ]
        return sorted(found, key=lambda slot: -self.starts[slot])

    def of_incident(self, tenant: str, incident: str) -> list[int]:
        """The episodes that belong to an incident, in the order they came. Walks the table."""
        number, here = self.words["incident"].find(tenant, incident.encode()), self.tenant_number(tenant)
        slots = [slot for slot, each in enumerate(self.incident) if each == number]
        return [slot for slot in slots if self.tenant[slot] == here and not self.flags[slot] & FREE]

    def tenant_of(self, slot: int) -> str:
        return self._tenants[self.tenant[slot]]

    def tenant_number(self, tenant: str) -> int:
        """The number that stands for this tenant in the column; of this process only."""
        if tenant not in self._tenants:
            self._tenants.append(tenant)
        return self._tenants.index(tenant)

    def by_tenant(self, slots: Iterable[int]) -> dict[str, list[int]]:
        """These slots, each with its tenant."""
        found: dict[int, list[int]] = {}
        column = self.tenant
        for slot in slots:
            mine = found.get(column[slot])
            if mine is None:
                mine = found[column[slot]] = []
            mine.append(slot)
        return {self._tenants[number]: mine for number, mine in found.items()}

    def source_of(self, slot: int) -> str:
        return (self.words["source"][self.source[slot]] or b"").decode()

    def incident_of(self, slot: int) -> str | None:
        found = self.words["incident"][self.incident[slot]]
        return None if found is None else found.decode()

    def verdict_of(self, slot: int) -> Verdict | None:
        return self._decoded.get(self.verdict[slot])

    def name(self, slot: int) -> str:
        return f"{self.fingerprint[slot]:016x}"

    def fires(self, slot: int) -> bool:
        return not self.flags[slot] & (ENDED | FREE)

    # --- changing -----------------------------------------------------------------------------------------------------

    def add(self, tenant: str, fingerprint: int, source: str, life: Life, key: int) -> int:
        """The slot of a new episode; it becomes the fingerprint's newest one."""
        ends, timeout = end_of(life)
        flags = (ENDED if is_resolved(life) else 0) | (TIMEOUT if timeout else 0)
        before = self.newest(tenant).get(fingerprint)
        if before is not None and self.key[before]:
            self.memo(tenant).pop(self.key[before])
            self.key[before] = 0
        return self.begin(self.place(tenant, source), fingerprint, life.starts_us, ends, newest(life), flags, key)

    def place(self, tenant: str, source: str) -> Place:
        """Where the alerts of this tenant and source go; always the same object."""
        found = self._places.get((tenant, source))
        if found is None:
            numbers = self.tenant_number(tenant), self.words["source"].number(tenant, source.encode())
            finders = self.newest(tenant), self.memo(tenant)
            found = self._places[tenant, source] = Place(*numbers, *finders, self._room(tenant))
        return found

    def begin(self, place: Place, fingerprint: int, starts: int, ends: int, order: int, flags: int, key: int) -> int:
        """`add`, for who knows that no episode of the fingerprint has a key, and what `life` would say."""
        slot = place.room.free.pop() if place.room.free else self._grown(place.room, 1)
        self.fingerprint[slot], self.starts[slot], self.ends[slot] = fingerprint, starts, ends
        self.updated[slot], self.count[slot], self.flags[slot] = order, 1, flags
        self.tenant[slot], self.source[slot] = place.tenant, place.source
        self.incident[slot] = self.verdict[slot] = self.said[slot] = 0
        self.key[slot] = key
        place.newest.add(fingerprint, slot)
        if key:
            place.memo.add(key, slot)
        if flags & ENDED:
            self.ended += 1
            self._old.add(ends + ENDED_KEPT_SECONDS * SECOND, slot)
        else:
            self.firing += 1
            self.deadlines.add(ends, slot)
        return slot

    def begin_all(self, new: Newcomers) -> list[int]:
        """The slots of new episodes, in their order."""
        place, count = new.place, len(new)
        assert place is not None, "newcomers have a place"
        if len(place.room.free) >= count:
            return [self._begin_one(place, *one) for one in new.each()]
        first = self._grown(place.room, count)
        slots = list(range(first, first + count))
        here = slice(first, first + count)
        self.fingerprint[here] = array("Q", new.fingerprints)
        self.starts[here], self.ends[here] = new.starts, new.ends
        self.updated[here], self.count[here] = new.orders, array("I", [1]) * count
        self.flags[here] = new.flags
        self.tenant[here], self.source[here] = array("H", [place.tenant]) * count, array("H", [place.source]) * count
        self.said[here], self.key[here] = new.saids, new.keys
        self.incident[here] = self.verdict[here] = array("I", [0]) * count
        place.newest.add_new(self.fingerprint[here], slots)
        place.memo.add_new(new.keys, slots)
        self.firing += count
        self.deadlines.add_all(new.ends, slots)
        self.bodies.update(zip(slots, new.bodies, strict=True))
        return slots

    def _begin_one(self, place: Place, cells: tuple[int, int, int, int, int, int], said: int, body: bytes) -> int:
        slot = self.begin(place, *cells)
        self.said[slot], self.bodies[slot] = said, body
        return slot

    def _room(self, tenant: str) -> Room:
        found = self._rooms.get(tenant)
        return found if found is not None else self._rooms.setdefault(tenant, Room())

    def _grown(self, room: Room, count: int) -> int:
        """The first of `count` neighbouring slots that were never used. Columns grow by many cells at a time: growing
        them one by one costs more than all the rest. Blocks are not shared between tenants."""
        if len(room.unused) < count:
            room.free += room.unused[::-1]
            if self._gaps and count <= BLOCK:
                first, more = self._gaps.pop(), BLOCK
            else:
                first, more = len(self.flags), max(GROWTH, -(-count // BLOCK) * BLOCK)
                self._extend(more)
            room.unused = range(first, first + more)
        first = room.unused.start
        room.unused = room.unused[count:]
        return first

    def _extend(self, more: int) -> None:
        for column in (*self.stored_columns, self.tenant, self.said, self.key):
            column.frombytes(bytes(column.itemsize * more))
        self.flags[-more:] = array("B", [FREE]) * more

    def merge(self, slot: int, said: Life) -> bool | None:
        """The episode with one more report: True if that made it fire, False if that ended it, None if neither."""
        was = self.flags[slot] & ENDED
        life = merge(self.life(slot), said)
        ends, timeout = end_of(life)
        self.starts[slot], self.updated[slot] = life.starts_us, newest(life)
        now = ENDED if is_resolved(life) else 0
        self.flags[slot] = (self.flags[slot] & ~(ENDED | TIMEOUT)) | now | (TIMEOUT if timeout else 0)
        if ends < self.ends[slot] or was:  # the wheel would look too late
            self.ends[slot] = ends
            if not now:
                self.deadlines.add(ends, slot)
        self.ends[slot] = ends
        if now == was:
            return None
        self._count_change(slot, fires=not now)
        return not now

    def end(self, slot: int) -> None:
        """The episode is over because its deadline passed."""
        self.flags[slot] |= ENDED
        self._count_change(slot, fires=False)

    def life(self, slot: int) -> Life:
        flags = self.flags[slot]
        return restored(
            starts_us=self.starts[slot],
            ends_us=self.ends[slot],
            updated=self.updated[slot],
            timeout=bool(flags & TIMEOUT),
            ended=bool(flags & ENDED),
        )

    def remember(self, tenant: str, slot: int, key: int) -> None:
        """These exact label bytes lead to this slot from now on; only the newest spelling is remembered."""
        memo = self.memo(tenant)
        old = self.key[slot]
        if old and old != key:
            memo.pop(old)
        self.key[slot] = key
        if key:
            memo.add(key, slot)

    def attach(self, slots: Sequence[int], incident: str | None) -> None:
        if slots:
            tenant, column = self.tenant_of(slots[0]), self.incident
            number = self.words["incident"].number(tenant, incident.encode() if incident else None)
            for slot in slots:
                column[slot] = number

    def judge(self, slot: int, verdict: Verdict) -> None:
        self.verdict[slot] = self.number_of(self.tenant_of(slot), verdict)

    def number_of(self, tenant: str, verdict: Verdict) -> int:
        """The number that stands for this verdict in the column."""
        found = self._encoded.get((tenant, verdict))
        if found is None:
            found = self.words["verdict"].number(tenant, _verdicts.encode(verdict))
            self._encoded[tenant, verdict] = found
            self._decoded.setdefault(found, verdict)
        return found

    def touch(self, slot: int) -> None:
        """The slot has something to store, at the next occasion."""
        if not self.flags[slot] & DIRTY:
            self.flags[slot] |= DIRTY
            self.dirty.append(slot)

    def cleaned(self) -> None:
        """Everything that was touched is in the store."""
        for slot in self.dirty:
            self.flags[slot] &= ~DIRTY
        self.dirty = []

    def expired(self, now_us: int, limit: int) -> list[int]:
        """Slots that still count as firing though their deadline has passed; each is returned until it is ended."""
        found = []
        for slot in dict.fromkeys(self.deadlines.due(now_us, limit)):  # a deadline that moved stands there twice
            if not self.flags[slot] & (ENDED | FREE):
                if self.ends[slot] <= now_us:
                    found.append(slot)
                else:
                    self.deadlines.add(self.ends[slot], slot)
        return found

    def prune(self, now_us: int, limit: int = 5_000) -> list[int]:
        """The slots of episodes that were over and out of retention; they are forgotten."""
        gone = []
        too_many = max(0, self.ended - ENDED_MAX)
        until = FOREVER - SECOND if too_many else now_us
        for slot in self._old.due(until, min(limit, too_many) if too_many else limit):
            if self.flags[slot] & FREE or not self.flags[slot] & ENDED:
                continue
            if not too_many and self.ends[slot] + ENDED_KEPT_SECONDS * SECOND > now_us:
                continue  # it fired again and ended later: a later entry of the wheel stands for it
            self._forget(slot)
            gone.append(slot)
        return gone

    # --- what was stored ----------------------------------------------------------------------------------------------

    def adopt(self, tenant: str, first: int, columns: Sequence[array[int]]) -> list[int]:
        """A stored block of the tenant, behind all others, is part of the table; the slots in it that somebody has."""
        self._gaps += range(len(self.flags), first, BLOCK)
        self._extend(first + BLOCK - len(self.flags))
        here = slice(first, first + BLOCK)
        for column, cells in zip(self.stored_columns, columns, strict=True):
            column[here] = cells
        self.tenant[here] = array("H", [self.tenant_number(tenant)]) * BLOCK
        slots = range(first, first + BLOCK)
        self._room(tenant).free += [slot for slot in reversed(slots) if self.flags[slot] & FREE]
        known, used = self.newest(tenant), [slot for slot in slots if not self.flags[slot] & FREE]
        for slot in used:
            other = known.get(self.fingerprint[slot])
            if other is None or self.updated[other] <= self.updated[slot]:
                known.add(self.fingerprint[slot], slot)
            if self.flags[slot] & ENDED:
                self.ended += 1
                self._old.add(self.ends[slot] + ENDED_KEPT_SECONDS * SECOND, slot)
            else:
                self.firing += 1
                self.deadlines.add(self.ends[slot], slot)
        return used

    def read_words(self, found: Mapping[str, Sequence[tuple[int, str, bytes]]]) -> None:
        """What the numbers in the adopted cells mean: (number, tenant, value) by kind."""
        for kind, words in found.items():
            self.words[kind].load(words)
        self._decoded = {number: _verdict.decode(value) for number, _, value in found["verdict"]}

    # --- inside -------------------------------------------------------------------------------------------------------

    def _count_change(self, slot: int, *, fires: bool) -> None:
        self.firing += 1 if fires else -1
        self.ended += -1 if fires else 1
        if not fires:
            self._old.add(self.ends[slot] + ENDED_KEPT_SECONDS * SECOND, slot)

    def _forget(self, slot: int) -> None:
        tenant, number = self.tenant_of(slot), self.fingerprint[slot]
        known = self.newest(tenant)
        if known.get(number) == slot:
            known.pop(number)
        self.remember(tenant, slot, 0)
        self.touch(slot)
        self.bodies[slot] = b""
        self.flags[slot] = FREE | DIRTY
        self.ended -= 1
        self._room(tenant).free.append(slot)
