"""`/oncall`: who is on call now, who is next, two weeks as a calendar, changes, and links for one's own calendar."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from litestar import Response, Router, get, post
from litestar.exceptions import NotFoundException
from litestar.response import Redirect

from tocsin.core.people import Directory
from tocsin.core.walltime import resolve
from tocsin.guides import read_directory
from tocsin.http.api_changes import change, known
from tocsin.http.api_feeds import FeedForm, make_feed, may_see, revoke_feed, stored_feeds, view_of
from tocsin.http.gate import Incoming, deps_of, needs
from tocsin.http.problems import Unacceptable
from tocsin.oncall.changes import Kind, added, removed, taken
from tocsin.oncall.record import with_record
from tocsin.oncall.stored import StoredSchedule, value_of
from tocsin.ports import Store
from tocsin.web.forms import HANDLERS, encodings, fields_of, frame
from tocsin.web.render import page
from tocsin.web.rota_view import DAYS, drawn

DAY = timedelta(days=1)
KINDS: dict[str, Kind] = {"override": "override", "swap": "swap", "temporary": "temporary"}


@get("/oncall", guards=[needs("oncall.read")])
async def oncall_page(request: Incoming) -> Response[Any]:
    return await _shown(request, None)


@get("/oncall/person/{name:str}", guards=[needs("oncall.read")])
async def person_page(request: Incoming, name: str) -> Response[Any]:
    return await _shown(request, name)


async def _shown(request: Incoming, name: str | None) -> Response[Any]:
    deps, actor = deps_of(request), request.user

    def look(store: Store) -> tuple[Directory, list[dict[str, Any]], list[dict[str, str]]]:
        directory, now = read_directory(store, deps.tenant), store.now()
        person = directory.people.get(name) if name is not None else None
        if name is not None and person is None:
            raise NotFoundException(f"person: nothing has the id {name!r}")
        names = {each.id: each.name or each.id for each in directory.people.values()}
        only = (person.id, person.name or person.id) if person else None
        found = []
        for key, body in store.items(deps.tenant, "schedule"):
            stored = msgspec.json.decode(body, type=StoredSchedule)
            start = now.replace(hour=0, minute=0, second=0, microsecond=0)
            plan = with_record(store, deps.tenant, key, value_of(stored), start - DAY, start + DAYS * DAY)
            one = drawn(stored, plan, names, now, only)
            if only is None or any(day.bars for day in one["days"]):
                found.append(one)
        feeds = [
            {
                "id": each.id,
                "url": view_of(store, deps, each).url,
                "what": each.schedule or f"{names.get(each.person or '', each.person or '')}, all shifts",
            }
            for each in stored_feeds(store, deps.tenant)
            if actor.id in (each.by, each.person) and may_see(actor, each)
        ]
        return directory, found, feeds

    directory, found, feeds = await deps.read(look)
    active = sorted((each for each in directory.people.values() if each.active), key=lambda each: each.name or each.id)
    return page(
        "oncall.html",
        encodings(request),
        schedules=found,
        feeds=feeds,
        everybody=active,
        me=directory.people.get(actor.id),
        person=directory.people.get(name) if name is not None else None,
        **frame(request, directory, "oncall"),
    )


@post("/oncall/{schedule:str}/override", guards=[needs("oncall.override")], status_code=200)
async def save_override(request: Incoming, schedule: str) -> Response[Any]:
    """An override from local times; with `swap` it only asks whether somebody takes it."""
    deps = deps_of(request)
    fields = await fields_of(request)

    def on_the_writer(store: Store) -> None:
        found = deps.engine.guides.directory(deps.tenant).schedules.get(schedule)
        if found is None:
            raise NotFoundException(f"schedule: nothing has the id {schedule!r}")
        row: dict[str, Any] = {"id": secrets.token_hex(4), "by": request.user.id}
        row |= {each: _local(fields, each, found.zone) for each in ("start", "end")}
        kind: Kind = "override"
        names = {each: fields[each] for each in ("add", "remove") if fields.get(each)}
        if fields.get("swap"):
            kind = "swap"
            if "remove" not in names:
                raise Unacceptable("remove: expected whom somebody would stand in for, got nobody")
            names = {"beneficiary": names["remove"], **({"benefactor": names["add"]} if "add" in names else {})}
        change(
            deps, store, schedule, row["id"], lambda stored: added(stored, kind, known(deps, row | names), store.now())
        )

    await deps.run(on_the_writer)
    return Redirect("/oncall", status_code=303)


@post("/oncall/{schedule:str}/change/{kind:str}/{row:str}/take", guards=[needs("oncall.override")], status_code=200)
async def take(request: Incoming, schedule: str, kind: str, row: str) -> Response[Any]:
    deps, by = deps_of(request), request.user.id
    if kind != "swap":
        raise NotFoundException(f"change: expected a swap, got {kind!r}")
    await deps.run(
        lambda store: change(
            deps, store, schedule, row, lambda stored: taken(stored, row, known(deps, {"benefactor": by})["benefactor"])
        )
    )
    return Redirect("/oncall", status_code=303)


@post("/oncall/{schedule:str}/change/{kind:str}/{row:str}/remove", guards=[needs("oncall.override")], status_code=200)
async def remove(request: Incoming, schedule: str, kind: str, row: str) -> Response[Any]:
    deps = deps_of(request)
    if kind not in KINDS:
        raise NotFoundException(f"change: expected {', '.join(KINDS)}, got {kind!r}")
    await deps.run(lambda store: change(deps, store, schedule, row, lambda stored: removed(stored, KINDS[kind], row)))
    return Redirect("/oncall", status_code=303)


@post("/oncall/feed", guards=[needs("oncall.read")], status_code=200)
async def make_link(request: Incoming) -> Response[Any]:
    deps, actor = deps_of(request), request.user
    kind, _, name = (await fields_of(request)).get("what", "").partition(":")
    if kind not in ("schedule", "person") or not name:
        raise Unacceptable("what: expected a schedule or a person")
    form = FeedForm(schedule=name) if kind == "schedule" else FeedForm(person=name)
    await deps.run(lambda store: make_feed(store, deps, actor, form))
    return Redirect("/oncall#people-title", status_code=303)


@post("/oncall/feed/{name:str}/revoke", guards=[needs("oncall.read")], status_code=200)
async def revoke_link(request: Incoming, name: str) -> Response[Any]:
    deps, actor = deps_of(request), request.user
    await deps.run(lambda store: revoke_feed(store, deps, actor, name))
    return Redirect("/oncall#people-title", status_code=303)


def _local(fields: dict[str, str], field: str, zone: str) -> str:
    try:
        wall = datetime.fromisoformat(fields.get(field, ""))
    except ValueError as error:
        raise Unacceptable(f"{field}: expected a local time, got {fields.get(field, 'nothing')!r}") from error
    if wall.tzinfo is not None:
        raise Unacceptable(f"{field}: expected a local time without offset, got {fields[field]!r}")
    return resolve(wall, ZoneInfo(zone), "first" if field == "start" else "last").isoformat()


def routes() -> Router:
    handlers = [oncall_page, person_page, save_override, take, remove, make_link, revoke_link]
    return Router("/", route_handlers=handlers, exception_handlers=HANDLERS, include_in_schema=False)
