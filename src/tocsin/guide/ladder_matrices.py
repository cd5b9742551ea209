"""Escalation ladders in matrices: a row per severity and a column per step, or a row per role and a column per severity."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from msgspec.structs import replace

from tocsin.guide.blocks import Block, Row
from tocsin.guide.ids import ID, mentioned
from tocsin.guide.inline import plain
from tocsin.guide.ladder_doubts import at_some_hours, holds_for_some
from tocsin.guide.ladder_timelines import Entry, called, on_a_line
from tocsin.guide.notes import Notes
from tocsin.guide.parties import PARTY, names_somebody, parties
from tocsin.guide.quantity import Quantity, read, scan
from tocsin.guide.rungs import HOLD, LEVEL, RUNGS_MAX, Rung, counts, start

Ladders = Iterator[tuple[tuple[str, ...], list[Rung]]]

_FIRST = re.compile(
    r"(?:first|initial|primary|immediate(?:ly)?)(?:\s+(?:contact|responder|response|escalation|notification|owner|on-?call)s?)?|on-?call|who|responders?|assigned\s+to|(?:level|tier|l)\s?-?1",
    re.I,
)
# What may stand beside the time in the header of a step: "Escalation (15 min)", "After 30 min without ack".
_STEP_WORDS = re.compile(
    r"escalat\w*|after|at|if|to|no|not|un\w+|ack\w*|respon\w+|resol\w+|without|progress|step|t|min|level|\d+", re.I
)
_WAIT = re.compile(
    r"(?:auto[\s-]*)?escalat\w*\s+(?:after|time|times|timeout|time\s?frame|trigger|window|deadline|delay|threshold|if no \w+|if not \w+)"
    r"|time\s?out|time\s?frame|wait|after|time (?:before|to) escalat\w+|ack\w* timeout",
    re.I,
)
_THEN = re.compile(
    r"(?:escalate[sd]?\s+)?to|then|next|second(?:ary)?(?:\s+(?:contact|on-?call|responder))?|back-?up|escalation(?:\s+(?:to|target|contact|path|chain|level))?|path|chain|(?:level|tier|l)\s?-?2",
    re.I,
)
_ARROW = re.compile(r"\s*(?:→|[-=]+>)\s*")
_NOTHING = re.compile(r"[-–—/\s.]*|n/?a|none", re.I)
_LEVELS = re.compile(r"(?:escalation\s*)?(?:level|tier|stage|step)|l|#", re.I)
_TIME = re.compile(r"time|elapsed|duration|minutes|after|when", re.I)
_ROLE = re.compile(r"roles?|who|contact|escalat\w*(?:\s+to)?|person|position|team|party|responder|stakeholder", re.I)


def of_matrix(block: Block, known: dict[str, str], notes: Notes) -> Ladders:
    """Every ladder of a table under a heading about escalation; what its cells do not say clearly is reported."""
    heads = [plain(head) for head in block.header]
    steps = _step_columns(heads)
    if tiers := _tiers(heads):
        yield from _by_tiers(block, *tiers, known)
    elif onward := _onward(heads):
        yield from _by_step(block, onward, known)
    elif len(steps) > 1:
        yield from _by_severity(block, steps, known, notes)
    elif heads and _ROLE.search(heads[0]):
        yield from _by_role(block, heads, known, notes)
    elif len(heads) > 3 and _LEVELS.fullmatch(heads[0]) and _ROLE.search(heads[1]) and not ID.search(heads[1]):
        yield from _by_role(block, heads, known, notes, who=1)
    elif heads and _TIME.search(heads[0]):
        yield from _by_time(block, heads, known)


def _step_columns(heads: list[str]) -> dict[int, Quantity | None]:
    """The columns that are steps, with the time of each: "Level 1 (0-15 min)", "Escalation (15 min)", "30 min"."""
    found: dict[int, Quantity | None] = {}
    for n, head in enumerate(heads):
        times = [each for each in scan(head) if each.kind in ("elapsed", "range", "offset")]
        time = times[0] if len(times) == 1 else None
        if n and (LEVEL.match(head) or (time is not None and _is_step(head, time))):
            found[n] = time
        elif n and not found and _FIRST.fullmatch(head):
            found[n] = Quantity(kind="elapsed", value=0, bound="=")
    timed = [time for n, time in found.items() if time is not None and time.value != 0]
    levels = [n for n in found if LEVEL.match(heads[n])]
    return found if timed or len(levels) > 1 else {}


def _onward(heads: list[str]) -> tuple[int, int, int] | None:
    """The columns of `Severity | First | Escalate after | To`: who, how long, and who then; no first (-1) beside a chain."""
    found = [
        next((n for n, head in enumerate(heads) if n and kind.fullmatch(head)), -1) for kind in (_FIRST, _WAIT, _THEN)
    ]
    return (found[0], found[1], found[2]) if min(found[1:]) > 0 and len(heads) <= 7 else None


def _tiers(heads: list[str]) -> tuple[list[int], int] | None:
    """The columns of `Severity | Tier 1 | Tier 2 | Escalation time`: the levels, and how long each has."""
    levels = [n for n, head in enumerate(heads) if n and LEVEL.match(head) and not scan(head)]
    waits = [n for n, head in enumerate(heads) if n and _WAIT.fullmatch(head)]
    return (levels, waits[0]) if len(levels) > 1 and len(waits) == 1 else None


def _by_tiers(block: Block, levels: list[int], wait: int, known: dict[str, str]) -> Ladders:
    for row in block.rows:
        cells = [plain(cell) for cell in row.cells]
        severities = mentioned(cells[0], known) if cells else ()
        named = [cells[n] for n in levels if n < len(cells) and not _NOTHING.fullmatch(cells[n])]
        rungs = _along(row.line, ["", cells[wait], " → ".join(named)]) if wait < len(cells) else []
        if severities and rungs and not any(holds_for_some(cell) or at_some_hours(cell) for cell in named):
            yield severities, rungs


def _by_step(block: Block, columns: tuple[int, int, int], known: dict[str, str]) -> Ladders:
    for row in block.rows:
        severities = mentioned(plain(row.cells[0]), known) if row.cells else ()
        cells = [plain(row.cells[n]) if -1 < n < len(row.cells) else "" for n in columns]
        rungs = _from_first(row.line, cells) if columns[0] > 0 else _along(row.line, cells)
        if severities and rungs and not any(map(holds_for_some, cells)):
            yield severities, rungs


def _from_first(line: int, cells: list[str]) -> list[Rung]:
    """Who is first, and who is called after the time; whoever stands behind them has no time of its own and is left out."""
    chain = _chain(cells[2])
    first, then = _people(cells[0]), chain[0] if chain else ()
    time = _the_time(cells[1])
    if not first or not then or time is None or first == then:
        return []
    return [Rung(who=first, line=line, number=1, hold=time), Rung(who=then, line=line, number=2)]


def _along(line: int, cells: list[str]) -> list[Rung]:
    """A chain of people, each of whom has the time that stands beside it."""
    chain = _chain(cells[2])
    time = _the_time(cells[1])
    if not 1 < len(chain) <= RUNGS_MAX or not all(chain) or time is None or not time.value:
        return []
    rungs = [Rung(who=who, line=line, number=n, hold=time) for n, who in enumerate(chain, 1)]
    return [*rungs[:-1], replace(rungs[-1], hold=None)]


def _chain(cell: str) -> list[tuple[str, ...]]:
    return [_people(part) for part in _ARROW.split(cell) if part.strip()]


def _people(cell: str) -> tuple[str, ...]:
    """Whom a cell names, () where one of them is nobody; a name with a role behind it is somebody: "Ada (network)"."""
    who = parties(cell)
    return who if all(names_somebody(each) or f"{each} (" in cell for each in who) else ()


def _the_time(cell: str) -> Quantity | None:
    """The time of a cell, which may say in an aside that nobody answered: "15 min (no pickup)"."""
    time = read(cell)
    if counts(time):
        return time
    found = [each for each in scan(cell) if counts(each) and each.value]
    return (
        found[0]
        if len(found) == 1 and sum(bool(each.value) for each in scan(cell)) == 1 and _UNANSWERED.fullmatch(cell)
        else None
    )


_UNANSWERED = re.compile(
    r"[^()]{2,24}\(?\s*(?:if\s+|with\s+)?(?:no|not|un|without)[\s-]?(?:pick\s?-?up|response|responded|ack\w*|answer\w*|progress|resol\w+|mitigat\w+)\s*\)?"
    r"|[^()]{2,24}?\s*(?:,\s*)?or\s+(?:at\s+once|immediate(?:ly)?)\s+if\b.{2,40}",
    re.I,
)


def _is_step(head: str, time: Quantity) -> bool:
    words = re.findall(r"[^\W\d_]+", head)
    named = set(re.findall(r"[^\W\d_]+", time.text))
    return all(word.casefold() in named or _STEP_WORDS.fullmatch(word) or PARTY.search(word) for word in words)


_ANSWERS = re.compile(r"\brespon(?:se|der|ds?)\b", re.I)  # the time in such a column is how soon the first one answers


def _by_severity(block: Block, steps: dict[int, Quantity | None], known: dict[str, str], notes: Notes) -> Ladders:
    """A ladder per row; a dash in front of the last one who is named is passed over, one behind it ends the ladder."""
    heads = [plain(head) for head in block.header]
    for row in block.rows:
        severities = mentioned(plain(row.cells[0]), known) if row.cells else ()
        rungs: list[Rung] = []
        times: list[Quantity | None] = []
        for n, reach in steps.items():
            cell = plain(row.cells[n]).strip() if n < len(row.cells) else ""
            who = parties(cell)
            if not any(names_somebody(each) for each in who) and not _NOTHING.fullmatch(cell):
                rungs = []
                break  # "Create ticket" calls nobody
            if who and (holds_for_some(cell) or (at_some_hours(cell) and _own_time(cell) is None)):
                message = f'"{cell}" is called for some incidents or at some hours only, so the ladder ends before it'
                notes.add("GUIDE-UNREAD", "note", row.line, message, "write who is always called")
                rungs = rungs if len(rungs) > 1 else []
                break
            if who:
                times.append(None if not rungs and _ANSWERS.search(heads[n]) else _own_time(cell))
                rungs.append(
                    Rung(who=who, line=row.line, number=len(rungs) + 1, reach=reach, since_start=reach is not None)
                )
        if severities and rungs and len(rungs) <= RUNGS_MAX:
            yield severities, _with_times(rungs, times, plain(row.cells[0]), notes)


def _own_time(cell: str) -> Quantity | None:
    """The time in a cell of people, in its own parentheses: "Team lead (15 min)"."""
    aside = re.search(r"\(([^()]{1,30})\)\s*$", cell)
    time = read(aside[1]) if aside else None
    return time if time is not None and counts(time) else None


def _with_times(rungs: list[Rung], times: list[Quantity | None], title: str, notes: Notes) -> list[Rung]:
    """The times of the cells count from the opening where the first one is called at once and they rise."""
    values = [time.value if time and isinstance(time.value, int) else -1 for time in times]
    if max(values) < 0 or any(rung.reach is not None and rung.reach.value for rung in rungs):
        return rungs
    if values[0] < 0 and len(values) > 1 and values[1] > 0 and rungs[0].reach is not None:
        values[0] = 0  # under "Initial response" somebody is called at once
    if values[0] == 0 and all(a < b for a, b in pairwise(values)):
        return [replace(rung, reach=time, since_start=True) for rung, time in zip(rungs, times, strict=True)]
    message = f"{title}: the times in its cells do not rise from zero, so no time was taken from them"
    notes.add("GUIDE-UNREAD", "note", rungs[0].line, message, "write one time per level, the first one 0 or immediate")
    return rungs


def _by_time(block: Block, heads: list[str], known: dict[str, str]) -> Ladders:
    """`Time | SEV1 | SEV2` over actions: a ladder per column, up to the first action that calls nobody."""
    for n, head in enumerate(heads):
        severities = mentioned(head, known) if n and ID.search(head) else ()
        entries: list[Entry] = []
        for row in block.rows if severities else ():
            cell = plain(row.cells[n]).strip() if n < len(row.cells) else ""
            if _NOTHING.fullmatch(cell):
                continue
            if not called(cell):
                break
            entries.append((row.line, plain(row.cells[0]), cell, ()))
        if rungs := on_a_line(entries):
            yield severities, rungs


def _by_role(block: Block, heads: list[str], known: dict[str, str], notes: Notes, who: int = 0) -> Ladders:
    """`Role | SEV1 | SEV2` over times: the ladder of a severity is its column.

    The times rise from zero on one line; under "SEV1: escalate after" they are how long each level has.
    """
    columns = [(n, severities) for n, head in enumerate(heads) if n and ID.search(head) and (severities := mentioned(head, known))]  # fmt: skip
    if len(columns) < 2 or len(block.rows) < 2 or len(block.rows) > RUNGS_MAX:
        return
    for n, severities in columns:
        holds = HOLD.search(heads[n]) is not None
        rungs = _holding(block.rows, n, who) if holds else _column(block.rows, n, who)
        if rungs:
            for row in block.rows[len(rungs) :]:
                cell = plain(row.cells[n]) if n < len(row.cells) else ""
                if scan(cell):
                    message = f'{heads[n]}: "{cell}" is no time from the opening, so the ladder ends before it'
                    notes.add("GUIDE-UNREAD", "note", row.line, message, "write hours or days")
            yield severities, rungs
        elif any(scan(plain(row.cells[n])) for row in block.rows if n < len(row.cells)):
            what = "no time for every level" if holds else "no time line that rises from zero"
            message = f'the column "{heads[n]}" is {what}, so no ladder was taken from it'
            hint = "write one time per role, the first one 0 or immediate"
            notes.add("GUIDE-UNREAD", "note", block.line, message, hint)


def _holding(rows: list[Row], n: int, column: int) -> list[Rung]:
    """The ladder of a column that says how long each row has; the last one need not say it."""
    rungs: list[Rung] = []
    for row in rows:
        who = parties(row.cells[column]) if column < len(row.cells) else ()
        time = read(plain(row.cells[n])) if n < len(row.cells) else None
        time = time if counts(time) and time is not None and time.value else None
        if not who or not any(map(names_somebody, who)) or (time is None and row is not rows[-1]):
            return []
        rungs.append(Rung(who=who, line=row.line, number=len(rungs) + 1, hold=time))
    return rungs


_CASE = re.compile(r"\(\s*(?:if|when|for|only)\b|\bonly\b", re.I)
_ONGOING = re.compile(r"\(\s*if\s+(?:still\s+)?(?:ongoing|open|active|unresolved|not\s+resolved)\s*\)", re.I)


def _column(rows: list[Row], n: int, column: int) -> list[Rung]:
    rungs: list[Rung] = []
    last = -1
    for row in rows:
        cell = plain(row.cells[n]) if n < len(row.cells) else ""
        if rungs and _CASE.search(cell) and not _ONGOING.search(cell):
            continue  # "15 min (if security)" is called for some incidents only
        time = read(_ONGOING.sub("", cell))
        begins = start(time)
        if time is None or not counts(time) or begins is None or begins <= last:
            break
        last = begins
        who = parties(row.cells[column]) if column < len(row.cells) else ()
        if not who or not any(names_somebody(each) for each in who):
            return []
        rungs.append(Rung(who=who, line=row.line, number=len(rungs) + 1, reach=time, since_start=True))
    starts = bool(rungs) and start(rungs[0].reach) == 0
    return rungs if starts and len(rungs) > 1 else []
