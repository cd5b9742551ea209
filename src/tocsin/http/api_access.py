"""`/api/me`, `/api/tokens`, sign-in links: who calls, and credentials. A secret is shown once, when it is made."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec
from litestar import Response, Router, delete, get, post
from litestar.exceptions import NotFoundException
from litestar.openapi.datastructures import ResponseSpec

from tocsin.core.access import ROLES, Resource, Role, Scope, Spoken, at_least, role_of
from tocsin.http import auth
from tocsin.http.api_directory import check_name
from tocsin.http.api_incidents import DENIED, json_of, problem
from tocsin.http.events import events_of
from tocsin.http.gate import Incoming, deps_of, insist, needs
from tocsin.http.problems import Unacceptable
from tocsin.identity import accounts
from tocsin.ports import Store

READS = {**DENIED, 404: problem("Nothing has this id")}
KINDS: tuple[Literal["token", "session"], ...] = ("token", "session")
WRITES = {**DENIED, 400: problem("A field is wrong; `errors` names it")}


class Me(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    kind: str
    role: Role


class TokenForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`person` is who it speaks for; a `service` token speaks for a program. No `days`: until it is revoked.
    `scope` scim: for an identity provider that provisions people, and for nothing else; an administrator's or more."""

    name: str
    person: str | None = None
    role: Spoken = "responder"
    service: bool = False
    scope: Scope = ""
    days: Annotated[int, msgspec.Meta(ge=1, le=3650)] | None = None


class TokenView(msgspec.Struct, frozen=True, kw_only=True):
    """A credential without its secret; `token` only in the answer that made it. `suspended`: it came out of a backup,
    and counts for handing in alerts at most until it is confirmed."""

    id: str
    kind: Literal["token", "session"]
    name: str
    person: str
    role: Role
    service: bool
    scope: Scope = ""
    created_at: datetime
    expires_at: datetime | None
    used_at: datetime | None
    suspended: bool = False
    token: str | None = None


class TokenList(msgspec.Struct, frozen=True, kw_only=True):
    items: list[TokenView]


class SignInForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`role`: the person's from then on. Without one they keep the role they have; a responder, who has none."""

    person: str
    role: Spoken | None = None


class SignInLink(msgspec.Struct, frozen=True, kw_only=True):
    """Works once, for 24 hours."""

    url: str


@get("/api/me", summary="Who is calling", responses=DENIED, tags=["access"], guards=[needs("self.manage")])
async def show_me(request: Incoming) -> Me:
    actor = request.user
    return Me(id=actor.id, kind=actor.kind, role=actor.role)


@get("/", summary="List tokens and sessions", responses=DENIED, guards=[needs("token.manage")])
async def list_tokens(request: Incoming) -> TokenList:
    deps = deps_of(request)

    def both(store: Store) -> list[TokenView]:
        waiting = {name for name, _ in store.items(deps.tenant, auth.SUSPENDED)}
        found = ((kind, record) for kind in KINDS for record in auth.records(store, deps.tenant, kind))
        return [view(kind, each, suspended=kind == "token" and each.id in waiting) for kind, each in found]

    return TokenList(items=await deps.read(both))


@post(
    "/",
    summary="Make a token",
    guards=[needs("token.manage")],
    responses={**WRITES, 201: ResponseSpec(data_container=TokenView, description="The token, for this once")},
)
async def create_token(request: Incoming, data: TokenForm) -> Response[TokenView]:
    deps = deps_of(request)
    check_name(data.name)
    check_name(data.person or request.user.id)
    insist(request.user, "token.manage", Resource(grants=role_of(data.role)))
    if data.scope and not (data.service and at_least(role_of(data.role), "administrator")):
        raise Unacceptable(f"scope: expected a service token with an administrator's role for {data.scope}")
    issued = auth.issue(
        data.person or request.user.id,
        data.role,
        deps.clock.now(),
        name=data.name,
        service=data.service,
        scope=data.scope,
        lasts=timedelta(days=data.days) if data.days else None,
    )
    await deps.run(lambda store: auth.save(store, deps.tenant, "token", issued.record))
    return json_of(msgspec.structs.replace(view("token", issued.record), token=issued.text), 201)


@delete("/{name:str}", summary="Revoke a token or a session", guards=[needs("token.manage")], responses=READS)
async def revoke_token(request: Incoming, name: str) -> None:
    """It stops working at once, open event streams included."""
    deps = deps_of(request)

    def on_the_writer(store: Store) -> bool:
        for kind in KINDS:
            held = {record.id: record for record in auth.records(store, deps.tenant, kind)}.get(name)
            if held is not None:
                insist(request.user, "token.manage", Resource(owner=held.person, grants=role_of(held.role)))
                return store.delete(deps.tenant, kind, name)
        return False

    if not await deps.run(on_the_writer):
        raise NotFoundException(f"token: nothing has the id {name!r}")
    events_of(request).recheck()


@post(
    "/{name:str}/confirm",
    summary="Say that a token of a backup still counts",
    guards=[needs("token.manage")],
    responses=READS,
    status_code=200,
)
async def confirm_token(request: Incoming, name: str) -> TokenView:
    """After a restore tokens wait: one that was revoked since the backup was made would come alive again."""
    deps = deps_of(request)

    def on_the_writer(store: Store) -> auth.Record:
        held = {record.id: record for record in auth.records(store, deps.tenant, "token")}.get(name)
        if held is None:
            raise NotFoundException(f"token: nothing has the id {name!r}")
        insist(request.user, "token.manage", Resource(owner=held.person, grants=role_of(held.role)))
        auth.confirm(store, deps.tenant, name)
        return held

    return view("token", await deps.run(on_the_writer))


@post(
    "/api/sign-in-links",
    summary="Make a one-time sign-in link for a person",
    guards=[needs("token.manage")],
    responses={**WRITES, 201: ResponseSpec(data_container=SignInLink, description="The link, for this once")},
    tags=["access"],
)
async def create_sign_in_link(request: Incoming, data: SignInForm) -> Response[SignInLink]:
    deps = deps_of(request)
    check_name(data.person)

    def standing(store: Store) -> Role:
        account = accounts.find(store, deps.tenant, data.person)
        return account.role if account else "responder"

    before = await deps.read(standing)
    role = role_of(data.role) if data.role else before
    insist(request.user, "token.manage", Resource(grants=max(role, before, key=ROLES.index)))
    url = await deps.run(lambda store: auth.sign_in_link(store, deps.public_url, data.person, role, deps.tenant))
    return json_of(SignInLink(url=url), 201)


def view(kind: Literal["token", "session"], record: auth.Record, *, suspended: bool = False) -> TokenView:
    return TokenView(
        id=record.id,
        kind=kind,
        name=record.name,
        person=record.person,
        role=role_of(record.role),
        service=record.service,
        scope=record.scope,
        created_at=record.created_at,
        expires_at=record.expires_at,
        used_at=record.used_at,
        suspended=suspended,
    )


def routes() -> list[Any]:
    tokens = Router(
        "/api/tokens", route_handlers=[list_tokens, create_token, revoke_token, confirm_token], tags=["access"]
    )
    return [show_me, tokens, create_sign_in_link]
