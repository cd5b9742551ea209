"""One function per kind of vector: what Tocsin's own core says to it, in the shape of its expectation."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from tocsin.core import rotation as r
from tocsin.core.ladder_timeline import Action, Event, Ladder, OwnRule, Step, Timeline, timeline
from tocsin.core.pacing import PaceRule, next_allowed
from tocsin.core.schedule import Layer, Schedule, Shift, on_call, shifts
from tocsin.core.schedule_pattern import whole_spans
from tocsin.core.walltime import Occurrence, resolve
from tocsin.oncall.comparing import coverage, expected_shifts, rows, same_coverage, touching
from tocsin.oncall.events import ical_occurrences, overridden, template_events
from tocsin.oncall.form import Convention, restriction, rotation, schedule, zone_of
from tocsin.oncall.nodes import Malformed, Node

AROUND = timedelta(days=40)  # how far beyond a query a shift is followed to say where it starts and ends
QUERY_MAX = timedelta(days=366 * 10)

Answer = tuple[bool, Any]
Kind = Callable[[Node, Convention], Answer]

_MINUTE = timedelta(minutes=1)
_ORIGIN = datetime(2000, 1, 1, tzinfo=UTC)
_ACTIONS: tuple[tuple[str, Action], ...] = (  # the first whose pattern the word matches; tools spell them differently
    (r"(manual_)?escalat(e|ion)(_manually|_manual)?", "escalate"),
    (r"(end_maintenance|maintenance_(end|off|stop)|release)", "release"),
    (r"(start_maintenance|maintenance(_start|_on)?|hold)", "hold"),
    (r"ack(nowledge)?", "acknowledge"),
    (r"(close|resolve)", "close"),
)


def handoffs(node: Node, by: Convention) -> Answer:
    turning = rotation(node.need("rotation"), by=by)
    write = writer(turning.zone)
    start, end = period(node.need("query"))
    found = [write(each) for each in r.handoffs(turning, start, end)]
    return _instants(node, {"handoffs": found})


def next_handoff(node: Node, by: Convention) -> Answer:
    turning = rotation(node.need("rotation"), by=by)
    write = writer(turning.zone)
    at = node.need("query").need("at").instant()
    current, following = r.current_handoff(turning, at), r.next_handoff(turning, at)
    wanted = node.need("expect").value
    if not wanted or not isinstance(wanted, dict):
        raise node.need("expect").fail("previous_or_current, next or elapsed_hours")
    found = {
        "previous_or_current": write(current),
        "next": write(following),
        "elapsed_hours": _whole((following - current) / timedelta(hours=1)),
    }
    return _instants(node, {name: value for name, value in found.items() if name in wanted})


def oncall_at(node: Node, by: Convention) -> Answer:
    plan = schedule(node, by)
    found = [list(on_call(plan, each)) for each in instants(node)]
    wanted = [sorted(name.text() for name in each.each()) for each in node.need("expect").need("on_call").each()]
    return wanted == [sorted(each) for each in found] and _only(node, "on_call"), {"on_call": found}


def restriction_active(node: Node, by: Convention) -> Answer:
    rule = restriction(node.need("restriction"))
    return _equal(node, {"active": [r.active(rule, each) for each in instants(node)]})


def restriction_window_start(node: Node, by: Convention) -> Answer:
    return _instants(node, {"window_start": _window_edges(node, 0)})


def restriction_window_end(node: Node, by: Convention) -> Answer:
    return _instants(node, {"window_end": _window_edges(node, 1)})


def clock_on_date(node: Node, by: Convention) -> Answer:
    zone = ZoneInfo(zone_of(node))
    occurrence: Occurrence = "last" if node.need("occurrence").choice("first", "last") == "last" else "first"
    write = writer(str(zone))
    walls = node.need("query").need("date_time").each()
    return _instants(node, {"instants": [write(resolve(each.wall(), zone, occurrence)) for each in walls]})


def shift_list(node: Node, by: Convention) -> Answer:
    """Shifts as they are in the end, by person; a shift that reaches beyond the query may be given whole or cut."""
    plan = schedule(node, by)
    start, end = period(node.need("query"))
    whole = touching(coverage(shifts(plan, start - AROUND, end + AROUND)), start, end)
    now = node.get("now")
    starts = {start, min(now.instant(), start)} if now is not None else {start}
    listed = node.need("expect").need("shifts")
    same = same_coverage(coverage(expected_shifts(listed)), whole, starts, end)
    goes_on = {who for who, each in whole.items() if each[-1][1] > end}
    for each in listed.each():
        cut = each.get("truncated_by_query")
        if cut is not None:
            is_last = each.need("user").text() in goes_on and each.need("end").instant() == end
            same = same and (cut.value is True) == is_last
    found = rows(whole, start, end, writer(plan.zone), recorded=bool(plan.recorded))
    return same and _only(node, "shifts"), {"shifts": found}


def shift_start_days(node: Node, by: Convention) -> Answer:
    """Whose shift starts on which local day, before anything is decided between the layers."""
    plan = schedule(node, by)
    query = node.need("query")
    start, end = period(query)
    half_open = query.get("half_open")
    found: dict[str, set[str]] = {}
    for layer in plan.layers:
        for begun, _, people in _shifts_of(layer, start, end):
            inside = start <= begun < end or (begun == end and half_open is not None and half_open.value is False)
            if inside and people:
                day = begun.astimezone(ZoneInfo(plan.zone)).date().isoformat()
                found.setdefault(day, set()).update(people)
    return _equal(node, {"users_by_start_date": {day: sorted(found[day]) for day in sorted(found)}})


def shift_containing(node: Node, by: Convention) -> Answer:
    """Where the one shift that covers an instant starts and ends."""
    plan = schedule(node, by)
    write = writer(plan.zone)
    found: list[Any] = []
    for at in instants(node):
        spans = [
            span
            for layer in sorted(plan.layers, key=lambda each: -each.priority)
            for span in _shifts_of(layer, at, at + _MINUTE)
            if span[0] <= at < span[1] and span[2]
        ]
        found.append([write(spans[0][0]), write(spans[0][1])] if spans else None)
    return _instants(node, {"shift_bounds": found})


def ical_shifts(node: Node, by: Convention) -> Answer:
    start, end = period(node.need("query"))
    found = ical_occurrences(node, start, end)
    plain = [Shift(person=each.person, start=each.start, end=each.end) for each in found if each.start < each.end]
    whole = touching(coverage(plain), start, end)
    write = writer(zone_of(node))
    shown = [
        {"user": each.person, "start": write(each.start), "end": write(each.end)}
        | ({"all_day": True} if each.all_day else {})
        for each in found
        if each.start < each.end and touching(coverage([Shift(person="", start=each.start, end=each.end)]), start, end)
    ]
    wanted = coverage(expected_shifts(node.need("expect").need("shifts")))
    return same_coverage(wanted, whole, {start}, end) and _only(node, "shifts"), {"shifts": shown}


def wait_until_window(node: Node, by: Convention) -> Answer:
    """When a step that waits for a window goes on; null: at once."""
    window = restriction(node.need("window"), zone_of(node))
    write = writer(window.zone)
    found: list[str | None] = []
    for at in instants(node):
        span = None if r.active(window, at) else r.window_at_or_after(window, at)
        found.append(write(span[0]) if span else None)
    return _instants(node, {"resume_at": found})


def weekly_template(node: Node, by: Convention) -> Answer:
    write = writer(zone_of(node.need("template")))
    found = [{"start": write(start), "end": write(end)} for start, end in template_events(node, by.gap)]
    return _instants(node, {"events": found})


def event_override(node: Node, by: Convention) -> Answer:
    found = overridden(node)
    write = writer(zone_of(node))
    shown = [{"user": each.person, "start": write(each.start), "end": write(each.end)} for each in found]
    wanted = coverage(expected_shifts(node.need("expect").need("events")))
    return wanted == coverage(found) and _only(node, "events"), {"events": shown}


def escalation_timeline(node: Node, by: Convention) -> Answer:
    found = _timeline(node, by)
    return _rows(node, "escalations", [{"at_min": _whole(each.at), "step": each.step} for each in found.entered])


def notification_timeline(node: Node, by: Convention) -> Answer:
    found = _timeline(node, by)
    told = [{"at_min": _whole(each.at), "user": each.user, "method": each.method} for each in found.told]
    return _rows(node, "notifications", told)


def throttle(node: Node, by: Convention) -> Answer:
    """When the next messages may go, one after the other; a file that speaks in whole minutes is answered in them."""
    rules = []
    for each in node.need("rules").each():
        smooth = each.get("smooth")
        per = timedelta(minutes=each.need("per_min").number(0))
        rules.append(
            PaceRule(count=each.need("count").integer(1), per=per, smooth=smooth is not None and smooth.value is True)
        )
    listed = node.need("expect").need("next_allowed_at_min")
    sent = [_ORIGIN + timedelta(minutes=each.number()) for each in node.need("sent_at_min").each()]
    if not listed.value:
        raise listed.fail("at least one number of minutes")
    minutes = all(float(each.number()).is_integer() for each in listed.each())
    found: list[float] = []
    now = _ORIGIN
    for _ in listed.each():
        now = next_allowed(rules, sent, now, _MINUTE if minutes else timedelta(microseconds=1))
        sent.append(now)
        found.append(_whole((now - _ORIGIN) / _MINUTE))
    return _equal(node, {"next_allowed_at_min": found})


KINDS: dict[str, Kind] = {
    "handoffs": handoffs,
    "next_handoff": next_handoff,
    "oncall_at": oncall_at,
    "restriction_active": restriction_active,
    "restriction_window_start": restriction_window_start,
    "restriction_window_end": restriction_window_end,
    "clock_on_date": clock_on_date,
    "shifts": shift_list,
    "final_shifts": shift_list,
    "shift_start_days": shift_start_days,
    "shift_containing": shift_containing,
    "ical_shifts": ical_shifts,
    "wait_until_window": wait_until_window,
    "weekly_template": weekly_template,
    "event_override": event_override,
    "escalation_timeline": escalation_timeline,
    "notification_timeline": notification_timeline,
    "throttle": throttle,
}


def writer(zone: str) -> Callable[[datetime], str]:
    """Instants as people of that zone read them, to the minute where that is exact."""
    clock = ZoneInfo(zone)

    def write(instant: datetime) -> str:
        exact = "seconds" if instant.second or instant.microsecond else "minutes"
        return instant.astimezone(clock).isoformat(timespec=exact)

    return write


def period(query: Node) -> tuple[datetime, datetime]:
    start, end = query.need("from").instant(), query.need("to").instant()
    if not start <= end <= start + QUERY_MAX:
        raise query.need("to").fail(f"at or after from ({query.need('from').value}), and at most ten years later")
    return start, end


def instants(node: Node) -> list[datetime]:
    return [each.instant() for each in node.need("query").need("instants").each()]


def _window_edges(node: Node, edge: int) -> list[str | None]:
    rule = restriction(node.need("restriction"))
    write = writer(rule.zone)
    spans = [r.window_at_or_after(rule, each) for each in instants(node)]
    return [write(span[edge]) if span else None for span in spans]


def _shifts_of(layer: Layer, start: datetime, end: datetime) -> list[tuple[datetime, datetime, tuple[str, ...]]]:
    """The shifts of one layer that touch [start, end], whole and one by one."""
    if layer.pattern is not None:
        return list(whole_spans(layer.pattern, start, end + _MINUTE))
    if layer.rotation is not None and not layer.restrictions:
        edges = list(r.handoffs(layer.rotation, start, end))
        return [(a, b, r.on_turn(layer.rotation, a)) for a, b in pairwise(edges)]
    whole = shifts(Schedule(layers=(msgspec.structs.replace(layer, priority=0),)), start - AROUND, end + AROUND)
    return [(each.start, each.end, (each.person,)) for each in whole if each.start <= end and each.end > start]


def _timeline(node: Node, by: Convention) -> Timeline:
    policy = node.need("policy")
    repeat = policy.get("repeat")
    steps = []
    for each in policy.need("steps").each():
        several = each.get("multi_ack")
        steps.append(
            Step(
                delay=each.need("delay_min").number(0),
                targets=tuple(name.text() for name in each.some("targets")),
                multi_ack=several is not None and several.value is True,
            )
        )
    ladder = Ladder(
        steps=tuple(steps),
        repeat=repeat.integer(-1) if repeat is not None else 0,
        empty="wait" if by.waits_when_empty else "pass",
        restart=by.restarts,
    )
    owners = node.get("notification_rules")
    rules = {}
    if owners is not None and owners.get("") is None:  # get: it has to be an object
        rules = {name: tuple(_own_rule(each) for each in owners.some(name)) for name in owners.value}
    events = [event for each in node.some("events") for event in _happening(each)]
    horizon = node.need("horizon_min")
    try:
        return timeline(ladder, rules, events, horizon.number(0))
    except ValueError as error:
        raise Malformed(policy.path, str(error)) from error


def _own_rule(node: Node) -> OwnRule:
    return OwnRule(delay=node.need("delay_min").number(0), method=node.need("method").text())


def _happening(node: Node) -> Iterator[Event]:
    """The event; a hold that says when it ends is two."""
    user, until = node.get("user"), node.get("until_min")
    at, said = node.need("at_min").number(0), node.need("action")
    word = said.text().lower().replace("-", "_")
    action = next((each for pattern, each in _ACTIONS if re.fullmatch(pattern, word)), None)
    if action is None:
        raise said.fail("ack, close, escalate, maintenance_start or maintenance_end")
    yield Event(at=at, action=action, user=user.text() if user is not None else None)
    if action == "hold" and until is not None:
        yield Event(at=until.number(at), action="release")


def _equal(node: Node, found: dict[str, Any]) -> Answer:
    return node.need("expect").value == found, found


def _instants(node: Node, found: dict[str, Any]) -> Answer:
    """Equal, instants as instants: whatever offset they are written with."""
    return _as_instants(node.need("expect")) == _as_instants(Node(found)), found


def _as_instants(node: Node) -> Any:
    match node.value:
        case dict():
            return {name: _as_instants(Node(each, (*node.path, name))) for name, each in node.value.items()}
        case list():
            return [_as_instants(each) for each in node.each()]
        case str():
            return node.instant()
        case _:
            return node.value


def _rows(node: Node, name: str, found: list[dict[str, Any]]) -> Answer:
    wanted = node.need("expect").need(name).value
    same = isinstance(wanted, list) and sorted(map(_key, wanted)) == sorted(map(_key, found))
    return same and _only(node, name), {name: found}


def _key(row: Any) -> str:
    return repr(sorted(row.items())) if isinstance(row, dict) else repr(row)


def _only(node: Node, name: str) -> bool:
    """Whether nothing else is expected: what this kind does not compute, it cannot confirm."""
    return set(node.need("expect").value) == {name}


def _whole(number: float) -> float:
    return int(number) if float(number).is_integer() else number
