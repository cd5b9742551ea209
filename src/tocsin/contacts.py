"""What is known of people's contact methods, kept; and the weekly test of each, which is a duty of its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import msgspec

from tocsin.core.contact import Contacts, due_for_test, noted_test, seen
from tocsin.core.people import Method, Person
from tocsin.devices import forgotten
from tocsin.guides import CONTACT, Guides
from tocsin.ports import Receipt, Store
from tocsin.wiring.readied import channel_test
from tocsin.writer import Overloaded

LOOK_SECONDS = 600.0
TESTS_MAX = 20  # of one look; a large directory is tested over the day
HOURS = range(10, 16)  # local, Monday to Friday: a test wakes nobody

log = logging.getLogger(__name__)


def contacts_of(store: Store, tenant: str, person: Person, now: datetime) -> Contacts:
    body = store.get(tenant, CONTACT, person.id)
    return seen(msgspec.json.decode(body, type=Contacts) if body else Contacts(), person, now)


def keep_contacts(guides: Guides, store: Store, tenant: str, person: Person, contacts: Contacts) -> None:
    """Writer thread only."""
    store.put(tenant, CONTACT, person.id, msgspec.json.encode(contacts))
    guides.changed(tenant)


def note_test(guides: Guides, store: Store, tenant: str, person: Person, method: Method, receipt: Receipt) -> None:
    """The receipt of a test is kept, if the method is still there. Writer thread only."""
    now = store.now()
    receipt = forgotten(guides, store, tenant, person.id, method.kind, method.address, receipt)
    current = guides.directory(tenant).people.get(person.id)
    if current is None:
        return
    known = contacts_of(store, tenant, current, now)
    if known.of(method) is not None:
        said = f"{receipt.code}: {receipt.detail}".rstrip(": ")
        keep_contacts(guides, store, tenant, current, noted_test(known, method, now, said, ok=receipt.code == "sent"))


class Tester(Protocol):
    """The part of the process that is needed here."""

    @property
    def tenant(self) -> str: ...
    def run(self, fn: Callable[[Store], Any]) -> Awaitable[Any]: ...
    def trial(self, person: Person, method: Method, code: str = "") -> Awaitable[Receipt]: ...


class ChannelTest:
    """Each contact method gets a test message every so often, on a working day by day; the receipt is kept."""

    def __init__(self, deps: Tester, guides: Guides) -> None:
        self._deps = deps
        self._guides = guides

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> int:
        """Every method that is due is tested; how many were."""
        try:
            due: list[tuple[Person, Method]] = await self._deps.run(self._due)
            for person, method in due:
                receipt = await self._deps.trial(person, method)
                await self._keep(person, method, receipt)
        except Overloaded as error:  # pages go first; there is all day
            log.info("channel test: not now, %s", error)
            return 0
        return len(due)

    async def _keep(self, person: Person, method: Method, receipt: Receipt) -> None:
        await self._deps.run(lambda store: note_test(self._guides, store, self._deps.tenant, person, method, receipt))

    def _due(self, store: Store) -> list[tuple[Person, Method]]:
        tenant, now = self._deps.tenant, store.now()
        every = channel_test(store, tenant)
        found: list[tuple[Person, Method]] = []
        if every <= timedelta():
            return found
        for person in self._guides.directory(tenant).people.values():
            if not person.active:
                continue
            body = store.get(tenant, CONTACT, person.id)
            known = contacts_of(store, tenant, person, now)
            if body != msgspec.json.encode(known):
                keep_contacts(self._guides, store, tenant, person, known)
            local = now.astimezone(ZoneInfo(person.zone))
            if local.weekday() < 5 and local.hour in HOURS:
                ready = [each for each in person.methods if each.enabled]
                found += [(person, each) for each in ready if due_for_test(known.of(each), now, every)]
        return found[:TESTS_MAX]
