"""One's own passkeys, one-time codes and recovery codes; the API and the page do the same."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import msgspec
from litestar.exceptions import NotFoundException

from tocsin.core.people import Person
from tocsin.http.api_directory import check_name
from tocsin.http.gate import Incoming, deps_of
from tocsin.http.own import account_of
from tocsin.http.problems import Unacceptable
from tocsin.http.signing import fresh
from tocsin.identity import accounts, passkeys, totp
from tocsin.identity.accounts import Passkey
from tocsin.identity.passkeys import Place, Refused
from tocsin.ports import Store

PASSKEYS_MAX = 20  # of one person
ENROL_LASTS = timedelta(minutes=15)
TOTP_SEAL = "totp enrolment"


class Enrolment(msgspec.Struct, frozen=True, kw_only=True):
    """One-time codes as an authenticator app takes them; `sealed` comes back with the first code."""

    secret: str
    uri: str
    sealed: str


class _Pending(msgspec.Struct, frozen=True, kw_only=True):
    tenant: str
    person: str
    secret: str


# --- passkeys ---------------------------------------------------------------------------------------------------------


def place(request: Incoming) -> Place:
    """Raises Unacceptable where browsers have no passkeys."""
    found = passkeys.place_of(deps_of(request).public_url)
    if found is None:
        raise Unacceptable("public_url: expected https and a name, or localhost: browsers have passkeys nowhere else")
    return found


async def own_passkeys(request: Incoming) -> list[Passkey]:
    deps, person = deps_of(request), request.user.id
    return await deps.read(lambda store: accounts.passkeys(store, deps.tenant, person))


async def passkey_options(request: Incoming) -> dict[str, Any]:
    """What `navigator.credentials.create` is given. Raises Unacceptable, PermissionDeniedException."""
    await fresh(request)
    deps, person, here = deps_of(request), request.user.id, place(request)
    body = await deps.read(lambda store: store.get(deps.tenant, "person", person))
    shown = msgspec.json.decode(body, type=Person).name if body else ""
    have = await own_passkeys(request)
    user = passkeys.handle(deps.identity.seals, deps.tenant, person)
    now, seals = deps.clock.now(), deps.identity.seals
    return await asyncio.to_thread(passkeys.enrolment, here, seals, user, person, shown or person, have, now)


async def add_passkey(request: Incoming, name: str, credential: dict[str, Any]) -> Passkey:
    """Raises Unacceptable, PermissionDeniedException."""
    await fresh(request)
    deps, person, here, now = deps_of(request), request.user.id, place(request), deps_of(request).clock.now()
    check_name(name)
    if len(await own_passkeys(request)) >= PASSKEYS_MAX:
        raise Unacceptable(f"name: expected at most {PASSKEYS_MAX} passkeys of one person; remove some first")
    challenge = passkeys.challenge_of(credential)
    if not deps.identity.seals.ours("enrol", challenge, now):
        raise Unacceptable("credential: expected an answer to a challenge of the last minutes; try again")
    made = Passkey(id="", person=person, name=name, public_key="", sign_count=0, synced=False, created_at=now)
    try:
        made = await asyncio.to_thread(passkeys.enrolled, here, challenge, credential, made)
    except Refused as error:
        raise Unacceptable(f"credential: {error}") from error
    if not deps.identity.seals.first(f"challenge:{challenge.hex()}", now, passkeys.SPENT_LASTS):
        raise Unacceptable("credential: expected an answer to a challenge that was not used yet; try again")

    def keep(store: Store) -> None:
        if accounts.passkey(store, deps.tenant, made.id) is not None:
            raise Unacceptable("credential: expected a new passkey, this one is known already")
        if accounts.find(store, deps.tenant, person) is None:
            accounts.keep(store, deps.tenant, account_of(store, deps.tenant, person, request.user.role))
        accounts.keep_passkey(store, deps.tenant, made)

    await deps.run(keep)
    return made


async def rename_passkey(request: Incoming, key: str, name: str) -> Passkey:
    """Raises NotFoundException, Unacceptable."""
    deps, person = deps_of(request), request.user.id
    check_name(name)

    def rename(store: Store) -> Passkey:
        found = accounts.passkey(store, deps.tenant, key)
        if found is None or found.person != person:
            raise NotFoundException(f"passkey: you have none with the id {key!r}")
        renamed = msgspec.structs.replace(found, name=name)
        accounts.keep_passkey(store, deps.tenant, renamed)
        return renamed

    return await deps.run(rename)


async def remove_passkey(request: Incoming, key: str) -> None:
    """Raises NotFoundException, PermissionDeniedException."""
    await fresh(request)
    deps, person = deps_of(request), request.user.id
    if not await deps.run(lambda store: accounts.drop_passkey(store, deps.tenant, person, key)):
        raise NotFoundException(f"passkey: you have none with the id {key!r}")


# --- one-time codes ---------------------------------------------------------------------------------------------------


async def begin_totp(request: Incoming) -> Enrolment:
    """A secret for an authenticator app; it counts once a code of it was given. Raises PermissionDeniedException."""
    await fresh(request)
    deps, person = deps_of(request), request.user.id
    secret = await asyncio.to_thread(totp.fresh_secret)
    pending = _Pending(tenant=deps.tenant, person=person, secret=secret)
    sealed = deps.identity.seals.seal(TOTP_SEAL, pending, deps.clock.now(), ENROL_LASTS)
    host = urlsplit(deps.public_url).hostname or ""
    return Enrolment(secret=secret, uri=totp.uri(secret, person, host), sealed=sealed)


def pending_totp(request: Incoming, sealed: str) -> Enrolment | None:
    """What was begun, as long as it can still be confirmed by whoever began it."""
    deps, person = deps_of(request), request.user.id
    found = deps.identity.seals.opened(TOTP_SEAL, sealed, _Pending, deps.clock.now())
    if found is None or (found.tenant, found.person) != (deps.tenant, person):
        return None
    host = urlsplit(deps.public_url).hostname or ""
    return Enrolment(secret=found.secret, uri=totp.uri(found.secret, person, host), sealed=sealed)


async def confirm_totp(request: Incoming, sealed: str, code: str) -> list[str]:
    """One-time codes are asked for from now on; the recovery codes, to be shown once.

    Raises Unacceptable, PermissionDeniedException.
    """
    await fresh(request)
    deps, person = deps_of(request), request.user.id
    pending = pending_totp(request, sealed)
    if pending is None:
        raise Unacceptable("sealed: expected what was begun within the last 15 minutes; begin again")
    step = totp.step_of(pending.secret, code, deps.clock.now())
    if step is None:
        raise Unacceptable("code: expected the six digits that the app shows now, got others; is its clock right?")
    codes = totp.recovery_codes()

    def keep(store: Store) -> None:
        account = account_of(store, deps.tenant, person, request.user.role)
        digests = tuple(map(totp.recovery_digest, codes))
        sealed = deps.identity.box.seal(pending.secret, "totp", deps.tenant, person)
        changed = {"totp": sealed, "totp_at": store.now(), "recovery": digests}
        accounts.keep(store, deps.tenant, msgspec.structs.replace(account, **changed))
        accounts.used(store, deps.tenant, f"totp:{person}", step)

    await deps.run(keep)
    return codes


async def remove_totp(request: Incoming) -> None:
    """Raises NotFoundException, PermissionDeniedException."""
    await fresh(request)
    deps, person = deps_of(request), request.user.id

    def drop(store: Store) -> bool:
        account = accounts.find(store, deps.tenant, person)
        if account is None or not account.totp:
            return False
        without = msgspec.structs.replace(account, totp="", totp_at=None, recovery=())
        accounts.keep(store, deps.tenant, without)
        return True

    if not await deps.run(drop):
        raise NotFoundException("totp: one-time codes are not asked of you")


async def new_recovery_codes(request: Incoming) -> list[str]:
    """The codes so far are worth nothing any more. Raises NotFoundException, PermissionDeniedException."""
    await fresh(request)
    deps, person, codes = deps_of(request), request.user.id, totp.recovery_codes()

    def keep(store: Store) -> bool:
        account = accounts.find(store, deps.tenant, person)
        if account is None or not account.totp:
            return False
        digests = tuple(map(totp.recovery_digest, codes))
        accounts.keep(store, deps.tenant, msgspec.structs.replace(account, recovery=digests))
        return True

    if not await deps.run(keep):
        raise NotFoundException("totp: recovery codes stand in for one-time codes, which are not asked of you")
    return codes
