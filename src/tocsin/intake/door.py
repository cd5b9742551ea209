"""The door for `/api/v2/alerts`, whichever server stands behind it: read, journal what is valid, then answer.

The bare protocol of `http/front.py` and the ASGI route share this, so that there is one behaviour.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Protocol

from tocsin.clock import Clock
from tocsin.intake.committer import Accepted, Committer, Overloaded, Told
from tocsin.intake.outcome import BUSY, FULL, Outcome, refusal
from tocsin.intake.postable import KIND, Known, PostableReader, answer
from tocsin.intake.times import microseconds

Post = tuple[str, bytes, bytes]
"""A source, what it posted, and the same as `packed.Packer` reads it."""


class Allowance(Protocol):
    """What may be handed in now (tenants/quota.py)."""

    def too_large(self, size: int) -> str | None: ...
    def admit(self) -> str | None: ...
    def took(self, alerts: int, size: int) -> None: ...
    @property
    def retry_after_seconds(self) -> int: ...


class AlertsDoor:
    """`known(tenant)`: the keys of labels that were checked before. Belongs to the thread that answers."""

    def __init__(
        self,
        committer: Committer,
        clock: Clock,
        known: Callable[[str], Known],
        allowance: Allowance | None = None,
        *,
        resolve_timeout_seconds: int = 300,
    ) -> None:
        self._committer, self._clock, self._known, self._allowance = committer, clock, known, allowance
        self._reader = PostableReader(resolve_timeout_seconds=resolve_timeout_seconds)
        self.rejected = 0  # bodies of which nothing could be kept
        self.overloaded = 0

    def post(self, tenant: str, source: str, body: bytes, tell: Callable[[Outcome], None]) -> None:
        """`tell` is called once, at the latest when the body is durable, with the answer."""
        refused = self._refused(len(body))
        if refused is not None:
            tell(refused)
            return
        received = microseconds(self._clock.now())
        reading = self._reader.read(body, received, self._known(tenant))
        status, text = answer(reading)
        if not reading.posted:
            self.rejected += status != 200
            tell(Outcome(status, text))
            return

        def done(accepted: Accepted) -> None:
            tell(FULL if accepted.error else Outcome(status, text, accepted.position))

        if self._allowance is not None:
            self._allowance.took(len(reading.posted), len(body))
        accepted = Accepted(tenant, source, KIND, received, body, {}, reading, done)
        try:
            self._committer.submit(accepted)
        except Overloaded:
            self.overloaded += 1
            tell(BUSY)

    def post_together(self, tenant: str, received_us: int, posts: Iterable[Post], told: Told) -> bool:
        """Bodies in which every alert is fine, of a tenant without limits: `told` is called with all of them, at the
        latest when they are durable. False: too much waits, and nothing was stored. For one thread, any one."""
        entries = [Accepted(tenant, source, KIND, received_us, body, {}, rows) for source, body, rows in posts]
        try:
            self._committer.submit_together(entries, told)
        except Overloaded:
            self.overloaded += len(entries)
            return False
        return True

    def _refused(self, size: int) -> Outcome | None:
        """The answer to a body that may not be taken, before anybody looks into it."""
        if self._allowance is None:
            return None
        if why := self._allowance.too_large(size):
            self.rejected += 1
            return refusal(413, why)
        if why := self._allowance.admit():
            self.overloaded += 1
            return refusal(503, f"{why}: nothing was stored", self._allowance.retry_after_seconds)
        return None

    async def posted(self, tenant: str, source: str, body: bytes) -> Outcome:
        """The same for who can wait."""
        told: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

        def tell(outcome: Outcome) -> None:
            if not told.done():
                told.set_result(outcome)

        self.post(tenant, source, body, tell)
        return await told


async def store(committer: Committer, accepted: Accepted) -> Accepted:
    """The entry, once it is durable. Raises Overloaded, or OSError when the disk takes no more."""
    told: asyncio.Future[Accepted] = asyncio.get_running_loop().create_future()

    def tell(finished: Accepted) -> None:
        if not told.done():
            told.set_result(finished)

    accepted.done = tell
    committer.submit(accepted)
    await told
    if accepted.error is not None:
        raise accepted.error
    return accepted
