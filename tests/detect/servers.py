"""Servers on loopback that answer probes as a test wants them to."""

from __future__ import annotations

import asyncio
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import msgspec
import trustme


class Reply(msgspec.Struct, kw_only=True):
    status: int = 200
    body: bytes = b"ok"
    headers: dict[str, str] = {}
    silent: bool = False  # the request is read, and nothing comes


class HttpServer:
    """`replies` by path; `asked` are the heads and bodies of every request."""

    def __init__(self) -> None:
        self.replies: dict[str, Reply] = {}
        self.asked: list[str] = []
        self.port = 0
        self.scheme = "http"

    def url(self, path: str = "/health") -> str:
        return f"{self.scheme}://localhost:{self.port}{path}"

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next((int(line[15:]) for line in head.splitlines() if line.lower().startswith("content-length:")), 0)
        body = (await reader.readexactly(length)).decode()
        self.asked.append(head + body)
        reply = self.replies.get(head.split(" ", 2)[1], Reply(status=404, body=b"nothing here"))
        if reply.silent:
            await reader.read()
            return
        lines = [f"HTTP/1.1 {reply.status} X", f"Content-Length: {len(reply.body)}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in reply.headers.items()]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + reply.body)
        await writer.drain()
        await reader.read()  # until the client has it all


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """The port where `handler` answers; nothing of it is left afterwards."""
    under_way: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def handled(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        under_way[task] = writer
        with suppress(asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            await handler(reader, writer)
        writer.transport.abort()

    server = await asyncio.start_server(handled, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task, writer in under_way.items():
            task.cancel()
            writer.transport.abort()
        await asyncio.gather(*under_way, return_exceptions=True)


@asynccontextmanager
async def http_server(tls: ssl.SSLContext | None = None) -> AsyncIterator[HttpServer]:
    served = HttpServer()
    async with serving(served.answer, tls) as served.port:
        served.scheme = "https" if tls else "http"
        yield served


@asynccontextmanager
async def greeting_server() -> AsyncIterator[int]:
    """The port of a server that speaks first, in plain text."""

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ready\r\n")
        await writer.drain()
        await reader.read()

    async with serving(greet) as port:
        yield port


class Authority:
    """A certificate authority of the test's own; `file` is its certificate."""

    def __init__(self, folder: Path) -> None:
        self._ca = trustme.CA()
        self.file = str(folder / "ca.pem")
        self._ca.cert_pem.write_to_path(self.file)

    def certified(self, *names: str, left: timedelta = timedelta(days=90)) -> ssl.SSLContext:
        """What a server with a certificate for these names shows, which holds for so long from now on."""
        begins = datetime.now(UTC) - timedelta(days=365)  # noqa: TID251 - OpenSSL judges certificates by this clock
        certificate = self._ca.issue_cert(*names, not_before=begins, not_after=begins + timedelta(days=365) + left)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        return context


class NameServer(asyncio.DatagramProtocol):
    """Answers with `records` (type number, data) and `code`; over TCP too where `truncates`."""

    def __init__(self) -> None:
        self.records: list[tuple[int, bytes]] = []
        self.code, self.truncates, self.silent = 0, False, False
        self.port = 0
        self.mangle: Callable[[bytes], bytes] = lambda message: message
        self._transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if not self.silent:
            self._transport.sendto(self.mangle(self.message(data, cut=self.truncates)), addr)

    def message(self, query: bytes, *, cut: bool = False) -> bytes:
        records = [] if cut else self.records
        flags = 0x8180 | self.code | (0x0200 if cut else 0)
        head = query[:2] + struct.pack(">HHHHH", flags, 1, len(records), 0, 0)
        answers = [b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(data)) + data for kind, data in records]
        return head + query[12:] + b"".join(answers)

    async def by_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        (length,) = struct.unpack(">H", await reader.readexactly(2))
        answer = self.message(await reader.readexactly(length))
        writer.write(struct.pack(">H", len(answer)) + answer)
        await writer.drain()
        await reader.read()


@asynccontextmanager
async def name_server() -> AsyncIterator[NameServer]:
    served = NameServer()
    async with serving(served.by_tcp) as served.port:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: served, local_addr=("127.0.0.1", served.port))
        try:
            yield served
        finally:
            transport.close()
