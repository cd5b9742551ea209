"""The house's side of the porch: starts it, takes what it hands in, and looks after it.

What it hands in goes through the door like what came in here; connections that it does not want go to `http.front`. A
porch that ends is started again: what it had handed in is stored, whoever waited loses the line and sends again. One
that does not stay is given up, and the house reads the sockets itself.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import msgspec

from tocsin.clock import monotonic
from tocsin.http.front import Front
from tocsin.intake.committer import Accepted
from tocsin.intake.door import AlertsDoor
from tocsin.porch.words import (
    NO_DISK,
    NO_ROOM,
    Bodies,
    Close,
    Ear,
    FromHouse,
    FromPorch,
    Handed,
    Settled,
    Theirs,
    Whose,
    framed,
)

HALL_BYTES = 4 * 1024 * 1024  # what may be under way on the socket; the system may allow less
SAY_SECONDS = 5.0
ENDING_SECONDS = 1.0  # between its last word and its end
SOON_SECONDS = 10.0  # ending within so long of its start counts against it
ENDS_MAX = 3  # in a row

log = logging.getLogger(__name__)

Whom = Callable[[Mapping[str, str]], str | None]
"""The name of the source that a request with these headers speaks for, where the porch may take it; else None."""


class Porch(NamedTuple):
    """One that runs, or has ended. `hall` leads to it."""

    hall: socket.socket
    process: subprocess.Popen[bytes]
    started_at: float


class Keeper:
    """`whom` is asked on the event loop, which runs when this is made. `start` once the door is open."""

    def __init__(
        self, front: Front, door: AlertsDoor, whom: Whom, tenant: str, *, say_seconds: float = SAY_SECONDS
    ) -> None:
        """`say_seconds`: a porch that takes nothing for so long hangs, and is ended."""
        self._front, self._door, self._whom, self._tenant = front, door, whom, tenant
        self._say_seconds = say_seconds
        self._listeners: list[socket.socket] = []
        self._loop = asyncio.get_running_loop()
        self._words = msgspec.msgpack.Decoder(FromPorch)
        self._saying = threading.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._ends, self._stopping = 0, False
        self.porch: Porch | None = None  # None: the house reads the sockets itself

    def start(self, listeners: Sequence[socket.socket]) -> None:
        """Who connects to these is heard."""
        self._listeners = list(listeners)
        self._front.look_after(self._loop)
        self._begin()

    def _begin(self) -> None:
        try:
            self._start_one()
        except OSError as error:
            log.error("the porch does not start: %s", error)
            self._do_without()

    def _start_one(self) -> None:
        ours, theirs = socket.socketpair()
        for each in (ours, theirs):
            each.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, HALL_BYTES)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _timeval(self._say_seconds))
        doors = [each.fileno() for each in self._listeners]
        said = [theirs.fileno(), self._front.connections_max, *doors]
        command = [sys.executable, "-P", "-m", "tocsin.porch", *map(str, said)]
        with theirs:
            process = subprocess.Popen(command, pass_fds=[theirs.fileno(), *doors], stdin=subprocess.DEVNULL)
        self.porch = Porch(ours, process, monotonic())
        threading.Thread(target=self._listen, args=(self.porch,), name="tocsin-porch", daemon=True).start()

    async def stop(self, seconds: float) -> None:
        """Nobody new is let in, whoever waits is answered, and after `seconds` the rest is cut off."""
        self._stopping = True
        if self.porch is not None:
            _say(self.porch, Close(), self._saying)
            await asyncio.to_thread(_end, self.porch.process, seconds)
        for each in self._listeners:
            each.close()

    # --- what it says -------------------------------------------------------------------------------------------------

    def _listen(self, porch: Porch) -> None:
        ear = Ear(porch.hall)
        try:
            while True:
                for frame in ear.heard():
                    self._heard(porch, self._words.decode(frame), ear)
        except (EOFError, OSError):
            pass  # it is gone
        finally:  # whatever else went wrong: who hands in to nobody would wait for ever
            _end(porch.process, ENDING_SECONDS)
            porch.hall.close()
            for each in ear.descriptors:
                socket.close(each)
            if not self._stopping:
                self._loop.call_soon_threadsafe(self._ended, porch)

    def _heard(self, porch: Porch, word: FromPorch, ear: Ear) -> None:
        match word:
            case Bodies():
                posts = zip(word.sources, word.bodies, word.rows, strict=True)
                told = partial(self._settled, porch, word.ticket)
                if not self._door.post_together(self._tenant, word.received_us, posts, told):
                    _say(porch, Settled(word.ticket, [], NO_ROOM), self._saying)
            case Handed():
                line = socket.socket(fileno=ear.descriptors.popleft())
                self._loop.call_soon_threadsafe(self._keep, self._front.take(line, word.data))
            case Whose():
                self._loop.call_soon_threadsafe(self._name, porch, word)

    def _settled(self, porch: Porch, ticket: int, entries: list[Accepted]) -> None:
        full = entries[0].error is not None
        positions = [] if full else [each.position for each in entries]
        _say(porch, Settled(ticket, positions, NO_DISK if full else 0), self._saying)

    def _name(self, porch: Porch, word: Whose) -> None:
        _say(porch, Theirs(word.number, self._whom(word.headers)), self._saying)

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --- when it ends -------------------------------------------------------------------------------------------------

    def _ended(self, porch: Porch) -> None:
        if self._stopping:
            return
        self._ends = self._ends + 1 if monotonic() - porch.started_at < SOON_SECONDS else 1
        log.error("the porch ended with %s", porch.process.returncode)
        if self._ends < ENDS_MAX:
            self._begin()
        else:
            self._do_without()

    def _do_without(self) -> None:
        log.error("there is no porch: the server reads its sockets itself from now on")
        self.porch = None
        self._keep(self._front.listen_on(self._listeners))


def _timeval(seconds: float) -> bytes:
    """As setsockopt(2) takes it."""
    return struct.pack("ll", int(seconds), int(seconds % 1 * 1_000_000))


def _say(porch: Porch, word: FromHouse, turn: threading.Lock) -> None:
    """It hears this. One that is gone or hangs is ended, and started again by who listens to it."""
    said = framed(word)
    try:
        with turn:
            porch.hall.sendall(said)
    except OSError:
        porch.process.kill()


def _end(process: subprocess.Popen[bytes], seconds: float) -> None:
    """It has ended, within `seconds` by itself."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
