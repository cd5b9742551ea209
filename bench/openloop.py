"""Posts at a fixed rate, whatever the server does, and measures from the moment a request was due.

A closed loop waits for slow answers and so hides them. Prints one JSON line with the percentiles in milliseconds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from typing import cast

import uvloop


class Line(asyncio.Protocol):
    """One connection; requests that are due while one is under way wait in its queue, and their clocks run."""

    def __init__(self, tally: Tally) -> None:
        self.tally = tally
        self.queue: list[tuple[float, bytes]] = []
        self.due = 0.0
        self.busy = False
        self.buffer = b""
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but its class

    def ask(self, due: float, request: bytes) -> None:
        if self.busy:
            self.queue.append((due, request))
            return
        self.busy, self.due = True, due
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self.buffer[:end].lower()
        length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
        if len(self.buffer) < end + 4 + length:
            return
        self.tally.answered(time.perf_counter() - self.due, head.startswith(b"http/1.1 200"))
        self.buffer = self.buffer[end + 4 + length :]
        self.busy = False
        if self.queue:
            self.ask(*self.queue.pop(0))

    def connection_lost(self, exc: Exception | None) -> None:
        self.tally.lost += 1


class Tally:
    def __init__(self) -> None:
        self.spans: list[float] = []
        self.bad = self.lost = 0

    def answered(self, seconds: float, good: bool) -> None:
        self.spans.append(seconds)
        self.bad += not good


def request(port: int, run: str, number: int, starts: str) -> bytes:
    labels = {
        "alertname": f"Bench{number % 100}",
        "cluster": "eu-1",
        "instance": f"open-{run}-{number}:9100",
        "job": "node",
        "namespace": "shop",
        "service": "checkout",
        "severity": "warning",
    }
    annotations = {
        "description": "The error rate of the service has been above its objective for ten minutes",
        "runbook_url": "https://runbooks.example.org/errors",
        "summary": "Error rate is high",
    }
    alert = {
        "annotations": annotations,
        "startsAt": starts,
        "generatorURL": "http://prometheus:9090/graph",
        "labels": labels,
    }
    body = json.dumps([alert], separators=(",", ":")).encode()
    head = f"POST /api/v2/alerts HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def main(port: int, rate: float, seconds: float, connections: int, run: str) -> None:
    loop = asyncio.get_running_loop()
    tally = Tally()
    lines = [(await loop.create_connection(lambda: Line(tally), "127.0.0.1", port))[1] for _ in range(connections)]
    total = int(rate * seconds)
    starts = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    made = [request(port, run, number, starts) for number in range(total)]
    began = time.perf_counter() + 0.1
    sent = 0
    while sent < total:
        now = time.perf_counter()
        while sent < total and began + sent / rate <= now:
            lines[sent % connections].ask(began + sent / rate, made[sent])
            sent += 1
        await asyncio.sleep(0.0005)
    end = time.perf_counter() + 10
    while len(tally.spans) < total and not tally.lost and time.perf_counter() < end:
        await asyncio.sleep(0.01)
    for line in lines:
        line.transport.abort()
    spans = sorted(tally.spans)
    at = lambda part: round(spans[min(len(spans) - 1, int(len(spans) * part))] * 1e3, 3)  # noqa: E731
    missing = total - len(spans)
    print(
        json.dumps({"sent": total, "bad": tally.bad, "missing": missing, "p50": at(0.5), "p99": at(0.99), "max": at(1)})
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--run", default="run")
    given = parser.parse_args()
    uvloop.run(main(given.port, given.rate, given.seconds, given.connections, given.run))
