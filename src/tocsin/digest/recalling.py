"""After a restart: what triage remembered of firing alerts and of turns, read back from the rows of the alert table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from tocsin.core.alert import Verdict
from tocsin.core.cells import FREE
from tocsin.digest.alerttable import ENDED, AlertTable
from tocsin.digest.judging import Judge
from tocsin.digest.telling import instant
from tocsin.intake.times import microseconds

TURNS_SECONDS = 3_600  # longer than any flapping window in use; older turns say nothing
CHUNK = 1_000  # bodies read at once


def recall_firing(table: AlertTable, judge: Judge, tenant: str, now: datetime) -> None:
    """How many alerts of each key fire, and what thresholds have counted."""
    slots = table.slots(tenant)
    one = {table.verdict[slot]: slot for slot in slots}
    for number, count in Counter(map(table.verdict.__getitem__, slots)).items():
        verdict = table.verdict_of(one[number])
        if verdict is not None and verdict.outcome == "page":
            judge.loaded(verdict, count)
    counting = {number for number, slot in one.items() if _counts(judge, table.verdict_of(slot))}
    for slot in slots if counting else ():
        verdict = table.verdict_of(slot) if table.verdict[slot] in counting else None
        if verdict is not None:
            began = min(instant(table.starts[slot]), now)
            judge.counted(verdict, table.name(slot), instant(table.starts[slot]), began)


def _counts(judge: Judge, verdict: Verdict | None) -> bool:
    return verdict is not None and judge.is_counted(verdict)


def recall_turns(table: AlertTable, judge: Judge, tenant: str, now: datetime) -> None:
    """Which keys turned lately: their episodes begin and end, and a turn is where the count of firing ones meets 0."""
    oldest = microseconds(now - timedelta(seconds=TURNS_SECONDS))
    moves: dict[str, list[tuple[int, int]]] = {}
    keys: dict[int, str] = {}  # by the number of the verdict: a start walks every episode there is
    columns = zip(table.flags, table.ends, table.starts, table.verdict, table.incident, table.tenant, strict=True)
    mine = table.tenant_number(tenant)
    for slot, (flags, ends, starts, number, incident, owner) in enumerate(columns):
        over = flags & (ENDED | FREE)
        if owner != mine or not incident or not number or (over and ends < oldest):
            continue
        key = keys.get(number)
        if key is None:
            verdict = table.verdict_of(slot)
            key = keys[number] = verdict.key if verdict else ""
        here = moves.setdefault(key, [])
        here.append((starts, 1))
        if over:
            here.append((ends, -1))
    for key, events in moves.items():
        firing, turns = 0, []
        for at, by in sorted(events):
            if (firing == 0) != (firing + by == 0):
                turns.append(instant(at))
            firing += by
        judge.turned(key, turns)


def recall_sources(
    table: AlertTable, judge: Judge, tenant: str, labels_of: Callable[[Sequence[int]], dict[int, dict[str, str]]]
) -> None:
    """Which firing alerts inhibit others."""
    slots = sorted(table.slots(tenant))  # bodies of neighbours are one blob, which is read once this way
    for start in range(0, len(slots), CHUNK):
        for slot, labels in labels_of(slots[start : start + CHUNK]).items():
            kind = judge.kind_of(labels, None)
            if kind is None or kind.source:
                judge.fired(labels, table.name(slot))
