"""What text may hold: control characters move the cursor of a terminal and end strings in other programs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")  # all of Unicode's Cc but tab and line breaks
_NOT_IN_A_LINE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_ONE_LINE = frozenset({"title", "name"})  # fields that stand in a table, a subject or a heading


TITLE_MAX = 500  # characters of an incident's or an alert's title: a subject, a heading, a few of them in one fact


def shortened(text: str, most: int) -> str:
    """At most `most` characters; an ellipsis says that there was more."""
    return text if len(text) <= most else text[: most - 1] + "…"


def title_said(text: str) -> str:
    """The title as somebody gave it. Raises ValueError where it says nothing or too much."""
    if not text.strip():
        raise ValueError("title: expected a few words, got nothing")
    if len(text) > TITLE_MAX:
        raise ValueError(f"title: expected at most {TITLE_MAX} characters, got {len(text)}")
    return text


def one_line(text: str) -> str:
    """The text without control characters and line breaks: what stood there is a space."""
    return _NOT_IN_A_LINE.sub(" ", text).strip() if not text.isprintable() else text


def unspeakable(value: object, field: str = "") -> str | None:
    """`field: expected ..., got ...` for the first text inside of `value` that holds a control character; else None.

    Text may have several lines, except in fields called title or name. Names of fields are looked at as well.
    """
    match value:
        case str():
            return _in_text(value, field)
        case Mapping():
            for name, member in value.items():
                found = _in_text(str(name), f"{field} (a name in it)".strip()) or unspeakable(member, _at(field, name))
                if found:
                    return found
        case Sequence() if not isinstance(value, bytes | bytearray):
            for n, member in enumerate(value):
                if found := unspeakable(member, f"{field}[{n}]"):
                    return found
    return None


def _at(field: str, name: object) -> str:
    return f"{field}.{name}" if field else str(name)


def _in_text(text: str, field: str) -> str | None:
    if text.isprintable():
        return None
    line = field.rpartition(".")[2] in _ONE_LINE
    found = (_NOT_IN_A_LINE if line else _CONTROL).search(text)
    if found is None:
        return None
    expected = "one line without control characters" if line else "text without control characters"
    return f"{field or 'body'}: expected {expected}, got U+{ord(found[0][0]):04X} at {found.start()}"
