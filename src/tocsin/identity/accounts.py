"""Accounts as stored: a person's role, and what proves that somebody is that person.

Documents: `account` (sealed in the audit trail, it holds hashes and a secret), `passkey`, `outside-name` (who somebody
is elsewhere), and `factor-use`, which only says what was used last and is no administration.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Literal

import msgspec

from tocsin.core.access import RANK, Role
from tocsin.identity.box import Box, is_sealed
from tocsin.ports import Store

ACCOUNT, PASSKEY, OUTSIDE, USE = "account", "passkey", "outside-name", "factor-use"


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """`password`: an argon2id hash; `totp`: the secret, base32, sealed (box.py); `recovery`: SHA-256 of each code left.

    `disabled_at`: since when the identity provider says that they are not here any more: nothing signs them in.
    `role_from`: who said the role; the groups of an identity provider change only what they said themselves.
    """

    person: str
    role: Role
    role_from: Literal["administrator", "groups"] = "administrator"
    created_at: datetime
    password: str = ""
    password_at: datetime | None = None
    totp: str = ""
    totp_at: datetime | None = None
    recovery: tuple[str, ...] = ()
    disabled_at: datetime | None = None


class Passkey(msgspec.Struct, frozen=True, kw_only=True):
    """`id` and `public_key` are base64url; `sign_count` is the one at enrolment, later ones are in `factor-use`."""

    id: str
    person: str
    name: str
    public_key: str
    sign_count: int
    synced: bool
    created_at: datetime


class Use(msgspec.Struct, frozen=True, kw_only=True):
    """The newest sign count of a passkey, or the newest time step whose one-time code counted."""

    number: int
    used_at: datetime


class OutsideName(msgspec.Struct, frozen=True, kw_only=True):
    """Who somebody is at an identity provider: (issuer, sub) is the only name there that never changes hands."""

    issuer: str
    sub: str
    person: str
    linked_at: datetime


def find(store: Store, tenant: str, person: str) -> Account | None:
    body = store.get(tenant, ACCOUNT, person)
    return msgspec.json.decode(body, type=Account) if body else None


def named(store: Store, tenant: str, said: str) -> Account | None:
    """The account that somebody means who types this name: letter case does not count, unless it decides."""
    exact = find(store, tenant, said)
    if exact is not None:
        return exact
    folded = [name for name, _ in store.items(tenant, ACCOUNT) if name.casefold() == said.casefold()]
    return find(store, tenant, folded[0]) if len(folded) == 1 else None


def every(store: Store, tenant: str) -> list[Account]:
    return [msgspec.json.decode(body, type=Account) for _, body in store.items(tenant, ACCOUNT)]


def keep(store: Store, tenant: str, account: Account) -> None:
    """Writer thread only."""
    store.put(tenant, ACCOUNT, account.person, msgspec.json.encode(account))


def seal_open(store: Store, tenant: str, box: Box) -> int:
    """How many secrets lay open, as releases before this one stored them; they are sealed. Writer thread only."""
    found = [each for each in every(store, tenant) if each.totp and not is_sealed(each.totp)]
    for each in found:
        keep(store, tenant, msgspec.structs.replace(each, totp=box.seal(each.totp, "totp", tenant, each.person)))
    return len(found)


def totp_of(account: Account, tenant: str, box: Box) -> str | None:
    """The secret of their authenticator app, or None: they have none, or its key is not there."""
    return box.opened(account.totp, "totp", tenant, account.person) if account.totp else None


def with_role(store: Store, tenant: str, person: str, role: Role) -> Account:
    """The person has an account with this role: an administrator said so, unless it was theirs already. The last owner
    stays one: somebody must be able to make others owners. Writer thread only."""
    found = find(store, tenant, person)
    if found is not None and (found.role == role or last_owner(store, tenant, person)):
        return found
    account = (
        msgspec.structs.replace(found, role=role, role_from="administrator")
        if found
        else Account(person=person, role=role, created_at=store.now())
    )
    keep(store, tenant, account)
    return account


def last_owner(store: Store, tenant: str, person: str) -> bool:
    """Whether this person is an owner, and nobody else is who can sign in."""
    owners = [each.person for each in every(store, tenant) if each.role == "owner" and each.disabled_at is None]
    return owners == [person]


def lower(one: Role, other: Role) -> Role:
    """The role that may less."""
    return min(one, other, key=lambda each: RANK[each])


# --- passkeys ---------------------------------------------------------------------------------------------------------


def passkey(store: Store, tenant: str, name: str) -> Passkey | None:
    body = store.get(tenant, PASSKEY, name)
    return msgspec.json.decode(body, type=Passkey) if body else None


def passkeys(store: Store, tenant: str, person: str | None = None) -> list[Passkey]:
    """Oldest first; of everybody without a person."""
    found = [msgspec.json.decode(body, type=Passkey) for _, body in store.items(tenant, PASSKEY)]
    mine = [each for each in found if person in (None, each.person)]
    return sorted(mine, key=lambda each: (each.created_at, each.id))


def keep_passkey(store: Store, tenant: str, made: Passkey) -> None:
    store.put(tenant, PASSKEY, made.id, msgspec.json.encode(made))


def drop_passkey(store: Store, tenant: str, person: str, name: str) -> bool:
    """Whether the person had it; it is gone. Writer thread only."""
    found = passkey(store, tenant, name)
    if found is None or found.person != person:
        return False
    store.delete(tenant, USE, f"passkey:{name}")
    return store.delete(tenant, PASSKEY, name)


def use(store: Store, tenant: str, name: str) -> Use | None:
    body = store.get(tenant, USE, name)
    return msgspec.json.decode(body, type=Use) if body else None


def used(store: Store, tenant: str, name: str, number: int) -> None:
    store.put(tenant, USE, name, msgspec.json.encode(Use(number=number, used_at=store.now())))


# --- names elsewhere --------------------------------------------------------------------------------------------------


def outside_key(issuer: str, sub: str) -> str:
    return hashlib.sha256(f"{issuer}\0{sub}".encode("utf-8", "surrogatepass")).hexdigest()


def outside(store: Store, tenant: str, issuer: str, sub: str) -> OutsideName | None:
    body = store.get(tenant, OUTSIDE, outside_key(issuer, sub))
    return msgspec.json.decode(body, type=OutsideName) if body else None


def outside_names(store: Store, tenant: str, person: str | None = None) -> list[OutsideName]:
    found = [msgspec.json.decode(body, type=OutsideName) for _, body in store.items(tenant, OUTSIDE)]
    return [each for each in found if person in (None, each.person)]


def link_outside(store: Store, tenant: str, name: OutsideName) -> None:
    store.put(tenant, OUTSIDE, outside_key(name.issuer, name.sub), msgspec.json.encode(name))


def remove(store: Store, tenant: str, person: str) -> bool:
    """Whether there was an account; nothing proves any more that somebody is this person. Writer thread only.

    Sessions and tokens are not here: http/auth.py ends them.
    """
    for each in passkeys(store, tenant, person):
        drop_passkey(store, tenant, person, each.id)
    for name in outside_names(store, tenant, person):
        store.delete(tenant, OUTSIDE, outside_key(name.issuer, name.sub))
    store.delete(tenant, USE, f"totp:{person}")
    return store.delete(tenant, ACCOUNT, person)
