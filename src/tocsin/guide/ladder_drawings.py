"""Escalation ladders that are drawn: trees in fences, people under each other with arrows between, chains in a line."""

from __future__ import annotations

import re

import msgspec

from tocsin.guide.blocks import Block
from tocsin.guide.inline import plain
from tocsin.guide.ladder_doubts import of_some
from tocsin.guide.parties import PARTY, parties
from tocsin.guide.quantity import Quantity, read, scan
from tocsin.guide.rungs import LEVEL, Rung, counts, rung_of, varying
from tocsin.guide.words import FOREIGN_NEGATIVE

LINE_CHARS_MAX = 1000  # a longer line draws nothing, and patterns over it cost its square

_EVENT = re.compile(
    r"(?:incident|issue|problem|alert|alarm|detection|detected|monitoring|trigger|event|start|report)s?(?:\s+(?:is\s+)?(?:detect(?:ed|ion)|fires?|fired|reported|report|raised|triggered|trigger|created|alert))?",
    re.I,
)
_LIMIT = re.compile(
    r"(?:resol\w+|resolved|respon\w+|acknowledg\w+)\s+within\s+(.{1,30}?)\s*(?:→|->|=>|:|$)"
    r"|(?:no|not)\s+\w+\s+(?:within|in|after)\s+(.{1,30}?)\s*(?:→|->|=>|:|,|\)|\bor\b|$)",
    re.I,
)
# Between two people: a bar or an arrow, and on it when the next one is called: "v (no answer in 15 min)", "↓ 30 min".
_ARROW = re.compile(
    r"^[\s|│]*(?:(?:v|V|↓|▼|⬇)(?:\s+.{0,120})?|[|│]\s*(?:\(.{1,120}\)|(?:no|not|if|after|un\w+|sem|sin|kein\w*|нет)\b[^|│]{0,80}\d[^|│]{0,40})?)\s*$",
    re.I,
)
_MARK = re.compile(r"^[\s|│]*(?:[vV↓▼⬇](?=\s|$))?[\s|│]*")
_REFUSED = re.compile(
    rf"\b(?:no|not|un)[\s-]?\w*(?:respon|resol|ack|answer|progress|mitigat|reach|avail)|\b(?:ca|do|does|is|has|have)n['’]t\s+(?:respon|resol|ack|answer|reach|fix)|{FOREIGN_NEGATIVE}",
    re.I,
)
_ORDINAL = re.compile(r"^(\d)\s*차\s*[:：]\s*")  # "2차: ..." is level 2
_ASIDE = re.compile(r"\(([^()]{2,60})\)\s*(?:[─—–-]+\s*(\S.*))?$")  # "Level 1 (duty engineer) ── resolve within 30 min"
_MEETS = re.compile(r"\bwithin\b|\bmust\b|\bresponds?\b", re.I)
_ONE_LINE = re.compile(r"\s*[^\n]+\s*")  # "L1: Helpdesk → L2: Lead" is a chain
_BORDER = re.compile(r"^\s*[+┌┐└┘├┤┬┴┼╭╮╰╯╔╗╚╝═─━|│ v▼↓-]*[+┌┐└┘╭╮╰╯╔╗╚╝]\s*$")
_EDGE = re.compile(r"^\s*[┌├└╔╠╚╭╰+][─═━-]{8,}[┐┤┘╗╣╝╮╯+]\s*$")
_INSIDE = re.compile(r"^\s*[|│║](.*)[|│║]\s*$")
_BESIDE = re.compile(r"[┌╭╔]")
_BOXED = re.compile(r"^\s*[|│║]\s*(.*?)\s*[|│║]\s*$")


def of_tree(block: Block) -> list[Rung]:
    """`Level 1: Who` lines of a fence, with the branches below each."""
    rungs: list[Rung] = []
    if any(len(_BESIDE.findall(line)) > 1 for line in block.text.split("\n")):
        return []  # boxes beside each other: a chart of who reports to whom
    for n, line in _drawn(block):
        if rungs and _ARROW.match(line):
            rungs[-1] = _held(rungs[-1], line)
            continue
        text = re.sub(r"^[\s│├└─┬┴|+`'\\-]+", "", line)
        text, counted = _ORDINAL.subn(r"Level \1: ", text)
        branch = (text != line.lstrip() and not counted) or line.startswith((" ", "\t"))
        level = LEVEL.match(text)
        aside = _ASIDE.match(level[2]) if level and not branch else None
        if level and aside and PARTY.search(aside[1]):
            rungs.append(Rung(number=int(level[1]), who=parties(aside[1]), line=n, hold=_limit(aside[2] or "")))
        elif level and not branch:
            rungs.append(rung_of(int(level[1]), level[2], n, ()))
        elif rungs and text:
            quantity = _limit(text)
            if rungs[-1].hold is None and varying(text):
                rungs[-1] = msgspec.structs.replace(rungs[-1], varies=varying(text), unclear=text)
            elif quantity is not None and counts(quantity) and rungs[-1].hold is None:
                rungs[-1] = msgspec.structs.replace(rungs[-1], hold=quantity, reach=None)
            elif not re.search(r"escalate to (?:level|tier|l)\s?\d|→\s*close", text, re.I):
                rungs[-1] = msgspec.structs.replace(rungs[-1], actions=(*rungs[-1].actions, text))
    if len(rungs) > 1 or (rungs and not _ONE_LINE.fullmatch(block.text)):
        return rungs if all(rung.who for rung in rungs) else []
    return _people(block) or chain(block.text, block.line + (block.kind == "fence"))


def _people(block: Block) -> list[Rung]:
    """People under each other with arrows between: a line of its own for each, and on the arrow when the next is due."""
    rungs: list[Rung] = []
    arrows = 0
    for n, line in _drawn(block):
        if not line.strip():
            continue
        if len(line) > LINE_CHARS_MAX:
            return []
        if _ARROW.match(line):
            arrows += bool(rungs)
            rungs[-1:] = [_held(each, line) for each in rungs[-1:]]
        elif line.startswith((" ", "\t", "|", "│", "+", "-")):
            text = re.sub(r"^[\s│├└─┬┴|+`'\\-]+", "", line)
            if rungs and text:
                rungs[-1] = msgspec.structs.replace(rungs[-1], actions=(*rungs[-1].actions, text))
        elif rungs or not _EVENT.fullmatch(re.sub(r"\s*\(.*\)", "", line).strip()):
            who = parties(re.sub(r"\(.*?\)|^\d{1,2}[.)]\s+", "", line))
            if not who or not PARTY.search(line) or len(line.split()) > 10:
                return []
            rungs.append(Rung(number=len(rungs) + 1, who=who, line=n))
    return rungs if arrows >= len(rungs) - 1 >= 1 else []


def _drawn(block: Block) -> list[tuple[int, str]]:
    """The lines of a drawing; boxes are taken off: the first line in a box stands at the margin, the others under it."""
    lines = list(enumerate(block.text.split("\n"), block.line + (block.kind == "fence")))
    if sum(bool(_BORDER.match(line)) for _, line in lines) < 2:
        return lines
    if framed := _framed(lines):
        return framed
    found: list[tuple[int, str]] = []
    fresh = False
    for n, line in lines:
        boxed = _BOXED.match(line)
        if _BORDER.match(line):
            fresh = True
        elif boxed and boxed[1]:
            found.append((n, boxed[1] if fresh else f"  {boxed[1]}"))
            fresh = False
        else:
            found.append((n, line))
    return found


def _framed(lines: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """The lines of a drawing that stands as a whole in one frame, perhaps under a title of its own; [] for boxes."""
    parts: list[list[tuple[int, str]]] = [[]]
    for n, line in lines:
        inner = _INSIDE.match(line)
        if _EDGE.match(line):
            parts.append([])
        elif inner and inner[1].strip():
            parts[-1].append((n, inner[1]))
        elif line.strip() and not inner:
            return []
    parts = [part for part in parts if part]
    if not parts or len(parts) > 2 or sum(bool(_ARROW.match(line)) for _, line in parts[-1]) < 1:
        return []
    if len(parts) == 2 and len(parts[0]) > 1:
        return []
    margin = min(len(line) - len(line.lstrip()) for _, line in parts[-1])
    return [(n, line[margin:].rstrip()) for n, line in parts[-1]]


def _held(rung: Rung, arrow: str) -> Rung:
    """The rung with the time on the arrow below it; a time for some severities only, or that says who must answer, is none."""
    words = _MARK.sub("", arrow).strip()
    limit = _LIMIT.search(words)
    quantity = read(limit[1] or limit[2]) if limit else None
    times = [each for each in scan(words) if counts(each)]
    if quantity is None and len(times) == 1 and not _MEETS.search(words):
        quantity = times[0]
    if times and limit is None and of_some(words):
        return msgspec.structs.replace(rung, unclear=words.strip("()"), varies=words)
    if quantity is None or not counts(quantity):
        return rung
    return msgspec.structs.replace(rung, hold=quantity)


def _limit(text: str) -> Quantity | None:
    """How long a level has, on a branch under it: "no answer within 15 minutes → level 2", in any language we know."""
    limit = _LIMIT.search(text)
    if limit:
        return read(limit[1] or limit[2])
    times = [each for each in scan(text) if counts(each)]
    refused = _REFUSED.search(text) and not of_some(text)
    return times[0] if refused and len(times) == 1 else None


def of_chain(block: Block) -> list[Rung]:
    return (
        chain(block.text, block.line)
        if block.text.count("→") + block.text.count("->") >= 2 and "\n" not in block.text
        else []
    )


def chain(text: str, line: int, least: int = 3) -> list[Rung]:
    """`On-call → team lead → CTO`; a part that is only a time is how long the one before it has: `→ (15 min) →`."""
    lines = [each for each in text.split("\n") if each.strip()]
    if len(lines) != 1 or len(lines[0]) > LINE_CHARS_MAX:
        return []
    words = re.sub(r"^[^:→>]{1,40}:\s*", "", plain(_ON_ARROW.sub(r" → (\1) → ", lines[0])))
    words = re.sub(r"^\s*(?:→|-+>|=>)\s*", "", words)
    each = _EACH.search(words)
    words = words[: each.start()] if each else words
    parts = [part.strip() for part in re.split(r"→|-+>|=>", words)]
    if _EVENT.fullmatch(parts[0]):  # "Detection → security lead → ...": what begins the ladder is nobody on it
        parts = parts[1:]
    named = [(part, _only_time(part)) for part in parts]
    people = [part for part, time in named if time is None and not _varies(part)]
    if len(people) < least - (len(people) < len(parts)) or any(not part or len(part.split()) > 8 for part in people):
        return []
    rungs: list[Rung] = []
    for part, time in named:
        if rungs and _varies(part):
            rungs[-1] = msgspec.structs.replace(rungs[-1], varies=part, unclear=part)
        elif time is None:
            level = LEVEL.match(part)
            rungs.append(rung_of(len(rungs) + 1, level[2] if level and level[2] else part, line, (), aside=part))
        elif not rungs or rungs[-1].hold is not None:
            return []
        else:
            rungs[-1] = msgspec.structs.replace(rungs[-1], hold=time)
    if each and not any(rung.hold or rung.unclear or rung.varies for rung in rungs):
        hold = read(each[1])
        rungs = [
            *(msgspec.structs.replace(rung, hold=hold if counts(hold) else None) for rung in rungs[:-1]),
            *rungs[-1:],
        ]
    elif each:
        return []
    return rungs if len(rungs) > 1 and all(rung.who for rung in rungs) else []


_ON_ARROW = re.compile(r"\s*[-─]{1,3}\s*\(?\s*([^-─>()→]{2,30}?\d[^-─>()→]{0,20}|\d[^-─>()→]{1,20})\s*\)?\s*[-─]{1,3}[>→]\s*")  # fmt: skip
# "Primary → secondary → manager, 10 minutes each", "(10 min between levels)"
_EACH = re.compile(
    r"\s*[,;:(–—-]\s*(?:wait(?:ing)?\s+|after\s+)?(\d{1,3}\s?[a-z]{1,7})\s+(?:each|apart|(?:per|between|at\s+each|for\s+each)\s+(?:level|step|tier|hop|stage)s?)\s*[).]*$",
    re.I,
)


def _varies(part: str) -> bool:
    """Whether a part between two arrows names nobody, and times of some severities: "(15 min P1, 1 hr P2)"."""
    return of_some(part) and bool(scan(part)) and not PARTY.search(part)


def _only_time(part: str) -> Quantity | None:
    """The time of a part that names nobody: "(15 min)", "no ack in 15 min"."""
    if PARTY.search(re.sub(r"\([^()]*\)", "", part)) and "(" in part:
        return None  # "team lead (if unresolved for 15 min)"
    found = [each for each in scan(part) if each.kind == "elapsed" and each.value]
    if len(found) != 1 or not (_REFUSED.search(part) or re.fullmatch(r"\(?(?:after |\+)?[\d.]+\s?\w+\)?", part)):
        return None
    return found[0]
