"""Escalation ladders in sentences: "If the primary does not acknowledge within 10 minutes, page the secondary"."""

from __future__ import annotations

import re

import msgspec

from tocsin.guide.ids import ID
from tocsin.guide.inline import plain
from tocsin.guide.parties import PARTY, parties
from tocsin.guide.quantity import Quantity, scan
from tocsin.guide.rungs import RUNGS_MAX, Rung, counts
from tocsin.guide.words import NEGATIVE

_CALL = r"(?:automatically\s+)?(?:escalate|page|notify|call|alert|contact|inform|engage)s?\s+(?:it\s+)?(?:to\s+)?"
_CALLED = r"(?:is|are|gets?)\s+(?:automatically\s+)?(?:paged|notified|called|alerted|contacted|informed|engaged)"
_IF = re.compile(
    rf"if\s+(?P<cond>[^,;:→]{{3,90}}?)\s*(?:,|:|→|->|—)\s*(?:then\s+)?(?:{_CALL}(?P<who>[^,;]{{2,60}}?)|(?P<whom>[^,;]{{2,60}}?)\s+{_CALLED})\s*\.?$",
    re.I,
)
_BEGIN = re.compile(
    rf"(?:(?P<whom>[^,;]{{2,60}}?)\s+{_CALLED}(?:\s+(?:first|immediately))?|{_CALL}(?P<who>[^,;]{{2,60}}?)(?:\s+(?:first|immediately))?)\s*\.?$",
    re.I,
)
_SUBJECT = re.compile(r"(?:the\s+)?(?P<who>.{2,50}?)\s+(?:does|do|has|have|is|are|fails|cannot|did)\b", re.I)
_NOT = re.compile(NEGATIVE, re.I)


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """What a sentence says: after `time`, `who` is called; `subject` is whoever did not answer, where it says so."""

    who: tuple[str, ...]
    time: Quantity
    subject: tuple[str, ...] = ()


def condition(text: str) -> Condition | None:
    """The step that a sentence sets, or None where it sets none or another kind."""
    words = plain(text)
    found = _IF.match(words) if len(words) <= 200 else None
    if found is None or ID.search(words) or not _NOT.search(found["cond"]):
        return None
    times = [each for each in scan(found["cond"]) if counts(each)]
    who = _people(found["who"] or found["whom"])
    if len(times) != 1 or not who:
        return None
    named = _SUBJECT.match(found["cond"])
    subject = parties(named["who"]) if named and PARTY.search(named["who"]) else ()
    return Condition(who=who, time=times[0], subject=subject)


def beginning(text: str) -> tuple[str, ...]:
    """Who is called first: "The primary on-call is paged."."""
    found = _BEGIN.match(plain(text))
    return _people(found["whom"] or found["who"]) if found and not scan(plain(text)) else ()


def of_sentences(lines: list[tuple[int, str]]) -> list[Rung]:
    """The ladder of sentences that follow each other; [] where one of them is of another kind."""
    rungs: list[Rung] = []
    for line, text in lines[: RUNGS_MAX + 1]:
        step = condition(text)
        if step is None:
            first = beginning(text) if not rungs else ()
            if not first:
                return []
            rungs.append(Rung(number=1, who=first, line=line))
            continue
        if not rungs and step.subject:
            rungs.append(Rung(number=1, who=step.subject, line=line))
        if not rungs or (step.subject and not _same(step.subject, rungs)):
            return []
        rungs[-1] = msgspec.structs.replace(rungs[-1], hold=step.time)
        rungs.append(Rung(number=len(rungs) + 1, who=step.who, line=line))
    return rungs if 1 < len(rungs) <= RUNGS_MAX else []


def of_paragraph(text: str, line: int) -> list[Rung]:
    """The ladder of a paragraph that says nothing else."""
    words = " ".join(plain(text).split())
    parts = [part for part in re.split(r"(?<=[a-z)])\.\s+", words) if part]
    return of_sentences([(line, part) for part in parts]) if len(words) <= 1000 else []


def _people(text: str) -> tuple[str, ...]:
    return parties(text) if PARTY.search(text) else ()


def _same(subject: tuple[str, ...], rungs: list[Rung]) -> bool:
    """Whether the subject is the one who was called last: "the secondary" is the "secondary on-call"."""
    last, said = rungs[-1].who[0].casefold(), subject[0].casefold()
    return said in last or last in said
