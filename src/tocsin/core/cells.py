"""How the alert table is stored: blocks of neighbouring slots, a column after the other, and their texts in blobs.

A row per alert costs a store ten times what the alert costs the table. The bytes are little-endian on every machine.
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Mapping, Sequence

BLOCK = 64  # slots whose cells are one blob: with 47 bytes each it fits a page of the store
TEXTS = 16  # slots whose bodies are one blob, of 8 KB or so
SHAPE = ("Q", "q", "q", "q", "I", "I", "I", "H", "B")  # fingerprint, start, end, updated, count, incident, verdict,
# source, flags; incident, verdict and source are numbers of words
FREE = 8  # the flag of a slot that nobody has

_SIZES = tuple(array(code).itemsize for code in SHAPE)
_FLAGS = BLOCK * sum(_SIZES[:-1])  # where the flags begin; they are the last column
_LENGTHS = struct.Struct(f"<{TEXTS}I")
BLANK = bytes(_FLAGS) + bytes([FREE]) * BLOCK


def packed(columns: Sequence[array[int]], first: int) -> bytes:
    """The cells of the block that begins at slot `first`. `columns` have the order of `SHAPE`."""
    cells = [column[first : first + BLOCK] for column in columns]
    if sys.byteorder == "big":
        for column in cells:
            column.byteswap()
    return b"".join(cells)


def unpacked(cells: bytes) -> list[array[int]]:
    """The columns of one block. Raises ValueError when these bytes are no block."""
    if len(cells) != len(BLANK):
        raise ValueError(f"cells: expected {len(BLANK)} bytes, got {len(cells)}")
    found, at = [], 0
    for code, size in zip(SHAPE, _SIZES, strict=True):
        column = array(code, cells[at : at + size * BLOCK])
        if sys.byteorder == "big":
            column.byteswap()
        found.append(column)
        at += size * BLOCK
    return found


def overlaid(stored: bytes, cells: bytes, places: Sequence[int]) -> bytes:
    """The stored block with the cells at these places (0 to `BLOCK` - 1) taken from the other one."""
    result, at = bytearray(stored), 0
    for size in _SIZES:
        for place in places:
            here = slice(at + place * size, at + (place + 1) * size)
            result[here] = cells[here]
        at += size * BLOCK
    return bytes(result)


def joined(texts: Sequence[bytes]) -> bytes:
    """`TEXTS` bodies in one blob; an empty one is none."""
    return _LENGTHS.pack(*map(len, texts)) + b"".join(texts)


def split(blob: bytes) -> list[bytes]:
    """The bodies of a blob, in their order."""
    found, at = [], _LENGTHS.size
    for length in _LENGTHS.unpack_from(blob):
        found.append(blob[at : at + length])
        at += length
    return found


def with_texts(blob: bytes | None, texts: Mapping[int, bytes]) -> bytes:
    """The blob with these bodies at their places (0 to `TEXTS` - 1)."""
    if len(texts) == TEXTS:
        return joined([texts[place] for place in range(TEXTS)])
    bodies = split(blob) if blob else [b""] * TEXTS
    for place, body in texts.items():
        bodies[place] = body
    return joined(bodies)
