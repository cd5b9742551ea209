"""What was carried over, what could not be, and whether the shifts are those that the export itself says."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import msgspec

from tocsin.core.people import Method, Person
from tocsin.core.rotation import DAYS
from tocsin.core.schedule import Schedule, Shift, shifts
from tocsin.core.spans import show_seconds
from tocsin.oncall.nodes import Malformed, Node, line_of
from tocsin.oncall.stored import StoredSchedule, value_of

DIFFERENCES_MAX = 200  # of one schedule; more says the same

_DAY_MINUTES = 24 * 60


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """In [start, end) the export says that `theirs` are on call, and what was carried over says `ours`."""

    schedule: str
    start: datetime
    end: datetime
    theirs: tuple[str, ...]
    ours: tuple[str, ...]


class Carried(msgspec.Struct, kw_only=True):
    """`escalations` in the form of a policy file; `left`: sentences about what could not be carried over.

    `rendered`: the shifts that the export says there are, by schedule, and the period it says them for.
    """

    people: dict[str, Person] = {}
    schedules: list[StoredSchedule] = []
    escalations: dict[str, dict[str, Any]] = {}
    left: list[str] = []
    rendered: dict[str, list[Shift]] = {}
    differences: list[Difference] = []
    compared: int = 0


class Names:
    """Ids of our own for their users: from the mail address, else the name; each once."""

    def __init__(self) -> None:
        self.people: dict[str, Person] = {}
        self._ids: dict[str, str] = {}

    def known(self, key: str) -> str | None:
        return self._ids.get(key)

    def add(self, key: str, name: str, email: str = "", zone: str = "UTC", *, active: bool = True) -> str:
        """The id of the user with this key of theirs; the first mention says most and counts."""
        if key in self._ids:
            return self._ids[key]
        mine = slug(email.partition("@")[0] or name or key)
        while mine in self.people:
            mine += "-2"
        methods = (Method(kind="email", address=email),) if "@" in email else ()
        self.people[mine] = Person(id=mine, name=name or mine, methods=methods, zone=zone, active=active)
        self._ids[key] = mine
        return mine


def slug(name: str) -> str:
    """A short id in ASCII."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().casefold()
    return re.sub(r"[^a-z0-9._]+", "-", plain).strip("-.") or "unnamed"


def objects(texts: Iterable[tuple[str, str]], *names: str) -> Iterator[tuple[str, Node, str, str]]:
    """Every object of the files, with the kind its place says: `{"schedules": [...]}` and `{"schedule": {...}}`.

    Files of the form `{"data": ...}` and `{"results": [...]}` give "" as kind. Raises ValueError naming file and line.
    """
    for file, text in texts:
        try:
            read = json.loads(text)
        except json.JSONDecodeError as error:
            raise ValueError(f"{file}:{error.lineno}: expected JSON: {error.msg}") from error
        if not isinstance(read, dict):
            read = {"data": read}
        found = False
        for name in (*names, "data", "results"):
            value = read.get(name)
            for node in _each(Node(value, (name,))) if value is not None else ():
                found = True
                yield ("" if name in ("data", "results") else name), node, file, text
        if not found:
            raise ValueError(f"{file}:1: expected one of {', '.join((*names, 'data', 'results'))}, got none of them")


def _each(node: Node) -> Iterator[Node]:
    yield from node.each() if isinstance(node.value, list) else (node,)


def placed(error: Malformed, file: str, text: str) -> ValueError:
    return ValueError(f"{file}:{line_of(text, error.path)}: {error}")


def week_window(day: int, start: int, length: int) -> list[dict[str, Any]]:
    """A window that opens on weekday `day` (Monday 0) at minute `start` for `length` minutes, as restrictions of a day.

    Longer ones are windows of 24 hours in a row, which join.
    """
    found = []
    whole, rest = divmod(length, _DAY_MINUTES)
    if whole:
        days = [DAYS[(day + n) % 7] for n in range(min(whole, 7))]
        found.append({"days": days, "start": clock(start), "end": clock(start)})
    if rest and whole < 7:
        found.append({"days": [DAYS[(day + whole) % 7]], "start": clock(start), "end": clock(start + rest)})
    return found


def day_window(start: int, length: int) -> dict[str, Any]:
    return {"start": clock(start), "end": clock(start + min(length, _DAY_MINUTES))}


def clock(minutes: int) -> str:
    hour, minute = divmod(minutes % _DAY_MINUTES, 60)
    return f"{hour:02}:{minute:02}"


def minutes_of(node: Node) -> int:
    """Minutes since midnight of a time of day."""
    found = node.clock()
    return found.hour * 60 + found.minute


def turn(seconds: int) -> tuple[str, int] | None:
    """Frequency and interval of a turn of that length, or None where we have none."""
    for frequency, unit in (("weekly", 604_800), ("daily", 86_400), ("hourly", 3_600)):
        if seconds > 0 and seconds % unit == 0:
            return frequency, seconds // unit
    return None


def level(number: int, who: list[str], wait_seconds: int | None) -> dict[str, Any]:
    """One level in the form of a policy file."""
    within = {"within": show_seconds(wait_seconds)} if wait_seconds else {}
    return {"level": number, "who": who, **within}


def finished(carried: Carried) -> Carried:
    """The schedules are compared with what the export says they come to."""
    for stored in carried.schedules:
        said = carried.rendered.get(stored.id)
        if said:
            carried.compared += 1
            carried.differences += differences(stored.id, value_of(stored), said)
    return carried


def differences(name: str, schedule: Schedule, said: list[Shift]) -> list[Difference]:
    """Where the people differ, in the period from the first to the last of the said shifts."""
    start, end = min(each.start for each in said), max(each.end for each in said)
    ours = shifts(schedule, start, end)
    edges = sorted({edge for each in (*ours, *said) for edge in (each.start, each.end)})
    found: list[Difference] = []
    for here, there in pairwise(edges):
        mine, theirs = _at(ours, here), _at(said, here)
        if mine == theirs or not start <= here < end:
            continue
        last = found[-1] if found else None
        if last and last.end == here and (last.theirs, last.ours) == (theirs, mine):
            found[-1] = msgspec.structs.replace(last, end=there)
        elif len(found) < DIFFERENCES_MAX:
            found.append(Difference(schedule=name, start=here, end=there, theirs=theirs, ours=mine))
    return [each for each in found if each.end - each.start >= timedelta(minutes=1)]


def _at(listed: list[Shift], at: datetime) -> tuple[str, ...]:
    return tuple(sorted({each.person for each in listed if each.start <= at < each.end}))
