"""How long after its POST a new incident's page is on the wire, while 200 alerts/s come in."""

from __future__ import annotations

import asyncio
import statistics
import time
from pathlib import Path

from bench.openloop import Line, Tally
from bench.systems import Failed, Tocsin
from tocsin.core.policy import Deadline, Escalation, Level, Policy, Severity, canonical

RATE = 200  # alerts/s
PEOPLE = 60  # and as many seconds: each second opens one incident, for somebody else


def pages_on_the_wire(directory: Path) -> dict[str, float]:
    """Percentiles in milliseconds over `PEOPLE` pages. Raises Failed when one of them never came."""
    return asyncio.run(_measured(directory))


async def _measured(directory: Path) -> dict[str, float]:
    arrived: dict[str, float] = {}

    async def sink(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                arrived.setdefault(head.split(b" ", 2)[1].decode(), time.perf_counter())
                length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
                await reader.readexactly(length)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(sink, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    system = await asyncio.to_thread(_started, directory, port)
    try:
        asked = await _load(system, arrived)
        end = time.perf_counter() + 10
        while len([path for path in asked if path in arrived]) < len(asked) and time.perf_counter() < end:
            await asyncio.sleep(0.05)
    finally:
        await asyncio.to_thread(system.stop)
        server.close()
    spans = sorted((arrived[path] - at) * 1e3 for path, at in asked.items() if path in arrived)
    if len(spans) < PEOPLE:
        raise Failed(f"tocsin: {PEOPLE - len(spans)} of {PEOPLE} pages never came")
    return {
        "pages": len(spans),
        "p50 ms": round(statistics.median(spans), 1),
        "p99 ms": round(spans[min(len(spans) - 1, int(len(spans) * 0.99))], 1),
        "max ms": round(spans[-1], 1),
    }


def _started(directory: Path, sink: int) -> Tocsin:
    directory.mkdir(parents=True, exist_ok=True)
    lines = []
    for n in range(PEOPLE):
        lines += ["[[people]]", f'id = "p{n}"', f'methods = ["http://127.0.0.1:{sink}/p{n}"]']
        lines += ["[[services]]", f'id = "s{n}"', f'owner = "p{n}"']
    lines += ["[[people]]", 'id = "base"', f'methods = ["http://127.0.0.1:{sink}/base"]']
    lines += ["[[services]]", 'id = "base"', 'owner = "base"']
    policy = Policy(
        title="Bench",
        severities=tuple(Severity(id=f"P{rank}", rank=rank) for rank in range(4)),
        escalation=Escalation(levels=(Level(level=1, who=("owner",), within=Deadline(seconds=1800)),)),
    )
    (directory / "guide.json").write_bytes(canonical(policy))
    return Tocsin(directory, "\n".join(lines) + "\n", directory / "guide.json")


async def _load(system: Tocsin, arrived: dict[str, float]) -> dict[str, float]:
    """Path of the page -> when its alert was posted. Raises Failed when somebody is paged before that."""
    tally, loop = Tally(), asyncio.get_running_loop()
    lines = [(await loop.create_connection(lambda: Line(tally), "127.0.0.1", system.port))[1] for _ in range(8)]
    asked: dict[str, float] = {}
    began = time.perf_counter() + 1
    for number in range(RATE * PEOPLE):
        due = began + number / RATE
        while (left := due - time.perf_counter()) > 0:
            await asyncio.sleep(min(left, 0.002))
        opens = number % RATE == RATE // 2
        n = number // RATE
        labels = (
            f'"alertname":"Page","service":"s{n}"' if opens else f'"alertname":"Noise{number % 100}","service":"base"'
        )
        if opens:
            if f"/p{n}" in arrived:
                raise Failed(f"tocsin: p{n} was paged before the alert about s{n} was posted")
            asked[f"/p{n}"] = time.perf_counter()
        body = f'[{{"labels":{{{labels},"severity":"critical"}}}}]'.encode()
        head = f"POST /api/v2/alerts HTTP/1.1\r\nHost: 127.0.0.1:{system.port}\r\nContent-Type: application/json\r\n"
        lines[number % 8].ask(due, f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    await asyncio.sleep(0.5)
    if tally.bad or tally.lost:
        raise Failed(f"tocsin: {tally.bad} posts were not answered with 200, {tally.lost} connections were lost")
    for line in lines:
        line.transport.abort()
    return asked
