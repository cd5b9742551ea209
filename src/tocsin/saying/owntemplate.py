"""Own templates in Jinja2, without trusting whoever wrote them: values, `if`, `for` and a few filters, nothing else.

A sandbox alone stops neither `{% for a in range(99999) %}{% for b in ...` nor `'x' * 10**9`. So the template is read
first and whatever could call, loop without data, or multiply is refused by name; then time and size are bounded by the
template's own length and the data it is given.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from jinja2 import StrictUndefined, TemplateSyntaxError, nodes
from jinja2.exceptions import SecurityError, UndefinedError
from jinja2.sandbox import ImmutableSandboxedEnvironment

SOURCE_MAX = 20_000
TEXT_MAX = 20_000
LOOPS_MAX = 2  # one in another: a list of at most ITEMS_MAX in a list of at most ITEMS_MAX
ITEMS_MAX = 200
FILTERS = frozenset(
    {"upper", "lower", "capitalize", "title", "trim", "default", "d", "join", "length", "first", "last"}
)
TESTS = frozenset({"defined", "undefined", "none", "equalto", "eq", "in"})
_PLAIN = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.If, nodes.For, nodes.Filter,
    nodes.Test, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Getattr, nodes.Getitem,
    nodes.CondExpr, nodes.Concat,
)  # fmt: skip


class OwnTemplate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A template of one's own for an audience. `purpose`: an update, or the end. Raises ValueError for a bad body."""

    id: str
    audience: str
    body: str
    subject: str = ""
    purpose: str = "update"

    def __post_init__(self) -> None:
        if self.purpose not in ("update", "resolved"):
            raise ValueError(f"purpose: expected update or resolved, got {self.purpose!r}")
        for field in ("subject", "body"):
            try:
                check(getattr(self, field))
            except ValueError as error:
                raise ValueError(f"{field}: {error}") from error


_ENVIRONMENT = ImmutableSandboxedEnvironment(
    undefined=StrictUndefined, autoescape=False, keep_trailing_newline=False, trim_blocks=True, lstrip_blocks=True
)


def check(source: str) -> None:
    """Raises ValueError, with the line, for a template that is too long, wrong, or wants what none may have."""
    if len(source) > SOURCE_MAX:
        raise ValueError(f"expected a template of at most {SOURCE_MAX} characters, got {len(source)}")
    try:
        tree = _ENVIRONMENT.parse(source)
    except TemplateSyntaxError as error:
        raise ValueError(f"line {error.lineno}: expected a Jinja2 template, got: {error.message}") from error
    except RecursionError as error:
        raise ValueError("expected a template, got one that is nested too deeply") from error
    _look(tree, 0)


def _look(node: nodes.Node, loops: int) -> None:
    for child in node.iter_child_nodes():
        line = f"line {child.lineno}"
        if not isinstance(child, _PLAIN):
            raise ValueError(f"{line}: {type(child).__name__.lower()} is not available in templates")
        if isinstance(child, nodes.Filter) and child.name not in FILTERS:
            raise ValueError(f"{line}: expected a filter of {', '.join(sorted(FILTERS))}, got {child.name}")
        if isinstance(child, nodes.Test) and child.name not in TESTS:
            raise ValueError(f"{line}: expected a test of {', '.join(sorted(TESTS))}, got {child.name}")
        if isinstance(child, nodes.Getattr) and child.attr.startswith("_"):
            raise ValueError(f"{line}: {child.attr} is not available in templates")
        if isinstance(child, nodes.Getitem) and not isinstance(child.arg, nodes.Const):
            raise ValueError(f"{line}: expected a name or a number in [ ], got something to compute")
        if isinstance(child, nodes.Getitem) and str(getattr(child.arg, "value", "")).startswith("_"):
            raise ValueError(f"{line}: {child.arg.value} is not available in templates")  # type: ignore[attr-defined]
        deeper = loops + isinstance(child, nodes.For)
        if deeper > LOOPS_MAX or (isinstance(child, nodes.For) and child.recursive):
            raise ValueError(f"{line}: expected at most {LOOPS_MAX} loops in one another")
        _look(child, deeper)


def render(source: str, values: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    """The text, and the names that had no value: then the text is empty. Raises ValueError when it cannot be rendered.

    `values`: strings, and lists of strings or of flat mappings; lists are cut to `ITEMS_MAX`.
    """
    check(source)
    known = {name: value[:ITEMS_MAX] if isinstance(value, list) else value for name, value in values.items()}
    missing = tuple(sorted(_asked(source) - {name for name, value in known.items() if value not in ("", None, [])}))
    if missing:
        return "", missing
    pieces, size = [], 0
    try:
        for piece in _ENVIRONMENT.from_string(source).generate(**known):
            size += len(piece)
            if size > TEXT_MAX:
                raise ValueError(f"expected a text of at most {TEXT_MAX} characters, got more")
            pieces.append(piece)
    except (UndefinedError, SecurityError, TypeError) as error:
        raise ValueError(f"cannot be rendered: {error}") from error
    return "".join(pieces), ()


def _asked(source: str) -> set[str]:
    """The names that the text prints outside any `if`, loop or default: without them it would say nothing there."""
    asked: set[str] = set()

    def walk(node: nodes.Node) -> None:
        for child in node.iter_child_nodes():
            if isinstance(child, nodes.If | nodes.For | nodes.CondExpr):
                continue
            if isinstance(child, nodes.Filter) and child.name in ("default", "d"):
                continue
            if isinstance(child, nodes.Name):
                asked.add(child.name)
            walk(child)

    walk(_ENVIRONMENT.parse(source))
    return asked
