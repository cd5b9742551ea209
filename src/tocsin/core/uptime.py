"""How a component has been: stretches of one state each, days, and the share of time it was up. Integer arithmetic."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from tocsin.core.public import Span
from tocsin.core.status import ComponentState, rank, worst
from tocsin.core.walltime import resolve

DAYS = 90
MAJOR_TENTHS = 10  # how much of an outage's time counts as down: all of a major one, three tenths of a partial one,
PARTIAL_TENTHS = 3  # as Atlassian Statuspage counts; degraded performance and maintenance count as up
_US = timedelta(microseconds=1)


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """The component was in `state` from `start` up to, and not including, `end`."""

    start: datetime
    end: datetime
    state: ComponentState


class Uptime(msgspec.Struct, frozen=True, kw_only=True):
    """Microseconds of a span of time: all of it, and what of it in which state. Unknown time counts for neither."""

    total: int = 0
    major: int = 0
    partial: int = 0
    unknown: int = 0

    @property
    def observed(self) -> int:
        return self.total - self.unknown

    @property
    def hundredths(self) -> int | None:
        """Percent times 100, rounded down: 100.00 % means that nothing was down. None: nothing was observed."""
        if self.observed <= 0:
            return None
        whole = self.observed * 10
        return (whole - self.major * MAJOR_TENTHS - self.partial * PARTIAL_TENTHS) * 10_000 // whole

    @property
    def percent(self) -> str:
        """Such as `99.95`, or `` when nothing was observed."""
        value = self.hundredths
        return "" if value is None else f"{value // 100}.{value % 100:02}"


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """One local day. `state`: the worst of it, None where there are no data."""

    on: date
    state: ComponentState | None
    uptime: Uptime


def stretches(spans: Iterable[Span], start: datetime, end: datetime) -> list[Stretch]:
    """What the spans add up to from `start` to `end`: at each instant the worst of them, else operational."""
    edges: list[tuple[datetime, int, ComponentState]] = []
    for span in spans:
        begins, ends = max(span.start, start), min(span.end or end, end)
        if begins < ends:
            edges += [(begins, 1, span.state), (ends, -1, span.state)]
    edges.sort(key=lambda each: each[0])
    found: list[Stretch] = []
    held: dict[ComponentState, int] = {}
    here = start
    for at, step, state in [*edges, (end, 0, "operational")]:
        if at > here:
            now: ComponentState = worst([each for each, count in held.items() if count])
            if found and found[-1].state == now:
                found[-1] = msgspec.structs.replace(found[-1], end=at)
            else:
                found.append(Stretch(start=here, end=at, state=now))
            here = at
        held[state] = held.get(state, 0) + step
    return found


def uptime(parts: Iterable[Stretch]) -> Uptime:
    """The stretches counted."""
    total = major = partial = unknown = 0
    for part in parts:
        long = (part.end - part.start) // _US
        total += long
        match part.state:
            case "major_outage":
                major += long
            case "partial_outage":
                partial += long
            case "unknown":
                unknown += long
    return Uptime(total=total, major=major, partial=partial, unknown=unknown)


def days(parts: Sequence[Stretch], now: datetime, zone: ZoneInfo, count: int = DAYS) -> list[Day]:
    """The last `count` local days up to and including today, oldest first; a day has 23 to 25 hours."""
    today = now.astimezone(zone).date()
    found: list[Day] = []
    n = 0
    for back in range(count - 1, -1, -1):
        on = today - timedelta(days=back)
        begins, ends = midnight(on, zone), midnight(on + timedelta(days=1), zone)
        while n < len(parts) and parts[n].end <= begins:
            n += 1
        within: list[Stretch] = []
        for part in parts[n:]:
            if part.start >= ends:
                break
            within.append(Stretch(start=max(part.start, begins), end=min(part.end, ends), state=part.state))
        state = max((each.state for each in within), key=rank, default=None)
        found.append(Day(on=on, state=state, uptime=uptime(within)))
    return found


def midnight(on: date, zone: ZoneInfo) -> datetime:
    """The instant at which the local day begins."""
    return resolve(datetime.combine(on, time()), zone).astimezone(UTC)


def first_day(now: datetime, zone: ZoneInfo, count: int = DAYS) -> datetime:
    """The instant at which the first of the last `count` local days began."""
    return midnight(now.astimezone(zone).date() - timedelta(days=count - 1), zone)
