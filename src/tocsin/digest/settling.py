"""Settling a bite: verdicts for what began to fire, groups by incident, one transaction with the rows of the table."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import NamedTuple

from tocsin.core.alert import Verdict
from tocsin.core.cells import FREE
from tocsin.core.incident import Incident
from tocsin.digest.alerttable import ENDED, AlertTable
from tocsin.digest.judging import HELD_BACK, Judge
from tocsin.digest.kinds import Kind
from tocsin.digest.pending import Pending
from tocsin.digest.quarantine import Changes
from tocsin.digest.recalling import recall_firing, recall_sources, recall_turns
from tocsin.digest.telling import POISON, Fired, Gathered, Groups, Teller, instant
from tocsin.engine import Engine
from tocsin.intake.times import microseconds

AGAIN_MAX = 1_000  # alerts judged again in one settlement: about as long as a bite of new ones


class Alike(NamedTuple):
    """Alerts of one kind that began to fire; `kind` None: each is a problem of its own."""

    judge: Judge
    tenant: str
    kind: Kind | None
    slots: list[int]


class Settler:
    """Writer thread. `again` are the alerts whose verdict may be out of date."""

    def __init__(self, engine: Engine, table: AlertTable) -> None:
        self._engine, self._store, self._table = engine, engine.store, table
        self._judges: dict[str, Judge] = {}
        self._again: set[int] = set()
        self._passed: set[int] = set()  # of these, those whose deadline passed: their end comes before a new verdict
        self._held: set[int] = set()  # firing, and nobody was paged for a reason that may pass
        self.changes = Changes(self._store)
        self._teller = Teller(engine, table)

    @property
    def failed(self) -> int:
        """Groups that the engine could not take."""
        return self._teller.failed

    @property
    def more(self) -> bool:
        """Whether alerts wait to be judged again."""
        return bool(self._again)

    @property
    def waits(self) -> bool:
        """`more`, or some are judged again once their end, or a refresh before it, was heard."""
        return bool(self._again or self._passed)

    @property
    def held_back(self) -> int:
        return len(self._held)

    def judge_of(self, tenant: str) -> Judge:
        judge = self._judges.get(tenant)
        if judge is None:
            judge = self._judges[tenant] = Judge(self._store, self._engine.guides, tenant)
            judge.refresh(self._store.now())
        return judge

    # --- what changes verdicts ----------------------------------------------------------------------------------------

    def changed(self, tenant: str) -> None:
        """Guides, silences or maintenance windows of the tenant were written."""
        self.judge_of(tenant).changed()

    def refresh(self, now: datetime) -> int:
        """How many tenants' circumstances changed: their firing alerts will be judged again."""
        count = 0
        for tenant, judge in self._judges.items():
            if judge.refresh(now):
                count += 1
                self._again.update(self._table.slots(tenant))
                self._recall_sources(judge, tenant)
        return count

    def load(self, now: datetime) -> None:
        """What the judges remember of firing alerts is there again, from the rows of the table."""
        table = self._table
        paged: set[int] = set()  # numbers of verdicts: a start walks every episode there is
        for slot, (flags, number) in enumerate(zip(table.flags, table.verdict, strict=True)):
            if flags & (ENDED | FREE) or number in paged:
                continue
            verdict = table.verdict_of(slot)
            if verdict is not None and verdict.outcome == "page":
                paged.add(number)
                continue
            self._again.add(slot)  # silences end, and guides are replaced, while nobody looks
            if verdict is not None and verdict.outcome in HELD_BACK:
                self._held.add(slot)
        owners = {owner: slot for slot, owner in enumerate(table.tenant) if not table.flags[slot] & FREE}
        for tenant in map(table.tenant_of, owners.values()):
            judge = self.judge_of(tenant)
            recall_firing(table, judge, tenant, now)
            recall_turns(table, judge, tenant, now)
            self._recall_sources(judge, tenant)

    def _recall_sources(self, judge: Judge, tenant: str) -> None:
        """What fires inhibits by new inhibitions too."""
        if judge.sources_unknown:
            judge.sources_unknown = False
            recall_sources(self._table, judge, tenant, self._teller.labels)

    def forget(self, now: datetime) -> None:
        for judge in self._judges.values():
            judge.forget(now)

    # --- settling -----------------------------------------------------------------------------------------------------

    def settle(self, pending: Pending, now: datetime, *, consumed: int | None, flush: bool) -> None:
        """Everything in `pending` is committed, with `consumed` and, on a `flush`, every refreshed row.

        Raises what the store raises; then nothing has changed and the same call may be made again.
        """
        self.refresh(now)
        labels = self._labels(pending.fired)
        alike = self._alike(pending, labels)
        self._tell_sources(alike, labels)
        self._tell_cleared(pending)
        again = self._judged_again(now)
        groups: Groups = {}
        for each in alike:
            self._judge_fired(each, pending, labels, now, groups)
        for slot, known in again.items():
            if slot not in pending.fired:
                self._judge_again(slot, known, now, groups)
        self._gather_cleared(pending, groups)
        self._gather_words(pending, groups)
        self._feel_moves(pending, groups, now)
        rows = dict.fromkeys(
            [*pending.fired, *pending.cleared, *again, *pending.over, *(word.slot for word in pending.words)]
        )
        if flush:
            rows |= dict.fromkeys(self._table.dirty)
        self._teller.report(groups, rows, consumed)
        self._again.difference_update(again)
        if flush:
            self._table.cleaned()

    def _labels(self, fired: dict[int, dict[str, str] | None]) -> Fired:
        bodies = self._table.bodies
        stored = [slot for slot, known in fired.items() if known is None and slot not in bodies]
        if stored:
            found = self._teller.labels(stored)
            fired = fired | {slot: found.get(slot, {}) for slot in stored}
        return Fired(fired, bodies)

    def _alike(self, pending: Pending, labels: Fired) -> list[Alike]:
        """What began to fire, by kind."""
        table, here, judge = self._table, -1, None
        found: dict[int, Alike] = {}  # by the identity of the kind, or of the judge where there is none
        groups, bodies, tenants = pending.groups, table.bodies, table.tenant
        for slot, known in labels.known.items():
            if judge is None or tenants[slot] != here:
                here, judge = tenants[slot], self.judge_of(table.tenant_of(slot))
            if known is None and slot not in groups:
                kind = judge.kind_of_body(bodies[slot], partial(labels.__getitem__, slot))
            else:
                kind = judge.kind_of(labels[slot], groups.get(slot))
            alike = found.get(id(kind or judge))
            if alike is None:
                alike = found[id(kind or judge)] = Alike(judge, table.tenant_of(slot), kind, [])
            alike.slots.append(slot)
        return list(found.values())

    def _tell_sources(self, alike: list[Alike], labels: Fired) -> None:
        """Inhibitions hold for a whole settlement: what fires in it inhibits what fires in it, whatever the order."""
        for each in alike:
            if each.judge.inhibits and (each.kind is None or each.kind.source):
                for slot in each.slots:
                    each.judge.fired(labels[slot], self._table.name(slot))

    def _tell_cleared(self, pending: Pending) -> None:
        """What ended inhibits nothing any more; what it held back is judged again."""
        table = self._table
        ended = [slot for slot in pending.cleared if self.judge_of(table.tenant_of(slot)).inhibits]
        for slot, labels in self._teller.labels(ended).items():
            name = table.name(slot)
            if self.judge_of(table.tenant_of(slot)).cleared(labels, name):
                self._again.update(
                    held for held in self._held if (given := table.verdict_of(held)) and name in given.by
                )

    def _judged_again(self, now: datetime) -> dict[int, dict[str, str]]:
        """The labels of alerts whose verdict is asked for once more; those that ended meanwhile are dropped.

        One whose deadline has passed opens nothing: after a pause of the process its silence and itself may both be
        over, and which is noticed first is chance.
        """
        chosen: list[int] = []
        now_us = microseconds(now)
        self._again |= self._passed
        self._passed.clear()
        for slot in list(self._again):
            if len(chosen) >= AGAIN_MAX:
                break
            if self._table.fires(slot) and self._table.ends[slot] > now_us:
                chosen.append(slot)
                continue
            self._again.discard(slot)
            if self._table.fires(slot):
                self._passed.add(slot)
        return self._teller.labels(chosen)

    def _judge_fired(self, alike: Alike, pending: Pending, labels: Fired, now: datetime, groups: Groups) -> None:
        """Verdicts for alerts of one kind; once one of them has settled it for all, nobody asks again."""
        table, judge = self._table, alike.judge
        for done, slot in enumerate(alike.slots):
            verdict = judge.settled(alike.kind) if alike.kind else None
            if verdict is not None:
                self._give(alike.slots[done:], verdict, alike.tenant, groups)
                return
            group, name = pending.groups.get(slot), partial(table.name, slot)
            verdict = judge.verdict(labels[slot], alike.kind, group, name, table.starts[slot], now)
            if judge.is_counted(verdict):
                self._count(judge, slot, verdict, now)
            self._give([slot], verdict, alike.tenant, groups)

    def _give(self, slots: list[int], verdict: Verdict, tenant: str, groups: Groups) -> None:
        """These alerts have this verdict, and the group that it puts them in."""
        table = self._table
        number, column = table.number_of(tenant, verdict), table.verdict
        for slot in slots:
            column[slot] = number
        if verdict.outcome == "page":
            self._group_for(groups, tenant, slots[0], verdict).fired.extend(slots)
            return
        for slot in slots:
            table.incident[slot] = 0  # an episode that fires again left its incident when it cleared
        if verdict.outcome in HELD_BACK:
            self._held.update(slots)

    def _judge_again(self, slot: int, labels: dict[str, str], now: datetime, groups: Groups) -> None:
        table = self._table
        tenant, before = table.tenant_of(slot), table.verdict_of(slot)
        verdict = self.judge_of(tenant).judge(labels, table.name(slot), instant(table.starts[slot]), now, None)
        table.judge(slot, verdict)
        (self._held.add if verdict.outcome in HELD_BACK else self._held.discard)(slot)
        if verdict.outcome != "page":
            return
        standing = self._standing(tenant, slot)
        if standing is not None:
            same = before is not None and before.outcome == "page" and before.key == verdict.key
            if standing.open or same:  # a person ended it while its alerts fired; the same verdict is no news
                return
            self._clear(groups, slot, before, "moved")
        self._group_for(groups, tenant, slot, verdict).fired.append(slot)

    def _group_for(self, groups: Groups, tenant: str, slot: int, verdict: Verdict) -> Gathered:
        """The group of the verdict's key; the worst severity in it speaks for all."""
        gathered = groups.setdefault((tenant, f"key {verdict.key}"), Gathered(slot, verdict, None))
        judge = self.judge_of(tenant)
        if gathered.verdict is not None and judge.rank(verdict) < judge.rank(gathered.verdict):
            gathered.first, gathered.verdict = slot, verdict
        return gathered

    def _count(self, judge: Judge, slot: int, verdict: Verdict, now: datetime) -> None:
        """The alerts that a threshold held back belong to the incident that this one opens."""
        if judge.counted(verdict, self._table.name(slot), instant(self._table.starts[slot]), now):
            self._again.update(
                held for held in self._held if (given := self._table.verdict_of(held)) and given.key == verdict.key
            )

    def _standing(self, tenant: str, slot: int) -> Incident | None:
        """The incident that counts the alert, wherever it was merged; None also when it cannot be read."""
        stream = self._table.incident_of(slot)
        incident = None
        try:
            while stream:
                incident = self._engine.load(tenant, stream)
                stream = incident.merged_into
        except POISON:
            return None
        return incident

    def _gather_cleared(self, pending: Pending, groups: Groups) -> None:
        for slot, because in pending.cleared.items():
            self._held.discard(slot)
            self._again.discard(slot)
            self._passed.discard(slot)
            self._clear(groups, slot, self._table.verdict_of(slot), because)

    def _clear(self, groups: Groups, slot: int, verdict: Verdict | None, because: str) -> None:
        """The incident that the alert stands in, if any, counts it no longer."""
        incident = self._table.incident_of(slot)
        if incident is not None:
            where = (self._table.tenant_of(slot), f"incident {incident} {because}")
            gathered = groups.get(where)
            if gathered is None:
                gathered = groups[where] = Gathered(slot, verdict, incident, because)
            gathered.cleared.append(slot)

    def _feel_moves(self, pending: Pending, groups: Groups, now: datetime) -> None:
        """Which keys flap. A settlement that was refused and comes again has told the judge already."""
        for (tenant, name), gathered in groups.items():
            if gathered.verdict is None:
                continue
            if (tenant, name) not in pending.told:
                pending.told.add((tenant, name))
                by = len(gathered.fired) - len(gathered.cleared)
                flap = self.judge_of(tenant).moved(gathered.verdict, by, now)
                if flap is not None:
                    pending.flaps[tenant, gathered.verdict.key] = flap
            gathered.flap = pending.flaps.get((tenant, gathered.verdict.key))

    def _gather_words(self, pending: Pending, groups: Groups) -> None:
        for number, word in enumerate(pending.words):
            incident = self._table.incident_of(word.slot)
            if incident is not None:
                gathered = Gathered(word.slot, None, incident)
                gathered.word = word
                groups[self._table.tenant_of(word.slot), f"word {number}"] = gathered
