"""The one writer: a thread that runs everything that writes, in order of urgency.

What people ask for goes first, then what is due, then receipts, then a bounded bite of intake; within one urgency the
order of asking. Deadlines are looked at between any two tasks, at least every `POLL_SECONDS`, so that neither a storm
of alerts nor a busy channel makes a page late. Where several writers share the interpreter, a bite of intake needs its
turn (`Turn`), and whoever works through what is more urgent says so.
"""

from __future__ import annotations

import heapq
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from enum import IntEnum
from typing import Any, Protocol, TypeVar

from tocsin.clock import monotonic

Result = TypeVar("Result")
log = logging.getLogger(__name__)

POLL_SECONDS = 0.1  # an idle look at the deadlines costs microseconds (an indexed row), so it may be often
QUEUE_MAX = 50_000  # tasks; beyond it the shell answers 503 instead of remembering more than it can do


class Urgency(IntEnum):
    COMMAND = 0
    DEADLINE = 1
    RECEIPT = 2
    INTAKE = 3


class Overloaded(Exception):
    """The writer has more to do than it may remember; try again later."""


class Turn(Protocol):
    """Among several writers, whether this one may take a bite of intake. No call waits."""

    wake: Callable[[], None]

    def take(self) -> bool: ...
    def give(self) -> None: ...
    def hurry(self, urgent: bool) -> None: ...
    def leave(self) -> None: ...


class AlwaysMine:
    """The turn of the only writer there is."""

    wake: Callable[[], None]

    def take(self) -> bool:
        return True

    def give(self) -> None: ...
    def hurry(self, urgent: bool) -> None: ...
    def leave(self) -> None: ...


class Writer:
    """Starts with `start`, ends with `stop`; what was submitted before the stop is still done."""

    def __init__(self, deadlines: Callable[[], int], turn: Turn | None = None, queue_max: int = QUEUE_MAX) -> None:
        self._deadlines = deadlines
        self._turn: Turn = turn or AlwaysMine()
        self._turn.wake = self._my_turn
        self._queue_max = queue_max
        self._held = False  # the next task is a bite of intake, and it is another's turn
        self._tasks: list[tuple[int, int, Future[Any], Callable[[], Any]]] = []
        self._changed = threading.Condition()
        self._count = 0
        self._stopping = False
        self._thread = threading.Thread(target=copy_context().run, args=(self._run,), name="tocsin-writer", daemon=True)
        self.failures = 0
        self.looked_at = monotonic()

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout: float) -> bool:
        """Whether everything submitted was done within `timeout` seconds."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def submit(self, task: Callable[[], Result], urgency: Urgency = Urgency.COMMAND) -> Future[Result]:
        """The task's future. Raises Overloaded when too much waits, RuntimeError after `stop`."""
        future: Future[Result] = Future()
        with self._changed:
            if self._stopping:
                raise RuntimeError("the writer has stopped")
            if len(self._tasks) >= self._queue_max and urgency is Urgency.INTAKE:
                raise Overloaded(f"{len(self._tasks)} tasks wait for the writer")
            self._count += 1
            heapq.heappush(self._tasks, (urgency, self._count, future, task))
            self._changed.notify()
        return future

    @property
    def waiting(self) -> int:
        return len(self._tasks)

    def _run(self) -> None:
        while True:
            with self._changed:
                if self._held or not (self._tasks or self._stopping):
                    self._changed.wait(max(0.0, self.looked_at + POLL_SECONDS - monotonic()))
                    self._held = False
                if not self._tasks and self._stopping:
                    break
                command = self._tasks and self._tasks[0][0] == Urgency.COMMAND
                task = heapq.heappop(self._tasks) if command else None
            if task is None:
                self._look_at_deadlines()
                task = self._next()
            if task is not None:
                self._do(*task)
        self._turn.leave()

    def _next(self) -> tuple[int, int, Future[Any], Callable[[], Any]] | None:
        """The most urgent task, unless it is intake and the turn is another's."""
        with self._changed:
            if not self._tasks:
                return None
            self._held = self._tasks[0][0] == Urgency.INTAKE and not self._turn.take()
            return None if self._held else heapq.heappop(self._tasks)

    def _my_turn(self) -> None:
        with self._changed:
            self._held = False
            self._changed.notify()

    def _look_at_deadlines(self) -> None:
        if monotonic() - self.looked_at < POLL_SECONDS:
            return
        self._turn.hurry(True)
        try:
            while self._deadlines():
                if self._tasks and self._tasks[0][0] == Urgency.COMMAND:
                    break
        except Exception:  # the last handler: a poisoned stream must not end the thread that pages everybody else
            self.failures += 1
            log.exception("looking at the deadlines failed")
        self.looked_at = monotonic()
        self._turn.hurry(False)

    def _do(self, urgency: int, _: int, future: Future[Any], task: Callable[[], Any]) -> None:
        if urgency < Urgency.RECEIPT:
            self._turn.hurry(True)
        if future.set_running_or_notify_cancel():
            try:
                future.set_result(task())
            except BaseException as error:  # handed to whoever asked
                future.set_exception(error)
        if urgency < Urgency.RECEIPT:
            self._turn.hurry(False)
        elif urgency == Urgency.INTAKE:
            self._turn.give()
