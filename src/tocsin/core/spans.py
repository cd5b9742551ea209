"""Deadlines as people write them in a policy: `15m`, `1h30m`, `2 business days`, `next business day`, `1 month`.

This is the short form of policy files, exact and small. What guides say in prose is read by the guide's compiler.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import get_args

from tocsin.core.policy import Calendar, Deadline

EXAMPLES = "15m, 1h30m, 24h, 2 business days, next business day, 30 days or 1 month"

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_CLOCK = re.compile(r"([0-9]+) *([a-z]+)")
_COUNT = re.compile(r"([0-9]{1,6}) +(business days?|business hours?|calendar days?|months?)")
_WORDS = {
    "s": "s", "sec": "s", "secs": "s", "second": "s", "seconds": "s",
    "m": "m", "min": "m", "mins": "m", "minute": "m", "minutes": "m",
    "h": "h", "hr": "h", "hrs": "h", "hour": "h", "hours": "h",
    "d": "d", "day": "d", "days": "d", "w": "w", "week": "w", "weeks": "w",
}  # fmt: skip
_CALENDARS: dict[str, Calendar] = {name.replace("_", " "): name for name in get_args(Calendar)}


def parse_deadline(text: str) -> Deadline | None:
    """The deadline that the text says, or None. A bare number is none: its unit would be a guess, except for 0."""
    said = " ".join(text.strip().casefold().split())
    if said in ("0", "immediate", "immediately"):
        return Deadline(seconds=0)
    if said in _CALENDARS:
        return Deadline(calendar=_CALENDARS[said])
    counted = _COUNT.fullmatch(said)
    if counted:
        number, unit = int(counted[1]), counted[2]
        if unit.startswith("business day"):
            return Deadline(business_days=number)
        if unit.startswith("business hour"):
            return Deadline(business_hours=number)
        return Deadline(calendar_days=number) if unit.startswith("calendar") else Deadline(months=number)
    seconds = parse_seconds(said)
    return None if seconds is None else Deadline(seconds=seconds)


def parse_seconds(text: str) -> int | None:
    """Elapsed seconds of `90s`, `15 min`, `1h30m` or `2 days`, or None."""
    said = text.strip().casefold()
    total, at = 0, 0
    while at < len(said):
        part = _CLOCK.match(said, at)
        if part is None or part[2] not in _WORDS or len(part[1]) > 12:
            return None
        total += int(part[1]) * _SECONDS[_WORDS[part[2]]]
        at = part.end()
        while at < len(said) and said[at] == " ":
            at += 1
    return total if said else None


def show_seconds(seconds: int) -> str:
    """The shortest text that `parse_seconds` reads back."""
    if seconds == 0:
        return "0s"
    parts = []
    for unit in ("d", "h", "m", "s"):
        count, seconds = divmod(seconds, _SECONDS[unit])
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts)


def show_instant(at: datetime, now: datetime) -> str:
    """`17:00 UTC`, with the date when it is another day than `now`."""
    return f"{at:%H:%M} UTC" if at.date() == now.date() else f"{at:%Y-%m-%d %H:%M} UTC"


def show_deadline(deadline: Deadline) -> str | None:
    """The short form, or None when only the long one (with `text`, `not_after`, a milestone) says everything."""
    if deadline.text is not None or deadline.not_after is not None:
        return None
    for name, unit in (("business_days", "business day"), ("business_hours", "business hour"),
                       ("calendar_days", "calendar day"), ("months", "month")):  # fmt: skip
        count = getattr(deadline, name)
        if count is not None:
            return f"{count} {unit}{'' if count == 1 else 's'}" if count < 1_000_000 else None
    if deadline.calendar is not None:
        return deadline.calendar.replace("_", " ")
    return show_seconds(deadline.seconds) if deadline.seconds is not None and deadline.seconds < 10**12 else None
