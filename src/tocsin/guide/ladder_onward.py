"""Escalation ladders whose lines lead from one to the next: "1. On-call → lead", "2. Lead → director"."""

from __future__ import annotations

import re

from tocsin.guide.blocks import Block, Row
from tocsin.guide.ids import ID
from tocsin.guide.inline import plain
from tocsin.guide.parties import PARTY, names_somebody, parties
from tocsin.guide.rungs import LEVEL, RUNGS_MAX, Rung

_ARROW = re.compile(r"\s*(?:→|[-=]+>)\s*")
_GAP = re.compile(r"\s{2,}|\t+")
_PIPE = re.compile(r"\|")
_SEVERITY = re.compile(r"severit|priorit|sev\b", re.I)
_RULE = re.compile(r"^[\s─━═|+=-]+$")


def of_onward(lines: list[tuple[int, str]]) -> list[Rung]:
    """The ladder of lines that each go on from the one to whom the line above led; [] where one does not."""
    rungs: list[Rung] = []
    for line, text in lines[: RUNGS_MAX + 1]:
        if LEVEL.match(plain(text)):
            return []
        ends = [parties(end) for end in _ARROW.split(plain(text))]
        if len(ends) != 2 or not all(_people(end) for end in ends) or (rungs and not _same(ends[0], rungs[-1].who)):
            return []
        if not rungs:
            rungs.append(Rung(number=1, who=ends[0], line=line))
        rungs.append(Rung(number=len(rungs) + 1, who=ends[1], line=line))
    return rungs if 2 < len(rungs) <= RUNGS_MAX else []


def _people(who: tuple[str, ...]) -> bool:
    return bool(who) and all(PARTY.search(name) or names_somebody(name) for name in who)


def _same(said: tuple[str, ...], last: tuple[str, ...]) -> bool:
    """Whether "Manager" is the "Engineering manager" to whom the line above led."""
    one, other = said[0].casefold(), last[0].casefold()
    return one in other or other in one


def drawn_table(block: Block) -> Block | None:
    """A fence whose lines stand in columns under a head that names severities, as the table that it is."""
    lines = [
        (n, raw) for n, raw in enumerate(block.text.split("\n"), block.line + 1) if raw.strip() and not _RULE.match(raw)
    ]
    piped = all(raw.count("|") > 1 for _, raw in lines)
    gap = _PIPE if piped else _GAP
    rows = [(n, [cell.strip() for cell in gap.split(raw.strip().strip("|│")) if cell.strip()]) for n, raw in lines]
    if len(rows) < 3 or len(rows) > 3 * RUNGS_MAX or len(rows[0][1]) < 3:
        return None
    head = rows[0][1]
    severities = sum(ID.search(cell) is not None for cell in head) > 1 or (piped and _SEVERITY.match(head[0]))
    if not severities or any(len(cells) != len(head) for _, cells in rows):
        return None
    body = [Row(line=n, cells=cells) for n, cells in rows[1:]]
    return Block(kind="table", line=block.line, end=block.end, header=head, rows=body)
