"""A compiled policy against what a careful reader extracted, field by field, by the conventions of DESIGN section 4."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from tests.shared_files import SHARED
from tocsin.core.policy import Deadline, Policy
from tocsin.guide.compile import Compiled, compile_guide

GUIDES = SHARED / "guides"


def own() -> list[tuple[Path, Path]]:
    """(guide, truth) of the five guides."""
    found = sorted(GUIDES.glob("0*.txt"))
    return [(file, GUIDES / f"seed_{file.name[:3]}.truth.json") for file in found]


def public() -> list[tuple[Path, Path]]:
    """(guide, truth) of the public ones."""
    return [
        (file, file.with_suffix("").with_suffix(".truth.json")) for file in sorted((GUIDES / "public").glob("*.md"))
    ]


@cache
def compiled(guide: Path) -> Compiled:
    """Once for all who ask: nobody changes it."""
    return compile_guide(guide.read_bytes(), guide.name)


def read(pair: tuple[Path, Path]) -> tuple[Compiled, dict[str, Any]]:
    guide, truth = pair
    return compiled(guide), json.loads(truth.read_text("utf-8"))


def value(limit: Deadline | None) -> int | str | None:
    """A deadline as the truth files write it."""
    if limit is None:
        return None
    if limit.seconds is not None:
        return limit.seconds
    if limit.business_days is not None:
        return f"{limit.business_days} business day{'' if limit.business_days == 1 else 's'}"
    if limit.business_hours is not None:
        return f"{limit.business_hours} business hour{'' if limit.business_hours == 1 else 's'}"
    return (limit.calendar or limit.milestone or limit.qualitative or f"{limit.months} months").replace("_", " ")


def severities(policy: Policy) -> list[tuple[Any, ...]]:
    return [
        (each.id, each.name, value(each.respond_within), value(each.resolve_within), each.source and each.source.line)
        for each in policy.severities
    ]


def true_severities(truth: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [
        (each["id"], each["name"] or "", each["response_time_s"], each["resolution_target_s"], each["line"])
        for each in truth["severities"]
    ]


def cadences(policy: Policy) -> dict[str, int | str | None]:
    found: dict[str, int | str | None] = {}
    for cadence in policy.cadences:
        for name in (cadence.severities or ("*",)) if cadence.confirmed else ():
            found.setdefault(name, value(cadence.every))
    return found


def timers(policy: Policy) -> dict[str, int | str | None]:
    return {row.severity: value(row.every) for row in policy.escalation.while_unresolved}


def ladder(policy: Policy) -> list[tuple[int, str, int | str | None]]:
    """(level, who, when it is owed) as the truth files count it: from the level before, as written."""
    found = []
    before: int | str | None = None
    for level in policy.escalation.levels:
        after = None if level.level == 1 else before
        found.append((level.level, "/".join(level.who).casefold(), after))
        before = value(level.within)
    return found


def true_ladder(truth: dict[str, Any]) -> list[tuple[int, str, int | None]]:
    """The truth's levels; the first level's 0 says nothing that null does not."""
    found = []
    for n, level in enumerate(truth["escalation_levels"], 1):
        number = level["level"] if isinstance(level["level"], int) else n
        after = None if number == 1 else level["after_s"]
        found.append((number, str(level["who"]).casefold(), after))
    return found


def same_party(got: str, truth: str) -> bool:
    """Every party that was read stands in the words of the truth."""
    return all(part in truth for part in re.split(r"/", got))


def rates(pairs: list[tuple[dict[Any, Any], dict[Any, Any]]]) -> tuple[float, float]:
    """(precision, recall) over what was claimed and what is true; nulls claim nothing."""
    claimed = [(k, v, true) for got, true in pairs for k, v in got.items() if v is not None]
    wanted = [(k, v, got) for got, true in pairs for k, v in true.items() if v is not None]
    right = sum(true.get(k) == v for k, v, true in claimed)
    found = sum(got.get(k) == v for k, v, got in wanted)
    return (right / len(claimed) if claimed else 1.0, found / len(wanted) if wanted else 1.0)
