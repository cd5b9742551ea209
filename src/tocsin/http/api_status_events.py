"""`/api/status/...`: announced maintenance, and the one line that tells the public how it stands."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response, delete, get, post
from litestar.openapi.datastructures import ResponseSpec

from tocsin.core import commands as c
from tocsin.core.facts import OPEN_STATUSES
from tocsin.core.status import MaintenanceStatus, Planned, PublicStatus
from tocsin.core.statusview import Known, view
from tocsin.engine import NotFound
from tocsin.http.api_incidents import DENIED, json_of, problem
from tocsin.http.api_operations import Instant
from tocsin.http.api_status import READS, TAGS, WRITES, IncidentShown, at_desk, board_of, incident_shown
from tocsin.http.gate import Incoming, deps_of, needs
from tocsin.http.problems import Unacceptable
from tocsin.ports import Store
from tocsin.status.desk import Desk, fresh_id


class WindowForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`text`: the announcement. `pages` empty: the default page."""

    name: str
    starts_at: Instant
    ends_at: Instant
    pages: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    text: str = ""
    starts_by_itself: bool = True
    ends_by_itself: bool = True


class WindowUpdate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    text: str
    status: MaintenanceStatus | None = None


class PublicUpdate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`incident`: its id or reference; else the one that is public and open, or the only one that is open."""

    text: str
    incident: str | None = None
    page: str | None = None
    status: PublicStatus | None = None
    name: str = ""
    components: tuple[str, ...] = ()


class WindowList(msgspec.Struct, frozen=True, kw_only=True):
    items: list[Planned]


# --- maintenance ------------------------------------------------------------------------------------------------------


@get(
    "/api/status/maintenance",
    summary="Announced maintenance",
    tags=TAGS,
    guards=[needs("status.read")],
    responses=DENIED,
)
async def list_windows(request: Incoming) -> WindowList:
    return WindowList(items=list(board_of(request).known.planned))


@post(
    "/api/status/maintenance",
    summary="Announce maintenance to the public",
    tags=TAGS,
    guards=[needs("status.respond")],
    responses={**WRITES, 201: ResponseSpec(data_container=Planned, description="The window")},
)
async def plan(request: Incoming, data: WindowForm) -> Response[Planned]:
    """Pages go on as usual; `POST /api/maintenance` keeps alerts of the same work quiet."""

    def work(desk: Desk, store: Store) -> Planned:
        fields = {field: getattr(data, field) for field in data.__struct_fields__ if field != "text"}
        now = store.now()
        return desk.plan(Planned(id=fresh_id(), created_at=now, updated_at=now, **fields), data.text)

    return json_of(await at_desk(request, work), 201)


@post(
    "/api/status/maintenance/{name:str}/update",
    summary="Say how a maintenance goes",
    tags=TAGS,
    guards=[needs("status.respond")],
    responses=WRITES,
    status_code=200,
)
async def update_window(request: Incoming, name: str, data: WindowUpdate) -> Response[Planned]:
    return json_of(await at_desk(request, lambda desk, _: desk.say_planned(name, data.status, data.text)))


@delete(
    "/api/status/maintenance/{name:str}",
    summary="Withdraw a maintenance announcement",
    tags=TAGS,
    guards=[needs("status.respond")],
    responses=READS,
)
async def remove_window(request: Incoming, name: str) -> None:
    await at_desk(request, lambda desk, _: desk.remove_planned(name))


# --- the one line of the guide ----------------------------------------------------------------------------------------


@post(
    "/api/status/update",
    summary="Tell the public how it stands",
    tags=TAGS,
    guards=[needs("status.respond")],
    responses={**WRITES, 409: problem("The incident's state does not allow it")},
    status_code=200,
)
async def update(request: Incoming, data: PublicUpdate) -> Response[IncidentShown]:
    """Posts to the incident that is meant, and publishes it if nobody has yet."""
    return json_of(await at_desk(request, lambda desk, store: tell_public(request, desk, store, data)))


def tell_public(request: Incoming, desk: Desk, store: Store, data: PublicUpdate) -> IncidentShown:
    """The incident that is meant stands on the page, with these words. Raises Unacceptable, Unknown, ValueError."""
    deps = deps_of(request)
    name = data.incident or _meant(board_of(request).known, store, deps.tenant, desk.page(data.page or "").id)
    desk.checked_stated(data.components)
    pages = (desk.page(data.page).id,) if data.page else ()
    publish = c.Publish(by=request.user.id, name=data.name, pages=pages, components=data.components)
    try:
        incident = deps.engine.handle(deps.tenant, name, publish)
    except NotFound as error:
        raise Unacceptable(str(error)) from error
    said = c.PostUpdate(by=request.user.id, text=data.text, audience="public", status=data.status)
    deps.engine.handle(deps.tenant, incident.id, said)
    found = view(board_of(request).known, desk.page(pages[0] if pages else ""), store.now())
    each = next((each for each in (*found.open, *found.over) if each.incident.id == incident.id), None)
    if each is None:
        return IncidentShown(id=incident.id, name=data.name, status=incident.status, impact="none", components=())
    return incident_shown(each)


def _meant(known: Known, store: Store, tenant: str, page: str) -> str:
    """The open public incident of the page, else the only open incident. Raises ValueError naming the choice."""
    public = [each for each in known.incidents if each.public and each.open and (not each.pages or page in each.pages)]
    if len(public) == 1:
        return public[0].id
    if len(public) > 1:
        found = [store.index(tenant, each.id) for each in public]
        raise ValueError(f"incident: expected one of {_named(found)}, got nothing")
    rows, _ = store.listing(tenant, statuses=sorted(OPEN_STATUSES), limit=20)
    real = [row for row in rows if not row.drill]
    if len(real) == 1:
        return real[0].incident
    if not real:
        raise ValueError("incident: expected one, and none is open; declare one first")
    raise ValueError(f"incident: expected one of {_named(real)}, got nothing")


def _named(rows: Any) -> str:
    return ", ".join(f"{row.reference} ({row.title[:60]})" for row in rows if row)


def routes() -> list[Any]:
    return [list_windows, plan, update_window, remove_window, update]
