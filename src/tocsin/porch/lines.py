"""The porch: reads what monitors post all day, so that the house's interpreter need not.

One process, one thread, one loop over sockets. A request that is exactly what Prometheus sends (the head of one seen
before or like it, a body by its length, every alert in it fine) is read and checked here; what came together goes to
the house together, and each sender is answered when the house says that its body is durable. Nothing is kept here, and
whatever is not exactly that goes to the house with its connection and every byte that came: there is one behaviour.
"""

from __future__ import annotations

import select
import socket
import sys
from collections import deque
from typing import Any

import httptools
import msgspec

from tocsin.clock import Clock, monotonic
from tocsin.http.heads import END, FIRST, HEAD_MAX, HEADS_MAX, Head, answer, fine_answers, parsed
from tocsin.intake.outcome import BUSY, FULL, Outcome
from tocsin.intake.packed import Packer
from tocsin.intake.times import microseconds
from tocsin.porch.line import Line, Seen
from tocsin.porch.words import NO_DISK, Bodies, Close, Ear, FromHouse, Handed, Settled, Theirs, Whose, framed

READ_BYTES = 96 * 1024  # of one connection at once; less than what the allocator maps anew each time
BODY_MAX = 1024 * 1024  # a longer body is read by the house
GATHERED_BYTES_MAX = 32 * 1024 * 1024  # that wait to be handed in; more is the house's, which says when it is too much
IDLE_SECONDS = 300  # as http.front.IDLE_SECONDS
DALLY_SECONDS = 5  # in the middle of a request; then the house waits for the rest, and says 408 in the end
STALLED_SECONDS = 60  # an answer that nobody reads
SWEEP_SECONDS = 5
TICKETS_MAX = 1  # under way to the house: what comes meanwhile gathers, and one write to the disk serves it all
FRESH_SECONDS = 1  # whom a head speaks for is asked again after this, in the meantime
STALE_SECONDS = 2  # and after this nobody is let in before the house has said so
ACCEPTED_AT_ONCE = 64
EVENTS_MAX = 256

_READ = select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR
_EDGES = select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET


class Porch:
    """`hall` leads to the house. `lines_max`: one more connection ends the one that has been silent longest."""

    def __init__(
        self, hall: socket.socket, listeners: list[socket.socket], clock: Clock, packer: Packer, lines_max: int
    ) -> None:
        self._hall, self._clock, self._packer, self._lines_max = hall, clock, packer, lines_max
        self._ear, self._words = Ear(hall), msgspec.msgpack.Decoder(FromHouse)
        self._listeners = {each.fileno(): each for each in listeners}
        self._poll = select.epoll()
        self._lines: dict[int, Line] = {}
        self._heads: dict[bytes, Seen] = {}
        self._asked: dict[int, Seen] = {}
        self._out = deque[tuple[bytes, socket.socket | None]]()
        self._tickets: dict[int, list[Line]] = {}
        self._came: list[Line] = []  # with what they say, in this turn of the loop
        self._sources: list[str] = []
        self._bodies: list[bytes] = []
        self._rows: list[bytes] = []
        self._number, self._size = 0, 0
        self._now, self._date = monotonic(), (0, b"")
        self._swept_at, self._closing = self._now, False
        hall.setblocking(False)
        self._poll.register(hall, _EDGES)
        for fd, each in self._listeners.items():
            each.setblocking(False)
            self._poll.register(fd, select.EPOLLIN)

    def run(self) -> None:
        """Until the house is gone, or has said that it closes and everybody is answered."""
        try:
            self._look_after_everybody()
        finally:
            for line in self._lines.values():
                line.sock.close()
            for _, sock in self._out:
                if sock is not None:
                    sock.close()
            self._poll.close()

    def _look_after_everybody(self) -> None:
        hall = self._hall.fileno()
        while not self._closing or self._tickets or self._out:
            events = self._poll.poll(SWEEP_SECONDS, EVENTS_MAX)
            self._now = monotonic()
            for fd, event in events:
                line = self._lines.get(fd)
                if line is not None:
                    self._ready(line, event)
                elif fd == hall:
                    if not self._hear():
                        return
                    self._speak()
                elif fd in self._listeners:
                    self._accept(self._listeners[fd])
            if self._came and len(self._tickets) < TICKETS_MAX:
                self._hand_in()
            if self._now - self._swept_at >= SWEEP_SECONDS:
                self._swept_at = self._now
                self._sweep()

    # --- connections --------------------------------------------------------------------------------------------------

    def _accept(self, listener: socket.socket) -> None:
        for _ in range(ACCEPTED_AT_ONCE):
            try:
                sock, _ = listener.accept()
            except BlockingIOError:
                return
            except OSError:  # no descriptor is left, or the client has gone already
                self._make_room(len(self._lines) - 1)
                return
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._make_room(self._lines_max - 1)
            line = self._lines[sock.fileno()] = Line(sock, self._now)
            self._poll.register(line.fd, _EDGES)

    def _make_room(self, count: int) -> None:
        """At most so many lines are there, as long as somebody is silent."""
        if len(self._lines) > count:
            silent = [each for each in self._lines.values() if not each.waiting]
            if silent:
                self._drop(min(silent, key=lambda each: each.since))

    def _drop(self, line: Line) -> None:
        if line.open:
            line.open = False
            del self._lines[line.fd]
            line.sock.close()

    def _hand_over(self, line: Line, data: bytes) -> None:
        """The house goes on with this connection, from the first byte of the request."""
        line.open = False
        del self._lines[line.fd]
        self._poll.unregister(line.fd)
        self._say(Handed(data), line.sock)

    def _sweep(self) -> None:
        for line in list(self._lines.values()):
            silent = self._now - line.since
            begun = line.data or line.parts
            if line.waiting:
                if line.out and silent > STALLED_SECONDS:
                    self._drop(line)
            elif begun and silent > DALLY_SECONDS:
                self._hand_over(line, b"".join(line.parts) or line.data)
            elif silent > IDLE_SECONDS:
                self._drop(line)

    # --- what comes in ------------------------------------------------------------------------------------------------

    def _ready(self, line: Line, event: int) -> None:
        if line.out and event & select.EPOLLOUT:
            self._write(line, line.out)
        if event & _READ:
            if line.waiting:
                line.unread = True
            else:
                self._read(line)

    def _read(self, line: Line) -> None:
        line.unread = False
        while line.open and not line.waiting:
            try:
                data = line.sock.recv(READ_BYTES)
            except BlockingIOError:
                return
            except OSError:
                self._drop(line)
                return
            if not data:
                self._drop(line)  # in the middle of a request, or between two
                return
            more = len(data) == READ_BYTES
            if line.missing > len(data):
                line.parts.append(data)
                line.missing -= len(data)
            else:
                if line.parts:
                    line.parts.append(data)
                    data, line.parts, line.missing = b"".join(line.parts), [], 0
                elif line.data:
                    data = line.data + data
                else:
                    line.since = self._now
                self._look(line, data)
            if not more:
                return
        line.unread = True

    def _look(self, line: Line, data: bytes) -> None:
        """The request that `data` begins with is posted, waited for, or handed over."""
        line.data = data
        if not data.startswith(FIRST):
            if not FIRST.startswith(data):
                self._hand_over(line, data)
            return
        end = data.find(END, 0, HEAD_MAX)
        if end < 0:
            if len(data) >= HEAD_MAX:
                self._hand_over(line, data)
            return
        seen = self._seen(data[: end + 4])
        if seen is None or seen.head.length > BODY_MAX:
            self._hand_over(line, data)
            return
        if len(data) < (total := end + 4 + seen.head.length):
            line.data, line.parts, line.missing = b"", [data], total - len(data)
        elif self._now - seen.asked_at >= FRESH_SECONDS and not self._may(line, seen):
            return
        elif seen.source is None:
            self._hand_over(line, data)
        else:
            self._post(line, seen.head, seen.source, data, end + 4, total)

    def _seen(self, raw: bytes) -> Seen | None:
        """What is known of this head; None for one that the house answers."""
        seen = self._heads.get(raw)
        if seen is None:
            try:
                head = parsed(raw)
            except httptools.HttpParserError:
                return None
            if not head.fast:
                return None
            if len(self._heads) >= HEADS_MAX:
                self._heads.clear()
            seen = self._heads[raw] = Seen(head)
        return seen

    def _may(self, line: Line, seen: Seen) -> bool:
        """Whether what was said of the head last still counts; the house is asked again. If not, the line waits."""
        if not seen.asking:
            seen.asking = True
            self._number += 1
            self._asked[self._number] = seen
            self._say(Whose(self._number, dict(seen.head.headers)))
        if self._now - seen.asked_at < STALE_SECONDS:
            return True
        line.waiting = True
        seen.waiting.append(line)
        return False

    def _post(self, line: Line, head: Head, source: str, data: bytes, begin: int, end: int) -> None:
        body = data[begin:end]
        rows = self._packer.pack(body) if self._size + len(body) <= GATHERED_BYTES_MAX else None
        if rows is None:
            self._hand_over(line, data)
            return
        line.data, line.waiting, line.keep = data[end:], True, head.keep_alive
        self._size += len(body)
        self._came.append(line)
        self._sources.append(source)
        self._bodies.append(body)
        self._rows.append(rows)

    # --- the house ----------------------------------------------------------------------------------------------------

    def _hand_in(self) -> None:
        """What came in this turn goes to the house."""
        self._number += 1
        self._tickets[self._number] = self._came
        received_us = microseconds(self._clock.now())  # not before: nobody's alert may begin after it was received
        self._say(Bodies(self._number, self._sources, received_us, self._bodies, self._rows))
        self._came, self._sources, self._bodies, self._rows, self._size = [], [], [], [], 0

    def _say(self, word: Bodies | Whose | Handed, line: socket.socket | None = None) -> None:
        self._out.append((framed(word), line))
        if len(self._out) == 1:
            self._speak()

    def _speak(self) -> None:
        """As much is said as the house takes now."""
        while self._out:
            data, line = self._out[0]
            beside = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, line.fileno().to_bytes(4, sys.byteorder))] if line else []
            try:
                sent = self._hall.sendmsg([data], beside)
            except BlockingIOError:
                return
            if line is not None:
                line.close()  # it is the house's now
            if sent == len(data):
                self._out.popleft()
            else:
                self._out[0] = (data[sent:], None)

    def _hear(self) -> bool:
        """Whether the house is still there, once everything that it has said was done."""
        try:
            while True:
                for frame in self._ear.heard():
                    self._heard(self._words.decode(frame))
                if not self._ear.more:
                    return True
        except BlockingIOError:
            return True
        except (EOFError, OSError):
            return False

    def _heard(self, word: Any) -> None:
        match word:
            case Settled():
                self._settled(word)
            case Theirs():
                seen = self._asked.pop(word.number)
                seen.source, seen.asked_at, seen.asking = word.source, self._now, False
                waiting, seen.waiting = seen.waiting, []
                for line in waiting:
                    if line.open:
                        line.waiting = False
                        self._look(line, line.data)
                        self._go_on(line)
            case Close():
                self._close()

    def _settled(self, word: Settled) -> None:
        lines = self._tickets.pop(word.ticket)
        if word.refusal:
            outcome = FULL if word.refusal == NO_DISK else BUSY
            for line in lines:
                self._answer(line, outcome)
            return
        if self._closing:
            for line, position in zip(lines, word.positions, strict=True):
                self._answer(line, Outcome(200, b"", position))
            return
        fine = fine_answers(self._dated())
        for line, position in zip(lines, word.positions, strict=True):
            if line.open and line.keep:
                self._write(line, fine(position))
            else:
                self._answer(line, Outcome(200, b"", position))

    def _close(self) -> None:
        self._closing = True
        for fd, listener in self._listeners.items():
            self._poll.unregister(fd)
            listener.close()
        self._listeners = {}
        for line in list(self._lines.values()):
            if not line.waiting:
                self._drop(line)

    # --- answers ------------------------------------------------------------------------------------------------------

    def _answer(self, line: Line, outcome: Outcome) -> None:
        if line.open:
            line.keep = line.keep and not self._closing
            self._write(line, answer(outcome, self._dated(), line.keep))

    def _write(self, line: Line, data: bytes) -> None:
        try:
            sent = line.sock.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._drop(line)
            return
        line.out, line.since = data[sent:], self._now
        if line.out:
            return
        if not line.keep:
            self._drop(line)
            return
        line.waiting = False
        if line.data:
            self._look(line, line.data)
        self._go_on(line)

    def _go_on(self, line: Line) -> None:
        if line.unread and line.open and not line.waiting:
            self._read(line)

    def _dated(self) -> bytes:
        """The Date header, made once per second."""
        second = int(self._now)
        if second != self._date[0]:
            self._date = (second, self._clock.now().strftime("Date: %a, %d %b %Y %H:%M:%S GMT\r\n").encode())
        return self._date[1]
