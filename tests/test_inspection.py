"""The daily check of the audit trail: over a real log, honest and not."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tocsin.audit import audited
from tocsin.clock import ManualClock
from tocsin.core.ledger import Draft, decode
from tocsin.ports import DEFAULT_TENANT, Store
from tocsin.proof.inspection import Inspection, last_check
from tocsin.store.sqlite import SqliteStore
from tocsin.verifier import Report
from tocsin.writer import Overloaded

T0 = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
DAY = timedelta(days=1)


class House:
    """A store, an inspection of it, and whoever is told."""

    def __init__(self, path: Path) -> None:
        self.clock = ManualClock(T0)
        self.store = SqliteStore(path, self.clock)
        self.told: list[str] = []
        self.busy = False
        self.inspection = Inspection(self, DEFAULT_TENANT, self.clock, self._tell)
        notes = [Draft(actor="ana", action="x", resource_type="y", resource=str(n)) for n in range(20)]
        self.store.record(DEFAULT_TENANT, notes)

    async def _tell(self, text: str) -> None:
        self.told.append(text)

    async def run(self, fn: Callable[[Store], Any]) -> None:
        if self.busy:
            raise Overloaded("the writer has enough to do")
        fn(self.store)

    async def audited(self, tenant: str) -> Report:
        return audited(self.store, tenant)

    def look(self, **later: float) -> bool:
        self.clock.advance(timedelta(**later))
        return asyncio.run(self.inspection.look_if_due())

    @property
    def actions(self) -> list[str]:
        return [decode(each.body).action for each in self.store.audit_newest(DEFAULT_TENANT)]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path / "tocsin.db")
    yield made
    made.store.close()


def test_a_start_is_not_kept_waiting_and_then_it_is_once_a_day(house: House) -> None:
    looks = [house.look(minutes=9), house.look(minutes=1), house.look(hours=23, minutes=59), house.look(minutes=1)]

    assert looks == [False, True, False, True]
    assert house.actions.count("log.checked") == 2


def test_an_honest_log_is_said_to_be_whole_and_nobody_is_called(house: House) -> None:
    house.look(minutes=10)

    found = last_check(house.store, DEFAULT_TENANT)
    assert found is not None and (found.entries, found.violations, found.at) == (20, 0, T0 + timedelta(minutes=10))
    assert house.inspection.figures() == {"audit_checked_entries": 20, "audit_violations": 0}
    assert house.told == [] and house.actions[0] == "log.checked"
    assert decode(house.store.audit_newest(DEFAULT_TENANT)[0].body).detail == "20 entries, whole"


@pytest.mark.parametrize(
    "attack",
    [
        "UPDATE audit SET body = replace(CAST(body AS TEXT), 'ana', 'eve') WHERE seq = 7",
        "DELETE FROM audit WHERE seq = 7",
        "DELETE FROM audit WHERE seq >= 15",
    ],
)
def test_what_was_changed_behind_our_back_is_told_and_stays_in_the_log(house: House, attack: str) -> None:
    with closing(sqlite3.connect(house.store.path)) as db:
        triggers = db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit'").fetchall()
        for (name,) in triggers:  # whoever has the database has these, too
            db.execute(f"DROP TRIGGER {name}")
        db.execute(attack)
        db.commit()

    house.look(minutes=10)

    found = last_check(house.store, DEFAULT_TENANT)
    assert found is not None and found.violations >= 1
    assert len(house.told) == 1 and "the audit trail is not whole" in house.told[0]
    assert house.inspection.figures()["audit_violations"] == found.violations


def test_a_busy_writer_is_asked_again_at_the_next_look(house: House) -> None:
    house.busy = True
    first = house.look(minutes=10)
    house.busy = False
    second = house.look(minutes=1)

    assert (first, second) == (False, True)
    assert house.told == []


def test_nothing_is_counted_before_the_first_check(house: House) -> None:
    assert house.inspection.figures() == {}
    assert last_check(house.store, DEFAULT_TENANT) is None
