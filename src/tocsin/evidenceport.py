"""What the faces ask of evidence; `custody.Custody` answers it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from tocsin.core.evidence import Evidence, Item
from tocsin.core.evidence_profile import Checked
from tocsin.core.facts import EvidenceKind, EvidenceSource
from tocsin.core.incident import Incident


class NotCollected(Exception):
    """The content could not be kept; the timeline says so too. `too_large`: because of its size."""

    def __init__(self, text: str, *, too_large: bool = False) -> None:
        super().__init__(text)
        self.too_large = too_large


class NotReadable(Exception):
    """The content is recorded and cannot be given out: it is damaged, its key is not here, its store is away."""


class Label(msgspec.Struct, frozen=True, kw_only=True):
    """What whoever collects says of it. `keep_original`: the bytes from before redaction are kept too, for those in
    `original_for` and whoever administers."""

    name: str
    kind: EvidenceKind = "file"
    source: EvidenceSource = "upload"
    origin: str = ""
    host: str = ""
    exit_code: int | None = None
    step: str = ""
    keep_original: bool = False
    original_for: tuple[str, ...] = ()


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """A question to a configured source of logs."""

    source: str
    query: str
    start: datetime
    end: datetime


class EvidenceRoom(Protocol):
    """`by` is who asks, `name` an incident's id or reference. Raises what the engine raises: NotFound, Refused,
    ValueError for what cannot be."""

    def log_sources(self) -> Sequence[str]: ...

    def cleaned(self, text: str) -> str:
        """A short text without whatever is taken out of evidence: passwords, tokens, numbers of cards."""
        ...

    def collect(self, by: str, name: str, label: Label, chunks: AsyncIterator[bytes]) -> Awaitable[tuple[str, Item]]:
        """The incident that has it now, and the item. Raises NotCollected."""
        ...

    def fetch(self, by: str, name: str, label: Label, url: str) -> Awaitable[tuple[str, Item]]:
        """The same from an address. Raises NotCollected."""
        ...

    def ask(self, by: str, name: str, label: Label, query: Query) -> Awaitable[tuple[str, Item]]:
        """The same from a source of logs. Raises NotCollected."""
        ...

    def failed(self, by: str, name: str, label: Label, detail: str) -> Awaitable[None]:
        """That something could not be collected elsewhere is on the timeline."""
        ...

    def give(self, by: str, name: str, item: int, *, original: bool) -> Awaitable[tuple[Item, AsyncIterator[bytes]]]:
        """The content, after it is on the timeline that it was given out. Raises NotReadable, also in the middle."""
        ...

    def sweep(self) -> Awaitable[int]:
        """How many contents went that nobody needs any more since something was removed or erased."""
        ...

    def hold(self, by: str, name: str, items: Sequence[int], because: str) -> Awaitable[Incident]: ...
    def release(self, by: str, name: str, items: Sequence[int], because: str) -> Awaitable[Incident]: ...
    def remove(self, by: str, name: str, item: int, because: str) -> Awaitable[Incident]: ...
    def of(self, name: str) -> Awaitable[Incident]: ...
    def profile(self, name: str) -> Awaitable[tuple[Evidence, Sequence[Checked]]]: ...

    def export(
        self, by: str, name: str, items: Sequence[int], purpose: str
    ) -> Awaitable[tuple[str, AsyncIterator[bytes]]]:
        """The name and the bytes of a sealed bundle. Raises NotReadable, also in the middle."""
        ...
