"""The clock of the first look: "Initial assessment (within 5 minutes)" as a heading is a promise of every severity."""

from __future__ import annotations

import re

import msgspec

from tocsin.core.policy import Cited, Severity, Source
from tocsin.guide.blocks import Document
from tocsin.guide.inline import plain
from tocsin.guide.notes import Notes
from tocsin.guide.quantity import deadline, scan

CLOCK = "initial assessment"  # as core.rulebook keeps it: until somebody has looked
_TITLE = re.compile(r"(?:[\d.]+\s*)?initial\s+(?:assessment|triage)\s*[(:–—-]\s*(?P<limit>[^()]{1,60})\)?", re.I)


def with_assessment(document: Document, severities: tuple[Severity, ...], notes: Notes) -> tuple[Severity, ...]:
    """The severities, with the clock of the initial assessment where one heading sets an upper limit for all of them."""
    found = []
    for section in document.sections():
        match = _TITLE.fullmatch(plain(section.raw)) if section.level and section.region == "policy" else None
        limits = scan(match["limit"]) if match else []
        if len(limits) == 1 and limits[0].kind == "elapsed" and limits[0].bound == "<=":
            found.append((section.line, deadline(limits[0])))
    if len(found) != 1 or found[0][1] is None:
        return severities
    line, limit = found[0]
    assert limit is not None
    notes.use(line)
    return tuple(
        each
        if CLOCK in each.clocks
        else msgspec.structs.replace(
            each, clocks={**each.clocks, CLOCK: limit}, cited={**each.cited, CLOCK: Cited(source=Source(line=line))}
        )
        for each in severities
    )
