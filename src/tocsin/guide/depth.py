"""Lists and quotes that are nested too deeply are cut before the page is parsed.

The parser stops at its own limit by leaving out everything up to the end of the page, also what stands behind the list.
"""

from __future__ import annotations

import re

LEVELS_MAX = 38  # of the parser's levels: a list counts two, itself and its item, and a quote one
PARSER_MAX = LEVELS_MAX + 6  # what the cut lets through is never left out by the parser
_MARKER = re.compile(r"[ \t]*(?:(?P<list>[-*+]|\d{1,9}[.)])(?=[ \t])|>)")


def cut_deep(lines: list[str], fenced: set[int]) -> int:
    """Blanks lines that open a level too many, in place; the first of them from 1, or 0."""
    first = 0
    open_at: list[tuple[int, int]] = []  # (column, levels so far) of the markers that the next line may stand under
    for n, line in enumerate(lines):
        text = line.lstrip()
        if not text or n in fenced:
            continue
        indent = len(line) - len(text)
        while open_at and open_at[-1][0] >= indent:
            open_at.pop()
        levels = open_at[-1][1] if open_at else 0
        at, found = 0, _MARKER.match(line)
        while found and levels <= LEVELS_MAX:
            levels += 2 if found["list"] else 1
            at = found.end()
            open_at.append((at - 1, levels))
            found = _MARKER.match(line, at)
        if levels > LEVELS_MAX:
            lines[n] = ""
            first = first or n + 1
            while open_at and open_at[-1][1] > LEVELS_MAX:
                open_at.pop()
    return first
