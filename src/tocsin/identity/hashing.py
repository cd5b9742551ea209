"""Passwords as argon2id hashes: made and checked in a thread, few at once, with the same work for an unknown name."""

from __future__ import annotations

import asyncio
import gzip
from functools import cache
from importlib import import_module
from importlib.resources import files
from typing import Any

from tocsin.core.password import normal

ARGON2 = "argon2"  # loaded when somebody first signs in with a password: no start needs it
EXCEPTIONS = "argon2.exceptions"
TIME_COST, MEMORY_KIB, LANES = 2, 19 * 1024, 1  # OWASP's recommendation; some 20 ms of one core
AT_ONCE = 2  # hashes computed at once: paging must not wait for a flood of sign-ins
WAITING_MAX = 64


class Busy(Exception):
    """Too many people sign in at this moment."""


class Hasher:
    """argon2id with the parameters above, or with less memory; a hash with others is verified with its own and asked
    to be made anew."""

    def __init__(self, memory_kib: int = MEMORY_KIB) -> None:
        self._memory_kib = memory_kib
        self._slots: asyncio.Semaphore | None = None
        self._waiting = 0

    async def hashed(self, password: str) -> str:
        """Raises Busy."""
        return str(await self._run(lambda: _argon(self._memory_kib).hash(normal(password))))

    async def proved(self, stored: str, password: str) -> tuple[bool, bool]:
        """Whether the password is right, and whether its hash should be made anew. `stored` "": never right, after
        the same work. Raises Busy."""
        found: tuple[bool, bool] = await self._run(lambda: _proved(stored, password, self._memory_kib))
        return found

    async def _run(self, work: Any) -> Any:
        if self._slots is None:
            self._slots = asyncio.Semaphore(AT_ONCE)
        if self._waiting >= WAITING_MAX:
            raise Busy("too many people sign in at this moment; try again in a few seconds")
        self._waiting += 1
        try:
            async with self._slots:
                return await asyncio.to_thread(work)
        finally:
            self._waiting -= 1


@cache
def common_passwords() -> frozenset[str]:
    """The most common passwords of public leaks, in lower case."""
    text = gzip.decompress((files("tocsin.identity") / "common.txt.gz").read_bytes()).decode()
    return frozenset(text.split("\n")) - {""}


@cache
def _argon(memory_kib: int) -> Any:
    return import_module(ARGON2).PasswordHasher(time_cost=TIME_COST, memory_cost=memory_kib, parallelism=LANES)


@cache
def _nobodys(memory_kib: int) -> str:
    """A hash that no password is checked against in earnest."""
    return str(_argon(memory_kib).hash("nobody has this password"))


def _proved(stored: str, password: str, memory_kib: int) -> tuple[bool, bool]:
    wrong = import_module(EXCEPTIONS)
    argon = _argon(memory_kib)
    try:
        argon.verify(stored or _nobodys(memory_kib), normal(password))
    except (wrong.VerificationError, wrong.InvalidHashError):
        return False, False
    return bool(stored), bool(stored) and bool(argon.check_needs_rehash(stored))
