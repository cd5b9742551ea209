"""Evidence as the world sees it: the JSON of the API and of sealed bundles, never the content."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from tocsin.core import evidence as e
from tocsin.core.evidence import Hold, Item
from tocsin.core.evidence_profile import Checked
from tocsin.core.incident import Incident
from tocsin.core.view import TimelineItem


class EvidenceItem(msgspec.Struct, frozen=True, kw_only=True):
    """One item, without its content. `held`: the hold that keeps it, its own or the incident's."""

    incident: str
    item: int
    name: str
    kind: str
    source: str
    origin: str
    host: str
    exit_code: int | None
    sha256: str
    size: int
    redactions: dict[str, int]
    looked: bool
    original_sha256: str
    original_size: int
    original_for: tuple[str, ...]
    collected_at: datetime
    collected_by: str
    keep_until: datetime | None
    step: str
    held: Hold | None
    reads: int
    removed_at: datetime | None
    removed_because: str


class EvidenceList(msgspec.Struct, frozen=True, kw_only=True):
    """`hold`: of the whole incident, also of what is yet to come."""

    incident: str
    items: list[EvidenceItem]
    hold: Hold | None


class EvidenceDetail(msgspec.Struct, frozen=True, kw_only=True):
    """An item, and everything that happened to it."""

    item: EvidenceItem
    custody: list[TimelineItem]


class StepView(msgspec.Struct, frozen=True, kw_only=True):
    """What the guide asks to be kept. `state`: collected, failed or missing; `proposed`: the guide does not say it."""

    id: str
    title: str
    kind: str
    command: str | None
    file: str | None
    since: str
    needs: tuple[str, ...]
    line: int | None
    proposed: bool
    state: str
    items: tuple[int, ...]
    detail: str


class EvidenceProfile(msgspec.Struct, frozen=True, kw_only=True):
    incident: str
    steps: list[StepView]


def listed(found: Incident) -> EvidenceList:
    items = [view(found, each) for each in found.evidence.items.values()]
    return EvidenceList(incident=found.reference, items=items, hold=found.evidence.hold)


_KINDS = frozenset(str(each.__struct_config__.tag) for each in e.OF_EVIDENCE)


def custody_of(item: int, history: Sequence[TimelineItem]) -> list[TimelineItem]:
    """Everything that happened to the item, oldest first."""
    return [each for each in history if each.kind in _KINDS and _concerns(each, item)]


def _concerns(each: TimelineItem, item: int) -> bool:
    if each.kind in ("EvidenceHeld", "EvidenceReleased") and not each.data.get("items"):
        return True
    return item == each.data.get("item") or item in each.data.get("items", ())


def view(incident: Incident, item: Item) -> EvidenceItem:
    same = {name: getattr(item, name) for name in EvidenceItem.__struct_fields__ if name not in ("incident", "held")}
    return EvidenceItem(incident=incident.reference, held=incident.evidence.held(item.item), **same)


def step_view(of: Checked) -> StepView:
    step = of.step
    return StepView(
        id=step.id,
        title=step.title,
        kind=step.kind,
        command=step.command,
        file=step.file,
        since=step.since,
        needs=step.needs,
        line=step.source.line if step.source else None,
        proposed=step.proposed,
        state=of.state,
        items=of.items,
        detail=of.detail,
    )
