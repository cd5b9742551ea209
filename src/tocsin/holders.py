"""Whom a command names, for every face that takes one from people: a slip of the pen is heard, not carried out."""

from __future__ import annotations

import difflib

import msgspec

from tocsin.core import commands as c
from tocsin.core.audiences import meant
from tocsin.core.holder import holder
from tocsin.core.incident import Incident
from tocsin.core.people import contact
from tocsin.core.policy import Policy
from tocsin.engine import Engine
from tocsin.identity import accounts
from tocsin.ports import Store
from tocsin.saying.composing import stored_audiences


def named(command: c.Command, incident: Incident, engine: Engine, store: Store, tenant: str) -> c.Command:
    """The command with the id of the person whom it names. Raises ValueError for whoever nobody knows."""
    match command:
        case c.AssignRole() if command.person.strip() != command.by:  # whoever takes a role themselves is known
            known = {each.person for each in accounts.every(store, tenant)}
            found = holder(engine.directory(tenant), command.person, guest=command.guest, accounts=known)
            return msgspec.structs.replace(command, person=found)
        case c.ReleaseRole(person=str(said)) if not any(said in people for people in incident.roles.values()):
            return msgspec.structs.replace(command, person=contact(engine.directory(tenant), said) or said)
        case c.PostUpdate():
            _must_be_told(
                command.audience, engine.guides.digested(tenant, incident.policy_digest).policy, store, tenant
            )
    return command


def _must_be_told(audience: str, policy: Policy, store: Store, tenant: str) -> None:
    """Raises ValueError for an audience that neither the guide nor anybody here has: the update would reach nobody."""
    known = stored_audiences(store, tenant)
    guides = {each.audience.casefold() for each in policy.cadences}
    guides |= {each.audience.casefold() for each in policy.communications}
    guides |= {each.audience.casefold() for each in policy.templates if each.audience}
    if meant(audience, known) or audience.casefold().strip() in guides:
        return
    near = difflib.get_close_matches(audience.casefold(), [*known, *guides], n=1)
    hint = f"did you mean {near[0]}?" if near else ", ".join(known)
    raise ValueError(f"audience: expected one that is known ({hint}), got {audience[:120]!r}")
