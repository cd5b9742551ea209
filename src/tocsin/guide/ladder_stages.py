"""Escalation ladders in stages: "First escalation (15 minutes without an answer):" over a list of those who are called then."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from tocsin.guide.blocks import Block, Section
from tocsin.guide.inline import plain
from tocsin.guide.ladder_doubts import of_some
from tocsin.guide.ladder_sentences import waits
from tocsin.guide.ladder_timelines import called
from tocsin.guide.parties import PARTY, parties
from tocsin.guide.quantity import Quantity, scan
from tocsin.guide.rungs import RUNGS_MAX, Rung, counts, start

LABEL_CHARS_MAX = 120
_FIRST = re.compile(
    r"(?:initial|immediate|first)\s+(?:response|page|notification|contact|alert|responder)s?\b|immediate(?:ly)?\b", re.I
)
_STAGE = re.compile(
    r"(?:first|second|third|fourth|1st|2nd|3rd|4th|initial|final|next|management|manager|executive|leadership|senior)\s+(?:level\s+)?escalation\b"
    r"|escalation\s+(?:level\s+)?\d\b",
    re.I,
)
_AFTER = re.compile(r"[(:–—-]\s*(?:after\s+|at\s+|>\s*)?(?P<said>[^()]*\d[^()]*?)\)?\s*:?$")
_CALLS = re.compile(
    r"(?:\b(?:alert|page|incident|it)\s+(?:is\s+|gets\s+)?(?:auto\w*[\s-]+)?(?:routed|sent|escalated|goes|assigned)\s+to\s+)(?P<who>.{2,60})$",
    re.I,
)
_OR = re.compile(r"\s+or\s+", re.I)


def of_stages(section: Section) -> list[Rung]:
    """The ladder of a section whose lists stand under labels that say when; [] where a label of them says it otherwise."""
    rungs: list[Rung] = []
    for label, block in [*_labelled(section.blocks), *_headed(section.sections)]:
        stage = _STAGE.match(label)
        if not stage and not (not rungs and _FIRST.match(label)):
            if rungs:
                break  # what stands below the stages is other work
            continue
        who = tuple(dict.fromkeys(name for item in block.items for name in _called(plain(item.text))))
        time = _when(label)
        if not who or of_some(label) or (stage is not None and time is None and bool(rungs)):
            return []
        rungs.append(
            Rung(
                number=len(rungs) + 1,
                who=who,
                line=block.items[0].line,
                reach=time if rungs else None,
                since_start=True,
            )
        )
    starts = [start(rung.reach) for rung in rungs[1:]]
    rising = all(one is not None and other is not None and one < other for one, other in pairwise([0, *starts]))
    return rungs if 1 < len(rungs) <= RUNGS_MAX and rising else []


def _labelled(blocks: Sequence[Block]) -> Iterator[tuple[str, Block]]:
    """(the words of a line that ends with a colon, the list right under it)."""
    for above, block in pairwise(blocks):
        label = plain(above.text).strip() if above.kind == "paragraph" and "\n" not in above.text.strip() else ""
        if (
            block.kind == "list"
            and label.endswith(":")
            and len(label) <= LABEL_CHARS_MAX
            and block.line <= above.end + 2
        ):
            yield label, block


def _headed(sections: Sequence[Section]) -> Iterator[tuple[str, Block]]:
    """(a title, the list right under it): a line in bold letters is a heading."""
    for child in sections:
        if child.blocks and child.blocks[0].kind == "list" and len(child.title) <= LABEL_CHARS_MAX:
            yield child.title, child.blocks[0]


def _when(label: str) -> Quantity | None:
    """The time of a label; of "15 minutes without an answer or 30 minutes without a resolution" the smaller counts."""
    found = _AFTER.search(label)
    parts = _OR.split(found["said"]) if found else []
    times = [list(scan(part)) for part in parts]
    if not parts or any(len(each) != 1 or not counts(each[0]) for each in times):
        return None
    if len(parts) > 1 and not all(waits(part) for part in parts):
        return None
    return min((each[0] for each in times), key=lambda each: start(each) or 0)


def _called(text: str) -> tuple[str, ...]:
    """Whom an item calls; other work under a label calls nobody."""
    words = _ADVERB.sub(" ", text)
    found = _CALLS.search(words) or _CALLED.match(words)
    if found:
        return tuple(name for name in parties(found["who"]) if PARTY.search(name))
    return called(words) if _CALL.match(words) else ()


_ADVERB = re.compile(r"\s+(?:automatically|immediately|also)\s+", re.I)
_CALLED = re.compile(
    r"(?P<who>.{2,60}?)\s+(?:is\s+|are\s+)?(?:notified|paged|alerted|called|informed|engaged|activated)\b", re.I
)
_CALL = re.compile(r"(?:escalate|page|notify|call|alert|inform|contact|engage|wake)\b", re.I)
