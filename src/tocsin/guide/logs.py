"""A page that keeps the log of incidents may say below it what its severities mean."""

from __future__ import annotations

import re

_LOG = re.compile(r"\bincident (?:history|log)\b", re.I)
_DEFINITIONS = re.compile(
    r"^(?:[\d.]+\s+)?(?:incident\s+)?severity\s+(?:levels?|definitions?|classification|scale)$", re.I
)


def of_a_log(path: list[str], title: str) -> bool:
    """Whether the heading defines severities right below the title of a log; the entries of the log define none."""
    titles = [each for each in path if each]
    return len(titles) == 1 and bool(_LOG.search(titles[0]) and _DEFINITIONS.match(title))
