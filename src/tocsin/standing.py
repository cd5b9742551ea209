"""How a person stands in the table of `core/access`: their role, their teams, and what emergency access lends them.

For every face that learns a person instead of a credential, and for the gate, which learns both.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from tocsin.core.access import Actor, Role, at_least
from tocsin.core.people import Person, Team
from tocsin.identity import accounts
from tocsin.ports import Store

EMERGENCY = "emergency"  # kind of document: a person -> their emergency access


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """Emergency access of a person: the stream on which it stands, and the duty that is its review."""

    stream: str
    review: str
    because: str
    taken_at: datetime
    until: datetime


def known(store: Store, tenant: str, actor: Actor, now: datetime) -> Actor:
    """A person as an actor, with their teams as they are and what emergency access lends them."""
    teams = [msgspec.json.decode(body, type=Team) for _, body in store.items(tenant, "team")]
    mine = frozenset(team.id for team in teams if actor.id in (*team.members, team.lead))
    leads = frozenset(team.id for team in teams if actor.id == team.lead)
    body = store.get(tenant, EMERGENCY, actor.id)
    access = msgspec.json.decode(body, type=Access) if body else None
    return raised(msgspec.structs.replace(actor, teams=mine, leads=leads), access, now)


def raised(actor: Actor, access: Access | None, now: datetime) -> Actor:
    """The actor with what emergency access lends them; nothing, once it is over."""
    if access is None or access.until <= now or actor.kind != "person":
        return actor
    role: Role = actor.role if at_least(actor.role, "administrator") else "administrator"
    return msgspec.structs.replace(actor, role=role, emergency=actor.role)


def of_person(store: Store, tenant: str, person: Person, credential: str) -> Actor:
    """Whoever proved who they are by something that knows no role, such as a chat: they act with their account's.

    Somebody without an account is in the directory because they are called to incidents: they are a responder.
    """
    account = accounts.find(store, tenant, person.id)
    role: Role = account.role if account else "responder"
    actor = Actor(tenant=tenant, id=person.id, kind="person", role=role, credential=credential)
    return known(store, tenant, actor, store.now())


def disabled(store: Store, tenant: str, person: str) -> bool:
    """Whether the identity provider says that this person is not here any more."""
    account = accounts.find(store, tenant, person)
    return account is not None and account.disabled_at is not None
