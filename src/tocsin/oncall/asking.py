"""Questions to one schedule of a file: its shifts, its handoffs, who is on call."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tocsin.core.rotation import handoffs
from tocsin.core.schedule import Schedule, coverage_gaps, on_call, shifts
from tocsin.oncall.check import vectors
from tocsin.oncall.form import rotation, schedule
from tocsin.oncall.kinds import period, writer
from tocsin.oncall.nodes import Malformed, Node, line_of


def listed_shifts(
    text: str, file: str, *, name: str | None, start: str | None, end: str | None
) -> list[dict[str, str]]:
    """Shifts and gaps by start; a gap has no user. Raises ValueError naming the file and the line."""
    node = _chosen(text, file, name)
    try:
        plan = schedule(node)
        first, last = period(_query(node, start, end))
    except Malformed as error:
        raise _placed(error, text, file) from error
    write = writer(plan.zone)
    found = [(each.start, each.end, each.person) for each in shifts(plan, first, last)]
    found += [(each.start, each.end, "") for each in coverage_gaps(plan, first, last)]
    return [{"user": person, "start": write(begun), "end": write(done)} for begun, done, person in sorted(found)]


def listed_handoffs(text: str, file: str, *, name: str | None, start: str | None, end: str | None) -> list[str]:
    """The handoffs of the file's rotation, or of all of its layers' rotations together."""
    node = _chosen(text, file, name)
    try:
        if node.get("rotation") is not None:
            rotations = [rotation(node.need("rotation"))]
            zone = rotations[0].zone
        else:
            plan = schedule(node)
            rotations, zone = [each.rotation for each in plan.layers if each.rotation is not None], plan.zone
        first, last = period(_query(node, start, end))
    except Malformed as error:
        raise _placed(error, text, file) from error
    write = writer(zone)
    return [write(each) for each in sorted({at for turning in rotations for at in handoffs(turning, first, last)})]


def people_at(text: str, file: str, *, name: str | None, at: str | None, now: datetime) -> list[str]:
    node = _chosen(text, file, name)
    try:
        plan = _plan(node)
        instant = Node(at, ("--at",)).instant() if at is not None else now
    except Malformed as error:
        raise _placed(error, text, file) from error
    return list(on_call(plan, instant))


def _plan(node: Node) -> Schedule:
    """The schedule; a rotation alone is a schedule of one layer."""
    if node.get("layers") is None and node.get("rotation") is not None:
        alone = {
            "timezone": node.need("rotation").value.get("timezone"),
            "layers": [{"rotation": node.value["rotation"]}],
        }
        return schedule(Node(alone, node.path))
    return schedule(node)


def _chosen(text: str, file: str, name: str | None) -> Node:
    nodes = vectors(text, file)
    if name is None and len(nodes) == 1:
        return nodes[0]
    names = [str(each.value.get("name")) for each in nodes]
    if name not in names:
        said = "several schedules; say which one with --name" if name is None else f"no schedule named {name!r}"
        raise ValueError(f"{file}: {said}: {', '.join(names[:20])}")
    return nodes[names.index(name)]


def _query(node: Node, start: str | None, end: str | None) -> Node:
    """The period asked for; what the command does not say, the file's own query does."""
    asked = node.get("query")
    query: dict[str, Any] = dict(asked.value) if asked is not None and isinstance(asked.value, dict) else {}
    query |= {name: value for name, value in (("from", start), ("to", end)) if value is not None}
    return Node(query, (*node.path, "query"))


def _placed(error: Malformed, text: str, file: str) -> ValueError:
    if error.path[:1] == ("--at",):
        return ValueError(str(error))
    return ValueError(f"{file}:{line_of(text, error.path)}: {error}")
