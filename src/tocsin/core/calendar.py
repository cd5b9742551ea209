"""Business time: when people work, and the instant by which a deadline of any unit must be met.

`deadline_at(deadline, start, calendar)` is the one place that dates a deadline. Holidays arrive as a value: which days
a country keeps is looked up in the shell. Days and hours are local to the calendar's zone; every instant is aware UTC.
A wall time that clocks skip is the first instant after the gap; of one that comes twice, what starts takes the first
and what ends takes the last.
Source: docs/decisions/0032-business-time.md
"""

from __future__ import annotations

import calendar as months
import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from tocsin.core.policy import BusinessHours, Deadline
from tocsin.core.walltime import resolve

SEARCH_DAYS_MAX = 400  # a calendar with no working day for so long is a mistake, not a holiday
COUNT_MAX = 2_500  # business days or hours of one deadline: ten years, and still counted in a blink
DAYS_MAX = 20_000  # local days looked at for one deadline, so that a working day of one minute cannot hold anybody up
AT_RISK = 0.8  # share of a promise's time after which it is at risk: people still have a fifth of it to act
DAY = timedelta(days=1)

_WALL_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00")


class BusinessTime(msgspec.Struct, frozen=True, kw_only=True):
    """When people work: on `days` (Monday is 0) but not on `closed` days, between two minutes of the local day.

    The default stands where a guide sets no calendar: Monday to Friday, 09:00-17:00 UTC, no holidays.
    """

    zone: str = "UTC"
    days: tuple[int, ...] = (0, 1, 2, 3, 4)
    opens_minute: int = 9 * 60
    closes_minute: int = 17 * 60
    closed: frozenset[date] = frozenset()


def business_time(hours: BusinessHours | None, holidays: Iterable[date] = ()) -> BusinessTime:
    """The calendar that a policy's business hours, its own closures and these holidays make.

    Raises ValueError naming the field: an unknown zone, no weekday, hours that end before they begin, a bad date.
    """
    hours = hours or BusinessHours()
    _zone(hours.zone)
    if not hours.days or any(day not in range(7) for day in hours.days):
        raise ValueError(f"business_hours.days: expected weekdays from 0 (Monday) to 6, got {list(hours.days)}")
    opens, closes = _minute("opens", hours.opens), _minute("closes", hours.closes)
    if closes <= opens:
        raise ValueError(
            f"business_hours.closes: expected a time after {hours.opens}, got {hours.closes} (24:00 ends the day)"
        )
    return BusinessTime(
        zone=hours.zone,
        days=tuple(sorted(set(hours.days))),
        opens_minute=opens,
        closes_minute=closes,
        closed=frozenset((*holidays, *(_closure(n, text) for n, text in enumerate(hours.closures)))),
    )


def deadline_at(deadline: Deadline, start: datetime, calendar: BusinessTime) -> datetime | None:
    """The instant by which the deadline, counted from `start`, must be met; None for what is no quantity.

    A day belongs to the local day of `start`, whatever the hour; "by then" includes the instant itself. `not_after`
    is an outer limit: the earlier of the two counts.
    Raises ValueError when the calendar has no working day within 400 days, or the count is beyond any calendar.
    """
    try:
        found = _counted(deadline, start, calendar)
        limit = deadline_at(deadline.not_after, start, calendar) if deadline.not_after else None
    except OverflowError:
        raise ValueError(f"deadline: expected an instant before the year 10000, got {deadline}") from None
    return min((at for at in (found, limit) if at is not None), default=None)


def dated(deadline: Deadline | None, start: datetime, calendar: BusinessTime) -> datetime | None:
    """As `deadline_at`, and None also where no instant can be found; the check of the policy says so beforehand."""
    if deadline is None:
        return None
    try:
        if deadline.seconds is not None and deadline.not_after is None:  # nearly every one, and asked for all the time
            return start + timedelta(seconds=deadline.seconds)
        return deadline_at(deadline, start, calendar)
    except (ValueError, OverflowError):
        return None


def repeated_at(every: Deadline, anchor: datetime, n: int, calendar: BusinessTime) -> datetime | None:
    """The `n`th repetition after `anchor`, always counted from the anchor, so that months do not drift.

    Raises ValueError as `deadline_at`.
    """
    if n == 0:
        return anchor
    if every.seconds is not None:
        try:
            return anchor + timedelta(seconds=every.seconds * n)
        except OverflowError:
            raise ValueError(f"deadline: expected an instant before the year 10000, got {n} times {every}") from None
    return deadline_at(_times(every, n), anchor, calendar)


def reminder_at(deadline: Deadline, start: datetime, due_at: datetime, calendar: BusinessTime) -> datetime:
    """When people are reminded of what is due at `due_at`: after four fifths of the time, counted as the deadline is.

    For working days it is when the last of them opens, because four fifths of a weekend fall into the night.
    """
    if deadline.business_hours is not None:
        counted = _business_hours(deadline.business_hours * AT_RISK, start, calendar)
        if counted < due_at:
            return counted
    elif deadline.business_days is not None or deadline.calendar in ("next_business_day", "same_business_day"):
        last_day = _local(due_at - timedelta(microseconds=1), calendar).date()
        opens_at = _instant(last_day, calendar.opens_minute, calendar)
        if start < opens_at < due_at:
            return opens_at
    return start + (due_at - start) * AT_RISK


def working_hours(day: date, calendar: BusinessTime) -> tuple[datetime, datetime] | None:
    """When the local day opens and closes, or None when nobody works on it (or clocks skip all of it)."""
    if day.weekday() not in calendar.days or day in calendar.closed:
        return None
    opens_at = _instant(day, calendar.opens_minute, calendar)
    closes_at = _instant(day, calendar.closes_minute, calendar, ends=True)
    return (opens_at, closes_at) if opens_at < closes_at else None


def in_business_hours(at: datetime, calendar: BusinessTime) -> bool:
    """Whether somebody works at this instant; closing time is outside."""
    found = working_hours(_local(at, calendar).date(), calendar)
    return found is not None and found[0] <= at < found[1]


def end_of_day(day: date, calendar: BusinessTime) -> datetime:
    """The last second of the local day: what is due on a day may be done all day long."""
    return _midnight(day + DAY, calendar) - timedelta(seconds=1)


# --- each unit --------------------------------------------------------------------------------------------------------


def _counted(deadline: Deadline, start: datetime, calendar: BusinessTime) -> datetime | None:
    match deadline:
        case Deadline(seconds=int(seconds)):
            return start + timedelta(seconds=seconds)
        case Deadline(business_days=int(count)):
            return _business_days(count, start, calendar)
        case Deadline(business_hours=int(count)):
            return _business_hours(_bounded(count), start, calendar)
        case Deadline(calendar="next_business_day"):
            return _business_days(1, start, calendar)
        case Deadline(calendar="same_business_day"):
            return _business_days(0, start, calendar)
        case Deadline(calendar="same_day"):
            return _midnight(_local(start, calendar).date() + DAY, calendar)
        case Deadline(calendar="next_day"):
            return _midnight(_local(start, calendar).date() + 2 * DAY, calendar)
        case Deadline(calendar_days=int(count)):
            wall = _local(start, calendar)
            return _same_wall_time(wall.date() + count * DAY, wall, start, calendar)
        case Deadline(months=int(count)):
            wall = _local(start, calendar)
            return _same_wall_time(_months_later(wall.date(), count), wall, start, calendar)
    return None


def _business_days(count: int, start: datetime, calendar: BusinessTime) -> datetime:
    """Close of the `count`th working day after the local day of `start`; for 0, of the working day that still runs."""
    today = _local(start, calendar).date()
    if count == 0:
        return next(closes for _, closes in _working_days(today, calendar) if closes > start)
    days = _working_days(today + DAY, calendar)
    for _ in range(_bounded(count) - 1):
        next(days)
    return next(days)[1]


def _business_hours(count: float, start: datetime, calendar: BusinessTime) -> datetime:
    """When so many hours of working time have passed; time before opening and after closing does not count."""
    left = timedelta(hours=count)
    for opens, closes in _working_days(_local(start, calendar).date(), calendar):
        begins = max(start, opens)
        if begins < closes and left <= closes - begins:
            return begins + left
        left -= max(closes - begins, timedelta())
    raise AssertionError("working days go on until the search gives up")


def _working_days(first: date, calendar: BusinessTime) -> Iterator[tuple[datetime, datetime]]:
    """The hours of every working day from `first` on."""
    day, idle = first, 0
    for _ in range(DAYS_MAX):
        found = working_hours(day, calendar)
        if found:
            yield found
        idle = 0 if found else idle + 1
        if idle >= SEARCH_DAYS_MAX:
            raise ValueError(f"business_hours: expected a working day within {idle} days, got none before {day}")
        day += DAY
    raise ValueError(f"deadline: expected one that is over within {DAYS_MAX} days of {first}")


def _bounded(count: int) -> int:
    if count > COUNT_MAX:
        raise ValueError(f"deadline: expected at most {COUNT_MAX} business days or hours, got {count}")
    return count


def _months_later(day: date, count: int) -> date:
    """The same day so many months later, or the last one of a month that is too short."""
    years, month = divmod(day.month - 1 + count, 12)
    year = day.year + years
    if year > 9999:
        raise OverflowError("year")
    return date(year, month + 1, min(day.day, months.monthrange(year, month + 1)[1]))


def _times(every: Deadline, n: int) -> Deadline:
    match every.calendar:
        case "next_business_day" | "same_business_day":
            return Deadline(business_days=n)
        case "same_day" | "next_day":
            return Deadline(calendar_days=n)
    given = {
        unit: count * n
        for unit in ("seconds", "business_days", "business_hours", "calendar_days", "months")
        if (count := getattr(every, unit)) is not None
    }
    return Deadline(**given) if given else every


# --- wall time --------------------------------------------------------------------------------------------------------


def _local(at: datetime, calendar: BusinessTime) -> datetime:
    return at.astimezone(_zone(calendar.zone))


def _midnight(day: date, calendar: BusinessTime) -> datetime:
    return _instant(day, 0, calendar)


def _instant(day: date, minute: int, calendar: BusinessTime, *, ends: bool = False) -> datetime:
    if minute == 24 * 60:  # the end of a day is the beginning of the next one, also where midnight comes twice
        day, minute, ends = day + DAY, 0, False
    wall = datetime.combine(day, time(minute // 60, minute % 60))
    return resolve(wall, _zone(calendar.zone), "last" if ends else "first")


def _same_wall_time(day: date, wall: datetime, start: datetime, calendar: BusinessTime) -> datetime:
    """The wall time of `start` on another day; a deadline is an end, so a time that comes twice is the last one."""
    if day == wall.date():
        return start
    return resolve(datetime.combine(day, wall.time()), _zone(calendar.zone), "last")


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"business_hours.zone: expected an IANA name such as Europe/Paris, got {name!r}") from None


def _minute(field: str, text: str) -> int:
    found = _WALL_TIME.fullmatch(text)
    if found is None:
        raise ValueError(f"business_hours.{field}: expected a time from 00:00 to 24:00, got {text!r}")
    return int(found[1]) * 60 + int(found[2]) if found[1] else 24 * 60


def _closure(n: int, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"business_hours.closures[{n}]: expected a date such as 2026-12-24, got {text!r}") from None
