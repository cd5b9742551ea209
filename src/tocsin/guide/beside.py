"""Severities with a quantity right behind each, in one line: "Updates: P0 (15 min), P1 (hourly), P2 (daily)"."""

from __future__ import annotations

import re

from tocsin.guide.ids import ID, key, run_of_ids
from tocsin.guide.inline import plain
from tocsin.guide.quantity import PHRASE_CHARS_MAX, Quantity, read

_BETWEEN = re.compile(r"[\s(:=→–—-]*(?P<said>[^()]{1,60}?)\)?[\s,;./|&]*(?:and\s*)?")


def beside(text: str, known: dict[str, str]) -> dict[str, Quantity]:
    """The quantity of each severity, where at least two are named and every one has its own; else nothing."""
    words = plain(text)
    if len(words) > PHRASE_CHARS_MAX:
        return {}
    found = list(ID.finditer(words))
    pairs: dict[str, Quantity] = {}
    for n, match in enumerate(found):
        end = found[n + 1].start() if n + 1 < len(found) else len(words)
        if len(run_of_ids(words, match)) > 1:
            return {}
        between = _BETWEEN.fullmatch(words[match.end() : end])
        quantity = read(between["said"]) if between else None
        severity = known.get(key(match[0]))
        if quantity is None or severity is None or severity in pairs:
            return {}
        pairs[severity] = quantity
    return pairs if len(pairs) > 1 else {}
