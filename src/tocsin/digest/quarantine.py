"""Payloads that could not be read: kept, with the reason, for people to look at. They never block the rest.

The bodies stay in the journal as long as it keeps them; the documents here say which ones, from whom, and why.
"""

from __future__ import annotations

import logging
from collections import deque
from datetime import datetime, timedelta

import msgspec

from tocsin.core.alert import Report
from tocsin.intake.committer import Accepted
from tocsin.ports import Store

QUARANTINE = "quarantine"  # kinds of stored documents
CHANGE = "change"
KEPT_MAX = 1_000  # documents of each kind; the oldest go first
SAME_SECONDS = 60  # one source's same complaint is written down once in this time
REASON_MAX = 1_000
ERRORS_TOLD = 5  # of one payload

_log = logging.getLogger(__name__)


class Quarantined(msgspec.Struct, frozen=True, kw_only=True):
    """One payload. `position` is its place in the journal, its payload id."""

    position: int
    source: str
    kind: str
    size: int
    reason: str
    at: datetime


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A deployment or another change that a source told of."""

    id: str
    source: str
    kind: str
    text: str
    labels: dict[str, str]
    annotations: dict[str, str]
    url: str = ""
    at: datetime


class _Kept:
    """Documents of one kind, the newest `KEPT_MAX` of them."""

    def __init__(self, store: Store, kind: str) -> None:
        self._store, self._kind = store, kind
        self._names: dict[str, deque[str]] = {}

    def put(self, tenant: str, name: str, value: bytes) -> None:
        if tenant not in self._names:
            self._names[tenant] = deque(sorted(known for known, _ in self._store.items(tenant, self._kind)))
        names = self._names[tenant]
        self._store.put(tenant, self._kind, name, value)
        if name not in names:
            names.append(name)
        while len(names) > KEPT_MAX:
            self._store.delete(tenant, self._kind, names.popleft())


class Quarantine:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept = _Kept(store, QUARANTINE)
        self._seen: dict[tuple[str, str, str, str], datetime] = {}
        self.count = 0

    def keep(self, accepted: Accepted, reason: str) -> None:
        """The accepted payload and the reason are on record."""
        self.add(accepted.tenant, accepted.position, accepted.source, accepted.kind, len(accepted.body), reason)

    def add(self, tenant: str, position: int, source: str, kind: str, size: int, reason: str) -> None:
        """The payload and the reason are on record. Safe to repeat."""
        self.count += 1
        now, what = self._store.now(), (tenant, source, kind, reason)
        last = self._seen.get(what)
        if last is not None and timedelta(0) <= now - last < timedelta(seconds=SAME_SECONDS):
            return
        if len(self._seen) >= KEPT_MAX:
            self._seen.clear()
        self._seen[what] = now
        _log.warning("payload %d of source %r (%s) is in quarantine: %s", position, source, kind, reason[:REASON_MAX])
        document = Quarantined(
            position=position, source=source, kind=kind, size=size, reason=reason[:REASON_MAX], at=now
        )
        self._kept.put(tenant, f"{position:020d}", msgspec.json.encode(document))


class Changes:
    """Recent deployments and other changes, as sources told of them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept = _Kept(store, CHANGE)

    def add(self, accepted: Accepted, number: int, report: Report) -> None:
        """The change is on record. Safe to repeat."""
        name = f"{accepted.position:020d}.{number:04d}"
        change = Change(
            id=name,
            source=accepted.source,
            kind=accepted.kind,
            text=report.text or report.annotations.get("summary", ""),
            labels=report.labels,
            annotations=report.annotations,
            url=report.url,
            at=report.starts_at or accepted.entry().received_at,
        )
        self._kept.put(accepted.tenant, name, msgspec.json.encode(change))
