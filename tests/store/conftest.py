from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.store.given import T0
from tocsin.clock import ManualClock
from tocsin.ports import Store
from tocsin.store.memory import MemoryStore
from tocsin.store.sqlite import SqliteStore


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(T0)


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock) -> Iterator[Store]:
    made: Store = MemoryStore(clock) if request.param == "memory" else SqliteStore(tmp_path / "tocsin.db", clock)
    yield made
    made.close()


@pytest.fixture
def sqlite(tmp_path: Path, clock: ManualClock) -> Iterator[SqliteStore]:
    made = SqliteStore(tmp_path / "tocsin.db", clock)
    yield made
    made.close()
