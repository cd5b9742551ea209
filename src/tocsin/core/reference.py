"""The references people say: `INC-2024-001` (a year's count) and `INC-2026-11-23-001` (a day's count).

Numbers count from 1 and grow past 999 without a break: `INC-2026-1000` follows `INC-2026-999`. The year and the day are
those of the tenant's zone at the opening. Source: REQUIREMENTS REC-01 and REC-02.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

ReferenceFormat = Literal["INC-YYYY-NNN", "INC-YYYY-MM-DD-NNN"]

DIGITS_MIN = 3
_REFERENCE = re.compile(r"INC-([0-9]{4})(?:-([0-9]{2})-([0-9]{2}))?-([0-9]{3,12})", re.IGNORECASE | re.ASCII)


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """A reference taken apart. `day` is None for a year's count."""

    format: ReferenceFormat
    year: int
    day: date | None
    number: int


def counter(format: ReferenceFormat, opened_at: datetime, zone: str = "UTC") -> str:
    """The name of the counter that numbers an incident opened then, such as `INC-2026` or `INC-2026-11-23`.

    Counters of both formats live side by side, so that changing the format reuses no number.
    Raises ZoneInfoNotFoundError if `zone` is not an IANA name.
    """
    local = opened_at.astimezone(ZoneInfo(zone))
    return f"INC-{local:%Y}" if format == "INC-YYYY-NNN" else f"INC-{local:%Y-%m-%d}"


def reference(format: ReferenceFormat, number: int, opened_at: datetime, zone: str = "UTC") -> str:
    """The reference of the `number`th incident of its period. Raises ValueError below 1."""
    if number < 1:
        raise ValueError(f"number: expected at least 1, got {number}")
    return f"{counter(format, opened_at, zone)}-{number:0{DIGITS_MIN}d}"


def parse_reference(text: str) -> Reference | None:
    """What a reference says, in any letter case, or None when the text is none."""
    found = _REFERENCE.fullmatch(text.strip())
    if found is None:
        return None
    year, month, day, digits = found.groups()
    number = int(digits)
    if number < 1 or f"{number:0{DIGITS_MIN}d}" != digits:
        return None
    if month is None:
        return Reference(format="INC-YYYY-NNN", year=int(year), day=None, number=number)
    try:
        on = date(int(year), int(month), int(day))
    except ValueError:
        return None
    return Reference(format="INC-YYYY-MM-DD-NNN", year=int(year), day=on, number=number)
