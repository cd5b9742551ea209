"""Where sealed content lies: the contract that every store of it keeps (tests/evidence/test_objects.py)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Protocol

import msgspec

PIECE = 1024 * 1024  # bytes that are read at a time


class NotThere(Exception):
    """There is no object of this name."""


class StoreFailed(Exception):
    """The store did not do it; the text says which store and why. Trying again may help."""


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """An object, and when it was written by the store's own clock."""

    name: str
    modified_at: datetime
    size: int


class Objects(Protocol):
    """Names are words of `[a-z0-9/]`. An object is written whole or not at all, and durable once `put` returns."""

    async def put(self, name: str, file: Path, sha256: str) -> None:
        """The file's content, whose hash this is, is the object `name`; the file may be gone then."""
        ...

    def get(self, name: str) -> AsyncIterator[bytes]:
        """The object in pieces. Raises NotThere, StoreFailed."""
        ...

    async def has(self, name: str) -> bool: ...

    async def delete(self, name: str) -> bool:
        """Whether it was there."""
        ...

    def names(self) -> AsyncIterator[Listed]:
        """Every object, in the order of names."""
        ...

    async def close(self) -> None: ...
