"""What a bite has found out and the store does not know yet. A refusal of the store does not lose it."""

from __future__ import annotations

from datetime import datetime

import msgspec

from tocsin.core.alert import Report
from tocsin.core.triage import Flap


class Word(msgspec.Struct, frozen=True, kw_only=True):
    """What a source says about an alert beside that it fires or ended. `position` tells repeats apart."""

    slot: int
    acknowledged_by: str | None
    note: str
    position: int
    said_at: datetime | None = None


def word_of(report: Report, slot: int, source: str, position: int) -> Word:
    """What the report of an acknowledgement or a note says."""
    takes = report.action == "acknowledge"
    return Word(
        slot=slot,
        acknowledged_by=f"source:{source}" if takes else None,
        note="" if takes else report.text,
        position=position,
        said_at=report.said_at,
    )


class Pending:
    """At most one change of state per alert: the second one waits until the first is settled."""

    def __init__(self) -> None:
        self.fired: dict[int, dict[str, str] | None] = {}  # began to fire: the labels; None: they are in its body
        self.groups: dict[int, str] = {}  # the sender's own grouping key, where it gave one
        self.cleared: dict[int, str] = {}  # slot -> because
        self.words: list[Word] = []
        self.over: list[int] = []  # episodes to be stored now: over when first heard of, or left behind by a new one
        self.told: set[tuple[str, str]] = set()  # groups that a refused settlement has told the judge of
        self.flaps: dict[tuple[str, str], Flap] = {}

    def __bool__(self) -> bool:
        return bool(self.fired or self.cleared or self.words or self.over)

    def has(self, slot: int) -> bool:
        return slot in self.fired or slot in self.cleared

    def fire(self, slot: int, group: str | None, labels: dict[str, str] | None) -> None:
        self.fired[slot] = labels
        if group is not None:
            self.groups[slot] = group

    def clear(self, slot: int, because: str) -> None:
        self.cleared[slot] = because
