"""A scenario file: a guide, who is there, what happens, and what is expected of it. YAML, every error with its line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo

import msgspec

from tocsin import yamltext
from tocsin.core import commands as c
from tocsin.core.people import Method, MethodKind, Person
from tocsin.core.policy import BusinessHours, Paging
from tocsin.core.spans import parse_seconds
from tocsin.policyfile import read_as
from tocsin.rehearsal.rehearsal import Action
from tocsin.rehearsal.walls import UNTIL, instant, moment, zone_of
from tocsin.yamltext import Entry, Items, Node, Scalar

SOMEBODY = "somebody"
KNOWN = {tag.__struct_config__.tag: tag for tag in get_args(c.AnyCommand) if tag is not c.Declare}
SHORT = {
    "ack": "acknowledge",
    "severity": "change-severity",
    "status": "change-status",
    "update": "post-update",
    "note": "add-note",
    "role": "assign-role",
    "waive": "waive-promise",
}
SAID = {  # what a command cannot do without, where a scenario does not care
    "unacknowledge": {"because": "rehearsed"},
    "escalate": {"because": "rehearsed"},
    "change-severity": {"because": "rehearsed"},
    "reopen": {"because": "rehearsed"},
    "waive-promise": {"because": "rehearsed"},
    "post-update": {"text": "(an update)"},
    "add-note": {"text": "(a note)"},
}


class ScenarioError(ValueError):
    """The file is no scenario; one line per thing to correct, each with the file's name and line."""


class Someone(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`words`: of the guide, that mean this person. `methods`: kind -> how long after the page it is tried."""

    words: tuple[str, ...] = ()
    methods: dict[str, str] = {}
    reachable: bool = True
    zone: str = "UTC"


class AlertSaid(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    at: str = "+0"
    labels: dict[str, str]
    summary: str = ""
    status: Literal["firing", "resolved"] = "firing"


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    guide: str
    at: str
    title: str = "Rehearsal"
    severity: str | None = None
    zone: str | None = None
    until: str = UNTIL
    service: str | None = None
    calendar: BusinessHours | None = None
    paging: Paging | None = None
    people: dict[str, Someone] = {}
    bindings: dict[str, tuple[str, ...]] = {}
    last_resort: tuple[str, ...] = ()
    stand_ins: bool = True
    alerts: tuple[AlertSaid, ...] = ()
    responses: tuple[dict[str, str], ...] = ()
    expect: tuple[str, ...] = ()


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    text: str
    line: int


class SaidAlert(msgspec.Struct, frozen=True, kw_only=True):
    at: datetime
    said: AlertSaid
    line: int


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """A scenario as values. `guide` is a path as written, relative to the scenario's folder."""

    file: str
    guide: str
    guide_line: int
    title: str
    severity: str | None
    severity_line: int
    start: datetime
    until: datetime
    zone: ZoneInfo
    service: str | None
    calendar: BusinessHours | None
    paging: Paging | None
    people: dict[str, Person]
    unreachable: frozenset[str]
    bindings: dict[str, tuple[str, ...]]
    last_resort: tuple[str, ...]
    stand_ins: bool
    alerts: tuple[SaidAlert, ...]
    actions: tuple[Action, ...]
    expectations: tuple[Expected, ...]


def is_scenario(text: str) -> bool:
    """Whether a YAML or JSON text is meant as a scenario: it names a guide, as no policy does."""
    try:
        node = yamltext.read(text)
    except yamltext.TextError:
        return False
    return isinstance(node, yamltext.Mapping) and any(entry.key == "guide" for entry in node.entries)


def read_scenario(text: str, name: str) -> Scenario:
    """Raises ScenarioError with everything that is wrong."""
    try:
        node = _shaped(yamltext.read(text))
    except yamltext.TextError as error:
        raise ScenarioError(f"{name}:{error.line}: {error.message}") from None
    said, problems, lines = read_as(node, _File, name)
    if said is None:
        found = sorted(problems, key=lambda each: each.line)
        raise ScenarioError("\n".join(str(each) for each in found) or f"{name}:1: expected a scenario")
    return _Reader(said, lines, name).scenario()


class _Reader:
    """Fields that have the right shape in, instants and commands out; what cannot be meant is noted by line."""

    def __init__(self, said: _File, lines: Mapping[str, int], name: str) -> None:
        self.said, self.lines, self.name = said, lines, name
        self.wrong: list[tuple[int, str]] = []
        self.zone = ZoneInfo("UTC")
        self.start = datetime.min.replace(tzinfo=UTC)

    def scenario(self) -> Scenario:
        said = self.said
        hours = said.calendar.zone if said.calendar else None
        self.zone = self._try("zone", lambda: zone_of(said.zone or hours or "UTC")) or self.zone
        start = self._try("at", lambda: instant(said.at, self.zone))
        if start is None:
            raise self._error()
        self.start = start
        until = self._try("until", lambda: moment(said.until, start, self.zone))
        alerts = tuple(self._alerts())
        actions = tuple(self._actions())
        people = {name: self._person(name, someone) for name, someone in said.people.items()}
        if self.wrong or until is None:
            raise self._error()
        return Scenario(
            file=self.name,
            guide=said.guide,
            guide_line=self.lines["guide"],
            title=said.title,
            severity=said.severity,
            severity_line=self.lines.get("severity", 1),
            start=start,
            until=until,
            zone=self.zone,
            service=said.service,
            calendar=said.calendar,
            paging=said.paging,
            people=people,
            unreachable=frozenset(name for name, someone in said.people.items() if not someone.reachable),
            bindings=said.bindings,
            last_resort=said.last_resort,
            stand_ins=said.stand_ins,
            alerts=alerts,
            actions=actions,
            expectations=tuple(
                Expected(text=text, line=self.lines[f"expect[{n}]"]) for n, text in enumerate(said.expect)
            ),
        )

    def _error(self) -> ScenarioError:
        return ScenarioError("\n".join(f"{self.name}:{line}: {text}" for line, text in sorted(self.wrong)))

    def _try(self, path: str, read: Any) -> Any:
        try:
            return read()
        except ValueError as error:
            self.wrong.append((self.lines.get(path, 1), f"{path}: {error}"))
            return None

    def _person(self, name: str, someone: Someone) -> Person:
        methods = []
        for kind, after in (someone.methods or {"console": "0s"}).items():
            path = f"people.{name}.methods.{kind}"
            seconds = parse_seconds(after)
            if kind not in get_args(MethodKind):
                self.wrong.append(
                    (self.lines.get(path, 1), f"{path}: expected one of {', '.join(get_args(MethodKind))}")
                )
            elif seconds is None:
                self.wrong.append((self.lines.get(path, 1), f"{path}: expected a span such as 5m, got {after!r}"))
            else:
                methods.append(Method(kind=kind, address=name, after_seconds=seconds))  # type: ignore[arg-type]
        self._try(f"people.{name}.zone", lambda: zone_of(someone.zone))
        return Person(id=name, roles=someone.words, methods=tuple(methods), zone=someone.zone)

    def _alerts(self) -> Iterator[SaidAlert]:
        for n, alert in enumerate(self.said.alerts):
            at = self._try(f"alerts[{n}].at", lambda alert=alert: moment(alert.at, self.start, self.zone))
            if at is not None:
                yield SaidAlert(at=at, said=alert, line=self.lines[f"alerts[{n}]"])

    def _actions(self) -> Iterator[Action]:
        for n, fields in enumerate(self.said.responses):
            path = f"responses[{n}]"
            line = self.lines[path]
            for name in ("at", "do"):
                if name not in fields:
                    self.wrong.append((line, f"{path}.{name}: expected a value"))
            if "at" not in fields or "do" not in fields:
                continue
            at = self._try(f"{path}.at", lambda fields=fields: moment(fields["at"], self.start, self.zone))
            command = at and self._try(path, lambda fields=fields, at=at: action(fields, at, self.zone))
            if at is not None and at < self.start:
                self.wrong.append((line, f"{path}.at: expected an instant after the opening, got {fields['at']!r}"))
            elif command:
                yield Action(at=at, command=command, line=line)


def action(fields: Mapping[str, str], at: datetime, zone: ZoneInfo) -> Any:
    """The command that `do`, `by` and the command's own fields say. Raises ValueError."""
    rest = {name.replace("-", "_"): value for name, value in fields.items() if name not in ("at", "do", "by", "for")}
    tag = SHORT.get(fields["do"], fields["do"])
    kind = KNOWN.get(tag)
    if kind is None:
        raise ValueError(f"do: expected one of {', '.join(sorted({*KNOWN, *SHORT}))}, got {fields['do']!r}")
    if tag == "snooze":
        rest["until"] = _snoozed(fields, at, zone).isoformat()
    values = {**SAID.get(tag, {}), **rest, "by": fields.get("by", SOMEBODY)}
    try:
        return msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as error:
        raise ValueError(f"{fields['do']}: {error}") from None


def _snoozed(fields: Mapping[str, str], at: datetime, zone: ZoneInfo) -> datetime:
    if "for" in fields:
        seconds = parse_seconds(fields["for"])
        if seconds is None:
            raise ValueError(f"for: expected a span such as 30m, got {fields['for']!r}")
        return at + timedelta(seconds=seconds)
    if "until" not in fields:
        raise ValueError("snooze: expected for (a span) or until (a time)")
    return moment(fields["until"], at, zone)


# --- short forms ------------------------------------------------------------------------------------------------------


def _shaped(node: Node) -> Node:
    """`- at +15m: paged ben` is text, though YAML reads it as a mapping; a person may be written as their words."""
    if not isinstance(node, yamltext.Mapping):
        return node
    return msgspec.structs.replace(node, entries=tuple(_shaped_entry(entry) for entry in node.entries))


def _shaped_entry(entry: Entry) -> Entry:
    if entry.key == "expect" and isinstance(entry.node, Items):
        items = tuple(_sentence(each) for each in entry.node.items)
        return msgspec.structs.replace(entry, node=msgspec.structs.replace(entry.node, items=items))
    if entry.key == "people" and isinstance(entry.node, yamltext.Mapping):
        people = tuple(msgspec.structs.replace(each, node=_person_node(each.node)) for each in entry.node.entries)
        return msgspec.structs.replace(entry, node=msgspec.structs.replace(entry.node, entries=people))
    return entry


def _sentence(node: Node) -> Node:
    if isinstance(node, yamltext.Mapping) and len(node.entries) == 1 and isinstance(node.entries[0].node, Scalar):
        entry = node.entries[0]
        return Scalar(text=f"{entry.key}: {entry.node.text}", plain=False, line=node.line)
    return node


def _person_node(node: Node) -> Node:
    if isinstance(node, Scalar) and node.text not in ("", "~", "null"):
        node = Items(items=(node,), line=node.line)
    if isinstance(node, Items):
        return yamltext.Mapping(entries=(Entry(key="words", line=node.line, node=node),), line=node.line)
    if isinstance(node, Scalar):
        return yamltext.Mapping(entries=(), line=node.line)
    return node
