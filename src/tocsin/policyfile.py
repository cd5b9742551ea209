"""A policy as a file people write: YAML or JSON text -> `Policy`, with every problem named by field and line.

The schema is `core.policy` itself: a field's type says what its text must be. Beyond the plain form, a deadline may be
written short (`within: 15m`, see `core.spans`), and a number of seconds too (`seconds: 10m`). What the values must mean
together (severities that exist, levels without gaps) is checked by `core.policycheck`.
"""

from __future__ import annotations

import difflib
import re
from typing import Any, TypeVar

import msgspec
import yaml
from msgspec import inspect

from tocsin import yamltext
from tocsin.core.policy import Deadline, Policy
from tocsin.core.policycheck import Flaw, Problem, flaws
from tocsin.core.spans import EXAMPLES, parse_deadline, parse_seconds, show_deadline
from tocsin.yamltext import Items, Mapping, Node, Scalar

T = TypeVar("T")
PROBLEMS_MAX = 200  # a file that is something else altogether should not fill the screen

_NOTHING = frozenset({"", "~", "null"})
_WHOLE = re.compile(r"-?[0-9]{1,18}")


class PolicyError(ValueError):
    """The file is no policy; `problems` say where and why."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


def load(text: str, name: str = "policy") -> Policy:
    """The policy that the text says. `name` is the file's, for messages. Raises PolicyError."""
    policy, problems = _read(text, name)
    errors = [problem for problem in problems if problem.level == "error"]
    if policy is None or errors:
        raise PolicyError(errors)
    return policy


def check(text: str, name: str = "policy") -> list[Problem]:
    """Everything that is wrong with the text (errors) or that will surprise (warnings), in the order of its lines."""
    return _read(text, name)[1]


def read_as(node: Node, kind: type[T], name: str) -> tuple[T | None, list[Problem], dict[str, int]]:
    """Nodes of any file with a schema as its value, what is wrong with them, and the line of every field's path."""
    reader = _Reader(name)
    value = reader.value(node, inspect.type_info(kind), "")
    return (value if isinstance(value, kind) and not reader.problems else None), reader.problems, reader.lines


def _read(text: str, name: str) -> tuple[Policy | None, list[Problem]]:
    try:
        node = yamltext.read(text)
    except yamltext.TextError as error:
        expected, _, got = error.message.partition(", got ")
        return None, [
            Problem(file=name, line=error.line, field="", expected=expected, got=got or None, message=error.message)
        ]
    reader = _Reader(name)
    policy = reader.value(node, _POLICY, "")
    if isinstance(policy, Policy) and not reader.problems:
        reader.problems = [reader.located(flaw) for flaw in flaws(policy)]
    problems = sorted(reader.problems, key=lambda each: each.line)[:PROBLEMS_MAX]
    return (policy if isinstance(policy, Policy) else None), problems


_POLICY = inspect.type_info(Policy)
_WRONG = msgspec.UNSET  # stands for a value that has been complained about


class _Reader:
    """Nodes and a schema in, values out; what does not fit is a problem, and reading goes on."""

    def __init__(self, file: str) -> None:
        self._file = file
        self.lines: dict[str, int] = {}
        self.problems: list[Problem] = []

    def located(self, flaw: Flaw) -> Problem:
        """The flaw at the line of its field, or of the nearest thing around it that was written."""
        where = flaw.field
        while where and where not in self.lines:
            where = where[: max(where.rfind("."), where.rfind("["), 0)]
        line = self.lines.get(where, 1)
        return Problem(
            file=self._file,
            line=line,
            field=flaw.field,
            expected=flaw.expected,
            got=flaw.got,
            message=flaw.message,
            level=flaw.level,
        )

    def value(self, node: Node, kind: inspect.Type, path: str) -> Any:
        self.lines[path] = node.line
        match kind:
            case inspect.Metadata():
                return self.value(node, kind.type, path)
            case inspect.UnionType():
                return self._optional(node, kind, path)
            case inspect.StructType():
                return self._struct(node, kind, path)
            case inspect.VarTupleType():
                if not isinstance(node, Items):
                    return self._wrong(node, path, "a list (- one - two, or [one, two])")
                found = [self.value(each, kind.item_type, f"{path}[{n}]") for n, each in enumerate(node.items)]
                return _WRONG if _WRONG in found else tuple(found)
            case inspect.DictType():
                return self._dict(node, kind, path)
            case _:
                return self._scalar(node, kind, path)

    def _optional(self, node: Node, kind: inspect.UnionType, path: str) -> Any:
        if isinstance(node, Scalar) and node.plain and node.text in _NOTHING:
            return None
        (wanted,) = [each for each in kind.types if not isinstance(each, inspect.NoneType)]
        return self.value(node, wanted, path)

    def _dict(self, node: Node, kind: inspect.DictType, path: str) -> Any:
        if not isinstance(node, Mapping):
            return self._wrong(node, path, "a mapping (name: value)")
        found: dict[str, Any] = {}
        for entry in node.entries:
            where = f"{path}.{entry.key}"
            if entry.key in found:
                self._problem(entry.line, where, "each name once", f"{entry.key!r} again")
            found[entry.key] = self.value(entry.node, kind.value_type, where)
        return _WRONG if _WRONG in found.values() else found

    def _struct(self, node: Node, kind: inspect.StructType, path: str) -> Any:
        if kind.cls is Deadline and isinstance(node, Scalar):
            deadline = parse_deadline(node.text)
            return deadline if deadline else self._wrong(node, path, f"a span such as {EXAMPLES}")
        if not isinstance(node, Mapping):
            return self._wrong(node, path, f"a mapping with {_listed([field.name for field in kind.fields])}")
        values = self._fields(node, {field.name: field for field in kind.fields}, path)
        for field in kind.fields:
            if field.required and field.name not in values:
                self._problem(node.line, _join(path, field.name), "a value", None, "is missing")
                values[field.name] = _WRONG
        if _WRONG in values.values():
            return _WRONG
        try:
            return kind.cls(**values)
        except ValueError as error:
            part, _, said = str(error).rpartition("expected ")  # what a value says of its own fields
            expected, _, got = said.partition(", got ")
            self._problem(node.line, _join(path, part.rstrip(": ")) if part else path, expected, got or None)
            return _WRONG

    def _fields(self, node: Mapping, known: dict[str, inspect.Field], path: str) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for entry in node.entries:
            where = _join(path, entry.key)
            field = known.get(entry.key)
            if field is None:
                near = difflib.get_close_matches(entry.key, known, n=1)
                hint = f", did you mean {near[0]}?" if near else f", expected one of {_listed(list(known))}"
                self._problem(entry.line, where, "a known field", repr(entry.key), f"is not known{hint}")
                values["\0"] = _WRONG
                continue
            if entry.key in values:
                self._problem(entry.line, where, "each field once", f"{entry.key!r} again")
            if _is_nothing(entry.node) and not field.required and not isinstance(field.type, inspect.UnionType):
                continue  # "key:" and nothing after it says nothing
            values[entry.key] = self.value(entry.node, field.type, where)
        return values

    def _scalar(self, node: Node, kind: inspect.Type, path: str) -> Any:
        if not isinstance(node, Scalar):
            return self._wrong(node, path, _word(kind))
        match kind:
            case inspect.StrType():
                return node.text if not _is_nothing(node) or node.text else self._wrong(node, path, "text")
            case inspect.LiteralType():
                return node.text if node.text in kind.values else self._wrong(node, path, _word(kind))
            case inspect.BoolType():
                said = {"true": True, "false": False}.get(node.text.casefold()) if node.plain else None
                return self._wrong(node, path, "true or false") if said is None else said
            case inspect.IntType():
                if node.plain and _WHOLE.fullmatch(node.text):
                    return int(node.text)
                seconds = parse_seconds(node.text) if path.endswith("seconds") else None
                return self._wrong(node, path, _word(kind)) if seconds is None else seconds
        raise TypeError(f"{path}: the schema has a type that policy files do not know: {kind}")

    def _wrong(self, node: Node, path: str, expected: str) -> Any:
        match node:
            case Scalar():
                got = "nothing" if _is_nothing(node) and not node.text else repr(node.text[:80])
            case Items():
                got = "a list"
            case _:
                got = "a mapping"
        self._problem(node.line, path, expected, got)
        return _WRONG

    def _problem(self, line: int, field: str, expected: str, got: str | None, message: str | None = None) -> None:
        said = message or (f"expected {expected}, got {got}" if got else f"expected {expected}")
        self.problems.append(Problem(file=self._file, line=line, field=field, expected=expected, got=got, message=said))


def _is_nothing(node: Node) -> bool:
    return isinstance(node, Scalar) and node.plain and node.text in _NOTHING


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _word(kind: inspect.Type) -> str:
    match kind:
        case inspect.LiteralType():
            return f"one of {_listed([str(each) for each in kind.values])}"
        case inspect.IntType():
            return "a whole number"
        case inspect.BoolType():
            return "true or false"
    return "text"


def _listed(names: list[str]) -> str:
    return ", ".join(names)


# --- writing ----------------------------------------------------------------------------------------------------------


class _Flow(dict[str, Any]):
    """A mapping that is written on one line."""


class _Dumper(yaml.SafeDumper):
    """Lists indented under their key, long texts as blocks, no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    style = None
    if not text.replace("\n", "").isprintable():
        style = '"'  # the other styles fold or lose what is not printable
    elif "\n" in text:
        style = '"' if text[0] in " \n" else "|"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
_Dumper.add_representer(
    _Flow, lambda dumper, data: dumper.represent_mapping("tag:yaml.org,2002:map", data.items(), flow_style=True)
)


def dump(policy: Policy) -> str:
    """The policy as YAML for people: what is unset is left out, spans are short; `load` reads the same policy back."""
    return yaml.dump(_plain(policy), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


def _plain(value: Any) -> Any:
    match value:
        case Deadline():
            short = show_deadline(value)
            return short if short is not None else _Flow(_set_fields(value))
        case msgspec.Struct():
            fields = _set_fields(value)
            one_line = all(isinstance(each, str | int) and "\n" not in str(each) for each in fields.values())
            return _Flow(fields) if one_line and len(str(fields)) < 60 else fields
        case dict():
            return {key: _plain(each) for key, each in value.items()}
        case tuple():
            return [_plain(each) for each in value]
    return value


def _set_fields(value: msgspec.Struct) -> dict[str, Any]:
    """The fields that are not as they would be if nothing was written, in the order of the schema."""
    found: dict[str, Any] = {}
    for field in msgspec.structs.fields(value):
        each = getattr(value, field.name)
        default = (
            field.default_factory() if field.default is msgspec.NODEFAULT and not field.required else field.default
        )
        if field.required or each != default:
            found[field.name] = _plain(each)
    return found
