"""What is asked of the numbers of a Prometheus, and what is wrong with an answer: too high, soon exhausted, unusual.

Values are floats here and nowhere in facts: what is stored is the sentence about them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Literal

import msgspec

Unusual = Literal["", "high", "low", "both"]
Points = Sequence[tuple[float, float]]
"""(seconds since the epoch, value), oldest first."""

USUAL_MIN = 12  # values before anybody can say what is usual
SPREAD = 1.4826  # what makes the median deviation of a normal distribution its standard deviation
SPREAD_SHARE = 0.05  # of the median, that counts as spread where values hardly differ
TREND_MIN = 6  # points of a trend
TREND_MAX = 120  # that are looked at: slopes are taken between every two
_BYTES = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


class MetricQuery(msgspec.Struct, frozen=True, kw_only=True):
    """One question, and one thing that can be wrong with each series of the answer.

    Exactly one of `above`, `below`, `falls_to`, `rises_to` and `unusual` is said. `falls_to`, `rises_to`: what must not
    be reached within `within_seconds`, judged by the trend of the last `over_seconds`. `at_least`: a smaller difference
    from what is usual does not matter.
    """

    name: str
    query: str
    title: str = ""
    unit: str = ""
    every_seconds: int = 60
    for_seconds: int = 0
    above: float | None = None
    below: float | None = None
    falls_to: float | None = None
    rises_to: float | None = None
    within_seconds: int = 14_400
    over_seconds: int = 3_600
    unusual: Unusual = ""
    weeks: int = 4
    deviations: int = 5
    at_least: float = 0.0
    no_data: bool = False
    service: str | None = None
    severity: str = "critical"
    labels: dict[str, str] = {}


class Usual(msgspec.Struct, frozen=True, kw_only=True):
    """What a value usually is. `low` to `high` are eight of ten values; `when` says of which time, in words."""

    middle: float
    spread: float
    low: float
    high: float
    count: int
    when: str


class Wrong(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with one series: a line, and the figures behind it."""

    summary: str
    description: str


def usual_of(values: Sequence[float], when: str) -> Usual | None:
    """The median, and the median distance from it: one bad week does not move them. None where there are too few."""
    found = sorted(value for value in values if math.isfinite(value))
    if len(found) < USUAL_MIN:
        return None
    middle = median(found)
    spread = SPREAD * median(abs(value - middle) for value in found)
    last = len(found) - 1
    return Usual(
        middle=middle,
        spread=max(spread, SPREAD_SHARE * abs(middle)),
        low=found[round(0.1 * last)],
        high=found[round(0.9 * last)],
        count=len(found),
        when=when,
    )


def exceeded(asked: MetricQuery, what: str, value: float) -> Wrong | None:
    """Whether the value is above or below what was said."""
    if asked.above is not None and value > asked.above:
        word, limit = "above", asked.above
    elif asked.below is not None and value < asked.below:
        word, limit = "below", asked.below
    else:
        return None
    said = f"{what} is {shown(value, asked.unit)}, {word} {shown(limit, asked.unit)}"
    return Wrong(summary=said, description=f"{said}.")


def strange(asked: MetricQuery, what: str, value: float, usual: Usual) -> Wrong | None:
    """Whether the value is far from what it usually is, in a direction that matters."""
    distance = value - usual.middle
    if asked.unusual != "both" and (distance > 0) != (asked.unusual == "high"):
        return None
    if (
        math.isnan(value)
        or abs(distance) < max(asked.at_least, 1e-12)
        or abs(distance) <= asked.deviations * usual.spread
    ):
        return None
    band = f"{shown(usual.low, asked.unit)} to {shown(usual.high, asked.unit)}"
    said = f"{what} is {shown(value, asked.unit)}, usual {usual.when} is {band}"
    times = f"{abs(distance) / usual.spread:.0f} times the usual spread" if usual.spread else "where nothing ever moved"
    figures = f"The median of {usual.count} values is {shown(usual.middle, asked.unit)}; this one is {times} away."
    return Wrong(summary=said, description=f"{said}. {figures}")


def heading(asked: MetricQuery, what: str, points: Points) -> Wrong | None:
    """Whether the limit is reached, or soon will be. The trend is the median of all slopes: odd points turn nothing."""
    kept = [(at, value) for at, value in points if math.isfinite(value)][-TREND_MAX:]
    limit = asked.falls_to if asked.falls_to is not None else asked.rises_to
    if limit is None or len(kept) < TREND_MIN:
        return None
    slope = median(
        (later - value) / (then - at)
        for n, (at, value) in enumerate(kept)
        for then, later in kept[n + 1 :]
        if then > at
    )
    down = asked.falls_to is not None
    now, left, pace = kept[-1][1], limit - kept[-1][1], -slope if down else slope
    distance = -left if down else left
    seconds = 0.0 if distance <= 0 else distance / pace if pace > 0 else math.inf
    if seconds > asked.within_seconds:
        return None
    when = f"reaches {shown(limit, asked.unit)} in about {span(seconds)}" if seconds else "is exhausted"
    said = f"{what} {when}"
    moving = f"{'rising' if slope > 0 else 'falling'} by {shown(abs(slope) * 3600, asked.unit)} an hour"
    figures = f"{shown(now, asked.unit)} now, {moving} over the last {span(kept[-1][0] - kept[0][0])}."
    return Wrong(summary=said, description=f"{said}: {figures}")


def name_of(asked: MetricQuery, series: Mapping[str, str]) -> str:
    """What people call one series: the title, and the labels that tell it from the others."""
    title = asked.title or asked.name
    places = ", ".join(f"{name}={value}" for name, value in sorted(series.items()) if name != "__name__")
    return f"{title} ({places[:160]})" if places else title


def shown(value: float, unit: str) -> str:
    """The value as people read it: `4.2 %`, `12.3 GiB`, `350 ms`."""
    if not math.isfinite(value):
        return "infinite" if value > 0 else "minus infinite" if value < 0 else "no number"
    match unit:
        case "ratio":
            return f"{_short(value * 100)} %"
        case "percent":
            return f"{_short(value)} %"
        case "bytes":
            size, n = abs(value), 0
            while size >= 1024 and n < len(_BYTES) - 1:
                size, n = size / 1024, n + 1
            return f"{'-' if value < 0 else ''}{_short(size)} {_BYTES[n]}"
        case "seconds":
            return f"{_short(value * 1000)} ms" if 0 < abs(value) < 1 else f"{_short(value)} s"
        case _:
            return f"{_short(value)} {unit}".rstrip()


def span(seconds: float) -> str:
    """`3 h 10 min`, `12 min`, `40 s`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return f"{days} d {hours} h" if hours else f"{days} d"
    if hours:
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    return f"{rest} min"


def _short(value: float) -> str:
    """Three significant digits, without an exponent where people would not write one."""
    if value == 0 or 1e-4 <= abs(value) < 1e9:
        digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 4
        text = f"{value:.{digits}f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return f"{value:.2e}"
