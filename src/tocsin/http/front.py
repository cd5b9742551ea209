"""The listen socket: `POST /api/v2/alerts` is answered here, every other connection is handed to the ASGI server.

What monitors send all day needs no framework: the head of a request is looked up among heads seen before (a client
repeats its own word for word), the body is taken by its length, and the answer is one write. Whatever is not exactly
that (another path, chunked or compressed bodies, `Expect`, an upgrade) goes to uvicorn's protocol with every byte that
came, on the same connection, before anything was answered; the ASGI route gives the same answers.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import httptools
import msgspec
from uvicorn.config import Config
from uvicorn.server import ServerState

from tocsin.clock import Clock, monotonic
from tocsin.http.heads import BODY_MAX, END, FIRST, HEAD_MAX, HEADS_MAX, Head, answer, parsed
from tocsin.http.linger import Lingering, linger
from tocsin.http.slowside import SlowSide
from tocsin.http.sources import Source
from tocsin.intake.outcome import Outcome, refusal

REQUEST_SECONDS = 30  # a request that takes longer to arrive is an attack or a dead line
IDLE_SECONDS = 300  # Prometheus keeps its connections; a silent one costs a file descriptor
SWEEP_SECONDS = 5
BACKLOG = 2048  # connections that wait to be accepted
CONNECTIONS_MAX = 4096  # at once; one more ends the one that has been silent longest


class Asked(msgspec.Struct):
    """A head that was seen before.

    `source` is whom it spoke for when that was asked last, in second `asked` of the loop's clock: a client that sends a
    hundred requests a second is looked up once a second, and a revoked token works no longer than that.
    """

    head: Head
    source: Source | None = None
    asked: int = -1


Authorize = Callable[[Mapping[str, str]], Source | None]
"""The source a request speaks for, or None: then it is answered with 401. Header names are lower case."""


class Door(Protocol):
    """Who takes a body that is authorised (intake.door.AlertsDoor, or one of several)."""

    def post(self, tenant: str, source: str, body: bytes, tell: Callable[[Outcome], None]) -> None: ...


class Front:
    """Who listens. `config` is uvicorn's, with the ASGI app; `authorize` is asked for every request."""

    def __init__(self, door: Door, authorize: Authorize, config: Config, clock: Clock) -> None:
        self.door, self.authorize, self.config = door, authorize, config
        self.connections: set[FrontProtocol] = set()
        self.state = ServerState()
        self.heads: dict[bytes, Asked] = {}
        self.app_state: dict[str, Any] = {}
        self.connections_max = CONNECTIONS_MAX
        self.closing = False
        self._clock = clock
        self._servers: list[asyncio.AbstractServer] = []
        self._sweeper: asyncio.TimerHandle | None = None
        self._date = (0, b"")
        if not config.loaded:
            config.load()

    async def listen(self, host: str, port: int) -> list[tuple[str, int]]:
        """The addresses it listens on; port 0 lets the kernel choose."""
        sockets = listening(host, port)
        await self.listen_on(sockets)
        return [(name[0], name[1]) for name in (each.getsockname() for each in sockets)]

    async def listen_on(self, sockets: Sequence[socket.socket]) -> None:
        """Who connects to these is heard here."""
        loop = asyncio.get_running_loop()
        for each in sockets:
            server = await loop.create_server(lambda: FrontProtocol(self, loop), sock=each, backlog=BACKLOG)
            self._servers.append(server)
        self.look_after(loop)

    def look_after(self, loop: asyncio.AbstractEventLoop) -> None:
        """From now on silent connections end."""
        if self._sweeper is None:
            self._sweeper = loop.call_later(SWEEP_SECONDS, self._sweep, loop)

    async def take(self, line: socket.socket, data: bytes) -> None:
        """This connection is ours, and `data` the first that came on it. One that has ended meanwhile is nothing."""
        loop = asyncio.get_running_loop()
        line.setblocking(False)
        try:
            await loop.connect_accepted_socket(lambda: FrontProtocol(self, loop, data), line)
        except OSError:
            line.close()

    async def close(self, seconds: float) -> None:
        """Nobody new is taken, whoever waits is answered, and after `seconds` the rest is cut off."""
        self.closing = True
        for server in self._servers:
            server.close()
        if self._sweeper is not None:
            self._sweeper.cancel()
        for connection in list(self.connections):
            connection.shutdown()
        for slow in list(self.state.connections):
            slow.shutdown()
        end = monotonic() + seconds
        while (self.connections or self.state.connections) and monotonic() < end:
            await asyncio.sleep(0.02)
        for task in list(self.state.tasks):
            task.cancel()
        for connection in list(self.connections):
            connection.cut()
        for slow in list(self.state.connections):
            slow.transport.abort()

    def head_of(self, raw: bytes) -> Asked:
        """The head, parsed once per spelling. Raises httptools.HttpParserError."""
        found = self.heads.get(raw)
        if found is None:
            found = Asked(parsed(raw))
            if len(self.heads) >= HEADS_MAX:
                self.heads.clear()
            self.heads[raw] = found
        return found

    def date(self) -> bytes:
        """The Date header, made once per second."""
        now = self._clock.now()
        second = int(now.timestamp())
        if second != self._date[0]:
            self._date = (second, now.strftime("Date: %a, %d %b %Y %H:%M:%S GMT\r\n").encode())
        return self._date[1]

    def make_room(self) -> None:
        """One more has come: beyond the bound, whoever has been silent longest goes, so that an alert gets in."""
        if len(self.connections) + len(self.state.connections) <= self.connections_max:
            return
        silent = [(each.idle_since, each.cut) for each in self.connections if each.idle_since is not None]
        for slow in self.state.connections:
            if isinstance(slow, SlowSide | Lingering) and slow.idle_since is not None:
                silent.append((slow.idle_since, slow.transport.abort))
        if silent:
            min(silent, key=lambda each: each[0])[1]()

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        now = monotonic()
        for connection in list(self.connections):
            connection.check(now)
        for slow in list(self.state.connections):
            if isinstance(slow, SlowSide | Lingering):
                slow.check(now)
        self._sweeper = loop.call_later(SWEEP_SECONDS, self._sweep, loop)


def listening(host: str, port: int) -> list[socket.socket]:
    """Sockets that listen at every address of the host. Raises OSError."""
    found = []
    flags = socket.AI_PASSIVE
    for family, _, _, _, address in dict.fromkeys(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)):
        try:
            found.append(socket.create_server(address[:2], family=family, backlog=BACKLOG))
        except OSError:
            for each in found:
                each.close()
            raise
    return found


class FrontProtocol(asyncio.Protocol):
    """One connection, until it asks for something else."""

    def __init__(self, front: Front, loop: asyncio.AbstractEventLoop, first: bytes = b"") -> None:
        """`first`: what came before it had the connection."""
        self._front, self._loop, self._first = front, loop, first
        self._transport: Any = None
        self._buffer = b""
        self._parts: list[bytes] = []  # a body that comes in pieces
        self._missing = 0
        self._asked: Asked | None = None  # the head of the request that is being read or answered
        self._waiting = False  # for the answer of a request; the next one is not looked at before
        self._paused = False
        self._since = monotonic()

    # --- asyncio ------------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._front.connections.add(self)
        self._front.make_room()
        if self._first:
            first, self._first = self._first, b""
            self.data_received(first)

    def connection_lost(self, exc: Exception | None) -> None:
        self._front.connections.discard(self)
        self._transport = None

    def data_received(self, data: bytes) -> None:
        if self._asked is not None and not self._waiting:
            self._more_body(data)
            return
        if not self._buffer and not self._waiting:
            self._since = monotonic()
        self._buffer = self._buffer + data if self._buffer else data
        if self._waiting:
            if len(self._buffer) > BODY_MAX and not self._paused:
                self._paused = True
                self._transport.pause_reading()
            return
        self._look()

    def eof_received(self) -> bool:
        return self._waiting  # a client that has said everything may still hear the answer

    # --- a request ----------------------------------------------------------------------------------------------------

    def _look(self) -> None:
        """The next request in the buffer is begun, answered or handed over."""
        while self._buffer and not self._waiting and self._asked is None and self._transport is not None:
            data = self._buffer
            if not data.startswith(FIRST):
                if len(data) < len(FIRST) and FIRST.startswith(data):
                    return
                self._hand_over()
                return
            end = data.find(END, 0, HEAD_MAX)
            if end < 0:
                if len(data) >= HEAD_MAX:
                    self._refuse(431, "request header fields too large")
                return
            try:
                asked = self._front.head_of(data[: end + 4])
            except httptools.HttpParserError:
                self._refuse(400, "bad request: expected HTTP/1.1")
                return
            head = asked.head
            if not head.fast:
                self._hand_over()
                return
            if head.length > BODY_MAX:
                self._refuse(413, f"body: expected at most {BODY_MAX} bytes, got {head.length}")
                return
            self._asked = asked
            body = data[end + 4 : end + 4 + head.length]
            self._buffer = data[end + 4 + head.length :]
            if len(body) < head.length:
                self._parts, self._missing = [body], head.length - len(body)
                return
            self._post(body)

    def _more_body(self, data: bytes) -> None:
        if len(data) < self._missing:
            self._parts.append(data)
            self._missing -= len(data)
            return
        self._parts.append(data[: self._missing])
        self._buffer = data[self._missing :]
        body, self._parts, self._missing = b"".join(self._parts), [], 0
        self._post(body)
        self._look()

    def _post(self, body: bytes) -> None:
        asked = self._asked
        assert asked is not None
        self._waiting = True
        second = int(self._loop.time())
        if asked.asked != second:
            asked.source, asked.asked = self._front.authorize(asked.head.headers), second
        source = asked.source
        if source is None:
            self._tell(refusal(401, "expected the bearer token of a source"))
            return
        self._front.door.post(source.tenant, source.name, body, self._tell)

    def _tell(self, outcome: Outcome) -> None:
        asked, self._asked, self._waiting = self._asked, None, False
        if self._transport is None or asked is None:
            return
        keep = asked.head.keep_alive and not self._front.closing
        self._transport.write(answer(outcome, self._front.date(), keep))
        if not keep:
            self._transport.close()
            return
        self._since = monotonic()
        if self._paused:
            self._paused = False
            self._transport.resume_reading()
        if self._buffer:
            self._loop.call_soon(self._look)

    def _refuse(self, status: int, why: str) -> None:
        """The connection ends with this answer: what follows cannot be told apart from the request."""
        front, transport = self._front, self._transport
        transport.write(answer(refusal(status, why), front.date(), False))
        front.connections.discard(self)
        linger(transport, front.state)
        self._transport, self._buffer = None, b""

    def _hand_over(self) -> None:
        """The ASGI server goes on with this connection, from the first byte of the request."""
        front, transport, data = self._front, self._transport, self._buffer
        front.connections.discard(self)
        protocol = SlowSide(front.config, front.state, front.app_state, self._loop)
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        if front.closing:
            protocol.shutdown()
        protocol.data_received(data)
        self._transport, self._buffer = None, b""

    # --- the end ------------------------------------------------------------------------------------------------------

    def check(self, now: float) -> None:
        """A request that does not come to its end, and a connection that nobody uses, are closed."""
        if self._waiting or self._transport is None:
            return
        begun = bool(self._buffer) or self._asked is not None
        if begun and now - self._since > REQUEST_SECONDS:
            self._refuse(408, f"expected a whole request within {REQUEST_SECONDS} seconds")
        elif not begun and now - self._since > IDLE_SECONDS:
            self._transport.close()

    @property
    def idle_since(self) -> float | None:
        """Since when nothing is owed to this connection; None while something is."""
        return None if self._waiting else self._since

    def shutdown(self) -> None:
        """No further request is taken; one that waits for its answer gets it."""
        if not self._waiting and self._transport is not None:
            self._transport.close()

    def cut(self) -> None:
        if self._transport is not None:
            self._transport.abort()
