"""Sealed content in a directory: a file for each object, under the first two digits of its name."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

from tocsin.evidence.objects import PIECE, Listed, NotThere, StoreFailed

FOLDER_MODE, FILE_MODE = 0o700, 0o600


class FileObjects:
    """`folder` is made on the first write. Only its owner can read what is in it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def put(self, name: str, file: Path, sha256: str) -> None:
        await asyncio.to_thread(self._put, name, file)

    def _put(self, name: str, file: Path) -> None:
        path = self._path(name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
            file.chmod(FILE_MODE)
            _sync(file)
            file.replace(path)
            for folder in (path.parent, path.parent.parent):
                _sync(folder)
        except OSError as error:
            raise StoreFailed(f"{path.parent}: {error.strerror or error}") from error

    async def get(self, name: str) -> AsyncIterator[bytes]:
        try:
            file = await asyncio.to_thread(self._path(name).open, "rb")
        except FileNotFoundError:
            raise NotThere(f"evidence: expected the object {name}, found none") from None
        except OSError as error:
            raise StoreFailed(f"{self._folder}: {error.strerror or error}") from error
        with file:
            while piece := await asyncio.to_thread(file.read, PIECE):
                yield piece

    async def has(self, name: str) -> bool:
        return await asyncio.to_thread(self._path(name).is_file)

    async def delete(self, name: str) -> bool:
        return await asyncio.to_thread(self._delete, name)

    def _delete(self, name: str) -> bool:
        path = self._path(name)
        try:
            path.unlink()
            _sync(path.parent)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise StoreFailed(f"{path}: {error.strerror or error}") from error
        return True

    async def names(self) -> AsyncIterator[Listed]:
        for each in await asyncio.to_thread(self._names):
            yield each

    def _names(self) -> list[Listed]:
        found = []
        for path in self._folder.glob("*/*"):
            state = path.stat()
            modified_at = datetime.fromtimestamp(state.st_mtime, UTC)
            found.append(Listed(name=path.name, modified_at=modified_at, size=state.st_size))
        return sorted(found, key=lambda each: each.name)

    def _path(self, name: str) -> Path:
        return self._folder / name[:2] / name

    async def close(self) -> None:
        """Nothing is open."""


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
