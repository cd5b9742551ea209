"""Readiness as the server knows it: the guides in force, the directory, schedules and contact methods together."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from tocsin.core import emergency
from tocsin.core.contact import Contacts
from tocsin.core.people import Directory
from tocsin.core.readiness import Gap, gaps, unheard
from tocsin.core.upkeep import upkeep
from tocsin.guides import CONTACT, PAGING, Guides, PagingSettings
from tocsin.identity import accounts
from tocsin.ports import Store
from tocsin.saying.composing import stored_audiences


def readiness(store: Store, guides: Guides, tenant: str) -> list[Gap]:
    """Everything that would keep a page from somebody, errors first. Writer thread only."""
    now = store.now()
    directory = msgspec.structs.replace(guides.directory(tenant), at=None)
    contacts = {name: msgspec.json.decode(body, type=Contacts) for name, body in store.items(tenant, CONTACT)}
    active = [(each.name, each.policy) for each in guides.active(tenant)]
    found = gaps(active, directory)
    found += unheard(active, stored_audiences(store, tenant))
    found += _departed(store, directory, guides, tenant)
    found += upkeep(directory, contacts, now, tested=channel_test(store, tenant) > timedelta())
    return sorted(found, key=lambda each: ("error", "warning", "note").index(each.level))


def channel_test(store: Store, tenant: str) -> timedelta:
    """How often contact methods are tested; zero: never."""
    body = store.get(tenant, *PAGING)
    said = msgspec.json.decode(body, type=PagingSettings) if body else PagingSettings()
    return timedelta(seconds=said.channel_test_seconds)


def _departed(store: Store, directory: Directory, guides: Guides, tenant: str) -> list[Gap]:
    """Whoever the identity provider has deactivated and who is still called: nobody else has their turn."""
    gone = [each for each in accounts.every(store, tenant) if each.disabled_at is not None]
    if not gone:
        return []
    now = store.now()
    there = {each.person: directory.people[each.person] for each in gone if each.person in directory.people}
    back = {name: msgspec.structs.replace(person, active=True) for name, person in there.items()}
    then = msgspec.structs.replace(directory, people={**directory.people, **back}, at=now)
    called = emergency.called(then, [each.policy for each in guides.active(tenant)], now)
    found = []
    for each in gone:
        named = [
            f"{kind} {name}"
            for kind, those in (("schedule", directory.schedules), ("binding", directory.bindings))
            for name, value in those.items()
            if f'"{each.person}"'.encode() in msgspec.json.encode(value)
        ]
        if each.person in called or named:
            on = "is on call now" if each.person in called else "still has turns"
            where = f" ({', '.join(named)})" if named else ""
            text = f"{each.person} was deactivated by the identity provider and {on}{where}: they are not paged"
            found.append(Gap(check="person", level="error" if each.person in called else "warning", text=text))
    return found
