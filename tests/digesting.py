"""A digest with everything around it, without threads: the clock, the store and the crash are in the test's hands."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from tocsin.clock import ManualClock
from tocsin.core.incident import Incident
from tocsin.core.policy import Policy, Severity
from tocsin.digest.alerttable import AlertTable
from tocsin.digest.digest import Digest
from tocsin.engine import Engine
from tocsin.intake.committer import Accepted, Committer
from tocsin.intake.formats import FORMATS
from tocsin.intake.memoryjournal import MemoryJournal
from tocsin.intake.packed import Packer
from tocsin.intake.postable import KIND
from tocsin.intake.times import microseconds
from tocsin.ports import IndexRow, Store
from tocsin.store.memory import MemoryStore

T0 = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
TENANT = "default"


def policy(**more: Any) -> Policy:
    severities = tuple(Severity(id=f"P{rank}", rank=rank) for rank in range(4))
    return Policy(title="Guide", severities=severities, **more)


def alert(
    name: str = "DiskFull", *, starts: datetime | None = None, ends: datetime | None = None, **labels: str
) -> Any:
    made: dict[str, Any] = {"labels": {"alertname": name, **labels}, "annotations": {"summary": f"{name} happened"}}
    if starts:
        made["startsAt"] = starts.isoformat()
    if ends:
        made["endsAt"] = ends.isoformat()
    return made


class World:
    """`digest` is replaced by `crash`; store, journal and clock stay."""

    def __init__(self, store: Store | None = None, rules: Policy | None = None) -> None:
        self.clock = ManualClock(T0)
        self.store: Store = store or MemoryStore(self.clock)
        self.journal = MemoryJournal()
        self.ids = itertools.count(1)
        self.posts = itertools.count()
        self.order = 0
        self.tasks: list[Callable[[], object]] = []
        self.elapsed = 0.0  # of the digest's own clock, in seconds; it paces the bites
        self.digest: Digest
        self.engine: Engine
        self._start()
        self.engine.guides.activate(TENANT, "Guide", rules or policy())
        self.digest.settler.changed(TENANT)

    def _start(self) -> None:
        self.engine = Engine(self.store, new_id=lambda: f"i{next(self.ids)}")
        self.tasks.clear()
        parsers = {name: each.parse for name, each in FORMATS.items()}
        self.digest = Digest(
            self.engine,
            AlertTable(),
            self.journal,
            parsers,
            submit=self.tasks.append,
            elapsed=lambda: self.elapsed,
        )
        self.digest.load()

    def crash(self) -> None:
        """The process is gone; what store and journal hold is all there is."""
        self._start()

    @property
    def now(self) -> datetime:
        return self.clock.now()

    def after(self, **span: float) -> datetime:
        return self.clock.advance(timedelta(**span))

    def accept(self, body: bytes, kind: str = KIND, source: str = "prometheus", **meta: str) -> Accepted:
        """Durable, and waiting for the digest."""
        downstream = _Kept()
        committer = Committer(self.journal, self.clock, downstream, last_order_us=self.order)
        entry = Accepted(TENANT, source, kind, microseconds(self.now), body, meta)
        if kind == KIND and next(self.posts) % 2:  # every other one comes from the porch
            entry.said = Packer().pack(body)
        committer.submit_together([entry], lambda told: None)
        (accepted,) = downstream.kept
        self.order = accepted.order_us
        self.digest.feed([accepted])
        return accepted

    def post(self, *alerts: Any, **how: str) -> Accepted:
        """Accepted and digested."""
        accepted = self.accept(json.dumps(list(alerts)).encode(), **how)
        self.run()
        return accepted

    def run(self) -> None:
        while self.tasks:
            self.tasks.pop(0)()
        self.digest.bite()  # a large bite is followed by a pause; not here
        self.digest.tick(self.now)
        while self.tasks:
            self.tasks.pop(0)()

    # --- asking -------------------------------------------------------------------------------------------------------

    def rows(self) -> list[IndexRow]:
        return self.store.listing(TENANT, limit=1_000)[0][::-1]

    def incidents(self) -> list[Incident]:
        return [self.engine.load(TENANT, row.incident) for row in self.rows()]

    @property
    def incident(self) -> Incident:
        (found,) = self.incidents()
        return found

    def state(self) -> list[tuple[Any, ...]]:
        """Everything that must not depend on when the process died."""
        table = self.digest.table
        slots = [slot for slot in range(len(table.flags)) if not table.flags[slot] & 8]
        bodies = self.store.alert_bodies(slots) | {slot: table.bodies[slot] for slot in slots if slot in table.bodies}
        return sorted(
            (
                table.name(slot), table.starts[slot], table.ends[slot], table.fires(slot), table.updated[slot],
                table.count[slot], table.incident_of(slot), bodies.get(slot),
            )
            for slot in slots
        )  # fmt: skip


class _Kept:
    def __init__(self) -> None:
        self.kept: list[Accepted] = []

    def feed(self, group: Sequence[Accepted]) -> None:
        self.kept.extend(group)

    def undigested(self) -> tuple[int, int]:
        return 0, 0
