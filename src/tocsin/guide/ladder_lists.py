"""What several forms of ladders share: waits between calls, levels in lines, moments with branches, and times in parentheses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from msgspec.structs import replace

from tocsin.guide.blocks import Block, Item
from tocsin.guide.inline import plain
from tocsin.guide.ladder_doubts import of_some
from tocsin.guide.ladder_sentences import beginning
from tocsin.guide.ladder_timelines import Entry, called, moment, on_a_line
from tocsin.guide.parties import PARTY
from tocsin.guide.quantity import Quantity, scan
from tocsin.guide.rungs import LEVEL, RUNGS_MAX, Rung, counts, rung_of, start

SEVERITIES_MAX = 20  # items of one list; a longer list is none of severities
_STEP = re.compile(r"^(?:step|stage)\s*\d{1,2}\s*[:.)–—-]\s*", re.I)
_WAIT = re.compile(
    r"(?:then\s+)?waits?\s+(?:for\s+|up\s+to\s+)?(?P<time>.{2,24}?)(?:\s*[.,;:(]\s*(?:and\s+)?(?:if|unless|when)\b.{0,60}|\s+(?:for\s+(?:an?\s+|the\s+)?(?:ack\w*|respon\w+|answer|reply|primary|secondary)|before\s+escalat)\b.{0,60})?[.:)]*$",
    re.I,
)
_TOLD = re.compile(
    r"(?:auto(?:matically)?[\s-]+)?(?:notif(?:y|ies|ied)|page[sd]?|alert[sd]?|call[s]?|inform[s]?|contact[s]?|escalate[sd]?)\s*(?::|to\b|the\b)?\s+\S",
    re.I,
)
_ACTS = re.compile(
    r"\b(?:paged|notified|alerted|called|acknowledges?|responds?|investigates?|triages?|engaged)\b", re.I
)
_MOMENT = re.compile(
    r"^(?P<when>(?:t\s?\+\s?)?\d{1,4}\s?(?:[-–]\s?\d{1,4}\s?)?\+?\s?[a-z]{1,7}\+?)\s*(?:[│├└─|:>-]+|\s)\s*(?P<what>\S.*)$",
    re.I,
)
_LEAVES = re.compile(r"^[\s│├└─|`+>-]+")
_RANGE = re.compile(r"\(\s*\d{1,3}\s*[-–]\s*\d{1,3}\s*(?P<unit>min(?:ute)?s?|m|h|hrs?|hours?)\s*\)", re.I)
_BARE = re.compile(r"\(\s*(\d{1,3}\s*(?:[-–]\s*\d{1,3}|\+))\s*\)")
_ASIDE = re.compile(r"\(\s*(?:after\s+|at\s+|\+\s*|within\s+)?[^()]{2,20}\)\s*$")
_BEHIND = re.compile(r"\s+[-–—]\s+")  # "On-call engineer - first response"
_ANSWERS = re.compile(r"\brespon|\backnowledg|\banswer|\bsla\b", re.I)


def with_units(items: Sequence[Item]) -> list[Item]:
    """`(0-15 min)`, `(15-30)`, `(30+)`: the unit of the first holds for those that have none."""
    units = {found["unit"] for item in items for found in _RANGE.finditer(item.text)}
    if len(units) != 1 or not any(_BARE.search(item.text) for item in items):
        return list(items)
    unit = units.pop()
    return [replace(item, text=_BARE.sub(rf"(\1 {unit})", item.text)) for item in items]


def of_waits(lines: Sequence[tuple[int, str]]) -> list[Rung]:
    """`Page the primary`, `Wait 15 minutes`, `Page the secondary`: calls with waits between them, and nothing else."""
    rungs: list[Rung] = []
    waited = 0
    for line, text in lines[: 2 * RUNGS_MAX]:
        words = _STEP.sub("", plain(text)).strip()
        wait = _WAIT.fullmatch(words)
        times = [each for each in scan(wait["time"]) if counts(each) and each.value] if wait else []
        if wait and rungs and rungs[-1].hold is None and len(times) == 1 and not of_some(words):
            rungs[-1] = replace(rungs[-1], hold=times[0])
            waited += 1
            continue
        first = beginning(words) if not rungs else None
        who = first.who if first else called(words)
        if not who or scan(words) or of_some(words):
            return []
        rungs.append(Rung(number=len(rungs) + 1, who=who, line=line))
    return rungs if waited and waited >= len(rungs) - 1 >= 1 else []


def of_lines(block: Block) -> list[Rung]:
    """`Level 1 – on-call engineer` and `Level 2 – manager` as lines of one paragraph."""
    rungs = []
    for n, line in block.lines():
        level = LEVEL.match(plain(line))
        if level is None or not level[2]:
            return []
        rungs.append(rung_of(int(level[1]), _BEHIND.split(level[2])[0], n, (), aside=plain(line)))
    people = all(rung.who and PARTY.search(" ".join(rung.who)) for rung in rungs)
    return rungs if 1 < len(rungs) <= RUNGS_MAX and people and [rung.number for rung in rungs] == list(range(1, len(rungs) + 1)) else []  # fmt: skip


def of_moments(block: Block) -> list[Rung]:
    """`15 min   └── Notifies: team lead`: the moments at the margin of a fence, with what is done then in branches."""
    groups: list[tuple[int, str, list[str]]] = []
    for n, raw in enumerate(block.text.split("\n"), block.line + (block.kind == "fence")):
        found = _MOMENT.match(raw)
        if found and counts(moment(found["when"])):
            groups.append((n, found["when"], [_LEAVES.sub("", found["what"])]))
        elif groups and raw.strip() and raw[0] in " \t│|":
            groups[-1][2].append(_LEAVES.sub("", raw).strip())
        elif groups and raw.strip():
            return []  # something else stands at the margin
    if not 1 < len(groups) <= RUNGS_MAX or all(len(leaves) == 1 for _, _, leaves in groups):
        return []
    entries: list[Entry] = []
    for n, when, leaves in groups:
        said = _call(leaves, first=not entries) or (leaves[0] if not entries else "")
        entries += [(n, when, said, ())] if said else []
    return on_a_line(entries)


def _call(leaves: list[str], *, first: bool) -> str:
    """The branch that calls somebody; what the first ones do there may stand for their call."""
    told = [leaf.replace(":", " ", 1) for leaf in leaves if _TOLD.match(leaf)]
    return next((leaf for leaf in told if called(leaf)), "") or (
        next((leaf for leaf in leaves if _ACTS.search(leaf) and called(leaf)), "") if first else ""
    )


def clear(rungs: list[Rung]) -> list[Rung]:
    """The rungs with the times in their parentheses, where these can mean only one thing.

    Where the first has none and every other has one, it is when that level is called: "Lead", "Manager (15 min)". Where the last
    has none and those above it do not rise, it is how long each has: "Primary (15 min)", "Secondary (15 min)", "Manager".
    """
    times = [_aside(rung) for rung in rungs]
    bare = [rung.reach is None and rung.hold is None and not rung.varies for rung in rungs]
    if len(rungs) < 2 or not all(bare) or not any(rung.unclear for rung in rungs):
        return rungs
    said = [start(time) for time in times]
    if not rungs[0].unclear and all(said[1:]):
        rises = all(a < b for a, b in pairwise(each for each in said[1:] if each is not None))
        filled = [
            replace(rung, reach=time, since_start=rises, unclear="")
            for rung, time in zip(rungs[1:], times[1:], strict=True)
        ]
        return [rungs[0], *filled]
    count = next((n for n, each in enumerate(said) if not each), len(said))
    rest = rungs[count:]
    falls = any(a >= b for a, b in pairwise(each for each in said[:count] if each is not None))
    falls = falls or len({rung.line for rung in rungs}) == 1  # "Primary (5 min) → secondary (10 min) → manager"
    if count > 1 and rest and falls and not any(rung.unclear for rung in rest):
        held = [replace(rung, hold=time, unclear="") for rung, time in zip(rungs[:count], times[:count], strict=True)]
        return [*held, *rest]
    return rungs


def _aside(rung: Rung) -> Quantity | None:
    """The one time that stands in parentheses behind whom a rung names; how soon somebody answers is none."""
    found = list(scan(rung.unclear))
    aside = _ASIDE.search(rung.unclear)
    if aside is None or len(found) != 1 or not counts(found[0]) or found[0].kind == "range":
        return None
    return None if _ANSWERS.search(rung.unclear) or of_some(rung.unclear) else found[0]


def inner(block: Block) -> Iterator[tuple[str, Block]]:
    """Each list that stands under an item which names a severity: (the words of the item, the list)."""
    for item in block.items[:SEVERITIES_MAX]:
        words = plain(item.text.split("\n")[0])
        if of_some(words):
            yield from ((words, each) for each in item.blocks if each.kind == "list" and len(each.items) > 1)
