"""Escalation ladders in headings: a level each, or a step from somebody to somebody each."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from tocsin.guide.blocks import Section
from tocsin.guide.inline import plain, split_label
from tocsin.guide.ladder_doubts import of_some
from tocsin.guide.ladder_due import due_of, hold_of, triggered, waited
from tocsin.guide.parties import PARTY, names_somebody, parties
from tocsin.guide.quantity import Quantity, read, scan
from tocsin.guide.rungs import HOLD, LEVEL, Rung, counts, rung_of
from tocsin.guide.words import ESCALATION

_ESCALATE_IF = re.compile(r"\W*escalate\s+(?:if|when)\s+(.+)$", re.I)
_ESCALATION = re.compile(ESCALATION, re.I)
_BEHIND = re.compile(r"^([^():]{3,50}?)\s*\((?:level|tier|l)\s?-?(\d)\)$", re.I)  # "Team lead (L2)"


def of_headings(section: Section) -> list[Rung]:
    rungs = []
    if steps := _of_steps(section):
        return steps
    for child in section.sections:
        level = LEVEL.match(_BEHIND.sub(r"Level \2: \1", child.title))
        if not level or not _ESCALATION.search(section.where + child.title):
            continue
        if any(
            of_some(plain(item.text)) and PARTY.search(item.text) for block in child.blocks[:1] for item in block.items
        ):
            return []  # people of its own for some severities: "VP (SEV1 and SEV2)"
        if re.search("→|->|=>", child.raw):
            return []  # a step from somebody to somebody, and not all of them follow each other
        fields = {
            label.label.casefold(): label.value
            for block in child.blocks
            for item in block.items
            if (label := split_label(item.text))
        }
        fields |= {
            label.label.casefold(): label.value
            for block in child.blocks
            if block.kind == "paragraph"
            for _, line in block.lines()
            if (label := split_label(line))
        }
        who_text = next(
            (value for name, value in fields.items() if re.match(r"who|contacts?$|role|responsible|owner|team", name)),
            "",
        )
        name = re.sub(r"\([^()]*\)", "", level[2])
        hold_text = next(
            (
                value
                for name_, value in fields.items()
                if HOLD.search(name_) or name_.startswith(("escalate after", "escalation time"))
            ),
            "",
        )
        hold = (read(plain(hold_text)) or waited(plain(hold_text))) if hold_text else _handed_on(child)
        rung = rung_of(int(level[1]), name or who_text, child.line, (), aside=level[2])
        who = parties(name) or parties(who_text)
        if rung.reach is None and rung.hold is None and hold is None:
            rung = triggered(hold_of(due_of(rung, child), child), _lines(child))
        varies = plain(hold_text) if hold is None and of_some(hold_text) else rung.varies
        rungs.append(
            msgspec.structs.replace(
                rung,
                who=who,
                hold=hold if hold and counts(hold) else rung.hold,
                varies=varies,
                unclear=rung.unclear or varies,
            )
        )
    people = all(PARTY.search(" ".join(rung.who)) or any(map(names_somebody, rung.who)) for rung in rungs)
    return rungs if all(rung.who for rung in rungs) and people else []


def _handed_on(section: Section) -> Quantity | None:
    """`- Escalate if unable to resolve in 30 minutes` under a level: how long it has, where one line says it."""
    told = [found[1] for line in _lines(section) if (found := _ESCALATE_IF.match(line)) and scan(line)]
    return waited(told[0]) if len(told) == 1 else None


def _lines(section: Section) -> Iterator[str]:
    """The items and the lines of paragraphs directly under a heading."""
    for block in section.blocks:
        yield from (plain(item.text) for item in block.items)
        if block.kind == "paragraph":
            yield from (plain(line) for _, line in block.lines())


def _of_steps(section: Section) -> list[Rung]:
    """`Level 1: On-call → manager`, `Level 2: Manager → director`: every heading goes on from where the last one led."""
    rungs: list[Rung] = []
    for child in section.sections:
        level = LEVEL.match(plain(child.raw).strip("#* "))  # a title has lost its arrows
        ends = re.split(r"\s*(?:→|->|=>)\s*", plain(level[2])) if level else []
        people = [parties(end) for end in ends]
        if len(people) != 2 or not all(people) or (rungs and rungs[-1].who != people[0]):
            return []
        if not rungs:
            rungs.append(Rung(number=1, who=people[0], line=child.line))
        rungs.append(Rung(number=len(rungs) + 1, who=people[1], line=child.line))
    return rungs if len(rungs) > 1 and all(PARTY.search(" ".join(rung.who)) for rung in rungs[:-1]) else []
