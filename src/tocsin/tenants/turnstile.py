"""Whose intake is digested now: one bite of one tenant at a time, in turn, and none while a deadline is looked at.

All tenants share one interpreter. A tenant that digests takes the processor from another whose page is due, so the
bites take turns, and a bite waits while another tenant works through its deadlines. Deadlines wait for nobody.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

from tocsin.clock import monotonic

YIELD_SECONDS = 1.0  # a bite waits so long for the deadlines of others: a tenant that is always busy must not stop all
ABSENT_SECONDS = 0.12  # whose turn it is and who does not come is passed; a writer looks around ten times a second


class Turnstile:
    """Shared by the writers of all tenants; every call returns at once."""

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._holder: Turn | None = None
        self._freed_at = now()
        self._waiting: OrderedDict[Turn, float] = OrderedDict()  # since when
        self._urgent: set[Turn] = set()

    def take(self, turn: Turn) -> bool:
        """Whether `turn` may digest one bite now; else it stands in line, and is woken."""
        now = self._now()
        with self._lock:
            since = self._waiting.setdefault(turn, now)
            yields = bool(self._urgent - {turn}) and now - since < YIELD_SECONDS
            first = next(iter(self._waiting))
            passed = first is not turn and now - max(self._freed_at, self._waiting[first]) < ABSENT_SECONDS
            if self._holder is not None or yields or passed:
                return False
            del self._waiting[turn]
            self._holder = turn
            return True

    def give(self, turn: Turn) -> None:
        """The bite is over: whoever is first in line is woken."""
        with self._lock:
            if self._holder is not turn:
                return
            self._holder, self._freed_at = None, self._now()
        self._wake()

    def hurry(self, turn: Turn, urgent: bool) -> None:
        """Whether `turn` works through its deadlines."""
        with self._lock:
            if urgent:
                self._urgent.add(turn)
                return
            self._urgent.discard(turn)
        self._wake()

    def leave(self, turn: Turn) -> None:
        """The tenant's writer has ended."""
        with self._lock:
            self._waiting.pop(turn, None)
            self._urgent.discard(turn)
        self.give(turn)

    def _wake(self) -> None:
        with self._lock:
            first = next(iter(self._waiting), None)
        if first is not None:
            first.wake()


class Turn:
    """One tenant's place at the turnstile. `wake` is called, from any thread, when it may be its turn."""

    def __init__(self, turnstile: Turnstile) -> None:
        self._turnstile = turnstile
        self.wake: Callable[[], None] = lambda: None

    def take(self) -> bool:
        return self._turnstile.take(self)

    def give(self) -> None:
        self._turnstile.give(self)

    def hurry(self, urgent: bool) -> None:
        self._turnstile.hurry(self, urgent)

    def leave(self) -> None:
        self._turnstile.leave(self)
