"""`/api/schedules/{id}/overrides`, `swaps`, `temporary`: a live schedule changed by those who stand in it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
from litestar import Response, Router, delete, get, post, put
from litestar.exceptions import NotFoundException

from tocsin.core.people import contact, person_named
from tocsin.core.schedule import Gap, coverage_gaps
from tocsin.http.api_directory import WRITES, keep, whose
from tocsin.http.api_incidents import json_of
from tocsin.http.deps import Deps
from tocsin.http.gate import Incoming, deps_of, insist, needs
from tocsin.http.problems import Unacceptable
from tocsin.oncall.changes import (
    Kind,
    NoChange,
    added,
    listed,
    people_named,
    removed,
    taken,
    with_layer,
    with_overrides,
    without_calendar,
)
from tocsin.oncall.outside import AHEAD, Unreadable, rows
from tocsin.oncall.record import with_record
from tocsin.oncall.stored import StoredSchedule, value_of
from tocsin.ports import Store

Instant = Annotated[datetime, msgspec.Meta(tz=True)]
Text = Annotated[str, msgspec.Meta(max_length=500)]


class OverrideForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`add` somebody, `remove` somebody, or both: `add` stands in for `remove`, while `remove` would be on call."""

    add: str | None = None
    remove: str | None = None
    start: Instant
    end: Instant
    note: Text = ""


class SwapForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`beneficiary` asks to be free; without `benefactor` it waits for somebody to take it, and changes nothing yet."""

    beneficiary: str
    benefactor: str | None = None
    start: Instant
    end: Instant
    note: Text = ""


class Take(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who takes the swap; whoever calls, if nobody is named."""

    benefactor: str | None = None


class TemporaryShift(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    user: str
    start: Instant
    end: Instant


class TemporaryForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """In [start, end) these shifts, and nothing else, count."""

    start: Instant
    end: Instant
    shifts: list[TemporaryShift] = []
    note: Text = ""


class CalendarForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`ics`: iCalendar text whose summaries (or attendees) name people. `priority`: of the layer."""

    ics: str
    into: Literal["layer", "overrides"] = "layer"
    priority: Annotated[int, msgspec.Meta(ge=-1000, le=1000)] = 0


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    shifts: int
    people: list[str]


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """The change as it is stored, and when nobody is on call within it, which is worth a look."""

    change: dict[str, Any]
    gaps: list[Gap]


class ChangeList(msgspec.Struct, frozen=True, kw_only=True):
    items: list[dict[str, Any]]


@get("/changes", summary="Overrides, swaps and temporary schedules", responses=WRITES, operation_id="list-changes")
async def list_changes(request: Incoming, name: str) -> ChangeList:
    """By start, each with its kind and id. Those that ended more than 90 days ago go when a new one comes."""
    deps = deps_of(request)
    return ChangeList(items=listed(await deps.read(lambda store: _stored(store, deps.tenant, name))))


async def _add(request: Incoming, name: str, kind: Kind, form: msgspec.Struct) -> Response[Any]:
    deps = deps_of(request)
    row = {key: value for key, value in msgspec.to_builtins(form).items() if value not in (None, "")}
    row |= {"id": secrets.token_hex(4), "by": request.user.id, "at": deps.clock.now().isoformat(timespec="seconds")}

    def on_the_writer(store: Store) -> Changed:
        now = store.now()
        return change(deps, store, name, row["id"], lambda stored: added(stored, kind, known(deps, row), now))

    return json_of(await deps.run(on_the_writer), 201)


def change(deps: Deps, store: Store, name: str, row: str, alter: Callable[[StoredSchedule], StoredSchedule]) -> Changed:
    """The stored schedule is altered, what was until now is recorded. Writer thread only. Raises Unacceptable."""
    before = _stored(store, deps.tenant, name)
    try:
        stored = alter(before)
        plan = value_of(stored)
    except NoChange as error:
        raise NotFoundException(str(error)) from error
    except ValueError as error:
        raise Unacceptable(str(error)) from error
    keep(deps, store, "schedule", name, stored)
    made = next((each for each in listed(stored) if each["id"] == row), {})
    if not made:
        return Changed(change={"id": row}, gaps=[])
    start, end = (datetime.fromisoformat(made[each]).astimezone(UTC) for each in ("start", "end"))
    start = max(start, store.now())
    plan = with_record(store, deps.tenant, name, plan, start, end)
    return Changed(change=made, gaps=coverage_gaps(plan, start, end) if start < end else [])


def known(deps: Deps, row: dict[str, Any]) -> dict[str, Any]:
    """The row with ids for the people it names. Raises ValueError for somebody who is not in the directory."""
    directory = deps.engine.guides.directory(deps.tenant)
    said = dict(row)
    for field, who in people_named(row):
        person = person_named(directory, who)
        if person is None:
            raise ValueError(f"{field}: expected a person of the directory, got {who!r}")
        if not person.active and field != "remove":
            raise ValueError(f"{field}: expected somebody active, {person.id} has left")
        if field in ("add", "benefactor") and field in said:
            said[field] = person.id
    return said


@post("/overrides", summary="Add an override", responses=WRITES, operation_id="add-override")
async def add_override(request: Incoming, name: str, data: OverrideForm) -> Response[Changed]:
    return await _add(request, name, "override", data)


@post("/swaps", summary="Ask for a swap, or make one", responses=WRITES, operation_id="add-swap")
async def add_swap(request: Incoming, name: str, data: SwapForm) -> Response[Changed]:
    return await _add(request, name, "swap", data)


@post("/temporary", summary="Add a temporary schedule", responses=WRITES, operation_id="add-temporary")
async def add_temporary(request: Incoming, name: str, data: TemporaryForm) -> Response[Changed]:
    return await _add(request, name, "temporary", data)


@post(
    "/swaps/{row:str}/take",
    summary="Take a swap that was asked for",
    responses=WRITES,
    operation_id="take-swap",
    status_code=200,
)
async def take_swap(request: Incoming, name: str, row: str, data: Take) -> Changed:
    deps = deps_of(request)
    by = data.benefactor or request.user.id

    def take(stored: StoredSchedule) -> StoredSchedule:
        return taken(stored, row, known(deps, {"benefactor": by})["benefactor"])

    return await deps.run(lambda store: change(deps, store, name, row, take))


@put(
    "/calendars/{calendar:str}",
    summary="Take over an outside calendar",
    responses=WRITES,
    operation_id="put-calendar",
    guards=[needs("schedule.manage")],
)
async def put_calendar(request: Incoming, name: str, calendar: str, data: CalendarForm) -> Imported:
    """Its shifts, from now for 400 days, become a layer or overrides, in place of those taken over under this name."""
    deps = deps_of(request)

    def on_the_writer(store: Store) -> Imported:
        now = store.now()
        plan = _stored(store, deps.tenant, name)
        insist(request.user, "schedule.manage", whose(plan))
        directory = deps.engine.guides.directory(deps.tenant)
        try:
            found = rows(data.ics.encode(), plan.timezone, now, now + AHEAD, lambda said: contact(directory, said))
        except Unreadable as error:
            raise Unacceptable(str(error)) from error

        def alter(stored: StoredSchedule) -> StoredSchedule:
            if data.into == "layer":
                return with_layer(stored, calendar, found, data.priority)
            return with_overrides(stored, calendar, found)

        change(deps, store, name, "", alter)
        return Imported(shifts=len(found), people=sorted({each.person for each in found}))

    return await deps.run(on_the_writer)


@delete(
    "/calendars/{calendar:str}",
    summary="Drop an outside calendar",
    responses=WRITES,
    operation_id="drop-calendar",
    guards=[needs("schedule.manage")],
)
async def drop_calendar(request: Incoming, name: str, calendar: str) -> None:
    """What was taken over under this name counts no more."""
    deps = deps_of(request)

    def on_the_writer(store: Store) -> Any:
        insist(request.user, "schedule.manage", whose(_stored(store, deps.tenant, name)))
        return change(deps, store, name, "", lambda stored: without_calendar(stored, calendar))

    await deps.run(on_the_writer)


async def _remove(request: Incoming, name: str, kind: Kind, row: str) -> None:
    deps = deps_of(request)
    await deps.run(lambda store: change(deps, store, name, row, lambda stored: removed(stored, kind, row)))


@delete("/overrides/{row:str}", summary="Remove an override", responses=WRITES, operation_id="remove-override")
async def remove_override(request: Incoming, name: str, row: str) -> None:
    """It counts from now on; who was on call until now stays recorded."""
    await _remove(request, name, "override", row)


@delete("/swaps/{row:str}", summary="Call a swap off", responses=WRITES, operation_id="remove-swap")
async def remove_swap(request: Incoming, name: str, row: str) -> None:
    await _remove(request, name, "swap", row)


@delete(
    "/temporary/{row:str}", summary="Remove a temporary schedule", responses=WRITES, operation_id="remove-temporary"
)
async def remove_temporary(request: Incoming, name: str, row: str) -> None:
    await _remove(request, name, "temporary", row)


def _stored(store: Store, tenant: str, name: str) -> StoredSchedule:
    body = store.get(tenant, "schedule", name)
    if body is None:
        raise NotFoundException(f"schedule: nothing has the id {name!r}")
    return msgspec.json.decode(body, type=StoredSchedule)


def router() -> Router:
    """Responders change what they stand in; whole schedules are replaced by those who manage."""
    reading = Router("/", route_handlers=[list_changes], guards=[needs("oncall.read")])
    handlers = [add_override, add_swap, add_temporary, take_swap, remove_override, remove_swap, remove_temporary]
    handlers += [put_calendar, drop_calendar]
    changing = Router("/", route_handlers=handlers, guards=[needs("oncall.override")])
    return Router("/api/schedules/{name:str}", route_handlers=[reading, changing], tags=["directory"])
