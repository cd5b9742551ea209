"""What a guide wants again and again without saying how often: no duty can be made of it, and a finding says so."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tocsin.guide.blocks import Block, Document
from tocsin.guide.inline import plain
from tocsin.guide.notes import Notes
from tocsin.guide.quantity import scan

WORDS_MAX = 200  # characters of a line that asks for one thing

_AGAIN = re.compile(
    r"\b(?:regular(?:ly)?|periodic(?:ally)?|routine(?:ly)?|on a recurring basis|from time to time)\b", re.I
)
_WORK = re.compile(
    r"\b(?:drills?|exercises?|rehears\w+|simulations?|game\s?days?|tabletops?|test(?:s|ed|ing)?|audits?|audited|review(?:s|ed|ing)?"
    r"|assess(?:es|ed|ments?)?|trainings?|trained|penetration|chaos|rotat\w+|verif\w+)\b",
    re.I,
)
_DRILLS = re.compile(r"\b(?:drills?|exercises?|simulations?|game\s?days?|tabletops?)\b", re.I)
_NEWS = re.compile(
    r"\bupdates? (?:to|for|during)\b|\bstatus updates?\b|\bduring (?:the |an |active )?incidents?\b", re.I
)


def missing_periods(document: Document, notes: Notes) -> None:
    """A finding for each line that asks for recurring upkeep or a drill and names no period."""
    for section in document.sections():
        if section.region != "policy":
            continue
        drills = bool(re.fullmatch(rf"\W*(?:\w+ ){{0,2}}{_DRILLS.pattern}\W*", section.title, re.I))
        for block in section.blocks:
            for line, text in _lines(block):
                words = plain(text)
                if line in notes.used or len(words) > WORDS_MAX or scan(words) or _NEWS.search(words):
                    continue
                if (_AGAIN.search(words) and _WORK.search(words)) or (drills and _DRILLS.search(words)):
                    message = f'"{words[:100]}" is asked for again and again, and no period is named: it is no duty'
                    notes.add("GUIDE-PERIOD", "note", line, message, "say how often: monthly, quarterly, once a year")


def _lines(block: Block) -> Iterator[tuple[int, str]]:
    if block.kind == "paragraph":
        yield from block.lines()
    for row in block.rows:
        yield row.line, " | ".join(row.cells)
    for item in block.items:
        yield item.line, item.text.replace("\n", " ")
        for inner in item.blocks:
            yield from _lines(inner)
