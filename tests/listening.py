"""An ASGI application that listens on loopback in a thread of its own, and clients that ask it."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import httpx2
from uvicorn.config import Config
from uvicorn.server import ServerState

from tocsin.http.slowside import SlowSide

T = TypeVar("T")
STOP_SECONDS = 5.0
LOOK_SECONDS = 0.002
NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def http_client(**options: Any) -> httpx2.Client:
    """A client for `http://` alone: to read every authority's certificate takes longer than most tests."""
    return httpx2.Client(verify=NO_CERTIFICATES, **options)


class Listening:
    """`app` behind the product's own protocol, on a port the kernel chose. `begin` and `end` are called on the loop,
    before the first request and when it stops. It stops as the process does, and without that one's patience."""

    def __init__(
        self, app: Any, *, begin: Callable[[], None] = lambda: None, end: Callable[[], None] = lambda: None
    ) -> None:
        self._config = Config(
            app,
            interface="asgi3",
            lifespan="off",
            log_config=None,
            log_level="warning",
            access_log=False,
            http="httptools",
            ws="none",
            loop="none",
        )
        self._config.load()
        self._begin, self._end = begin, end
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def start(self) -> None:
        """It answers."""
        self._thread.start()
        assert self._ready.wait(10), "the server did not start"

    def stop(self) -> bool:
        """Whether it ended in time, whatever clients hold open."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(STOP_SECONDS + 1)
        return not self._thread.is_alive()

    def on_loop(self, work: Coroutine[Any, Any, T]) -> T:
        """What it gives, where the application lives."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _serve(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        state = ServerState()
        self._begin()
        server = await self._loop.create_server(
            lambda: SlowSide(self._config, state, {}, self._loop), sock=self._socket
        )
        self._ready.set()
        await self._stopping.wait()
        self._end()
        server.close()
        for connection in list(state.connections):
            connection.shutdown()
        end = self._loop.time() + STOP_SECONDS
        while (state.connections or state.tasks) and self._loop.time() < end:
            await asyncio.sleep(LOOK_SECONDS)
        for task in list(state.tasks):
            task.cancel()
