"""Blocking calls that may hang for good, kept away from the event loop and from the end of the process.

An executor's threads are joined when the interpreter ends: one name server that does not answer would hold up a
SIGTERM for half a minute. These threads are daemons, and at most `most` of them run at once.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextvars import copy_context
from typing import Generic, TypeVar

Result = TypeVar("Result")


class _Outcome(Generic[Result]):
    """What a thread brings back to the loop: a value or an exception."""

    def __init__(self, value: Result | None = None, error: Exception | None = None) -> None:
        self.value = value
        self.error = error


class Threads:
    """Runs blocking functions, each in a thread of its own. A caller that gives up leaves its thread, counted."""

    def __init__(self, name: str, most: int) -> None:
        self._name = name
        self._free = asyncio.Semaphore(most)

    async def run(self, function: Callable[[], Result]) -> Result:
        """What `function` returns. Waits while `most` calls are under way.

        Raises the OSError or ValueError that it raises; anything else is a fault of ours: its traceback is printed by
        the thread that ends of it, and the caller gets a RuntimeError.
        """
        await self._free.acquire()
        loop = asyncio.get_running_loop()
        done: asyncio.Future[_Outcome[Result]] = loop.create_future()

        def finish(outcome: _Outcome[Result]) -> None:
            self._free.release()
            if not done.done():
                done.set_result(outcome)

        def work() -> None:
            outcome = _Outcome[Result](error=RuntimeError(f"the {self._name} thread failed"))
            try:
                outcome = _Outcome(value=function())
            except (OSError, ValueError) as error:
                outcome = _Outcome(error=error)
            finally:
                if not loop.is_closed():
                    loop.call_soon_threadsafe(finish, outcome)

        threading.Thread(target=copy_context().run, args=(work,), name=self._name, daemon=True).start()
        outcome = await done
        if outcome.error is not None:
            raise outcome.error
        return outcome.value  # type: ignore[return-value]
