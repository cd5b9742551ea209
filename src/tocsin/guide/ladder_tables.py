"""Escalation ladders in tables: one row per level, or one row per step from somebody to somebody."""

from __future__ import annotations

import re

import msgspec

from tocsin.guide.blocks import Block
from tocsin.guide.ids import ID, family
from tocsin.guide.inline import plain
from tocsin.guide.ladder_doubts import of_some
from tocsin.guide.ladder_sentences import of_sentences
from tocsin.guide.ladder_timelines import callers, on_a_line
from tocsin.guide.parties import names_somebody, parties
from tocsin.guide.quantity import Quantity, read, scan
from tocsin.guide.rungs import HOLD, LEVEL, RUNGS_MAX, Rung, counts, start

_REACH = re.compile(
    r"^(?:time|clock|after|when|elapsed|timeframe|time\s*frame|delay|t\s*\+.*|triggers?|condition|time elapsed|elapsed time|duration|time since .*|timeline|wait|when to (?:escalate|engage|involve|contact|call|notify))$",
    re.I,
)
_EITHER_WAY = re.compile(r"^when\b|condition|trigger", re.I)
_VENDOR = re.compile(r"\b(?:support|vendor|provider)\b(?!\s+(?:engineer|lead|manager|team))", re.I)
_WHO = re.compile(
    r"who|role|title|contact(?! method)|responsible|^responders?$|owner|target|escalat\w*\s*(?:to|target|contact)|notif|person|team|position|^escalation$",
    re.I,
)


def of_table(block: Block, near: bool) -> list[Rung]:
    heads = [plain(head) for head in block.header]
    if near and (
        steps := _steps(block, heads) or _onward(block, heads) or _actions(block, heads) or _rules(block, heads)
    ):
        return steps
    columns = _columns(block, heads, near)
    if columns is None:
        return []
    level_column, time_column, who_column = columns
    rungs: list[Rung] = []
    reaches: list[Quantity | None] = []
    for row in block.rows[: RUNGS_MAX + 1]:
        if max(who_column, time_column or 0, level_column or 0) >= len(row.cells):
            return []
        number = _row_number(plain(row.cells[level_column])) if level_column is not None else len(rungs) + 1
        if number is None and len(rungs) > 1 and not scan(plain(row.cells[time_column or 0])):
            break  # below the levels stands whom to call besides them
        if number is None:
            return []
        if (
            level_column is None
            and _VENDOR.search(plain(row.cells[who_column]))
            and not scan(plain(row.cells[time_column or 0]))
        ):
            continue  # "Azure support | portal | problems of the cloud" is somebody to call, and no step
        rungs.append(Rung(number=number, who=parties(row.cells[who_column]), line=row.line))
        reaches.append(_reach(plain(row.cells[time_column])) if time_column is not None else None)
    if level_column is not None:
        rungs = _named(rungs, [plain(row.cells[level_column]) for row in block.rows[: len(rungs)]])
    if not rungs or not all(rung.who for rung in rungs):
        return []
    if level_column is None and not any(counts(time) for time in reaches) and not _in_order(block, rungs, time_column):
        return []  # roles with what they are for, or people to contact
    if time_column is not None and (varied := _varied(rungs, block, time_column, heads[time_column])):
        return varied
    rungs, reaches = _together(rungs, reaches) if level_column is None else (rungs, reaches)
    return timed(rungs, reaches, heads[time_column] if time_column is not None else "")


def _varied(rungs: list[Rung], block: Block, column: int, head: str) -> list[Rung]:
    """The rungs with times that differ by severity: how long each has, or "After 30 min SEV1/2", when the next is called."""
    cells = [plain(row.cells[column]) for row in block.rows[: len(rungs)]]
    varied = [bool(scan(cell)) and of_some(cell) for cell in cells]
    if len(cells) != len(rungs) or not any(varied):
        return []
    if HOLD.search(head) and varied[0]:
        return [_holding(rung, cell) for rung, cell in zip(rungs, cells, strict=True)]
    if scan(cells[0]) or not _REACH.match(head) or HOLD.search(head):
        return []
    held = [_holding(rung, cell) for rung, cell in zip(rungs, [*cells[1:], ""], strict=True)]
    return [msgspec.structs.replace(rung, since_start=True) for rung in held]


def _holding(rung: Rung, cell: str) -> Rung:
    """How long a row's people have, which may differ by severity."""
    time = None if of_some(cell) else _reach(cell)
    varies = cell if of_some(cell) and scan(cell) else ""
    return msgspec.structs.replace(rung, hold=time if counts(time) else None, varies=varies, unclear=varies)


def _columns(block: Block, heads: list[str], near: bool) -> tuple[int | None, int | None, int] | None:
    """The columns of levels, times and people; None where the rows of the table are something else."""
    level_column = next((n for n, head in enumerate(heads) if _LEVELS.match(head)), None)
    time_columns = [
        n
        for n, head in enumerate(heads)
        if not of_some(head) and (_REACH.match(head) or HOLD.search(head) or _times(block, n))
    ]
    # "Time" over "24/7" and "9-5" holds no times where another column does
    time_column = next((n for n in time_columns if _holds_times(block, n)), next(iter(time_columns), None))
    who_columns = [n for n, head in enumerate(heads) if n not in (level_column, time_column) and _WHO.search(head)]
    if (
        not who_columns
        or (level_column is None and time_column is None)
        or not (near or re.search("escalat", " ".join(heads), re.I))
    ):
        return None
    if re.search(r"sever|priorit|^sev", heads[0], re.I) or _severities(block):
        return None  # its rows are severities, not levels
    if level_column is None and 0 not in (time_column, *who_columns):
        return None  # its rows are kinds of alerts, services or places, each with its own people
    who_column = next(
        (n for n in who_columns if re.search(r"escalat|role|who|target|title", heads[n], re.I)), who_columns[0]
    )
    if (
        level_column is not None
        and re.fullmatch(r"step|#", heads[level_column], re.I)
        and "action" in map(str.casefold, heads)
    ):
        return None  # "3 | Activate the team | IR manager": steps of the work
    acting = time_column is not None and not _TARGET.search(heads[who_column])
    if acting and _acts(block, heads, (time_column, level_column, *who_columns)):
        return None  # "15 min | page the lead | alerting": the people are those who act, not those who are called
    return level_column, time_column, who_column


def _holds_times(block: Block, column: int) -> bool:
    return any(_reach(plain(row.cells[column])) is not None for row in block.rows if column < len(row.cells))


_LEVELS = re.compile(r"(?:escalation\s*)?(?:level|tier|stage|step)$|^l$|^#$", re.I)


def _reach(cell: str) -> Quantity | None:
    """The one time of a cell."""
    if of_some(cell):
        return None  # "SEV2 for more than an hour" is no time for the others
    time = read(cell.replace("+", " ", 1))
    found = [each for each in scan(cell) if each.kind in ("elapsed", "range", "offset")]
    if time is not None and not (time.kind == "none" and found):  # "not resolved in 40 min" is no "none"
        return time
    return found[0] if len(found) == 1 else None


def _in_order(block: Block, rungs: list[Rung], time_column: int | None) -> bool:
    """Whether roles without times are a ladder: who is on call stands first, and no cell has times that differ."""
    cells = [plain(row.cells[time_column]) for row in block.rows if time_column is not None]
    return bool(_ON_CALL.search(" ".join(rungs[0].who))) and not any(scan(cell) for cell in cells)


_ON_CALL = re.compile(r"on-?call|first|duty", re.I)


def _named(rungs: list[Rung], cells: list[str]) -> list[Rung]:
    """`L1: Helpdesk | ... | L2 if technical`: whoever the level's own cell names, where the other column names levels."""
    if not any(LEVEL.match(who) for rung in rungs for who in rung.who):
        return rungs
    own = [parties(found[2]) if (found := LEVEL.match(cell)) else () for cell in cells]
    if len(own) != len(rungs) or not all(any(map(names_somebody, who)) for who in own):
        return rungs
    return [msgspec.structs.replace(rung, who=who) for rung, who in zip(rungs, own, strict=True)]


def _together(rungs: list[Rung], times: list[Quantity | None]) -> tuple[list[Rung], list[Quantity | None]]:
    """Two rows with one time are one level: both are called then."""
    merged: list[Rung] = []
    kept: list[Quantity | None] = []
    for rung, time in zip(rungs, times, strict=True):
        if kept and time is not None and counts(time) and kept[-1] is not None and kept[-1].value == time.value:
            merged[-1] = msgspec.structs.replace(merged[-1], who=(*merged[-1].who, *rung.who))
        else:
            merged.append(msgspec.structs.replace(rung, number=len(merged) + 1))
            kept.append(time)
    return merged, kept


def _acts(block: Block, heads: list[str], known: tuple[int | None, ...]) -> bool:
    """Whether a column of actions says whom to call."""
    columns = [n for n, head in enumerate(heads) if n not in known and re.search(r"action|what|step", head, re.I)]
    cells = [plain(row.cells[n]) for n in columns for row in block.rows if n < len(row.cells)]
    return any(_CALLS.search(cell) for cell in cells)


_TARGET = re.compile(r"escalat|target|notif|contact|call|page", re.I)
_CALLS = re.compile(r"(?:^|→|->|,|;|:)\s*(?:auto-?\s?)?(?:page|call|notify|alert|escalate|add|contact)\b|→", re.I)


def _actions(block: Block, heads: list[str]) -> list[Rung]:
    """`Time | Action | Who`: whoever the action calls; those of another column act, and actions that call nobody are other work."""
    time = next((n for n, head in enumerate(heads) if _REACH.match(head)), -1)
    action = next(
        (n for n, head in enumerate(heads) if re.fullmatch(r"actions?|what happens|escalation action", head, re.I)), -1
    )
    people = [n for n, head in enumerate(heads) if n not in (time, action) and _WHO.search(head)]
    if time < 0 or action < 0 or any(_TARGET.search(heads[n]) for n in people):
        return []
    if people and not _acts(block, heads, (time, *people)):
        return []  # the people are those who are called
    rows = [row for row in block.rows if max(time, action) < len(row.cells)]
    entries = [(row.line, plain(row.cells[time]), plain(row.cells[action]), ()) for row in rows]
    return on_a_line(callers(entries))


_SITUATION = re.compile(r"(?:escalation\s+)?(?:triggers?|condition|situation|when|if|event|scenario)", re.I)
_THEN = re.compile(r"(?:escalation\s+)?(?:actions?|then|escalates?\s+to|notify|page|call|who|target)", re.I)


def _rules(block: Block, heads: list[str]) -> list[Rung]:
    """`Rule | Trigger | Action`: each row is a sentence, "not acknowledged in 5 min → page the secondary"."""
    when = next((n for n, head in enumerate(heads) if _SITUATION.fullmatch(head)), -1)
    then = next((n for n, head in enumerate(heads) if n > when and _THEN.fullmatch(head)), -1)
    if when < 0 or then < 0 or len(heads) > 4:
        return []
    rows = [row for row in block.rows if then < len(row.cells)]
    return of_sentences([(row.line, f"{plain(row.cells[when]).rstrip(' .')} → {plain(row.cells[then])}") for row in rows], alone=False)  # fmt: skip


def _times(block: Block, column: int) -> bool:
    """Whether a column that is only called "Escalation" holds times: "SRE lead | chat | 15 min"."""
    if not re.fullmatch(r"escalat\w*(?: deadline)?", plain(block.header[column]), re.I) or column == 0:
        return False
    cells = [read(plain(row.cells[column])) for row in block.rows if column < len(row.cells)]
    return sum(counts(cell) for cell in cells) >= 2


def _severities(block: Block) -> bool:
    """Whether the rows begin with severities. `L1` and `Level 1` may be either, and count as levels here."""
    cells = [plain(row.cells[0]).strip() for row in block.rows if row.cells]
    found = [cell for cell in cells if (match := ID.match(cell)) and family(match[0]) in ("sev", "p", "s", "priority")]
    return len(found) * 2 > len(cells)


def _row_number(text: str) -> int | None:
    found = re.match(r"(?:level|tier|l|stage|step)?\s?-?(\d)\b", text, re.I)
    return int(found[1]) if found else None


def timed(rungs: list[Rung], times: list[Quantity | None], head: str) -> list[Rung]:
    if not head:
        return rungs
    if HOLD.search(head) and not re.fullmatch(r"escalation time", head, re.I) and not _from_the_second(times):
        return [
            msgspec.structs.replace(rung, hold=time if counts(time) else None)
            for rung, time in zip(rungs, times, strict=True)
        ]
    first = times[0]
    if _EITHER_WAY.search(head) and counts(first) and first is not None and first.value and not counts(times[-1]):
        return timed(rungs, times, "escalate after")  # the first level has a time and the last has none: they hold
    starts_at_zero = first is None or first.value == 0 or first.kind in ("range", "none", "qualitative")
    rising = [start(time) for time in times]
    known = [value for value in rising if value is not None]
    if not starts_at_zero or known != sorted(known):
        words = [time.text if time else "" for time in times]
        return [msgspec.structs.replace(rung, unclear=word) for rung, word in zip(rungs, words, strict=True)]
    return [
        msgspec.structs.replace(rung, reach=time if counts(time) else None, since_start=True)
        for rung, time in zip(rungs, times, strict=True)
    ]


def _from_the_second(times: list[Quantity | None]) -> bool:
    """`Escalate after` over "-" or "immediate", 15 and 30 minutes: the first is called at once and the others after these times."""
    starts = [start(time) for time in times]
    rising = [start for start in starts if start is not None]
    return len(times) > 1 and not starts[0] and starts[-1] is not None and rising == sorted(set(rising))


def _steps(block: Block, heads: list[str]) -> list[Rung]:
    """`From | To | When`: each row goes on from the one to whom the row above it went."""
    places = [next((n for n, head in enumerate(heads) if re.fullmatch(kind, head, re.I)), -1) for kind in _STEP_HEADS]
    if min(places) < 0 or not 1 < len(block.rows) + 1 <= RUNGS_MAX:
        return []
    rungs: list[Rung] = []
    for row in block.rows:
        cells = [plain(row.cells[place]) if place < len(row.cells) else "" for place in places]
        source, target = parties(cells[0]), parties(cells[1])
        if not source or not target or (rungs and rungs[-1].who != source):
            return []
        found = [each for each in scan(cells[2]) if counts(each)]
        hold = found[0] if len(found) == 1 and not ID.search(cells[2]) else None
        holder = Rung(number=len(rungs) or 1, who=source, line=row.line, hold=hold)
        rungs = [*rungs[:-1], holder, Rung(number=len(rungs) + 1, who=target, line=row.line)]
    return [msgspec.structs.replace(rung, number=n) for n, rung in enumerate(rungs, 1)]


def _onward(block: Block, heads: list[str]) -> list[Rung]:
    """`Role | ... | Escalates to`: whoever a row escalates to stands in the row below it."""
    last = next(
        (
            n
            for n, head in enumerate(heads)
            if n and re.fullmatch(r"escalates?\s+to|next\s+level|escalation\s+path", head, re.I)
        ),
        0,
    )
    if not last or not re.fullmatch(r"roles?|who|person|position|title|contact|responder|owner", heads[0], re.I):
        return []
    rungs: list[Rung] = []
    for row in block.rows[: RUNGS_MAX + 1]:
        source = parties(row.cells[0])
        target = parties(re.sub(r"^\W*(?:→|[-=]+>)\s*", "", plain(row.cells[last]))) if last < len(row.cells) else ()
        if len(rungs) > 2 and source and all(rung.who != source for rung in rungs):
            break  # somebody else who hands over to one of these
        if not source or (rungs and rungs[-1].who != source):
            return []
        rungs = [*rungs[:-1], Rung(number=len(rungs) or 1, who=source, line=row.line)]
        if target:
            rungs.append(Rung(number=len(rungs) + 1, who=target, line=row.line))
        elif row is not block.rows[-1]:
            return []
    return rungs if 1 < len(rungs) <= RUNGS_MAX else []


_STEP_HEADS = (
    r"(?:escalate )?from|current(?: level)?",
    r"(?:escalate )?to|next(?: level)?",
    r"when|after|time|condition|trigger|escalate after|if",
)
