"""`/api/status/...`: the public pages as whoever manages them sees them. Atlassian's own API is `/v1/pages`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from litestar import Response, delete, get, post, put
from litestar.exceptions import NotFoundException
from litestar.openapi.datastructures import ResponseSpec

from tocsin.core.facts import OPEN_STATUSES
from tocsin.core.status import (
    SECTIONS,
    Component,
    ComponentState,
    Group,
    Page,
    Planned,
    Section,
    Way,
)
from tocsin.core.statusview import IncidentView, Known, page_components, view
from tocsin.http.api_incidents import DENIED, acting, json_of, problem
from tocsin.http.gate import Incoming, deps_of, needs
from tocsin.ports import Store
from tocsin.status.board import Board
from tocsin.status.desk import Desk, Unknown
from tocsin.status.logo import read_logo

READS = {**DENIED, 404: problem("Nothing has this id")}
WRITES = {**READS, 400: problem("A field is wrong; `errors` names it")}
TAGS = ["status pages"]
T = TypeVar("T")


class GroupForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: str
    name: str
    description: str = ""
    components: tuple[str, ...] = ()


class PageForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`components` and `groups` hold ids of components; `order` are ids of both, top to bottom. A section that is left
    out of `sections` is absent from the page, its JSON and its feeds. `theme`: colours by name."""

    name: str
    description: str = ""
    url: str = ""
    support_url: str = ""
    time_zone: str = "UTC"
    default: bool = False
    private: bool = False
    components: tuple[str, ...] = ()
    groups: tuple[GroupForm, ...] = ()
    order: tuple[str, ...] = ()
    sections: tuple[Section, ...] = SECTIONS
    theme: dict[str, str] = {}
    subscribe_by: tuple[Way, ...] = ("email", "webhook", "feed")
    hidden_from_search: bool = False


class ComponentForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`services`: whose published incidents affect it; with `automatic` also those that nobody has published, as a
    colour without a word. `fresh_seconds`: it is unknown when nobody has reported its state for so long."""

    name: str
    description: str = ""
    services: tuple[str, ...] = ()
    automatic: bool = False
    fresh_seconds: int | None = None
    only_show_if_degraded: bool = False
    showcase: bool = True


class Reported(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    state: Literal["operational", "under_maintenance", "degraded_performance", "partial_outage", "major_outage"]


class ComponentShown(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str
    state: ComponentState
    uptime: str
    services: tuple[str, ...]


class IncidentShown(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str
    status: str
    impact: str
    components: tuple[str, ...]


class PageShown(msgspec.Struct, frozen=True, kw_only=True):
    """How a page stands. `unpublished`: open incidents that concern it and that nobody has published."""

    page: Page
    url: str
    sentence: str
    indicator: str
    components: tuple[ComponentShown, ...]
    incidents: tuple[IncidentShown, ...]
    maintenance: tuple[Planned, ...]
    unpublished: tuple[str, ...]


class PageList(msgspec.Struct, frozen=True, kw_only=True):
    items: list[PageShown]


class ComponentList(msgspec.Struct, frozen=True, kw_only=True):
    items: list[Component]


class Token(msgspec.Struct, frozen=True, kw_only=True):
    token: str
    url: str


class LogoForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A PNG, JPEG or WebP in base64, at most 16 kB; empty takes the logo away."""

    data: str


# --- help -------------------------------------------------------------------------------------------------------------


async def at_desk(request: Incoming, work: Callable[[Desk, Store], T]) -> T:
    """`work` on the writer thread. Raises NotFoundException, Unacceptable."""
    deps, board = deps_of(request), deps_of(request).board

    def on_the_writer(store: Store) -> T:
        desk = Desk(store, deps.tenant, lambda: board.known, board.changed)
        try:
            found: T = acting(lambda: work(desk, store))
        except Unknown as error:
            raise NotFoundException(str(error)) from error
        return found

    return await deps.run(on_the_writer)


def board_of(request: Incoming) -> Board:
    return deps_of(request).board


def shown(known: Known, page: Page, url: str, store: Store, tenant: str) -> PageShown:
    found = view(known, msgspec.structs.replace(page, sections=SECTIONS), store.now())
    return PageShown(
        page=msgspec.structs.replace(page, token_sha256=""),
        url=url,
        sentence=found.sentence,
        indicator=found.indicator,
        components=tuple(
            ComponentShown(
                id=each.component.id,
                name=each.component.name,
                state=each.state,
                uptime=each.uptime.percent,
                services=each.component.services,
            )
            for each in found.components
        ),
        incidents=tuple(incident_shown(each) for each in found.open),
        maintenance=tuple(each.planned for each in found.planned),
        unpublished=tuple(unpublished(known, page, store, tenant)),
    )


def incident_shown(each: IncidentView) -> IncidentShown:
    return IncidentShown(
        id=each.incident.id,
        name=each.name,
        status=each.incident.status,
        impact=each.impact,
        components=tuple(one.id for one in each.components),
    )


def unpublished(known: Known, page: Page, store: Store, tenant: str) -> list[str]:
    """References of open incidents of the page's services that stand on no page."""
    services = {name for each in page_components(known, page) for name in each.services}
    public = {each.id for each in known.incidents if each.public}
    found: list[str] = []
    for service in sorted(services):
        rows, _ = store.listing(tenant, statuses=sorted(OPEN_STATUSES), service=service, limit=50)
        found += [row.reference for row in rows if row.incident not in public and not row.drill]
    return found


# --- pages ------------------------------------------------------------------------------------------------------------


@get("/api/status/pages", summary="The public pages", tags=TAGS, guards=[needs("status.read")], responses=DENIED)
async def list_pages(request: Incoming) -> PageList:
    deps, board = deps_of(request), board_of(request)
    known = board.known

    def look(store: Store) -> list[PageShown]:
        return [shown(known, page, f"{deps.public_url}/status/{page.id}", store, deps.tenant) for page in known.pages]

    return PageList(items=await deps.read(look))


@put(
    "/api/status/pages/{name:str}",
    summary="Make or replace a public page",
    tags=TAGS,
    guards=[needs("status.manage")],
    responses=WRITES,
)
async def put_page(request: Incoming, name: str, data: PageForm) -> Response[Page]:
    """A private page needs a token: `POST .../token`."""

    def work(desk: Desk, store: Store) -> Page:
        now = store.now()
        before = next((each for each in board_of(request).known.pages if each.id == name), None)
        fields = {field: getattr(data, field) for field in data.__struct_fields__ if field != "groups"}
        groups = tuple(
            Group(
                id=each.id,
                name=each.name,
                description=each.description,
                components=each.components,
                created_at=now,
                updated_at=now,
            )
            for each in data.groups
        )
        return desk.put_page(
            Page(
                id=name,
                groups=groups,
                token_sha256=before.token_sha256 if before else "",
                created_at=before.created_at if before else now,
                updated_at=now,
                **fields,
            )
        )

    made = await at_desk(request, work)
    return json_of(msgspec.structs.replace(made, token_sha256=""))


@delete(
    "/api/status/pages/{name:str}",
    summary="Remove a public page",
    tags=TAGS,
    guards=[needs("status.manage")],
    responses=READS,
)
async def remove_page(request: Incoming, name: str) -> None:
    await at_desk(request, lambda desk, _: desk.remove_page(name))


@post(
    "/api/status/pages/{name:str}/token",
    summary="Make a page private, with a new token",
    tags=TAGS,
    guards=[needs("status.manage")],
    responses={**READS, 201: ResponseSpec(data_container=Token, description="The token, shown once")},
)
async def new_token(request: Incoming, name: str) -> Response[Token]:
    token = await at_desk(request, lambda desk, _: desk.new_token(name, digest_of))
    return json_of(Token(token=token, url=f"{deps_of(request).public_url}/status/{name}?token={token}"), 201)


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@put(
    "/api/status/pages/{name:str}/logo",
    summary="Set a page's logo",
    tags=TAGS,
    guards=[needs("status.manage")],
    responses=WRITES,
    status_code=204,
)
async def put_logo(request: Incoming, name: str, data: LogoForm) -> None:
    await at_desk(request, lambda desk, _: desk.put_logo(name, read_logo(data.data) if data.data else None))


# --- components -------------------------------------------------------------------------------------------------------


@get("/api/status/components", summary="Components", tags=TAGS, guards=[needs("status.read")], responses=DENIED)
async def list_components(request: Incoming) -> ComponentList:
    return ComponentList(items=list(board_of(request).known.components.values()))


@put(
    "/api/status/components/{name:str}",
    summary="Make or replace a component",
    tags=TAGS,
    guards=[needs("status.manage")],
    responses=WRITES,
)
async def put_component(
    request: Incoming,
    name: str,
    data: ComponentForm,
    page: Annotated[str | None, "the page it is put on, if it is on none; empty: the default page"] = None,
) -> Response[Component]:
    def work(desk: Desk, store: Store) -> Component:
        before = board_of(request).known.components.get(name)
        fields = {field: getattr(data, field) for field in data.__struct_fields__}
        made = Component(
            id=name,
            created_at=before.created_at if before else store.now(),
            updated_at=store.now(),
            starts_on=before.starts_on if before else None,
            **fields,
        )
        on = desk.page(page) if page is not None else None
        held = on is not None and any(name in group.components for group in on.groups)
        return desk.put_component(made, None if held else on)

    return json_of(await at_desk(request, work))


@delete(
    "/api/status/components/{name:str}",
    summary="Remove a component",
    tags=TAGS,
    guards=[needs("status.manage")],
    responses=READS,
)
async def remove_component(request: Incoming, name: str) -> None:
    await at_desk(request, lambda desk, _: desk.remove_component(name))


@post(
    "/api/status/components/{name:str}/report",
    summary="Say how a component is",
    tags=TAGS,
    guards=[needs("status.respond")],
    responses=WRITES,
    status_code=204,
)
async def report_component(request: Incoming, name: str, data: Reported) -> None:
    """By hand or by a check. An open public incident may still show it worse, never better."""
    await at_desk(request, lambda desk, _: desk.report(name, data.state))


def routes() -> list[Any]:
    return [
        list_pages,
        put_page,
        remove_page,
        new_token,
        put_logo,
        list_components,
        put_component,
        remove_component,
        report_component,
    ]
