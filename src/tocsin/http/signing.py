"""Proving who one is, for the pages and the API: passwords, tries that are counted, cookies, a session at the end.

Nothing here says whether an account exists: an unknown name gets the same answer after the same work, and waits as
long.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from datetime import datetime, timedelta
from typing import Any

import msgspec
from litestar.datastructures import Cookie
from litestar.exceptions import PermissionDeniedException

from tocsin import acting
from tocsin.core.facts import TOCSIN
from tocsin.core.ledger import Draft
from tocsin.core.lockout import FREE
from tocsin.http import auth
from tocsin.http.auth import Issued, Record, Via, Visit
from tocsin.http.events import events_of
from tocsin.http.gate import Incoming, deps_of, headers_of, secure
from tocsin.identity import accounts, passkeys, totp
from tocsin.identity.accounts import Account, Passkey
from tocsin.identity.attempts import Later, address_key
from tocsin.identity.box import Box
from tocsin.ports import Store

DEVICE = "tocsin_device"  # a browser in which this person has signed in before
DEVICE_LASTS = timedelta(days=180)
SECOND = "tocsin_second"  # a browser whose password was right
SECOND_LASTS = timedelta(minutes=5)
FRESH = timedelta(minutes=30)  # how long after signing in one may change how one signs in
AGENT_MAX = 200
NAME_MAX = 200
PASSWORD_MAX = 1024  # what is looked at at all

log = logging.getLogger(__name__)


class Wrong(Exception):
    """Name and proof do not fit together."""


class Device(msgspec.Struct, frozen=True, kw_only=True):
    tenant: str
    person: str
    id: str


class Second(msgspec.Struct, frozen=True, kw_only=True):
    """Who is half signed in, how, and where they want to be."""

    tenant: str
    person: str
    to: str
    via: Via


def visit_of(request: Incoming) -> Visit:
    """Where a request comes from, as its session will say it."""
    agent = "".join(each for each in request.headers.get("user-agent", "") if each.isprintable())
    session = auth.session_cookie(headers_of(request.scope), secure=secure(deps_of(request)))
    return Visit(address=host_of(request), agent=agent[:AGENT_MAX], session=session or "")


def host_of(request: Incoming) -> str:
    client = request.scope.get("client")
    return str(client[0]) if client else ""


def keys_of(request: Incoming, name: str, what: str = "name") -> list[str]:
    """Under which keys a failed try counts: the browser's own where this person signed in before, else name and
    address. Who guesses from elsewhere therefore slows down nobody in their own browser."""
    deps = deps_of(request)
    text = auth.cookie(headers_of(request.scope), DEVICE, secure=secure(deps))
    known = deps.identity.seals.opened(DEVICE, text, Device, deps.clock.now()) if text else None
    if known is not None and known.tenant == deps.tenant and known.person.casefold() == name.casefold():
        return [f"device:{what}:{known.id}"]
    return [f"{what}:{deps.tenant}:{name.casefold()}", address_key(host_of(request))]


async def by_password(request: Incoming, name: str, password: str) -> Account:
    """The account that name and password prove. Raises Wrong, Later, hashing.Busy.

    The try is counted before the password is looked at, so that many at once are no way around the count.
    """
    deps, now = deps_of(request), deps_of(request).clock.now()
    name, password = name.strip()[:NAME_MAX], password[:PASSWORD_MAX]
    keys = keys_of(request, name)
    counted(request, keys, name, now)
    account = await deps.read(lambda store: accounts.named(store, deps.tenant, name))
    right, stale = await deps.identity.hasher.proved(account.password if account else "", password)
    if account is None or not right:
        await failed(request, keys, name, "password")
        raise Wrong("name and password do not fit together")
    deps.identity.attempts.passed(keys)
    if stale:
        made = await deps.identity.hasher.hashed(password)
        before = account.password
        await deps.run(lambda store: _rehash(store, deps.tenant, account.person, before, made))
    return account


def counted(request: Incoming, keys: list[str], name: str, now: datetime) -> None:
    """The try counts as a failed one until it is `passed`. Raises Later."""
    attempts = deps_of(request).identity.attempts
    wait = attempts.waits(keys, now)
    if wait:
        raise Later(wait)
    attempts.failed(keys, now)


async def failed(request: Incoming, keys: list[str], name: str, what: str) -> None:
    """A failed try is in the log; a row of them, each time it has doubled, in the audit trail too."""
    deps = deps_of(request)
    count = deps.identity.attempts.highest(keys)
    log.warning("sign-in failed: wrong %s for %r from %s, %d in a row", what, name, host_of(request), count)
    if count >= FREE and count & (count - 1) == 0:
        detail = f"{count} tries in a row failed ({what}), the newest from {host_of(request)}"
        draft = Draft(actor=TOCSIN, action="sign-in.failed", resource_type="account", resource=name, detail=detail)
        await deps.run(lambda store: store.record(deps.tenant, [draft]))


def _rehash(store: Store, tenant: str, person: str, before: str, made: str) -> None:
    found = accounts.find(store, tenant, person)
    if found is not None and found.password == before:
        accounts.keep(store, tenant, msgspec.structs.replace(found, password=made))


# --- a session --------------------------------------------------------------------------------------------------------


async def enter(request: Incoming, account: Account, via: Via) -> list[Cookie]:
    """The person is signed in in this browser; the cookies that say so. The session it had before is over."""
    deps, visit = deps_of(request), visit_of(request)
    if account.disabled_at is not None:
        raise PermissionDeniedException("this account was deactivated; an administrator can tell you more")
    acting.speaks_for(account.person)
    issued = await deps.run(lambda store: auth.begin(store, deps.tenant, account.person, account.role, via, visit))
    events_of(request).recheck()
    return cookies(request, issued)


def cookies(request: Incoming, issued: Issued) -> list[Cookie]:
    deps = deps_of(request)
    known = Device(tenant=deps.tenant, person=issued.record.person, id=secrets.token_hex(8))
    device = deps.identity.seals.seal(DEVICE, known, deps.clock.now(), DEVICE_LASTS)
    return [
        cookie_of(request, auth.COOKIE, issued.text, auth.SESSION_LASTS),
        cookie_of(request, DEVICE, device, DEVICE_LASTS),
    ]


def cookie_of(request: Incoming, name: str, text: str, lasts: timedelta) -> Cookie:
    """A cookie that scripts cannot read; an empty text removes it."""
    bound = secure(deps_of(request))
    return Cookie(
        key=f"{auth.HOST_ONLY}{name}" if bound else name,
        value=text,
        path="/",
        max_age=int(lasts.total_seconds()) if text else 0,
        httponly=True,
        secure=bound,
        samesite="lax",
    )


async def session_of(request: Incoming) -> Record | None:
    """The session of the caller, None where a token speaks."""
    kind, _, name = request.user.credential.partition(":")
    if kind != "session":
        return None
    deps = deps_of(request)
    found = await deps.read(lambda store: store.get(deps.tenant, "session", name))
    return msgspec.json.decode(found, type=Record) if found else None


async def fresh(request: Incoming) -> Record:
    """The caller's session, begun a short while ago: who finds an open browser cannot make the account theirs.

    Raises PermissionDeniedException.
    """
    session = await session_of(request)
    if session is None:
        raise PermissionDeniedException("how somebody signs in is changed by themselves, in a browser: no token may")
    if deps_of(request).clock.now() - session.created_at > FRESH:
        minutes = int(FRESH.total_seconds()) // 60
        raise PermissionDeniedException(f"sign in again first: you did so more than {minutes} minutes ago")
    return session


def local(path: str) -> str:
    """Where to go after signing in: a path of ours, and nowhere else."""
    plain = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() and "\\" not in path
    return path if plain and len(path) <= 2000 and not path.startswith("/sign-") else "/"


async def revoke(request: Incoming, work: Any) -> Any:
    """What `work` ends on the writer thread ends at once, open event streams included."""
    done = await deps_of(request).run(work)
    events_of(request).recheck()
    return done


# --- passkeys and second factors --------------------------------------------------------------------------------------


async def by_passkey(request: Incoming, credential: dict[str, Any]) -> Account:
    """The account of a passkey that answered our challenge. Raises Wrong.

    Failed tries cost nothing: an answer cannot be guessed, and whoever has a passkey gets in whatever others tried.
    """
    deps, now = deps_of(request), deps_of(request).clock.now()
    here, seals = passkeys.place_of(deps.public_url), deps.identity.seals
    challenge, name = passkeys.challenge_of(credential), str(credential.get("id", ""))[:NAME_MAX]
    if here is None or not seals.ours("sign-in", challenge, now):
        raise Wrong("this took too long; try again")

    def look(store: Store) -> tuple[Passkey | None, Account | None, int]:
        key = accounts.passkey(store, deps.tenant, name)
        used = accounts.use(store, deps.tenant, f"passkey:{name}")
        count = used.number if used else key.sign_count if key else 0
        return key, accounts.find(store, deps.tenant, key.person) if key else None, count

    key, account, count = await deps.read(look)
    if key is None or account is None:
        raise Wrong("this passkey is not known here")
    user = passkeys.handle(seals, deps.tenant, key.person)
    try:
        number = await asyncio.to_thread(passkeys.proved, here, challenge, credential, key, count, user)
    except passkeys.Refused as error:
        await _refused(request, key, str(error))
        raise Wrong("this passkey was not accepted") from error
    if not seals.first(f"challenge:{challenge.hex()}", now, passkeys.SPENT_LASTS):
        raise Wrong("this was used already; try again")
    await deps.run(lambda store: accounts.used(store, deps.tenant, f"passkey:{name}", number))
    return account


async def _refused(request: Incoming, key: Passkey, why: str) -> None:
    """A known passkey that answers wrongly may be a copy of it: that is for the record."""
    deps = deps_of(request)
    log.warning("sign-in failed: passkey %s of %r: %s", key.id[:12], key.person, why)
    draft = Draft(actor=TOCSIN, action="sign-in.failed", resource_type="passkey", resource=key.id, detail=why[:500])
    await deps.run(lambda store: store.record(deps.tenant, [draft]))


def second_cookie(request: Incoming, account: Account, to: str, via: Via) -> Cookie:
    """What a browser holds between its password and its one-time code."""
    deps = deps_of(request)
    kept = Second(tenant=deps.tenant, person=account.person, to=to, via=via)
    return cookie_of(
        request, SECOND, deps.identity.seals.seal(SECOND, kept, deps.clock.now(), SECOND_LASTS), SECOND_LASTS
    )


def second_of(request: Incoming) -> Second | None:
    deps = deps_of(request)
    text = auth.cookie(headers_of(request.scope), SECOND, secure=secure(deps))
    found = deps.identity.seals.opened(SECOND, text, Second, deps.clock.now()) if text else None
    return found if found is not None and found.tenant == deps.tenant else None


async def by_code(request: Incoming, second: Second, code: str) -> Account:
    """The account whose one-time code or recovery code this is; it is used up. Raises Wrong, Later."""
    deps, now = deps_of(request), deps_of(request).clock.now()
    keys = keys_of(request, second.person, "second")
    counted(request, keys, second.person, now)
    acting.speaks_for(second.person)  # whose password was right
    account = await deps.run(lambda store: spend_code(store, deps.tenant, second.person, code, deps.identity.box))
    if account is None:
        await failed(request, keys, second.person, "one-time code")
        raise Wrong("this code does not count: it is another one, or it was used already")
    deps.identity.attempts.passed(keys)
    return account


def spend_code(store: Store, tenant: str, person: str, code: str, box: Box) -> Account | None:
    """The account, once this code has counted; None when it does not. Writer thread only."""
    account = accounts.find(store, tenant, person)
    if account is None or not account.totp:
        return None
    newest = accounts.use(store, tenant, f"totp:{person}")
    secret = accounts.totp_of(account, tenant, box)
    step = totp.step_of(secret, code, store.now(), newest.number if newest else -1) if secret else None
    if step is not None:
        accounts.used(store, tenant, f"totp:{person}", step)
        return account
    digest = totp.recovery_digest(code)
    if digest not in account.recovery:
        return None
    left = tuple(each for each in account.recovery if each != digest)
    account = msgspec.structs.replace(account, recovery=left)
    accounts.keep(store, tenant, account)
    return account
