"""Real servers on loopback that behave as told: an HTTP one on bare asyncio streams, mail ones on aiosmtpd and bare."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import msgspec
from aiosmtpd.smtp import SMTP, Envelope, Session

Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter
Serve = Callable[[Reader, Writer], Awaitable[None]]


@asynccontextmanager
async def listening(serve: Serve, **options: Any) -> AsyncIterator[int]:
    """A TCP server on loopback; its port. Every connection it still has is cut at the end."""
    writers: set[Writer] = set()
    tasks: set[asyncio.Task[Any] | None] = set()

    async def one(reader: Reader, writer: Writer) -> None:
        writers.add(writer)
        tasks.add(asyncio.current_task())
        try:
            await serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(one, "127.0.0.1", 0, **options)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()
        await asyncio.wait([task for task in tasks if task] or [asyncio.ensure_future(asyncio.sleep(0))], timeout=1)


@asynccontextmanager
async def closed_port() -> AsyncIterator[int]:
    """A port that nobody listens on."""
    async with listening(silent) as port:
        pass
    yield port


async def silent(reader: Reader, writer: Writer) -> None:
    """Takes everything, says nothing."""
    while await reader.read(65536):
        pass


# --- HTTP -------------------------------------------------------------------------------------------------------------


class Request(msgspec.Struct, frozen=True):
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)


class Web:
    """An HTTP server. Every request is kept in `seen`; `answer` is written as it is (None: the connection is cut)."""

    def __init__(self, answer: bytes | None, *, before: Callable[[], Awaitable[None]] | None = None) -> None:
        self.answer = answer
        self.seen: list[Request] = []
        self._before = before

    async def __call__(self, reader: Reader, writer: Writer) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = head[0].split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.seen.append(Request(method, path, headers, body))
        if self._before is not None:
            await self._before()
        if self.answer is not None:
            writer.write(self.answer)
            await writer.drain()


def response(status: int, body: bytes = b"", **headers: str) -> bytes:
    given = {"Content-Length": str(len(body)), "Connection": "close"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {value}" for name, value in given.items()), "", ""]
    return "\r\n".join(lines).encode() + body


# --- SMTP -------------------------------------------------------------------------------------------------------------


class Mailbox:
    """An aiosmtpd handler: keeps the mails it accepts; `rcpt` and `data` override its answers."""

    def __init__(self, *, rcpt: str = "250 2.1.5 Ok", data: str = "250 2.0.0 Ok: queued as ABC123") -> None:
        self.mails: list[EmailMessage] = []
        self.raw: list[bytes] = []
        self.envelopes: list[tuple[str | None, list[str]]] = []
        self._rcpt = rcpt
        self._data = data
        self.before_answer: Callable[[], Awaitable[None]] | None = None

    async def handle_RCPT(self, _: SMTP, __: Session, envelope: Envelope, address: str, ___: list[str]) -> str:
        if self._rcpt.startswith("2"):
            envelope.rcpt_tos.append(address)
        return self._rcpt

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:
        raw = envelope.original_content or b""
        self.raw.append(raw)
        self.mails.append(message_from_bytes(raw, policy=policy.default))  # type: ignore[arg-type]
        self.envelopes.append((envelope.mail_from, list(envelope.rcpt_tos)))
        if self.before_answer is not None:
            await self.before_answer()
        return self._data


@asynccontextmanager
async def mail_server(mailbox: Mailbox, **options: Any) -> AsyncIterator[int]:
    """aiosmtpd in this event loop; its port. `options` go to its SMTP class."""
    protocols: list[SMTP] = []

    def made() -> SMTP:
        protocols.append(SMTP(mailbox, hostname="mx.example", **options))
        return protocols[-1]

    server = await asyncio.get_running_loop().create_server(made, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for protocol in protocols:
            if protocol.transport is not None:
                protocol.transport.abort()


class Dialogue:
    """A mail server that follows a script: the answer to each verb; None cuts the connection there."""

    def __init__(self, **answers: str | None) -> None:
        self._answers: dict[str, str | None] = {
            "GREETING": "220 mx.example",
            "EHLO": "250 mx.example",
            "MAIL": "250 Ok",
            "RCPT": "250 Ok",
            "DATA": "354 go on",
            "END": "250 2.0.0 Ok",
            "QUIT": "221 bye",
        } | answers
        self.verbs: list[str] = []

    async def __call__(self, reader: Reader, writer: Writer) -> None:
        if not await self._say("GREETING", writer):
            return
        while line := await reader.readline():
            verb = line.split()[0].decode().upper() if line.split() else ""
            if not await self._say(verb, writer):
                return
            if verb == "DATA":
                await reader.readuntil(b"\r\n.\r\n")
                if not await self._say("END", writer):
                    return

    async def _say(self, verb: str, writer: Writer) -> bool:
        self.verbs.append(verb)
        answer = self._answers.get(verb, "500 unknown")
        if answer is None:
            return False
        writer.write(answer.encode() + b"\r\n")
        await writer.drain()
        return True
