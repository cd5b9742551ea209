"""A connection that has its last answer while its client still sends: what comes is read and dropped, for a while.

A socket that is closed with bytes unread is reset, and a reset throws away the answer that the client has not read yet:
whoever sends a body that is too large would see a broken line where a 413 was said.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

from uvicorn.server import ServerState

from tocsin.clock import monotonic

LINGER_BYTES = 256 * 1024 * 1024  # who sends more has been told to stop long ago
LINGER_SECONDS = 30  # as nginx's lingering_time: a slow line gets its answer, an endless one its end


class Lingering(asyncio.Protocol):
    """Nothing more is said on this connection; it ends when the client has, or has sent too much for too long."""

    def __init__(self, transport: Any, state: ServerState) -> None:
        self.transport = transport
        self._connections = cast(set[Any], state.connections)  # uvicorn names its own protocols only
        self._dropped = 0
        self._since = monotonic()
        self._connections.add(self)

    def data_received(self, data: bytes) -> None:
        self._dropped += len(data)
        if self._dropped > LINGER_BYTES:
            self.transport.abort()

    def eof_received(self) -> bool:
        return False  # the transport closes itself

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)

    def check(self, now: float) -> None:
        if now - self._since > LINGER_SECONDS:
            self.transport.abort()

    def shutdown(self) -> None:
        self.transport.abort()

    @property
    def idle_since(self) -> float:
        """Nothing is owed to this connection: it is among the first to make room."""
        return self._since


def linger(transport: Any, state: ServerState) -> None:
    """The answer written last is the last; the client is told so, and what it still sends is dropped."""
    if transport.is_closing():
        return
    transport.set_protocol(Lingering(transport, state))
    transport.write_eof()
    transport.resume_reading()
