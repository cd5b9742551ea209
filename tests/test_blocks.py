"""Between the alert table and the store: nothing is lost, nothing is said too early."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given, strategies as st

from tocsin.clock import ManualClock
from tocsin.core.alert import Verdict
from tocsin.core.cells import BLOCK
from tocsin.core.merge import FOREVER, fired, resolved
from tocsin.digest import blocks
from tocsin.digest.alerttable import AlertTable
from tocsin.store.memory import MemoryStore

SECOND = 1_000_000
T = "default"


def stored(store: MemoryStore, table: AlertTable, tenant: str, slots: list[int]) -> None:
    what = blocks.changes(table, tenant, slots)
    store.commit(alerts=what)
    blocks.stored(table, what)


def loaded(store: MemoryStore) -> AlertTable:
    table = AlertTable()
    blocks.load(table, store)
    return table


def world() -> tuple[MemoryStore, AlertTable]:
    return MemoryStore(ManualClock(datetime(2026, 11, 23, tzinfo=UTC))), AlertTable()


def seen(table: AlertTable, slot: int) -> tuple[object, ...]:
    return (
        table.name(slot), table.life(slot), table.count[slot], table.tenant_of(slot), table.source_of(slot),
        table.incident_of(slot), table.verdict_of(slot), table.fires(slot),
    )  # fmt: skip


def test_a_table_comes_back_from_its_blocks() -> None:
    store, table = world()
    mine = [
        table.add(T, 1, "s", fired(1, 10, 99, timeout=True), key=1),
        table.add(T, 2, "t", resolved(2, 10, 50), key=2),
        table.add(T, 2, "t", fired(4, 60, 99, timeout=False), key=2),
    ]
    others = [table.add("other", 1, "s", fired(3, 10, FOREVER, timeout=False), key=3)]
    table.attach(mine[:1], "incident")
    table.judge(mine[0], Verdict(outcome="page", key="k"))
    table.touch(mine[0])
    stored(store, table, T, mine)
    stored(store, table, "other", others)

    again = loaded(store)

    assert [seen(again, slot) for slot in (*mine, *others)] == [seen(table, slot) for slot in (*mine, *others)]
    assert sorted(again.slots(T)) == sorted(table.slots(T))
    assert again.slot_of(T, "2") == mine[2]
    assert (again.firing, again.ended) == (table.firing, table.ended)
    assert again.expired(100 * SECOND, 10) == table.expired(100 * SECOND, 10)
    assert again.dirty == []
    again.touch(mine[0])
    assert again.dirty == [mine[0]]


def test_a_neighbour_is_stored_with_its_body_because_its_row_has_heard_the_report() -> None:
    store, table = world()
    one, two = (table.add(T, n, "s", fired(1, 0, 99, timeout=False), key=n) for n in (1, 2))
    table.bodies |= {one: b"one", two: b"two"}

    stored(store, table, T, [one])

    assert store.alert_bodies([one, two]) == {one: b"one", two: b"two"}
    assert table.bodies == {}


def test_neighbours_that_are_not_told_yet_stay_as_they_were() -> None:
    store, table = world()
    one, two = (table.add(T, n, "s", fired(1, 0, 99, timeout=False), key=n) for n in (1, 2))
    stored(store, table, T, [one, two])
    three = table.add(T, 3, "s", fired(2, 0, 99, timeout=False), key=3)
    for slot in (one, two):
        table.merge(slot, resolved(2, 0, 50))
    table.bodies |= {one: b"one", three: b"three"}

    before = {number: cells for number, _, cells in store.alert_blocks()}
    what = blocks.changes(table, T, [one], before)
    store.commit(alerts=what)
    blocks.stored(table, what)

    again = loaded(store)
    assert [again.fires(slot) for slot in (one, two)] == [False, True]
    assert len(again) == 2
    assert store.alert_bodies([one, two, three]) == {one: b"one"}
    assert table.bodies == {three: b"three"}


def test_a_forgotten_alert_is_gone_with_its_body_and_its_place_is_free() -> None:
    store, table = world()
    kept, gone = (table.add(T, n, "s", resolved(1, 0, n * SECOND), key=n) for n in (900_000, 1))
    table.bodies |= {kept: b"kept", gone: b"gone"}
    stored(store, table, T, [kept, gone])
    table.prune(600_000 * SECOND)
    stored(store, table, T, table.dirty)

    again = loaded(store)

    assert store.alert_bodies([kept, gone]) == {kept: b"kept"}
    assert (len(again), again.slot_of(T, "1")) == (1, None)
    room = again.place(T, "s").room.free
    assert gone in room
    assert kept not in room


def test_words_that_no_alert_uses_any_more_are_not_loaded() -> None:
    store, table = world()
    one, two = (table.add(T, n, f"s{n}", fired(1, 0, 99, timeout=False), key=n) for n in (1, 2))
    table.attach([one], "first")
    table.attach([two], "second")
    stored(store, table, T, [one, two])
    table.attach([one], "second")
    stored(store, table, T, [one])

    again = loaded(store)

    assert again.words["incident"].find(T, b"first") is None
    assert [again.incident_of(slot) for slot in (one, two)] == ["second", "second"]
    again.attach([one], "third")
    assert [again.incident_of(slot) for slot in (one, two)] == ["third", "second"]


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(1, 150)), max_size=8))
def test_no_block_is_shared_by_tenants_before_or_after_a_restart(rounds: list[tuple[str, int]]) -> None:
    store, table = world()
    count = 0
    for tenant, many in rounds:
        slots = []
        for _ in range(many):
            count += 1
            slots.append(table.add(tenant, count, "s", fired(1, 0, 99, timeout=False), key=count))
        stored(store, table, tenant, slots)
        table = loaded(store)

    owners: dict[int, set[str]] = {}
    for tenant in ("a", "b", "c"):
        for slot in table.slots(tenant):
            owners.setdefault(slot // BLOCK, set()).add(tenant)
    assert all(len(each) == 1 for each in owners.values())
    assert sum(len(table.slots(tenant)) for tenant in ("a", "b", "c")) == count


@given(
    st.lists(
        st.one_of(
            st.tuples(st.sampled_from((T, "other")), st.integers(1, 3), st.sampled_from(("i1", "i2", "i3", None))),
            st.none(),
        ),
        max_size=25,
    )
)
def test_a_restart_never_takes_a_word_of_another_tenant_for_ones_own(steps: list[tuple[str, int, str | None] | None]):
    store, table = world()
    known: dict[tuple[str, int], str | None] = {}
    for step in steps:
        if step is None:
            table = loaded(store)
            continue
        tenant, fingerprint, incident = step
        slot = table.slot_of(tenant, f"{fingerprint:x}")
        if slot is None:
            slot = table.add(tenant, fingerprint, tenant, fired(1, 0, FOREVER, timeout=False), key=fingerprint)
        table.attach([slot], incident)
        table.touch(slot)
        stored(store, table, tenant, [slot])
        known[tenant, fingerprint] = incident

    table = loaded(store)
    for (tenant, fingerprint), incident in known.items():
        slot = table.slot_of(tenant, f"{fingerprint:x}")
        assert slot is not None
        assert (table.incident_of(slot), table.source_of(slot)) == (incident, tenant)
