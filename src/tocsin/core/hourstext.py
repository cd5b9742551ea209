"""Business hours as people write them, "Mon-Fri 9am-5pm ET", read only where no second reading is possible.

`hours_in(text)` says what was found and what is in doubt. A time zone is an IANA name, UTC, or an abbreviation that one
place of the world uses; CST, IST and BST name several, and are in doubt.
Source: docs/decisions/0215-a-guide-states-its-business-hours.md
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from tocsin.core.walltime import zone_named as zone_info

TEXT_MAX = 1000  # a longer text is no statement of hours
DAY_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_DAY = r"(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:days?)?\b\.?"
_TO = r"\s*(?:-|–|—|\bto\b|\bthrough\b|\bthru\b|\buntil\b|\btill\b)\s*"
_DAYS = re.compile(
    rf"\b({_DAY})(?:{_TO}({_DAY}))?|\b(weekdays|work(?:ing)?\s?days)\b|\b(daily|every day|seven days|7 days)\b", re.I
)
_CLOCK = r"([01]?[0-9]|2[0-4])(?:[:.h]([0-5][0-9]))?\s*(a\.?m\b\.?|p\.?m\b\.?)?"
_TIMES = re.compile(
    rf"(?<![\d:/.-]){_CLOCK}{_TO}{_CLOCK}(?![\d:]|\s*(?:minutes?|mins?|hours?|hrs?|days?|weeks?)\b)", re.I
)
_NONSTOP = re.compile(r"\b24\s?[/x]\s?7\b", re.I)
_IANA = re.compile(
    r"\b(?:Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia|Brazil|Canada|Europe|Indian|Pacific|US)/[A-Za-z_-]+(?:/[A-Za-z_]+)?\b"
)
_OFFSET = re.compile(r"\b(?:UTC|GMT)\s*([+\-−])\s*(1[0-4]|0?[0-9])(?::?(00|30|45))?\b")
_SHORT = {
    "UTC": "UTC", "GMT": "UTC", "ET": "America/New_York", "EST": "America/New_York", "EDT": "America/New_York",
    "CT": "America/Chicago", "MT": "America/Denver", "MDT": "America/Denver", "PT": "America/Los_Angeles",
    "PST": "America/Los_Angeles", "PDT": "America/Los_Angeles", "CET": "Europe/Brussels", "CEST": "Europe/Brussels",
    "EET": "Europe/Athens", "EEST": "Europe/Athens", "JST": "Asia/Tokyo", "KST": "Asia/Seoul", "SGT": "Asia/Singapore",
    "HKT": "Asia/Hong_Kong", "NZST": "Pacific/Auckland", "NZDT": "Pacific/Auckland",
}  # fmt: skip
_NAMED = {
    "eastern": "America/New_York", "central": "America/Chicago", "mountain": "America/Denver",
    "pacific": "America/Los_Angeles",
    "central european": "Europe/Brussels", "eastern european": "Europe/Athens", "uk": "Europe/London",
    "german": "Europe/Berlin", "japan": "Asia/Tokyo",
}  # fmt: skip
_SHORT_WORD = re.compile(rf"\b(?:{'|'.join(_SHORT)})\b")
_NAMED_WORD = re.compile(
    rf"\b({'|'.join(sorted(_NAMED, key=len, reverse=True))})\s+(?:standard\s+|daylight\s+)?time\b", re.I
)
_DOUBTFUL = re.compile(
    r"\b(?-i:CST|CDT|MST|IST|BST|AST|AEST|AEDT|WST)\b|\b(?:local|your|their)\s+time(?:\s?zones?)?\b",
    re.I,
)


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What a text says of hours; None where it does not. `doubts` are sentences: then nothing may be taken from it."""

    zone: str | None = None
    days: tuple[int, ...] | None = None
    opens: str | None = None
    closes: str | None = None
    doubts: tuple[str, ...] = ()


def hours_in(text: str) -> Said:
    """The zone, days and hours of a text, and what in it has two readings."""
    if len(text) > TEXT_MAX:
        return Said(doubts=(f"it has more than {TEXT_MAX} characters",))
    zones, doubts = _zones(text)
    times = [_hours(*found.groups()) for found in _TIMES.finditer(_without_zones(text))]
    times += [("00:00", "24:00")] if _NONSTOP.search(text) else []
    if None in times:
        doubts.append("its hours have two readings: say am or pm, or 09:00-17:00")
    clear = {each for each in times if each}
    if len(clear) > 1:
        doubts.append("it has several hours, and one calendar has the same on every day")
    if len(zones) > 1:
        doubts.append(f"it names several time zones: {', '.join(zones)}")
    opens, closes = next(iter(clear)) if len(clear) == 1 else (None, None)
    days = days_in(text) or ((0, 1, 2, 3, 4, 5, 6) if _NONSTOP.search(text) else None)
    return Said(zone=zones[0] if len(zones) == 1 else None, days=days, opens=opens, closes=closes, doubts=tuple(doubts))


def days_in(text: str) -> tuple[int, ...] | None:
    """The weekdays that a text names, Monday is 0; None where it names none. Friday-Monday goes over the weekend."""
    found: set[int] = set()
    for first, last, week, every in (match.groups() for match in _DAYS.finditer(text)):
        if week or every:
            found.update(range(5 if week else 7))
        elif last:
            begins = _day(first)
            found.update((begins + n) % 7 for n in range((_day(last) - begins) % 7 + 1))
        else:
            found.add(_day(first))
    return tuple(sorted(found)) or None


def zone_named(text: str) -> str | None:
    """The one time zone that a text is the name of: America/New_York, ET, "Eastern Time", UTC+2."""
    if is_zone(text.strip()):
        return _SHORT.get(text.strip(), text.strip())
    zones, doubts = _zones(text)
    return zones[0] if len(zones) == 1 and not doubts else None


def is_zone(name: str) -> bool:
    """Whether the name is one of the IANA's."""
    try:
        zone_info(name)
    except ValueError:
        return False
    return True


def _zones(text: str) -> tuple[list[str], list[str]]:
    found, doubts = list[str](), list[str]()
    for each in _IANA.findall(text):
        if is_zone(each):
            found.append(each)
        else:
            doubts.append(f"{each} is no time zone")
    rest = _IANA.sub(" ", text)
    for sign, hours, minutes in _OFFSET.findall(rest):
        if minutes in ("30", "45"):
            doubts.append("name the place, such as Asia/Kolkata, instead of an offset with minutes")
        else:  # the names of these zones count the other way round
            found.append(f"Etc/GMT{'-' if sign == '+' else '+'}{int(hours)}" if int(hours) else "UTC")
    rest = _OFFSET.sub(" ", rest)
    found += [_NAMED[" ".join(each.lower().split())] for each in _NAMED_WORD.findall(rest)]
    rest = _NAMED_WORD.sub(" ", rest)
    found += [_SHORT[each] for each in _SHORT_WORD.findall(rest)]
    doubts += [f"{each} is the time of several places" for each in _DOUBTFUL.findall(rest)]
    return list(dict.fromkeys(found)), doubts


def _without_zones(text: str) -> str:
    return _OFFSET.sub(" ", _IANA.sub(" ", text))


def _hours(
    from_hour: str, from_minute: str, from_half: str, to_hour: str, to_minute: str, to_half: str
) -> tuple[str, str] | None:
    """Opening and closing time; None where the text may mean another pair too, or none at all."""
    opens = [_minutes(from_hour, from_minute, half) for half in _halves(from_hour, from_minute, from_half)]
    closes = [_minutes(to_hour, to_minute, half) for half in _halves(to_hour, to_minute, to_half)]
    pairs = {(a, b) for a in opens for b in closes if a is not None and b is not None and a < b <= 24 * 60}
    plain = not from_half and not to_half
    written = bool(from_minute or to_minute) or int(to_hour) > 12  # 9-17 and 09:00-17:00 are times of 24 hours
    if plain and written:
        a, b = _minutes(from_hour, from_minute, ""), _minutes(to_hour, to_minute, "")
        pairs = {(a, b)} if a is not None and b is not None and a < b else pairs
    if len(pairs) != 1:
        return None
    opening, closing = pairs.pop()
    return f"{opening // 60:02}:{opening % 60:02}", f"{closing // 60:02}:{closing % 60:02}"


def _halves(hour: str, minute: str, said: str) -> Iterator[str]:
    if said:
        yield said[0].lower()
    elif int(hour) > 12 or int(hour) == 0:
        yield ""
    else:
        yield from ("a", "p")


def _minutes(hour: str, minute: str, half: str) -> int | None:
    number = int(hour)
    if half and not 1 <= number <= 12:
        return None
    if half:
        number = number % 12 + (12 if half == "p" else 0)
    found = number * 60 + int(minute or 0)
    return found if found <= 24 * 60 else None


def _day(word: str) -> int:
    return next(n for n, name in enumerate(DAY_NAMES) if name.startswith(word[:3].lower()))
