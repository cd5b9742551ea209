"""The public pages as their editors see them: what stands there now, and every change to it, by plain forms."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from litestar import Response, Router, get, post
from litestar.exceptions import NotFoundException
from litestar.response import Redirect

from tocsin.core.access import may
from tocsin.core.people import Directory
from tocsin.core.status import ID, SECTIONS, STATABLE, Component, Group, Page, Planned
from tocsin.core.statusview import GroupView, Known, PageView, page_named, view
from tocsin.core.walltime import resolve
from tocsin.guides import read_directory
from tocsin.http.api_status import Reported, at_desk, board_of, digest_of, unpublished
from tocsin.http.api_status_events import PublicUpdate, WindowUpdate, tell_public
from tocsin.http.gate import Incoming, deps_of, needs
from tocsin.http.problems import Unacceptable
from tocsin.ports import Store
from tocsin.status.board import PAGE
from tocsin.status.desk import Desk, fresh_id
from tocsin.status.subscribers import SUBSCRIBER, Subscriber
from tocsin.web.forms import HANDLERS, encodings, fields_of, frame
from tocsin.web.render import page as rendered

STATES: Mapping[str, str] = {each: each.replace("_", " ") for each in (*STATABLE, "unknown")}
HERE = "/status-pages"

Form = Mapping[str, str]


# --- what stands there ------------------------------------------------------------------------------------------------


@get(HERE, guards=[needs("status.read")])
async def default_page(request: Incoming) -> Response[Any]:
    return await _shown(request, "")


@get(HERE + "/{name:str}", guards=[needs("status.read")])
async def one_page(request: Incoming, name: str) -> Response[Any]:
    return await _shown(request, name)


async def _shown(request: Incoming, name: str, token: str = "") -> Response[Any]:
    deps, known, actor = deps_of(request), board_of(request).known, request.user
    page = page_named(known, name)
    if page is None:
        raise NotFoundException(f"page: nothing has the id {name!r}")

    def look(store: Store) -> tuple[dict[str, Any], Directory]:
        found = view(known, msgspec.structs.replace(page, sections=SECTIONS), store.now())
        rows = {each.incident.id: store.index(deps.tenant, each.incident.id) for each in found.open}
        values = {
            "found": found,
            "rows": _rows(found),
            "said": {each.component.id: _by_hand(known, each.component.id) for each in found.components},
            "incidents": [(each, rows[each.incident.id]) for each in found.open],
            "unpublished": unpublished(known, page, store, deps.tenant),
            "subscribers": _counted(store, deps.tenant, page),
            "made": store.get(deps.tenant, PAGE, page.id) is not None,
        }
        return values, read_directory(store, deps.tenant)

    values, directory = await deps.read(look)
    return rendered(
        "status_pages.html",
        encodings(request),
        page=page,
        pages=known.pages,
        states=STATES,
        statable=STATABLE,
        public_url=deps.public_url,
        token=token,
        may_say=bool(may(actor, "status.respond")),
        may_make=bool(may(actor, "status.manage")),
        **values,
        **frame(request, directory, "status pages"),
    )


def _by_hand(known: Known, component: str) -> str:
    """What was said of the component last, whatever an incident makes of it: a form must not say it again for good."""
    said = known.said.get(component)
    return said.changes[-1].state if said and said.changes else "operational"


def _rows(found: PageView) -> list[dict[str, Any]]:
    """Components under their groups, those of no group first where they stand so."""
    rows: list[dict[str, Any]] = []
    for row in found.rows:
        if isinstance(row, GroupView):
            rows.append({"group": row.group, "state": row.state, "components": row.components})
        elif rows and rows[-1]["group"] is None:
            rows[-1]["components"] = (*rows[-1]["components"], row)
        else:
            rows.append({"group": None, "state": "", "components": (row,)})
    return rows


def _counted(store: Store, tenant: str, page: Page) -> dict[str, int]:
    every = (msgspec.json.decode(body, type=Subscriber) for _, body in store.items(tenant, SUBSCRIBER))
    people = [each for each in every if each.page == page.id]
    return {
        "email": sum(each.active and each.kind == "email" for each in people),
        "webhook": sum(each.active and each.kind == "webhook" for each in people),
        "pending": sum(not each.active and each.quarantined_at is None for each in people),
        "quarantined": sum(each.quarantined_at is not None for each in people),
    }


# --- changing it ------------------------------------------------------------------------------------------------------


async def _change(request: Incoming, name: str, work: Callable[[Desk, Store, Page, Form], Any]) -> Redirect:
    """One form, done at the desk; the page of the same name is shown again."""
    fields = await fields_of(request, several=("components",))
    await at_desk(request, lambda desk, store: work(desk, store, desk.page(name), fields))
    return Redirect(f"{HERE}/{name}", status_code=303)


@post(HERE, guards=[needs("status.manage")], status_code=200)
async def make_page(request: Incoming) -> Redirect:
    fields = await fields_of(request)
    made: list[str] = []

    def work(desk: Desk, store: Store) -> None:
        taken = {each.id for each in board_of(request).known.pages}
        name, now = _named(fields.get("name", ""), taken, fields.get("id", "")), store.now()
        zone = fields.get("time_zone", "UTC")
        desk.put_page(Page(id=name, name=fields.get("name", ""), time_zone=zone, created_at=now, updated_at=now))
        made.append(name)

    await at_desk(request, work)
    return Redirect(f"{HERE}/{made[0]}", status_code=303)


@post(HERE + "/{name:str}/settings", guards=[needs("status.manage")], status_code=200)
async def settings(request: Incoming, name: str) -> Redirect:
    def work(desk: Desk, store: Store, page: Page, fields: Form) -> None:
        changed = msgspec.structs.replace(
            page,
            name=fields.get("name", page.name),
            description=fields.get("description", ""),
            support_url=fields.get("support_url", ""),
            time_zone=fields.get("time_zone", "UTC"),
            default=page.default or "default" in fields,
            private=page.private and "private" in fields,
            hidden_from_search="hidden_from_search" in fields,
        )
        desk.put_page(changed)

    return await _change(request, name, work)


@post(HERE + "/{name:str}/token", guards=[needs("status.manage")], status_code=200)
async def new_token(request: Incoming, name: str) -> Response[Any]:
    """The page is private from now on. The token is shown this once."""
    token = await at_desk(request, lambda desk, _: desk.new_token(name, digest_of))
    return await _shown(request, name, token)


@post(HERE + "/{name:str}/remove", guards=[needs("status.manage")], status_code=200)
async def remove_page(request: Incoming, name: str) -> Redirect:
    await at_desk(request, lambda desk, _: desk.remove_page(name))
    return Redirect(HERE, status_code=303)


@post(HERE + "/{name:str}/component", guards=[needs("status.manage")], status_code=200)
async def put_component(request: Incoming, name: str) -> Redirect:
    """A new component, or another name, services or place for one that is there."""

    def work(desk: Desk, store: Store, page: Page, fields: Form) -> None:
        known, now = board_of(request).known.components, store.now()
        before = known.get(fields.get("id", ""))
        made = Component(
            id=before.id if before else _named(fields.get("name", ""), known, ""),
            name=fields.get("name", ""),
            created_at=before.created_at if before else now,
            updated_at=now,
        )
        changed = msgspec.structs.replace(
            before or made,
            name=fields.get("name", ""),
            description=fields.get("description", ""),
            services=_words(fields.get("services", "")),
            automatic="automatic" in fields,
        )
        desk.put_component(changed, page, fields.get("group"))

    return await _change(request, name, work)


@post(HERE + "/{name:str}/component/{component:str}/report", guards=[needs("status.respond")], status_code=200)
async def report(request: Incoming, name: str, component: str) -> Redirect:
    def work(desk: Desk, store: Store, page: Page, fields: Form) -> None:
        desk.report(component, _read(fields, Reported).state)

    return await _change(request, name, work)


@post(HERE + "/{name:str}/component/{component:str}/remove", guards=[needs("status.manage")], status_code=200)
async def remove_component(request: Incoming, name: str, component: str) -> Redirect:
    return await _change(request, name, lambda desk, *_: desk.remove_component(component))


@post(HERE + "/{name:str}/group", guards=[needs("status.manage")], status_code=200)
async def put_group(request: Incoming, name: str) -> Redirect:
    """A new group with the components that were ticked."""

    def work(desk: Desk, store: Store, page: Page, fields: Form) -> None:
        now = store.now()
        group = Group(
            id=_named(fields.get("name", ""), {each.id for each in page.groups}, ""),
            name=fields.get("name", ""),
            components=_words(fields.get("components", "")),
            created_at=now,
            updated_at=now,
        )
        desk.put_group(page, group)

    return await _change(request, name, work)


@post(HERE + "/{name:str}/group/{group:str}/remove", guards=[needs("status.manage")], status_code=200)
async def remove_group(request: Incoming, name: str, group: str) -> Redirect:
    """Its components stand alone then."""
    return await _change(request, name, lambda desk, store, page, fields: desk.remove_group(page, group))


@post(HERE + "/{name:str}/update", guards=[needs("status.respond")], status_code=200)
async def say(request: Incoming, name: str) -> Redirect:
    """Tells the public how an incident stands; one that nobody has published stands on this page from then on."""

    def work(desk: Desk, store: Store, page: Page, fields: Form) -> None:
        state = f"={fields['state']}" if "state" in fields else ""
        components = tuple(each + state for each in _words(fields.get("components", "")))
        known = {key: fields[key] for key in ("text", "incident", "status", "name") if key in fields}
        said = _read(known | {"components": components, "page": page.id}, PublicUpdate)
        tell_public(request, desk, store, said)

    return await _change(request, name, work)


@post(HERE + "/{name:str}/maintenance", guards=[needs("status.respond")], status_code=200)
async def plan(request: Incoming, name: str) -> Redirect:
    """Times are those of the page's zone."""

    def work(desk: Desk, store: Store, page: Page, fields: Form) -> None:
        now = store.now()
        planned = Planned(
            id=fresh_id(),
            pages=(page.id,),
            name=fields.get("name", ""),
            starts_at=_instant(fields, "starts_at", page),
            ends_at=_instant(fields, "ends_at", page),
            components=_words(fields.get("components", "")),
            created_at=now,
            updated_at=now,
        )
        desk.plan(planned, fields.get("text", ""))

    return await _change(request, name, work)


@post(HERE + "/{name:str}/maintenance/{window:str}/update", guards=[needs("status.respond")], status_code=200)
async def say_planned(request: Incoming, name: str, window: str) -> Redirect:
    def work(desk: Desk, store: Store, page: Page, fields: Form) -> None:
        update = _read(fields, WindowUpdate)
        desk.say_planned(window, update.status, update.text)

    return await _change(request, name, work)


@post(HERE + "/{name:str}/maintenance/{window:str}/remove", guards=[needs("status.respond")], status_code=200)
async def remove_planned(request: Incoming, name: str, window: str) -> Redirect:
    return await _change(request, name, lambda desk, *_: desk.remove_planned(window))


# --- reading forms ----------------------------------------------------------------------------------------------------


def _read(fields: Mapping[str, Any], form: type[Any]) -> Any:
    """The form as the API takes it. Raises Unacceptable naming the field."""
    try:
        return msgspec.convert(dict(fields), form)
    except msgspec.ValidationError as error:
        raise Unacceptable(str(error)) from error


def _instant(fields: Form, field: str, page: Page) -> datetime:
    try:
        wall = datetime.fromisoformat(fields[field]).replace(tzinfo=None)
    except (KeyError, ValueError) as error:
        got = repr(fields[field]) if field in fields else "nothing"
        raise Unacceptable(f"{field}: expected a time such as 2026-12-01T22:00, got {got}") from error
    return resolve(wall, ZoneInfo(page.time_zone))


def _words(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def _named(name: str, taken: Collection[str], wanted: str) -> str:
    """An id: the one that was asked for, else the name as one, with a number where somebody has it already."""
    if wanted:
        if not ID.fullmatch(wanted) or wanted in taken:
            raise Unacceptable(f"id: expected small letters, digits and -, and one that is free, got {wanted!r}")
        return wanted
    plain = re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-")[:60] or fresh_id()
    return next(each for each in (plain, *(f"{plain}-{n}" for n in range(2, len(taken) + 3))) if each not in taken)


def routes() -> Router:
    handlers = [
        default_page, one_page, make_page, settings, new_token, remove_page, put_component, report, remove_component,
        put_group, remove_group, say, plan, say_planned, remove_planned,
    ]  # fmt: skip
    return Router("/", route_handlers=handlers, exception_handlers=HANDLERS, include_in_schema=False)
