"""Changes of a live schedule: overrides, swaps, temporary schedules, added and removed one by one (pure).

Each is a row of the stored schedule with an id. The past is in the record, so what ended a while ago may be dropped.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import msgspec

from tocsin.oncall.outside import Row
from tocsin.oncall.stored import StoredSchedule

Kind = Literal["override", "swap", "temporary"]

KEPT = timedelta(days=90)  # after its end, for people who look something up; the record keeps who was on call
SPAN_MAX = timedelta(days=400)

_LISTS = {"override": "overrides", "swap": "swaps", "temporary": "temporary_schedules"}


class NoChange(LookupError):
    """The schedule has no change with this id."""


def id_of(row: dict[str, Any]) -> str:
    """The row's id; one that was written without has one that follows from what it says."""
    said = row.get("id")
    return str(said) if said else hashlib.sha256(msgspec.json.encode(sorted(row.items()))).hexdigest()[:8]


def listed(stored: StoredSchedule) -> list[dict[str, Any]]:
    """Every change with its kind and id, by start."""
    found = [{"kind": kind, **row, "id": id_of(row)} for kind, name in _LISTS.items() for row in getattr(stored, name)]
    return sorted(found, key=lambda row: str(row.get("start")))


def added(stored: StoredSchedule, kind: Kind, row: dict[str, Any], now: datetime) -> StoredSchedule:
    """The schedule with one more change; long past ones are dropped. Raises ValueError naming the field."""
    start, end = _instant(row, "start"), _instant(row, "end")
    if not now < end:
        raise ValueError(f"end: expected an instant after now, the past is recorded; got {row['end']}")
    if not timedelta() < end - start <= SPAN_MAX:
        raise ValueError(f"end: expected up to {SPAN_MAX.days} days after start {row['start']}, got {row['end']}")
    name = _LISTS[kind]
    kept = [each for each in getattr(stored, name) if _end(each) > now - KEPT]
    return msgspec.structs.replace(stored, **{name: [*kept, row]})


def removed(stored: StoredSchedule, kind: Kind, name: str) -> StoredSchedule:
    """The schedule without that change. Raises NoChange."""
    rows = getattr(stored, _LISTS[kind])
    kept = [each for each in rows if id_of(each) != name]
    if len(kept) == len(rows):
        raise NoChange(f"{kind}: {stored.id} has none with the id {name!r}")
    return msgspec.structs.replace(stored, **{_LISTS[kind]: kept})


def taken(stored: StoredSchedule, name: str, benefactor: str) -> StoredSchedule:
    """A swap that was asked for has somebody who takes it. Raises NoChange, ValueError when it is taken already."""

    def take(row: dict[str, Any]) -> dict[str, Any]:
        if row.get("benefactor"):
            raise ValueError(f"swap: expected one that nobody has taken, {row['benefactor']} has taken {name}")
        if row.get("beneficiary") == benefactor:
            raise ValueError(f"benefactor: expected somebody else than the beneficiary, got {benefactor!r}")
        return {**row, "benefactor": benefactor}

    return _mapped(stored, name, take)


def people_named(row: dict[str, Any]) -> list[tuple[str, str]]:
    """(field, name) of everybody a change names."""
    names = [(field, row[field]) for field in ("add", "remove", "beneficiary", "benefactor") if row.get(field)]
    names += [
        (f"shifts[{n}].user", who)
        for n, shift in enumerate(row.get("shifts", ()))
        for who in (shift.get("users") or [shift.get("user")])
        if who
    ]
    return names


def with_layer(stored: StoredSchedule, name: str, rows: Sequence[Row], priority: int) -> StoredSchedule:
    """The shifts of an outside calendar are a layer of their own, in place of what it was before."""
    listed = [{"user": each.person, "start": each.start.isoformat(), "end": each.end.isoformat()} for each in rows]
    layers, overrides = _others(stored, name)
    layer = {"id": f"calendar:{name}", "priority": priority, "shifts": listed}
    return msgspec.structs.replace(stored, layers=[*layers, layer], overrides=overrides)


def with_overrides(stored: StoredSchedule, name: str, rows: Sequence[Row]) -> StoredSchedule:
    """The shifts of an outside calendar are overrides: whoever it names is on call too."""
    layers, overrides = _others(stored, name)
    for each in rows:
        row = {"add": each.person, "start": each.start.isoformat(), "end": each.end.isoformat(), "calendar": name}
        overrides.append({**row, "id": id_of(row)})
    return msgspec.structs.replace(stored, layers=layers, overrides=overrides)


def without_calendar(stored: StoredSchedule, name: str) -> StoredSchedule:
    """Nothing that was taken over under this name is left. Raises NoChange."""
    layers, overrides = _others(stored, name)
    if len(layers) == len(stored.layers) and len(overrides) == len(stored.overrides):
        raise NoChange(f"calendar: {stored.id} has none named {name!r}")
    return msgspec.structs.replace(stored, layers=layers, overrides=overrides)


def _others(stored: StoredSchedule, name: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    layers = [each for each in stored.layers if each.get("id") != f"calendar:{name}"]
    return layers, [each for each in stored.overrides if each.get("calendar") != name]


def _mapped(stored: StoredSchedule, name: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> StoredSchedule:
    if not any(id_of(each) == name for each in stored.swaps):
        raise NoChange(f"swap: {stored.id} has none with the id {name!r}")
    rows = [change(each) if id_of(each) == name else each for each in stored.swaps]
    return msgspec.structs.replace(stored, swaps=rows)


def _instant(row: dict[str, Any], field: str) -> datetime:
    found = datetime.fromisoformat(str(row[field]))
    if found.tzinfo is None:
        raise ValueError(f"{field}: expected an instant with an offset, got {row[field]}")
    return found.astimezone(UTC)


def _end(row: dict[str, Any]) -> datetime:
    return _instant(row, "end")
