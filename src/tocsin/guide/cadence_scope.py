"""For which severity an interval of a sentence is: what stands behind it, up to where the sentence turns."""

from __future__ import annotations

import re

import msgspec

from tocsin.guide.ids import ID
from tocsin.guide.quantity import Quantity, normalise, scan

_UNIT = r"[\s-]*(?:s|m|h|d|secs?|seconds?|mins?|minutes?|hrs?|hours?|days?|weeks?)\b"
_ANOTHER = rf"(?:(?:sev|severity|priority|[psl])[\s-]?)?\d(?!\d|{_UNIT})"  # one more id of the same list
_TURN = re.compile(
    rf"[;.](?=\s*\w)|,\s*(?!(?:(?:and|or|&|y|e|und|et)\s+)?{_ANOTHER})(?=\w)|\s(?:and|y|e|und|et)\s+(?!{_ANOTHER})"
    rf"|,?\s*(?:and\s+)?{_ANOTHER}\s*(?::|(?:as|on|no|not|none|when|if|at|only|stays?|is|are|gets?|has|have)\b)",  # ", SEV3 as needed"
    re.I,
)
_FOR = re.compile(r"\s*(?:(?:for|on|in|at|during)\s+(?:an?\s+)?|\(\s*)", re.I)


def each_named(title: str, text: str, intervals: list[Quantity]) -> bool:
    """A checklist may hold the rule itself: "post an update every 30 minutes for SEV1, every hour for SEV2"."""
    says = re.search(r"checklist", title, re.I) and re.search(r"\bupdates?\b", text, re.I)
    return bool(says) and len(ID.findall(text)) >= len(intervals)


def up_to_the_turn(behind: str) -> str:
    """What stands behind an interval up to where the sentence turns to something else: "for SEV1, and on change for SEV3"."""
    first = ID.search(behind)
    turn = _TURN.search(behind, first.end()) if first else None
    return behind[: turn.start()] if turn else behind


def with_the_shortened(text: str, intervals: list[Quantity]) -> list[Quantity]:
    """The intervals, with those whose "every" was said once: "every 15 minutes for SEV1, 30 minutes for SEV2"."""
    if not intervals:
        return intervals
    phrase, found = normalise(text), []
    for each in scan(text):
        short = (
            each.kind == "elapsed"
            and each.bound == "="
            and each.value
            and each.start > intervals[0].start
            and re.search(r"(?:[,;/]|\band|\bor)\s*$", phrase[: each.start])
            and (leads := _FOR.match(phrase, each.end))
            and ID.match(phrase, leads.end())
        )
        if each.kind == "interval" or short:
            found.append(msgspec.structs.replace(each, kind="interval"))
    return found
