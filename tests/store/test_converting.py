"""A database of the first schema, with a row per alert, is the same alert table afterwards."""

from __future__ import annotations

from pathlib import Path

from tests.store.given import T0
from tocsin.clock import ManualClock
from tocsin.core.alert import Verdict
from tocsin.core.merge import FOREVER
from tocsin.digest import blocks
from tocsin.digest.alerttable import AlertTable
from tocsin.store.migrate import migrate, migrations
from tocsin.store.sqlite import SqliteStore, connect

ROW = "INSERT INTO alerts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
VERDICT = b'{"outcome":"page","key":"k"}'


def test_alert_rows_become_blocks(tmp_path: Path) -> None:
    path = tmp_path / "tocsin.db"
    db = connect(path)
    migrate(db, migrations()[:1])
    for slot in range(0, 2_000, 2):
        row = (slot, "default", f"{slot:016x}", "prometheus", 0, 10, 0, 0, 77, 5, f"i{slot % 7}", VERDICT)
        db.execute(ROW, row)
        db.execute("INSERT INTO alert_bodies VALUES (?, 'default', ?)", (slot, b"body %d" % slot))
    db.execute(ROW, (1, "other", "ffffffffffffffff", "grafana", 1, 20, 30, 1, 88, 1, None, None))
    db.close()

    store = SqliteStore(path, ManualClock(T0))
    table = AlertTable()
    blocks.load(table, store)

    assert (table.firing, table.ended) == (1_000, 1)
    for number in (0, 64, 1_998):
        slot = table.slot_of("default", f"{number:016x}")
        assert slot is not None
        assert (table.starts[slot], table.ends[slot], table.updated[slot], table.count[slot]) == (10, FOREVER, 77, 5)
        assert (table.incident_of(slot), table.source_of(slot)) == (f"i{number % 7}", "prometheus")
        assert table.verdict_of(slot) == Verdict(outcome="page", key="k")
        assert store.alert_bodies([slot]) == {slot: b"body %d" % number}
    other = table.slot_of("other", "ffffffffffffffff")
    assert other is not None
    assert (table.fires(other), table.ends[other], table.incident_of(other)) == (False, 30, None)
    store.close()


def test_nothing_is_left_of_the_rows(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "tocsin.db", ManualClock(T0))
    store.close()
    db = connect(tmp_path / "tocsin.db")

    assert not db.execute("SELECT 1 FROM sqlite_master WHERE name IN ('alerts', 'alert_bodies')").fetchone()
    db.close()


def test_incidents_of_an_older_release_are_listed_by_their_category(tmp_path: Path) -> None:
    path = tmp_path / "tocsin.db"
    db = connect(path)
    migrate(db, migrations()[:7])
    stream = (
        "INSERT INTO streams (tenant, stream, version, opened_us, status, severity, rank, guide, firing, drill, "
        "reference, title, search, summary) VALUES ('default', ?, 1, 5, 'closed', 'P1', 0, 'g', 0, 0, ?, 't', 't', ?)"
    )
    for name, summary in (("a", b'{"category":"Database"}'), ("b", b'{"category":null}'), ("c", b"")):
        db.execute(stream, (name, name, summary))
    db.close()

    store = SqliteStore(path, ManualClock(T0))

    assert [each.incident for each in store.listing("default", category="database")[0]] == ["a"]
    assert len(store.listing("default")[0]) == 3
    store.close()
