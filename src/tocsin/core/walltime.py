"""Local wall time to instants: the only place of the on-call calculator that knows about daylight saving.

Decided (DESIGN section 2): a wall time in the spring gap is the first instant after it; in the autumn fold, starts and
handoffs take the first occurrence, ends the last.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

Occurrence = Literal["first", "last"]
Gap = Literal["after", "before"]  # `before` is what LinkedIn's oncall does: the wall time read with the summer offset

_SECOND = timedelta(seconds=1)
_SAMPLE = timedelta(days=21)  # no zone has put its clocks back and forward again sooner: Ramadan takes 28 days


def zone_named(name: str) -> ZoneInfo:
    """The IANA zone. Raises ValueError that names what came."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"timezone: expected an IANA name such as Europe/Berlin, got {name!r}") from error


def resolve(wall: datetime, zone: ZoneInfo, occurrence: Occurrence = "first", gap: Gap = "after") -> datetime:
    """The instant (UTC) at which clocks in `zone` show `wall`, a datetime without offset.

    Monotonic: a later wall time is never an earlier instant, though all of a gap is one instant.
    """
    first = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    last = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if first <= last:
        return first if occurrence == "first" else last
    return last if gap == "before" else _change(zone, last, first)


def wall_at(instant: datetime, zone: ZoneInfo) -> datetime:
    """What clocks in `zone` show at `instant`, without offset; `fold` is 1 in the second pass of a repeated hour."""
    return instant.astimezone(zone).replace(tzinfo=None)


def steady(instant: datetime, zone: ZoneInfo, around: timedelta) -> bool:
    """Whether clocks do not change from `around` before the instant to `around` after it."""
    return (instant - around).astimezone(zone).utcoffset() == (instant + around).astimezone(zone).utcoffset()


class Here(NamedTuple):
    """An instant as clocks of one zone show it; `steady`: they do not change within `around` of it."""

    wall: datetime
    offset: timedelta
    steady: bool


def local(instant: datetime, zone: ZoneInfo, around: timedelta) -> Here:
    """Asked once for all layers of a schedule that share the zone: it is most of what a look at a layer costs."""
    local = instant.astimezone(zone)
    offset = local.utcoffset() or timedelta()
    before, after = (instant - around).astimezone(zone).utcoffset(), (instant + around).astimezone(zone).utcoffset()
    return Here(local.replace(tzinfo=None), offset, before == after == offset)


def offset_at(instant: datetime, zone: ZoneInfo) -> timedelta:
    return instant.astimezone(zone).utcoffset() or timedelta()


def gaps(zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime, datetime]]:
    """Every gap whose instant is in (start, end]: the instant, the wall time before it, the wall time after it."""
    here, before = start, offset_at(start, zone)
    while here < end:
        there = min(here + _SAMPLE, end)
        after = offset_at(there, zone)
        if after > before:
            instant = _change(zone, here, there)
            yield instant, (instant + before).replace(tzinfo=None), (instant + after).replace(tzinfo=None)
        here, before = there, after


def _change(zone: ZoneInfo, low: datetime, high: datetime) -> datetime:
    """The first whole second after `low`, at or before `high`, at which the offset of `high` holds."""
    wanted = offset_at(high, zone)
    seconds = int((high - low) / _SECOND)
    least, most = 0, seconds
    while most - least > 1:
        middle = (least + most) // 2
        if offset_at(high - (seconds - middle) * _SECOND, zone) == wanted:
            most = middle
        else:
            least = middle
    return high - (seconds - most) * _SECOND
