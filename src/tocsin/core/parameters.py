"""The values that a guide's command leaves open, and the command with all of them filled in.

A value never becomes shell: where the shell splits words it stands quoted, and inside quotes, in a second shell or in
another language it may hold nothing but letters, digits and a few marks. A secret is never a value at all: it stays a
variable of the shell, which reads it from the environment of whoever runs the command.
Source: docs/decisions/0220-a-command-of-the-guide-is-run-as-it-was-shown.md
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Literal

import msgspec

Kind = Literal["name", "host", "url", "integer", "time", "path", "free", "secret"]
Where = Literal["plain", "double", "single", "tick"]

VALUE_MAX = 500  # characters; what is longer belongs into a file

_MARKED = re.compile(
    r"<(?P<angle>[A-Za-z][\w .-]*)>|\{\{\s*(?P<braces>[A-Za-z][\w.-]*)\s*\}\}"
    r"|\[(?P<square>[A-Z][A-Z0-9_ -]{2,}|[a-z]{2,}(?:[-_ ][a-z]{2,})*)\]"
    r"|(?<!\$)\{(?P<brace>[a-z]{2,}(?:[-_][a-z]{2,})*)\}"
)
_VARIABLE = re.compile(r"\$(?:\{(?P<inside>[A-Za-z_]\w*)\}|(?P<bare>[A-Za-z_]\w*))")
_UNMARKED = re.compile(
    r"\b(?P<unmarked>X{2,}|YYYY[-\w:]*|your[-_]\w+|previous_value|affected_tables|backup_timestamp"
    r"|suspicious[.\w]*address|changeme|example_\w+)\b"
)
_PERHAPS = re.compile(r"(?<![\w./-])(?P<perhaps>[a-z]+-(?:pod|node|host)|affected-(?:service|deployment))(?![\w./:-])")
_EXAMPLE = re.compile(  # an instant that nobody's backup is from
    r"""(?<=--timestamp[ =])["']?(?P<timestamp>[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}\S*[0-9Z])"""
)
_PATTERNS = (_MARKED, _VARIABLE, _UNMARKED, _PERHAPS, _EXAMPLE)

_SHELL_SETS = frozenset(
    {
        "HOME", "USER", "LOGNAME", "PWD", "OLDPWD", "PATH", "SHELL", "HOSTNAME", "RANDOM", "SECONDS", "EPOCHSECONDS",
        "TMPDIR", "LANG", "TERM", "UID", "EUID", "PPID", "LINENO", "IFS", "EDITOR", "PAGER",
    }
)  # fmt: skip
_SECRET = re.compile(
    r"token|secret|pass(?:word|wd|phrase)|credential|private|cookie|\bdsn\b|api_?key|access_?key|_key$|^key$"
    r"|(?:database|db|redis|mongo\w*|postgres\w*|pg|mysql|amqp|rabbitmq)_?(?:url|uri|conn\w*)",
    re.I,
)
_NAMED: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("time", re.compile(r"time|date|since|until|yyyy|\bday\b", re.I)),
    ("path", re.compile(r"path|file|\bdir|folder", re.I)),
    ("url", re.compile(r"\bur[il]\b|_ur[il]$", re.I)),
    ("host", re.compile(r"host|server|domain|\bip\b|address|endpoint|-api$|^api$|external-service", re.I)),
    ("integer", re.compile(r"^(?:n|pid|port|count|number|replicas|lines|limit|size|minutes|seconds|hours)$", re.I)),
    ("free", re.compile(r"message|text|reason|title|description|value|query|command", re.I)),
)
_FORMS: Mapping[Kind, tuple[re.Pattern[str], str]] = {
    "name": (re.compile(r"[A-Za-z0-9_][\w.:/@,+-]*", re.ASCII), "a name such as checkout-7d4b"),
    "host": (
        re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?(?:/[\w./-]*)?", re.ASCII),
        "a host such as db.example.com, with a port or not",
    ),
    "url": (re.compile(r"https?://[A-Za-z0-9][\w.:/@?=&%#~+,-]*", re.ASCII), "an address such as https://example.com"),
    "integer": (re.compile(r"[0-9]{1,18}", re.ASCII), "a number such as 3"),
    "time": (
        re.compile(
            r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2})?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?"
            r"|[0-9]{1,12}[smhd]?",
            re.ASCII,
        ),
        "an instant such as 2026-11-23T03:00:00Z, or a time such as 30m",
    ),
    "path": (re.compile(r"[^-].*"), "a path"),
    "free": (re.compile(r"[^-].*"), "a few words that do not begin with -"),
}
_SAFE = re.compile(r"[A-Za-z0-9_/][\w.:/@,+=%-]*", re.ASCII)
_READ_AGAIN = re.compile(  # a second shell, or what makes it hard to say where quotes begin
    r"<<|\$'|(?:^|\s)#|\b(?:ssh|eval|watch|parallel|source)\b|\b(?:ba|da|z|k)?sh\s+(?:-\w+\s+)*-\w*c\b"
    r"|\bsu\s.*-c\b|\benv\s+-S"
)
_PROGRAM = re.compile(r"(?:^|\s)(?:-c|-e|--eval|--execute|--command|eval)[ =]$")


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """One value that the command leaves open. `default`: what the guide says, where that may be the value itself.

    A `secret` is the variable of this name in the environment of whoever runs the command.
    """

    name: str
    kind: Kind
    default: str | None = None


class _Open(msgspec.Struct, frozen=True, kw_only=True):
    """A place in the text that is to be filled."""

    start: int
    end: int
    parameter: Parameter
    where: Where


def parameters(code: str) -> tuple[Parameter, ...]:
    """Each value once, in the order in which the command names them."""
    found: dict[str, Parameter] = {}
    for each in _places(code):
        found.setdefault(each.parameter.name, each.parameter)
    return tuple(found.values())


def same_name(one: str, other: str) -> bool:
    """Whether two spellings name one parameter: pod-name, POD_NAME, pod name."""
    return _folded(one) == _folded(other)


def fits(parameter: Parameter, value: str) -> None:
    """Raises ValueError where the value is none of the parameter's kind."""
    if parameter.kind == "secret":
        raise ValueError(
            f"{parameter.name}: it is a secret, so it is no value; expected it as a variable of the environment"
        )
    form, expected = _FORMS[parameter.kind]
    if not value or len(value) > VALUE_MAX or not value.isprintable() or not form.fullmatch(value):
        raise ValueError(f"{parameter.name}: expected {expected}, got {value[:80]!r}")


def filled(code: str, values: Mapping[str, str]) -> str:
    """The command as it is run: every value in its place and quoted for it, secrets as variables of the shell.

    Raises ValueError for a value that is missing, is none of its kind, or cannot stand safely where the command has it.
    """
    known = {_folded(each.name): each for each in parameters(code)}
    for name in values:
        if _folded(name) not in known:
            raise ValueError(f"{name}: expected one of {', '.join(p.name for p in known.values()) or 'none'}")
    given = {_folded(name): value for name, value in values.items()}
    text, at = "", 0
    again = bool(_READ_AGAIN.search(code))
    for place in _places(code):
        parameter = place.parameter
        value = given.get(_folded(parameter.name), parameter.default)
        if value is None and parameter.kind != "secret":
            raise ValueError(f"{parameter.name}: expected a value, got none")
        start, end, said = _said(code, place, value or "", again)
        text, at = text + code[at:start] + said, end
    return text + code[at:]


def bare(code: str) -> str:
    """The command with a word in each open place, for whoever judges it before there are values."""
    text, at = "", 0
    for each in _places(code):
        text, at = text + code[at : each.start] + (each.parameter.default or "x"), each.end
    return text + code[at:]


def secrets_of(code: str) -> tuple[str, ...]:
    """The variables of the environment that the filled command reads."""
    return tuple(each.name for each in parameters(code) if each.kind == "secret")


def _said(code: str, place: _Open, value: str, again: bool) -> tuple[int, int, str]:
    """What stands instead of `code[start:end]`."""
    parameter, start, end = place.parameter, place.start, place.end
    if parameter.kind == "secret":
        if value:
            fits(parameter, value)
        return start, end, _as_variable(code, place)
    if parameter.default is None or value != parameter.default:
        fits(parameter, value)
    if place.where == "plain" and _commands(code[:start]):
        raise ValueError(f"{parameter.name}: it stands where the name of a program is, so nothing fills it")
    alone = _alone(code, place)
    if not again and (place.where == "plain" or alone):
        quoted = shlex.quote(value)
        return (start - 1, end + 1, quoted) if alone else (start, end, quoted)
    safe = _SAFE.fullmatch(value) or (not again and parameter.kind in ("time", "url"))
    if not safe or "--" in value:
        why = "another shell reads it again" if again else "it stands inside quotes"
        raise ValueError(f"{parameter.name}: expected letters, digits and . : / @ , + = - only, because {why}")
    return start, end, value


def _as_variable(code: str, place: _Open) -> str:
    name = place.parameter.name
    if code[place.start] == "$":
        return code[place.start : place.end]
    if place.where == "single":
        raise ValueError(f"{name}: a secret inside '...' cannot come from the environment")
    return f'"${{{name}}}"' if place.where == "plain" else f"${{{name}}}"


def _commands(before: str) -> bool:
    stripped = before.rstrip(" \t")
    return not stripped or stripped[-1] in "|;&(\n`"


def _alone(code: str, place: _Open) -> bool:
    """Whether the place is all that its quotes hold, and they are a word that no program reads as its own language."""
    if place.where not in ("double", "single"):
        return False
    start, end = place.start - 1, place.end
    if start < 0 or end >= len(code) or code[start] not in "\"'" or code[end] != code[start]:
        return False
    outside = (start == 0 or code[start - 1] in " \t=") and (end + 1 == len(code) or code[end + 1] in " \t\n;|&)")
    return outside and not _PROGRAM.search(code[:start])


def _places(code: str) -> Iterator[_Open]:
    """Everything that is to be filled, in order; nothing of it overlaps."""
    where = _contexts(code)
    own = _set_here(code)
    taken = 0
    for found in sorted(_every(code), key=lambda each: (each.start(), -each.end())):
        if found.start() < taken:
            continue
        place = _place(code, found, where, own)
        if place is not None:
            taken = found.end()
            yield place


def _every(code: str) -> Iterator[re.Match[str]]:
    for pattern in _PATTERNS:
        yield from pattern.finditer(code)


def _place(code: str, found: re.Match[str], contexts: list[Where], own: frozenset[str]) -> _Open | None:
    group = found.lastgroup or ""
    start, end = found.span("timestamp") if group == "timestamp" else found.span()
    name = group if group == "timestamp" else " ".join(found[group].split())
    where = contexts[start]
    if group in ("inside", "bare"):
        if where == "single" or name in own or code[: found.start()].endswith("\\"):
            return None
    elif group in ("square", "brace") and (where != "plain" or code[found.start() - 1 : found.start()].isalnum()):
        return None
    kind = _kind(name, code[: found.start()])
    if kind == "secret" and group not in ("inside", "bare"):
        name = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_").upper()  # <api-token> is the variable API_TOKEN
    default = name if group == "perhaps" else None
    return _Open(
        start=start,
        end=end,
        parameter=Parameter(name=name, kind="name" if default else kind, default=default),
        where=where,
    )


def _kind(name: str, before: str) -> Kind:
    if _SECRET.search(name):
        return "secret"
    if before.endswith("://"):
        return "host"
    return next((kind for kind, pattern in _NAMED if pattern.search(name)), "name")


def _set_here(code: str) -> frozenset[str]:
    """Variables that the shell or the command itself sets."""
    said = re.findall(r"(?:^|[\s;&|(])(\w+)=|\bfor\s+(\w+)\s+in\b|\bread\s+(?:-\w+\s+)*(\w+)", code)
    return _SHELL_SETS | {name for each in said for name in each if name}


def _contexts(code: str) -> list[Where]:
    """How the shell reads each character."""
    found: list[Where] = []
    stack: list[Where] = ["plain"]
    n = 0
    while n < len(code):
        char, inside = code[n], stack[-1]
        found.append(inside)
        if char == "\\" and inside != "single":
            found.extend([inside] * (n + 1 < len(code)))
            n += 2
            continue
        if code[n : n + 2] == "$(" and inside != "single":
            stack.append("plain")
            found.append(inside)
            n += 2
            continue
        _turn(char, stack)
        n += 1
    return found


def _turn(char: str, stack: list[Where]) -> None:
    """What a character that is not escaped does to the quotes around it."""
    inside = stack[-1]
    if inside == "single":
        if char == "'":
            stack.pop()
    elif inside == "double":
        if char == '"':
            stack.pop()
        elif char == "`":
            stack.append("tick")
    elif char == "'":
        stack.append("single")
    elif char == '"':
        stack.append("double")
    elif char == "`":
        stack.pop() if inside == "tick" else stack.append("tick")
    elif char == ")" and len(stack) > 1 and inside == "plain":
        stack.pop()


def _folded(name: str) -> str:
    return re.sub(r"[\s_-]+", "-", name.strip().strip("$<>{}[]")).casefold()
