"""What people change about how they sign in themselves; the API and the page do the same."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

import msgspec
from litestar.exceptions import NotFoundException, PermissionDeniedException

from tocsin.core.access import Role
from tocsin.core.password import refusal
from tocsin.http import auth
from tocsin.http.api_directory import check_name
from tocsin.http.auth import Issued, Record
from tocsin.http.gate import Incoming, deps_of
from tocsin.http.problems import Unacceptable
from tocsin.http.signing import counted, failed, fresh, keys_of, revoke, session_of
from tocsin.identity import accounts
from tocsin.identity.accounts import Account
from tocsin.identity.hashing import common_passwords
from tocsin.ports import Store

TOKENS_MAX = 100  # of one person
TOKEN_DAYS = 90  # unless somebody says otherwise: what is forgotten stops working


async def set_password(request: Incoming, old: str, new: str) -> int:
    """The password is the new one, and the person's other sessions are over; how many ended.

    The old one is asked for, unless there is none, or an administrator's link let this browser in a short while ago.
    Raises Unacceptable, PermissionDeniedException, signing.Later, hashing.Busy.
    """
    deps, person = deps_of(request), request.user.id
    account = await deps.read(lambda store: account_of(store, deps.tenant, person, request.user.role))
    session = await session_of(request)
    if session is None:
        raise PermissionDeniedException("how somebody signs in is changed by themselves, in a browser: no token may")
    if account.password and not await _let_in_by_administrator(request, session):
        await _prove(request, account, old)
    elif not account.password:
        await fresh(request)
    names = await deps.read(lambda store: _names(store, deps.tenant, person))
    host = urlsplit(deps.public_url).hostname or ""
    why = refusal(new, common=common_passwords(), context=(person, *names, "tocsin", host, *host.split(".")))
    if why:
        raise Unacceptable(f"new: expected a password of {why}" if why[0].isdigit() else f"new: expected {why}")
    made = await deps.identity.hasher.hashed(new)

    def change(store: Store) -> int:
        current = account_of(store, deps.tenant, person, request.user.role)
        now = store.now()
        accounts.keep(store, deps.tenant, msgspec.structs.replace(current, password=made, password_at=now))
        return auth.end_all(store, deps.tenant, person, but=session.id)

    ended: int = await revoke(request, change)
    return ended


async def _let_in_by_administrator(request: Incoming, session: Record) -> bool:
    if session.via != "link":
        return False
    try:
        await fresh(request)
    except PermissionDeniedException:
        return False
    return True


async def _prove(request: Incoming, account: Account, old: str) -> None:
    """Raises Unacceptable for a wrong old password; tries are counted as those of signing in."""
    deps, keys = deps_of(request), keys_of(request, account.person)
    counted(request, keys, account.person, deps.clock.now())
    right, _ = await deps.identity.hasher.proved(account.password, old)
    if not right:
        await failed(request, keys, account.person, "old password")
        raise Unacceptable("old: expected the password so far, got another one")
    deps.identity.attempts.passed(keys)


def account_of(store: Store, tenant: str, person: str, role: Role) -> Account:
    """The person's account; a new one, not yet stored, for whoever has signed in without one."""
    return accounts.find(store, tenant, person) or Account(person=person, role=role, created_at=store.now())


def _names(store: Store, tenant: str, person: str) -> list[str]:
    body = store.get(tenant, "person", person)
    return msgspec.json.decode(body).get("name", "").split() if body else []


# --- sessions and tokens ----------------------------------------------------------------------------------------------


async def own_sessions(request: Incoming) -> list[Record]:
    deps, now = deps_of(request), deps_of(request).clock.now()
    return await deps.read(lambda store: auth.sessions(store, deps.tenant, now, request.user.id))


async def end_session(request: Incoming, name: str) -> None:
    """Raises NotFoundException for one that is not the caller's."""
    await _end(request, "session", name)


async def end_other_sessions(request: Incoming) -> int:
    deps, person = deps_of(request), request.user.id
    kind, _, here = request.user.credential.partition(":")
    but = here if kind == "session" else ""
    ended: int = await revoke(request, lambda store: auth.end_all(store, deps.tenant, person, but=but))
    return ended


async def own_tokens(request: Incoming) -> list[Record]:
    deps, person = deps_of(request), request.user.id
    found = await deps.read(lambda store: auth.records(store, deps.tenant, "token"))
    mine = [each for each in found if each.person == person and not each.service]
    return sorted(mine, key=lambda each: each.created_at)


async def waiting_tokens(request: Incoming) -> frozenset[str]:
    """Ids of tokens of a restored backup that nobody has confirmed yet."""
    deps = deps_of(request)
    found = await deps.read(lambda store: store.items(deps.tenant, auth.SUSPENDED))
    return frozenset(name for name, _ in found)


async def make_token(request: Incoming, name: str, role: Role, days: int | None) -> Issued:
    """A token that speaks for the caller and may at most what they may. Raises Unacceptable."""
    await fresh(request)
    deps, actor = deps_of(request), request.user
    check_name(name)
    if accounts.lower(role, actor.role) != role:
        raise Unacceptable(f"role: expected one that may no more than {actor.role}, got {role}")
    if len(await own_tokens(request)) >= TOKENS_MAX:
        raise Unacceptable(f"name: expected at most {TOKENS_MAX} tokens of one person; revoke some first")
    lasts = timedelta(days=days) if days else None
    issued = auth.issue(actor.id, role, deps.clock.now(), name=name, lasts=lasts)
    await deps.run(lambda store: auth.save(store, deps.tenant, "token", issued.record))
    return issued


async def end_token(request: Incoming, name: str) -> None:
    """Raises NotFoundException for one that is not the caller's."""
    await _end(request, "token", name)


async def _end(request: Incoming, kind: auth.Kind, name: str) -> None:
    deps, person = deps_of(request), request.user.id

    def on_the_writer(store: Store) -> bool:
        body = store.get(deps.tenant, kind, name)
        mine = body is not None and msgspec.json.decode(body, type=Record).person == person
        return mine and store.delete(deps.tenant, kind, name)

    if not await revoke(request, on_the_writer):
        raise NotFoundException(f"{kind}: you have none with the id {name!r}")
