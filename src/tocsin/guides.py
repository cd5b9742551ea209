"""The policies in force, and everybody they page, as the engine reads them: stored documents, decoded once.

A policy is kept under its digest for ever, because incidents are governed by the one they were opened under; a guide
is a name that points at a digest. People, teams, services, schedules and bindings are live: `changed` forgets what was
decoded.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from tocsin.confirming import as_confirmed
from tocsin.core.calendar import BusinessTime
from tocsin.core.contact import Contacts, judged
from tocsin.core.people import Directory, Person, Service, Team, Unverified
from tocsin.core.policy import Policy, Rule, canonical, digest
from tocsin.core.promises import rules
from tocsin.core.regulatory import Law
from tocsin.core.routing import compile_policies
from tocsin.holidays_data import calendar_of
from tocsin.laws import Laws
from tocsin.oncall.stored import read_schedule
from tocsin.ports import Store

LAST_RESORT = "last_resort"
CONTACT = "contact"  # kind of document: what is known of a person's methods
PAGING = ("setting", "paging")
OFFERED = "offered"  # kind of document


class UnknownGuide(LookupError):
    """There is no such guide; the text names the ones there are."""


class Guide(msgspec.Struct, frozen=True, kw_only=True):
    """One guide in force: its name, the policy it was compiled to, and the policy's clocks and calendar."""

    name: str
    digest: str
    policy: Policy
    rules: tuple[Rule, ...]
    calendar: BusinessTime


class Offered(msgspec.Struct, frozen=True, kw_only=True):
    """A guide that changed on disk, or is new, and waits: `changes` say in sentences what it would change."""

    name: str
    digest: str
    at: datetime
    file: str = ""
    status: str = "active"
    findings: int = 0
    changes: tuple[str, ...] = ()


class PagingSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the configuration says about how people are told."""

    low_urgency: tuple[str, ...] = ()
    unverified: Unverified = "fallback"
    channel_test_seconds: int = 7 * 86_400


class _Pointer(msgspec.Struct, frozen=True, kw_only=True):
    digest: str
    order: int


class Guides:
    """Guides and directory of every tenant, over the store's documents."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._by_digest: dict[tuple[str, str], Guide] = {}
        self._active: dict[str, tuple[Guide, ...]] = {}
        self._directories: dict[str, Directory] = {}
        self._laws: dict[str, Laws] = {}

    def activate(self, tenant: str, name: str, policy: Policy) -> Guide:
        """`policy` governs every incident that opens under guide `name` from now on; running ones keep theirs.

        Raises ValueError, and changes nothing, for a policy that cannot be used: no severities, a broken route,
        business hours of an unknown zone or country. Cadences that were confirmed for this guide are in force.
        """
        policy = as_confirmed(self._store, tenant, name, policy)
        compile_policies([(name, policy)])
        calendar_of(policy.business_hours, self._store.now().year)
        body, key = canonical(policy), digest(policy)
        pointers = self._pointers(tenant)
        order = pointers[name].order if name in pointers else len(pointers)
        self._store.put(tenant, "policy", key, body)
        self._store.put(tenant, "guide", name, msgspec.json.encode(_Pointer(digest=key, order=order)))
        self._active.pop(tenant, None)
        return msgspec.structs.replace(self.digested(tenant, key), name=name)

    def offer(self, tenant: str, policy: Policy, offer: Offered) -> None:
        """The policy is stored and waits under the offer's name; what was offered before under it is forgotten."""
        self._store.put(tenant, "policy", offer.digest, canonical(policy))
        self._store.put(tenant, OFFERED, offer.name, msgspec.json.encode(offer))

    def offered(self, tenant: str) -> list[Offered]:
        return [msgspec.json.decode(body, type=Offered) for _, body in self._store.items(tenant, OFFERED)]

    def withdraw(self, tenant: str, name: str) -> bool:
        """Whether something was offered under this name; it is not any more."""
        return self._store.delete(tenant, OFFERED, name)

    def activate_offered(self, tenant: str, name: str) -> Guide:
        """What was offered governs new incidents. Raises UnknownGuide; ValueError as `activate`."""
        body = self._store.get(tenant, OFFERED, name)
        if body is None:
            known = ", ".join(each.name for each in self.offered(tenant)) or "nothing is offered"
            raise UnknownGuide(f"guide: expected one that is offered ({known}), got {name!r}")
        offer = msgspec.json.decode(body, type=Offered)
        guide = self.activate(tenant, name, self.digested(tenant, offer.digest).policy)
        self.withdraw(tenant, name)
        return guide

    def active(self, tenant: str) -> tuple[Guide, ...]:
        """The guides in force, in the order they were first activated; the first one takes what no other claims."""
        found = self._active.get(tenant)
        if found is None:
            pointers = sorted(self._pointers(tenant).items(), key=lambda each: each[1].order)
            found = tuple(
                msgspec.structs.replace(self.digested(tenant, pointer.digest), name=name) for name, pointer in pointers
            )
            self._active[tenant] = found
        return found

    def named(self, tenant: str, name: str) -> Guide:
        """Raises UnknownGuide."""
        for guide in self.active(tenant):
            if guide.name == name:
                return guide
        known = ", ".join(guide.name for guide in self.active(tenant)) or "none is active"
        raise UnknownGuide(f"guide: expected one of {known}, got {name!r}")

    def for_service(self, tenant: str, service: str | None, name: str | None = None) -> Guide:
        """The guide by name, else the one that governs the service, else the first. Raises UnknownGuide."""
        if name is not None:
            return self.named(tenant, name)
        guides = self.active(tenant)
        if not guides:
            raise UnknownGuide("guide: expected an active guide, none is active")
        return next((guide for guide in guides if service and service in guide.policy.services), guides[0])

    def digested(self, tenant: str, key: str) -> Guide:
        """The policy with this digest, however old. Raises UnknownGuide."""
        guide = self._by_digest.get((tenant, key))
        if guide is None:
            body = self._store.get(tenant, "policy", key)
            if body is None:
                raise UnknownGuide(f"policy: no policy with digest {key!r} is stored")
            policy = msgspec.json.decode(body, type=Policy)
            calendar = _calendar(policy, self._store.now().year)
            guide = Guide(name=policy.title, digest=key, policy=policy, rules=rules(policy), calendar=calendar)
            self._by_digest[tenant, key] = guide
        return guide

    def directory(self, tenant: str) -> Directory:
        """Everybody, as stored now."""
        found = self._directories.get(tenant)
        if found is None:
            found = self._directories[tenant] = read_directory(self._store, tenant)
        return found

    def law(self, tenant: str, guide: str) -> Law:
        """The regulatory clocks that are switched on for this guide."""
        found = self._laws.get(tenant)
        if found is None:
            found = self._laws[tenant] = Laws(self._store, tenant)
        return found.of(guide)

    def changed(self, tenant: str) -> None:
        """Forget what was decoded: people, teams, services, bindings, guides or packs of the tenant were written."""
        self._laws.pop(tenant, None)
        self._directories.pop(tenant, None)
        self._active.pop(tenant, None)

    def _pointers(self, tenant: str) -> dict[str, _Pointer]:
        return {name: msgspec.json.decode(body, type=_Pointer) for name, body in self._store.items(tenant, "guide")}


def _calendar(policy: Policy, year: int) -> BusinessTime:
    """The policy's calendar; where newer data of zones or countries knows it no more, its incidents still page."""
    try:
        return calendar_of(policy.business_hours, year)
    except ValueError:
        return BusinessTime()


def read_directory(store: Store, tenant: str) -> Directory:
    """The stored people, teams, services, schedules and bindings of a tenant, as one value."""
    bindings = {name: msgspec.json.decode(body, type=tuple[str, ...]) for name, body in store.items(tenant, "binding")}
    paging = store.get(tenant, *PAGING)
    said = msgspec.json.decode(paging, type=PagingSettings) if paging else PagingSettings()
    contacts = {name: msgspec.json.decode(body, type=Contacts) for name, body in store.items(tenant, CONTACT)}
    people = {name: msgspec.json.decode(body, type=Person) for name, body in store.items(tenant, "person")}
    return Directory(
        people={
            name: judged(person, contacts.get(name, Contacts()), said.unverified) for name, person in people.items()
        },
        low_urgency=said.low_urgency,
        unverified=said.unverified,
        teams={name: msgspec.json.decode(body, type=Team) for name, body in store.items(tenant, "team")},
        services={name: msgspec.json.decode(body, type=Service) for name, body in store.items(tenant, "service")},
        schedules={name: read_schedule(body) for name, body in store.items(tenant, "schedule")},
        last_resort=bindings.pop(LAST_RESORT, ()),
        bindings=bindings,
    )
