"""YAML or JSON text as plain nodes that know their line; nothing in it is interpreted yet.

Whoever reads the nodes says what a scalar must be, so that `no` is never False, `12:30:45` never a number, and `1e3`
stays what was written. Anchors, aliases and tags are refused: 340 bytes of aliases can become 39 MB. JSON is read as
the YAML it is, except that its surrogate pairs are joined first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import yaml

TEXT_MAX = 2 * 1024 * 1024  # characters; the longest guides compile to a tenth of it
DEPTH_MAX = 40  # a policy needs about ten levels
NODES_MAX = 200_000  # what a text of that size can reasonably hold

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_SURROGATES = re.compile(r"(?<!\\)((?:\\\\)*)\\u([dD][89abAB][0-9A-Fa-f]{2})\\u([dD][c-fC-F][0-9A-Fa-f]{2})")


class TextError(ValueError):
    """The text is no YAML that is accepted; `line` counts from 1."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(f"{message} (line {line})")
        self.line = line
        self.message = message


class Scalar(msgspec.Struct, frozen=True, kw_only=True):
    """`plain`: it stood without quotes, so that an empty one or `null` can mean nothing."""

    text: str
    plain: bool
    line: int


class Items(msgspec.Struct, frozen=True, kw_only=True):
    items: tuple[Any, ...]
    line: int


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    key: str
    line: int
    node: Any


class Mapping(msgspec.Struct, frozen=True, kw_only=True):
    entries: tuple[Entry, ...]
    line: int


Node = Scalar | Items | Mapping


def read(text: str) -> Node:
    """The one document of the text. Raises TextError."""
    if len(text) > TEXT_MAX:
        raise TextError(f"expected at most {TEXT_MAX} characters, got {len(text)}", 1)
    joined = _SURROGATES.sub(_join, text.removeprefix("\ufeff"))
    try:
        return _document(yaml.parse(joined, Loader=_Loader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise TextError(
            f"expected YAML or JSON, got {error.problem or error.context}", mark.line + 1 if mark else 1
        ) from None
    except yaml.reader.ReaderError as error:
        line = joined.count("\n", 0, error.position) + 1
        raise TextError(f"expected text, got the character {error.character!r}", line) from None
    except (yaml.YAMLError, UnicodeEncodeError, ValueError) as error:
        if isinstance(error, TextError):
            raise
        raise TextError(f"expected YAML or JSON, got {error}", 1) from None


def _join(found: re.Match[str]) -> str:
    high, low = int(found[2], 16), int(found[3], 16)
    return found[1] + chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))


def _document(events: Iterator[Any]) -> Node:
    found: Node | None = None
    builder = _Builder(events)
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent | yaml.StreamStartEvent | yaml.DocumentEndEvent):
            continue
        if isinstance(event, yaml.StreamEndEvent):
            break
        if found is not None:
            raise TextError("expected one document, got a second one", event.start_mark.line + 1)
        found = builder.node(event, 1)
    if found is None:
        raise TextError("expected a document, got nothing", 1)
    return found


class _Builder:
    def __init__(self, events: Iterator[Any]) -> None:
        self._events = events
        self._count = 0

    def node(self, event: Any, depth: int) -> Node:
        line = event.start_mark.line + 1
        self._count += 1
        if self._count > NODES_MAX:
            raise TextError(f"expected at most {NODES_MAX} values", line)
        if depth > DEPTH_MAX:
            raise TextError(f"expected at most {DEPTH_MAX} levels", line)
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise TextError("expected no anchors and aliases, got one: write the value out", line)
        if event.tag is not None:
            raise TextError(f"expected no tags, got {event.tag!r}", line)
        if isinstance(event, yaml.ScalarEvent):
            return Scalar(text=event.value, plain=not event.style, line=line)
        if isinstance(event, yaml.SequenceStartEvent):
            items = tuple(self.node(each, depth + 1) for each in self._until(yaml.SequenceEndEvent))
            return Items(items=items, line=line)
        return Mapping(entries=tuple(self._entries(depth)), line=line)

    def _entries(self, depth: int) -> Iterator[Entry]:
        for event in self._until(yaml.MappingEndEvent):
            key = self.node(event, depth + 1)
            if not isinstance(key, Scalar):
                raise TextError("expected a key that is text, got a list or a mapping", key.line)
            yield Entry(key=key.text, line=key.line, node=self.node(next(self._events), depth + 1))

    def _until(self, end: type) -> Iterator[Any]:
        for event in self._events:
            if isinstance(event, end):
                return
            yield event
