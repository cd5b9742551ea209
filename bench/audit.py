"""What the audit trail costs and how fast it is verified: paired runs with and without it, and a million entries.

python -m bench.audit [ENTRIES]
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.store.given import append

from tocsin.audit import audited, opened
from tocsin.clock import ManualClock
from tocsin.core.commands import Acknowledge, AddNote, Declare
from tocsin.engine import Engine
from tocsin.policyfile import load
from tocsin.ports import Store
from tocsin.store.audit import Ledger
from tocsin.store.sqlite import SqliteStore
from tocsin.verifier import Report, check_bytes

PAIRS = 11
ROUNDS = 5
COMMANDS = 400
T0 = datetime(2026, 11, 28, 3, 0, tzinfo=UTC)


class NoLedger(Ledger):
    """The store as it would be without a log."""

    def append(self, *_: object) -> None:
        """Nothing is recorded."""


def commands(store: SqliteStore) -> None:
    """People at work: incidents declared, acknowledged, written on."""
    policy = Path(__file__).parent.parent / "src/tocsin/policies/example.yaml"

    engine = Engine(store, new_id=iter(f"i{n}" for n in range(10_000)).__next__)
    engine.guides.activate("default", "example", load(policy.read_text()))
    for n in range(COMMANDS // 4):
        incident = engine.declare("default", Declare(by="ana", title=f"Trouble {n}"))
        engine.handle("default", incident.id, Acknowledge(by="ana"))
        for _ in range(2):
            engine.handle("default", incident.id, AddNote(by="ana", text="looking at the database"))


def cpu(log: bool, work: Callable[[SqliteStore], None]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder) / "tocsin.db", ManualClock(T0))
        if not log:
            store._ledger = NoLedger()
        begun = time.process_time()
        work(store)
        spent = time.process_time() - begun
        store.close()
    return spent


def appends() -> None:
    ratios = []
    for _ in range(PAIRS):
        with_log, without = cpu(True, commands), cpu(False, commands)
        ratios.append(with_log / without)
    print(f"CPU per command with the log / without: median {statistics.median(ratios):.3f} of {PAIRS} paired runs")


def honest(entries: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        clock = ManualClock(T0)
        path = Path(folder) / "tocsin.db"
        store = SqliteStore(path, clock)
        for n in range(entries // 100):
            clock.advance(timedelta(seconds=30))
            store.commit([append(f"s{n}", facts=100)])
        store.close()
        with opened(path) as snapshot:
            timed("bytes, chain and tree", entries, lambda: _bytes(snapshot))
        begun = time.process_time()
        report = audited(path, "default")
        spent = time.process_time() - begun
        print(f"everything, contents and documents too: {entries / spent:,.0f} entries/s")
        print(f"false alarms in {report.entries:,} honest entries: {len(report.violations)}")


def _bytes(store: Store) -> None:
    report = Report()
    check_bytes(store.audit_links("default"), [], {}, report)
    assert not report.violations


def timed(what: str, entries: int, work: Callable[[], object]) -> None:
    rates = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        work()
        rates.append(entries / (time.process_time() - begun))
    print(f"{what}: {statistics.median(rates):,.0f} entries/s on one core ({min(rates):,.0f} to {max(rates):,.0f})")


if __name__ == "__main__":
    appends()
    honest(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
