"""Duties of the guides in force, through the engine and both stores: begun once, reminded, kept over a restart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import msgspec
import pytest

from tocsin.clock import ManualClock
from tocsin.core import commands as c
from tocsin.core.people import Method, Person
from tocsin.core.policy import Deadline, Drill, Duty, Policy, Severity
from tocsin.engine import Engine
from tocsin.http.api_duties import DutyView, duties
from tocsin.ports import DEFAULT_TENANT as TENANT, IndexRow, Store
from tocsin.store.memory import MemoryStore
from tocsin.store.sqlite import SqliteStore
from tocsin.watch.upkeep import DrillsKept, reconcile

T0 = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
DAY = timedelta(days=1)
WEEKLY = Duty(title="Test the channels weekly", every=Deadline(seconds=604_800))
MONTHLY = Duty(title="Review the runbooks monthly", every=Deadline(months=1))
GUIDE = Policy(title="Guide", severities=(Severity(id="P1", rank=0),), duties=(WEEKLY, MONTHLY))
EVE = Person(id="eve", roles=("upkeep",), methods=(Method(kind="console", address="eve"),))


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock) -> Store:
    found: Store = MemoryStore(clock) if request.param == "memory" else SqliteStore(tmp_path / "t.db", clock)
    request.addfinalizer(found.close)
    return found


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(T0)


def engine_of(store: Store) -> Engine:
    numbers = count()
    made = Engine(store, new_id=lambda: f"i{next(numbers)}")
    store.put(TENANT, "person", "eve", msgspec.json.encode(EVE))
    return made


def started(store: Store, policy: Policy = GUIDE) -> Engine:
    engine = engine_of(store)
    engine.guides.activate(TENANT, "guide", policy)
    reconcile(engine, TENANT)
    return engine


def rows(store: Store) -> list[IndexRow]:
    return store.listing(TENANT, kind="duty")[0]


def shown(store: Store) -> dict[str, DutyView]:
    return {each.name: each for each in duties(store, TENANT)}


def test_every_duty_is_a_stream_that_no_list_of_incidents_shows(store: Store) -> None:
    started(store)

    assert list(shown(store)) == ["test-the-channels-weekly", "review-the-runbooks-monthly"]
    assert store.listing(TENANT) == ([], None)
    assert store.next_wake() == T0 + timedelta(days=5.6)


def test_doing_it_again_changes_nothing(store: Store) -> None:
    engine = started(store)
    before = [store.facts(TENANT, row.incident) for row in rows(store)]

    reconcile(engine, TENANT)
    reconcile(engine_of(store), TENANT)

    assert [store.facts(TENANT, row.incident) for row in rows(store)] == before


def test_a_duty_is_reminded_of_missed_and_kept_after_a_restart(store: Store, clock: ManualClock) -> None:
    started(store)
    again = engine_of(store)
    clock.advance(8 * DAY)

    assert again.wake() == 1
    page = again.lease()[0]

    assert (page.person, page.notice) == ("eve", True)
    described = again.describe(page)
    assert described is not None and described.kind == "duty"
    assert shown(store)["test-the-channels-weekly"].state == "missed"

    again.handle(TENANT, page.incident, c.KeepDuty(by="eve"))
    found = shown(store)["test-the-channels-weekly"]
    assert (found.state, found.due_at, found.missed, found.kept_by) == ("owed", T0 + 15 * DAY, 1, "eve")


def test_a_guide_that_asks_no_more_ends_the_duty(store: Store) -> None:
    engine = started(store)

    engine.guides.activate(TENANT, "guide", msgspec.structs.replace(GUIDE, duties=(MONTHLY,)))
    reconcile(engine, TENANT)

    assert list(shown(store)) == ["review-the-runbooks-monthly"]
    assert len(rows(store)) == 2


def test_two_guides_that_ask_for_the_same_have_two_duties(store: Store) -> None:
    engine = started(store)

    engine.guides.activate(TENANT, "Other", msgspec.structs.replace(GUIDE, duties=(WEEKLY,)))
    reconcile(engine, TENANT)

    assert "test-the-channels-weekly-other" in shown(store)


def test_whoever_listens_to_incidents_hears_of_no_duty(store: Store) -> None:
    engine = engine_of(store)
    heard: list[str] = []
    engine.subscribe(lambda tenant, stream, version: heard.append(stream))
    engine.guides.activate(TENANT, "guide", GUIDE)

    reconcile(engine, TENANT)

    assert heard == []


def test_action_items_are_found_without_reading_other_incidents(store: Store) -> None:
    engine = started(store)
    plain = engine.declare(TENANT, c.Declare(title="a", severity="P1"))
    taught = engine.declare(TENANT, c.Declare(title="b", severity="P1"))
    command = c.AddActionItem(by="eve", title="learn", owner="eve", due_on="2026-12-15")
    engine.handle(TENANT, taught.id, command)

    found, _ = store.listing(TENANT, actions=True)

    assert [(row.incident, row.actions) for row in found] == [(taught.id, 1)]
    assert plain.id != taught.id


SMALL = Drill(title="Monthly P2 simulation", every=Deadline(months=1), severities=("P2",))
LARGE = Drill(title="Quarterly P1 simulation", every=Deadline(months=3), severities=("P1",))
YEARLY = Drill(title="Annual disaster recovery exercise", every=Deadline(months=12))
TWO = (Severity(id="P1", rank=0), Severity(id="P2", rank=1))


def drilled(store: Store, clock: ManualClock, *drills: Drill, severity: str = "P2", drill: bool = True) -> list[str]:
    """The duties that are kept by an incident of this severity, a day after they began."""
    engine = started(store, Policy(title="Guide", severities=TWO, drills=drills))
    DrillsKept(engine)
    clock.advance(DAY)
    said = c.Declare(by="ana", title="The database is gone", severity=severity, drill=drill)
    incident = engine.declare(TENANT, said)
    engine.handle(TENANT, incident.id, c.Acknowledge(by="ana"))
    assert not [each for each in duties(store, TENANT) if each.kept_at]
    engine.handle(TENANT, incident.id, c.Resolve(by="ana"))
    kept = [each for each in duties(store, TENANT) if each.kept_at]
    assert all(each.kept_by == "ana" for each in kept)
    return [each.title for each in kept]


def test_a_drill_that_was_carried_through_keeps_the_duty_of_its_severity(store: Store, clock: ManualClock) -> None:
    assert drilled(store, clock, SMALL, LARGE, YEARLY) == [SMALL.title]


def test_a_drill_of_another_severity_keeps_no_other_duty(store: Store, clock: ManualClock) -> None:
    assert drilled(store, clock, LARGE, YEARLY) == []


def test_the_only_drill_of_a_guide_is_kept_by_any(store: Store, clock: ManualClock) -> None:
    assert drilled(store, clock, YEARLY, severity="P1") == [YEARLY.title]


def test_an_incident_that_was_no_drill_keeps_none(store: Store, clock: ManualClock) -> None:
    assert drilled(store, clock, SMALL, LARGE, drill=False) == []
