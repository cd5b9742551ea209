"""YAML that stands in a fence of a guide, as plain nodes with the lines of the guide; nothing in it is interpreted.

Anchors, aliases and tags are refused (`tocsin.yamltext`), a long fence is not read, and neither is one that is an
example, a form to fill in, or the configuration of a program.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from typing import TYPE_CHECKING, cast

from tocsin.guide.blocks import Block, Section
from tocsin.guide.inline import plain
from tocsin.guide.notes import Notes
from tocsin.guide.quantity import Quantity, read

if TYPE_CHECKING:
    from tocsin.yamltext import Mapping, Node

LINES_MAX = 200  # a longer fence is a file of its own
CHARS_MAX = 20_000
DEPTH_MAX = 8  # a policy that a person wrote into a guide is flat

_INFO = frozenset({"yaml", "yml", "json"})
_EXAMPLE = re.compile(
    r"\bexamples?\b|\bsamples?\b|\btemplates?\b|\bfor instance\b|\be\.g\.|\billustrat|\bbeispiel|\bejemplo|\bexemplo",
    re.I,
)
_BLANK = re.compile(
    r"<[A-Za-z][^>\n]*>|\{\{|\$\{|\$[A-Z]|\bYOUR[_-]|\byour-|\bX{3,}\b|\bTB[DCA]\b|change-?me|\bTODO\b", re.I
)
_PROGRAM = frozenset({"apiversion", "kind", "route", "receivers", "groups", "resource", "resources", "services", "steps_to", "jobs", "on", "tasks", "hosts"})  # fmt: skip
_UNITS = re.compile(r"(?:^|_|\s)(?:in_?)?(seconds?|secs?|minutes?|mins?|hours?|hrs?|days?)$", re.I)


def document(
    section: Section, block: Block, above: Block | None, notes: Notes | None, about: re.Pattern[str]
) -> Mapping | None:
    """The mapping in the fence, its lines those of the guide; None, and where it speaks `about` something a finding why."""
    if block.kind != "fence" or block.info.split(" ")[0].casefold() not in _INFO:
        return None
    if not about.search(section.title) and not about.search(block.text[:CHARS_MAX]):
        return None
    why = _refused(section, block, above)
    if why:
        _say(notes, block, why)
        return None
    yamltext = import_module("tocsin.yamltext")  # a guide without YAML compiles without it
    try:
        node: Node = yamltext.read(block.text)
    except yamltext.TextError as error:
        _say(notes, block, f"it cannot be read: {error.message}", error.line)
        return None
    entries = getattr(node, "entries", ())
    if not entries or {entry.key.casefold() for entry in entries} & _PROGRAM:
        return None
    return cast("Mapping", node)


def _refused(section: Section, block: Block, above: Block | None) -> str:
    if len(block.text) > CHARS_MAX or block.text.count("\n") > LINES_MAX:
        return f"it has more than {LINES_MAX} lines or {CHARS_MAX} characters"
    lead = plain(above.text) if above is not None and above.kind == "paragraph" and above.end + 2 >= block.line else ""
    first = block.text.lstrip().split("\n")[0]
    if _EXAMPLE.search(lead) or _EXAMPLE.search(section.title) or (first.startswith("#") and _EXAMPLE.search(first)):
        return "it is called an example"
    return "it has blanks to fill in" if _BLANK.search(block.text) else ""


def _say(notes: Notes | None, block: Block, why: str, line: int = 0) -> None:
    if notes is not None:
        message = f"this YAML speaks of severities or escalation, and nothing was taken from it: {why}"
        notes.add("GUIDE-UNREAD", "note", block.line + line, message, "write the policy as a list or a table")


def line_of(block: Block, node_line: int) -> int:
    """The line of the guide of a line of the fence."""
    return block.line + node_line


def words(key: str) -> str:
    """A key or a slug as people say it: `escalate_after` is "escalate after", `team-lead` "team lead"."""
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", key).replace("_", " ").strip()
    if re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)+", text):
        text = re.sub(r"\bon call\b", "on-call", text.replace("-", " "))
    return " ".join(text.split()).lower() if text.isupper() and len(text) > 5 else " ".join(text.split())


def texts(node: Node) -> Iterator[str]:
    """The scalars of a scalar or of a list of scalars."""
    text = getattr(node, "text", None)
    if text is not None:
        yield text
    for item in getattr(node, "items", ()):
        if getattr(item, "text", None) is not None:
            yield item.text


def span(key: str, text: str) -> Quantity | None:
    """The time of a value under its key: `15m`, `15_minutes`, or 15 under `timeout_minutes`."""
    unit = _UNITS.search(key)
    text = text.replace("_", " ")
    return read(f"{text} {unit[1]}" if unit and re.fullmatch(r"\s*\d{1,5}\s*", text) else text)
