"""What stands above a list and says what it lists: "Target response times:", a bold line, the heading."""

from __future__ import annotations

import re
from bisect import bisect_left

from tocsin.guide.blocks import LABEL_LEVEL, Block, Section
from tocsin.guide.clocks import clock_of, context_clock
from tocsin.guide.inline import plain

LEAD_CHARS_MAX = 80  # a longer line is a paragraph and no label of the list below it
_BY_SEVERITY = re.compile(r"\s+(?:by|per|for\s+(?:each|every))\s+(?:severity|priority|level|sev)(?:\s+level)?$", re.I)
_OURS = re.compile(r"^(?:the|our|these|expected|we\s+aim\s+to|aim\s+to)\s+", re.I)


def lead_into(section: Section, block: Block) -> str:
    """The line right above a list that ends in a colon, or the bold line that the list stands under; else nothing."""
    at = bisect_left(section.blocks, block.line, key=lambda each: each.line)
    before = section.blocks[at - 1] if at else None
    return lead_line(before, block) or (section.title if before is None and section.level == LABEL_LEVEL else "")


def lead_line(before: Block | None, block: Block) -> str:
    """The last line of the paragraph above, where it is a label of the list: "Resolution targets:"."""
    if before is None or before.kind != "paragraph" or before.end + 2 < block.line:
        return ""
    words = plain(before.text.rsplit("\n", 1)[-1]).strip()
    return words if len(words) <= LEAD_CHARS_MAX and words.endswith((":", "：")) else ""


def lead_clock(lead: str) -> str:
    """The clock that the list below such a line sets; "" where the line names none."""
    words = _OURS.sub("", _BY_SEVERITY.sub("", lead.strip(" :：")))
    kind = clock_of(words)
    return (
        kind
        if kind in ("respond", "resolve", "acknowledge", "contain", "mitigate", "first_update")
        else context_clock(words)
    )
