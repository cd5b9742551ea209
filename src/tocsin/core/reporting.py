"""What reports count: the incidents of one guide by when they were opened, their promises, what became of lessons.

Drills and duplicates are in no number. False alarms are counted; how long they took, and what they broke, is not.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from tocsin.core.documents import Week
from tocsin.core.outlook import Promise
from tocsin.core.paging_text import one_line, span
from tocsin.core.policy import Report
from tocsin.core.view import ActionItemView
from tocsin.core.wording import FieldValue, Filled, Origin

RECURS_WITHIN = timedelta(days=30)  # the same service and category again so soon was not mended
OWN_CLOCKS = ("action:", "law:", "duty", "promised:")  # promises that an incident carries itself, not its guide
TYPES_MAX = 10


class Reported(msgspec.Struct, frozen=True, kw_only=True):
    """The part of an incident's public JSON that reports read."""

    severity: str
    guide: str
    opened_at: datetime
    service: str | None = None
    resolved_at: datetime | None = None
    category: str | None = None
    drill: bool = False
    false_positive: bool = False
    merged_into: str | None = None
    users_affected: int | None = None
    customer_impact: str = ""
    corrected: dict[str, datetime] = {}
    promises: tuple[Promise, ...] = ()
    action_items: tuple[ActionItemView, ...] = ()


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """One period. `promises`: severity -> how many of the guide's promises were kept and missed, each rule once an
    incident. `recurred`: incidents whose service and category had one within thirty days before. `customers`: incidents
    with an impact on customers; `users`: those that were counted, together."""

    since: datetime
    until: datetime
    total: int
    false_alarms: int
    by_severity: dict[str, int]
    average_resolution: timedelta | None
    types: tuple[tuple[str, int], ...]
    promises: dict[str, tuple[int, int]]
    recurred: int
    customers: int
    users: int


def figures(every: Sequence[Reported], since: datetime, until: datetime) -> Figures:
    """The incidents that were opened from `since` to before `until`. `every` may hold older ones, which only tell what
    came back."""
    counted = [each for each in every if not each.drill and not each.merged_into]
    mine = [each for each in counted if since <= each.opened_at < until]
    real = [each for each in mine if not each.false_positive]
    lasted = [took for each in real if (took := _lasted(each)) is not None]
    types = Counter(each.category or "no category" for each in mine)
    held: dict[str, list[int]] = {}
    for each in real:
        for kept in _promises(each):
            held.setdefault(each.severity, [0, 0])[not kept] += 1
    return Figures(
        since=since,
        until=until,
        total=len(mine),
        false_alarms=len(mine) - len(real),
        by_severity=dict(Counter(each.severity for each in mine)),
        average_resolution=sum(lasted, timedelta()) / len(lasted) if lasted else None,
        types=tuple(sorted(types.items(), key=lambda each: (-each[1], each[0]))[:TYPES_MAX]),
        promises={severity: (kept, missed) for severity, (kept, missed) in held.items()},
        recurred=sum(_recurs(each, counted) for each in real),
        customers=sum(bool(each.customer_impact or each.users_affected) for each in real),
        users=sum(each.users_affected or 0 for each in real),
    )


def _lasted(of: Reported) -> timedelta | None:
    """As `measures` says: instants as corrected, never less than nothing."""
    ended = of.corrected.get("resolved_at", of.resolved_at) if of.resolved_at else None
    return None if ended is None else max(timedelta(), ended - of.corrected.get("opened_at", of.opened_at))


def _promises(of: Reported) -> Iterator[bool]:
    """Of each rule of the guide that was kept or missed: whether it was never missed."""
    ended: dict[str, bool] = {}
    for each in of.promises:
        if each.state in ("kept", "missed") and not each.rule.startswith(OWN_CLOCKS):
            ended[each.rule] = ended.get(each.rule, True) and each.state == "kept"
    yield from ended.values()


def _recurs(of: Reported, counted: Sequence[Reported]) -> bool:
    if of.service is None and of.category is None:
        return False  # nothing says what it was
    return any(
        (each.service, each.category) == (of.service, of.category)
        and of.opened_at - RECURS_WITHIN <= each.opened_at < of.opened_at
        and not each.false_positive
        for each in counted
    )


def lessons(every: Sequence[Reported], since: datetime, until: datetime) -> dict[str, int]:
    """Action items of incidents whenever they were: completed in the period, overdue at its end, and in progress, which
    is every other one that was added before its end and not completed."""
    found = {"completed": 0, "in progress": 0, "overdue": 0}
    for item in (item for each in every if not each.drill for item in each.action_items):
        done = item.completed_at if item.status == "completed" else None
        if item.added_at >= until or (done and done < since):
            continue
        if done and done < until:
            found["completed"] += 1
        else:
            found["overdue" if item.due_at < until else "in progress"] += 1
    return found


def week(every: Sequence[Reported], with_lessons: Sequence[Reported], since: datetime, until: datetime) -> Week:
    """What the form of a weekly report asks for."""
    found = figures(every, since, until)
    return Week(
        of=f"{since:%Y-%m-%d}",
        total=found.total,
        by_severity=found.by_severity,
        average_resolution=found.average_resolution,
        types=found.types,
        actions=lessons(with_lessons, since, until),
    )


# --- a report that the guide describes by its sections only -----------------------------------------------------------


def report(
    of: Report,
    now: Figures,
    before: Figures,
    actions: Mapping[str, int],
    severities: Sequence[str],
    given: Mapping[str, str],
) -> Filled:
    """The report as Markdown, a heading for each section. What no figure tells is a field that somebody writes."""
    lines = [f"# {one_line(of.title)} - {now.since:%Y-%m-%d} to {now.until:%Y-%m-%d}"]
    asked: list[FieldValue] = []
    for section in of.sections or ("Incident overview",):
        said = given.get(section) or given.get(section.casefold(), "")
        computed = list(_section(section.casefold(), now, before, actions, severities))
        written = [f"- {one_line(each)}" for each in said.splitlines() if each.strip()]
        if not computed:
            origin: Origin = "given" if written else "missing"
            asked.append(FieldValue(name=section, meaning="", value=said, origin=origin))
        lines += ["", f"## {one_line(section)}", "", *(computed + written or ["- ____"])]
    return Filled(subject="", text="\n".join(lines) + "\n", fields=tuple(asked))


def _section(
    name: str, now: Figures, before: Figures, actions: Mapping[str, int], severities: Sequence[str]
) -> Iterator[str]:
    if re.search(r"\bsla\b|compliance|promise", name):
        yield from _compliance(now, severities)
    elif "customer" in name:
        yield f"- Incidents with an impact on customers: {now.customers} of {now.total}"
        yield f"- Users affected, where somebody counted them: {now.users}"
    elif re.search(r"improvement|action", name):
        yield from (f"- {word.capitalize()}: {count}" for word, count in actions.items())
    elif re.search(r"\btypes?\b|categor", name):
        yield from (f"{n}. {one_line(kind)} - {count} incidents" for n, (kind, count) in enumerate(now.types, 1))
    elif re.search(r"trend|overview|summary|statistic|metric", name):
        yield from _trend(now, before, severities)


def _compliance(of: Figures, severities: Sequence[str]) -> Iterator[str]:
    yield "| Severity | Promises kept | Missed | Share kept |"
    yield "|---|---|---|---|"
    for severity in [*severities, *(each for each in of.promises if each not in severities)]:
        kept, missed = of.promises.get(severity, (0, 0))
        share = f"{100 * kept / (kept + missed):.1f} %" if kept + missed else "none was due"
        yield f"| {one_line(severity)} | {kept} | {missed} | {share} |"


def _trend(now: Figures, before: Figures, severities: Sequence[str]) -> Iterator[str]:
    """Numbers beside those of the period before; whether they are a trend is for people to say."""
    yield f"- Incidents: {now.total} (the period before: {before.total}), of them false alarms: {now.false_alarms}"
    for severity in [*severities, *(each for each in now.by_severity if each not in severities)]:
        yield f"- {one_line(severity)}: {now.by_severity.get(severity, 0)} ({before.by_severity.get(severity, 0)})"
    yield f"- Average resolution time: {_took(now)} ({_took(before)})"
    real = now.total - now.false_alarms
    rate = f"{100 * now.recurred / real:.1f} %" if real else "no incident"
    yield f"- Recurred within {RECURS_WITHIN.days} days (same service and category): {now.recurred} ({rate})"
    types = ", ".join(f"{one_line(kind)} {count}" for kind, count in now.types)
    yield f"- By category: {types or 'none'}"


def _took(of: Figures) -> str:
    return "no incident was resolved" if of.average_resolution is None else span(of.average_resolution)
