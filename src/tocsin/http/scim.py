"""`/scim/v2`: an identity provider provisions people (RFC 7643, RFC 7644). Users only; groups come with sign-in (OIDC).

With a token of the scope `scim`, which opens nothing else, or an administrator's.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, delete, get, patch, post, put
from litestar.exceptions import NotFoundException
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import Parameter

from tocsin.core import scim
from tocsin.core.scim import Invalid, User
from tocsin.http import problems, provisioning
from tocsin.http.gate import Incoming, deps_of, needs
from tocsin.http.signing import revoke
from tocsin.identity.provisioned import user, users
from tocsin.ports import Store

log = logging.getLogger(__name__)
MEDIA_TYPE = "application/scim+json"
BASE = "/scim/v2"
PAGE_MAX = 200
Json = dict[str, Any]


class ScimError(msgspec.Struct, frozen=True, kw_only=True):
    """RFC 7644, section 3.12."""

    schemas: list[str]
    status: str
    detail: str
    scimType: str = ""


def _refusal(text: str) -> ResponseSpec:
    return ResponseSpec(data_container=ScimError, description=text, media_type=MEDIA_TYPE)


READS = {
    400: _refusal("What was asked cannot be; `scimType` says why"),
    401: _refusal("No token, or one that does not count"),
    403: _refusal("The token may not"),
}
ONE = {**READS, 404: _refusal("Nobody is provisioned so")}
WRITES = {**ONE, 409: _refusal("The name is another user's, or they are the last owner")}


def answer(body: Json, status: int = 200, location: str = "") -> Response[Any]:
    headers = {"Location": location} if location else {}
    return Response(msgspec.json.encode(body), status_code=status, media_type=MEDIA_TYPE, headers=headers)


@get(
    "/Users",
    summary="List users, or find one by a filter",
    operation_id="scim-list-users",
    responses=READS,
    media_type=MEDIA_TYPE,
)
async def list_users(
    request: Incoming,
    filter: Annotated[str | None, Parameter(max_length=1000, description='userName eq "ana@example.org"')] = None,
    start: Annotated[int, Parameter(query="startIndex", description="counts from 1")] = 1,
    count: Annotated[int, Parameter(description=f"at most {PAGE_MAX}")] = PAGE_MAX,
) -> Response[Json]:
    deps, base = deps_of(request), base_of(request)
    wanted = scim.sought(filter) if filter else None
    known = await deps.read(lambda store: users(store, deps.tenant))
    found = [scim.resource(each, base) for each in known if wanted is None or scim.fits(each, *wanted)]
    return answer(scim.listed(found, max(start, 1), min(max(count, 0), PAGE_MAX)))


@get("/Users/{name:str}", summary="One user", operation_id="scim-show-user", responses=ONE, media_type=MEDIA_TYPE)
async def show_user(request: Incoming, name: str) -> Response[Json]:
    deps = deps_of(request)
    found = await deps.read(lambda store: _named(store, deps.tenant, name))
    return answer(scim.resource(found, base_of(request)))


@post(
    "/Users",
    summary="Provision a user",
    status_code=201,
    operation_id="scim-create-user",
    responses=WRITES,
    media_type=MEDIA_TYPE,
)
async def create_user(request: Incoming, data: Json) -> Response[Json]:
    """Somebody new in the directory, or the one person who has that mail address already."""
    deps, actor, said = deps_of(request), request.user, scim.wanted(data)
    made = await revoke(
        request, lambda store: provisioning.create(deps, store, actor, said, f"u{secrets.token_hex(12)}")
    )
    shown = scim.resource(made, base_of(request))
    return answer(shown, 201, shown["meta"]["location"])


@put(
    "/Users/{name:str}",
    summary="Replace a user",
    operation_id="scim-replace-user",
    responses=WRITES,
    media_type=MEDIA_TYPE,
)
async def replace_user(request: Incoming, name: str, data: Json) -> Response[Json]:
    return await _changed(request, name, scim.wanted(data), whole=True)


@patch(
    "/Users/{name:str}",
    summary="Change or deactivate a user",
    operation_id="scim-change-user",
    responses=WRITES,
    media_type=MEDIA_TYPE,
)
async def change_user(request: Incoming, name: str, data: Json) -> Response[Json]:
    """`active` false ends their sessions and tokens, and nothing signs them in; the last owner is refused."""
    return await _changed(request, name, scim.patched(data))


@delete("/Users/{name:str}", summary="Deactivate a user for good", operation_id="scim-delete-user", responses=WRITES)
async def delete_user(request: Incoming, name: str) -> None:
    deps, actor = deps_of(request), request.user
    await revoke(request, lambda store: provisioning.remove(deps, store, actor, _named(store, deps.tenant, name)))


async def _changed(request: Incoming, name: str, said: scim.Wanted, *, whole: bool = False) -> Response[Json]:
    deps, actor = deps_of(request), request.user

    def change(store: Store) -> User:
        return provisioning.change(deps, store, actor, _named(store, deps.tenant, name), said, whole=whole)

    return answer(scim.resource(await revoke(request, change), base_of(request)))


def _named(store: Store, tenant: str, name: str) -> User:
    found = user(store, tenant, name)
    if found is None:
        raise NotFoundException(f"user: nobody is provisioned as {name!r}")
    return found


def base_of(request: Incoming) -> str:
    return f"{deps_of(request).public_url}{BASE}"


# --- what there is ----------------------------------------------------------------------------------------------------


@get(
    "/ServiceProviderConfig",
    summary="What of SCIM is here",
    operation_id="scim-config",
    responses=READS,
    media_type=MEDIA_TYPE,
)
async def show_config(request: Incoming) -> Response[Json]:
    off = {"supported": False}
    return answer(
        {
            "schemas": [scim.CONFIG],
            "patch": {"supported": True},
            "bulk": off | {"maxOperations": 0, "maxPayloadSize": 0},
            "filter": {"supported": True, "maxResults": PAGE_MAX},
            "changePassword": off,
            "sort": off,
            "etag": off,
            "authenticationSchemes": [
                {"type": "oauthbearertoken", "name": "Bearer token", "description": "tocsin token add NAME --scim"}
            ],
            "meta": {"resourceType": "ServiceProviderConfig", "location": f"{base_of(request)}/ServiceProviderConfig"},
        }
    )


@get(
    "/ResourceTypes",
    summary="What can be provisioned",
    operation_id="scim-resource-types",
    responses=READS,
    media_type=MEDIA_TYPE,
)
async def list_types(request: Incoming) -> Response[Json]:
    return answer(scim.listed([_type(request)], 1, PAGE_MAX))


@get(
    "/ResourceTypes/User",
    summary="Users, as a resource type",
    operation_id="scim-user-type",
    responses=READS,
    media_type=MEDIA_TYPE,
)
async def show_type(request: Incoming) -> Response[Json]:
    return answer(_type(request))


def _type(request: Incoming) -> Json:
    return {
        "schemas": [scim.TYPE],
        "id": "User",
        "name": "User",
        "endpoint": "/Users",
        "schema": scim.USER,
        "meta": {"resourceType": "ResourceType", "location": f"{base_of(request)}/ResourceTypes/User"},
    }


@get("/Schemas", summary="What is kept of a user", operation_id="scim-schemas", responses=READS, media_type=MEDIA_TYPE)
async def list_schemas(request: Incoming) -> Response[Json]:
    return answer(scim.listed([_schema(request)], 1, PAGE_MAX))


@get("/Schemas/{name:str}", summary="One schema", operation_id="scim-schema", responses=ONE, media_type=MEDIA_TYPE)
async def show_schema(request: Incoming, name: str) -> Response[Json]:
    if name != scim.USER:
        raise NotFoundException(f"schema: expected {scim.USER}, got {name[:100]!r}")
    return answer(_schema(request))


def _schema(request: Incoming) -> Json:
    def attribute(name: str, kind: str = "string", **more: Any) -> Json:
        plain = {"multiValued": False, "required": False, "mutability": "readWrite", "returned": "default"}
        text = {"caseExact": False, "uniqueness": "none"} if kind == "string" else {}
        return {"name": name, "type": kind, **plain, **text, **more}

    return {
        "schemas": [scim.SCHEMA],
        "id": scim.USER,
        "name": "User",
        "attributes": [
            attribute("userName", required=True, uniqueness="server"),
            attribute("displayName"),
            attribute("name", "complex", subAttributes=[attribute("formatted")]),
            attribute("active", "boolean"),
            attribute("emails", "complex", multiValued=True, subAttributes=[attribute("value")]),
        ],
        "meta": {"resourceType": "Schema", "location": f"{base_of(request)}/Schemas/{scim.USER}"},
    }


# --- errors -----------------------------------------------------------------------------------------------------------


def on_invalid(_: Request[Any, Any, Any], wrong: Invalid) -> Response[Any]:
    status = 409 if wrong.kind == "uniqueness" else 400
    return answer(scim.error(status, str(wrong), wrong.kind), status)


def as_scim(handler: Callable[[Any, Any], Response[Any]]) -> Callable[[Any, Any], Response[Any]]:
    """The same answer in SCIM's form."""

    def handle(request: Request[Any, Any, Any], error: Any) -> Response[Any]:
        found = handler(request, error)
        status = found.status_code or 500
        told = answer(scim.error(status, found.content.detail), status)
        told.headers.update({name: value for name, value in found.headers.items() if name.casefold() != "content-type"})
        return told

    return handle


HANDLERS: dict[Any, Any] = {kind: as_scim(each) for kind, each in problems.HANDLERS.items()} | {Invalid: on_invalid}


def routes() -> Router:
    handlers: list[Any] = [list_users, show_user, create_user, replace_user, change_user, delete_user]
    handlers += [show_config, list_types, show_type, list_schemas, show_schema]
    return Router(
        BASE,
        route_handlers=handlers,
        guards=[needs("people.provision")],
        exception_handlers=HANDLERS,
        tags=["directory"],
    )
