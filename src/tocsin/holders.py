"""Whom a command about roles names, for every face that takes one from people."""

from __future__ import annotations

import msgspec

from tocsin.core import commands as c
from tocsin.core.holder import holder
from tocsin.core.incident import Incident
from tocsin.core.people import Directory, contact
from tocsin.identity import accounts
from tocsin.ports import Store


def named(command: c.Command, incident: Incident, directory: Directory, store: Store, tenant: str) -> c.Command:
    """The command with the id of the person whom it names. Raises ValueError for somebody whom nobody knows."""
    match command:
        case c.AssignRole():
            known = {command.by, *(each.person for each in accounts.every(store, tenant))}
            found = holder(directory, command.person, guest=command.guest, accounts=known)
            return msgspec.structs.replace(command, person=found)
        case c.ReleaseRole(person=str(said)) if not any(said in people for people in incident.roles.values()):
            return msgspec.structs.replace(command, person=contact(directory, said) or said)
    return command
