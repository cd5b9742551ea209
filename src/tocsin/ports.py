"""What the engine needs from the world: a store, senders, a journal. Adapters implement these.

All of it is synchronous: in embedded mode one thread (the writer) runs the engine and owns the write connection;
senders are awaited by the shell, which hands their receipts back.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Literal, Protocol

import msgspec

from tocsin.announceport import AnnouncementStore
from tocsin.auditport import AuditStore
from tocsin.core.alert import Report
from tocsin.core.announcement import AnnouncementSettlement, Owed
from tocsin.core.facts import AnyFact, OwedPage
from tocsin.core.people import Method, Person

DEFAULT_TENANT = "default"


class QuotaMet(Exception):
    """A tenant has as much of something as it may have; the text says of what, and how much."""


class Conflict(Exception):
    """An append was refused: the stream moved on, or a claim is taken. `claim` names which, or None for the version."""

    def __init__(self, message: str, claim: Claim | None = None) -> None:
        super().__init__(message)
        self.claim = claim


class Claim(msgspec.Struct, frozen=True, kw_only=True, array_like=True, order=True):
    """A name that at most one stream of a tenant holds. Kinds: `key` (open correlation key), `due`, `reference`, and
    `public` (the incident stands on a public page; its name is its id)."""

    kind: Literal["key", "due", "reference", "public"]
    name: str


class IndexRow(msgspec.Struct, frozen=True, kw_only=True):
    """What listings read: a projection of the incident as of its newest fact."""

    incident: str
    reference: str
    title: str
    status: str
    severity: str
    rank: int
    service: str | None
    guide: str
    opened_at: datetime
    acknowledged_at: datetime | None
    resolved_at: datetime | None
    firing: int
    drill: bool
    summary: bytes  # the public incident JSON
    kind: Literal["incident", "duty"] = "incident"
    actions: int = 0  # action items, done ones included
    readers: tuple[str, ...] | None = None  # who sees a private incident (core/sight.py)
    category: str | None = None


class Append(msgspec.Struct, frozen=True, kw_only=True):
    """One stream's part of a commit. `expected` is the number of facts the decision was made on (0: a new stream).

    `wake_at` replaces the stream's one wake-up (None: never). `pages` become owed; `forgive` stops what is still owed,
    leased ones included (their receipt is taken, no further attempt is made). `take` and `release` are claims.
    `reference_period` bumps the reference counter (format, period) to `reference_number`.
    """

    tenant: str
    stream: str
    expected: int
    facts: tuple[AnyFact, ...]
    index: IndexRow
    wake_at: datetime | None
    pages: tuple[OwedPage, ...] = ()
    forgive: tuple[str, ...] = ()
    hasten: tuple[tuple[str, int], ...] = ()  # (page, method): it failed, so the page's next method is due now
    take: tuple[Claim, ...] = ()
    release: tuple[Claim, ...] = ()
    reference_counter: tuple[str, int] | None = None  # (format + period, number allocated)


Word = tuple[str, int, bytes]  # (source, incident or verdict; the number that cells know it by; the value)


class AlertChanges(msgspec.Struct, kw_only=True, gc=False):
    """What changed of a tenant's part of the alert table, as `core.cells` packs it.

    `blocks`: number -> the cells of `BLOCK` neighbouring slots. `words`: what the numbers in cells mean. `bodies`:
    slot -> the JSON of labels, annotations and link; empty: it is gone. What is not named stays as it is stored.
    """

    tenant: str
    blocks: dict[int, bytes]
    words: list[Word]
    bodies: dict[int, bytes]


class LeasedPage(msgspec.Struct, frozen=True, kw_only=True):
    """A claimed attempt. `id` is the page's, stable; `attempt` counts from 1 within the method; `also` are the pages
    that ride in the same message because the person is throttled (storm)."""

    tenant: str
    id: str
    incident: str
    person: str
    kind: str
    address: str
    level: int
    notice: bool
    method: int  # index into the page's methods
    attempt: int
    lease: str
    lease_until: datetime
    also: tuple[tuple[str, str, str], ...] = ()  # (page id, incident, reference)


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a leased attempt, for every page in its message. Ignored where the lease was lost meanwhile.

    `sent`: done, the page's next method waits for its time. `retry`: this method again at `retry_at`. `given_up`: the
    page's next method becomes due at once. Forgiven pages are never tried again, whatever the outcome.
    """

    page: LeasedPage
    outcome: Literal["sent", "retry", "given_up"]
    at: datetime
    retry_at: datetime | None = None


Document = tuple[str, str, str, bytes]  # tenant, kind, name, value

ReceiptCode = Literal[
    "sent", "refused", "rejected", "throttled", "timeout", "unreachable", "bad_address", "gone", "misconfigured",
    "too_large", "unauthorised", "unknown",
    "channel_archived", "not_in_channel", "channel_unknown", "person_gone", "token_revoked", "missing_scope",
]  # fmt: skip


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one attempt. `permanent`: this method will not work; `retry_at`: the provider's own word."""

    code: ReceiptCode
    permanent: bool = False
    detail: str = ""
    provider_id: str = ""
    retry_after_seconds: int | None = None


class Declined(msgspec.Struct, frozen=True, kw_only=True):
    """A call to a service that did not succeed: its own word for it (empty: it never answered), and the receipt."""

    error: str
    receipt: Receipt


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A page or an announcement ready to send: text for people, links, and the stable id as idempotency key.

    `incident_url` is empty where there is no page that the reader may open.
    """

    id: str
    attempt: int
    person: Person
    method: Method
    subject: str
    text: str
    acknowledge_url: str | None
    incident_url: str
    reference: str
    incident: str
    severity: str
    rank: int
    event: str  # page, notice, resolved, bundle, test, alarm (what is wrong with Tocsin itself); else an announcement's
    at: datetime
    data: Mapping[str, Any]  # the public JSON of the incident, for machine receivers
    mention: Literal["", "channel", "here"] = ""  # whom the template itself asks a chat to ring; never a label's word
    topic: str = ""  # of an announcement: what it is news of; a channel may update what it said of the same topic
    audience: str = ""
    unsubscribe_url: str = ""


class Sender(Protocol):
    """One channel. `send` never raises for what a provider or the network does: it says so in the receipt."""

    kind: str

    async def send(self, message: Message) -> Receipt: ...

    async def close(self) -> None: ...


class Entry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One accepted body. `position` is its place in the journal, growing; `kind` names the wire format."""

    position: int
    tenant: str
    source: str
    kind: str
    received_at: datetime
    body: bytes
    meta: dict[str, str] = {}  # what the parser needs from the request: content type, suffix, ids we made up


Parse = Callable[[Entry], list[Report]]
"""A wire format: the reports in a body. Raises msgspec.ValidationError or ValueError naming the field."""


class Journal(Protocol):
    """Accepted means durable: `append` returns after an fsync that covers the entries."""

    def append(self, entries: Sequence[tuple[bytes, bytes]]) -> list[int]:
        """Store (meta, body) pairs durably, in order; their positions. Raises OSError when it cannot."""
        ...

    def read(self, after: int) -> Iterator[tuple[int, bytes, bytes]]:
        """Entries after a position, oldest first: (position, meta, body)."""
        ...

    def get(self, position: int) -> tuple[bytes, bytes] | None:
        """One entry, or None when it is not (or no longer) stored."""
        ...

    def release(self, upto: int) -> None:
        """Entries up to this position are digested; they may be dropped once past the retention."""
        ...


class Store(AnnouncementStore, AuditStore, Protocol):
    """One contract for every store (tests/store/test_contract.py). Readers may be called from any thread; `commit`,
    `claim_*`, `renew`, `withdraw`, `put` and `delete` from the one writer thread only (embedded)."""

    def now(self) -> datetime:
        """The only time the engine uses."""
        ...

    def commit(
        self,
        appends: Sequence[Append] = (),
        *,
        alerts: AlertChanges | None = None,
        settle: Sequence[Settlement] = (),
        consumed: int | None = None,
        announce: Sequence[Owed] = (),
        told: Sequence[AnnouncementSettlement] = (),
        documents: Sequence[Document] = (),
    ) -> None:
        """All of it is durable, or nothing and Conflict: facts, index rows, wake-ups, pages, claims, alert states, the
        outcomes of attempts, announcements that become owed and what became of their attempts, documents, and the
        journal position whose effects these are. Later appends of one commit may go to the stream of an earlier one
        (their `expected` counts the earlier facts)."""
        ...

    # streams
    def facts(self, tenant: str, stream: str, after: int = 0) -> list[AnyFact]: ...
    def index(self, tenant: str, stream: str) -> IndexRow | None: ...
    def find(self, tenant: str, reference: str) -> str | None: ...
    def holder(self, tenant: str, claim: Claim) -> str | None: ...
    def holders(self, tenant: str, kind: str) -> list[str]:
        """The streams that hold a claim of this kind, in the order of the claims' names."""
        ...

    def last_number(self, tenant: str, counter: str) -> int: ...
    def listing(
        self,
        tenant: str,
        *,
        statuses: Sequence[str] = (),
        severities: Sequence[str] = (),
        service: str | None = None,
        category: str | None = None,
        text: str = "",
        limit: int = 50,
        cursor: str | None = None,
        kind: Literal["incident", "duty"] = "incident",
        actions: bool = False,
        without: Collection[str] = (),
    ) -> tuple[list[IndexRow], str | None]:
        """Newest first, and the cursor of the next page or None. `actions`: only those with action items; `without`:
        these streams are left out."""
        ...

    def private(self, tenant: str) -> dict[str, tuple[str, ...]]:
        """The streams of private incidents, and who sees each."""
        ...

    # deadlines
    def due(self, now: datetime, limit: int) -> list[tuple[str, str, datetime]]:
        """Streams whose `wake_at` has come, earliest first: (tenant, stream, wake_at)."""
        ...

    def next_wake(self) -> datetime | None: ...
    def postpone(self, tenant: str, stream: str, until: datetime) -> None:
        """The stream is looked at again at `until`: its wake-up failed. From the writer thread only."""
        ...

    # delivery
    def claim_pages(self, now: datetime, limit: int, lease_seconds: int) -> list[LeasedPage]:
        """Owed attempts that may be made now, each leased; expired leases are claimed again, with the same page id.

        Throttle: a person gets at most `PAGES_MAX` messages in `PAGES_WINDOW`, the worst first; milder ones fill less
        of it, so that what is worse than all of them finds room. The last message of a share carries everything that
        waits (`LeasedPage.also`). Forgiven pages are never returned.
        """
        ...

    def renew(self, leases: Sequence[str], until: datetime) -> None:
        """Attempts that are still being made are not claimed before `until`, whatever the clock did meanwhile."""
        ...

    def next_page(self, now: datetime) -> datetime | None:
        """When the next owed attempt may be made, or None."""
        ...

    # policies, directory, silences, tokens and other small documents
    def put(self, tenant: str, kind: str, name: str, value: bytes) -> None: ...
    def get(self, tenant: str, kind: str, name: str) -> bytes | None: ...
    def delete(self, tenant: str, kind: str, name: str) -> bool: ...
    def items(self, tenant: str, kind: str) -> list[tuple[str, bytes]]: ...
    def kinds(self, tenant: str) -> list[str]:
        """The kinds of documents that there are."""
        ...

    def fact_counts(self, tenant: str) -> Iterator[tuple[str, int, int, int]]:
        """Every stream with facts: how many, the first version and the last."""
        ...

    # alerts
    def alert_blocks(self, numbers: Sequence[int] | None = None) -> Iterator[tuple[int, str, bytes]]:
        """(number, tenant, cells) of these blocks, or of all of them, in order."""
        ...

    def alert_words(self) -> list[tuple[str, Word]]:
        """(tenant, word): every word that was stored."""
        ...

    def alert_bodies(self, slots: Sequence[int]) -> dict[int, bytes]: ...
    def consumed(self) -> int: ...

    def reading(self) -> AbstractContextManager[Store]:
        """A snapshot for a reader in another thread."""
        ...

    def close(self) -> None: ...
