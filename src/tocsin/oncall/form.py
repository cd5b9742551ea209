"""The form of a schedule in a file -> `core.schedule` values. docs/oncall.md describes it."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from tocsin.core.rotation import DAYS, HourlyBy, Overflow, Participant, Position, Restriction, Rotation, Unit
from tocsin.core.schedule import Layer, Override, Recorded, Schedule, Shift, Temporary
from tocsin.core.schedule_pattern import Pattern, PatternUnit
from tocsin.core.walltime import Gap, wall_at
from tocsin.oncall.nodes import Malformed, Node

YEARS = range(1970, 2200)  # of anchors: turns are counted from there, change of clocks by change of clocks
LENGTH_MAX = timedelta(days=366)  # of one shift; every shift that may reach into a query is looked at
LAYERS_ABOVE = 1_000_000  # the priority of a layer that is an override is above every other layer's

_UNITS: dict[str, Unit] = {"hourly": "hour", "daily": "day", "weekly": "week", "monthly": "month"}
_PATTERN_UNITS: dict[str, PatternUnit] = {"hourly": "hour", "daily": "day", "weekly": "week", "monthly": "month"}


class Convention(msgspec.Struct, frozen=True, kw_only=True):
    """Where tools differ; the defaults are Tocsin's. A file may name another tool's, to say what that one does."""

    gap: Gap = "after"
    overflow: Overflow = "clamp"
    hourly_by: HourlyBy | None = None
    waits_when_empty: bool = False
    restarts: bool = False


OURS = Convention()


def convention(node: Node) -> Convention:
    """The convention that a vector declares; what it does not declare is Tocsin's."""
    found = node.get("convention")
    if found is None:
        return OURS
    said = {name: str(value).lower() for name, value in found.value.items()} if isinstance(found.value, dict) else {}
    hourly: HourlyBy | None = None
    if said.get("hourly_unit"):
        hourly = "wall" if "wall" in said["hourly_unit"] else "elapsed"
    return Convention(
        gap="before" if "earlier" in said.get("gap", "") else "after",
        overflow="overflow" if "normalise" in said.get("month_overflow", "") else "clamp",
        hourly_by=hourly,
        waits_when_empty="wait" in said.get("empty_step", ""),
        restarts="restart" in said.get("notification_rules", "") or "independent" in said.get("notification_rules", ""),
    )


def rotation(node: Node, zone: str = "UTC", by: Convention = OURS) -> Rotation:
    """Raises Malformed, as every reader here."""
    frequency = node.need("frequency")
    named = node.get("timezone")
    members = tuple(participant(each) for each in node.some("users"))
    listed = node.get("users")
    if listed is not None and not members:
        raise Malformed(listed.path, "expected at least one participant, got an empty list")
    interval = node.get("interval")
    every = interval.integer(1) if interval is not None else 1
    state = node.get("state")
    position = None
    if state is not None:
        index = state.need("index")
        if members and not 0 <= index.integer() < len(members):
            raise index.fail(f"the number of a participant, 0 to {len(members) - 1}")
        position = Position(index=index.integer(), at=state.need("at").instant())
    unit = _UNITS[frequency.choice(*_UNITS)]
    anchor = node.need("anchor")
    if anchor.wall().year not in YEARS:
        raise anchor.fail(f"a year from {YEARS.start} to {YEARS.stop - 1}")
    return Rotation(
        every=every,
        unit=unit,
        anchor=anchor.wall(),
        zone=named.zone() if named is not None else zone,
        participants=members,
        position=position,
        overflow=by.overflow,
        hourly_by=by.hourly_by if unit == "hour" else None,
    )


def participant(node: Node) -> Participant:
    """A name, a list of names, null or "" (a buffer turn), or an object with `user` or `users`, `from`, `until`."""
    if isinstance(node.value, dict):
        who = node.get("users", "user")
        joins, leaves = node.get("from"), node.get("until")
        return Participant(
            people=_people(who) if who is not None else (),
            joins_at=joins.instant() if joins is not None else None,
            leaves_at=leaves.instant() if leaves is not None else None,
        )
    return Participant(people=_people(node))


def restriction(node: Node, zone: str = "UTC") -> Restriction:
    named, listed = node.get("timezone"), node.get("days")
    days = DAYS if listed is None else tuple(each.choice(*DAYS) for each in listed.each())
    start, end = node.need("start", "from").clock(), node.need("end", "to").clock()
    return Restriction(days=days, start=start, end=end, zone=named.zone() if named is not None else zone)


def schedule(node: Node, by: Convention = OURS) -> Schedule:
    """The schedule of a vector or of a file that holds one."""
    zone = zone_of(node)
    combine = node.get("combine")
    union = combine is not None and combine.choice("union", "highest-priority") == "union"
    recorded = node.get("recorded_history")
    return Schedule(
        zone=zone,
        layers=tuple(_layer(each, zone, by, union=union) for each in node.need("layers").each()),
        overrides=_overrides(node),
        temporary=tuple(_temporary(each) for each in node.some("temporary_schedules")),
        swaps=tuple(_swap(each) for each in node.some("swaps") if each.get("benefactor") is not None),
        recorded=tuple(_recorded(each) for each in node.some("recorded_history")),
        # the minute of now has been recorded already
        recorded_until=_minute_after(node.need("now").instant()) if recorded is not None else None,
    )


def zone_of(node: Node) -> str:
    named = node.get("timezone")
    return named.zone() if named is not None else "UTC"


def span(node: Node) -> tuple[datetime, datetime]:
    start, end = node.need("start"), node.need("end")
    if end.instant() <= start.instant():
        raise end.fail(f"an end after the start {start.value}")
    return start.instant(), end.instant()


def _layer(node: Node, zone: str, by: Convention, *, union: bool) -> Layer:
    named, priority = node.get("timezone"), node.get("priority")
    zone = named.zone() if named is not None else zone
    above = node.get("override")
    rank = 0 if union or priority is None else priority.integer()
    label = node.get("id", "name")
    turning, user = node.get("rotation"), node.get("user")
    pattern = _pattern(node, zone) if turning is None and node.get("start", "start_local") is not None else None
    users = node.get("users") if turning is None and pattern is None else None
    fixed = node.get("shifts") if turning is None and pattern is None else None
    begins, ends = node.get("from"), node.get("until") if pattern is None else None
    if turning is None and pattern is None and user is None and users is None and fixed is None:
        raise Malformed(node.path, "expected a user, users, a rotation or a start, or shifts; got none of them")
    return Layer(
        name=str(label.value) if label is not None else "",
        priority=rank + (LAYERS_ABOVE if above is not None and above.value is True else 0),
        people=_people(user) if user is not None else _people(users) if users is not None else (),
        fixed=_fixed(fixed) if fixed is not None else (),
        rotation=rotation(turning, zone, by) if turning is not None else None,
        pattern=pattern,
        restrictions=tuple(restriction(each, zone) for each in node.some("restrictions")),
        starts_at=begins.instant() if begins is not None else None,
        ends_at=ends.instant() if ends is not None else None,
    )


def _pattern(node: Node, zone: str) -> Pattern:
    local, frequency = node.get("start_local"), node.get("frequency")
    start = local.wall() if local is not None else wall_at(node.need("start").instant(), ZoneInfo(zone))
    groups = [participant(each).people for each in node.need("users").each()]
    if not groups:
        raise Malformed((*node.path, "users"), "expected at least one group, got an empty list")
    unit = _PATTERN_UNITS[frequency.choice(*_PATTERN_UNITS)] if frequency is not None else None
    if unit is None:  # once: everybody named
        groups = [tuple(name for group in groups for name in group)]
    interval, week_start = node.get("interval"), node.get("week_start")
    first_at, until, clip = (
        node.get("rotation_start"),
        node.get("until"),
        node.get("clip_first_shift_to_rotation_start"),
    )
    return Pattern(
        start=start.replace(fold=0),
        length=_length(node),
        zone=zone,
        every=interval.integer(1) if interval is not None else 1,
        unit=unit,
        groups=tuple(groups),
        by_day=tuple(each.choice(*DAYS) for each in node.some("by_day")),
        by_month_day=tuple(each.integer(-31) for each in node.some("by_monthday")),
        by_month=tuple(each.integer(1) for each in node.some("by_month")),
        week_start=week_start.choice(*DAYS) if week_start is not None else "MO",
        first_at=first_at.instant() if first_at is not None else None,
        until=until.instant() if until is not None else None,
        clip=clip is not None and clip.value is True,
    )


def _length(node: Node) -> timedelta:
    for name, unit in (
        ("duration_minutes", timedelta(minutes=1)),
        ("duration_wall_days", timedelta(days=1)),
        ("duration_hours", timedelta(hours=1)),
        ("duration_seconds", timedelta(seconds=1)),
    ):
        found = node.get(name)
        if found is not None:
            if not 0 < found.number() <= LENGTH_MAX / unit:
                raise found.fail(f"a duration above 0, of at most {LENGTH_MAX.days} days")
            return found.number() * unit
    raise Malformed((*node.path, "duration_minutes"), "expected a duration, got none")


def _overrides(node: Node) -> tuple[Override, ...]:
    """Two that overlap and name the same person would depend on their order: that is refused."""
    found: list[Override] = []
    for each in node.some("overrides"):
        add, remove = each.get("add"), each.get("remove")
        if add is None and remove is None:
            raise Malformed(each.path, "expected add, remove or both, got neither")
        start, end = span(each)
        new = Override(add=_name(add), remove=_name(remove), start=start, end=end)
        for number, old in enumerate(found):
            shared = {old.add, old.remove} & {new.add, new.remove} - {None}
            if shared and old.start < new.end and new.start < old.end:
                raise Malformed(each.path, f"overlaps overrides[{number}], which names {shared.pop()} too")
        found.append(new)
    return tuple(found)


def _temporary(node: Node) -> Temporary:
    start, end = span(node)
    listed = node.get("shifts")
    return Temporary(start=start, end=end, shifts=_fixed(listed) if listed is not None else ())


def _fixed(node: Node) -> tuple[Shift, ...]:
    """Shifts as they are written, by start."""
    shifts = []
    for each in node.each():
        first, last = span(each)
        shifts += [Shift(person=name, start=first, end=last) for name in _people(each.need("users", "user"))]
    return tuple(sorted(shifts, key=lambda each: each.start))


def _swap(node: Node) -> Override:
    start, end = span(node)
    return Override(add=node.need("benefactor").text(), remove=node.need("beneficiary").text(), start=start, end=end)


def _recorded(node: Node) -> Recorded:
    end = node.get("end")
    return Recorded(
        person=node.need("user").text(),
        start=node.need("start").instant(),
        end=end.instant() if end is not None else None,
    )


def _minute_after(instant: datetime) -> datetime:
    return instant.replace(second=0, microsecond=0) + timedelta(minutes=1)


def _name(node: Node | None) -> str | None:
    return node.text() if node is not None else None


def _people(node: Node) -> tuple[str, ...]:
    if node.value is None or node.value == "":
        return ()
    if isinstance(node.value, str):
        return (node.value,)
    return tuple(each.text() for each in node.each() if each.value)
