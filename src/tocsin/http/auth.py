"""Who a request speaks for: bearer tokens, browser sessions, the one-time sign-in link.

A credential is `toc_<id>_<secret>`: the id finds its record, the secret (256 bits) is stored as its SHA-256 only. A
browser gets the same in a cookie that scripts cannot read. Records are documents of the store, so revoking one works
at once; so does a role that changes, because the account is asked each time. Nothing here trusts an address: the
loopback exception of DESIGN section 4 is `trusted_loopback`, and only the routes that it names ask for it.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from tocsin.core.access import Actor, Role, Scope, Spoken, role_of
from tocsin.identity import accounts
from tocsin.ports import DEFAULT_TENANT, Store

TOKEN_PREFIX = "toc"  # fixed, so that secret scanners can find a leaked token
COOKIE = "tocsin_session"
HOST_ONLY = "__Host-"  # before a cookie's name, over https: no other host and no path can set it
SESSION_LASTS = timedelta(days=30)  # whatever happens; somebody on call all week is not signed out in between
SESSION_IDLE = timedelta(days=7)  # without a request
SESSIONS_MAX = 50  # of one person; the one that was used longest ago gives way
SIGN_IN_LASTS = timedelta(hours=24)
SEEN_EVERY = timedelta(minutes=5)  # "last used" is written this often at most: reads should not become writes
SUSPENDED = "suspended-token"  # kind of document: the id of a token of a backup that nobody has confirmed since
WAITS = "this token came back with a backup and counts once an administrator has said `tocsin token confirm {}`"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
ID_BYTES, SECRET_BYTES = 8, 32

Kind = Literal["token", "session", "sign-in"]
Via = Literal["", "link", "contact", "password", "passkey", "oidc"]
R = TypeVar("R", bound="Record")


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored of a credential. `sha256` is of the secret part; `expires_at` None: until it is revoked.

    `via`: how whoever has it came by it. Of a session: where it was signed in from, and by which program.
    """

    id: str
    sha256: str
    person: str
    role: Spoken  # records of old say admin; `role_of` is what that means now
    name: str = ""
    service: bool = False
    scope: Scope = ""
    created_at: datetime
    expires_at: datetime | None = None
    used_at: datetime | None = None
    via: Via = ""
    address: str = ""
    agent: str = ""


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a browser that signs in. `session`: the credential of the session it had so far."""

    address: str = ""
    agent: str = ""
    session: str = ""


class Issued(msgspec.Struct, frozen=True, kw_only=True):
    """A new credential: the record to store and the text to hand out, which nobody can read again."""

    record: Record
    text: str


def issue(
    person: str,
    role: Spoken,
    now: datetime,
    *,
    name: str = "",
    service: bool = False,
    scope: Scope = "",
    lasts: timedelta | None = None,
    via: Via = "",
    visit: Visit | None = None,
) -> Issued:
    """A fresh credential; it counts once `save` has stored its record."""
    name_id, secret = secrets.token_hex(ID_BYTES), secrets.token_urlsafe(SECRET_BYTES)
    record = Record(
        id=name_id,
        sha256=_sha256(secret),
        person=person,
        role=role_of(role),
        name=name,
        service=service,
        scope=scope,
        created_at=now,
        expires_at=now + lasts if lasts else None,
        via=via,
        address=visit.address if visit else "",
        agent=visit.agent if visit else "",
    )
    return Issued(record=record, text=f"{TOKEN_PREFIX}_{name_id}_{secret}")


def save(store: Store, tenant: str, kind: Kind, record: Record) -> None:
    store.put(tenant, kind, record.id, msgspec.json.encode(record))


def records(store: Store, tenant: str, kind: Kind) -> list[Record]:
    return [msgspec.json.decode(body, type=Record) for _, body in store.items(tenant, kind)]


def check(store: Store, tenant: str, kind: Kind, text: str, now: datetime, *, suspended: bool = False) -> Record | None:
    """The record this credential proves, with the role it has now, or None: unknown, wrong secret, expired, or
    suspended where that is not asked for."""
    prefix, _, rest = text.partition("_")
    name_id, _, secret = rest.partition("_")
    body = store.get(tenant, kind, name_id) if prefix == TOKEN_PREFIX and name_id and secret else None
    record = msgspec.json.decode(body, type=Record) if body else None
    expected = record.sha256 if record else _sha256("")
    right = hmac.compare_digest(_sha256(secret).encode(), expected.encode())
    if record is None or not right or over(kind, record, now):
        return None
    if kind == "token" and not suspended and is_suspended(store, tenant, name_id):
        return None
    return record if kind == "sign-in" else _as_now(store, tenant, kind, record)


def over(kind: Kind, record: Record, now: datetime) -> bool:
    """Whether its time is up, or a session lay idle for too long."""
    if record.expires_at is not None and record.expires_at <= now:
        return True
    return kind == "session" and now - (record.used_at or record.created_at) >= SESSION_IDLE


def _as_now(store: Store, tenant: str, kind: Kind, record: Record) -> Record | None:
    """A session has its person's role; a token at most that. Who has no account has what the record says; of somebody
    who was deactivated nothing counts."""
    account = None if record.service else accounts.find(store, tenant, record.person)
    if account is None:
        return record
    if account.disabled_at is not None:
        return None
    role = account.role if kind == "session" else accounts.lower(role_of(record.role), account.role)
    return msgspec.structs.replace(record, role=role)


def touch(store: Store, tenant: str, kind: Kind, record: Record, now: datetime) -> None:
    """The record says when it was last used, unless it was revoked meanwhile."""
    body = store.get(tenant, kind, record.id)
    if body is not None:
        save(store, tenant, kind, msgspec.structs.replace(msgspec.json.decode(body, type=Record), used_at=now))


def stale(record: Record, now: datetime) -> bool:
    """Whether the stored "last used" is old enough to be written again."""
    return record.used_at is None or now - record.used_at > SEEN_EVERY


def actor_of(tenant: str, kind: Kind, record: Record) -> Actor:
    return Actor(
        tenant=tenant,
        id=record.person,
        kind="service" if record.service else "person",
        role=role_of(record.role),
        credential=f"{kind}:{record.id}",
        scope=record.scope,
    )


# --- sessions ---------------------------------------------------------------------------------------------------------


def begin(store: Store, tenant: str, person: str, role: Role, via: Via, visit: Visit) -> Issued:
    """A new session with a new id; the one this browser had is over, and so is whatever ran out. Writer thread only."""
    now = store.now()
    before = check(store, tenant, "session", visit.session, now) if visit.session else None
    if before is not None:
        store.delete(tenant, "session", before.id)
    alive = []
    for each in records(store, tenant, "session"):
        if over("session", each, now):
            store.delete(tenant, "session", each.id)
        elif each.person == person:
            alive.append(each)
    alive.sort(key=lambda each: each.used_at or each.created_at, reverse=True)
    for each in alive[SESSIONS_MAX - 1 :]:
        store.delete(tenant, "session", each.id)
    issued = issue(person, role, now, lasts=SESSION_LASTS, via=via, visit=visit)
    save(store, tenant, "session", issued.record)
    store.put(tenant, "setting", "signed-in", b"true")
    return issued


def sessions(store: Store, tenant: str, now: datetime, person: str | None = None) -> list[Record]:
    """The sessions that work, the one used last first; of everybody without a person."""
    alive = [
        each
        for each in records(store, tenant, "session")
        if person in (None, each.person) and not over("session", each, now)
    ]
    return sorted(alive, key=lambda each: each.used_at or each.created_at, reverse=True)


def end_all(store: Store, tenant: str, person: str, *, but: str = "", tokens: bool = False) -> int:
    """How many sessions of the person ended, all but one; their own tokens too where that is asked. Writer thread."""
    kinds: tuple[Kind, ...] = ("session", "token", "sign-in") if tokens else ("session",)
    ended = 0
    for kind in kinds:
        for each in records(store, tenant, kind):
            if each.person == person and each.id != but and not each.service:
                ended += store.delete(tenant, kind, each.id)
    return ended


def forget_sign_ins(store: Store, tenant: str) -> tuple[int, int]:
    """How many sessions and how many one-time links ended: all there were, of everybody. Writer thread only."""
    kinds: tuple[Kind, ...] = ("session", "sign-in")
    sessions, links = (
        sum(store.delete(tenant, kind, each.id) for each in records(store, tenant, kind)) for kind in kinds
    )
    return sessions, links


def suspend_tokens(store: Store, tenant: str) -> list[Record]:
    """The tokens that do no more than hand in alerts until somebody confirms them: all there were. Writer thread only.

    What is not in a token's own record: being used rewrites that, and the audit trail takes no note of it.
    """
    found = records(store, tenant, "token")
    for name, _ in store.items(tenant, SUSPENDED):
        if name not in {each.id for each in found}:
            store.delete(tenant, SUSPENDED, name)
    for each in found:
        store.put(tenant, SUSPENDED, each.id, b"{}")
    return found


def is_suspended(store: Store, tenant: str, name: str) -> bool:
    return store.get(tenant, SUSPENDED, name) is not None


def waits(store: Store, tenant: str, text: str, now: datetime) -> str | None:
    """What whoever holds a suspended token is told, who proves by its secret that they do; None to everybody else."""
    record = check(store, tenant, "token", text, now, suspended=True)
    return WAITS.format(record.id) if record is not None and is_suspended(store, tenant, record.id) else None


def confirm(store: Store, tenant: str, name: str) -> None:
    """The token counts again. Writer thread only."""
    store.delete(tenant, SUSPENDED, name)


# --- the first way in -------------------------------------------------------------------------------------------------


def sign_in_link(
    store: Store,
    public_url: str,
    person: str,
    role: Spoken,
    tenant: str = DEFAULT_TENANT,
    *,
    via: Via = "link",
    lasts: timedelta = SIGN_IN_LASTS,
) -> str:
    """A link that signs `person` in once, within 24 hours. Run on the writer thread."""
    now = store.now()
    for old in records(store, tenant, "sign-in"):
        if over("sign-in", old, now):
            store.delete(tenant, "sign-in", old.id)
    issued = issue(person, role, now, lasts=lasts, via=via)
    save(store, tenant, "sign-in", issued.record)
    return f"{public_url}/sign-in/{issued.text}"


def first_sign_in(store: Store, public_url: str, tenant: str = DEFAULT_TENANT) -> str | None:
    """The link to print when nobody has ever signed in, else None. It signs in the owner, `admin`."""
    if store.items(tenant, "session") or store.get(tenant, "setting", "signed-in") is not None:
        return None
    for old in records(store, tenant, "sign-in"):
        store.delete(tenant, "sign-in", old.id)
    return sign_in_link(store, public_url, "admin", "owner", tenant)


def redeem(store: Store, tenant: str, text: str, *, browser: bool, visit: Visit | None = None) -> Issued | None:
    """A session (or, for a program, a token) in exchange for a sign-in link, which is used up. Writer thread only.

    The person has an account from then on, with the role that the administrator who made the link gave.
    """
    record = check(store, tenant, "sign-in", text, store.now())
    if record is None or (record.via == "contact" and not browser) or not store.delete(tenant, "sign-in", record.id):
        return None
    role = role_of(record.role)
    if record.via != "contact":
        role = accounts.with_role(store, tenant, record.person, role).role
    if browser:
        return begin(store, tenant, record.person, role, record.via or "link", visit or Visit())
    issued = issue(record.person, role, store.now(), name="signed in", via=record.via)
    save(store, tenant, "token", issued.record)
    store.put(tenant, "setting", "signed-in", b"true")
    return issued


def local_token(store: Store, path: Path, tenant: str = DEFAULT_TENANT) -> str:
    """The token in `path` (mode 0600) that the command line on this machine uses; made anew if it is not valid."""
    if path.exists():
        text = path.read_text().strip()
        record = check(store, tenant, "token", text, store.now())
        if record is not None and record.role == "owner":  # whoever has the machine has everything
            return text
    return rotate_local_token(store, path, tenant)


def rotate_local_token(store: Store, path: Path, tenant: str = DEFAULT_TENANT) -> str:
    """Every older token of the local command line stops working, and `path` holds the new one."""
    for old in records(store, tenant, "token"):
        if old.name == "local command line":
            store.delete(tenant, "token", old.id)
    issued = issue("local", "owner", store.now(), name="local command line", service=True)
    save(store, tenant, "token", issued.record)
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    fresh.write_text(issued.text + "\n")
    fresh.replace(path)
    return issued.text


# --- reading a request ------------------------------------------------------------------------------------------------


def bearer(headers: Mapping[str, str]) -> str | None:
    """The token of an Authorization header. Schemes are case-insensitive (RFC 9110)."""
    scheme, _, text = headers.get("authorization", "").partition(" ")
    return text.strip() if scheme.casefold() == "bearer" and text.strip() else None


def session_cookie(headers: Mapping[str, str], *, secure: bool = False) -> str | None:
    """The session's credential. `secure`: people come by https, so no cookie that another host could set counts."""
    return cookie(headers, COOKIE, secure=secure)


def cookie(headers: Mapping[str, str], name: str, *, secure: bool) -> str | None:
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(f"{HOST_ONLY}{name}" if secure else name)
    except CookieError:
        return None
    return morsel.value if morsel else None


def foreign(method: str, headers: Mapping[str, str]) -> bool:
    """Whether a browser says that another site made this unsafe request (cross-site request forgery).

    A client that sends neither Sec-Fetch-Site nor Origin is no browser. Source: the algorithm of Go's
    net/http.CrossOriginProtection.
    """
    if method in SAFE_METHODS:
        return False
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is not None and origin.partition("://")[2] != headers.get("host", "")


OWN_AGENT = (
    "Tocsin"  # as senders/http.py and Apprise say it: a webhook to our own address is no program of this machine
)


def trusted_loopback(headers: Mapping[str, str], *, listening: bool) -> bool:
    """DESIGN section 4: a loopback listen address, a loopback Host (a rebound name is none), and no Origin."""
    ours = headers.get("user-agent", "").partition("/")[0] == OWN_AGENT
    return listening and not ours and "origin" not in headers and loopback_host(headers.get("host", ""))


def loopback_host(host: str) -> bool:
    """Whether a Host header names this machine by address or as localhost."""
    name = host.rpartition("]")[0].removeprefix("[") if host.startswith("[") else host.partition(":")[0]
    if name.casefold() == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
