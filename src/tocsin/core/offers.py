"""What the guide offers when a step has failed, in the order in which it is tried, and how it verifies a repair.

The guide's own alternatives ("or restart services") come first and stand beside the step; these are from all of it:
going back, then restarting, then failing over, then restoring. Each is a step that somebody can run or do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from tocsin.core.checklists import Checklist, checklists
from tocsin.core.policy import Policy, Runbook, Step

OFFERS_MAX = 8  # of each kind: more is the guide again

_STRATEGIES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("go back", re.compile(r"\broll(?:ing|ed)?[ -]?back|\brollout undo\b|\brevert(?:ing)?\b", re.I)),
    ("restart", re.compile(r"\brestart", re.I)),
    ("fail over", re.compile(r"\bfail(?:ing)?[ -]?over\b", re.I)),
    ("restore", re.compile(r"\brestor(?:e|ing) (?:from|data|the data|backup|db)|\brestore\w*\.(?:sh|py)\b", re.I)),
)
_VERIFIES = re.compile(
    r"\bverif(?:y|ication|ying)\b|\bvalidat(?:e|ion|ing)\b|\bsmoke[ -]?tests?\b|\bhealth[ -]?checks?\b"
    r"|\bperformance test",
    re.I,
)
_AFTERWARDS = re.compile(r"\b(?:verif|valid|recover|resol|restor|fix|monitor)", re.I)  # where a repair is looked at
_BEFORE = re.compile(r"\b(?:initial|detect|investigat|diagnos|contain|assess)", re.I)


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """A step of a phase or a runbook. `number`: its place there; `strategy`: how it helps."""

    phase: str
    number: int
    item: str
    strategy: str
    line: int | None


def ways_back(policy: Policy) -> tuple[Offer, ...]:
    """Steps that undo or work around, what is the least first; each command once."""
    found = [
        _offer(each, number, name, step, strategy)
        for strategy, pattern in _STRATEGIES
        for each, number, name, step in _steps(policy)
        if step.commands and pattern.search(_said(name, step)) and strategy == _strategy(_said(name, step))
    ]
    return _once(found)


def verifications(policy: Policy) -> tuple[Offer, ...]:
    """Steps that show whether a repair holds, in the guide's order: whole lists that are about it, and single steps."""
    found = [
        _offer(each, number, name, step, "verify")
        for each, number, name, step in _steps(policy)
        if _after_a_repair(each) and (_VERIFIES.search(each.name) or _VERIFIES.search(name))
    ]
    return _once(found)


def _after_a_repair(of: Checklist) -> bool:
    about = f"{of.name} {of.of.category if isinstance(of.of, Runbook) else ''}"
    return bool(_AFTERWARDS.search(about)) and not _BEFORE.search(about)


def _strategy(said: str) -> str:
    return next((strategy for strategy, pattern in _STRATEGIES if pattern.search(said)), "")


def _steps(policy: Policy) -> Iterable[tuple[Checklist, int, str, Step]]:
    """Every step, runbooks first: their steps are the finer ones, and phases often repeat them."""
    lists = sorted(checklists(policy), key=lambda each: each.kind == "phase")
    return ((each, n, name, step) for each in lists for n, (name, step) in enumerate(each.items, 1))


def _said(name: str, step: Step) -> str:
    return "\n".join((name, *(each.code for each in step.commands)))


def _offer(of: Checklist, number: int, name: str, step: Step, strategy: str) -> Offer:
    source = step.source or next((each.source for each in step.commands if each.source), None)
    return Offer(phase=of.name, number=number, item=name, strategy=strategy, line=source.line if source else None)


def _once(found: list[Offer]) -> tuple[Offer, ...]:
    """The first of those that stand on one line of the guide or say the same."""
    kept: dict[object, Offer] = {}
    for each in found:
        kept.setdefault(each.line or each.item.casefold(), each)
    return tuple(kept.values())[:OFFERS_MAX]
