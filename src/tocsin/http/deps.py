"""What the faces need from the process they run in. `app.py` provides it; tests provide it over the memory store."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import msgspec

from tocsin.auditport import Protection
from tocsin.clock import Clock
from tocsin.core.binding import Binding
from tocsin.core.people import Method, Person
from tocsin.core.probe import Probed
from tocsin.engine import Engine
from tocsin.evidenceport import EvidenceRoom
from tocsin.http.tenancy import Tenancy
from tocsin.identity.identity import Identity
from tocsin.ports import Receipt, Store
from tocsin.setting.access import AccessSetting
from tocsin.status.board import Board
from tocsin.status.subscribers import Subscribers
from tocsin.status.watch import Watch

if TYPE_CHECKING:  # brings `cryptography`, which nothing needs before somebody asks
    from tocsin.verifier import Report

T = TypeVar("T")


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """Why an alert did what it did: its episode as JSON, and the reasons in sentences."""

    fingerprint: str
    state: str
    incident: str | None = None
    because: tuple[str, ...] = ()
    details: dict[str, Any] = {}


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """`reasons` empty: ready. `figures`: numbers for /metrics, name (without the prefix `tocsin_`) -> value."""

    reasons: tuple[str, ...] = ()
    figures: Mapping[str, float] = {}
    counters: Mapping[str, float] = {}


class Detected(Protocol):
    """What Tocsin notices by itself."""

    def probed(self) -> list[Probed]:
        """Every probe as it stands, in the order of the file."""
        ...


class Deps(Protocol):
    """`public_url` has no slash at its end; `loopback` says that the server listens on a loopback address only."""

    @property
    def tenant(self) -> str: ...
    @property
    def tenants(self) -> Tenancy | None:
        """The other tenants, where this one looks after them."""
        ...

    @property
    def public_url(self) -> str: ...
    @property
    def loopback(self) -> bool: ...
    @property
    def vapid(self) -> Path:
        """The file of the key that browsers subscribe to (devices.py)."""
        ...

    @property
    def access(self) -> AccessSetting:
        """How long emergency access lasts, and what takes two persons."""
        ...

    @property
    def remedies(self) -> tuple[Binding, ...]:
        """What the guides' words for remedies mean here."""
        ...

    @property
    def clock(self) -> Clock: ...
    @property
    def engine(self) -> Engine: ...
    @property
    def detecting(self) -> Detected: ...
    @property
    def evidence(self) -> EvidenceRoom: ...
    @property
    def board(self) -> Board: ...
    @property
    def subscribers(self) -> Subscribers: ...
    @property
    def watch(self) -> Watch: ...
    @property
    def identity(self) -> Identity:
        """What proves who somebody is."""
        ...

    def run(self, fn: Callable[[Store], T]) -> Awaitable[T]:
        """`fn(store)` on the writer thread, before deadlines and intake."""
        ...

    def read(self, fn: Callable[[Store], T]) -> Awaitable[T]:
        """`fn(snapshot)` on a worker thread."""
        ...

    def caught_up(self) -> Awaitable[bool]:
        """True once everything accepted before this call is digested; False after a second of waiting."""
        ...

    def changed(self, kind: str) -> None:
        """Documents of this kind (source, silence, maintenance, monitor, ...) were written: forget what was decoded.

        Called on the writer thread. The directory is told by `Guides.changed`.
        """
        ...

    def trial(
        self, person: Person, method: Method, code: str = "", link: tuple[str, str] | None = None
    ) -> Awaitable[Receipt]:
        """What becomes of one message sent directly and once: a test, a code that verifies the method, or a sign-in
        link with the address it was asked for from."""
        ...

    def health(self) -> Health: ...

    def protection(self, tenant: str) -> Awaitable[Protection]:
        """How much of the audit trail nobody here can rewrite unnoticed."""
        ...

    def audited(self, tenant: str) -> Awaitable[Report]:
        """Whether the tenant's audit trail is whole, as far as this machine can tell."""
        ...

    def explain(self, tenant: str, fingerprint: str) -> Awaitable[Explained | None]: ...

    def fate(self, tenant: str, payload: str) -> Awaitable[Mapping[str, Any] | None]:
        """What became of an accepted payload: which incident, or why none. None: no such payload."""
        ...

    def alerts_of(self, tenant: str, incident: str) -> Awaitable[Sequence[Mapping[str, Any]]]:
        """The alert episodes of an incident, firing ones first."""
        ...
