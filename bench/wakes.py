"""How late a due act is done while 100,000 incidents wait for theirs and 200 fall due every second."""

from __future__ import annotations

import itertools
import time
from datetime import datetime, timedelta
from pathlib import Path

from bench.systems import Failed, Tocsin
from tocsin.clock import ManualClock, SystemClock
from tocsin.core.alert import Verdict
from tocsin.core.facts import PromiseAtRisk
from tocsin.core.policy import Deadline, Policy, Severity
from tocsin.core.promises import AT_RISK
from tocsin.engine import Engine, Group
from tocsin.ports import DEFAULT_TENANT
from tocsin.store.sqlite import SqliteStore

PENDING = 100_000
RATE = 200  # per second
SECONDS = 20  # of falling due
LEAD_SECONDS = 10  # for the server to start
RESPOND_SECONDS = 3_600
TRIAL = 2_000  # incidents opened beforehand, to learn how long it takes


def wake_lateness(directory: Path) -> dict[str, float]:
    """Percentiles in milliseconds over the acts that fell due. Raises Failed when one was not done."""
    data = directory / "data"
    data.mkdir(parents=True)
    seeding = time.monotonic()
    first = _seed(data)
    seeded = time.monotonic() - seeding
    # the incidents were opened so that the first falls due at `first`; the server starts in time for it
    while (left := (first - SystemClock().now()).total_seconds() - LEAD_SECONDS) > 0:
        time.sleep(min(left, 1))
    system = Tocsin(directory)
    try:
        while (SystemClock().now() - first).total_seconds() < SECONDS + 3:
            time.sleep(0.2)
    finally:
        system.stop()
    late = sorted(_lateness(data, RATE * SECONDS))
    if len(late) < RATE * SECONDS:
        raise Failed(f"tocsin: of {RATE * SECONDS} due acts {len(late)} were done")
    return {
        "acts": len(late),
        "p50 ms": round(late[len(late) // 2], 1),
        "p99 ms": round(late[int(len(late) * 0.99)], 1),
        "max ms": round(late[-1], 1),
        "seeding s": round(seeded, 1),
    }


def _seed(data: Path) -> datetime:
    """`PENDING` incidents that fall due one after the other, `RATE` per second; when the first of them does."""
    began = time.monotonic()
    _open(data / "trial.db", TRIAL, SystemClock().now())
    expected = (time.monotonic() - began) / TRIAL * PENDING
    first = SystemClock().now() + timedelta(seconds=expected * 1.5 + LEAD_SECONDS + 10)
    _open(data / "tocsin.db", PENDING, first - timedelta(seconds=RESPOND_SECONDS * AT_RISK))
    if SystemClock().now() + timedelta(seconds=LEAD_SECONDS) > first:
        raise Failed("the machine became too slow while 100,000 incidents were prepared")
    return first


def _open(path: Path, count: int, at: datetime) -> None:
    clock = ManualClock(at)
    store = SqliteStore(path, clock)
    try:
        numbers = itertools.count()
        engine = Engine(store, new_id=lambda: f"{next(numbers):032x}")
        severity = Severity(id="P1", rank=0, respond_within=Deadline(seconds=RESPOND_SECONDS))
        engine.guides.activate(DEFAULT_TENANT, "Bench", Policy(title="Bench", severities=(severity,)))
        done = 0
        while done < count:
            # those that fall due in the measurement do so evenly; the rest only has to wait
            step = min(RATE // 4 if done < RATE * (SECONDS + 10) else 1_000, count - done)
            keys = [f"k{n}" for n in range(done, done + step)]
            verdicts = [Verdict(outcome="page", guide="Bench", severity="P1", key=key) for key in keys]
            groups = [Group(key=each.key, verdict=each, title=each.key, fired_count=1) for each in verdicts]
            engine.report(DEFAULT_TENANT, groups)
            done += step
            clock.advance(timedelta(seconds=step / RATE))
    finally:
        store.close()


def _lateness(data: Path, count: int) -> list[float]:
    """Milliseconds between when each of the first `count` promises came at risk and when that was recorded."""
    store = SqliteStore(data / "tocsin.db", SystemClock())
    try:
        share = timedelta(seconds=RESPOND_SECONDS * (1 - AT_RISK))
        found = []
        for n in range(count):
            for fact in store.facts(DEFAULT_TENANT, f"{n:032x}"):
                if isinstance(fact, PromiseAtRisk):
                    found.append((fact.at - (fact.due_at - share)).total_seconds() * 1e3)
        return found
    finally:
        store.close()
