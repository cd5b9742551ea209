"""A loop that a fault of ours has ended is begun again, and a slow start is waited for: nothing goes unwatched."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine

from tocsin.writer import Overloaded

log = logging.getLogger(__name__)

AGAIN_SECONDS = 60.0  # a fault that comes at once again does not fill the log
RETRY_SECONDS = 1.0


async def until_known(name: str, load: Callable[[], Awaitable[None]], *, retry_seconds: float = RETRY_SECONDS) -> None:
    """What fired before a restart is known, as soon as it can be read: nothing may be told before that."""
    while True:
        try:
            return await load()
        except (Overloaded, OSError) as error:  # TimeoutError is one: the writer reads the journal again
            said = str(error) or type(error).__name__
            log.warning("%s: what fires could not be read, trying again: %s", name, said)
        await asyncio.sleep(retry_seconds)


async def kept_running(
    name: str, run: Callable[[], Coroutine[None, None, None]], *, again_seconds: float = AGAIN_SECONDS
) -> None:
    """`run` goes on, whatever it raises, until this is cancelled."""
    while True:
        task = asyncio.ensure_future(run())
        try:
            await asyncio.wait([task])
        finally:
            task.cancel()
        error = None if task.cancelled() else task.exception()
        log.error("%s: stopped by a fault, begins again in %.0f s", name, again_seconds, exc_info=error)
        await asyncio.sleep(again_seconds)
