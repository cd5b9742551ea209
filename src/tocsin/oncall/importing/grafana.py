"""Grafana OnCall: `schedules`, `on_call_shifts`, `escalation_chains`, `escalation_policies`, `users` of `/api/v1`.

Also `schedules/{id}/final_shifts`, where only one schedule is carried over: they do not say which they belong to.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from tocsin.core.schedule import Shift
from tocsin.core.walltime import resolve, wall_at
from tocsin.oncall.importing.carried import Carried, Names, finished, level, objects, placed, slug
from tocsin.oncall.nodes import Malformed, Node
from tocsin.oncall.stored import StoredSchedule


def carry(texts: Iterable[tuple[str, str]]) -> Carried:
    """Everything the files hold; of each object its fields say what it is. Raises ValueError naming file and line."""
    found = list(objects(texts))
    made, names = Carried(), Names()
    by_kind: dict[str, list[tuple[Node, str, str]]] = {}
    for _, node, file, text in found:
        try:
            by_kind.setdefault(_kind(node), []).append((node, file, text))
        except Malformed as error:
            raise placed(error, file, text) from error
    ids: dict[str, str] = {}
    shifts = {node.value.get("id"): node for node, _, _ in by_kind.get("shift", [])}
    for kind in ("user", "schedule", "final"):
        for node, file, text in by_kind.get(kind, []):
            try:
                if kind == "user":
                    _user(node, names)
                elif kind == "schedule":
                    _schedule(node, made, names, ids, shifts)
                else:
                    _final(node, made, names)
            except Malformed as error:
                raise placed(error, file, text) from error
    chains = {str(node.value.get("id")): str(node.value.get("name")) for node, _, _ in by_kind.get("chain", [])}
    steps: dict[str, list[Node]] = {}
    for node, file, text in by_kind.get("step", []):
        try:
            steps.setdefault(node.need("escalation_chain_id").text(), []).append(node)
            node.need("type").text()
        except Malformed as error:
            raise placed(error, file, text) from error
    for chain, listed in steps.items():
        _chain(slug(chains.get(chain, chain)), sorted(listed, key=_position), made, names, ids)
    made.people = names.people
    return finished(made)


def _kind(node: Node) -> str:
    for field, kind in (
        ("shift_start", "final"),
        ("escalation_chain_id", "step"),
        ("duration", "shift"),
        ("shifts", "schedule"),
        ("username", "user"),
        ("ical_url_primary", "schedule"),
        ("on_call_now", "schedule"),
        ("name", "chain"),
    ):
        if node.get(field) is not None:
            return kind
    raise node.fail("a schedule, a shift, a user, an escalation chain or one of its policies")


def _position(node: Node) -> int:
    found = node.get("position")
    return found.integer() if found else 0


def _user(node: Node, names: Names) -> None:
    mail, name, zone = node.get("email"), node.need("username"), node.get("timezone")
    names.add(node.need("id").text(), name.text(), mail.text() if mail else "", zone.zone() if zone else "UTC")


def _schedule(node: Node, made: Carried, names: Names, ids: dict[str, str], shifts: dict[Any, Node]) -> None:
    title = node.need("name").text()
    mine, named = slug(title), node.get("time_zone")
    ids[node.need("id").text()] = mine
    zone = named.zone() if named else "UTC"
    for field in ("ical_url_primary", "ical_url_overrides"):
        if node.get(field) is not None:
            made.left.append(f"schedule {mine}: {field}; take it over with `tocsin oncall import --from ical`")
    layers = []
    for each in node.some("shifts"):
        shift = shifts.get(each.text())
        if shift is None:
            made.left.append(f"schedule {mine}: its shift {each.text()} is not in the files")
        else:
            layers += _layer(shift, zone, made, names, mine)
    if not layers:
        made.left.append(f"schedule {mine}: it has no shift that can be carried over")
        return
    made.schedules.append(StoredSchedule(id=mine, name=title, timezone=zone, layers=layers))


def _layer(node: Node, zone: str, made: Carried, names: Names, schedule: str) -> list[dict[str, Any]]:
    named, kind = node.get("time_zone"), node.need("type").text()
    zone = named.zone() if named else zone
    groups = _groups(node, kind, names)
    label = node.get("name")
    where = f"schedule {schedule}, shift {label.text() if label else node.need('id').text()}"
    if kind not in ("single_event", "recurrent_event", "rolling_users", "override"):
        made.left.append(f"{where}: a shift of type {kind}")
        return []
    if not any(groups):
        made.left.append(f"{where}: it has no users")
        return []
    said: dict[str, Any] = {
        "id": label.text() if label else "",
        "timezone": zone,
        "start_local": _wall(node.need("start"), zone).isoformat(),
        "duration_seconds": node.need("duration").integer(1),
        "users": groups,
        "override": kind == "override",
    }
    priority = node.get("level")
    said["priority"] = priority.integer() if priority else 0
    if kind not in ("single_event", "override"):
        frequency = node.get("frequency")
        if frequency is not None:
            said["frequency"] = frequency.choice("hourly", "daily", "weekly", "monthly")
        for field in ("interval", "by_day", "by_month", "by_monthday", "week_start"):
            given = node.get(field)
            if given is not None and given.value != []:
                said[field] = given.value if field != "week_start" else given.text()[:2].upper()
        for ours, theirs in (("rotation_start", "rotation_start"), ("until", "until")):
            given = node.get(theirs)
            if given is not None:
                said[ours] = resolve(_wall(given, zone), ZoneInfo(zone)).isoformat()
    return [said]


def _wall(node: Node, zone: str) -> datetime:
    """A time of the shift's zone. A `Z` is a habit of its writers and means nothing; any other offset is meant."""
    if re.search(r"[+-]\d\d:?\d\d$", node.text()):
        return wall_at(node.instant(), ZoneInfo(zone)).replace(fold=0)
    return Node(node.text().removesuffix("Z"), node.path).wall()


def _groups(node: Node, kind: str, names: Names) -> list[list[str]]:
    if kind != "rolling_users":
        return [[names.add(each.text(), each.text()) for each in node.some("users")]]
    groups = [
        [names.add(each.text(), each.text()) for each in group.each()] for group in node.need("rolling_users").each()
    ]
    first = node.get("start_rotation_from_user_index")
    begin = first.integer(0) % len(groups) if first and groups else 0
    return groups[begin:] + groups[:begin]


def _chain(title: str, steps: list[Node], made: Carried, names: Names, ids: dict[str, str]) -> None:
    """What is told between two waits is one level."""
    levels: list[dict[str, Any]] = []
    who: list[str] = []
    for each in steps:
        kind = each.need("type").text()
        if kind == "wait":
            duration = each.get("duration")
            if who:
                levels.append(level(len(levels) + 1, who, int(duration.number(0)) if duration else 300))
                who = []
        elif kind in ("notify_persons", "notify_person_next_each_time"):
            who += [f"person:{names.add(name.text(), name.text())}" for name in each.some("persons_to_notify")]
            who += [f"person:{names.add(n.text(), n.text())}" for n in each.some("persons_to_notify_next_each_time")]
            if kind != "notify_persons":
                made.left.append(f"escalation {title}: round robin tells everybody of the level here")
        elif kind == "notify_on_call_from_schedule":
            key = each.need("notify_on_call_from_schedule").text()
            who.append(f"schedule:{ids.get(key, slug(key))}")
            if key not in ids:
                made.left.append(f"escalation {title}: its schedule {key} is not in the files")
        elif kind == "repeat_escalation":
            made.left.append(f"escalation {title}: it repeats from the top; here the last level repeats")
        else:
            made.left.append(f"escalation {title}: a step of type {kind}")
    if who:
        levels.append(level(len(levels) + 1, who, None))
    made.escalations[title] = {"levels": levels}


def _final(node: Node, made: Carried, names: Names) -> None:
    if len(made.schedules) != 1:
        if not any("final shifts" in each for each in made.left):
            made.left.append("final shifts: they say no schedule; carry one schedule over at a time to compare them")
        return
    name, mail = node.get("user_username"), node.get("user_email")
    who = names.add(node.need("user_pk").text(), name.text() if name else "", mail.text() if mail else "")
    made.rendered.setdefault(made.schedules[0].id, []).append(
        Shift(person=who, start=node.need("shift_start").instant(), end=node.need("shift_end").instant())
    )
