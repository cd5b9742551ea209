"""Following files as they grow: rotation, truncation and restarts lose no line and read none twice.

A file is known by device and inode. One that was renamed is read to its end, through the descriptor that is still
open or, after a restart, under its new name in the same directory. One that became shorter, or begins with other bytes
than before (copied and truncated), is read from its start. Memory and work of one look are bounded.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import msgspec

from tocsin.detect.lines import Line, read_line

FILES_MAX = 200  # of one log, in the order of their names
READ_BYTES = 1024 * 1024  # of one file in one look
LOOK_BYTES = 4 * READ_BYTES  # of all files of a log
LINE_BYTES_MAX = 64 * 1024  # a longer line is read in pieces
HEAD_BYTES = 256  # by which a file is known again after it was truncated
BACKLOG_BYTES = 256 * 1024 * 1024  # what was written while nobody looked; of more, only the newest is read
COMPRESSED = (".gz", ".xz", ".bz2", ".zst")
SIBLINGS_MAX = 2_000  # files of a directory that are looked at for one that was renamed

Split = Callable[[bytes], tuple[list[Line], int]]
"""The lines in a piece of a file, and how many bytes of it they are; the rest is not complete."""


class Place(msgspec.Struct, kw_only=True):
    """How far a file was read."""

    path: str
    device: int
    inode: int
    offset: int
    head: str = ""  # digest of its first bytes, `head_bytes` of them
    head_bytes: int = 0


class Piece(msgspec.Struct, frozen=True):
    """Lines of one file, in order."""

    path: str
    lines: list[Line]


def split_lines(data: bytes) -> tuple[list[Line], int]:
    """Whole lines, and a line that is too long as it is."""
    end = data.rfind(b"\n") + 1
    if not end and len(data) >= LINE_BYTES_MAX:
        end = len(data)
    if not end:
        return [], 0
    lines = data[:end].decode("utf-8", "replace").split("\n")
    if not lines[-1]:
        lines.pop()
    return [read_line(line.rstrip("\r")) for line in lines], end


class Follower:
    """`places` None: nothing was followed yet, so what the files hold already is history and is left alone."""

    def __init__(self, patterns: Sequence[str], places: Sequence[Place] | None, split: Split = split_lines) -> None:
        self._patterns = patterns
        self._split = split
        self._places = {each.path: each for each in places or ()}
        self._fresh = places is None
        self._open: dict[str, int] = {}
        self._turn = 0
        self.skipped_bytes = 0  # of backlogs that were too long
        self.problems: dict[str, str] = {}  # path -> why it cannot be read

    @property
    def places(self) -> list[Place]:
        return list(self._places.values())

    @property
    def files(self) -> int:
        """How many files are followed now."""
        return len(self._open)

    def read(self) -> tuple[list[Piece], bool]:
        """What was written since the last look, and whether there is more at once."""
        pieces: list[Piece] = []
        more = False
        self.problems = {}
        paths = self._named()
        self._turn += 1
        begin = self._turn % max(1, len(paths))  # another file first each time, so that a loud one does not hide others
        budget = LOOK_BYTES
        for path in [*paths[begin:], *paths[:begin]]:
            if budget <= 0:
                more = True
                break
            try:
                for piece, rest in self._look(path):
                    more = more or rest
                    if piece.lines:
                        pieces.append(piece)
                        budget -= sum(len(line.text) for line in piece.lines)
            except OSError as error:
                self._drop(path)
                self.problems[path] = error.strerror or str(error)
        for path in [each for each in self._places if each not in paths]:
            pieces += self._gone(path)
        self._fresh = False
        return pieces, more

    def close(self) -> None:
        for path in list(self._open):
            self._drop(path)

    def _named(self) -> list[str]:
        """The files to read, each once whatever it is called; what is known of one that was renamed goes with it."""
        files: dict[tuple[int, int], str] = {}
        for path in found(self._patterns):
            try:
                now = Path(path).stat()
            except OSError as error:
                self.problems[path] = error.strerror or str(error)
                continue
            known = self._places.get(path)
            if known is not None and (known.device, known.inode) == (now.st_dev, now.st_ino):
                files[now.st_dev, now.st_ino] = path  # of two names for one file, the one that it was read under
            else:
                files.setdefault((now.st_dev, now.st_ino), path)
        moved = {
            path: place
            for place in self._places.values()
            if (path := files.get((place.device, place.inode), place.path)) != place.path
        }
        descriptors = {path: self._open.pop(place.path, None) for path, place in moved.items()}
        for place in moved.values():
            del self._places[place.path]
        for path, place in moved.items():
            self._drop(path)
            place.path = path
            self._places[path] = place
            descriptor = descriptors[path]
            if descriptor is not None:
                self._open[path] = descriptor
        return sorted(files.values())

    def _look(self, path: str) -> Iterator[tuple[Piece, bool]]:
        now = Path(path).stat()
        place = self._places.get(path)
        if place is not None and (place.device, place.inode) != (now.st_dev, now.st_ino):
            rest, more = self._finished(place)
            yield Piece(path, rest), more
            if more:
                return  # the old file first, to its end
            self._drop(path)
            place = None
        if path not in self._open:
            self._open[path] = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        descriptor = self._open[path]
        size = os.fstat(descriptor).st_size
        if place is None:
            place = self._places[path] = Place(
                path=path, device=now.st_dev, inode=now.st_ino, offset=size if self._fresh else 0
            )
        elif size < place.offset or not _same_head(descriptor, place):
            place.offset, place.head, place.head_bytes = 0, "", 0
        if size - place.offset > BACKLOG_BYTES:
            self.skipped_bytes += size - BACKLOG_BYTES - place.offset
            place.offset = size - BACKLOG_BYTES
        yield self._next(descriptor, place)

    def _next(self, descriptor: int, place: Place) -> tuple[Piece, bool]:
        data = os.pread(descriptor, READ_BYTES, place.offset)
        lines, taken = self._split(data)
        place.offset += taken
        if place.head_bytes < HEAD_BYTES:
            place.head_bytes = min(HEAD_BYTES, place.offset)
            place.head = _head(descriptor, place.head_bytes)
        return Piece(place.path, lines), len(data) == READ_BYTES and taken > 0

    def _finished(self, place: Place) -> tuple[list[Line], bool]:
        """The rest of a file that has another name by now, and whether there is more."""
        descriptor = self._open.get(place.path)
        if descriptor is None:
            sibling = _renamed(place)
            if sibling is None:
                return [], False
            descriptor = self._open[place.path] = os.open(sibling, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        if os.fstat(descriptor).st_size < place.offset:
            return [], False
        piece, more = self._next(descriptor, place)
        if not more:
            last = os.pread(descriptor, LINE_BYTES_MAX, place.offset)
            if last:  # nobody will write the end of this line any more
                piece.lines.extend(self._split(last + b"\n")[0])
        return piece.lines, more

    def _gone(self, path: str) -> Iterator[Piece]:
        """The rest of a file whose name is gone; one that comes back under that name is read from its start."""
        lines, more = self._finished(self._places[path])
        if lines:
            yield Piece(path, lines)
        if not more:
            self._drop(path)
            del self._places[path]

    def _drop(self, path: str) -> None:
        descriptor = self._open.pop(path, None)
        if descriptor is not None:
            os.close(descriptor)


def found(patterns: Sequence[str]) -> list[str]:
    """The regular files that the patterns name, without the compressed ones."""
    names = {
        name
        for pattern in patterns
        for path in islice(_globbed(Path(pattern)), SIBLINGS_MAX)
        if path.suffix not in COMPRESSED and path.is_file() and (name := str(path))
    }
    return sorted(names)[:FILES_MAX]


def _globbed(pattern: Path) -> Iterator[Path]:
    root = Path(pattern.anchor)
    return root.glob(str(pattern.relative_to(root)))


def tail(path: str, most: int, split: Split = split_lines) -> list[Line]:
    """The last lines of a file, of its last `most` bytes; the first of them may have been cut and is left out."""
    with Path(path).open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - most))
        lines, _ = split(file.read(most))
    return lines[1:] if size > most else lines


def _head(descriptor: int, count: int) -> str:
    return hashlib.blake2b(os.pread(descriptor, count, 0), digest_size=8).hexdigest()


def _same_head(descriptor: int, place: Place) -> bool:
    return not place.head_bytes or _head(descriptor, place.head_bytes) == place.head


def _renamed(place: Place) -> Path | None:
    """Where the file lies now, if it is still in its directory."""
    with os.scandir(Path(place.path).parent) as entries:
        for entry in islice(entries, SIBLINGS_MAX):
            if entry.inode() == place.inode and entry.is_file():
                found = entry.stat()
                if (found.st_dev, found.st_ino) == (place.device, place.inode):
                    return Path(entry.path)
    return None
