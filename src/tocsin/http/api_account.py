"""`/api/me/...`: how the caller signs in, where they are signed in, and the tokens that speak for them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Response, Router, delete, get, post, put
from litestar.openapi.datastructures import ResponseSpec

from tocsin.core.access import Role, role_of
from tocsin.http import own
from tocsin.http.api_access import READS, WRITES, TokenList, TokenView, view
from tocsin.http.api_incidents import DENIED, json_of, problem
from tocsin.http.auth import Record
from tocsin.http.gate import Incoming, deps_of, needs
from tocsin.identity import accounts
from tocsin.identity.accounts import Account, OutsideName
from tocsin.ports import Store

LATER = {**WRITES, 429: problem("Too many failed tries; `Retry-After` says when the next one counts")}


class SignIn(msgspec.Struct, frozen=True, kw_only=True):
    """How the caller can prove who they are."""

    person: str
    password: bool
    password_at: datetime | None
    passkeys: int
    one_time_codes: bool
    recovery_codes_left: int
    elsewhere: tuple[str, ...]


class PasswordForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`old` is left out where there is none yet, and shortly after an administrator's sign-in link was used."""

    new: str
    old: str = ""


class OwnTokenForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`role`: what it may at most, however much its person may. No `days`: until it is revoked."""

    name: str
    role: Role = "viewer"
    days: Annotated[int, msgspec.Meta(ge=1, le=3650)] | None = own.TOKEN_DAYS


class SessionView(msgspec.Struct, frozen=True, kw_only=True):
    """Where somebody is signed in. `here`: the session of this request; `via`: how it was begun."""

    id: str
    person: str
    role: Role
    via: str
    address: str
    agent: str
    created_at: datetime
    expires_at: datetime | None
    used_at: datetime | None
    here: bool = False


class SessionList(msgspec.Struct, frozen=True, kw_only=True):
    items: list[SessionView]


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """How many sessions ended."""

    sessions: int


@get("/sign-in", summary="How the caller signs in", responses=DENIED)
async def show_sign_in(request: Incoming) -> SignIn:
    return await overview(request)


async def overview(request: Incoming) -> SignIn:
    deps, person = deps_of(request), request.user.id

    def look(store: Store) -> tuple[Account | None, int, list[OutsideName]]:
        keys = accounts.passkeys(store, deps.tenant, person)
        outside = accounts.outside_names(store, deps.tenant, person)
        return accounts.find(store, deps.tenant, person), len(keys), outside

    account, keys, outside = await deps.read(look)
    return SignIn(
        person=person,
        password=bool(account and account.password),
        password_at=account.password_at if account else None,
        passkeys=keys,
        one_time_codes=bool(account and account.totp),
        recovery_codes_left=len(account.recovery) if account else 0,
        elsewhere=tuple(each.issuer for each in outside),
    )


@put("/password", summary="Set the password; other sessions end", responses=LATER, status_code=200)
async def set_password(request: Incoming, data: PasswordForm) -> Ended:
    """At least 12 characters and none that many people have. Only in a browser's session, not with a token."""
    return Ended(sessions=await own.set_password(request, data.old, data.new))


@get("/sessions", summary="Where the caller is signed in", responses=DENIED)
async def list_own_sessions(request: Incoming) -> SessionList:
    return SessionList(items=[session_view(each, request) for each in await own.own_sessions(request)])


@delete("/sessions", summary="Sign out everywhere else", responses=DENIED, status_code=200)
async def end_other_sessions(request: Incoming) -> Ended:
    return Ended(sessions=await own.end_other_sessions(request))


@delete("/sessions/{name:str}", summary="End one of the caller's sessions", responses=READS)
async def end_own_session(request: Incoming, name: str) -> None:
    await own.end_session(request, name)


@get("/tokens", summary="The caller's own tokens", responses=DENIED)
async def list_own_tokens(request: Incoming) -> TokenList:
    return TokenList(items=[view("token", each) for each in await own.own_tokens(request)])


@post(
    "/tokens",
    summary="Make a token that speaks for the caller",
    responses={**WRITES, 201: ResponseSpec(data_container=TokenView, description="The token, for this once")},
)
async def make_own_token(request: Incoming, data: OwnTokenForm) -> Response[TokenView]:
    """Only in a session that began a short while ago: a token makes no tokens."""
    issued = await own.make_token(request, data.name, data.role, data.days)
    return json_of(msgspec.structs.replace(view("token", issued.record), token=issued.text), 201)


@delete("/tokens/{name:str}", summary="Revoke one of the caller's tokens", responses=READS)
async def end_own_token(request: Incoming, name: str) -> None:
    await own.end_token(request, name)


def session_view(record: Record, request: Incoming) -> SessionView:
    return SessionView(
        id=record.id,
        person=record.person,
        role=role_of(record.role),
        via=record.via,
        address=record.address,
        agent=record.agent,
        created_at=record.created_at,
        expires_at=record.expires_at,
        used_at=record.used_at,
        here=request.user.credential == f"session:{record.id}",
    )


def routes() -> list[Any]:
    handlers = [
        show_sign_in,
        set_password,
        list_own_sessions,
        end_other_sessions,
        end_own_session,
        list_own_tokens,
        make_own_token,
        end_own_token,
    ]
    return [Router("/api/me", route_handlers=handlers, guards=[needs("self.manage")], tags=["access"])]
