"""Pages as lines on a stream: for a first look, for containers whose output somebody watches, and for tests."""

from __future__ import annotations

import asyncio
from typing import TextIO

from tocsin.core.paging_text import one_line
from tocsin.ports import Message, Receipt
from tocsin.threads import Threads

TIMEOUT_SECONDS = 5.0


class ConsoleSender:
    """Writes one line for each message. A reader that has stopped reading costs a timeout, never the event loop."""

    kind = "console"

    def __init__(self, stream: TextIO, *, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._stream = stream
        self._timeout = timeout_seconds
        self._writer = Threads("console", 1)  # lines never mix

    async def send(self, message: Message) -> Receipt:
        line = line_of(message)
        try:
            async with asyncio.timeout(self._timeout):
                await self._writer.run(lambda: self._write(line))
        except TimeoutError:
            return Receipt(code="timeout", detail=f"nobody read the output for {self._timeout:g} s")
        except (OSError, ValueError) as error:  # ValueError: the stream is closed
            return Receipt(code="unreachable", detail=f"the output cannot be written: {one_line(str(error), 160)}")
        return Receipt(code="sent")

    def _write(self, line: str) -> None:
        self._stream.write(line)
        self._stream.flush()

    async def close(self) -> None:
        """Nothing is held open; the stream belongs to whoever gave it."""


def line_of(message: Message) -> str:
    """Event, person, subject and the links, on one line."""
    asks = f" acknowledge: {message.acknowledge_url}" if message.acknowledge_url else ""
    name = one_line(message.method.address or message.person.id, 80)
    where = f" incident: {message.incident_url}" if message.incident_url else ""
    words = f"{message.event} for {name}: {one_line(message.subject)}{asks}{where}"
    return f"{message.at:%Y-%m-%dT%H:%M:%SZ} {words}\n"
