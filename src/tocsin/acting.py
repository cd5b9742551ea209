"""Whom the current request speaks for, and what they see. The gate says it once; the process writes the first into the
audit trail, and reads by the second.

It is the context's, not an argument, because every read and write of every face passes here and none may forget it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from tocsin.core.facts import TOCSIN
from tocsin.core.sight import Sight

_actor: ContextVar[str] = ContextVar("tocsin_actor", default=TOCSIN)
_sight: ContextVar[Sight] = ContextVar("tocsin_sight", default=None)


def speaks_for(actor: str) -> None:
    """What follows in this task is this actor's doing."""
    _actor.set(actor)


def actor() -> str:
    """Who acts; `TOCSIN` where nobody was named."""
    return _actor.get()


def sees(sight: Sight) -> None:
    """What follows in this task is seen by whoever goes by these names, private incidents included or left out."""
    _sight.set(sight)


def sight() -> Sight:
    """What is seen; None, everything, where no request asks: Tocsin itself."""
    return _sight.get()


@contextmanager
def seeing(sight: Sight) -> Iterator[None]:
    """Inside, this is what is seen: for the thread that reads or writes for a request."""
    before = _sight.set(sight)
    try:
        yield
    finally:
        _sight.reset(before)
