"""A JSON value that knows where it stands, so that an error names the field, and the file's line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, time
from importlib import import_module
from typing import Any

from tocsin.core.walltime import zone_named

Path = tuple[str | int, ...]

_NANOSECONDS = re.compile(r"(\.\d{6})\d+")


class Malformed(ValueError):
    """What stands at `path` is not what the form allows there."""

    def __init__(self, path: Path, text: str) -> None:
        super().__init__(f"{shown(path)}: {text}" if path else text)
        self.path = path


class Node:
    """One value of the form; the readers raise Malformed."""

    def __init__(self, value: Any, path: Path = ()) -> None:
        self.value, self.path = value, path

    def fail(self, expected: str) -> Malformed:
        return Malformed(self.path, f"expected {expected}, got {_short(self.value)}")

    def get(self, *names: str) -> Node | None:
        """The first of these fields that is there and not null."""
        if not isinstance(self.value, dict):
            raise self.fail("an object")
        for name in names:
            if self.value.get(name) is not None:
                return Node(self.value[name], (*self.path, name))
        return None

    def need(self, *names: str) -> Node:
        found = self.get(*names)
        if found is None:
            raise Malformed((*self.path, names[0]), "expected a value, got none")
        return found

    def each(self) -> Iterator[Node]:
        if not isinstance(self.value, list):
            raise self.fail("a list")
        for number, value in enumerate(self.value):
            yield Node(value, (*self.path, number))

    def some(self, name: str) -> Iterator[Node]:
        """The items of a list that may be absent."""
        found = self.get(name)
        if found is not None:
            yield from found.each()

    def text(self) -> str:
        if not isinstance(self.value, str):
            raise self.fail("text")
        return self.value

    def number(self, least: float = float("-inf")) -> float:
        if isinstance(self.value, bool) or not isinstance(self.value, int | float) or self.value < least:
            raise self.fail("a number" if least == float("-inf") else f"a number of {least:g} or more")
        return self.value

    def integer(self, least: int | None = None) -> int:
        if isinstance(self.value, bool) or not isinstance(self.value, int):
            raise self.fail("a whole number")
        if least is not None and self.value < least:
            raise self.fail(f"a whole number of {least} or more")
        return self.value

    def choice(self, *names: str) -> str:
        if self.value not in names:
            raise self.fail(f"one of {', '.join(names)}")
        return str(self.value)

    def instant(self) -> datetime:
        """An instant in UTC; the offset has to be given."""
        found = self._datetime("an instant with an offset, such as 2026-03-08T09:00+01:00")
        if found.tzinfo is None:
            raise self.fail("an instant with an offset, such as 2026-03-08T09:00+01:00")
        return found.astimezone(UTC)

    def wall(self) -> datetime:
        """A local time without offset."""
        found = self._datetime("a local time without offset, such as 2026-03-08T09:00")
        if found.tzinfo is not None:
            raise self.fail("a local time without offset, such as 2026-03-08T09:00")
        return found

    def clock(self) -> time:
        try:
            return time.fromisoformat(self.text())
        except ValueError as error:
            raise self.fail("a time of day such as 08:00") from error

    def zone(self) -> str:
        try:
            return str(zone_named(self.text()))
        except ValueError as error:
            raise self.fail("an IANA time zone such as Europe/Berlin") from error

    def _datetime(self, expected: str) -> datetime:
        try:
            return datetime.fromisoformat(_NANOSECONDS.sub(r"\1", self.text()))
        except ValueError as error:
            raise self.fail(expected) from error


def shown(path: Path) -> str:
    """`layers[0].rotation.anchor`"""
    text = "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in path)
    return text.removeprefix(".")


def line_of(text: str, path: Path) -> int:
    """The line of JSON `text`, from 1, where the value at `path` stands, or the nearest thing around it."""
    yaml: Any = import_module("yaml")  # only where something is wrong
    node = yaml.compose(text.replace("\t", " "), Loader=yaml.SafeLoader)  # JSON is YAML, and YAML keeps the lines
    for step in path:
        found = None
        if isinstance(node, yaml.MappingNode):
            found = next((value for key, value in node.value if key.value == step), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            found = node.value[step]
        if found is None:
            break
        node = found
    return int(node.start_mark.line) + 1 if node is not None else 1


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
