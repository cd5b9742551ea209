"""What the alert table is made of besides arrays: shared values, deadlines by the second, and numbers -> slots."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from typing import Generic, TypeVar

from tocsin.core.merge import FOREVER

SECOND = 1_000_000  # instants are microseconds

FIRST_SIZE = 4_096  # cells of a finder's index, a power of two; it is never more than half full

T = TypeVar("T")


class Names(Generic[T]):
    """Values of tenants that many slots share, each stored once; 0 means none. `new`: not in the store yet."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, T], int] = {}
        self._values: list[T | None] = [None]
        self._gaps: list[int] = []  # numbers that stood for nothing any more when they were loaded
        self.new: dict[int, str] = {}  # number -> tenant

    def number(self, tenant: str, value: T | None) -> int:
        if value is None:
            return 0
        found = self._numbers.get((tenant, value))
        if found is None:
            found = self._gaps.pop() if self._gaps else len(self._values)
            self._put(found, tenant, value)
            self.new[found] = tenant
        return found

    def find(self, tenant: str, value: T) -> int | None:
        """The number, if the value has one."""
        return self._numbers.get((tenant, value))

    def __getitem__(self, number: int) -> T | None:
        return self._values[number]

    def load(self, found: Iterable[tuple[int, str, T]]) -> None:
        """Numbers as they were stored: (number, tenant, value) in any order."""
        for number, tenant, value in found:
            while len(self._values) < number:
                self._gaps.append(len(self._values))
                self._values.append(None)
            self._put(number, tenant, value)
        self._gaps = [number for number in self._gaps if self._values[number] is None]

    def _put(self, number: int, tenant: str, value: T) -> None:
        self._numbers[tenant, value] = number
        if number == len(self._values):
            self._values.append(value)
        else:
            self._values[number] = value


class Wheel:
    """When to look at which slot again, at the first whole second that is not before its time. A slot whose deadline
    moved is simply looked at again."""

    def __init__(self) -> None:
        self._buckets: dict[int, array[int]] = {}
        self._next = FOREVER

    def add(self, at_us: int, slot: int) -> None:
        if at_us >= FOREVER:
            return
        second = -(-at_us // SECOND)
        bucket = self._buckets.get(second)
        if bucket is None:
            bucket = self._buckets[second] = array("I")
            self._next = min(self._next, second)
        bucket.append(slot)

    def add_all(self, at_us: Sequence[int], slots: Sequence[int]) -> None:
        """`add` for each; neighbours mostly share their second."""
        last = -1
        bucket: array[int] = array("I")  # replaced before anything is put there
        for at, slot in zip(at_us, slots, strict=True):
            if at != last:
                if at >= FOREVER:
                    continue
                last, second = at, -(-at // SECOND)
                found = self._buckets.get(second)
                if found is None:
                    found = self._buckets[second] = array("I")
                    self._next = min(self._next, second)
                bucket = found
            bucket.append(slot)

    def due(self, now_us: int, limit: int) -> list[int]:
        """At most about `limit` slots whose second has come; they are forgotten here."""
        found: list[int] = []
        while self._next * SECOND <= now_us and len(found) < limit:
            bucket = self._buckets[self._next]
            room = limit - len(found)
            found.extend(bucket[:room])
            if len(bucket) > room:
                self._buckets[self._next] = bucket[room:]
                break
            del self._buckets[self._next]
            self._next = min(self._buckets, default=FOREVER)
        return found


EMPTY, GONE = 0xFFFFFFFF, 0xFFFFFFFE  # no slot here; none any more, look further


class Finder:
    """64-bit numbers -> slots in eight bytes or so each, where a dictionary takes a hundred.

    An open-addressed index over a column: `column[slot]` is the key that leads to `slot`, and must hold it before the
    key is added. The numbers are hashes, so their low bits are as good as any. One thread changes it; others may ask
    at any time: a key that moves is found in the old index or in the new one.
    """

    def __init__(self, column: array[int]) -> None:
        self._column = column
        self._used = 0
        self._index = array("I", [EMPTY]) * FIRST_SIZE

    def __contains__(self, key: int) -> bool:
        index = self._index
        return index[key & (len(index) - 1)] != EMPTY and self.get(key) is not None

    def get(self, key: int) -> int | None:
        index, column = self._index, self._column
        mask = len(index) - 1
        at = key & mask
        while True:
            slot = index[at]
            if slot == EMPTY:
                return None
            if slot != GONE and column[slot] == key:
                return slot
            at = (at + 1) & mask

    def add(self, key: int, slot: int) -> None:
        """The key leads to this slot, and to no other."""
        index, column = self._index, self._column
        mask = len(index) - 1
        at = key & mask
        while (other := index[at]) != EMPTY:
            if other != GONE and column[other] == key:
                index[at] = slot
                return
            at = (at + 1) & mask
        index[at] = slot
        self._used += 1
        if self._used * 2 > len(index):
            self._grow()

    def add_new(self, keys: Sequence[int], slots: Sequence[int]) -> None:
        """Keys that lead nowhere yet, all different; the same as `add` for each, without looking for them."""
        while (self._used + len(keys)) * 2 > len(self._index):
            self._grow(len(keys))
        index = self._index
        mask = len(index) - 1
        for key, slot in zip(keys, slots, strict=True):
            at = key & mask
            while index[at] != EMPTY:
                at = (at + 1) & mask
            index[at] = slot
        self._used += len(keys)

    def pop(self, key: int) -> None:
        """The key leads nowhere. Its column must still hold it."""
        index, column = self._index, self._column
        mask = len(index) - 1
        at = key & mask
        while (slot := index[at]) != EMPTY:
            if slot != GONE and column[slot] == key:
                index[at] = GONE
                return
            at = (at + 1) & mask

    def values(self) -> list[int]:
        """Every slot that some key leads to."""
        return [slot for slot in self._index if slot < GONE]

    def _grow(self, more: int = 0) -> None:
        slots = self.values()
        size = FIRST_SIZE
        while size < (len(slots) + more) * 4:
            size *= 2
        index, mask, column = array("I", [EMPTY]) * size, size - 1, self._column
        for slot in slots:
            at = column[slot] & mask
            while index[at] != EMPTY:
                at = (at + 1) & mask
            index[at] = slot
        self._index, self._used = index, len(slots)
