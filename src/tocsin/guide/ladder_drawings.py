"""Escalation ladders that are drawn: trees in fences, people under each other with arrows between, chains in a line."""

from __future__ import annotations

import re

import msgspec

from tocsin.guide.blocks import Block
from tocsin.guide.inline import plain
from tocsin.guide.parties import PARTY, parties
from tocsin.guide.quantity import read
from tocsin.guide.rungs import LEVEL, Rung, counts, rung_of

_EVENT = re.compile(
    r"(?:incident|issue|problem|alert|alarm|detection|detected|monitoring|trigger|event|start|report)s?(?:\s+(?:is\s+)?(?:detect(?:ed|ion)|fires?|fired|reported|report|raised|triggered|trigger|created|alert))?",
    re.I,
)
_LIMIT = re.compile(
    r"(?:resol\w+|resolved|respon\w+|acknowledg\w+)\s+within\s+(.{1,30}?)\s*(?:→|->|=>|:|$)"
    r"|(?:no|not)\s+\w+\s+(?:within|in|after)\s+(.{1,30}?)\s*(?:→|->|=>|:|,|\)|\bor\b|$)",
    re.I,
)
_ARROW = re.compile(r"^[\s|│]*(?:v|V|↓|▼|⬇)?[\s|│]*(?:\(.{1,120}\))?\s*$")


def of_tree(block: Block) -> list[Rung]:
    """`Level 1: Who` lines of a fence, with the branches below each."""
    rungs: list[Rung] = []
    for n, line in enumerate(block.text.split("\n"), block.line + (block.kind == "fence")):
        text = re.sub(r"^[\s│├└─┬┴|+`'\\-]+", "", line)
        branch = text != line.lstrip() or line.startswith((" ", "\t"))
        level = LEVEL.match(text)
        if level and not branch:
            rungs.append(rung_of(int(level[1]), level[2], n, ()))
        elif rungs and text:
            limit = _LIMIT.search(text)
            quantity = read(limit[1] or limit[2]) if limit else None
            if quantity is not None and counts(quantity) and rungs[-1].hold is None:
                rungs[-1] = msgspec.structs.replace(rungs[-1], hold=quantity, reach=None)
            elif not re.search(r"escalate to (?:level|tier|l)\s?\d|→\s*close", text, re.I):
                rungs[-1] = msgspec.structs.replace(rungs[-1], actions=(*rungs[-1].actions, text))
    if rungs:
        return rungs if all(rung.who for rung in rungs) else []
    return _people(block) or chain(block.text, block.line + (block.kind == "fence"))


def _people(block: Block) -> list[Rung]:
    """People under each other with arrows between: a line of its own for each, and on the arrow when the next is due."""
    rungs: list[Rung] = []
    arrows = 0
    for n, line in enumerate(block.text.split("\n"), block.line + (block.kind == "fence")):
        if not line.strip():
            continue
        if _ARROW.match(line):
            arrows += bool(re.search(r"[vV↓▼⬇]", line.split("(")[0]))
            limit = _LIMIT.search(line)
            quantity = read(limit[1] or limit[2]) if limit else None
            if rungs and quantity is not None and counts(quantity):
                rungs[-1] = msgspec.structs.replace(rungs[-1], hold=quantity)
        elif line.startswith((" ", "\t", "|", "│", "+", "-")):
            text = re.sub(r"^[\s│├└─┬┴|+`'\\-]+", "", line)
            if rungs and text:
                rungs[-1] = msgspec.structs.replace(rungs[-1], actions=(*rungs[-1].actions, text))
        elif rungs or not _EVENT.fullmatch(re.sub(r"\s*\(.*\)", "", line).strip()):
            who = parties(re.sub(r"\(.*?\)", "", line))
            if not who or not PARTY.search(line) or len(line.split()) > 10:
                return []
            rungs.append(Rung(number=len(rungs) + 1, who=who, line=n))
    return rungs if arrows >= 1 and len(rungs) >= 2 else []


def of_chain(block: Block) -> list[Rung]:
    return (
        chain(block.text, block.line)
        if block.text.count("→") + block.text.count("->") >= 2 and "\n" not in block.text
        else []
    )


def chain(text: str, line: int, least: int = 3) -> list[Rung]:
    lines = [each for each in text.split("\n") if each.strip()]
    if len(lines) != 1:
        return []
    words = re.sub(r"^[^:→>]{1,40}:\s*", "", plain(lines[0]))
    words = re.sub(r"^\s*(?:→|-+>|=>)\s*", "", words)
    parts = [part.strip() for part in re.split(r"→|-+>|=>", words)]
    if _EVENT.fullmatch(parts[0]):  # "Detection → security lead → ...": what begins the ladder is nobody on it
        parts = parts[1:]
    if len(parts) < least or any(not part or len(part.split()) > 8 for part in parts):
        return []
    rungs = [rung_of(n, part, line, (), aside=part) for n, part in enumerate(parts, 1)]
    return rungs if all(rung.who for rung in rungs) else []
