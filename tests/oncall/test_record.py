"""Who was on call is written down as it passes, and an edit changes none of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from hypothesis import given, settings, strategies as st

from tocsin.clock import ManualClock
from tocsin.core.schedule import on_call, shifts
from tocsin.oncall.record import advance as write, after_change, before_change, head_of, recorded, with_record
from tocsin.oncall.stored import StoredSchedule, value_of
from tocsin.store.memory import MemoryStore

T0 = datetime(2026, 1, 30, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)


def schedule(*people: str, anchor: str = "2026-01-01T09:00", **more: Any) -> StoredSchedule:
    turning = {"frequency": "daily", "anchor": anchor, "timezone": "Europe/Berlin", "users": list(people)}
    return StoredSchedule(id="s", timezone="Europe/Berlin", layers=[{"rotation": turning}], **more)


def put(store: MemoryStore, stored: StoredSchedule | None, now: datetime) -> None:
    before_change(store, "t", "s", now)
    if stored is None:
        store.delete("t", "schedule", "s")
    else:
        store.put("t", "schedule", "s", msgspec.json.encode(stored))
    after_change(store, "t", "s", now)


plans = st.one_of(
    st.none(),
    st.builds(
        lambda people, hour: schedule(*people, anchor=f"2026-01-01T{hour:02}:00"),
        st.lists(st.sampled_from("abc"), min_size=1, max_size=3),
        st.integers(0, 23),
    ),
)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(1, 40 * 24), plans, st.integers(0, 3)), min_size=1, max_size=6))
def test_the_record_is_what_each_schedule_said_while_it_was_in_force(
    edits: list[tuple[int, StoredSchedule | None, int]],
):
    """However often it was written in between, over the ends of months, with deletions: hour by hour the same."""
    clock = ManualClock(T0)
    store = MemoryStore(clock)
    now, stored = T0, schedule("a", "b")
    put(store, stored, now)
    asked: list[tuple[datetime, tuple[str, ...]]] = []
    current: StoredSchedule | None = stored
    for hours, following, looks in edits:
        until = now + hours * HOUR
        plan = value_of(current) if current else None
        step = max(1, hours // 24)
        asked += [(now + n * HOUR, on_call(plan, now + n * HOUR) if plan else ()) for n in range(0, hours, step)]
        for n in range(looks):
            if plan is not None:
                write(store, "t", "s", plan, now + hours * HOUR * n / 4, always=bool(n % 2))
        now, current = until, following
        put(store, following, now)

    last = value_of(schedule("z"))
    for at, people in asked:
        plan = with_record(store, "t", "s", last, at, at)
        assert set(on_call(plan, at)) == set(people)


def test_a_crash_between_the_rows_and_the_head_writes_the_same_rows_again():
    clock = ManualClock(T0)
    store = MemoryStore(clock)
    stored = schedule("a", "b")
    put(store, stored, T0)
    head = store.get("t", "oncall_head", "s")
    assert head is not None
    write(store, "t", "s", value_of(stored), T0 + 100 * HOUR)
    once = list(recorded(store, "t", "s", T0, T0 + 200 * HOUR))
    store.put("t", "oncall_head", "s", head)

    write(store, "t", "s", value_of(stored), T0 + 100 * HOUR)

    assert list(recorded(store, "t", "s", T0, T0 + 200 * HOUR)) == once


def test_a_turn_over_the_end_of_a_month_is_one_shift():
    store = MemoryStore(ManualClock(T0))
    stored = schedule("a")
    put(store, stored, T0)
    write(store, "t", "s", value_of(stored), T0 + 70 * 24 * HOUR)
    put(store, schedule("b"), T0 + 80 * 24 * HOUR)

    plan = with_record(store, "t", "s", value_of(schedule("b")), T0, T0 + 90 * 24 * HOUR)

    assert [(each.person, each.start, each.end) for each in shifts(plan, T0, T0 + 90 * 24 * HOUR)] == [
        ("a", T0, T0 + 80 * 24 * HOUR),
        ("b", T0 + 80 * 24 * HOUR, T0 + 90 * 24 * HOUR),
    ]


def test_nothing_is_written_while_nobody_changes():
    store = MemoryStore(ManualClock(T0))
    stored = schedule("a")
    put(store, stored, T0)
    before = head_of(store, "t", "s")

    write(store, "t", "s", value_of(stored), T0 + HOUR / 2, always=False)

    assert head_of(store, "t", "s") == before
    write(store, "t", "s", value_of(stored), T0 - HOUR)
    assert head_of(store, "t", "s") == before
