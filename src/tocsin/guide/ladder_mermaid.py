"""Escalation ladders in Mermaid flowcharts: who is called next, along the edges that say nobody answered."""

from __future__ import annotations

import re

from tocsin.guide.blocks import Block
from tocsin.guide.parties import PARTY, names_somebody, parties
from tocsin.guide.quantity import Quantity, scan
from tocsin.guide.rungs import LEVEL, RUNGS_MAX, Rung, counts
from tocsin.guide.words import NEGATIVE

EDGES_MAX = 200

_NODE = r"(?P<{0}>\w+)(?:(?P<{0}open>[\[({{>]+)\"?(?P<{0}label>[^\]\[{{}}|\"]{{1,120}}?)\"?[\])}}]+)?"
_EDGE = re.compile(
    rf"^\s*{_NODE.format('a')}\s*(?:--\s*(?P<said>[^->|]{{1,80}}?)\s*-->|[-=.]+>)\s*(?:\|\"?(?P<on>[^|]{{1,80}}?)\"?\|)?\s*{_NODE.format('b')}\s*;?\s*$"
)
_NOT = re.compile(NEGATIVE, re.I)


def of_mermaid(block: Block) -> list[Rung]:
    """The people of the chart in the order in which they are called, with the time each has; [] where it forks."""
    labels: dict[str, tuple[str, int, bool]] = {}
    edges: list[tuple[str, str, str, int]] = []
    for n, line in enumerate(block.text.split("\n"), block.line + 1):
        found = _EDGE.match(line) if len(line) < 400 and len(edges) < EDGES_MAX else None
        if found is None:
            continue
        for end in ("a", "b"):
            if found[f"{end}label"]:
                labels.setdefault(found[end], (found[f"{end}label"], n, found[f"{end}open"].startswith("{")))
        edges.append((found["a"], found["b"], (found["on"] or found["said"] or "").strip(), n))
    return _walk(labels, edges)


def _walk(labels: dict[str, tuple[str, int, bool]], edges: list[tuple[str, str, str, int]]) -> list[Rung]:
    steps = {name: step for name in labels if (step := _next(name, labels, edges))}
    targets = {step[0] for step in steps.values()}
    starts = [name for name in steps if name not in targets]
    if len(starts) != 1:
        return []
    at: str | None = starts[0]
    rungs: list[Rung] = []
    while at is not None and len(rungs) <= RUNGS_MAX:
        label, line, _ = labels[at]
        level = LEVEL.match(label)
        who = parties(level[2] if level else label)
        if not who or not (PARTY.search(label) or names_somebody(who[0])):
            return []
        step = steps.get(at)
        rungs.append(Rung(number=len(rungs) + 1, who=who, line=line, hold=step[1] if step else None))
        at = step[0] if step else None
    return rungs if 1 < len(rungs) <= RUNGS_MAX else []


def _next(
    name: str, labels: dict[str, tuple[str, int, bool]], edges: list[tuple[str, str, str, int]]
) -> tuple[str, Quantity | None] | None:
    """Who follows, and after how long: by an edge "no ack 5m", or by the "no" of a question "acked within 5 min?"."""
    if labels[name][2]:
        return None
    for source, target, said, _ in edges:
        if source != name or target not in labels:
            continue
        if _NOT.search(said) and not labels[target][2]:
            return target, _time(said)
        if labels[target][2] and (not said or _NOT.search(said)):
            onward = [each for each in edges if each[0] == target and _NOT.search(each[2]) and each[1] in labels]
            if len(onward) == 1:
                return onward[0][1], _time(onward[0][2]) or _time(labels[target][0]) or _time(said)
    return None


def _time(text: str) -> Quantity | None:
    found = [each for each in scan(text) if counts(each)]
    return found[0] if len(found) == 1 else None
