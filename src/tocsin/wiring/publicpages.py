"""The public pages of this node, wired: what they show, who is told, what is watched, and the copies that are kept."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol, TypeVar

from tocsin.clock import Clock
from tocsin.engine import Engine
from tocsin.ports import Store
from tocsin.senders.fetch import Fetcher
from tocsin.setting.config import Config
from tocsin.setting.secret import secret_of
from tocsin.status.board import KINDS, Board
from tocsin.status.copies import Copies
from tocsin.status.subscribers import Subscribers
from tocsin.status.watch import Watch

T = TypeVar("T")
LOOK_SECONDS = 10.0  # how late the begin of an announced maintenance may be told


class PageDeps(Protocol):
    @property
    def tenant(self) -> str: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def public_url(self) -> str: ...
    @property
    def store(self) -> Store: ...
    @property
    def engine(self) -> Engine: ...

    def run(self, fn: Callable[[Store], T]) -> Awaitable[T]: ...


class PublicPages:
    """`load` on the writer thread before the first request; `runs` are to be kept running. `nudge`: something is owed
    to addresses."""

    def __init__(self, deps: PageDeps, config: Config, nudge: Callable[[], None]) -> None:
        self._deps = deps
        self.board = Board(deps.tenant, deps.engine, deps.store)
        self.subscribers = Subscribers(
            deps.tenant,
            deps.store,
            self.board,
            secret=secret_of(config.secret_file),
            public_url=deps.public_url,
            nudge=nudge,
        )
        deps.engine.announcing(self.subscribers.announce)
        self._fetcher = Fetcher(allow_private=config.status_allow_private)
        self.watch = Watch(deps.clock, lambda: list(self.board.providers), self._fetcher.get)
        self._copies = Copies(self.board, deps.clock, deps.public_url, config.status_export, config.status_export_url)

    def load(self) -> None:
        self.board.load()

    def changed(self, kind: str) -> None:
        """Documents of this kind were written. Writer thread only."""
        if kind in KINDS:
            self.board.changed()

    def runs(self) -> list[Coroutine[Any, Any, None]]:
        return [self._look(), self.watch.run(), self._copies.run()]

    async def close(self) -> None:
        await self._fetcher.close()

    async def _look(self) -> None:
        """What time alone changes on public pages is told to their subscribers."""
        while True:
            await self._deps.run(lambda _: self.subscribers.look())
            await asyncio.sleep(LOOK_SECONDS)
