"""The duties: what guides ask for again and again, when it is due, and one button that says it was done."""

from __future__ import annotations

from typing import Any

from litestar import Response, Router, get, post
from litestar.response import Redirect

from tocsin.core import commands as c
from tocsin.core.access import Resource
from tocsin.guides import read_directory
from tocsin.http.api_approvals import approve, decline, shown as requests
from tocsin.http.api_duties import duties, stream_named
from tocsin.http.api_emergency import TakeForm, ended, standing, take
from tocsin.http.gate import Incoming, deps_of, insist, needs
from tocsin.ports import Store
from tocsin.web.forms import HANDLERS, encodings, fields_of, frame
from tocsin.web.render import page


@get("/duties", guards=[needs("operations.read")])
async def duties_page(request: Incoming) -> Response[Any]:
    """What is due first comes first."""
    deps = deps_of(request)

    def look(store: Store) -> tuple[Any, ...]:
        tenant = deps.tenant
        taken = standing(store, tenant, store.now())
        return duties(store, tenant), taken, requests(store, tenant, request.user), read_directory(store, tenant)

    shown, taken, asked, directory = await deps.read(look)
    values = frame(request, directory, "duties") | {"taken": taken, "asked": asked}
    return page("duties.html", encodings(request), duties=shown, **values)


@post("/emergency", guards=[needs("emergency.take")], status_code=200)
async def take_access(request: Incoming) -> Response[Any]:
    deps, actor = deps_of(request), request.user
    form = TakeForm(because=(await fields_of(request)).get("because", ""))
    await deps.run(lambda store: take(deps, store, actor, form))
    return Redirect("/duties", status_code=303)


@post("/emergency/end", guards=[needs("self.manage")], status_code=200)
async def end_access(request: Incoming) -> Response[Any]:
    """One's own."""
    deps, person = deps_of(request), request.user.id
    insist(request.user, "emergency.end", Resource(owner=person))
    await deps.run(lambda store: ended(deps, store, person, person))
    return Redirect("/duties", status_code=303)


@post("/approvals/{name:str}/approve", guards=[needs("approval.give")], status_code=200)
async def approve_one(request: Incoming, name: str) -> Response[Any]:
    """Whoever asked may do it then."""
    deps, actor = deps_of(request), request.user
    await deps.run(lambda store: approve(deps, store, actor, name))
    return Redirect("/duties#approvals", status_code=303)


@post("/approvals/{name:str}/decline", guards=[needs("approval.give")], status_code=200)
async def decline_one(request: Incoming, name: str) -> Response[Any]:
    deps, actor = deps_of(request), request.user
    await deps.run(lambda store: decline(deps, store, actor, name))
    return Redirect("/duties#approvals", status_code=303)


@post("/duties/{name:str}/done", guards=[needs("duty.keep")], status_code=200)
async def done(request: Incoming, name: str) -> Response[Any]:
    deps = deps_of(request)
    fields = await fields_of(request)

    def on_the_writer(store: Store) -> None:
        stream = stream_named(store, deps.tenant, name)
        deps.engine.handle(deps.tenant, stream, c.KeepDuty(by=request.user.id, notes=fields.get("notes", "")))

    await deps.run(on_the_writer)
    return Redirect("/duties", status_code=303)


def routes() -> Router:
    handlers = [duties_page, done, take_access, end_access, approve_one, decline_one]
    return Router("/", route_handlers=handlers, exception_handlers=HANDLERS, include_in_schema=False)
