"""`/api/schedules/{id}/shifts` and `/on-call`: what a stored schedule says, by the same computation that pages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, TypeVar

import msgspec
from litestar import Router, get
from litestar.exceptions import NotFoundException
from litestar.params import Parameter

from tocsin.core.schedule import Gap, Schedule, Shift, coverage_gaps, on_call, shifts
from tocsin.http.api_directory import WRITES
from tocsin.http.api_load import show_load
from tocsin.http.deps import Deps
from tocsin.http.gate import Incoming, deps_of, needs
from tocsin.http.problems import Unacceptable
from tocsin.oncall.form import YEARS
from tocsin.oncall.now import AHEAD, standing
from tocsin.oncall.record import Head, head_of, with_record
from tocsin.oncall.stored import read_schedule
from tocsin.ports import Store

DEFAULT = timedelta(days=30)  # ahead: what the report of gaps looks at
LONGEST = timedelta(days=400)

Answer = TypeVar("Answer")


class ShiftList(msgspec.Struct, frozen=True, kw_only=True):
    """Shifts between two instants, cut to them, and when nobody is on call.

    Between `recorded_since` and `recorded_until` this is who was on call, whatever was edited since; before, and after,
    it is what the schedule says now.
    """

    items: list[Shift]
    gaps: list[Gap]
    recorded_since: datetime | None = None
    recorded_until: datetime | None = None


class OnCall(msgspec.Struct, frozen=True, kw_only=True):
    at: datetime
    people: list[str]


async def _ask(
    deps: Deps, name: str, first: datetime, last: datetime, question: Callable[[Schedule, Head | None], Answer]
) -> Answer:
    """Asked in a thread that reads: a year of many layers takes a while. The past is what was recorded."""

    def answered(store: Store) -> Answer | None:
        body = store.get(deps.tenant, "schedule", name)
        if body is None:
            return None
        plan = with_record(store, deps.tenant, name, read_schedule(body), first, last)
        return question(plan, head_of(store, deps.tenant, name))

    found = await deps.read(answered)
    if found is None:
        raise NotFoundException(f"schedule: nothing has the id {name!r}")
    return found


def _instant(field: str, given: datetime | None, otherwise: datetime) -> datetime:
    if given is None:
        return otherwise
    if given.tzinfo is None:
        raise Unacceptable(f"{field}: expected an instant with an offset, got {given.isoformat()}")
    if given.year not in YEARS:
        raise Unacceptable(
            f"{field}: expected an instant between {YEARS.start} and {YEARS.stop}, got {given.isoformat()}"
        )
    return given.astimezone(UTC)


@get("/{name:str}/shifts", summary="Shifts and gaps of a schedule", responses=WRITES, operation_id="list-shifts")
async def list_shifts(
    request: Incoming,
    name: str,
    start: Annotated[datetime | None, Parameter(query="from")] = None,
    end: Annotated[datetime | None, Parameter(query="to")] = None,
) -> ShiftList:
    """From now, for 30 days, unless `from` and `to` say otherwise; at most 400 days."""
    deps = deps_of(request)
    first = _instant("from", start, deps.engine.store.now())
    last = _instant("to", end, first + DEFAULT)
    if not first < last <= first + LONGEST:
        raise Unacceptable(f"to: expected an instant up to {LONGEST.days} days after from, got {last.isoformat()}")

    def listed(plan: Schedule, head: Head | None) -> ShiftList:
        return ShiftList(
            items=shifts(plan, first, last),
            gaps=coverage_gaps(plan, first, last),
            recorded_since=head.since if head else None,
            recorded_until=head.until if head else None,
        )

    return await _ask(deps, name, first, last, listed)


@get("/{name:str}/on-call", summary="Who is on call", responses=WRITES, operation_id="on-call")
async def who_is_on_call(request: Incoming, name: str, at: datetime | None = None) -> OnCall:
    """Now, unless `at` says otherwise; for the past, whoever was recorded."""
    deps = deps_of(request)
    instant = _instant("at", at, deps.engine.store.now())
    return await _ask(
        deps, name, instant, instant, lambda plan, _: OnCall(at=instant, people=list(on_call(plan, instant)))
    )


class OnCallRow(msgspec.Struct, frozen=True, kw_only=True):
    """`until` null: nothing changes within a hundred days. `then`: who is on call from there."""

    schedule: str
    name: str
    people: tuple[str, ...]
    until: datetime | None
    then: tuple[str, ...]


class OnCallList(msgspec.Struct, frozen=True, kw_only=True):
    at: datetime
    items: list[OnCallRow]


@get("/api/oncall", summary="Who is on call, by every schedule", responses=WRITES, operation_id="oncall-now")
async def list_on_call(request: Incoming, schedule: str | None = None, at: datetime | None = None) -> OnCallList:
    """Now, unless `at` says otherwise; and when that changes next."""
    deps = deps_of(request)
    instant = _instant("at", at, deps.engine.store.now())

    def answered(store: Store) -> list[OnCallRow]:
        found = []
        for name, body in store.items(deps.tenant, "schedule"):
            if schedule in (None, name):
                plan = with_record(store, deps.tenant, name, read_schedule(body), instant, instant + AHEAD)
                now = standing(plan, instant)
                found.append(
                    OnCallRow(schedule=name, name=plan.name, people=now.people, until=now.until, then=now.then)
                )
        return found

    items = await deps.read(answered)
    if schedule is not None and not items:
        raise NotFoundException(f"schedule: nothing has the id {schedule!r}")
    return OnCallList(at=instant, items=items)


class GapRow(msgspec.Struct, frozen=True, kw_only=True):
    schedule: str
    start: datetime
    end: datetime


class GapList(msgspec.Struct, frozen=True, kw_only=True):
    items: list[GapRow]


@get("/api/oncall/gaps", summary="When nobody is on call", responses=WRITES, operation_id="oncall-gaps")
async def list_gaps(
    request: Incoming, days: Annotated[int, Parameter(ge=1, le=400)] = 30, schedule: str | None = None
) -> GapList:
    """In the next 30 days, unless `days` says otherwise, by every schedule or one."""
    deps = deps_of(request)

    def answered(store: Store) -> list[GapRow]:
        now = store.now()
        return [
            GapRow(schedule=name, start=gap.start, end=gap.end)
            for name, body in store.items(deps.tenant, "schedule")
            if schedule in (None, name)
            for gap in coverage_gaps(read_schedule(body), now, now + timedelta(days=days))
        ]

    return GapList(items=await deps.read(answered))


def routes() -> list[Router]:
    asked = Router("/api/schedules", route_handlers=[list_shifts, who_is_on_call])
    return [
        Router(
            "/",
            route_handlers=[asked, list_on_call, list_gaps, show_load],
            guards=[needs("oncall.read")],
            tags=["directory"],
        )
    ]
