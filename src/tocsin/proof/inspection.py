"""The daily check of the audit trail: every entry, its chain and tree, beside the checkpoints that are kept here.

What it finds is an entry itself, a number in /metrics, and, when something is wrong, a message to whoever watches. It
judges the machine it runs on: what somebody with the signing key rewrote is found by `tocsin audit verify --anchor`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

import msgspec

from tocsin.clock import Clock
from tocsin.core import ledger
from tocsin.core.ledger import Draft
from tocsin.ports import Store
from tocsin.writer import Overloaded

if TYPE_CHECKING:  # brings `cryptography`, which no start needs
    from tocsin.verifier import Report

EVERY = timedelta(days=1)
FIRST_AFTER = timedelta(minutes=10)  # a start has better things to do than to read years of entries
LOOK_SECONDS = 60.0
CHECKED = "audit-check"  # kind of the document that holds the last check, by tenant
NAMED_MAX = 3  # violations named in an alarm; all are counted, and `tocsin audit verify` names them

log = logging.getLogger(__name__)


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """The last check: how many entries were read, how many violations were found, and the first of them in words."""

    at: datetime
    entries: int
    violations: int
    first: str = ""


class Desk(Protocol):
    """What is needed of the running process."""

    def run(self, fn: Callable[[Store], None]) -> Awaitable[None]: ...
    def audited(self, tenant: str) -> Awaitable[Report]: ...


class Inspection:
    """`found` is the last check of this process, None before the first. `alarm(text)` tells whoever watches."""

    def __init__(self, desk: Desk, tenant: str, clock: Clock, alarm: Callable[[str], Awaitable[object]]) -> None:
        self._desk = desk
        self._tenant = tenant
        self._clock = clock
        self._alarm = alarm
        self._next_at = clock.now() + FIRST_AFTER
        self.found: Checked | None = None

    async def run(self) -> None:
        """Once a day, until cancelled."""
        while True:
            await self.look_if_due()
            await asyncio.sleep(LOOK_SECONDS)

    async def look_if_due(self) -> bool:
        """Whether it was time, and the log was read from end to end."""
        now = self._clock.now()
        if now < self._next_at:
            return False
        try:
            found = judged(await self._desk.audited(self._tenant), now)
            await self._desk.run(lambda store: _noted(store, self._tenant, found))
        except Overloaded as error:  # pages go first; the next look comes soon
            log.info("audit: not checked, %s", error)
            return False
        self._next_at = now + EVERY
        self.found = found
        if found.violations:
            log.error("audit: %d violations in %d entries: %s", found.violations, found.entries, found.first)
            await self._alarm(
                f"the audit trail is not whole: {found.violations} violations, the first: {found.first}; "
                "run `tocsin audit verify`"
            )
        else:
            log.info("audit: %d entries are whole", found.entries)
        return True

    def figures(self) -> dict[str, float]:
        """For /metrics: nothing before the first check."""
        found = self.found
        return {"audit_checked_entries": found.entries, "audit_violations": found.violations} if found else {}


def judged(report: Report, at: datetime) -> Checked:
    """What a report comes to. What could not be checked counts as found: silence is no proof."""
    violations = [f"{each.code}: {each.detail}" for each in report.violations] + list(report.problems)
    return Checked(
        at=at, entries=report.entries, violations=len(violations), first="; ".join(violations[:NAMED_MAX])[:500]
    )


def last_check(store: Store, tenant: str) -> Checked | None:
    """The newest check that was finished, also before the last start."""
    body = store.get(tenant, CHECKED, "last")
    return msgspec.json.decode(body, type=Checked) if body else None


def _noted(store: Store, tenant: str, found: Checked) -> None:
    said = f"{found.entries} entries, " + (f"{found.violations} violations" if found.violations else "whole")
    store.record(
        tenant, [Draft(actor="tocsin", action=ledger.CHECKED, resource_type="log", resource=tenant, detail=said)]
    )
    store.put(tenant, CHECKED, "last", msgspec.json.encode(found))
