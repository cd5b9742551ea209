"""Values of a policy as people say them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tocsin.core.policy import Deadline

_CLAUSE = re.compile(
    r"(?:If|When|Where|While|Unless|Should|Once|Only|For|In|On|At|As|After|Before|During|Upon|Within|Notify|Any|All|Each|Every)\b"
)
_UNITS = ((604800, "week"), (86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


def span(limit: Deadline | None) -> str:
    """`15 minutes`, `2 business days`, `the next business day`, `nothing`."""
    if limit is None:
        return "nothing"
    if limit.seconds is not None:
        return _seconds(limit.seconds)
    for count, unit in ((limit.business_days, "business day"), (limit.business_hours, "business hour"), (limit.calendar_days, "calendar day"), (limit.months, "month")):  # fmt: skip
        if count is not None:
            return f"{count} {unit}{'' if count == 1 else 's'}"
    if limit.calendar:
        return f"the {limit.calendar.replace('_', ' ')}"
    return f'"{limit.text or limit.milestone or limit.qualitative}" (no timer)'


def _seconds(seconds: int) -> str:
    if seconds == 0:
        return "at once"
    for size, unit in _UNITS:
        if seconds % size == 0 and not (unit == "week" and seconds > size * 8):
            count = seconds // size
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{seconds} seconds"


def inside(clause: str) -> str:
    """A clause as it stands inside a sentence: `If it is down` loses its capital, `SEV1 only` and names do not."""
    return clause[:1].lower() + clause[1:] if _CLAUSE.match(clause) else clause


def within(limit: Deadline) -> str:
    """`within 15 minutes`, `at once`, `by the next business day`."""
    said = span(limit)
    if said == "at once":
        return said
    return f"by {said}" if said.startswith("the ") else said if said.startswith('"') else f"within {said}"


def due(limit: Deadline | None) -> str:
    """`within 15 minutes`, `at once`, `by the next business day`, `at no stated time`."""
    return "at no stated time" if limit is None else within(limit)


def every(limit: Deadline) -> str:
    """`every 30 minutes`, `every hour`, `every day`."""
    said = span(limit)
    return f"every {said.removeprefix('1 ')}"


def listing(names: Sequence[str], nobody: str = "nobody") -> str:
    """`A`, `A and B`, `A, B and C`."""
    if not names:
        return nobody
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def severities(names: Sequence[str]) -> str:
    return listing(names) if names else "every severity"


def count(number: int, thing: str) -> str:
    """`1 step`, `2 steps`."""
    return f"{number} {thing}{'' if number == 1 else 's'}"
