"""The intake journal: accepted bodies, durable before anybody is answered, in preallocated segment files.

A position is a byte offset in one endless log, so it grows strictly and leads to its entry without a search. Segments
are files of zeros that were written before they are needed, or old segments used again: a group of entries is one
durable write over space that already exists, which costs a third of growing a file, and does not fail when the disk is
full. A frame carries its own position, so that what an earlier use of the segment left behind is recognised.

Only one thread appends; any thread may read, release what was digested and prepare spares.
"""

from __future__ import annotations

import logging
import os
import struct
import threading
import zlib
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from contextvars import copy_context
from itertools import count
from pathlib import Path

from tocsin.intake.disk import Disk

SEGMENT_BYTES = 16 * 1024 * 1024
RETAINED_BYTES = 256 * 1024 * 1024  # digested segments kept to answer "what became of my payload"
HEADER_BYTES = 4096  # one page, so that frames start on a page of their own
SPARES = 2  # segments prepared ahead
ENTRY_BYTES_MAX = 64 * 1024 * 1024

_log = logging.getLogger(__name__)

_MAGIC = 0x54_4F_43_53  # "SCOT" on disk: little-endian
_MAGIC_BYTES = struct.pack("<I", _MAGIC)
_FRAME = struct.Struct("<IIIIQ")  # magic, crc, meta bytes, body bytes, position
_REST = struct.Struct("<IIQ")  # what the crc covers of the frame's head
_ALIGN = 8
_SUFFIX = ".segment"
_ZEROS = bytes(1024 * 1024)


class _Segment:
    """One file of the log: the offsets from `base` to `base + size`."""

    def __init__(self, path: Path, base: int, size: int, fd: int) -> None:
        self.path, self.base, self.size, self.fd = path, base, size, fd
        self.end = base + HEADER_BYTES  # where the last good frame ends


class SegmentJournal:
    """`ports.Journal` over segment files in `directory`. Opening it finds the end of what was stored.

    A torn tail is what a crash left of a group that nobody was answered for; good frames behind a damaged one are kept,
    because nobody can tell a torn group from a bad sector. `damaged` counts such places. With `background`, a thread of
    its own prepares segments before they are needed.
    """

    def __init__(
        self,
        directory: Path,
        *,
        segment_bytes: int = SEGMENT_BYTES,
        retained_bytes: int = RETAINED_BYTES,
        background: bool = False,
        disk: Disk | None = None,
    ) -> None:
        self._directory, self._disk = directory, disk or Disk()
        self._segment_bytes = segment_bytes
        self._retained_bytes = retained_bytes
        self._segments: list[_Segment] = []
        self._spares: list[Path] = []
        self._spare_numbers = count()  # one `next` is atomic, so no two threads get the same name
        self._released = 0
        self._damaged_head = False
        self._shape = threading.Lock()  # which files there are; never held while an entry is written
        self._wanted = threading.Event()
        self._closed = False
        self.damaged = 0
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._open()
        if background:
            self._wanted.set()
            work = copy_context().run
            threading.Thread(target=work, args=(self._keep_prepared,), name="tocsin-segments", daemon=True).start()

    # --- the contract -------------------------------------------------------------------------------------------------

    def append(self, entries: Sequence[tuple[bytes, bytes]]) -> list[int]:
        """The positions of (meta, body) pairs, all of them durable. Raises OSError when the disk takes no more."""
        positions: list[int] = []
        frames: list[bytes] = []
        head = self._head()
        at = head.end
        for meta, body in entries:
            length = _padded(_FRAME.size + len(meta) + len(body))
            if at + length > head.base + head.size:
                self._write(head, frames, at)
                head = self._roll(length)
                frames, at = [], head.end
            frames.extend(_frame(meta, body, at, length))
            positions.append(at)
            at += length
        self._write(head, frames, at)
        return positions

    def read(self, after: int) -> Iterator[tuple[int, bytes, bytes]]:
        """Entries after a position, oldest first: (position, meta, body). Damaged places are skipped and counted."""
        segments = list(self._segments)
        first = max(bisect_right([segment.base for segment in segments], after) - 1, 0)
        for segment in segments[first:]:
            for position, meta, body in self._scan(segment, max(after, segment.base + HEADER_BYTES)):
                if position > after:
                    yield position, meta, body

    def get(self, position: int) -> tuple[bytes, bytes] | None:
        """One entry, or None when it is not (or no longer) stored."""
        segments = self._segments
        index = bisect_right([segment.base for segment in segments], position) - 1
        if index < 0 or position >= segments[index].end:
            return None
        segment = segments[index]
        try:
            head = os.pread(segment.fd, _FRAME.size, position - segment.base)
            if len(head) < _FRAME.size or (sizes := _sizes(head, 0, position)) is None:
                return None
            payload = os.pread(segment.fd, sum(sizes), position - segment.base + _FRAME.size)
        except OSError:
            return None  # the segment was taken away for its age at this moment
        return _checked(head + payload, 0, position)

    def release(self, upto: int) -> None:
        """Entries up to this position are digested; their segments go once the retention is full."""
        self._released = max(self._released, upto)
        if self._excess() > 0:
            with self._shape:
                while self._excess() > 0 and self._drop_oldest():
                    pass

    # --- what the committer and the operator need beyond it -----------------------------------------------------------

    @property
    def end(self) -> int:
        """The position just after the newest entry."""
        return self._segments[-1].end if self._segments else 0

    def last(self) -> tuple[int, bytes, bytes] | None:
        """The newest entry stored, or None."""
        for segment in reversed(list(self._segments)):
            newest = deque(self._scan(segment, segment.base + HEADER_BYTES), maxlen=1)
            if newest:
                return newest[0]
        return None

    def prepare(self) -> None:
        """Enough spare segments exist for what comes next. Raises OSError when the disk is full."""
        while len(self._spares) < SPARES and not self._closed:
            self._spares.append(self._new_spare(self._segment_bytes, self._spare_path()))

    def _keep_prepared(self) -> None:
        while self._wanted.wait() and not self._closed:
            self._wanted.clear()
            try:
                self.prepare()
            except OSError as error:
                if not self._closed:  # whoever closes a journal may take its directory away
                    _log.error("no journal segment could be prepared: %s", error)

    def close(self) -> None:
        self._closed = True
        self._wanted.set()
        for segment in self._segments:
            os.close(segment.fd)
        self._segments = []

    # --- segments -----------------------------------------------------------------------------------------------------

    def _open(self) -> None:
        for path in sorted(self._directory.iterdir(), key=_by_number):
            name = path.name.removesuffix(_SUFFIX)
            if path.name.startswith("spare-") and path.suffix == _SUFFIX:
                self._take_spare(path)
            elif path.suffix == _SUFFIX and name.isdigit():
                fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
                self._segments.append(_Segment(path, int(name), path.stat().st_size, fd))
        for index, segment in enumerate(self._segments):
            if index + 1 < len(self._segments):
                segment.end = segment.base + segment.size
            else:
                for _ in self._scan(segment, segment.base + HEADER_BYTES, recover=True):
                    pass

    def _take_spare(self, path: Path) -> None:
        if path.stat().st_size == self._segment_bytes:
            self._spares.append(path)
            number = path.name.removesuffix(_SUFFIX).removeprefix("spare-")
            self._spare_numbers = count(int(number) + 1 if number.isdigit() else 0)
        else:
            path.unlink()  # a crash or a full disk stopped its preparation

    def _head(self) -> _Segment:
        if not self._segments or self._damaged_head:
            return self._roll(0)
        return self._segments[-1]

    def _roll(self, length: int) -> _Segment:
        """A new last segment with room for one frame of `length`."""
        base = self._segments[-1].base + self._segments[-1].size if self._segments else 0
        size = max(self._segment_bytes, _padded(length + HEADER_BYTES))
        path = self._directory / f"{base:020d}{_SUFFIX}"
        with self._shape:
            spare = self._spare(size)
        spare.rename(path)
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        self._sync_directory()
        segment = _Segment(path, base, size, fd)
        self._segments.append(segment)
        self._damaged_head = False
        self._wanted.set()
        return segment

    def _spare(self, size: int) -> Path:
        path = self._spare_path()
        if size != self._segment_bytes:
            return self._new_spare(size, path)
        with suppress(IndexError):  # another thread prepares spares; an atomic pop says whether there is one
            return self._spares.pop()
        try:
            return self._new_spare(size, path)
        except OSError:
            # Taking today's alert is worth more than remembering yesterday's.
            if self._drop_oldest() and self._spares:
                return self._spares.pop()
            raise

    def _spare_path(self) -> Path:
        return self._directory / f"spare-{next(self._spare_numbers)}{_SUFFIX}"

    def _new_spare(self, size: int, path: Path) -> Path:
        """A file of zeros that are really on the disk, so that writing over them needs no new block."""
        fd = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        try:
            for offset in range(0, size, len(_ZEROS)):
                _write_all(fd, _ZEROS[: size - offset], offset)
            os.fsync(fd)
        except OSError:
            path.unlink()
            raise
        finally:
            os.close(fd)
        return path

    def _excess(self) -> int:
        digested = sum(each.size for each in self._segments[:-1] if each.base + each.size <= self._released)
        return digested - self._retained_bytes

    def _drop_oldest(self) -> bool:
        """Whether the oldest segment was digested and is gone, or a spare now."""
        if len(self._segments) < 2 or self._segments[1].base > self._released:
            return False
        oldest = self._segments.pop(0)
        if oldest.size == self._segment_bytes and len(self._spares) < SPARES:
            path = self._spare_path()
            oldest.path.rename(path)
            self._spares.append(path)
        else:
            oldest.path.unlink()
        os.close(oldest.fd)
        return True

    def _sync_directory(self) -> None:
        fd = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    # --- frames -------------------------------------------------------------------------------------------------------

    def _write(self, segment: _Segment, frames: list[bytes], end: int) -> None:
        if not frames:
            return
        try:
            self._disk.write(segment.fd, b"".join(frames), segment.end - segment.base)
        except OSError:
            # After a failed fsync nobody knows what the kernel kept; a second one would lie. Go on in another segment.
            self._damaged_head = True
            raise
        segment.end = end

    def _scan(self, segment: _Segment, start: int, *, recover: bool = False) -> Iterator[tuple[int, bytes, bytes]]:
        """Good frames of one segment from `start` on; with `recover`, up to its end, and `segment.end` is found."""
        limit = segment.base + segment.size if recover else segment.end
        try:
            data = os.pread(segment.fd, limit - start, start - segment.base)
        except OSError:
            if segment in self._segments:
                raise
            return  # it was taken away for its age while somebody read on
        at, gap = 0, False
        while at + _FRAME.size <= len(data):
            found = _checked(data, at, start + at)
            if found is None:
                gap = True
                at = _next_frame(data, at + _ALIGN, start)
                continue
            if gap:
                gap = False
                self.damaged += 1
                _log.error("journal %s: a damaged place before position %d was skipped", segment.path.name, start + at)
            position = start + at
            at += _padded(_FRAME.size + len(found[0]) + len(found[1]))
            if recover:
                segment.end = start + at
            yield position, *found


def _by_number(path: Path) -> tuple[int, str]:
    digits = path.name.removesuffix(_SUFFIX).removeprefix("spare-")
    return (int(digits) if digits.isdigit() else -1, path.name)


def _padded(length: int) -> int:
    return (length + _ALIGN - 1) // _ALIGN * _ALIGN


def _frame(meta: bytes, body: bytes, position: int, length: int) -> tuple[bytes, bytes, bytes, bytes]:
    rest = _REST.pack(len(meta), len(body), position)
    crc = zlib.crc32(body, zlib.crc32(meta, zlib.crc32(rest)))
    padding = bytes(length - _FRAME.size - len(meta) - len(body))
    return struct.pack("<II", _MAGIC, crc) + rest, meta, body, padding


def _sizes(data: bytes, at: int, position: int) -> tuple[int, int] | None:
    magic, _, meta, body, place = _FRAME.unpack_from(data, at)
    return (meta, body) if magic == _MAGIC and place == position and meta + body <= ENTRY_BYTES_MAX else None


def _checked(data: bytes, at: int, position: int) -> tuple[bytes, bytes] | None:
    """The meta and body of the frame at `at`, or None when it is not whole and not of this position."""
    sizes = _sizes(data, at, position)
    if sizes is None or at + _FRAME.size + sum(sizes) > len(data):
        return None
    begin = at + _FRAME.size
    middle, end = begin + sizes[0], begin + sizes[0] + sizes[1]
    meta, body = data[begin:middle], data[middle:end]
    crc = zlib.crc32(body, zlib.crc32(meta, zlib.crc32(_REST.pack(*sizes, position))))
    return (meta, body) if crc == struct.unpack_from("<I", data, at + 4)[0] else None


def _next_frame(data: bytes, at: int, start: int) -> int:
    """Where the next frame that belongs at its place may begin; the end of `data` when there is none."""
    while True:
        at = data.find(_MAGIC_BYTES, at)
        if at < 0 or at + _FRAME.size > len(data):
            return len(data)
        if _sizes(data, at, start + at) is not None:
            return at
        at += 1


def _write_all(fd: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(fd, view, offset)
        view, offset = view[written:], offset + written
