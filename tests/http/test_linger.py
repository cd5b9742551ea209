"""Who sends too much hears why: the answer comes before the line ends, and what is still sent is dropped."""

from __future__ import annotations

import asyncio
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests.http.test_front import Client, Served, post, run
from tocsin.http import asgi, linger as module
from tocsin.http.linger import Lingering

BIG = asgi.BODY_MAX + 3_000_000
ENDLESS = post(b"x" * 10).replace(b": 10\r\n", b": 99999999\r\n")  # the beginning of a body that is too large


def lingering(served: Served) -> list[Lingering]:
    return [each for each in served.front.state.connections if isinstance(each, Lingering)]


async def refuse(scope: object, receive: object, send: Any) -> None:
    said = b"too large"
    head = {"type": "http.response.start", "status": 413, "headers": [(b"content-length", b"%d" % len(said))]}
    await send(head)
    await send({"type": "http.response.body", "body": said})


def parts(body: bytes) -> Iterator[bytes]:
    for at in range(0, len(body), 65_536):
        yield body[at : at + 65_536]


@pytest.mark.parametrize("in_pieces", [False, True])
def test_a_client_that_reads_last_hears_a_413(in_pieces: bool) -> None:
    """urllib sends all of the body before it looks for an answer, and takes a reset line for no answer."""

    def ask(url: str) -> tuple[int, bytes]:
        body = b"x" * BIG
        asked = urllib.request.Request(url, data=parts(body) if in_pieces else body, method="POST")
        try:
            urllib.request.urlopen(asked, timeout=10)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()
        raise AssertionError("it was taken")

    async def test(served: Served) -> None:
        served.front.config.loaded_app = refuse
        host, port = served.address
        for path in ("/api/v2/alerts", "/other"):
            status, said = await asyncio.to_thread(ask, f"http://{host}:{port}{path}")
            assert status == 413
            if path == "/api/v2/alerts" and not in_pieces:
                assert str(asgi.BODY_MAX).encode() in said and str(BIG).encode() in said
        assert served.downstream.kept == []
        while lingering(served):
            await asyncio.sleep(0)

    run(test)


def test_a_long_head_hears_its_431() -> None:
    async def test(served: Served) -> None:
        client = await Client.of(served)
        await client.send(b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 4_000_000 + b"\r\n\r\n")
        assert (await client.answer())[0] == 431
        assert await client.ended()

    run(test)


def test_whoever_does_not_stop_is_cut_off() -> None:
    async def test(served: Served) -> None:
        client = await Client.of(served)
        client.writer.write(ENDLESS)
        assert (await client.answer())[0] == 413
        (connection,) = lingering(served)
        connection.check(module.monotonic() + module.LINGER_SECONDS - 1)
        assert not connection.transport.is_closing()
        served.front._sweep(asyncio.get_running_loop())
        connection.check(module.monotonic() + module.LINGER_SECONDS + 1)
        assert connection.transport.is_closing()

        other = await Client.of(served)
        other.writer.write(ENDLESS)
        await other.answer()
        (connection,) = lingering(served)
        connection.data_received(b"x" * 1000)
        assert not connection.transport.is_closing()
        connection._dropped = module.LINGER_BYTES
        connection.data_received(b"x")
        assert connection.transport.is_closing()

    run(test)


def test_the_end_does_not_wait_for_them_and_they_make_room_first() -> None:
    async def test(served: Served) -> None:
        served.front.connections_max = 1
        client = await Client.of(served)
        client.writer.write(ENDLESS)
        await client.answer()
        assert len(lingering(served)) == 1

        assert (await (await Client.of(served)).ask(post()))[0] == 200
        while lingering(served):
            await asyncio.sleep(0)

        client = await Client.of(served)
        client.writer.write(ENDLESS)
        await client.answer()
        await served.front.close(5)
        assert lingering(served) == []

    run(test)
