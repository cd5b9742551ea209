"""When a level is reached that stands under its own heading: "Escalate if unresolved after 2 hours" in the lines below it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import msgspec

from tocsin.guide.blocks import Section
from tocsin.guide.ids import ID
from tocsin.guide.inline import plain, split_label
from tocsin.guide.ladder_doubts import of_some
from tocsin.guide.ladder_sentences import waits
from tocsin.guide.quantity import Quantity, scan
from tocsin.guide.rungs import TRIGGER, Rung, counts

_DUE = re.compile(
    r"escalat\w*\s+(?:to\s.{1,30}\s)?(?:if|when)\s+(?:the\s+|an?\s+)?(?:incident|issue|outage|problem|it|duration|is|not|un\w+|still|open|\s)+\b.{0,24}(?:after|exceeds|longer than|more than|for|>)\s?",
    re.I,
)
_WHEN = re.compile(
    r"when to (?:escalate|engage|call|involve)|escalat\w*\s+(?:if|when|triggers?|criteria)|triggers?|engaged? (?:if|when)",
    re.I,
)
_SILENT = re.compile(
    r"\b(?:unresponsive|unreachable|unavailable|unacknowledged|(?:no|not|does\s?n[o']t|did\s?n[o']t|fails?\s+to)\s+(?:\w+\s+)?(?:ack\w*|respon\w+|answer\w*)|unable\s+to\s+(?:ack\w*|respon\w+))\b",
    re.I,
)
_ONWARD = re.compile(
    r"escalate\s+to\s+(?:the\s+)?(?:next|(?:tier|level|l)\s?-?\d)[\w\s]{0,12}\b(?:when|if|after)\b", re.I
)
_BARE = re.compile(
    r"(?:after|at|>|\+|t\s?\+)?\s*\d{1,3}\+?\s?[a-z]{1,7}\.?(?:\s+(?:elapsed|passed|have\s+passed|from\s+(?:the\s+)?start|since\s+(?:the\s+)?(?:start|detection|alert)))?",
    re.I,
)
_LASTS = re.compile(r"(?:incident|outage|issue)s?\s+(?:duration|lasts?|lasting|ongoing|unresolved)\b", re.I)
_GOES_ON = re.compile(
    r"(?:the\s+|an?\s+|any\s+)?(?:incident|issue|outage|problem)s?\s+(?:is\s+)?(?:still\s+)?(?:ongoing|unresolved|open|not\s+resolved|lasts?|lasting|continues|persists)\b",
    re.I,
)


def due_of(rung: Rung, section: Section) -> Rung:
    """The rung with the one time after which its section says that it is reached, for every severity; else as it was.

    An incident that goes on counts from its opening, somebody who does not answer from the level before.
    """
    found = [(each, opened) for text, opened in _conditions(section) for each in scan(text) if each.kind == "elapsed"]
    if len(found) != 1 or not found[0][0].value:
        return rung
    return msgspec.structs.replace(rung, reach=found[0][0], since_start=found[0][1], unclear="")


def trigger(said: str) -> tuple[Quantity, bool] | None:
    """What "Trigger: after 10 min" says: when the level is called, and whether that counts from the opening."""
    first = re.split(r",?\s+or\s+|;|,\s", said)[0]
    found = scan(first)
    if len(found) != 1 or len(scan(said)) != 1 or not counts(found[0]) or not found[0].value or of_some(said):
        return None
    if _BARE.fullmatch(first.strip(" .()")) or _GOES_ON.match(first):
        return found[0], True
    return (found[0], False) if _SILENT.search(first) or waits(first) else None


def triggered(rung: Rung, lines: Iterable[str]) -> Rung:
    """The rung with the time of the one line under it that says when it is called."""
    told = [said for line in lines if (label := TRIGGER.match(line)) and scan(said := line[label.end() :])]
    due = trigger(told[0]) if len(told) == 1 else None
    if due is None or rung.reach is not None or rung.hold is not None:
        return rung
    return msgspec.structs.replace(rung, reach=due[0], since_start=due[1], unclear="")


def waited(text: str) -> Quantity | None:
    """`Cannot resolve within 30 minutes, or too hard`: the one time of the first case, where it is that nothing was mended."""
    first = re.split(r",?\s+or\s+|;|,\s", text)[0]
    found = [each for each in scan(first) if each.kind == "elapsed" and each.value]
    return found[0] if len(found) == 1 and len(scan(text)) == 1 and waits(first) and not ID.search(text) else None


def hold_of(rung: Rung, section: Section) -> Rung:
    """The rung with the one time under "Escalate to tier 2 when:": how long it has before the next one is called."""
    found: list[tuple[Quantity, bool]] = []
    for child in section.sections:
        if not _ONWARD.match(child.title):
            continue
        for said in (plain(item.text) for block in child.blocks for item in block.items):
            if _SILENT.search(said) or _LASTS.match(said):
                timed = [
                    each for text, _ in _for_all(said, opened=False) for each in scan(text) if each.kind == "elapsed"
                ]
                found += [(each, _LASTS.match(said) is not None) for each in timed]
    if len(found) != 1 or not found[0][0].value:
        return rung
    return msgspec.structs.replace(rung, hold=found[0][0], since_start=found[0][1], unclear="")


def _conditions(section: Section) -> Iterator[tuple[str, bool]]:
    for block in section.blocks:
        for item in block.items:
            text = plain(item.text)
            if _DUE.match(text):
                yield from _for_all(text, opened=True)
            label = split_label(item.text.split("\n")[0])
            if not _WHEN.fullmatch((label.label if label else text).strip(" :*")):
                continue
            below = [plain(sub.text) for inner in item.blocks for sub in inner.items]
            for said in [*below, *([plain(label.value)] if label and label.value and not TRIGGER.match(text) else [])]:
                if _SILENT.search(said):
                    yield from _for_all(said, opened=False)
                elif _GOES_ON.match(said):
                    yield from _for_all(said, opened=True)


def _for_all(text: str, *, opened: bool) -> Iterator[tuple[str, bool]]:
    if not ID.search(text):
        yield text, opened


_ESCALATE = re.compile(r"^(?:auto(?:matic(?:ally)?)?[\s-]+)?escalat\w+\s+(?=if\b|when\b|after\b)", re.I)


def unless(text: str) -> Quantity | None:
    """`If not resolved in 30 min`: the one time of a condition that the incident goes on."""
    text = _ESCALATE.sub("", text)
    found = [each for each in scan(text) if each.kind != "interval"]
    if len(found) == 1 and found[0].kind == "elapsed" and re.fullmatch(r"after\s+[\w\s.]{2,16}", text, re.I):
        return msgspec.structs.replace(found[0], bound="=")
    condition = re.match(
        r"(?:if\s+|after\s+.{3,25}?\s+)?(?:still\s+)?(?:not|un|no|without)[\s-]?(?:yet\s+|a\s+|any\s+)?(?:resol|mitigat|acknowledg|ack\b|respon|progress|contain)",
        text,
        re.I,
    )
    if condition is None or len(found) != 1 or found[0].kind != "elapsed":
        return None
    return msgspec.structs.replace(found[0], bound="=") if found[0].bound == ">" else found[0]
