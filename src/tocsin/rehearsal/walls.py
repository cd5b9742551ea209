"""Instants as people write them: a wall time in a zone, or an offset from the opening."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from tocsin.core.spans import parse_seconds, show_seconds

_WALL = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2}(?::[0-9]{2})?)(Z|[+-][0-9]{2}:[0-9]{2})?")
UNTIL = "8h"  # how long a rehearsal lasts where nothing else is said
EXPECTED = "an offset such as +15m or a time such as 2026-12-24 17:30"


def zone_of(name: str) -> ZoneInfo:
    """Raises ValueError for a name that is no IANA zone."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"zone: expected an IANA name such as Europe/Berlin, got {name!r}") from None


def instant(text: str, zone: ZoneInfo) -> datetime:
    """The instant of a wall time in `zone` (a `Z` or an offset behind it beats the zone), aware UTC.

    A wall time that the spring change leaves out is the first instant after the gap, one that comes twice in autumn
    the first of both. Raises ValueError.
    """
    found = _WALL.fullmatch(text.strip())
    try:
        wall = datetime.fromisoformat(f"{found[1]}T{found[2]}") if found else None
    except ValueError:
        wall = None
    if found is None or wall is None:
        raise ValueError(f"expected a time such as 2026-12-24 17:30, got {text!r}")
    if found[3]:
        return datetime.fromisoformat(f"{wall.isoformat()}{found[3].replace('Z', '+00:00')}").astimezone(UTC)
    late = wall.replace(tzinfo=zone).astimezone(UTC)
    if late.astimezone(zone).replace(tzinfo=None) == wall:
        return late
    early = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)  # before the gap, as `late` is behind it
    return _change(early, late, zone)


def _change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The second at which the zone's offset becomes that of `after`."""
    target = after.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        if middle.astimezone(zone).utcoffset() == target:
            after = middle
        else:
            before = middle
    return after


def moment(text: str, start: datetime, zone: ZoneInfo) -> datetime:
    """`+15m` after `start`, or a wall time. Raises ValueError."""
    said = text.strip()
    if said in ("0", "+0"):
        return start
    seconds = parse_seconds(said.removeprefix("+"))
    if seconds is not None:
        return start + timedelta(seconds=seconds)
    try:
        return instant(said, zone)
    except ValueError:
        raise ValueError(f"expected {EXPECTED}, got {text!r}") from None


def offset(at: datetime, start: datetime) -> str:
    """`+1h30m`: what `moment` reads back."""
    seconds = int((at - start).total_seconds())
    return f"+{show_seconds(seconds)}" if seconds >= 0 else f"-{show_seconds(-seconds)}"
