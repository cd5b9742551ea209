"""The listen socket over real connections: fast requests, everything else handed over, and nothing that breaks it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from uvicorn.config import Config

from tocsin.clock import ManualClock
from tocsin.http import front as module
from tocsin.http.front import Front
from tocsin.http.sources import Source
from tocsin.intake.committer import HELD_BYTES, Accepted, Committer
from tocsin.intake.door import AlertsDoor
from tocsin.intake.memoryjournal import MemoryJournal
from tocsin.intake.postable import labels_of
from tocsin.porch.keeper import Keeper

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
ALERT = json.dumps([{"labels": {"alertname": "DiskFull"}}]).encode()
OPEN = Source(name="open", kind="any", token_sha256="")


class Way:
    """Who reads the socket: this process, or the porch, a process of its own."""

    porch = False
    say_seconds = 5.0


@pytest.fixture(params=["house", "porch"], autouse=True)
def way(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every test holds both ways."""
    Way.porch = request.param == "porch"
    yield
    Way.porch = False


class Downstream:
    def __init__(self) -> None:
        self.kept: list[Accepted] = []
        self.waits = (0, 0)

    def feed(self, group: Any) -> None:
        self.kept.extend(group)

    def undigested(self) -> tuple[int, int]:
        return self.waits


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """The slow side: says what it was asked."""
    assert scope["type"] == "http"
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    said = json.dumps({"method": scope["method"], "path": scope["path"], "bytes": len(body)}).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(said))]})
    await send({"type": "http.response.body", "body": said})


class Served:
    def __init__(self, front: Front, address: tuple[str, int], downstream: Downstream, journal: MemoryJournal) -> None:
        self.front, self.address, self.downstream, self.journal = front, address, downstream, journal
        self.committer: Committer
        self.keeper: Keeper | None = None
        self.clients: list[asyncio.StreamWriter] = []

    async def close(self, seconds: float) -> None:
        await asyncio.gather(self.front.close(seconds), *([self.keeper.stop(seconds)] if self.keeper else []))


@asynccontextmanager
async def served(
    authorize: Callable[[Mapping[str, str]], Source | None] = lambda headers: OPEN,
) -> AsyncIterator[Served]:
    clock, journal, downstream = ManualClock(NOW), MemoryJournal(), Downstream()
    loop = asyncio.get_running_loop()
    committer = Committer(journal, clock, downstream, notify=loop.call_soon_threadsafe)
    committer.start()
    config = Config(echo, lifespan="off", log_level="critical", access_log=False, http="httptools", loop="none")
    door = AlertsDoor(committer, clock, lambda tenant: ())
    front = Front(door, authorize, config, clock)
    keeper = None
    if Way.porch:
        sockets = module.listening("127.0.0.1", 0)
        host, port = sockets[0].getsockname()

        def whom(headers: Mapping[str, str]) -> str | None:
            source = authorize(headers)
            return source.name if source else None

        keeper = Keeper(front, door, whom, OPEN.tenant, say_seconds=Way.say_seconds)
        keeper.start(sockets)
    else:
        ((host, port),) = await front.listen("127.0.0.1", 0)
    one = Served(front, (host, port), downstream, journal)
    one.keeper = keeper
    one.committer = committer
    try:
        yield one
    finally:
        for writer in one.clients:
            writer.transport.abort()
        await asyncio.sleep(0)
        await one.close(0.5)
        await asyncio.to_thread(committer.stop, 2)


def run(test: Callable[[Served], Awaitable[None]], **how: Any) -> None:
    async def body() -> None:
        async with served(**how) as one:
            await asyncio.wait_for(test(one), 10)

    asyncio.run(body())


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def of(cls, served: Served) -> Client:
        reader, writer = await asyncio.open_connection(*served.address)
        served.clients.append(writer)
        return cls(reader, writer)

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        body = await self.reader.readexactly(int(headers.get("content-length", 0)))
        return int(head[0].split()[1]), headers, body

    async def ask(self, data: bytes) -> tuple[int, dict[str, str], bytes]:
        await self.send(data)
        return await self.answer()

    async def ended(self) -> bool:
        return await self.reader.read(1) == b""


def post(body: bytes = ALERT, path: str = "/api/v2/alerts", version: str = "1.1", **headers: str) -> bytes:
    lines = [f"POST {path} HTTP/{version}", "Host: localhost", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def test_an_alert_is_journalled_and_answered() -> None:
    async def test(served: Served) -> None:
        client = await Client.of(served)
        status, headers, body = await client.ask(post())

        assert (status, body) == (200, b"")
        (accepted,) = served.downstream.kept
        assert headers["tocsin-payload"] == str(accepted.position)
        assert Way.porch or headers["date"] == "Mon, 23 Nov 2026 08:00:00 GMT"
        assert served.journal.get(accepted.position) is not None
        assert accepted.body == ALERT

    run(test)


def test_a_connection_takes_request_after_request() -> None:
    async def test(served: Served) -> None:
        client = await Client.of(served)
        for _ in range(5):
            assert (await client.ask(post()))[0] == 200

        assert len(served.downstream.kept) == 5
        assert len(served.front.heads) == (not Way.porch)

    run(test)


def test_pipelined_requests_are_answered_in_order() -> None:
    async def test(served: Served) -> None:
        client = await Client.of(served)
        await client.send(post() + post(b"[{}]") + post() + b"GET /other HTTP/1.1\r\nHost: x\r\n\r\n" + post())
        answers = [await client.answer() for _ in range(5)]

        assert [status for status, _, _ in answers] == [200, 400, 200, 200, 200]
        assert json.loads(answers[3][2])["path"] == "/other"
        assert json.loads(answers[4][2])["path"] == "/api/v2/alerts"

    run(test)


@pytest.mark.parametrize("size", [1, 7, 100])
def test_a_request_may_come_in_pieces(size: int) -> None:
    async def test(served: Served) -> None:
        client = await Client.of(served)
        data = post() + post()
        for start in range(0, len(data), size):
            await client.send(data[start : start + size])
            await asyncio.sleep(0)

        assert [(await client.answer())[0] for _ in range(2)] == [200, 200]

    run(test)


def test_other_requests_are_handed_over_whole() -> None:
    async def test(served: Served) -> None:
        for data, said in [
            (b"GET /api/v2/alerts HTTP/1.1\r\nHost: x\r\n\r\n", ("GET", "/api/v2/alerts", 0)),
            (post(path="/prefix/api/v2/alerts"), ("POST", "/prefix/api/v2/alerts", len(ALERT))),
            (post(path="/api/v2/alertsx"), ("POST", "/api/v2/alertsx", len(ALERT))),
            (post(Content_Encoding="gzip"), ("POST", "/api/v2/alerts", len(ALERT))),
        ]:
            client = await Client.of(served)
            _, _, body = await client.ask(data)
            assert json.loads(body) == dict(zip(("method", "path", "bytes"), said, strict=True))
        assert served.downstream.kept == []

    run(test)


def test_chunked_bodies_and_expectations_are_handed_over() -> None:
    async def test(served: Served) -> None:
        head = b"POST /api/v2/alerts HTTP/1.1\r\nHost: x\r\n"
        chunked = await Client.of(served)
        _, _, body = await chunked.ask(head + b"Transfer-Encoding: chunked\r\n\r\n5\r\n[    \r\n1\r\n]\r\n0\r\n\r\n")
        assert json.loads(body)["bytes"] == 6

        expecting = await Client.of(served)
        await expecting.send(head + b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        assert (await expecting.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100")
        _, _, body = await expecting.ask(b"[]")
        assert json.loads(body)["bytes"] == 2

    run(test)


def test_a_fast_request_then_another_page_on_one_connection() -> None:
    async def test(served: Served) -> None:
        client = await Client.of(served)
        assert (await client.ask(post()))[0] == 200
        _, _, body = await client.ask(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        assert json.loads(body)["path"] == "/metrics"

    run(test)


def test_http_1_0_and_connection_close_end_the_connection() -> None:
    async def test(served: Served) -> None:
        for data in (post(version="1.0"), post(Connection="close")):
            client = await Client.of(served)
            status, headers, _ = await client.ask(data)
            assert (status, headers["connection"]) == (200, "close")
            assert await client.ended()

    run(test)


BAD = {
    "truncated": (b'[{"labels":{"a":"b"}', 400),
    "empty": (b"", 422),
    "no list": (b'{"labels":{}}', 400),
    "no labels": (b"[{}]", 400),
    "empty labels": (b'[{"labels":{}}]', 400),
    "wrong type": (b'[{"labels":{"a":1}}]', 400),
    "null": (b"null", 200),
    "invalid utf-8": (b'[{"labels":{"a":"\xff"}}]', 200),
    "NUL": (b'[{"labels":{"a":"\\u0000"}}]', 200),
    "lone surrogate": (b'[{"labels":{"a":"\\ud800"}}]', 200),
    "5,000 labels": (json.dumps([{"labels": {f"l{n}": "v" for n in range(5_000)}}]).encode(), 200),
    "deep": (b"[" * 100_000, 400),
    "10 MB": (json.dumps([{"labels": {"a": str(n), "b": "x" * 1_000}} for n in range(10_000)]).encode(), 200),
    "time": (b'[{"labels":{"a":"b"},"startsAt":"yesterday"}]', 400),
    "huge number": (b'[{"labels":{"a":"b"},"x":1e999999}]', 200),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_never_a_500_and_the_connection_lives(name: str) -> None:
    body, expected = BAD[name]

    async def test(served: Served) -> None:
        client = await Client.of(served)
        status, headers, text = await client.ask(post(body))
        assert status == expected
        if status != 200:
            assert headers["content-type"] == "application/json"
            assert json.loads(text)
        assert (await client.ask(post()))[0] == 200

    run(test)


def test_valid_alerts_of_a_mixed_body_are_kept() -> None:
    async def test(served: Served) -> None:
        body = b'[{"labels":{"a":"b"}},{"labels":{}},{"labels":{"c":5}},{"labels":{"e":"f"}}]'
        status, _, text = await (await Client.of(served)).ask(post(body))

        assert status == 400
        assert "at least one label pair required" in json.loads(text)
        assert "2.labels" in json.loads(text)
        (accepted,) = served.downstream.kept
        assert [labels_of(said) for said in accepted.said.posted] == [{"a": "b"}, {"c": "5"}, {"e": "f"}]

    run(test)


def test_a_full_disk_is_503_until_there_is_room_again() -> None:
    async def test(served: Served) -> None:
        client = await Client.of(served)
        served.journal.full = True
        status, headers, _ = await client.ask(post())
        assert (status, headers["retry-after"]) == (503, "1")

        served.journal.full = False
        assert (await client.ask(post()))[0] == 200

    run(test)


def test_too_large_a_backlog_is_503_with_retry_after() -> None:
    async def test(served: Served) -> None:
        client = await Client.of(served)
        served.downstream.waits = (200 * 1024 * 1024, 1)
        status, headers, _ = await client.ask(post())
        assert (status, headers["retry-after"]) == (503, "1")
        assert served.downstream.kept == []

    run(test)


def test_answers_wait_for_a_digest_that_is_behind() -> None:
    async def test(served: Served) -> None:
        client = await Client.of(served)
        served.downstream.waits = (HELD_BYTES + 1, 1)
        await client.send(post())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.answer(), 0.1)

        served.downstream.waits = (0, 0)
        served.committer.digested()

        assert (await client.answer())[0] == 200

    run(test)


def test_a_body_beyond_the_bound_is_413() -> None:
    async def test(served: Served) -> None:
        client = await Client.of(served)
        await client.send(b"POST /api/v2/alerts HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n[")
        status, _, _ = await client.answer()
        assert status == 413
        assert await client.ended()

    run(test)


def test_an_endless_head_is_431() -> None:
    async def test(served: Served) -> None:
        client = await Client.of(served)
        await client.send(b"POST /api/v2/alerts HTTP/1.1\r\n" + b"X-Long: yes\r\n" * 4_000)
        assert (await client.answer())[0] == 431

    run(test)


@pytest.mark.parametrize(
    "head",
    [
        b"POST /api/v2/alerts HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n[]",
        b"POST /api/v2/alerts HTTP/1.1\r\nHost: x\r\nContent-Length: -2\r\n\r\n[]",
        b"POST /api/v2/alerts HTTP/9.9\r\nHost: x\r\n\r\n",
        b"POST /api/v2/alerts HTTP/1.1\r\nHost : x\r\nContent-Length: 2\r\n\r\n[]",
        b"POST /api/v2/alerts HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n[]",
    ],
)
def test_a_smuggled_request_is_refused(head: bytes) -> None:
    async def test(served: Served) -> None:
        client = await Client.of(served)
        await client.send(head)
        status, _, _ = await client.answer()
        assert status == 400
        assert served.downstream.kept == []

    run(test)


def test_a_request_that_never_ends_and_an_idle_line_are_closed() -> None:
    async def test(served: Served) -> None:
        slow, idle = await Client.of(served), await Client.of(served)
        await slow.send(b"POST /api/v2/alerts HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n[")
        if Way.porch:  # what does not end on the porch is handed over: tests/porch
            return
        while len([each for each in served.front.connections if each._asked]) < 1 or len(served.front.connections) < 2:
            await asyncio.sleep(0)
        later = module.monotonic() + module.REQUEST_SECONDS + 1
        for connection in list(served.front.connections):
            connection.check(later)
        assert (await slow.answer())[0] == 408
        assert await slow.ended()

        for connection in list(served.front.connections):
            connection.check(later + module.IDLE_SECONDS)
        assert await idle.ended()

    run(test)


def test_a_request_without_leave_is_401() -> None:
    def authorize(headers: Mapping[str, str]) -> Source | None:
        return OPEN if headers.get("authorization") == "Bearer right" else None

    async def test(served: Served) -> None:
        client = await Client.of(served)
        status, headers, _ = await client.ask(post())
        assert status == 401
        assert "www-authenticate" in headers
        assert (await client.ask(post(Authorization="Bearer wrong")))[0] == 401
        assert (await client.ask(post(Authorization="Bearer right")))[0] == 200
        assert len(served.downstream.kept) == 1

    run(test, authorize=authorize)


def test_closing_answers_who_waits_and_takes_nobody_new() -> None:
    async def test(served: Served) -> None:
        client, idle = await Client.of(served), await Client.of(served)
        served.downstream.waits = (HELD_BYTES + 1, 1)
        await client.send(post())
        while not served.downstream.kept:
            await asyncio.sleep(0)
        closing = asyncio.create_task(served.close(5))
        assert await idle.ended()
        served.downstream.waits = (0, 0)
        served.committer.digested()

        status, headers, _ = await client.answer()
        assert (status, headers["connection"]) == (200, "close")
        await closing
        with pytest.raises(ConnectionError):
            await asyncio.open_connection(*served.address)

    run(test)
