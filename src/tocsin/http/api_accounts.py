"""`/api/accounts`, `/api/sessions`: who can sign in and who is signed in, for administrators."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Router, delete, get
from litestar.exceptions import NotFoundException
from litestar.params import Parameter

from tocsin.core.access import Resource, Role, role_of
from tocsin.core.incident import Refused
from tocsin.http import auth
from tocsin.http.api_access import READS
from tocsin.http.api_account import SessionList, session_view
from tocsin.http.api_incidents import DENIED, problem
from tocsin.http.gate import Incoming, deps_of, insist, needs
from tocsin.http.signing import revoke
from tocsin.identity import accounts
from tocsin.ports import Store

REMOVES = {**READS, 409: problem("They are the last owner")}


class AccountView(msgspec.Struct, frozen=True, kw_only=True):
    """`role_from`: whether an administrator said the role, or groups of the identity provider do."""

    person: str
    role: Role
    role_from: str
    password: bool
    passkeys: int
    one_time_codes: bool
    elsewhere: tuple[str, ...]
    sessions: int
    created_at: datetime


class AccountList(msgspec.Struct, frozen=True, kw_only=True):
    items: list[AccountView]


@get("/api/accounts", summary="Who can sign in, and how", responses=DENIED)
async def list_accounts(request: Incoming) -> AccountList:
    deps = deps_of(request)

    def look(store: Store) -> list[AccountView]:
        tenant = deps.tenant
        keys = [each.person for each in accounts.passkeys(store, tenant)]
        live = [each.person for each in auth.sessions(store, tenant, store.now())]
        outside = accounts.outside_names(store, tenant)
        return [
            AccountView(
                person=each.person,
                role=each.role,
                role_from=each.role_from,
                password=bool(each.password),
                passkeys=keys.count(each.person),
                one_time_codes=bool(each.totp),
                elsewhere=tuple(name.issuer for name in outside if name.person == each.person),
                sessions=live.count(each.person),
                created_at=each.created_at,
            )
            for each in accounts.every(store, tenant)
        ]

    return AccountList(items=await deps.read(look))


@delete("/api/accounts/{name:str}", summary="Take somebody's way in away", responses=REMOVES)
async def remove_account(request: Incoming, name: str) -> None:
    """Their account, passkeys, sessions, own tokens and sign-in links are gone. The person stays in the directory."""
    deps = deps_of(request)

    def on_the_writer(store: Store) -> bool:
        found = accounts.find(store, deps.tenant, name)
        insist(request.user, "token.manage", Resource(owner=name, grants=found.role if found else None))
        if accounts.last_owner(store, deps.tenant, name):
            raise Refused(f"cannot remove {name}: nobody else is an owner; make somebody one first")
        ended = auth.end_all(store, deps.tenant, name, tokens=True)
        return accounts.remove(store, deps.tenant, name) or ended > 0

    if not await revoke(request, on_the_writer):
        raise NotFoundException(f"account: nobody with the id {name!r} can sign in")


@get("/api/sessions", summary="Who is signed in, and where", responses=DENIED)
async def list_sessions(
    request: Incoming, person: Annotated[str | None, Parameter(description="only this person's")] = None
) -> SessionList:
    deps, now = deps_of(request), deps_of(request).clock.now()
    found = await deps.read(lambda store: auth.sessions(store, deps.tenant, now, person))
    return SessionList(items=[session_view(each, request) for each in found])


@delete("/api/sessions/{name:str}", summary="End a session", responses=READS)
async def end_session(request: Incoming, name: str) -> None:
    """At once, open event streams included."""
    deps = deps_of(request)

    def on_the_writer(store: Store) -> bool:
        body = store.get(deps.tenant, "session", name)
        if body is None:
            return False
        record = msgspec.json.decode(body, type=auth.Record)
        account = accounts.find(store, deps.tenant, record.person)
        role = account.role if account else role_of(record.role)
        insist(request.user, "token.manage", Resource(owner=record.person, grants=role))
        return store.delete(deps.tenant, "session", name)

    if not await revoke(request, on_the_writer):
        raise NotFoundException(f"session: nothing has the id {name!r}")


def routes() -> list[Any]:
    handlers = [list_accounts, remove_account, list_sessions, end_session]
    return [Router("/", route_handlers=handlers, guards=[needs("token.manage")], tags=["access"])]
