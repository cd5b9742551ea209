"""`/api/status/...`: pages elsewhere that are told, providers that are watched, and a page as files."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any, Literal

import msgspec
from litestar import Response, delete, get, put

from tocsin.core.status import Page, Provider, Target, check_provider, check_target
from tocsin.http.api_incidents import DENIED, json_of
from tocsin.http.api_status import READS, TAGS, WRITES, at_desk, board_of
from tocsin.http.gate import Incoming, deps_of, needs
from tocsin.ports import Store
from tocsin.status.board import PROVIDER, TARGET
from tocsin.status.desk import Desk, Unknown
from tocsin.status.export import files
from tocsin.status.watch import Seen


class TargetForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`kind` statuspage: `page` and `token` are Atlassian's; cachet: `url` and a token; page: `url` gets one post for
    each update. `components`: our ids -> theirs. Without `token` the one that is stored stays."""

    kind: Literal["statuspage", "cachet", "page"]
    url: str = ""
    page: str = ""
    token: str | None = None
    on: str = ""
    components: dict[str, str] = {}


class ProviderForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`services`: ours that depend on it; it is shown with their incidents."""

    url: str
    name: str = ""
    kind: Literal["statuspage", "feed"] = "statuspage"
    services: tuple[str, ...] = ()


class TargetList(msgspec.Struct, frozen=True, kw_only=True):
    items: list[Target]


class ProviderShown(msgspec.Struct, frozen=True, kw_only=True):
    """`seen`: what it said last; null before it was asked."""

    provider: Provider
    troubled: bool
    seen: Seen | None


class ProviderList(msgspec.Struct, frozen=True, kw_only=True):
    items: list[ProviderShown]


class Files(msgspec.Struct, frozen=True, kw_only=True):
    """Paths and contents in base64."""

    page: str
    files: dict[str, str]


@get(
    "/api/status/targets", summary="Status pages elsewhere", tags=TAGS, guards=[needs("status.read")], responses=DENIED
)
async def list_targets(request: Incoming) -> TargetList:
    """Without their tokens."""
    found = board_of(request).targets.values()
    return TargetList(items=[msgspec.structs.replace(each, token="") for each in found])


@put(
    "/api/status/targets/{name:str}",
    summary="Push a page's news elsewhere",
    tags=TAGS,
    guards=[needs("status.manage")],
    responses=WRITES,
)
async def put_target(request: Incoming, name: str, data: TargetForm) -> Response[Target]:
    def work(desk: Desk, store: Store) -> Target:
        board = board_of(request)
        before = board.targets.get(name)
        fields = {field: getattr(data, field) for field in data.__struct_fields__ if field != "token"}
        token = data.token if data.token is not None else before.token if before else ""
        made = Target(id=name, token=token, **fields)
        check_target(made)
        desk.page(made.on)
        desk.checked_stated(made.components)
        _keep(request, store, TARGET, name, made)
        return made

    made = await at_desk(request, work)
    return json_of(msgspec.structs.replace(made, token=""))


@delete(
    "/api/status/targets/{name:str}",
    summary="Push there no more",
    tags=TAGS,
    guards=[needs("status.manage")],
    responses=READS,
)
async def remove_target(request: Incoming, name: str) -> None:
    await at_desk(request, _removing(request, TARGET, name))


@get("/api/status/providers", summary="What providers say", tags=TAGS, guards=[needs("status.read")], responses=DENIED)
async def list_providers(request: Incoming) -> ProviderList:
    seen = deps_of(request).watch.seen
    found = [(each, seen.get(each.id)) for each in board_of(request).providers]
    return ProviderList(
        items=[ProviderShown(provider=each, seen=said, troubled=bool(said and said.troubled)) for each, said in found]
    )


@put(
    "/api/status/providers/{name:str}",
    summary="Watch a provider's status page",
    tags=TAGS,
    guards=[needs("status.manage")],
    responses=WRITES,
)
async def put_provider(request: Incoming, name: str, data: ProviderForm) -> Response[Provider]:
    """Asked once a minute. What it says is shown to responders, and never posted anywhere."""

    def work(desk: Desk, store: Store) -> Provider:
        made = Provider(id=name, **{field: getattr(data, field) for field in data.__struct_fields__})
        check_provider(made)
        _keep(request, store, PROVIDER, name, made)
        return made

    return json_of(await at_desk(request, work))


@delete(
    "/api/status/providers/{name:str}",
    summary="Watch a provider no more",
    tags=TAGS,
    guards=[needs("status.manage")],
    responses=READS,
)
async def remove_provider(request: Incoming, name: str) -> None:
    await at_desk(request, _removing(request, PROVIDER, name))


@get(
    "/api/status/pages/{name:str}/files",
    summary="A page as files",
    tags=TAGS,
    guards=[needs("status.manage")],
    responses=READS,
)
async def export_page(request: Incoming, name: str, url: str = "") -> Response[Files]:
    """For `tocsin status export`: page, history, JSON, feeds. `url`: where the copy will stand."""
    deps, board = deps_of(request), board_of(request)
    page: Page = await at_desk(request, lambda desk, _: desk.page("" if name == "-" else name))
    where = url.rstrip("/") or f"{deps.public_url}/status/{page.id}"
    logo = board.logos.get(page.id)
    made = await deps.read(lambda store: files(board.known, page, store.now(), where, logo))
    return json_of(Files(page=page.id, files={path: base64.b64encode(body).decode() for path, body in made.items()}))


def _keep(request: Incoming, store: Store, kind: str, name: str, value: msgspec.Struct) -> None:
    store.put(deps_of(request).tenant, kind, name, msgspec.json.encode(value))
    board_of(request).changed()


def _removing(request: Incoming, kind: str, name: str) -> Callable[[Desk, Store], None]:
    def work(_: Desk, store: Store) -> None:
        if not store.delete(deps_of(request).tenant, kind, name):
            raise Unknown(f"{kind.removeprefix('status-')}: nothing has the id {name[:80]!r}")
        board_of(request).changed()

    return work


def routes() -> list[Any]:
    return [
        list_targets,
        put_target,
        remove_target,
        list_providers,
        put_provider,
        remove_provider,
        export_page,
    ]
