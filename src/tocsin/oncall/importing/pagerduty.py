"""PagerDuty: `GET /schedules/{id}?since=&until=`, `/escalation_policies`, `/users` of its REST API v2."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from zoneinfo import ZoneInfo

from tocsin.core.schedule import Shift
from tocsin.core.walltime import wall_at
from tocsin.oncall.importing.carried import (
    Carried,
    Names,
    day_window,
    finished,
    level,
    minutes_of,
    objects,
    placed,
    slug,
    turn,
    week_window,
)
from tocsin.oncall.nodes import Malformed, Node
from tocsin.oncall.stored import StoredSchedule

KINDS = ("users", "user", "schedules", "schedule", "escalation_policies", "escalation_policy")


def carry(texts: Iterable[tuple[str, str]]) -> Carried:
    """Everything the files hold, and what it was compared with. Raises ValueError naming file, line and field."""
    found = list(objects(texts, *KINDS))
    made, names = Carried(), Names()
    ids: dict[str, str] = {}
    for wanted in ("user", "schedule", "escalation_polic"):
        for kind, node, file, text in found:
            if kind.startswith(wanted):
                try:
                    {"user": _user, "schedule": _schedule, "escalation_polic": _policy}[wanted](node, made, names, ids)
                except Malformed as error:
                    raise placed(error, file, text) from error
    made.people = names.people
    return finished(made)


def _user(node: Node, made: Carried, names: Names, ids: dict[str, str]) -> None:
    email, zone = node.get("email"), node.get("time_zone")
    name = node.need("name", "summary").text()
    mail, clock = email.text() if email else "", zone.zone() if zone else "UTC"
    who = names.add(node.need("id").text(), name, mail, clock)
    for method in node.some("contact_methods"):
        kind = method.get("type")
        if kind is not None and not kind.text().startswith("email"):
            made.left.append(f"person {who}: {kind.text().split('_reference')[0]} is not carried over")
    rules = node.get("notification_rules")
    if rules is not None and rules.value:
        made.left.append(f"person {who}: {len(rules.value)} notification rules are not carried over")


def _who(node: Node, names: Names) -> str:
    """The person of a reference such as `{id, summary}`."""
    name = node.get("summary", "name", "email")
    return names.add(node.need("id").text(), name.text() if name else "")


def _schedule(node: Node, made: Carried, names: Names, ids: dict[str, str]) -> None:
    title, zone = node.need("name", "summary").text(), node.need("time_zone").zone()
    mine = slug(title)
    ids[node.need("id").text()] = mine
    layers, count = [], len(node.need("schedule_layers").value)
    for number, layer in enumerate(node.need("schedule_layers").each()):
        said = _layer(layer, zone, made, names, mine)
        if said:
            layers.append({**said, "priority": count - number})  # the API lists the layer that wins first
    overriding = node.get("overrides_subschedule")
    temporary = []
    for each in overriding.some("rendered_schedule_entries") if overriding else ():
        span = {"start": each.need("start").text(), "end": each.need("end").text()}
        temporary.append({**span, "shifts": [{**span, "user": _who(each.need("user"), names)}]})
    if not layers:
        made.left.append(f"schedule {mine}: it has no layer that can be carried over")
        return
    made.schedules.append(
        StoredSchedule(id=mine, name=title, timezone=zone, layers=layers, temporary_schedules=temporary)
    )
    final = node.get("final_schedule")
    made.rendered[mine] = [
        Shift(person=_who(each.need("user"), names), start=each.need("start").instant(), end=each.need("end").instant())
        for each in (final.some("rendered_schedule_entries") if final else ())
    ]


def _layer(node: Node, zone: str, made: Carried, names: Names, schedule: str) -> dict[str, Any] | None:
    label = node.get("name")
    where = f"schedule {schedule}, layer {label.text() if label else node.path[-1]}"
    seconds = node.need("rotation_turn_length_seconds").integer(1)
    turning = turn(seconds)
    if turning is None:
        made.left.append(f"{where}: a turn of {seconds} s is no whole number of hours")
        return None
    users = [_who(each.get("user") or each, names) for each in node.need("users").each()]
    if not users:
        made.left.append(f"{where}: it has no users")
        return None
    anchor = wall_at(node.need("rotation_virtual_start").instant(), ZoneInfo(zone)).replace(fold=0)
    restrictions: list[dict[str, Any]] = []
    for each in node.some("restrictions"):
        start = minutes_of(each.need("start_time_of_day"))
        length = each.need("duration_seconds").integer(60) // 60
        if each.need("type").choice("daily_restriction", "weekly_restriction") == "daily_restriction":
            restrictions.append(day_window(start, length))
        else:
            restrictions += week_window(each.need("start_day_of_week").integer(1) - 1, start, length)
    said: dict[str, Any] = {
        "id": label.text() if label else "",
        "rotation": {
            "frequency": turning[0],
            "interval": turning[1],
            "anchor": anchor.isoformat(timespec="seconds"),
            "timezone": zone,
            "users": users,
        },
    }
    for ours, theirs in (("from", "start"), ("until", "end")):
        given = node.get(theirs)
        if given is not None:
            said[ours] = given.instant().isoformat()
    return said | ({"restrictions": restrictions} if restrictions else {})


def _policy(node: Node, made: Carried, names: Names, ids: dict[str, str]) -> None:
    title = node.need("name", "summary").text()
    levels = []
    for number, rule in enumerate(node.need("escalation_rules").each(), 1):
        who = []
        for target in rule.need("targets").each():
            kind, key = target.need("type").text(), target.need("id").text()
            if kind.startswith("user"):
                who.append(f"person:{_who(target, names)}")
            elif kind.startswith("schedule"):
                name = target.get("summary")
                who.append(f"schedule:{ids.get(key) or slug(name.text() if name else key)}")
                if key not in ids:
                    made.left.append(f"escalation {slug(title)}: its schedule {key} is not in the files")
            else:
                made.left.append(f"escalation {slug(title)}, level {number}: a target of type {kind}")
        levels.append(level(number, who, int(rule.need("escalation_delay_in_minutes").number(0) * 60)))
    made.escalations[slug(title)] = {"levels": levels}
    loops = node.get("num_loops")
    if loops is not None and loops.integer():
        made.left.append(f"escalation {slug(title)}: it repeats {loops.value} times; here the last level repeats")
