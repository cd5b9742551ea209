"""Readiness as the server knows it: the guides in force, the directory, schedules and contact methods together."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from tocsin.core.contact import Contacts
from tocsin.core.readiness import Gap, gaps
from tocsin.core.upkeep import upkeep
from tocsin.guides import CONTACT, PAGING, Guides, PagingSettings
from tocsin.ports import Store


def readiness(store: Store, guides: Guides, tenant: str) -> list[Gap]:
    """Everything that would keep a page from somebody, errors first. Writer thread only."""
    now = store.now()
    directory = msgspec.structs.replace(guides.directory(tenant), at=None)
    contacts = {name: msgspec.json.decode(body, type=Contacts) for name, body in store.items(tenant, CONTACT)}
    found = gaps([(each.name, each.policy) for each in guides.active(tenant)], directory)
    found += upkeep(directory, contacts, now, tested=channel_test(store, tenant) > timedelta())
    return sorted(found, key=lambda each: ("error", "warning", "note").index(each.level))


def channel_test(store: Store, tenant: str) -> timedelta:
    """How often contact methods are tested; zero: never."""
    body = store.get(tenant, *PAGING)
    said = msgspec.json.decode(body, type=PagingSettings) if body else PagingSettings()
    return timedelta(seconds=said.channel_test_seconds)
