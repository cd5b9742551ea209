"""What a running process tidies now and then: the write-ahead log, memory, what was told long ago."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from datetime import timedelta

from tocsin.allocator import give_back
from tocsin.ports import Store

# Who was told what, address by address: longer than a yearly review looks back.
ANNOUNCEMENTS_KEPT = timedelta(days=400)
FORGOTTEN_MAX = 20  # announcements of one look, each with its recipients
LOOK_SECONDS = 5
HOURLY = 720  # looks

Run = Callable[[Callable[[Store], int]], Awaitable[int]]


async def keep_house(checkpoint: Callable[[], object], run: Run) -> None:
    """For ever. `checkpoint` folds the write-ahead log back, from a connection that nobody waits for; `run` asks the
    writer thread."""
    for turn in itertools.count():
        await asyncio.sleep(LOOK_SECONDS)
        await asyncio.to_thread(checkpoint)
        await asyncio.to_thread(give_back)
        if turn % HOURLY == 0:
            await run(forget)


def forget(store: Store) -> int:
    """How many announcements are gone that nobody asks about any more."""
    return store.forget_announcements(store.now() - ANNOUNCEMENTS_KEPT, FORGOTTEN_MAX)
