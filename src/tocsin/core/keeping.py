"""What may be done to evidence, as `core.decide` asks it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from tocsin.core import evidence as e, facts as f
from tocsin.core.escalation import World
from tocsin.core.evidence import Item
from tocsin.core.incident import Refused
from tocsin.core.story import Story


def collect(story: Story, command: e.CollectEvidence, world: World, now: datetime) -> None:
    """One more item, which is kept as long as its kind and the severity ask for now."""
    incident = story.incident
    if len(incident.evidence.items) >= e.ITEMS_MAX:
        raise Refused(f"cannot collect evidence: {incident.reference} has {e.ITEMS_MAX} items already")
    until = e.keep_until(command.rules, command.fact.kind, incident.severity, now)
    number = max(incident.evidence.items, default=0) + 1
    story.add(msgspec.structs.replace(command.fact, item=number, at=now, by=command.by, keep_until=until))


def fail(story: Story, command: e.FailEvidence, world: World, now: datetime) -> None:
    story.add(msgspec.structs.replace(command.fact, at=now, by=command.by))


def read(story: Story, command: e.ReadEvidence, world: World, now: datetime) -> None:
    """Nobody is given content before this is on the timeline."""
    item = there(story, command.item, "read")
    if command.original and not item.original_sha256:
        raise Refused(f"cannot read the original: of evidence {item.item} none was kept")
    story.add(f.EvidenceRead(at=now, by=command.by, item=command.item, original=command.original))


def hold(story: Story, command: e.HoldEvidence, world: World, now: datetime) -> None:
    _said(command.because)
    for number in command.items:
        there(story, number, "hold")
    story.add(f.EvidenceHeld(at=now, by=command.by, items=command.items, because=command.because))


def release(story: Story, command: e.ReleaseEvidence, world: World, now: datetime) -> None:
    _said(command.because)
    evidence = story.incident.evidence
    for number in command.items:
        if number not in evidence.items or evidence.items[number].hold is None:
            raise Refused(f"cannot release evidence {number}: it has no hold of its own")
    if not command.items and evidence.hold is None:
        raise Refused(f"cannot release: the evidence of {story.incident.reference} as a whole is not held")
    story.add(f.EvidenceReleased(at=now, by=command.by, items=command.items, because=command.because))


def export(story: Story, command: e.ExportEvidence, world: World, now: datetime) -> None:
    for number in command.items:
        there(story, number, "export")
    story.add(
        f.EvidenceExported(
            at=now,
            by=command.by,
            items=command.items,
            manifest_sha256=command.manifest_sha256,
            purpose=command.purpose,
        )
    )


def remove(story: Story, command: e.RemoveEvidence, world: World, now: datetime) -> None:
    _said(command.because)
    there(story, command.item, "remove")
    refuse_held(story, (command.item,), "remove")
    story.add(f.EvidenceRemoved(at=now, by=command.by, item=command.item, because=command.because))


def refuse_held(story: Story, items: Sequence[int], doing: str) -> None:
    """Raises Refused naming the hold of the first of them that is held."""
    for number in items:
        kept = story.incident.evidence.held(number)
        if kept is not None:
            since = f"by {kept.by} since {kept.at:%Y-%m-%d}: {kept.because}"
            raise Refused(f"cannot {doing} evidence {number}: it is under legal hold {since}")


def there(story: Story, number: int, doing: str) -> Item:
    """The item, whose content is still there. Raises ValueError, Refused."""
    evidence = story.incident.evidence
    item = evidence.items.get(number)
    if item is None:
        known = ", ".join(map(str, evidence.items)) or "none"
        raise ValueError(f"item: expected evidence of {story.incident.reference} ({known}), got {number}")
    if item.removed_at is not None:
        raise Refused(f"cannot {doing} evidence {number}: its content was removed: {item.removed_because}")
    return item


def _said(because: str) -> None:
    if not because.strip():
        raise ValueError("because: expected a reason, got nothing")
