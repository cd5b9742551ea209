"""`/api/tenants`: the organisations of this installation. The installation's own tenant has these routes, no other."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import datetime
from typing import Any, Literal, TypeVar

import msgspec
from litestar import Response, Router, delete, get, patch, post
from litestar.exceptions import ClientException, NotFoundException
from litestar.openapi.datastructures import ResponseSpec

from tocsin.core.tenants import Limits, Tenant, host_of
from tocsin.http.api_incidents import DENIED, json_of, problem
from tocsin.http.gate import Incoming, deps_of, needs
from tocsin.http.problems import Unacceptable
from tocsin.http.tenancy import Standing, Tenancy

T = TypeVar("T")

READS = {**DENIED, 404: problem("No tenant has this name, or this is a tenant, which knows of no other")}
WRITES = {
    **READS,
    400: problem("A field is wrong; `errors` names it"),
    409: problem("The configuration file names it, or it runs"),
}


class TenantForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`hosts`: the names of the web that lead to it."""

    name: str
    hosts: list[str]
    limits: Limits = Limits()


class TenantChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Null: as it is. `limits` replace all limits."""

    hosts: list[str] | None = None
    limits: Limits | None = None


class TenantView(msgspec.Struct, frozen=True, kw_only=True):
    """`ready` with the `reasons` why not; `met`: how often each limit was met since the start. `sign_in` only in the
    answer that made it."""

    name: str
    hosts: list[str]
    state: Literal["active", "suspended"]
    ready: bool
    reasons: list[str]
    limits: Limits
    met: dict[str, int]
    stored_bytes: int
    managed: bool
    created_at: datetime | None
    sign_in: str | None = None


class TenantList(msgspec.Struct, frozen=True, kw_only=True):
    items: list[TenantView]


class Removed(msgspec.Struct, frozen=True, kw_only=True):
    """`data`: where on the installation's machine everything of it was put aside. Whoever wants it gone deletes it."""

    name: str
    data: str


class SignIn(msgspec.Struct, frozen=True, kw_only=True):
    """Works once, for 24 hours."""

    url: str


@get("/", summary="List tenants", responses=READS, guards=[needs("installation.manage")])
async def list_tenants(request: Incoming) -> TenantList:
    return TenantList(items=[view(each) for each in _tenancy(request).standings()])


@get("/{name:str}", summary="Show a tenant", responses=READS, guards=[needs("installation.manage")])
async def show_tenant(request: Incoming, name: str) -> TenantView:
    return _shown(request, name)


@post(
    "/",
    summary="Create a tenant",
    guards=[needs("installation.manage")],
    responses={**WRITES, 201: ResponseSpec(data_container=TenantView, description="It runs; `sign_in`, for this once")},
)
async def create_tenant(request: Incoming, data: TenantForm) -> Response[TenantView]:
    """It starts at once, with the example guides. `sign_in` is for its first administrator."""
    hosts = tuple(host_of(each) for each in data.hosts)
    tenant = Tenant(name=data.name, hosts=hosts, limits=data.limits, created_at=deps_of(request).clock.now())
    url = await _asked(_tenancy(request).create(tenant))
    return json_of(msgspec.structs.replace(_shown(request, data.name), sign_in=url), 201)


@patch("/{name:str}", summary="Change hosts or limits", responses=WRITES, guards=[needs("installation.manage")])
async def change_tenant(request: Incoming, name: str, data: TenantChange) -> TenantView:
    hosts = tuple(host_of(each) for each in data.hosts) if data.hosts is not None else None
    await _asked(_tenancy(request).change(name, hosts=hosts, limits=data.limits))
    return _shown(request, name)


@post(
    "/{name:str}/suspend",
    summary="Suspend a tenant",
    status_code=200,
    responses=WRITES,
    guards=[needs("installation.manage")],
)
async def suspend_tenant(request: Incoming, name: str) -> TenantView:
    """It stops: nobody is paged, and everything that is sent to it is answered 503, so that senders try again."""
    await _asked(_tenancy(request).suspend(name))
    return _shown(request, name)


@post(
    "/{name:str}/resume",
    summary="Resume a tenant",
    status_code=200,
    responses=WRITES,
    guards=[needs("installation.manage")],
)
async def resume_tenant(request: Incoming, name: str) -> TenantView:
    await _asked(_tenancy(request).resume(name))
    return _shown(request, name)


@post("/{name:str}/sign-in", summary="Make a sign-in link", responses=WRITES, guards=[needs("installation.manage")])
async def sign_in_to_tenant(request: Incoming, name: str) -> SignIn:
    """For an administrator of the tenant who cannot get in. It stands in both audit trails."""
    return SignIn(url=await _asked(_tenancy(request).sign_in(name)))


@delete(
    "/{name:str}", summary="Remove a tenant", status_code=200, responses=WRITES, guards=[needs("installation.manage")]
)
async def remove_tenant(request: Incoming, name: str) -> Removed:
    """A suspended one only. Nothing is deleted: `data` says where it was put aside."""
    return Removed(name=name, data=await _asked(_tenancy(request).remove(name)))


def view(standing: Standing) -> TenantView:
    tenant = standing.tenant
    return TenantView(
        name=tenant.name,
        hosts=list(tenant.hosts),
        state=tenant.state,
        ready=standing.running and not standing.reasons,
        reasons=list(standing.reasons),
        limits=tenant.limits,
        met=dict(standing.met),
        stored_bytes=standing.stored_bytes,
        managed=tenant.managed,
        created_at=tenant.created_at,
    )


def _tenancy(request: Incoming) -> Tenancy:
    found = deps_of(request).tenants
    if found is None:
        raise NotFoundException("a tenant knows of no other; ask the installation's own")
    return found


def _shown(request: Incoming, name: str) -> TenantView:
    for each in _tenancy(request).standings():
        if each.tenant.name == name:
            return view(each)
    raise NotFoundException(f"no tenant is called {name!r}")


async def _asked(change: Awaitable[T]) -> T:
    try:
        return await change
    except KeyError as error:
        raise NotFoundException(f"no tenant is called {error.args[0]!r}") from None
    except PermissionError as error:
        raise ClientException(str(error), status_code=409) from None
    except ValueError as error:
        raise Unacceptable(str(error)) from None


def routes() -> list[Any]:
    return [
        Router(
            "/api/tenants",
            route_handlers=[
                list_tenants,
                show_tenant,
                create_tenant,
                change_tenant,
                suspend_tenant,
                resume_tenant,
                sign_in_to_tenant,
                remove_tenant,
            ],
            tags=["tenants"],
        )
    ]
