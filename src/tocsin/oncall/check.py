"""Files of schedules with what they should say: each vector is evaluated, and compared with its expectation."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from tocsin.oncall.divergence import divergence
from tocsin.oncall.form import OURS, convention
from tocsin.oncall.kinds import KINDS
from tocsin.oncall.nodes import Malformed, Node, line_of, shown

DIVERGENCE = "divergence"


class Result(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`diverges`: the vector says what another tool does; Tocsin's own answer is `tocsin`."""

    name: str
    passed: bool = msgspec.field(name="pass")
    expected: Any
    got: Any
    diverges: str | None = None
    tocsin: Any = None


def check(text: str, file: str) -> list[Result]:
    """What became of every vector of a file. A vector that cannot be read fails, and says in which line.

    Raises ValueError if the file is not JSON, or has no vectors.
    """
    return [_checked(each, text, file) for each in vectors(text, file)]


def vectors(text: str, file: str) -> list[Node]:
    """The objects of a file: of `vectors`, of a list, or the file itself. Raises ValueError if there are none."""
    try:
        read = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"{file}:{error.lineno}: expected JSON: {error.msg}") from error
    node = Node(read)
    if isinstance(read, dict) and "vectors" in read:
        node = Node(read["vectors"], ("vectors",))
    nodes = [node] if isinstance(node.value, dict) else list(node.each()) if isinstance(node.value, list) else []
    if not nodes or not all(isinstance(each.value, dict) for each in nodes):
        raise ValueError(f"{file}:1: expected an object with vectors, or a list of them")
    return nodes


def _checked(node: Node, text: str, file: str) -> Result:
    name, expected = (
        str(node.value.get("name", shown(node.path))),
        node.value.get("expect", node.value.get("recommended")),
    )
    try:
        kind = node.need("kind").choice(*KINDS, DIVERGENCE)
        if kind == DIVERGENCE:
            passed, got = divergence(node)
            return Result(name=name, passed=passed, expected=expected, got=got)
        evaluate = KINDS[kind]
        passed, got = evaluate(node, OURS)
        theirs = convention(node)
        if not passed and theirs != OURS:
            passed_theirs, got_theirs = evaluate(node, theirs)
            if passed_theirs:
                said = ", ".join(f"{topic}: {what}" for topic, what in node.need("convention").value.items())
                return Result(name=name, passed=True, expected=expected, got=got_theirs, diverges=said, tocsin=got)
        return Result(name=name, passed=passed, expected=expected, got=got)
    except Malformed as error:
        got = f"{file}:{line_of(text, error.path)}: {error}"
    except (ValueError, OverflowError) as error:  # a date beyond the calendar's ends
        got = f"{file}:{line_of(text, node.path)}: {error}"
    return Result(name=name, passed=False, expected=expected, got=got)
