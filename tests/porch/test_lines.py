"""The porch beside a house that the test plays: what is handed in, what is handed over, and who is let go."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec
import pytest

from tocsin.clock import SystemClock, monotonic
from tocsin.intake.packed import Packer, unpacked
from tocsin.intake.times import microseconds
from tocsin.porch import lines
from tocsin.porch.lines import Porch
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

BODY = json.dumps([{"labels": {"alertname": "DiskFull"}}]).encode()
SECONDS = 10  # a test that waits for longer fails


def post(body: bytes = BODY) -> bytes:
    return b"POST /api/v2/alerts HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


class House:
    """The other end of the hall, and the address where the porch listens."""

    def __init__(self, hall: socket.socket, address: tuple[str, int], porch: Porch) -> None:
        self.hall, self.address, self.porch = hall, address, porch
        self.ear, self._heard = Ear(hall), list[bytes]()
        self._decoder = msgspec.msgpack.Decoder(FromPorch)

    def hears(self) -> FromPorch:
        while not self._heard:
            self._heard += self.ear.heard()
        return self._decoder.decode(self._heard.pop(0))

    def says(self, word: FromHouse) -> None:
        self.hall.sendall(framed(word))

    def client(self) -> socket.socket:
        return socket.create_connection(self.address, SECONDS)

    def knows(self, source: str | None = "open") -> None:
        """Answers whom a head speaks for."""
        asked = self.hears()
        assert isinstance(asked, Whose)
        self.says(Theirs(asked.number, source))

    def takes(self) -> Bodies:
        word = self.hears()
        assert isinstance(word, Bodies)
        return word

    def let_in(self) -> tuple[socket.socket, bytes]:
        word = self.hears()
        assert isinstance(word, Handed)
        return socket.socket(fileno=self.ear.descriptors.popleft()), word.data


@contextmanager
def house(lines_max: int = 100) -> Iterator[House]:
    ours, theirs = socket.socketpair()
    listener = socket.create_server(("127.0.0.1", 0))
    ours.settimeout(SECONDS)
    porch = Porch(theirs, [listener], SystemClock(), Packer(), lines_max)
    thread = threading.Thread(target=porch.run)
    thread.start()
    try:
        yield House(ours, listener.getsockname(), porch)
    finally:
        ours.close()
        thread.join(SECONDS)
        listener.close()
        theirs.close()
    assert not thread.is_alive(), "a porch whose house is gone ends"


def until(so: Callable[[], bool]) -> None:
    end = monotonic() + SECONDS
    while not so():
        assert monotonic() < end, "it never came to that"


def answer(client: socket.socket) -> bytes:
    said = b""
    while b"\r\n\r\n" not in said:
        more = client.recv(4096)
        if not more:
            return said
        said += more
    return said


def test_what_comes_is_handed_in_and_answered_with_its_place() -> None:
    with house() as here, here.client() as client:
        client.sendall(post())
        here.knows()
        word = here.takes()
        (said,) = unpacked(word.bodies[0], word.rows[0], word.received_us, 300_000_000)
        here.says(Settled(word.ticket, [4096]))

        assert (word.sources, word.bodies, said.raw_labels) == (["open"], [BODY], b'{"alertname": "DiskFull"}')
        assert b"Tocsin-Payload: 4096\r\n" in answer(client)


def test_what_comes_while_the_house_stores_is_handed_in_together() -> None:
    with house() as here:
        clients = [here.client() for _ in range(5)]
        clients[0].sendall(post())
        here.knows()
        first = here.takes()
        for client in clients[1:]:
            client.sendall(post())
        until(lambda: sum(line.waiting for line in list(here.porch._lines.values())) == 5)
        before = microseconds(SystemClock().now())
        here.says(Settled(first.ticket, [1]))
        second = here.takes()
        assert second.received_us >= before, "an alert that began while it waited would belong to the episode before"
        here.says(Settled(second.ticket, [2, 3, 4, 5]))

        assert [b"Payload: %d\r\n" % number in answer(client) for number, client in enumerate(clients, 1)] == [True] * 5
        for client in clients:
            client.close()


@pytest.mark.parametrize("refusal", [NO_DISK, NO_ROOM])
def test_a_refusal_is_503_and_the_line_lives(refusal: int) -> None:
    with house() as here, here.client() as client:
        client.sendall(post())
        here.knows()
        here.says(Settled(here.takes().ticket, [], refusal))
        assert answer(client).startswith(b"HTTP/1.1 503 ")

        client.sendall(post())
        here.says(Settled(here.takes().ticket, [7]))
        assert b"Payload: 7\r\n" in answer(client)


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        post(b"[{}]"),
        post(b"not JSON"),
        post(b"[]"),
        post(b'[{"labels":{"a":1}}]'),
        post(b'[{"labels":{"a":"b"},"startsAt":"yesterday"}]'),
        post(b'[{"labels":{"a":""}}]'),
        post(b'[{"labels":{"a":"b"}},{"labels":{}}]'),
    ],
)
def test_everything_else_goes_inside_with_every_byte(data: bytes) -> None:
    with house() as here, here.client() as client:
        client.sendall(data)
        if b"POST" in data:
            here.knows()
        line, came = here.let_in()
        with line:
            line.sendall(b"inside")

        assert (came, client.recv(99)) == (data, b"inside")


def test_whoever_the_porch_may_not_take_goes_inside() -> None:
    with house() as here, here.client() as client:
        client.sendall(post())
        here.knows(None)
        line, came = here.let_in()
        line.close()

        assert came == post()


def test_a_request_that_does_not_come_to_its_end_goes_inside() -> None:
    with house() as here, here.client() as client:
        client.sendall(post()[:-3])
        until(lambda: any(line.missing for line in list(here.porch._lines.values())))
        for line in here.porch._lines.values():
            line.since -= lines.DALLY_SECONDS + 1
        here.porch._swept_at -= lines.SWEEP_SECONDS
        with here.client():  # something happens, so that the porch looks
            line, came = here.let_in()
            line.close()

    assert came == post()[:-3]


def test_silent_lines_end_and_one_more_ends_the_most_silent() -> None:
    with house(lines_max=2) as here:
        first, second = here.client(), here.client()
        until(lambda: len(here.porch._lines) == 2)
        min(here.porch._lines.values(), key=lambda line: line.fd).since -= 1
        with here.client() as third:
            assert first.recv(1) == b""
            third.sendall(post())
            here.knows()
            here.says(Settled(here.takes().ticket, [1]))
            assert answer(third).startswith(b"HTTP/1.1 200 ")

            until(lambda: not any(line.waiting for line in list(here.porch._lines.values())))
            for line in here.porch._lines.values():
                line.since -= lines.IDLE_SECONDS + 1
            here.porch._swept_at -= lines.SWEEP_SECONDS
            with here.client():
                assert second.recv(1) == b"" == third.recv(1)
        first.close()
        second.close()


def test_a_head_is_asked_about_once_a_second_and_never_trusted_for_long() -> None:
    with house() as here, here.client() as client:
        client.sendall(post())
        here.knows()
        here.says(Settled(here.takes().ticket, [1]))
        answer(client)
        (seen,) = here.porch._heads.values()

        seen.asked_at = monotonic() - lines.FRESH_SECONDS - 0.1
        client.sendall(post())
        asked, word = here.hears(), here.hears()
        assert (type(asked), type(word)) == (Whose, Bodies), "it is asked again, and meanwhile what was said counts"
        assert isinstance(asked, Whose)
        assert isinstance(word, Bodies)
        here.says(Theirs(asked.number, "open"))
        here.says(Settled(word.ticket, [2]))
        answer(client)

        seen.asked_at = monotonic() - lines.STALE_SECONDS - 0.1
        client.sendall(post())
        here.knows(None)
        line, came = here.let_in()
        line.close()
        assert came == post(), "what was said long ago counts no more: the token may have been revoked"


def test_who_waits_is_answered_before_the_porch_closes() -> None:
    with house() as here, here.client() as client, here.client() as idle:
        client.sendall(post())
        here.knows()
        word = here.takes()
        here.says(Close())
        assert idle.recv(1) == b""
        with pytest.raises(ConnectionError):
            here.client()
        here.says(Settled(word.ticket, [3]))

        said = answer(client)
        assert b"Payload: 3\r\n" in said
        assert b"Connection: close\r\n" in said
        assert client.recv(1) == b""
