"""Who was on call, written down as it passes: what an edit of a schedule can never change.

Kept as documents: one per schedule and month with its closed shifts, cut at the month's end, and one per schedule that
says up to when it is written, and who has been on call since when. Every edit writes the record up to now first, by the
schedule as it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec

from tocsin.core.schedule import Recorded, Schedule, Shift, on_call, shifts
from tocsin.oncall.stored import read_schedule
from tocsin.ports import Store

MONTH, HEAD = "oncall_month", "oncall_head"  # kinds of documents
WRITTEN_EVERY = timedelta(hours=1)  # even when nobody changed: so long a look back stays cheap
MONTHS_MAX = 14  # of one question; the longest period that is asked for is 400 days


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """Written since `since` and up to `until`; `running`: person -> from when. `ended_at`: the schedule was deleted."""

    since: datetime
    until: datetime
    running: dict[str, datetime] = {}
    ended_at: datetime | None = None


class Row(msgspec.Struct, frozen=True, array_like=True):
    person: str
    start: datetime
    end: datetime


def head_of(store: Store, tenant: str, name: str) -> Head | None:
    body = store.get(tenant, HEAD, name)
    return msgspec.json.decode(body, type=Head) if body else None


def advance(store: Store, tenant: str, name: str, schedule: Schedule, now: datetime, *, always: bool = True) -> None:
    """Who was on call until `now` is written down, by `schedule`. Writer thread only.

    With `always` False only if somebody changed or an hour has passed. A crash in between writes the same rows again.
    """
    head = head_of(store, tenant, name)
    if head is None or head.ended_at is not None:
        since = head.since if head else now
        _put_head(store, tenant, name, Head(since=since, until=now, running=dict.fromkeys(on_call(schedule, now), now)))
        return
    if now <= head.until:
        return
    here = on_call(schedule, now)
    if not always and now < head.until + WRITTEN_EVERY and set(here) == set(head.running):
        return
    closed: list[Shift] = []
    running: dict[str, datetime] = {}
    found = shifts(schedule, head.until, now)
    for person, since in head.running.items():
        if not any(each.person == person and each.start == head.until for each in found):
            closed.append(Shift(person=person, start=since, end=head.until))
    for each in found:
        begun = head.running.get(each.person, each.start) if each.start == head.until else each.start
        if each.end == now and each.person in here:
            running[each.person] = begun
        elif begun < each.end:
            closed.append(Shift(person=each.person, start=begun, end=each.end))
    for person in here:
        running.setdefault(person, now)
    for month, rows in _by_month([each for each in closed if each.start < each.end]).items():
        _add(store, tenant, f"{name}/{month}", rows)
    _put_head(store, tenant, name, Head(since=head.since, until=now, running=running))


def before_change(store: Store, tenant: str, name: str, now: datetime) -> None:
    """The record is written up to now by the schedule as stored, so that it may be changed. Writer thread only."""
    body = store.get(tenant, "schedule", name)
    if body is not None:
        advance(store, tenant, name, read_schedule(body), now)


def after_change(store: Store, tenant: str, name: str, now: datetime) -> None:
    """From now on the changed schedule is recorded; a deleted one has nobody on call. Writer thread only."""
    body = store.get(tenant, "schedule", name)
    head = head_of(store, tenant, name)
    if body is not None:
        if head is None or head.ended_at is not None:
            advance(store, tenant, name, read_schedule(body), now)
        else:
            _handed_over(store, tenant, name, head, on_call(read_schedule(body), now), now)
    elif head is not None:
        _handed_over(store, tenant, name, head, (), now, ended_at=now)


def with_record(store: Store, tenant: str, name: str, schedule: Schedule, start: datetime, end: datetime) -> Schedule:
    """The schedule for a question about [start, end): its past is what was written down."""
    head = head_of(store, tenant, name)
    if head is None or start >= head.until:
        return schedule
    rows = list(recorded(store, tenant, name, start, end))
    return msgspec.structs.replace(schedule, recorded=tuple(rows), recorded_since=head.since, recorded_until=head.until)


def recorded(store: Store, tenant: str, name: str, start: datetime, end: datetime) -> Iterator[Recorded]:
    """What was written down of [start, end], by month and start; who is on call still has no end."""
    head = head_of(store, tenant, name)
    if head is None:
        return
    month = start.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    for _ in range(MONTHS_MAX):
        if month > min(end, head.until):
            break
        for each in _rows(store, tenant, f"{name}/{month:%Y-%m}"):
            if each.end > start and each.start <= end:
                yield Recorded(person=each.person, start=each.start, end=each.end)
        month = _next_month(month)
    for person, since in head.running.items():
        if since <= end:
            yield Recorded(person=person, start=since)


def _handed_over(
    store: Store, tenant: str, name: str, head: Head, people: tuple[str, ...], now: datetime, **more: datetime
) -> None:
    """Whoever is on call no more stopped now, whoever is on call only now began."""
    gone = [Shift(person=who, start=since, end=now) for who, since in head.running.items() if who not in people]
    for month, rows in _by_month([each for each in gone if each.start < each.end]).items():
        _add(store, tenant, f"{name}/{month}", rows)
    running = {who: head.running.get(who, now) for who in people}
    _put_head(store, tenant, name, Head(since=head.since, until=max(now, head.until), running=running, **more))


def _by_month(closed: list[Shift]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for each in closed:
        start = each.start
        while start < each.end:
            end = min(each.end, _next_month(start.replace(day=1, hour=0, minute=0, second=0, microsecond=0)))
            found.setdefault(f"{start:%Y-%m}", []).append(Row(each.person, start, end))
            start = end
    return found


def _next_month(month: datetime) -> datetime:
    return (month + timedelta(days=31)).replace(day=1)


def _rows(store: Store, tenant: str, name: str) -> list[Row]:
    body = store.get(tenant, MONTH, name)
    return msgspec.json.decode(body, type=list[Row]) if body else []


def _add(store: Store, tenant: str, name: str, rows: list[Row]) -> None:
    known = {(each.person, each.start): each for each in _rows(store, tenant, name)}
    known.update({(each.person, each.start): each for each in rows})
    kept = sorted(known.values(), key=lambda each: (each.start, each.person))
    store.put(tenant, MONTH, name, msgspec.json.encode(kept))


def _put_head(store: Store, tenant: str, name: str, head: Head) -> None:
    store.put(tenant, HEAD, name, msgspec.json.encode(head))
