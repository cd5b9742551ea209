"""What the porch knows of one connection, and of one head of a request."""

from __future__ import annotations

import socket

from tocsin.http.heads import Head


class Seen:
    """A head that came before. `source` None: the house answers what it heads. `asked_at` 0: nobody has said so yet."""

    __slots__ = ("asked_at", "asking", "head", "source", "waiting")

    def __init__(self, head: Head) -> None:
        self.head, self.asking, self.asked_at = head, False, 0.0
        self.source: str | None = None
        self.waiting: list[Line] = []


class Line:
    """One connection. `data` came of the request that is read now, or `parts` while `missing` bytes are to come."""

    __slots__ = ("data", "fd", "keep", "missing", "open", "out", "parts", "since", "sock", "unread", "waiting")

    def __init__(self, sock: socket.socket, now: float) -> None:
        self.sock, self.fd, self.open = sock, sock.fileno(), True
        self.data, self.out = b"", b""
        self.parts: list[bytes] = []
        self.missing = 0
        self.waiting = False  # for an answer; nothing more is read before it is given
        self.unread = False  # there may be more to read
        self.keep = True
        self.since = now
