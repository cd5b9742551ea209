"""Times of a ladder that stand in another place than its levels: one for every level, or one beside the name of a level.

"If nobody acknowledges within 10 minutes, the page goes to the next level" gives each level its time, and "Tier 1 → Tier 2:
30 minutes" gives it to one. Only a ladder without any time of its own gets them, and two that differ are none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import msgspec

from tocsin.guide.blocks import Document
from tocsin.guide.ids import mentioned
from tocsin.guide.inline import plain
from tocsin.guide.ladder_doubts import at_some_hours, of_other_work, of_some
from tocsin.guide.ladder_sentences import waits
from tocsin.guide.ladder_severities import times_by_severity
from tocsin.guide.quantity import Quantity, scan
from tocsin.guide.rungs import Rung, counts, has_times, start
from tocsin.guide.words import ESCALATION, NEGATIVE

TOLD_MAX = 20  # sentences of one page about every level; a page with more describes a tool
CHARS_MAX = 240

_LEVEL = r"(?:level|tier|step|stage|rung|hop|layer)"
_EACH = re.compile(
    rf"\b(?:to|with|at|on)\s+(?:the\s+)?(?:next|following)\s+(?:\w+\s+){{0,2}}(?:{_LEVEL}|person|contact|responder|role|in\s+line|one)\b"
    rf"|\b(?:per|each|every|between|at\s+each)\s+(?:escalation\s+)?{_LEVEL}s?\b|\bone\s+{_LEVEL}\s+up\b|\bup\s+(?:one|the)\s+(?:{_LEVEL}|chain|ladder)\b",
    re.I,
)
_ONWARD = re.compile(rf"{ESCALATION}|time\s?out|\bwaits?\b|\bbefore\b|\bnobody\b|\bno\s?one\b|{NEGATIVE}", re.I)
_NEAR = re.compile(rf"{ESCALATION}|on[\s-]?call|\bpag(?:e|ing|er)\b|incident|alert|severit|respon", re.I)
TIME_MAX = 3 * 86400  # seconds; nobody waits for an answer longer
_ANSWERS = re.compile(r"\b(?:must|should|shall|will|has\s+to|needs?\s+to)\s+(?:respond|acknowledge|answer)\b", re.I)
_WORK = re.compile(
    r"\bupdates?\b|\bpost-?mortem|\breview|\bshifts?\b|\brotat|\bhand-?o(?:ff|ver)|\btickets?\b|\bcustomers?\b|\bbugs?\b|\bvendors?\b|\btraining\b",
    re.I,
)
_EXAMPLE = re.compile(
    r"\bfor\s+example\b|\be\.\s?g\.|\bcan\s+be\b|\bexample\b|\btypical|\brecommend|\bby\s+default\b", re.I
)

NAMED = re.compile(r"\b(?:level|tier|l)\s?-?\d", re.I)

Told = tuple[int, str]  # its line and words


class Elsewhere(msgspec.Struct, frozen=True, kw_only=True):
    """What a guide says of the times of its levels outside of them; made once for all ladders."""

    each: tuple[Told, ...]  # for every level
    named: tuple[tuple[int, int, str], ...]  # (level, line, text): for the level of that number


def elsewhere(document: Document, named: Iterable[tuple[int, int, str]]) -> Elsewhere:
    """The sentences about every level in parts of the guide that are policy, and those that name a level."""
    other = [
        (section.line, section.end or section.line) for section in document.sections() if of_other_work(section.title)
    ]
    kept = [each for each in named if not any(first <= each[1] <= last for first, last in other)]
    told = [
        each for each in islice(_told(document), TOLD_MAX) if not any(first <= each[0] <= last for first, last in other)
    ]
    return Elsewhere(each=tuple(told), named=tuple(kept))


def completed(rungs: Sequence[Rung], told: Elsewhere, known: dict[str, str]) -> list[Rung]:
    """The rungs with the times that stand elsewhere; as they were where they have any, or where two of those differ."""
    if len(rungs) < 2 or has_times(rungs) or any(rung.unclear or rung.varies or rung.partial for rung in rungs):
        return list(rungs)
    return _by_name(rungs, told.named, known) or _for_each(rungs, told.each, known) or list(rungs)


def _told(document: Document) -> Iterator[Told]:
    for section in document.sections():
        if section.region != "policy" or at_some_hours(section.title) or not _NEAR.search(section.where):
            continue
        for block in section.blocks:
            if block.kind == "paragraph":
                lines = list(block.lines())
            else:
                lines = [(item.line, item.text) for item in block.items]
            for line, text in lines:
                for said in re.split(r"(?<=[a-z)])[.;]\s+", plain(text)) if _EACH.search(text) else ():
                    if _says_each(said):
                        yield line, said


def _says_each(said: str) -> bool:
    """Whether a sentence says how long every level has; how soon each must answer is another clock."""
    onward = _EACH.search(said) and _ONWARD.search(said) and len(said) <= CHARS_MAX
    other = _ANSWERS.search(said) or _WORK.search(said) or _EXAMPLE.search(said) or at_some_hours(said)
    return bool(onward) and not other and any(_a_time(each) for each in scan(said))


def _a_time(time: Quantity) -> bool:
    begins = start(time)
    return counts(time) and time.kind != "range" and begins is not None and 0 < begins <= TIME_MAX


def _for_each(rungs: Sequence[Rung], told: Sequence[Told], known: dict[str, str]) -> list[Rung]:
    """Every level but the last with the one time that the sentences give; [] where they give several."""
    first = _agreed([_timed(rungs[0], said, known) for _, said in told])
    if first is None:
        return []
    said = first.varies
    return [
        *(msgspec.structs.replace(each, hold=first.hold, varies=said, unclear=said) for each in rungs[:-1]),
        rungs[-1],
    ]


def _by_name(rungs: Sequence[Rung], named: Sequence[tuple[int, int, str]], known: dict[str, str]) -> list[Rung]:
    """Each level with the time after which the next one is called by its number; [] where one has several or none is said."""
    filled = list(rungs)
    own = {rung.line for rung in rungs}
    for number in range(2, len(rungs) + 1):
        said = [text for level, line, text in named if level == number and line not in own]
        if len(said) > 1 and (joined := _joined(said, known)):
            said = [joined]
        sure = [bool(waits(text) or NAMED.search(text) or times_by_severity(text, known)) for text in said]
        time = _agreed([_timed(rungs[number - 2], text, known) for text in said]) if said and all(sure) else None
        if said and time is None:
            return []
        filled[number - 2] = time or filled[number - 2]
    numbered = [rung.number for rung in rungs] == list(range(1, len(rungs) + 1))
    return filled if numbered and filled != list(rungs) else []


def _agreed(found: Sequence[Rung | None]) -> Rung | None:
    """The rung with the time on which all agree; None where one is not sure or two differ."""
    sure = [each for each in found if each is not None]
    times = {(each.hold.value if each.hold else None, each.varies) for each in sure}
    return sure[0] if len(times) == 1 and len(sure) == len(found) else None


def _joined(said: Sequence[str], known: dict[str, str]) -> str:
    """`SEV1: escalate to level 2 after 15 min`, and the same for others, as one list of times by severity; "" for anything else."""
    parts: list[str] = []
    for text in said:
        times = [each for each in scan(text) if _a_time(each)]
        severities = mentioned(text, known)
        if len(times) != 1 or len(scan(text)) != 1 or not severities or not of_some(text) or _WORK.search(text):
            return ""
        parts.append(f"{times[0].text} {'/'.join(severities)}")
    return ", ".join(parts)


def _timed(rung: Rung, said: str, known: dict[str, str]) -> Rung | None:
    """The rung with the time of a sentence, for all or by severity; None where it is for some only, or not one time."""
    if of_some(said):
        varies = said if len(times_by_severity(said, known)) > 1 else ""
        return msgspec.structs.replace(rung, varies=varies, unclear=varies) if varies else None
    times = [each for each in scan(said) if _a_time(each)]
    if _WORK.search(said):
        return None
    return msgspec.structs.replace(rung, hold=times[0]) if len(times) == len(list(scan(said))) == 1 else None
