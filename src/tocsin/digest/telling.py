"""Telling the engine what a bite found out: a group per incident or key, in one transaction with the alert states."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from tocsin.core.alert import Verdict, title_of
from tocsin.core.cells import BLOCK
from tocsin.core.facts import AlertName
from tocsin.core.incident import Refused
from tocsin.core.triage import Flap
from tocsin.digest import blocks
from tocsin.digest.alerttable import AlertTable
from tocsin.digest.pending import Word
from tocsin.engine import Engine, Group, NotFound
from tocsin.intake.postable import Body
from tocsin.intake.times import EPOCH
from tocsin.ports import AlertChanges

NAMED = 3  # alerts of a group that a fact names; the table has them all
POISON = (ValueError, LookupError, TypeError, AssertionError, Refused, NotFound)  # this group will fail every time

_decoder = msgspec.json.Decoder(Body)


class _Labels(msgspec.Struct, gc=False):
    labels: dict[str, str]


_labels = msgspec.json.Decoder(_Labels)
_log = logging.getLogger(__name__)


class Fired:
    """The labels of what began to fire, by slot, decoded when they are asked for: those of a whole bite at once are as
    much memory as all the rest of it."""

    def __init__(self, known: Mapping[int, dict[str, str] | None], bodies: Mapping[int, bytes]) -> None:
        """`known`: None for those whose labels are in `bodies`."""
        self.known, self._bodies = known, bodies

    def __getitem__(self, slot: int) -> dict[str, str]:
        known = self.known[slot]
        return _labels.decode(self._bodies[slot]).labels if known is None else known


class Gathered:
    """What will be said about one incident or key."""

    def __init__(self, slot: int, verdict: Verdict | None, incident: str | None, because: str = "") -> None:
        self.first, self.verdict, self.incident, self.because = slot, verdict, incident, because
        self.fired: list[int] = []
        self.cleared: list[int] = []
        self.flap: Flap | None = None
        self.word: Word | None = None


Groups = dict[tuple[str, str], Gathered]  # (tenant, what) -> group


class Teller:
    """Writer thread."""

    def __init__(self, engine: Engine, table: AlertTable) -> None:
        self._engine, self._store, self._table = engine, engine.store, table
        self.failed = 0  # groups that the engine could not take

    def bodies(self, slots: Sequence[int]) -> dict[int, Body]:
        """Labels, annotations and links, the newest ones, wherever they are."""
        return {slot: _decoder.decode(body) for slot, body in self._encoded(slots).items()}

    def labels(self, slots: Sequence[int]) -> dict[int, dict[str, str]]:
        """The labels alone: a start reads those of everything that fires."""
        return {slot: _labels.decode(body).labels for slot, body in self._encoded(slots).items()}

    def _encoded(self, slots: Sequence[int]) -> dict[int, bytes]:
        new = {slot: self._table.bodies[slot] for slot in slots if slot in self._table.bodies}
        return new | self._store.alert_bodies([slot for slot in slots if slot not in new])

    def report(
        self,
        groups: Groups,
        slots: Iterable[int],
        consumed: int | None,
    ) -> None:
        """Groups, rows and the journal's position are committed, by tenant.

        All tenants but the last commit without `consumed`: what is read again after a crash does no harm."""
        by_tenant: dict[str, tuple[list[Gathered], list[int]]] = {}
        for tenant, mine in self._table.by_tenant(slots).items():
            by_tenant[tenant] = ([], mine)
        for (tenant, _), gathered in groups.items():
            by_tenant.setdefault(tenant, ([], []))[0].append(gathered)
        if not by_tenant and consumed is not None:
            self._store.commit(consumed=consumed)
        for number, (tenant, (said, mine)) in enumerate(by_tenant.items(), 1):
            upto = consumed if number == len(by_tenant) else None
            try:
                self._commit(tenant, said, mine, upto)
            except POISON:
                self._one_by_one(tenant, said, mine, upto)

    def _one_by_one(
        self,
        tenant: str,
        said: list[Gathered],
        slots: list[int],
        consumed: int | None,
    ) -> None:
        """One group that cannot be dealt with must not keep the others from being heard."""
        for gathered in said:
            try:
                mine = [*gathered.fired, *gathered.cleared]
                before = {n: cells for n, _, cells in self._store.alert_blocks([slot // BLOCK for slot in mine])}
                self._commit(tenant, [gathered], mine, None, before)
            except POISON as error:
                self.failed += 1
                _log.exception("alerts of %s could not be reported", gathered.verdict and gathered.verdict.key)
                self._refuse(gathered, str(error))
        self._commit(tenant, [], slots, consumed)

    def _refuse(self, gathered: Gathered, why: str) -> None:
        for slot in gathered.fired:
            verdict = self._table.verdict_of(slot)
            if verdict is not None:
                because = (*verdict.because, f"no incident could be opened: {why[:300]}")
                self._table.judge(slot, msgspec.structs.replace(verdict, outcome="not_paged", because=because))

    def _commit(
        self,
        tenant: str,
        said: list[Gathered],
        slots: Sequence[int],
        consumed: int | None,
        stored: Mapping[int, bytes] | None = None,
    ) -> None:
        table = self._table
        told: list[AlertChanges] = []

        def changes(keys: dict[str, str]) -> AlertChanges:
            for each in said:
                if each.verdict is not None:
                    table.attach(each.fired, keys.get(each.verdict.key))
            told[:] = [blocks.changes(table, tenant, slots, stored)]
            return told[0]

        # What fires is told first: an incident whose last alert clears while another begins must not end in between.
        ordered = sorted(said, key=lambda each: not each.fired)
        groups = [self._group(each) for each in ordered]
        self._engine.report(tenant, groups, changes=changes, consumed=consumed)
        for each in told:
            blocks.stored(table, each)

    def _group(self, each: Gathered) -> Group:
        table, slot = self._table, each.first
        named = [*each.fired[:NAMED], *each.cleared[:NAMED]]
        bodies = self.bodies(named)
        titles = {}
        for some in named:
            body = bodies.get(some)
            titles[some] = title_of(body.labels, body.annotations) if body else "alert"
        names = [
            AlertName(fingerprint=table.name(n), starts_at=instant(table.starts[n]), title=titles[n]) for n in named
        ]
        count = len(each.fired[:NAMED])
        return Group(
            key=each.verdict.key if each.verdict and each.fired else "",
            verdict=each.verdict if each.fired else None,
            incident=each.incident,
            title=titles.get(slot, ""),
            source=table.source_of(slot),
            fired=tuple(names[:count]),
            fired_count=len(each.fired),
            cleared=tuple(names[count:]),
            cleared_count=len(each.cleared),
            because=each.because or "resolved",
            acknowledged_by=each.word.acknowledged_by if each.word else None,
            acknowledged_alert=table.name(slot) if each.word else "",
            acknowledged_said_at=each.word.said_at if each.word else None,
            note=each.word.note if each.word else "",
            flapping_until=each.flap.quiet_until if each.flap else None,
            transitions=each.flap.transitions if each.flap else 0,
        )


def instant(microseconds: int) -> datetime:
    return EPOCH + timedelta(microseconds=microseconds)
