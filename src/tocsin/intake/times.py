"""One lenient reader for every way a monitor writes an instant. It never raises: what it cannot read is None."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

# Nothing that Tocsin watches happened before 1971 or will happen after 2200. Outside, a value is a default, a unit
# mistake or garbage, and later arithmetic on it would overflow.
YEAR_MIN = 1971
YEAR_MAX = 2200
TEXT_MAX = 80  # the longest dialect below has 41 characters

# How senders write "there is no such instant": Go's zero time, epoch zero, and the words of templates.
ABSENT = frozenset({"", "0", "null", "none", "nil", "-", "n/a", "<no value>"})
ZERO_TIMES = ("0001-01-01", "0000-00-00", "1970-01-01T00:00:00")

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST = datetime(YEAR_MIN, 1, 1, tzinfo=UTC)
LATEST = datetime(YEAR_MAX, 12, 31, tzinfo=UTC)

# Numbers name their unit by their size: each band spans 1971..2200, and the bands do not overlap.
UNITS_PER_SECOND = (1, 1_000, 1_000_000, 1_000_000_000)
SECONDS_MIN = 31_536_000
SECONDS_MAX = 7_289_568_000

LENIENT = re.compile(
    r"(\d{4})[-/.]?(\d{2})[-/.]?(\d{2})"
    r"(?:[Tt_ ]+(\d{1,2}):?(\d{2})(?::?(\d{2})(?:[.,](\d+))?)?)?"
    # An abbreviation is read past after a numeric offset only: alone, "CET" or "IST" names no instant.
    r"\s*(?:(?:UTC|GMT)?\s*([+-])(\d{2}):?(\d{2})?(?:\s*(?:[Zz]|[A-Z]{3,5}))?|[Zz]|UTC|GMT)?(?:\s+m=[+-][\d.]+)?",
    re.ASCII,
)
RFC_2822 = re.compile(
    r"(?:[A-Za-z]{3,9},?\s+)?(\d{1,2})[\s-]([A-Za-z]{3})[a-z]*[\s-](\d{4})\s+(\d{1,2}):(\d{2})(?::(\d{2}))?"
    r"\s*(?:([+-])(\d{2}):?(\d{2})|GMT|UTC|UT|Z)?",
    re.ASCII,
)
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def read_time(value: object) -> datetime | None:
    """The instant that `value` means, aware UTC, or None when it means none or cannot be read.

    Text: ISO 8601 in its extended and basic forms with any number of fraction digits (kept to the microsecond), `Z`,
    `+0000`, `+00:00` or the invalid `+00:00Z`; a date alone is its midnight; without a zone it is UTC; RFC 2822 dates
    and what Go's `time.String()` prints. Numbers, also as text: Unix seconds, milli-, micro- or nanoseconds, told apart
    by their size. Years outside 1971..2200 are None. A leap second is the second before it.
    """
    if isinstance(value, str):
        return _read_text(value)
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return _read_number(value)
    return None


def is_absent(value: object) -> bool:
    """True when `value` is a sender's way to say that there is no such instant, as against one that is unreadable."""
    if value is None or value is False or (isinstance(value, int | float) and value <= 0):
        return True
    if not isinstance(value, str):
        return False
    text = value.strip()
    return text.lower() in ABSENT or text.startswith(ZERO_TIMES)


def _read_text(value: str) -> datetime | None:
    try:  # The common case, in C: about half a microsecond.
        at = datetime.fromisoformat(value) if value[4:5] == "-" else None
    except ValueError:
        at = None
    if at is not None:
        return _bounded(at)
    text = value.strip() if len(value) <= TEXT_MAX else ""
    if not text or not text.isascii():
        return None
    if text.isdigit() and len(text) in (12, 14) and text.startswith("20"):  # 20261121063952: a basic date and time
        return _built(text[:4], int(text[4:6]), text[6:8], text[8:10], text[10:12], text[12:], None, None, None, None)
    if (number := _as_number(text)) is not None:
        return _read_number(number)
    if match := LENIENT.fullmatch(text):
        year, month, day, hour, minute, second, fraction, sign, offset_h, offset_m = match.groups()
        return _built(year, int(month), day, hour, minute, second, fraction, sign, offset_h, offset_m)
    if match := RFC_2822.fullmatch(text):
        day, name, year, hour, minute, second, sign, offset_h, offset_m = match.groups()
        if name.lower() in MONTHS:
            month_number = MONTHS.index(name.lower()) + 1
            return _built(year, month_number, day, hour, minute, second, None, sign, offset_h, offset_m)
    return None


def _as_number(text: str) -> float | int | None:
    """Digits, with or without a fraction, unless they are a basic date: `20261121` is a day, not a second of 1970."""
    whole, _, fraction = text.partition(".")
    if not whole.isdigit() or len(whole) <= 8 or (fraction and not fraction.isdigit()):
        return None
    return float(text) if fraction else int(whole)


def _read_number(number: float | int) -> datetime | None:
    for units in UNITS_PER_SECOND:
        if SECONDS_MIN * units <= number < SECONDS_MAX * units:  # False for NaN and the infinities
            if isinstance(number, int):
                return _bounded(EPOCH + timedelta(microseconds=number * 1_000_000 // units))
            return _bounded(EPOCH + timedelta(seconds=number / units))
    return None


def _built(
    year: str,
    month: int,
    day: str,
    hour: str | None,
    minute: str | None,
    second: str | None,
    fraction: str | None,
    sign: str | None,
    offset_hours: str | None,
    offset_minutes: str | None,
) -> datetime | None:
    offset = timedelta(hours=int(offset_hours or 0), minutes=int(offset_minutes or 0))
    try:
        zone = timezone(-offset if sign == "-" else offset) if offset else UTC
        at = datetime(
            int(year),
            month,
            int(day),
            int(hour or 0),
            int(minute or 0),
            min(int(second or 0), 59) if second == "60" else int(second or 0),
            int((fraction or "0")[:6].ljust(6, "0")),
            tzinfo=zone,
        )
    except ValueError:
        return None
    return _bounded(at)


def _bounded(at: datetime) -> datetime | None:
    """`at` in UTC when it lies in the years that can be meant; naive is UTC."""
    try:
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError:  # the first or last day of the calendar with an offset
        return None
    return at if EARLIEST <= at <= LATEST else None
