"""Evidence as an incident knows it: what is kept of it, under whose hold, and what may be done to it.

The content is elsewhere (`tocsin.evidence`); here is only what the facts say. Words: an item is one kept content with
its number; custody is everything that happened to it; a hold keeps it from being removed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from tocsin.core import commands as c, facts as f

ITEMS_MAX = 1_000  # of one incident; more is a collection for a tool of its own
NAME_MAX = 200


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """Who put it under hold, when and why."""

    by: str
    at: datetime
    because: str


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of evidence. `hold` is its own, beside that of the incident. `reads`: how often it was given out."""

    item: int
    name: str
    kind: f.EvidenceKind
    source: f.EvidenceSource
    sha256: str
    size: int
    collected_at: datetime
    collected_by: str
    origin: str = ""
    host: str = ""
    exit_code: int | None = None
    redactions: dict[str, int] = {}
    looked: bool = True
    original_sha256: str = ""
    original_size: int = 0
    original_for: tuple[str, ...] = ()
    keep_until: datetime | None = None
    step: str = ""
    hold: Hold | None = None
    reads: int = 0
    removed_at: datetime | None = None
    removed_because: str = ""

    @property
    def contents(self) -> tuple[str, ...]:
        """The hashes under which its content is stored; none once it was removed."""
        if self.removed_at is not None:
            return ()
        return (self.sha256, self.original_sha256) if self.original_sha256 else (self.sha256,)


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """All items by number, what failed last of each step, and the hold of the whole incident."""

    items: dict[int, Item] = {}
    failed: dict[str, str] = {}
    hold: Hold | None = None

    def held(self, item: int) -> Hold | None:
        """The hold that keeps this item, or None."""
        found = self.items.get(item)
        return self.hold or (found.hold if found else None)


class Retention(msgspec.Struct, frozen=True, kw_only=True):
    """How long evidence is kept after it was collected, in seconds; 0: for good. Of a kind's and a severity's own
    word the longer counts; where neither has one, `keep_seconds` does."""

    keep_seconds: int = 0
    kinds: dict[str, int] = {}
    severities: dict[str, int] = {}


def keep_until(rules: Retention, kind: str, severity: str, at: datetime) -> datetime | None:
    """When content of this kind may go, or None: never."""
    own = [table[name] for table, name in ((rules.kinds, kind), (rules.severities, severity)) if name in table]
    found = own or [rules.keep_seconds]
    return None if 0 in found else at + timedelta(seconds=max(found))


# --- commands: the engine's own; people get there by the API, which knows who may what ------------------------------


class CollectEvidence(c.Command, frozen=True, kw_only=True, tag="collect-evidence"):
    """The content is stored; `fact` says what it is, but for its number, its instant and how long it is kept."""

    fact: f.EvidenceCollected
    rules: Retention


class FailEvidence(c.Command, frozen=True, kw_only=True, tag="fail-evidence"):
    fact: f.EvidenceFailed


class OfItems(c.Command, frozen=True, kw_only=True):
    """Of evidence that an incident has already: carried out there, also when the incident was merged into another."""


class ReadEvidence(OfItems, frozen=True, kw_only=True, tag="read-evidence"):
    item: int
    original: bool = False


class HoldEvidence(OfItems, frozen=True, kw_only=True, tag="hold-evidence"):
    because: str
    items: tuple[int, ...] = ()


class ReleaseEvidence(OfItems, frozen=True, kw_only=True, tag="release-evidence"):
    because: str
    items: tuple[int, ...] = ()


class ExportEvidence(OfItems, frozen=True, kw_only=True, tag="export-evidence"):
    items: tuple[int, ...]
    manifest_sha256: str
    purpose: str = ""


class RemoveEvidence(OfItems, frozen=True, kw_only=True, tag="remove-evidence"):
    item: int
    because: str


def keeps(evidence: Evidence, fact: Any) -> Hold | None:
    """The hold that keeps a fact from being erased: the incident's, or that of an item which the fact is about."""
    if evidence.hold is not None or not isinstance(fact, OF_EVIDENCE):
        return evidence.hold
    own = getattr(fact, "item", None)
    numbers = (own,) if own is not None else getattr(fact, "items", ())
    return next((hold for number in numbers if (hold := evidence.held(number)) is not None), None)


# --- what each fact makes of it ---------------------------------------------------------------------------------------


def evolved(evidence: Evidence, fact: Any) -> Evidence:
    """The evidence after one more fact."""
    match fact:
        case f.EvidenceCollected():
            same = {name: getattr(fact, name) for name in _SAME}
            item = Item(collected_at=fact.at, collected_by=fact.by, **same)
            failed = {step: why for step, why in evidence.failed.items() if step != fact.step}
            return _with(msgspec.structs.replace(evidence, failed=failed), item)
        case f.EvidenceFailed():
            return msgspec.structs.replace(evidence, failed=evidence.failed | {fact.step: fact.detail})
        case f.EvidenceRead() if fact.item in evidence.items:
            item = evidence.items[fact.item]
            return _with(evidence, msgspec.structs.replace(item, reads=item.reads + 1))
        case f.EvidenceHeld():
            hold = Hold(by=fact.by, at=fact.at, because=fact.because)
            return _holding(evidence, fact.items, hold)
        case f.EvidenceReleased():
            return _holding(evidence, fact.items, None)
        case f.EvidenceRemoved() if fact.item in evidence.items:
            item = evidence.items[fact.item]
            return _with(evidence, msgspec.structs.replace(item, removed_at=fact.at, removed_because=fact.because))
    return evidence


_SAME = tuple(name for name in Item.__struct_fields__ if name in f.EvidenceCollected.__struct_fields__)


def _with(evidence: Evidence, item: Item) -> Evidence:
    return msgspec.structs.replace(evidence, items=evidence.items | {item.item: item})


def _holding(evidence: Evidence, items: Sequence[int], hold: Hold | None) -> Evidence:
    if not items:
        return msgspec.structs.replace(evidence, hold=hold)
    for number in items:
        if number in evidence.items:
            evidence = _with(evidence, msgspec.structs.replace(evidence.items[number], hold=hold))
    return evidence


def _kept(incident: Any, fact: Any, mark: Any, changes: dict[str, Any]) -> None:
    changes["evidence"] = evolved(incident.evidence, fact)


FAMILIES: dict[Any, Any] = dict.fromkeys(
    (
        f.EvidenceCollected, f.EvidenceFailed, f.EvidenceRead, f.EvidenceHeld, f.EvidenceReleased, f.EvidenceRemoved,
    ),
    _kept,
)  # fmt: skip
"""What each fact makes of an incident, for core/incident.py."""

OF_EVIDENCE = (*FAMILIES, f.EvidenceExported)
"""The classes of the facts that are the chain of custody."""


# --- in words ---------------------------------------------------------------------------------------------------------


def words(fact: Any) -> str:
    """The timeline's sentence, or nothing for a fact of another kind."""
    match fact:
        case f.EvidenceCollected():
            gone = f", {redacted(fact.redactions)} redacted" if fact.redactions else ""
            kept = ", original kept" if fact.original_sha256 else ""
            ended = f", exit status {fact.exit_code}" if fact.exit_code else ""
            return (
                f"Evidence {fact.item}: {fact.name} ({size_words(fact.size)}{gone}{kept}{ended}), SHA-256 {fact.sha256}"
            )
        case f.EvidenceFailed():
            return f"Evidence could not be collected: {fact.name}: {fact.detail}"
        case f.EvidenceRead():
            return f"Evidence {fact.item}{' (original)' if fact.original else ''} was given to {fact.by}"
        case f.EvidenceHeld():
            return f"Legal hold on {_which(fact.items)}: {fact.because}"
        case f.EvidenceReleased():
            return f"Legal hold ended on {_which(fact.items)}: {fact.because}"
        case f.EvidenceExported():
            purpose = f": {fact.purpose}" if fact.purpose else ""
            return f"Evidence exported as a sealed bundle, {len(fact.items)} items{purpose}"
        case f.EvidenceRemoved():
            return f"Content of evidence {fact.item} removed: {fact.because}"
    return ""


def redacted(counts: Mapping[str, int]) -> str:
    """`2 aws-key, 1 jwt`."""
    return ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))


def size_words(size: int) -> str:
    """`812 B`, `3.4 MiB`."""
    if size < 1024:
        return f"{size} B"
    for unit in ("KiB", "MiB", "GiB"):
        size_in = size / 1024
        size = size // 1024
        if size < 1024 or unit == "GiB":
            return f"{size_in:.1f} {unit}"
    raise AssertionError("the last unit takes everything")


def _which(items: Sequence[int]) -> str:
    return f"evidence {', '.join(map(str, items))}" if items else "all evidence, also what is yet to come"
