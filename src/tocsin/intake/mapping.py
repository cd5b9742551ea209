"""A source's mapping for the generic format: JMESPath expressions that say where a payload keeps what an alert has.

The mapping is JSON, kept with the source and journalled with every body (`entry.meta["mapping"]`), so that a replay
reads an old body as it was read then. docs/integrations.md documents it for people.
"""

from __future__ import annotations

from math import prod
from typing import Any

import jmespath
import jmespath.exceptions
import msgspec
from jmespath.parser import ParsedResult

from tocsin.core.alert import Action

EXPRESSION_CHARACTERS_MAX = 500
MAPPING_BYTES_MAX = 16_384
NAMES_MAX = 64
# Flattening and multi-selects are what makes a result larger than the payload: six of them, and `GROWTH_MAX` times in
# all, for a list of forty in three steps would make it 64,000 times as large, in a process that others share.
GROWING_NODES_MAX = 6
GROWTH_MAX = 64
GROWING_NODES = frozenset({"flatten", "multi_select_list", "multi_select_dict", "function_expression"})


class Mapping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where things are. Every string but those of `actions` and `severities` is a JMESPath expression.

    `each`: the list whose elements are one alert each (default: the payload is one alert). `key`: the sender's identity
    of the problem. `labels` and `annotations`: an expression that gives an object, or a name with an expression each.
    `actions` and `severities` translate the sender's words (compared without case).
    """

    each: str | None = None
    key: str | None = None
    name: str | None = None
    title: str | None = None
    text: str | None = None
    status: str | None = None
    severity: str | None = None
    service: str | None = None
    starts_at: str | None = None
    ends_at: str | None = None
    url: str | None = None
    group: str | None = None
    labels: str | dict[str, str] = {}
    annotations: str | dict[str, str] = {}
    actions: dict[str, Action] = {}
    severities: dict[str, str] = {}


FIELDS = ("key", "name", "title", "text", "status", "severity", "service", "starts_at", "ends_at", "url", "group")


def load(text: str) -> Mapping:
    """The mapping in `text`, every expression checked. Raises ValueError naming the field and what is wrong with it."""
    if len(text) > MAPPING_BYTES_MAX:
        raise ValueError(f"mapping: expected at most {MAPPING_BYTES_MAX} characters, got {len(text)}")
    try:
        mapping = msgspec.json.decode(text.encode("utf-8", "replace"), type=Mapping)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(f"mapping: {error}") from None
    for where, expression in _expressions(mapping):
        _compiled(expression, where)
    return mapping


def _expressions(mapping: Mapping) -> list[tuple[str, str]]:
    found = [(name, getattr(mapping, name)) for name in ("each", *FIELDS) if getattr(mapping, name) is not None]
    for name, value in (("labels", mapping.labels), ("annotations", mapping.annotations)):
        if isinstance(value, str):
            found.append((name, value))
            continue
        if len(value) > NAMES_MAX:
            raise ValueError(f"mapping.{name}: expected at most {NAMES_MAX} names, got {len(value)}")
        found += [(f"{name}.{key}", expression) for key, expression in value.items()]
    return found


def _compiled(expression: str, where: str) -> ParsedResult:
    if len(expression) > EXPRESSION_CHARACTERS_MAX:
        raise ValueError(f"mapping.{where}: expected at most {EXPRESSION_CHARACTERS_MAX} characters")
    try:
        compiled = jmespath.compile(expression)
    except (jmespath.exceptions.JMESPathError, RecursionError) as error:
        raise ValueError(f"mapping.{where}: not a JMESPath expression: {error}") from None
    if _growing(compiled.parsed) > GROWING_NODES_MAX:
        raise ValueError(f"mapping.{where}: expected at most {GROWING_NODES_MAX} flattenings, lists and functions")
    times = _growth(compiled.parsed)
    if times > GROWTH_MAX:
        raise ValueError(
            f"mapping.{where}: expected what is at most {GROWTH_MAX} times as large as the payload, got {times} times"
        )
    return compiled


def _growing(node: Any) -> int:
    if not isinstance(node, dict):
        return 0
    own = node.get("type") in GROWING_NODES
    return own + sum(_growing(child) for child in node.get("children", ()))


def _growth(node: Any) -> int:
    """How often at most the result holds each value of the payload: lists add up, one after the other multiplies."""
    if not isinstance(node, dict):
        return 1
    children = [_growth(child) for child in node.get("children", ())]
    match node.get("type"):
        case "multi_select_list" | "multi_select_dict":
            return max(1, sum(children))
        case "function_expression":  # merge() adds up, map() multiplies
            return max(1, sum(children), prod(children))
    return prod(children)


def find(expression: str | None, where: str, value: object, problems: list[str]) -> object:
    """What `expression` finds in `value`, or None; why it could not be evaluated goes to `problems`."""
    if expression is None:
        return None
    try:
        found: object = _compiled(expression, where).search(value)
    except (jmespath.exceptions.JMESPathError, ValueError, TypeError, ArithmeticError, RecursionError) as error:
        problems.append(f"{where}: {error}")
        return None
    return found


def find_all(expressions: str | dict[str, str], where: str, value: object, problems: list[str]) -> dict[str, object]:
    """The named values that `expressions` find in `value`; one expression that gives an object names them itself."""
    if isinstance(expressions, str):
        found = find(expressions, where, value, problems)
        if isinstance(found, dict):
            return found
        if found is not None:
            problems.append(f"{where}: expected an object, got {type(found).__name__}")
        return {}
    return {name: find(expression, f"{where}.{name}", value, problems) for name, expression in expressions.items()}
