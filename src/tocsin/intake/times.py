"""One lenient reader for every way a monitor writes an instant. It never raises: what it cannot read is None."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone

# Nothing that Tocsin watches happened before 1971 or will happen after 2200. Outside, a value is a default, a unit
# mistake or garbage, and later arithmetic on it would overflow.
YEAR_MIN = 1971
YEAR_MAX = 2200
TEXT_MAX = 80  # the longest dialect below has 68 characters

# How senders write "there is no such instant": Go's zero time, epoch zero, the least and last days of other clocks, and
# the words of templates.
ABSENT = frozenset({"", "null", "none", "nil", "-", "n/a", "nan", "never", "undefined", "<no value>"})
ZERO_TIMES = ("0001-01-01", "0000-00-00", "-0001-11-30", "1601-01-01", "1970-01-01", "9999-12-31")

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST = datetime(YEAR_MIN, 1, 1, tzinfo=UTC)
LATEST = datetime(YEAR_MAX, 12, 31, tzinfo=UTC)

# Numbers name their unit by their size: each band spans 1971..2200, and the bands do not overlap.
UNITS_PER_SECOND = (1, 1_000, 1_000_000, 1_000_000_000)
SECONDS_MIN = 31_536_000
SECONDS_MAX = 7_289_568_000

_MONTH = r"(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?"
_DAY = r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*\.?,?\s+)?"
_TIME = r"(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d+))?)?(?:\s*([AaPp])\.?[Mm]\.?)?"
# An abbreviation is read past after a numeric offset only: alone, "CET" or "IST" names no instant. Those of RFC 822 do.
_OFFSET = (
    r"\s*(?:(?:UTC|GMT)?\s*([+-])(\d{2}):?(\d{2})?(?:\s*(?:[Zz]|[A-Z]{3,5}|[+-]\d{2}(?:\d{2})?))?"
    r"|[Zz]|UTC|GMT|UT|([ECMP][SD]T))?"
)
# Year first; day first (RFC 822, 850 and 2822, a web server's log); month first (`Nov 21, 2026`, browsers); the year
# last, as C and Unix print it.
LENIENT = re.compile(
    rf"(\d{{4}})[-/.]?(\d{{2}})[-/.]?(\d{{2}})(?:[Tt_ ]+(?:{_TIME}|(\d{{2}})(\d{{2}})(?:(\d{{2}})(?:[.,](\d+))?)?))?"
    rf"{_OFFSET}(?:\s+m=[+-][\d.]+)?",
    re.ASCII,
)
DAY_FIRST = re.compile(
    rf"{_DAY}(\d{{1,2}})[\s/-]+{_MONTH}[\s/-]+(\d{{4}}|\d{{2}})[\s:,]+{_TIME}{_OFFSET}", re.ASCII | re.I
)
MONTH_FIRST = re.compile(rf"{_DAY}{_MONTH}\s+(\d{{1,2}}),?\s+(\d{{4}}),?\s+(?:at\s+)?{_TIME}{_OFFSET}", re.ASCII | re.I)
YEAR_LAST = re.compile(rf"{_DAY}{_MONTH}\s+(\d{{1,2}})\s+{_TIME}{_OFFSET}\s+(\d{{4}})", re.ASCII | re.I)
# What says nothing more: a browser's name of the zone, Java's `[Europe/Paris]`, the wrapping of .NET and of `date`.
REMARK = re.compile(r"\s*(?:\([^()]*\)|\[[A-Za-z_/+-]+\])$")
WRAPPED = re.compile(r"(?:@|/Date\()(\d+(?:\.\d+)?)(?:\)/)?", re.ASCII)
NUMBER = re.compile(r"(\d+)(?:\.(\d*))?(?:[eE]\+?(\d{1,2}))?", re.ASCII)
FAR = re.compile(r"(?:2[2-9]\d\d|[3-9]\d{3})-\d{2}-\d{2}[Tt ]\d{2}:", re.ASCII)
ZERO = re.compile(r"-?0+(?:\.0*)?|-\d+(?:\.\d*)?", re.ASCII)
CLOCK = re.compile(r"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:\s*(?:[Zz]|UTC|GMT|[+-]\d{2}:?\d{2}))?", re.ASCII)
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
# Hours behind UTC, one less in summer: of all abbreviations of zones, RFC 822 defines these.
AMERICAN = {"E": 5, "C": 6, "M": 7, "P": 8}


def microseconds(at: datetime) -> int:
    """How many have passed since 1970."""
    span = at - EPOCH
    return (span.days * 86_400 + span.seconds) * 1_000_000 + span.microseconds


def read_time(value: object) -> datetime | None:
    """The instant that `value` means, aware UTC, or None when it means none or cannot be read.

    Text: ISO 8601 in its extended and basic forms with any number of fraction digits (kept to the microsecond), `Z`,
    `+0000`, `+00:00` or the invalid `+00:00Z`; a date alone is its midnight; without a zone it is UTC; RFC 822, 850 and
    2822 dates, and what Go, C, Unix and browsers print. Numbers, also as text: Unix seconds, milli-, micro- or
    nanoseconds, told apart by their size. Years outside 1971..2200 are None. A leap second is the second before it.
    """
    if isinstance(value, str):
        return _read_text(value)
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return _read_number(value)
    return None


def read_bound(value: str) -> datetime | None:
    """`read_time`, where what comes after `LATEST` counts as that: what ends in 9999 lasts until it is said to end."""
    at = read_time(value)
    return LATEST if at is None and FAR.match(value.strip()) else at


def read_clock(value: object) -> bool:
    """Whether `value` is a time of day alone, which names an instant only together with a day."""
    return isinstance(value, str) and CLOCK.fullmatch(value.strip()) is not None


def is_absent(value: object) -> bool:
    """True when `value` is a sender's way to say that there is no such instant, as against one that is unreadable."""
    if value is None or value is False or (isinstance(value, int | float) and value <= 0):
        return True
    if not isinstance(value, str):
        return False
    text = value.strip()
    return text.lower() in ABSENT or text.startswith(ZERO_TIMES) or ZERO.fullmatch(text[:TEXT_MAX]) is not None


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
        text = f"{text[:8]}T{text[8:]}"
    text = REMARK.sub("", text)
    if wrapped := WRAPPED.fullmatch(text):
        text = wrapped[1]
    if (number := _as_number(text)) is not None:
        return _read_number(number)
    return _read_written(text)


def _read_written(text: str) -> datetime | None:
    if match := LENIENT.fullmatch(text):
        year, month, day, *rest = match.groups()
        spaced, tight, offset = rest[:5], rest[5:9], rest[9:]
        clock = [*tight, None] if tight[0] else spaced
        return _built(year, month, day, clock, offset)
    if match := DAY_FIRST.fullmatch(text):
        day, month, year, *rest = match.groups()
    elif match := MONTH_FIRST.fullmatch(text):
        month, day, year, *rest = match.groups()
    elif match := YEAR_LAST.fullmatch(text):
        month, day, *rest, year = match.groups()
    else:
        return None
    return _built(year, str(MONTHS.index(month.lower()) + 1), day, rest[:5], rest[5:])


def _as_number(text: str) -> float | int | None:
    """Digits, with or without a fraction, unless they are a basic date: `20261121` is a day, not a second of 1970."""
    match = NUMBER.fullmatch(text)
    if match is None:
        return None
    whole, fraction, exponent = match.groups()
    if exponent:
        return float(text)
    if len(whole) <= 8:
        return None
    # Exactly, in the smallest unit, where there is a fraction of a second: a float would round its last digit.
    return int(whole + fraction[:6].ljust(6, "0")) if fraction and len(whole) <= 10 else int(whole)


def _read_number(number: float | int) -> datetime | None:
    for units in UNITS_PER_SECOND:
        if SECONDS_MIN * units <= number < SECONDS_MAX * units:  # False for NaN and the infinities
            if isinstance(number, int):
                return _bounded(EPOCH + timedelta(microseconds=number * 1_000_000 // units))
            return _bounded(EPOCH + timedelta(seconds=number / units))
    return None


def _built(year: str, month: str, day: str, clock: Sequence[str | None], zone: Sequence[str | None]) -> datetime | None:
    """The instant of what a pattern found. `clock`: hour, minute, second, fraction, `a` or `p`."""
    hour, minute, second, fraction, half = clock
    hours = int(hour or 0)
    if half:
        hours = hours % 12 + (12 if half in "Pp" else 0)
    try:
        at = datetime(
            int(year) if len(year) == 4 else 2000 + int(year),
            int(month),
            int(day),
            0 if hours == 24 else hours,
            int(minute or 0),
            59 if second == "60" else int(second or 0),
            int((fraction or "0")[:6].ljust(6, "0")),
            tzinfo=_zone(*zone),
        )
        return _bounded(at + timedelta(days=1) if hours == 24 else at)
    except (ValueError, OverflowError):
        return None


def _zone(sign: str | None, hours: str | None, minutes: str | None, american: str | None) -> timezone:
    if american:
        return timezone(timedelta(hours=(american[1] in "Dd") - AMERICAN[american[0].upper()]))
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    return timezone(-offset if sign == "-" else offset) if offset else UTC


def _bounded(at: datetime) -> datetime | None:
    """`at` in UTC when it lies in the years that can be meant; naive is UTC."""
    try:
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError:  # the first or last day of the calendar with an offset
        return None
    return at if EARLIEST <= at <= LATEST else None
