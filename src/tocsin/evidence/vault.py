"""Content in, content out: redacted, hashed and sealed on the way in; opened, and its hash checked, on the way out.

Plain content never touches a disk: what is spooled while it comes is sealed already. It goes to its place, named by the
hash of its plain bytes, when all of it is there; the same content is kept once.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from tocsin.evidence.keys import KeyFile
from tocsin.evidence.objects import PIECE, Listed, Objects
from tocsin.evidence.redaction import SNIFFED, Redactor, looks_like_text
from tocsin.evidence.sealing import Broken, Opener, Sealer

PLAIN, ORIGINAL = "content", "original"  # what a stream is sealed as; one never opens as the other


class TooLarge(Exception):
    """More came than is kept of one item; the text says how much that is."""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What was written. `looked` False: it was no text, so no secrets were looked for."""

    sha256: str
    size: int
    redactions: dict[str, int]
    looked: bool
    original_sha256: str = ""
    original_size: int = 0


class Vault:
    """`spool` is a directory on a disk of this machine; what a crash leaves in it is never read."""

    def __init__(self, objects: Objects, keys: KeyFile, tenant: str, spool: Path) -> None:
        self.objects = objects
        self._keys, self._tenant, self._spool = keys, tenant, spool
        self._using: dict[str, int] = {}  # contents that somebody is about to refer to: housekeeping leaves them
        self._moving = asyncio.Lock()  # between looking whether content is there and keeping or deleting it

    @asynccontextmanager
    async def keeping(self, chunks: AsyncIterator[bytes], *, bytes_max: int, original: bool) -> AsyncIterator[Kept]:
        """The content is durable, and stays at least until the block ends: the fact is written inside.

        Raises TooLarge, StoreFailed, OSError and whatever `chunks` raises; nothing is kept then.
        """
        used: list[str] = []
        streams = await asyncio.to_thread(self._streams, original)
        try:
            kept = await _filled(streams, chunks, bytes_max)
            for stream, purpose in ((streams.content, PLAIN), (streams.original, ORIGINAL)):
                if stream is not None and stream.digest not in ("", kept.sha256 if purpose is ORIGINAL else ""):
                    used.append(object_name(stream.digest, purpose))
                    await self._place(stream, used[-1])
            yield kept
        finally:
            streams.drop()
            for name in used:
                self._using[name] -= 1
                if not self._using[name]:
                    del self._using[name]

    def _streams(self, original: bool) -> _Streams:
        keys = self._keys.keys()
        self._spool.mkdir(parents=True, exist_ok=True, mode=0o700)
        content = _Stream(self._spool, Sealer(keys, self._tenant, PLAIN))
        return _Streams(content, _Stream(self._spool, Sealer(keys, self._tenant, ORIGINAL)) if original else None)

    async def _place(self, stream: _Stream, name: str) -> None:
        self._using[name] = self._using.get(name, 0) + 1
        async with self._moving:
            if not await self.objects.has(name):
                await self.objects.put(name, stream.path, stream.sealed_digest)

    async def content(self, sha256: str, *, original: bool = False) -> AsyncIterator[bytes]:
        """The plain content. Its last frame is given only once the hash of the whole is right.

        Raises Broken, UnknownKey, NotThere, StoreFailed.
        """
        purpose = ORIGINAL if original else PLAIN
        opener = Opener(self._keys.keys(), self._tenant, purpose)
        digest = hashlib.sha256()
        async for piece in self.objects.get(object_name(sha256, purpose)):
            plain = await asyncio.to_thread(opener.feed, piece)
            await asyncio.to_thread(digest.update, plain)
            if plain:
                yield plain
        last = opener.finish()
        digest.update(last)
        if digest.hexdigest() != sha256:
            raise Broken(f"the content opens and is not the one with SHA-256 {sha256}")
        if last:
            yield last

    async def orphans(self, referred: set[str]) -> AsyncIterator[Listed]:
        """Objects that nothing refers to; `referred` holds names that `object_name` gives."""
        async for each in self.objects.names():
            if each.name not in referred and each.name not in self._using:
                yield each

    async def drop(self, name: str) -> bool:
        """Whether the object was there and is gone; one that somebody is about to refer to stays."""
        async with self._moving:
            return name not in self._using and await self.objects.delete(name)


def object_name(sha256: str, purpose: str) -> str:
    """Content goes by its hash; an original by its hash and a letter, for it is sealed apart."""
    return sha256 if purpose == PLAIN else f"{sha256}o"


class _Stream:
    """One content on its way: sealed into a file of the spool, and hashed before and after."""

    def __init__(self, spool: Path, sealer: Sealer) -> None:
        self.path = spool / f"{secrets.token_hex(16)}.part"
        self._file = os.fdopen(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb", buffering=PIECE)
        self._sealer = sealer
        self._plain, self._sealed = hashlib.sha256(), hashlib.sha256()
        self.size = 0
        self.digest = self.sealed_digest = ""

    def write(self, plain: bytes) -> None:
        self._plain.update(plain)
        self.size += len(plain)
        self._out(self._sealer.write(plain))

    def finish(self) -> None:
        self._out(self._sealer.finish())
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self.digest, self.sealed_digest = self._plain.hexdigest(), self._sealed.hexdigest()

    def drop(self) -> None:
        self._file.close()
        self.path.unlink(missing_ok=True)

    def _out(self, sealed: bytes) -> None:
        self._sealed.update(sealed)
        self._file.write(sealed)


class _Streams:
    """The content and, when asked for, the original beside it. `write` and `finish` run on a thread."""

    def __init__(self, content: _Stream, original: _Stream | None) -> None:
        self.content, self.original = content, original
        self._redactor: Redactor | None = None
        self._start: bytes | None = b""  # until it is known whether this is text

    def write(self, plain: bytes) -> None:
        if self.original is not None:
            self.original.write(plain)
        if self._start is not None:
            self._start += plain
            if len(self._start) < SNIFFED:
                return
            plain = self._sniffed()
        self.content.write(self._redactor.feed(plain) if self._redactor else plain)

    def finish(self) -> Kept:
        if self._start is not None:
            rest = self._sniffed()
            self.content.write(self._redactor.feed(rest) if self._redactor else rest)
        if self._redactor:
            self.content.write(self._redactor.finish())
        self.content.finish()
        same = True
        if self.original is not None:
            self.original.finish()
            same = self.original.digest == self.content.digest
        return Kept(
            sha256=self.content.digest,
            size=self.content.size,
            redactions=dict(sorted(self._redactor.counts.items())) if self._redactor else {},
            looked=self._redactor is not None,
            original_sha256="" if same or self.original is None else self.original.digest,
            original_size=0 if same or self.original is None else self.original.size,
        )

    def drop(self) -> None:
        for each in (self.content, self.original):
            if each is not None:
                each.drop()

    def _sniffed(self) -> bytes:
        start, self._start = self._start or b"", None
        self._redactor = Redactor() if looks_like_text(start) else None
        return start


async def _filled(streams: _Streams, chunks: AsyncIterator[bytes], bytes_max: int) -> Kept:
    """Everything that comes is written, in pieces large enough that a thread is worth it."""
    waiting, size = bytearray(), 0
    async for chunk in chunks:
        size += len(chunk)
        if size > bytes_max:
            raise TooLarge(f"content: expected at most {bytes_max} bytes, got more")
        waiting += chunk
        if len(waiting) >= PIECE:
            await asyncio.to_thread(streams.write, bytes(waiting))
            waiting.clear()
    await asyncio.to_thread(streams.write, bytes(waiting))
    return await asyncio.to_thread(streams.finish)
