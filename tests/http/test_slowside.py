"""What the fast path does not take: bounded heads, requests that must arrive, answers that must be read."""

from __future__ import annotations

import asyncio
import logging

import pytest

from tests.http.test_front import Client, Served, post, run
from tocsin.http import front as front_module, slowside as module
from tocsin.http.slowside import SlowSide

GET = b"GET /health HTTP/1.1\r\nHost: x\r\n"


def slow(served: Served) -> list[SlowSide]:
    return [each for each in served.front.state.connections if isinstance(each, SlowSide)]


async def handed_over(served: Served, count: int = 1) -> None:
    while len(slow(served)) < count:
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    "head",
    [
        GET + b"X-Long: " + b"a" * 40_000,  # and it never ends
        GET + b"X-Long: " + b"a" * 40_000 + b"\r\n\r\n",
        GET + b"".join(b"X-%d: a\r\n" % n for n in range(200)) + b"\r\n",
        GET + b"X: y\r\n" * 8_000,
        b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
def test_a_long_head_is_431_and_the_end(head: bytes) -> None:
    async def test(served: Served) -> None:
        client = await Client.of(served)
        client.writer.write(head)
        assert (await client.answer())[0] == 431
        assert await client.ended()

    run(test)


def test_a_head_and_a_body_in_one_piece_are_no_long_head() -> None:
    async def test(served: Served) -> None:
        client = await Client.of(served)
        for size in (10, 200_000):
            status, _, said = await client.ask(post(b"x" * size, path="/other"))
            assert status == 200 and b'"bytes": %d' % size in said

    run(test)


@pytest.mark.parametrize(
    "hosts", [b"", b"Host: a\r\nHost: b\r\n", b"Host: 127.0.0.1\r\nhost: evil.example\r\n", b"Host: a\r\nHost: a\r\n"]
)
@pytest.mark.parametrize(
    "line", [b"GET /health HTTP/1.1\r\n", b"POST /api/v2/alerts HTTP/1.1\r\nContent-Length: 2\r\n"]
)
def test_a_request_names_one_host(line: bytes, hosts: bytes) -> None:
    async def test(served: Served) -> None:
        client = await Client.of(served)
        assert (await client.ask(line + hosts + b"\r\n[]"))[0] == 400
        assert served.downstream.kept == []

    run(test)


def test_a_head_that_never_ends_is_408() -> None:
    async def test(served: Served) -> None:
        client = await Client.of(served)
        await client.send(GET)
        await handed_over(served)
        (connection,) = slow(served)
        connection.check(module.monotonic() + module.HEAD_SECONDS - 1)
        assert not connection.transport.is_closing()
        connection.check(module.monotonic() + module.HEAD_SECONDS + 1)
        assert (await client.answer())[0] == 408
        assert await client.ended()

    run(test)


def test_a_body_that_trickles_is_408_and_one_that_comes_may_take_its_time() -> None:
    async def test(served: Served) -> None:
        client = await Client.of(served)
        await client.send(post(b"x" * 100_000, path="/other")[:-40_000])
        await handed_over(served)
        (connection,) = slow(served)
        while connection._body_bytes < 60_000 or connection.flow.read_paused:
            await asyncio.sleep(0)
        connection.check(module.monotonic() + module.BODY_SECONDS + 100)  # 60,000 bytes are good for 120 s
        assert not connection.transport.is_closing()
        connection.check(module.monotonic() + module.BODY_SECONDS + 200)
        assert (await client.answer())[0] == 408

    run(test)


@pytest.mark.parametrize(
    "sent",
    [
        b"POST /other HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\nno length\r\n",
        b"GET /other HTTP/1.1\r\nHost: x\r\n\r\n" * 2 + b"no request\r\n\r\n",
        b"POST /other HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{}"
        b"POST /other HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nno length\r\n",
    ],
    ids=["a body", "a third request", "the second of two bodies"],
)
def test_nothing_is_said_after_a_refusal(sent: bytes, caplog: pytest.LogCaptureFixture) -> None:
    log = logging.getLogger("uvicorn.error")

    async def test(served: Served) -> None:
        log.setLevel(logging.ERROR)
        log.addHandler(caplog.handler)
        client = await Client.of(served)
        assert (await client.ask(sent))[0] == 400
        assert await client.ended()

    run(test)
    log.removeHandler(caplog.handler)

    assert [each.getMessage() for each in caplog.records if each.levelname == "ERROR"] == []


def test_an_answer_that_nobody_reads_ends_the_connection() -> None:
    async def test(served: Served) -> None:
        client = await Client.of(served)
        await client.send(GET)
        await handed_over(served)
        (connection,) = slow(served)
        connection._since = module.monotonic() + 1_000  # the head may take its time here
        connection.pause_writing()
        connection.check(module.monotonic() + module.STALLED_SECONDS - 1)
        assert not connection.transport.is_closing()
        connection.resume_writing()
        connection.check(module.monotonic() + module.STALLED_SECONDS + 1)
        assert not connection.transport.is_closing()
        connection.pause_writing()
        connection.check(module.monotonic() + module.STALLED_SECONDS + 1)
        assert connection.transport.is_closing()

    run(test)


def test_the_sweep_looks_at_both_sides() -> None:
    async def test(served: Served) -> None:
        client = await Client.of(served)
        await client.send(GET)
        await handed_over(served)
        slow(served)[0]._since -= module.HEAD_SECONDS + 1
        served.front._sweep(asyncio.get_running_loop())
        assert (await client.answer())[0] == 408

    run(test)


def test_when_the_house_is_full_the_most_silent_goes_and_an_alert_gets_in() -> None:
    async def test(served: Served) -> None:
        served.front.connections_max = 6
        crowd = [await Client.of(served) for _ in range(3)]
        for each in crowd:
            await each.send(GET)
        await handed_over(served, 3)
        crowd += [await Client.of(served) for _ in range(3)]
        while len(served.front.connections) < 3:
            await asyncio.sleep(0)

        for _ in range(4):
            assert (await (await Client.of(served)).ask(post()))[0] == 200

        assert len(served.downstream.kept) == 4
        assert len(served.front.connections) + len(slow(served)) <= 6
        assert await asyncio.wait_for(crowd[0].reader.read(1), 5) == b""

    run(test)


def test_whoever_has_said_everything_still_hears_the_answer() -> None:
    async def test(served: Served) -> None:
        client = await Client.of(served)
        await client.send(GET + b"\r\n")
        client.writer.write_eof()
        assert (await client.answer())[0] == 200
        assert await client.ended()

    run(test)


def test_whoever_stops_in_the_middle_is_not_waited_for() -> None:
    async def test(served: Served) -> None:
        client = await Client.of(served)
        await client.send(post(b"x" * 100, path="/other")[:-40])
        await handed_over(served)
        client.writer.write_eof()
        assert await client.ended()
        while served.front.state.tasks:
            await asyncio.sleep(0)

    run(test)


def test_an_upgrade_is_answered_as_plain_http() -> None:
    async def test(served: Served) -> None:
        client = await Client.of(served)
        ask = GET + b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: eA==\r\n\r\n"
        assert (await client.ask(ask))[0] == 200

    run(test)


def test_the_bounds_of_both_sides_agree() -> None:
    assert module.HEAD_MAX == front_module.HEAD_MAX
