"""Alerts that fire and that nobody has heard of, gathered: the table begins many at once at a third of the cost."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import NamedTuple

from tocsin.digest.columns import Finder


class Room:
    """Slots of one tenant that nobody has: forgotten ones, and neighbours that were never used."""

    def __init__(self) -> None:
        self.free: list[int] = []
        self.unused = range(0)


class Place(NamedTuple):
    """The number of a tenant and a source, the tenant's finders and its room."""

    tenant: int
    source: int
    newest: Finder
    memo: Finder
    room: Room


Cells = tuple[int, int, int, int, int, int]  # fingerprint, start, end, order, flags, key of the label bytes


class Newcomers:
    """All of one place, no two of one fingerprint, and none whose fingerprint or label bytes the table knows.

    The cells are gathered as the table keeps them: thousands of numbers as objects would be as much as what they say.
    """

    def __init__(self) -> None:
        self.place: Place | None = None
        self.fingerprints: dict[int, None] = {}  # in their order; their labels are in the bodies
        self.starts = array("q")
        self.ends = array("q")
        self.orders = array("q")
        self.flags = array("B")
        self.keys = array("q")
        self.saids = array("q")
        self.bodies: list[bytes] = []

    def __len__(self) -> int:
        return len(self.keys)

    def each(self) -> Iterator[tuple[Cells, int, bytes]]:
        """The cells, what was said, and the body of one after the other."""
        cells = zip(self.fingerprints, self.starts, self.ends, self.orders, self.flags, self.keys, strict=True)
        return zip(cells, self.saids, self.bodies, strict=True)
