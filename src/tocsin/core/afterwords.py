"""Action items, the law's clocks and duties on the timeline, in words."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tocsin.core import facts as f
from tocsin.core.facts import AnyFact
from tocsin.core.spans import show_instant


def afterwards(fact: AnyFact) -> str:
    """One sentence, or nothing for a fact of another kind."""
    match fact:
        case f.ActionItemAdded():
            return f"Action item {fact.item} for {fact.owner}, due {show_instant(fact.due_at, fact.at)}: {fact.title}"
        case f.ActionItemChanged(effective=bool(helped)):
            return f"Action item {fact.item} {'helped' if helped else 'did not help'}{_because(fact.because)}"
        case f.ActionItemChanged(status="completed"):
            return f"Action item {fact.item} completed{_because(fact.because)}"
        case f.ActionItemChanged():
            changed = [_changed(name, getattr(fact, name), fact.at) for name in _CHANGEABLE if getattr(fact, name)]
            return f"Action item {fact.item} changed, {', '.join(changed)}{_because(fact.because)}"
        case f.CriterionMet():
            return f"Action item {fact.item}: acceptance criterion {fact.criterion} is met"
        case f.InstantRecorded():
            name, at = fact.name.replace("_", " "), show_instant(fact.happened_at, fact.at)
            said = f"{name} at {at}" if fact.holds else f"not {name} as of {at}"
            return f"For the law: {said}, decided by {fact.decided_by}{_because(fact.because)}"
        case f.ObligationBegun():
            due = f"due {show_instant(fact.due_at, fact.at)}" if fact.due_at else "without undue delay"
            return f"{fact.regime}: {fact.text} to {'; '.join(fact.recipients)}, {due} ({fact.citation})"
        case f.ObligationEnded():
            return f"No longer owed: {fact.obligation}{_because(fact.because)}"
        case f.ReportSubmitted():
            reference = f" as {fact.reference}" if fact.reference else ""
            return f"Given: {fact.obligation} to {fact.recipient} by {fact.channel}{reference}"
        case f.DutyBegun() | f.DutyChanged():
            return f"{fact.title}: due {show_instant(fact.due_at, fact.at)}"
        case f.DutyKept():
            return f"Done by {fact.by}{_because(fact.notes)}"
        case f.DutyEnded():
            return f"No longer owed{_because(fact.because)}"
    return ""


_CHANGEABLE = ("title", "owner", "due_at", "priority", "status", "description", "criteria")


def _changed(name: str, value: Any, at: datetime) -> str:
    if name == "criteria":
        return f"{len(value)} acceptance criteria"
    return f"due {show_instant(value, at)}" if name == "due_at" else f"{name} {value}"


def _because(text: str) -> str:
    return f": {text}" if text else ""
