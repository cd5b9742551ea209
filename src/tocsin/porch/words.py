"""What the porch and the house say to each other: frames on one socket, four bytes of length and MessagePack.

A connection that is handed over travels beside its frame, as a file descriptor (unix(7), SCM_RIGHTS).
"""

from __future__ import annotations

import array
import socket
import struct
from collections import deque
from collections.abc import Iterator

import msgspec

FRAME_MAX = 96 * 1024 * 1024  # more than everything that may wait on the porch
DESCRIPTORS_MAX = 64  # that can come with one read
READ_BYTES = 1024 * 1024

_LENGTH = struct.Struct("<I")
_INT = array.array("i").itemsize


class Bodies(msgspec.Struct, array_like=True, tag=1, gc=False):
    """The porch: these came together, by whom and when in microseconds; every alert in them is fine.

    `ticket` is what the answer names; they are received before anything is said of them to their senders.
    """

    ticket: int
    sources: list[str]
    received_us: int
    bodies: list[bytes]
    rows: list[bytes]  # of each, as `intake.packed` packs them


class Whose(msgspec.Struct, array_like=True, tag=2, gc=False):
    """The porch: for whom does a request with these headers speak?"""

    number: int
    headers: dict[str, str]


class Handed(msgspec.Struct, array_like=True, tag=3, gc=False):
    """The porch: here is a connection, and what came on it. One descriptor travels with this."""

    data: bytes


class Settled(msgspec.Struct, array_like=True, tag=4, gc=False):
    """The house: the bodies of this ticket are durable, in their order, or `refusal` says why none of them is."""

    ticket: int
    positions: list[int]
    refusal: int = 0


class Theirs(msgspec.Struct, array_like=True, tag=5, gc=False):
    """The house: the name of the source that was asked for; None: the house answers such requests itself."""

    number: int
    source: str | None


class Close(msgspec.Struct, array_like=True, tag=6, gc=False):
    """The house: nobody new is let in, who waits is answered, then the porch ends."""


NO_DISK, NO_ROOM = 1, 2  # refusals

FromPorch = Bodies | Whose | Handed
FromHouse = Settled | Theirs | Close

_encode = msgspec.msgpack.Encoder().encode


def framed(word: FromPorch | FromHouse) -> bytes:
    """As it goes over the socket."""
    body = _encode(word)
    return _LENGTH.pack(len(body)) + body


class Ear:
    """Takes what comes from a socket apart. `descriptors` are those that came and were not taken, in order; `more`: the
    last read may have left something."""

    def __init__(self, line: socket.socket) -> None:
        self._line, self.more = line, True
        self._buffer = bytearray(READ_BYTES)
        self._rest = bytearray()
        self.descriptors = deque[int]()

    def heard(self) -> Iterator[bytes]:
        """The whole frames of one read. Raises EOFError when nobody is there any more, BlockingIOError, OSError."""
        size, beside, flags, _ = self._line.recvmsg_into([self._buffer], socket.CMSG_SPACE(DESCRIPTORS_MAX * _INT))
        for level, kind, data in beside:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                found = array.array("i")
                found.frombytes(data[: len(data) - len(data) % _INT])
                self.descriptors.extend(found)
        if size == 0 or flags & socket.MSG_CTRUNC:
            # A descriptor was lost, for want of a number: the next one would come to another connection's words.
            raise EOFError
        self.more = size == len(self._buffer)
        rest = self._rest
        rest += memoryview(self._buffer)[:size]
        at = 0
        while len(rest) - at >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(rest, at)
            if length > FRAME_MAX:
                raise EOFError  # it speaks another language
            end = at + _LENGTH.size + length
            if len(rest) < end:
                break
            yield bytes(memoryview(rest)[at + _LENGTH.size : end])
            at = end
        if at == len(rest) and len(rest) > READ_BYTES:
            self._rest = bytearray()  # a burst is over: its memory goes back
        else:
            del rest[:at]
