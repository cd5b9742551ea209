"""Everything the public pages are made of, in memory: read once, then kept up with what is committed.

The writer thread changes it; `known` is one immutable value, so that any thread may render from it. `generation` grows
with every change that a page could show.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

import msgspec

from tocsin.core import facts as f
from tocsin.core.facts import AnyFact
from tocsin.core.incident import Incident
from tocsin.core.public import PublicIncident, advance, begin
from tocsin.core.status import Component, Impact, Page, Planned, Provider, Said, Target, impact_of_rank
from tocsin.core.statusview import EPOCH_PAGE, Known
from tocsin.guides import Guides
from tocsin.ports import Store
from tocsin.status.logo import LOGO, Logo

PAGE, COMPONENT, SAID, PLANNED = "status-page", "status-component", "status-said", "status-planned"  # documents
TARGET, PROVIDER = "status-target", "status-provider"
KINDS = frozenset({PAGE, COMPONENT, SAID, PLANNED, LOGO, TARGET, PROVIDER})
FOLLOWED_MAX = 1_000  # incidents of one service, newest first, whose past an automatic component is drawn from

T = TypeVar("T")


class Engine(Protocol):
    @property
    def guides(self) -> Guides: ...
    def load(self, tenant: str, stream: str) -> Incident: ...
    def subscribe(self, subscriber: Callable[[str, str, int], None]) -> None: ...


class Board:
    """`load` before the first request, on the writer thread, as everything here that is not a plain read."""

    def __init__(self, tenant: str, engine: Engine, store: Store) -> None:
        self._tenant, self._engine, self._store = tenant, engine, store
        self._incidents: dict[str, PublicIncident] = {}
        self._listeners: list[Callable[[Known, Known], None]] = []
        now = store.now()
        self.known = Known(pages=(first_page(now),), components={}, said={}, incidents=(), planned=(), changed_at=now)
        self.logos: dict[str, Logo] = {}
        self.targets: dict[str, Target] = {}
        self.providers: tuple[Provider, ...] = ()
        self.generation = 0
        engine.subscribe(self._committed)

    def listen(self, listener: Callable[[Known, Known], None]) -> None:
        """Call `listener(before, after)` after each change, on the writer thread."""
        self._listeners.append(listener)

    def target(self, name: str) -> Target | None:
        """The status page elsewhere of this id. From any thread."""
        return self.targets.get(name)

    def load(self) -> None:
        """What is stored is known."""
        store, tenant = self._store, self._tenant
        self._documents()
        streams = dict.fromkeys(store.holders(tenant, "public"))
        for service in sorted(self._automatic()):
            rows, _ = store.listing(tenant, service=service, limit=FOLLOWED_MAX, without=store.private(tenant))
            streams |= dict.fromkeys(row.incident for row in rows)
        for stream in streams:
            if stream not in self._incidents:
                self._follow(stream)
        self._publish(self.known)

    def changed(self) -> None:
        """Documents of `KINDS` were written."""
        before, automatic = self.known, self._automatic()
        self._documents()
        if self._automatic() - automatic:
            self.load()
        else:
            self._publish(before)

    def ahead(self, stream: str, version: int, facts: Sequence[AnyFact]) -> PublicIncident:
        """The incident's public side after facts that are about to be committed, `version` facts being stored."""
        known = self._incidents.get(stream)
        stored = self._store.facts(self._tenant, stream, known.version if known else 0)
        coming = [*stored[: version - (known.version if known else 0)], *facts]
        if known is None:
            first, *coming = coming
            assert isinstance(first, f.Opened), "a stream begins with Opened"
            known = begin(first, self._impacts(first.policy_digest))
        for fact in coming:
            known = advance(known, fact)
        return known

    # --- on the writer thread -----------------------------------------------------------------------------------------

    def _committed(self, tenant: str, stream: str, version: int) -> None:
        if tenant != self._tenant or not (stream in self._incidents or self._concerns(stream)):
            return
        if self._engine.load(tenant, stream).restricted is not None:
            if self._incidents.pop(stream, None) is not None:
                self._publish(self.known)
            return
        before = self._incidents.get(stream)
        after = self._follow(stream)
        if before is None or msgspec.structs.replace(before, version=after.version) != after:
            self._publish(self.known)

    def _concerns(self, stream: str) -> bool:
        incident = self._engine.load(self._tenant, stream)
        if incident.restricted is not None:
            return False
        services = {incident.service, *incident.services}
        return incident.public is not None or not services.isdisjoint(self._automatic())

    def _automatic(self) -> set[str]:
        return {name for each in self.known.components.values() if each.automatic for name in each.services}

    def _follow(self, stream: str) -> PublicIncident:
        """The incident's public side as of its newest fact."""
        known = self._incidents.get(stream)
        facts = self._store.facts(self._tenant, stream, known.version if known else 0)
        if known is None:
            first, *facts = facts
            assert isinstance(first, f.Opened), "a stream begins with Opened"
            known = begin(first, self._impacts(first.policy_digest))
        for fact in facts:
            known = advance(known, fact)
        self._incidents[stream] = known
        return known

    def _impacts(self, digest: str) -> Mapping[str, Impact]:
        policy = self._engine.guides.digested(self._tenant, digest).policy
        return {each.id: impact_of_rank(each.rank) for each in policy.severities}

    def _documents(self) -> None:
        store, tenant = self._store, self._tenant
        pages = decoded(store, tenant, PAGE, Page)
        self.logos = {name: msgspec.json.decode(body, type=Logo) for name, body in store.items(tenant, LOGO)}
        self.targets = {each.id: each for each in decoded(store, tenant, TARGET, Target)}
        self.providers = tuple(decoded(store, tenant, PROVIDER, Provider))
        self.known = msgspec.structs.replace(
            self.known,
            pages=tuple(sorted(pages, key=lambda each: (not each.default, each.created_at, each.id)))
            or (first_page(store.now()),),
            components={each.id: each for each in decoded(store, tenant, COMPONENT, Component)},
            said={name: msgspec.json.decode(body, type=Said) for name, body in store.items(tenant, SAID)},
            planned=tuple(decoded(store, tenant, PLANNED, Planned)),
        )

    def _publish(self, before: Known) -> None:
        newest = sorted(self._incidents.values(), key=lambda each: (each.starts_at, each.id), reverse=True)
        known = msgspec.structs.replace(self.known, incidents=tuple(newest))
        self.known = msgspec.structs.replace(known, changed_at=_newest(known))
        self.generation += 1
        for listener in self._listeners:
            listener(before, self.known)


def first_page(now: datetime) -> Page:
    """The page there is before anybody has made one."""
    return Page(id=EPOCH_PAGE, name="Status", default=True, created_at=now, updated_at=now)


def decoded(store: Store, tenant: str, kind: str, form: type[T]) -> Sequence[T]:
    return [msgspec.json.decode(body, type=form) for _, body in store.items(tenant, kind)]


def _newest(known: Known) -> datetime:
    """When anything that pages show was changed last."""
    return max(
        [
            *(each.updated_at for each in known.pages),
            *(each.updated_at for each in known.components.values()),
            *(change.at for said in known.said.values() for change in said.changes[-1:]),
            *(each.changed_at for each in known.incidents),
            *(each.updated_at for each in known.planned),
        ]
    )
