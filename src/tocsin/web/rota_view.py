"""Two weeks of a schedule as the page draws them: days, bars, and the same in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from tocsin.core.schedule import Schedule, coverage_gaps, shifts
from tocsin.core.walltime import resolve
from tocsin.oncall.changes import listed
from tocsin.oncall.now import standing
from tocsin.oncall.stored import StoredSchedule

DAYS = 14
HUES = 6
WIDTH = 1000
LABELS_MAX = 6  # names of one day; hourly turns have more


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """`x` and `width` in thousandths of the day; `gap`: nobody."""

    x: int
    width: int
    row: int
    hue: int
    gap: bool
    text: str


class Word(msgspec.Struct, frozen=True, kw_only=True):
    text: str
    gap: bool = False


class Day(msgspec.Struct, frozen=True, kw_only=True):
    words: str
    weekend: bool
    rows: int
    bars: tuple[Bar, ...]
    now: int | None
    label: str
    words_list: tuple[Word, ...]


def drawn(
    stored: StoredSchedule, plan: Schedule, names: Mapping[str, str], now: datetime, only: Sequence[str] | None = None
) -> dict[str, Any]:
    """What the template needs of one schedule. `only`: the names of one person, to show nobody else's shifts."""
    clock = ZoneInfo(plan.zone)
    stands = standing(plan, now)
    title = {each: names.get(each, each) for each in {*stands.people, *stands.then}}
    local = now.astimezone(clock)
    return {
        "id": stored.id,
        "title": stored.name or stored.id,
        "zone": plan.zone,
        "people": [title[each] for each in stands.people],
        "until": stands.until,
        "until_words": _instant(stands.until, clock) if stands.until else "",
        "then": [title[each] for each in stands.then],
        "days": days(plan, names, now, only),
        "changes": [_change(row, names, clock) for row in listed(stored) if _end(row) > now],
        "form_start": f"{local:%Y-%m-%dT%H:%M}",
        "form_end": f"{local + timedelta(hours=8):%Y-%m-%dT%H:%M}",
    }


def days(plan: Schedule, names: Mapping[str, str], now: datetime, only: Sequence[str] | None = None) -> list[Day]:
    """Two weeks of local days from today; a day of 23 or 25 hours is as wide as any."""
    clock = ZoneInfo(plan.zone)
    today = now.astimezone(clock).date()
    edges = [resolve(datetime.combine(today + timedelta(days=n), time()), clock) for n in range(DAYS + 1)]
    wanted = None if only is None else {each.casefold() for each in only}
    found = [each for each in shifts(plan, edges[0], edges[-1]) if wanted is None or each.person.casefold() in wanted]
    gaps = coverage_gaps(plan, edges[0], edges[-1]) if wanted is None else []
    hues = {person: n % HUES for n, person in enumerate(sorted({each.person for each in found}))}
    made = []
    for start, end in pairwise(edges):
        if start >= end:  # a zone that left a day out
            continue
        bars: list[Bar] = []
        free: list[datetime] = []  # per row, until when it is taken
        for each in [one for one in found if one.start < end and one.end > start]:
            row = next((n for n, until in enumerate(free) if until <= each.start), len(free))
            free[row:] = [each.end]
            text = f"{names.get(each.person, each.person)} {_span(each.start, each.end, start, end, clock)}"
            bars.append(_bar(each.start, each.end, start, end, row, hues[each.person], text))
        for gap in [one for one in gaps if one.start < end and one.end > start]:
            text = f"nobody {_span(gap.start, gap.end, start, end, clock)}"
            bars.append(_bar(gap.start, gap.end, start, end, 0, 0, text, gap=True))
        words = [
            Word(text=each.text.strip(), gap=each.gap) for each in sorted(bars, key=lambda each: (each.x, each.row))
        ]
        more = len(words) - LABELS_MAX
        shown = [*words[:LABELS_MAX], *([Word(text=f"{more} more")] if more > 0 else [])] if more > 0 else words
        day = start.astimezone(clock)
        made.append(
            Day(
                words=f"{day:%a} {day.day} {day:%b}",
                weekend=day.weekday() >= 5,
                rows=max(len(free), 1),
                bars=tuple(bars),
                now=_place(now, start, end) if start <= now < end else None,
                label="; ".join(each.text for each in words) or "no shift",
                words_list=tuple(shown),
            )
        )
    return made


def _bar(
    begun: datetime, done: datetime, start: datetime, end: datetime, row: int, hue: int, text: str, *, gap: bool = False
) -> Bar:
    x = _place(max(begun, start), start, end)
    return Bar(x=x, width=max(_place(min(done, end), start, end) - x, 4), row=row, hue=hue, gap=gap, text=text)


def _place(at: datetime, start: datetime, end: datetime) -> int:
    return round(WIDTH * ((at - start) / (end - start)))


def _span(begun: datetime, done: datetime, start: datetime, end: datetime, clock: ZoneInfo) -> str:
    """The part within the day, in local time; a whole day needs no words."""
    first = f"{begun.astimezone(clock):%H:%M}" if begun > start else ""
    last = f"{done.astimezone(clock):%H:%M}" if done < end else ""
    if first and last:
        return f"{first}–{last}"
    return f"from {first}" if first else f"until {last}" if last else ""


def _change(row: dict[str, Any], names: Mapping[str, str], clock: ZoneInfo) -> dict[str, Any]:
    def name(field: str) -> str:
        return names.get(str(row[field]), str(row[field])) if row.get(field) else ""

    kind = row["kind"]
    if kind == "swap":
        words = f"{name('benefactor') or 'Somebody'} for {name('beneficiary')}"
    elif kind == "temporary":
        words = f"Temporary schedule, {len(row.get('shifts', ()))} shifts and nobody else"
    elif name("add") and name("remove"):
        words = f"{name('add')} for {name('remove')}"
    else:
        words = f"{name('add')} too" if name("add") else f"without {name('remove')}"
    note = f" ({row['note']})" if row.get("note") else ""
    return {
        "id": row["id"],
        "kind": kind,
        "words": words + note,
        "open": kind == "swap" and not row.get("benefactor"),
        "span": f"{_instant(datetime.fromisoformat(row['start']), clock)} to {_instant(_end(row), clock)}",
    }


def _instant(at: datetime, clock: ZoneInfo) -> str:
    local = at.astimezone(clock)
    return f"{local:%a} {local.day} {local:%b %H:%M}"


def _end(row: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(str(row["end"]))
