"""uvicorn's protocol with bounds: on the head, on how long a request may take to arrive, on how long nobody reads.

uvicorn parses a head of any length and waits for the rest of a request for ever; a hundred idle lines from one laptop
would then cost every alert its place. What is refused here is answered once and the connection ends.
"""

from __future__ import annotations

import asyncio
from typing import Any

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from tocsin.clock import monotonic
from tocsin.http.linger import linger

HEAD_MAX = 32 * 1024  # as http.front.HEAD_MAX: the request line and all headers
HEADERS_MAX = 100
HEAD_SECONDS = 30  # from the first byte, or from the answer before it, to the end of the head
BODY_SECONDS = 30  # for any body; a long one gets more, as long as it keeps coming
BODY_BYTES_PER_SECOND = 500  # a phone at the edge of the network sends ten times as much
STALLED_SECONDS = 60  # an answer that nobody reads

_REFUSALS = {
    400: (b"Bad Request", b"bad request: expected HTTP/1.1"),
    408: (b"Request Timeout", b"expected a whole request in time"),
    431: (b"Request Header Fields Too Large", b"request header fields too large"),
}


class Refused(Exception):
    """The head is not taken; `status` says why."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class SlowSide(HttpToolsProtocol):
    """One connection, from the first byte that the fast path did not take. `check` is asked every few seconds."""

    def __init__(
        self, config: Config, state: ServerState, app_state: dict[str, Any], loop: asyncio.AbstractEventLoop
    ) -> None:
        super().__init__(config, state, app_state, loop)
        self._since = monotonic()  # the head that is awaited, or the body
        self._in_head = True
        self._fed = 0  # bytes since the head that is awaited began
        self._head_bytes = 0
        self._body_bytes = 0
        self._stalled_at: float | None = None
        self._status = 0

    def eof_received(self) -> bool | None:  # type: ignore[override]
        """A client that has said everything may still hear the answer; one that stops in the middle is gone."""
        if not self.answering:
            return None
        if self.cycle.more_body:
            self._gone()
            return None
        self.cycle.keep_alive = False
        return True

    # --- what comes in ------------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        self._fed = self._fed + len(data) if self._in_head else 0
        try:
            self.parser.feed_data(data)
            if self._in_head and self._fed > HEAD_MAX:
                raise Refused(431)
        except httptools.HttpParserUpgrade:
            pass  # nothing is spoken here but HTTP: the request is answered as if it had not asked
        except (httptools.HttpParserError, Refused) as error:
            cause = error if isinstance(error, Refused) else error.__context__
            self._refuse(cause.status if isinstance(cause, Refused) else 400)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._head_bytes, self._body_bytes = True, 0, 0

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._count(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._count(len(name) + len(value) + 4)

    def _count(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > HEAD_MAX or len(self.headers) > HEADERS_MAX:
            raise Refused(431)

    def on_headers_complete(self) -> None:
        hosts = sum(name == b"host" for name, _ in self.headers)
        if hosts > 1 or (hosts == 0 and self.parser.get_http_version() == "1.1"):
            raise Refused(400)  # RFC 9112, 3.2: two readers would each believe another one
        super().on_headers_complete()
        self._in_head, self._fed, self._since = False, 0, monotonic()

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._in_head, self._since = True, monotonic()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._since = monotonic()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stalled_at = monotonic()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stalled_at = None

    # --- what does not ------------------------------------------------------------------------------------------------

    def check(self, now: float) -> None:
        """A request that does not come to its end, and an answer that nobody reads, end the connection."""
        if self.transport is None or self.transport.is_closing():
            return
        if self._stalled_at is not None and now - self._stalled_at > STALLED_SECONDS:
            self.transport.abort()
        elif not self._in_head:
            if self.flow is not None and self.flow.read_paused:
                self._since = now - self._body_bytes / BODY_BYTES_PER_SECOND  # it is us who are slow
            elif now - self._since > BODY_SECONDS + self._body_bytes / BODY_BYTES_PER_SECOND:
                self._refuse(408)
        elif not self.answering and now - self._since > HEAD_SECONDS:
            self._refuse(408)

    @property
    def answering(self) -> bool:
        """Whether a request that came in whole waits for the end of its answer."""
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def idle_since(self) -> float | None:
        """Since when nothing is owed to this connection; None while something is."""
        return None if self.answering else self._since

    def _gone(self) -> None:
        """Whoever works on the answer is told that nobody waits for it."""
        self.cycle.disconnected = True
        self.cycle.message_event.set()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """uvloop raises for what is written to a closed line, which would be an error of ours in the log."""

        async def answered(scope: Any, receive: Any, send: Any) -> None:
            def end_with_the_line() -> None:
                if cycle.transport.is_closing() or self.parser is None:  # or a later request had the last word
                    cycle.disconnected = True
                    cycle.waiting_for_100_continue = False

            async def receiving() -> Any:
                end_with_the_line()
                return await receive()

            async def sending(message: Any) -> None:
                end_with_the_line()
                last = message["type"] == "http.response.body" and not message.get("more_body")
                lingers = last and not cycle.keep_alive and cycle.more_body and not cycle.disconnected
                cycle.keep_alive = cycle.keep_alive or lingers  # or uvicorn would close, which resets the line
                await send(message)
                if lingers:
                    self._linger()

            await app(scope, receiving, sending)

        super()._start_asgi_task(cycle, answered)

    def _refuse(self, status: int) -> None:
        if self.transport.is_closing():
            return
        started = self.answering and self.cycle.response_started
        if self.answering:
            self._gone()
        if started:
            self.transport.abort()  # an answer inside an answer would be read as a part of it
            return
        reason, said = _REFUSALS[status]
        self.transport.write(
            b"HTTP/1.1 %d %b\r\nContent-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n"
            b"Connection: close\r\nContent-Length: %d\r\n\r\n%b" % (status, reason, len(said), said)
        )
        self._linger()

    def _linger(self) -> None:
        """The request was answered before all of it came: the client hears the answer, and nothing else is read."""
        self._unset_keepalive_if_required()
        self.connections.discard(self)
        linger(self.transport, self.server_state)
        self.parser = None  # type: ignore[assignment]  # it holds this protocol, which hears nothing more
