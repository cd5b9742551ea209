"""The journal's contract without a disk, for tests and rehearsal."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence

FIRST = 1  # positions begin above zero, because "nothing was consumed" is zero


class MemoryJournal:
    """The same contract without a disk, for tests and rehearsal. `full` makes it refuse, as a full disk would."""

    def __init__(self, *, retained: int = 10_000) -> None:
        self._entries: dict[int, tuple[bytes, bytes]] = {}
        self._retained = retained
        self.end = FIRST
        self.full = False

    def append(self, entries: Sequence[tuple[bytes, bytes]]) -> list[int]:
        if self.full:
            raise OSError(errno.ENOSPC, "no space left on device")
        positions = []
        for meta, body in entries:
            positions.append(self.end)
            self._entries[self.end] = (bytes(meta), bytes(body))
            self.end += len(meta) + len(body) + 1
        return positions

    def read(self, after: int) -> Iterator[tuple[int, bytes, bytes]]:
        for position in [each for each in self._entries if each > after]:
            yield position, *self._entries[position]

    def get(self, position: int) -> tuple[bytes, bytes] | None:
        return self._entries.get(position)

    def last(self) -> tuple[int, bytes, bytes] | None:
        return (position, *self._entries[position]) if (position := max(self._entries, default=0)) else None

    def release(self, upto: int) -> None:
        digested = [position for position in self._entries if position <= upto]
        for position in digested[: max(0, len(digested) - self._retained)]:
            del self._entries[position]

    def prepare(self) -> None:
        pass

    def close(self) -> None:
        pass
