"""Whom the current request speaks for, what they see, and whose organisation it is. The gate says the first two once;
the process writes the first into the audit trail, reads by the second, and says the third in its log.

It is the context's, not an argument, because every read and write of every face passes here and none may forget it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from tocsin.core.facts import TOCSIN
from tocsin.core.sight import Sight
from tocsin.ports import DEFAULT_TENANT

_actor: ContextVar[str] = ContextVar("tocsin_actor", default=TOCSIN)
_tenant: ContextVar[str] = ContextVar("tocsin_tenant", default="")
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


def belongs_to(tenant: str) -> None:
    """What follows in this task or thread is this tenant's; the installation's own has no name here."""
    _tenant.set("" if tenant == DEFAULT_TENANT else tenant)


def tenant() -> str:
    """Whose work this is; empty: the installation's own."""
    return _tenant.get()


def works_for(tenant: str) -> bool:
    """Whether the work is this tenant's anyway."""
    return _tenant.get() == ("" if tenant == DEFAULT_TENANT else tenant)


@contextmanager
def working_for(tenant: str) -> Iterator[None]:
    """Inside, and in every task and thread that is begun inside, the work is this tenant's."""
    before = _tenant.get()
    belongs_to(tenant)
    try:
        yield
    finally:
        _tenant.set(before)
