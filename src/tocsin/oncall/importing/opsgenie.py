"""Opsgenie: `GET /v2/schedules?expand=rotation`, `/schedules/{id}/overrides`, `/timeline`, `/escalations`, `/users`."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from tocsin.core.rotation import DAYS
from tocsin.core.schedule import Shift
from tocsin.core.walltime import wall_at
from tocsin.oncall.importing.carried import (
    Carried,
    Names,
    clock,
    finished,
    level,
    objects,
    placed,
    slug,
    week_window,
)
from tocsin.oncall.nodes import Malformed, Node
from tocsin.oncall.stored import StoredSchedule

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WAITS = {"minutes": 60, "hours": 3_600, "days": 86_400}
_WEEK_MINUTES = 7 * 24 * 60


def carry(texts: Iterable[tuple[str, str]]) -> Carried:
    """Everything the files hold; of each object its fields say what it is. Raises ValueError naming file and line."""
    found = list(objects(texts))
    made, names = Carried(), Names()
    ids: dict[str, str] = {}
    for kind in ("user", "schedule", "escalation", "override", "timeline"):
        for _, node, file, text in found:
            try:
                if _kind(node) == kind:
                    _READERS[kind](node, made, names, ids)
            except Malformed as error:
                raise placed(error, file, text) from error
    for _, node, file, text in found:
        if not _kind(node):
            raise placed(node.fail("a user, a schedule, an escalation, an override or a timeline"), file, text)
    made.people = names.people
    return finished(made)


def _kind(node: Node) -> str:
    for field, kind in (
        ("finalTimeline", "timeline"),
        ("rotations", "schedule"),
        ("rules", "escalation"),
        ("username", "user"),
        ("alias", "override"),
    ):
        if node.get(field) is not None and (kind != "schedule" or node.get("alias") is None):
            return kind
    return ""


def _user(node: Node, made: Carried, names: Names, ids: dict[str, str]) -> None:
    title, zone, blocked = node.get("fullName"), node.get("timeZone"), node.get("blocked")
    names.add(
        node.need("id").text(),
        title.text() if title else "",
        node.need("username").text(),
        zone.zone() if zone else "UTC",
        active=blocked is None or blocked.value is not True,
    )


def _who(node: Node, names: Names) -> str:
    mail = node.get("username", "name")
    said = mail.text() if mail else ""
    return names.add(node.need("id").text(), said.partition("@")[0], said if "@" in said else "")


def _schedule(node: Node, made: Carried, names: Names, ids: dict[str, str]) -> None:
    title = node.need("name").text()
    mine, zone = slug(title), node.need("timezone").zone()
    ids[node.need("id").text()] = ids[title] = mine
    off = node.get("enabled")
    if off is not None and off.value is False:
        made.left.append(f"schedule {mine}: it is disabled there, and counts here")
    layers = []
    for each in node.need("rotations").each():
        layers += _rotation(each, zone, made, names, mine)
    if not layers:
        made.left.append(f"schedule {mine}: it has no rotation that can be carried over")
        return
    made.schedules.append(StoredSchedule(id=mine, name=title, timezone=zone, combine="union", layers=layers))


def _rotation(node: Node, zone: str, made: Carried, names: Names, schedule: str) -> list[dict[str, Any]]:
    label = node.get("name")
    where = f"schedule {schedule}, rotation {label.text() if label else node.path[-1]}"
    users: list[str | None] = []
    for each in node.need("participants").each():
        kind = each.need("type").choice("user", "team", "escalation", "none")
        users.append(_who(each, names) if kind == "user" else None)
        if kind in ("team", "escalation"):
            made.left.append(f"{where}: a turn of {kind} {_name(each)} is a turn of nobody here")
    if not any(users):
        made.left.append(f"{where}: nobody of it can be carried over")
        return []
    length, end = node.get("length"), node.get("endDate")
    start = node.need("startDate").instant()
    said: dict[str, Any] = {
        "id": label.text() if label else "",
        "rotation": {
            "frequency": node.need("type").choice("hourly", "daily", "weekly"),
            "interval": length.integer(1) if length else 1,
            "anchor": wall_at(start, ZoneInfo(zone)).replace(fold=0).isoformat(timespec="seconds"),
            "timezone": zone,
            "users": users,
        },
        "from": start.isoformat(),
    }
    if end is not None:
        said["until"] = end.instant().isoformat()
    limits = node.get("timeRestriction")
    return [said | ({"restrictions": _restrictions(limits)} if limits else {})]


def _restrictions(node: Node) -> list[dict[str, Any]]:
    if node.need("type").choice("time-of-day", "weekday-and-time-of-day") == "time-of-day":
        one = node.need("restriction", "restrictions")
        some = list(one.each()) if isinstance(one.value, list) else [one]
        return [
            {"days": list(DAYS), "start": clock(_minute(each, "start")), "end": clock(_minute(each, "end"))}
            for each in some
        ]
    found: list[dict[str, Any]] = []
    for each in node.need("restrictions").each():
        first, last = (_DAYS.index(_word(each.need(name)).choice(*_DAYS)) for name in ("startDay", "endDay"))
        start = _minute(each, "start")
        length = ((last - first) * 24 * 60 + _minute(each, "end") - start) % _WEEK_MINUTES or _WEEK_MINUTES
        found += week_window(first, start, length)
    return found


def _minute(node: Node, edge: str) -> int:
    """Minutes after midnight; who writes these files by program leaves zeros out."""
    hour, minute = node.get(f"{edge}Hour"), node.get(f"{edge}Min")
    if hour is not None and not 0 <= hour.integer(0) <= 24:
        raise hour.fail("an hour from 0 to 24")
    return (hour.integer(0) if hour else 0) * 60 + (minute.integer(0) if minute else 0)


def _word(node: Node) -> Node:
    return Node(node.text().lower(), node.path)


def _escalation(node: Node, made: Carried, names: Names, ids: dict[str, str]) -> None:
    title = slug(node.need("name").text())
    steps: dict[int, list[str]] = {}
    for rule in node.need("rules").each():
        delay = rule.need("delay")
        unit = delay.get("timeUnit")
        factor = _WAITS[unit.choice(*_WAITS)] if unit else 60
        at = int(delay.need("timeAmount").number(0) * factor)
        steps.setdefault(at, [])
        target = rule.need("recipient", "recipients")
        for each in target.each() if isinstance(target.value, list) else [target]:
            steps[at] += _target(each, made, names, ids, title)
        notify, condition = rule.get("notifyType"), rule.get("condition")
        if notify is not None and notify.text() not in ("default", "all"):
            made.left.append(f"escalation {title}: notify {notify.text()} tells everybody of the level here")
        if condition is not None and condition.text() != "if-not-acked":
            made.left.append(
                f"escalation {title}: the condition {condition.text()}; set `until: resolved` where it says so"
            )
    times = sorted(steps)
    waits = [b - a for a, b in pairwise(times)]
    repeat = node.get("repeat")
    wait = repeat.get("waitInterval") if repeat else None
    waits.append(int(wait.number(0) * 60) if wait else 0)
    made.escalations[title] = {"levels": [level(n, steps[at], waits[n - 1]) for n, at in enumerate(times, 1)]}
    if times and times[0] > 0:
        made.left.append(f"escalation {title}: its first rule waits {times[0] // 60} min; here it is told at once")
    if repeat is not None and repeat.get("count") is not None:
        made.left.append(f"escalation {title}: it repeats {repeat.value['count']} times; here the last level repeats")


def _target(node: Node, made: Carried, names: Names, ids: dict[str, str], title: str) -> list[str]:
    kind = node.need("type").text()
    if kind == "user":
        return [f"person:{_who(node, names)}"]
    if kind == "schedule":
        known = ids.get(str(node.value.get("id"))) or ids.get(_name(node))
        if known is None:
            made.left.append(f"escalation {title}: its schedule {_name(node)} is not in the files")
        return [f"schedule:{known or slug(_name(node))}"]
    if kind == "team":
        made.left.append(f"escalation {title}: the members of team {_name(node)} are not in the files")
        return [f"team:{slug(_name(node))}"]
    made.left.append(f"escalation {title}: a recipient of type {kind}")
    return []


def _override(node: Node, made: Carried, names: Names, ids: dict[str, str]) -> None:
    parent = node.get("_parent")
    mine = (ids.get(str(parent.value.get("id"))) or ids.get(_name(parent))) if parent else None
    place = next((n for n, each in enumerate(made.schedules) if each.id == mine), None)
    if mine is None and len(made.schedules) == 1:
        place = 0
    if place is None:
        made.left.append(f"override {node.need('alias').text()}: nothing says which schedule it belongs to")
        return
    rotations = [_name(each) for each in node.some("rotations")]
    span = {"start": node.need("startDate").text(), "end": node.need("endDate").text()}
    stored = made.schedules[place]
    who = _who(node.need("user"), names)
    if rotations and len(rotations) < len(stored.layers):
        made.left.append(f"schedule {stored.id}: an override of {', '.join(rotations)} replaces all its rotations here")
    row = {**span, "shifts": [{**span, "user": who}]}
    made.schedules[place] = StoredSchedule(
        **{name: getattr(stored, name) for name in stored.__struct_fields__ if name != "temporary_schedules"},
        temporary_schedules=[*stored.temporary_schedules, row],
    )


def _timeline(node: Node, made: Carried, names: Names, ids: dict[str, str]) -> None:
    parent = node.get("_parent")
    mine = (ids.get(str(parent.value.get("id"))) or ids.get(_name(parent))) if parent else None
    if mine is None:
        made.left.append("timeline: its schedule is not in the files, it was not compared")
        return
    for turning in node.need("finalTimeline").some("rotations"):
        for each in turning.some("periods"):
            recipient = each.get("recipient")
            if recipient is not None and recipient.need("type").text() == "user":
                made.rendered.setdefault(mine, []).append(
                    Shift(
                        person=_who(recipient, names),
                        start=each.need("startDate").instant(),
                        end=each.need("endDate").instant(),
                    )
                )


def _name(node: Node) -> str:
    found = node.get("name", "username", "id")
    return found.text() if found else ""


_READERS = {
    "user": _user,
    "schedule": _schedule,
    "escalation": _escalation,
    "override": _override,
    "timeline": _timeline,
}
