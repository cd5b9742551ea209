"""Whether what was computed is what was expected: coverage per person, however it is cut into rows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from tocsin.core.schedule import Shift
from tocsin.oncall.nodes import Malformed, Node

Spans = dict[str, list[tuple[datetime, datetime]]]

_SECOND = timedelta(seconds=1)


def coverage(shifts: Iterable[Shift]) -> Spans:
    """Per person the spans, by start; what meets is joined."""
    found: Spans = {}
    for each in sorted(shifts, key=lambda each: (each.start, each.end)):
        spans = found.setdefault(each.person, [])
        if spans and each.start <= spans[-1][1]:
            spans[-1] = spans[-1][0], max(spans[-1][1], each.end)
        else:
            spans.append((each.start, each.end))
    return found


def expected_shifts(node: Node) -> list[Shift]:
    """The rows of an expectation, each once. A day that is shown as ending at 23:59:59 ends at midnight."""
    found: list[Shift] = []
    for each in node.each():
        start, end, whole_days = each.need("start").instant(), each.need("end").instant(), each.get("all_day")
        if whole_days is not None and whole_days.value is True and end.second == 59:
            end += _SECOND
        names = each.need("users", "user")
        people = [name.text() for name in names.each()] if isinstance(names.value, list) else [names.text()]
        for name in people:
            shift = Shift(person=name, start=start, end=end)
            if shift in found:
                raise Malformed(each.path, f"expected each shift once, got this one of {name} again")
            found.append(shift)
    return found


def touching(spans: Spans, start: datetime, end: datetime) -> Spans:
    """Those that touch [start, end); if that is one instant, those that cover it."""
    if start == end:
        return _without_empty({who: [s for s in each if s[0] <= start < s[1]] for who, each in spans.items()})
    return _without_empty({who: [s for s in each if s[0] < end and s[1] > start] for who, each in spans.items()})


def same_coverage(expected: Spans, got: Spans, starts: Iterable[datetime], end: datetime) -> bool:
    """Equal, but a shift that goes on beyond the query may be given whole or cut: at one of `starts`, and at `end`."""
    edges = tuple(starts)
    if set(expected) != set(got) or any(len(expected[who]) != len(got[who]) for who in expected):
        return False
    return all(
        (first == begun or (first in edges and begun < first)) and (last == done or (last == end and done > end))
        for who in expected
        for (first, last), (begun, done) in zip(expected[who], got[who], strict=True)
    )


def rows(spans: Spans, start: datetime, end: datetime, write: Any, *, recorded: bool = False) -> list[dict[str, Any]]:
    """The shifts as a file has them, cut to the query; with a record, from where they were recorded to start."""
    found = [
        (first if recorded else max(first, start), min(last, end), who, last > end)
        for who, each in spans.items()
        for first, last in each
    ]
    return [
        {"user": who, "start": write(first), "end": write(last)} | ({"truncated_by_query": True} if goes_on else {})
        for first, last, who, goes_on in sorted(found)
    ]


def _without_empty(spans: Spans) -> Spans:
    return {who: each for who, each in spans.items() if each}
