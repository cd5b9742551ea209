"""The weekly test of each contact method, as a duty that runs by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from tocsin.clock import ManualClock
from tocsin.contacts import ChannelTest, contacts_of
from tocsin.core.people import Method, Person
from tocsin.guides import Guides
from tocsin.ports import Receipt, Store
from tocsin.store.memory import MemoryStore

MONDAY = datetime(2026, 11, 23, 11, tzinfo=UTC)
ANA = Person(id="ana", methods=(Method(kind="email", address="ana@example.org"),), zone="Europe/Berlin")


class Process:
    tenant = "t"

    def __init__(self) -> None:
        self.clock = ManualClock(MONDAY)
        self.store = MemoryStore(self.clock)
        self.guides = Guides(self.store)
        self.tried: list[str] = []
        self.receipt = Receipt(code="sent")

    async def run(self, fn: Callable[[Store], Any]) -> Any:
        return fn(self.store)

    async def trial(self, person: Person, method: Method, code: str = "") -> Receipt:
        self.tried.append(f"{person.id} {method.kind}")
        return self.receipt


def test_a_method_is_tested_a_week_after_it_came_and_by_day_only():
    process = Process()
    process.store.put("t", "person", "ana", msgspec.json.encode(ANA))
    test = ChannelTest(process, process.guides)

    def look(at: datetime) -> int:
        process.clock.set(at)
        return asyncio.run(test.look())

    week = timedelta(days=7)
    assert look(MONDAY) == 0
    assert look(MONDAY + week - timedelta(hours=1)) == 0
    assert look(MONDAY + week + timedelta(hours=9)) == 0  # in the evening
    process.receipt = Receipt(code="refused", detail="full")
    assert look(MONDAY + week + timedelta(days=1)) == 1
    assert look(MONDAY + week + timedelta(days=1, minutes=10)) == 0
    assert look(MONDAY + timedelta(days=12)) == 0  # a Saturday

    (known,) = contacts_of(process.store, "t", ANA, MONDAY).methods
    assert process.tried == ["ana email"]
    assert (known.tested_ok, known.tested_detail) == (False, "refused: full")
