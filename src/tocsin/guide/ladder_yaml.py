"""Escalation ladders in YAML: levels with their targets and times, as the tools that page people have them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

import msgspec

from tocsin.guide.blocks import Block, Section
from tocsin.guide.ids import ID
from tocsin.guide.ladder_tables import timed
from tocsin.guide.notes import Notes
from tocsin.guide.parties import PARTY, names_somebody, parties
from tocsin.guide.quantity import Quantity, read
from tocsin.guide.rungs import LEVEL, RUNGS_MAX, Rung, counts, start
from tocsin.guide.words import ESCALATION
from tocsin.guide.yaml_fences import DEPTH_MAX, document, line_of, span, texts, words

if TYPE_CHECKING:
    from tocsin.yamltext import Entry, Node

_ESCALATION = re.compile(ESCALATION, re.I)
_WHO = re.compile(
    r"(?:notify|escalate|page|call|contact|assign)(?:\s+to)?|who|to|targets?|recipients?|contacts?|responders?|roles?|users?|teams?|schedules?|on-?call|persons?(?: to notify)?|people|assignees?|owner|name|title",
    re.I,
)
_NAME = re.compile(r"name|summary|role|user|team|schedule|id|target|title", re.I)
_HOLD = re.compile(r"escalat\w*\b.*|.*time\s?out.*|wait.*|duration.*|.*\bhold.*|max.*|.*\back\b.*|acknowledge.*", re.I)
_REACH = re.compile(
    r"(?:notify |start |trigger |page )?(?:after|at|delay|time|elapsed|when|time\s?frame|minutes?|offset)(?: (?:in )?(?:minutes?|mins?|seconds?|hours?))?",
    re.I,
)
_CODE = re.compile(r"^(?:user|schedule|team)?\s*id(?:\s*\d+)?$|\bid\b|^[PR][A-Z0-9]{5,}$", re.I)
_CASE = re.compile(r"condition|when|if|trigger|criteria|reason", re.I)
_UNANSWERED = re.compile(r"(?:not|un|no)[-_ ]?(?:ack|respon|answer|resol|clos)|always", re.I)
_ORDERED = re.compile(r"chain|path|levels|order|steps|tiers|ladder|escalation$|policy$", re.I)
_ORDINAL = re.compile(r"primary|secondary|tertiary|first|second|third", re.I)


def of_yaml(section: Section, block: Block, above: Block | None, notes: Notes) -> list[list[Rung]]:
    """Every ladder of the fence; none, and a finding, where two of them hold for the same incidents or one is unclear."""
    found = document(section, block, above, notes, _ESCALATION)
    if found is None:
        return []
    ladders = list(_search(found, block, "", section.title if _ESCALATION.search(section.title) else "", 0))
    if ladders and len({rungs[0].scope for rungs in ladders}) == len(ladders):
        return ladders
    why = "it holds several policies for the same incidents" if ladders else "its levels do not say whom to call"
    message = f"this YAML speaks of escalation, and no ladder was taken from it: {why}"
    notes.add("GUIDE-UNREAD", "note", block.line, message, "give each level a target and a time")
    return []


def _search(node: Node, block: Block, scope: str, above: str, depth: int) -> Iterator[list[Rung]]:
    """The ladders below a node; `above` are the keys over it, from the one that speaks of escalation."""
    if depth > DEPTH_MAX:
        return
    entries: tuple[Entry, ...] = getattr(node, "entries", ())
    named = next((text for entry in entries if words(entry.key) == "name" for text in texts(entry.node)), "")
    scope = named if ID.search(words(named)) else scope
    if above and (rungs := _of_levels(entries, block) or _of_items(getattr(node, "items", ()), block, above)):
        yield [msgspec.structs.replace(rungs[0], scope=scope), *rungs[1:]]
        return
    for entry in entries:
        key = words(entry.key)
        severity = bool(ID.search(key)) and not LEVEL.match(key)
        inner, said = (entry.key, "") if severity else (scope, f" {key}")
        over = f"{above}{said}" if above or _ESCALATION.search(key) else ""
        yield from _search(entry.node, block, inner, over, depth + 1)
    for item in getattr(node, "items", ()):
        yield from _search(item, block, scope, above, depth + 1)


def _of_levels(entries: tuple[Entry, ...], block: Block) -> list[Rung]:
    """`level_1: {...}`, `level_2: {...}`, or `primary: name`, `secondary: name`."""
    levels = [entry for entry in entries if LEVEL.match(words(entry.key)) or _ORDINAL.fullmatch(words(entry.key))]
    if len(levels) < 2 or len(levels) != len(entries):
        return []
    numbers = [int(found[1]) for entry in levels if (found := LEVEL.match(words(entry.key)))]
    if numbers and numbers != sorted(set(numbers)):
        return []
    return _ladder([(entry.node, entry.line) for entry in levels], block)


def _of_items(items: tuple[Node, ...], block: Block, above: str) -> list[Rung]:
    """A list of levels; without times and numbers only where a key above says that it is an order."""
    if len(items) < 2 or any(_conditional(item) for item in items):
        return []
    rungs = _ladder([(item, item.line) for item in items], block)
    timed_or_numbered = any(rung.reach or rung.hold or rung.unclear for rung in rungs) or all(map(_level, items))
    return rungs if timed_or_numbered or _ORDERED.search(above) else []


def _conditional(node: Node) -> bool:
    """Whether an item says on what kind of matter it acts: `condition: amount > 500` is no step of a ladder."""
    entries: tuple[Entry, ...] = getattr(node, "entries", ())
    said = [text for entry in entries if _CASE.fullmatch(words(entry.key)) for text in texts(entry.node)]
    return any(not _UNANSWERED.search(text) for text in said)


def _level(node: Node) -> bool:
    entries: tuple[Entry, ...] = getattr(node, "entries", ())
    return any(re.fullmatch(r"level|step|tier|order|position", words(entry.key), re.I) for entry in entries)


def _ladder(nodes: list[tuple[Node, int]], block: Block) -> list[Rung]:
    rungs: list[Rung] = []
    times: list[tuple[str, Quantity | None]] = []
    for node, line in nodes[: 2 * RUNGS_MAX]:
        who, (key, time) = _who(node), _time(node)
        if not who and rungs and counts(time) and _waits(node):
            if rungs[-1].hold is not None:
                return []
            rungs[-1] = msgspec.structs.replace(rungs[-1], hold=time)
            continue
        if not who or not all(PARTY.search(name) or names_somebody(name) for name in who):
            return []
        rungs.append(Rung(number=len(rungs) + 1, who=who, line=line_of(block, line)))
        times.append((key, time))
    if not 1 < len(rungs) <= RUNGS_MAX:
        return []
    keys = {key for key, time in times if time is not None}
    if len(keys) > 1 or (keys and any(rung.hold for rung in rungs)):
        return []
    return timed(rungs, [time for _, time in times], _head(keys, [time for _, time in times])) if keys else rungs


def _head(keys: set[str], times: list[Quantity | None]) -> str:
    """What the times are: how long a level has, or when it is reached; a "delay" that begins with 0 is when."""
    first = start(times[0])
    return "escalate after" if _HOLD.fullmatch(next(iter(keys))) and first != 0 else "after"


def _who(node: Node) -> tuple[str, ...]:
    if (text := getattr(node, "text", None)) is not None:
        return _people([text])
    entries: tuple[Entry, ...] = getattr(node, "entries", ())
    for pattern in (re.compile(rf"(?!name|title)(?:{_WHO.pattern})", re.I), re.compile(r"name|title|role", re.I)):
        for entry in entries:
            if pattern.fullmatch(words(entry.key)) and (who := _people(_names(entry.node))):
                return who
    return ()


def _names(node: Node) -> list[str]:
    """The names of a target: a text, a list of them, or mappings with a name or an id."""
    found = list(texts(node))
    for each in (node, *getattr(node, "items", ())):
        entries: tuple[Entry, ...] = getattr(each, "entries", ())
        said = {words(entry.key): text for entry in entries for text in texts(entry.node)}
        found += [said[key] for key in ("name", "summary", "role", "user", "team", "schedule", "id") if key in said][:1]
    return found


def _people(said: list[str]) -> tuple[str, ...]:
    names = [words(each) for each in said]
    if any(_CODE.search(name) for name in names):
        return ()  # "USER_ID_1" is nobody
    return tuple(dict.fromkeys(name for each in names for name in parties(each)))


def _time(node: Node) -> tuple[str, Quantity | None]:
    entries: tuple[Entry, ...] = getattr(node, "entries", ())
    seconds = _in_seconds(entries)
    if seconds is not None:
        return "wait", seconds
    for entry in entries:
        key = words(entry.key)
        if (_HOLD.fullmatch(key) or _REACH.fullmatch(key)) and (time := _amount(entry.node)) is not None:
            return key, time
        if (_HOLD.fullmatch(key) or _REACH.fullmatch(key)) and (said := list(texts(entry.node))):
            time = span(entry.key, said[0]) if re.search(r"\d|immediate", said[0], re.I) else None
            if time is not None or said[0].strip() == "0":
                return key, time or Quantity(kind="elapsed", value=0, bound="=")
    return "", None


def _amount(node: Node) -> Quantity | None:
    """`delay: {timeAmount: 10, timeUnit: minutes}`."""
    entries: tuple[Entry, ...] = getattr(node, "entries", ())
    said = {words(entry.key).casefold(): text for entry in entries for text in islice(texts(entry.node), 1)}
    amount = next((text for key, text in said.items() if re.fullmatch(r"(?:time ?)?(?:amount|value)", key)), "")
    unit = next((text for key, text in said.items() if re.fullmatch(r"(?:time ?)?units?", key)), "")
    if amount.strip() == "0":
        return Quantity(kind="elapsed", value=0, bound="=")
    return read(f"{amount} {unit}") if amount and unit else None


def _in_seconds(entries: tuple[Entry, ...]) -> Quantity | None:
    """The step `type: wait`, `duration: 900`: Grafana OnCall counts in seconds."""
    said = {words(entry.key): text for entry in entries for text in islice(texts(entry.node), 1)}
    seconds = said.get("duration", "")
    if said.get("type") != "wait" or not seconds.isdigit() or not int(seconds) or int(seconds) % 60:
        return None
    return read(f"{int(seconds) // 60} minutes")


def _waits(node: Node) -> bool:
    """`wait: 5m`, or `type: wait` beside a duration."""
    entries: tuple[Entry, ...] = getattr(node, "entries", ())
    return any(re.match(r"wait", words(entry.key)) or list(texts(entry.node))[:1] == ["wait"] for entry in entries)
