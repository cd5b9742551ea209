"""What `tocsin runbook run` would run: the guide's commands with every value in its place, and why some cannot be."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from tocsin.cli.output import USAGE, fail
from tocsin.core.parameters import Parameter, filled, fits, parameters, same_name, secrets_of
from tocsin.core.risk import MEANS, SECOND, Risk, endless, risk


class Line(NamedTuple):
    """One command: `text` is what is run; `problem` why it cannot be. `hand`: why somebody has to run it by hand.

    `step`, `file`: what it answers of the evidence that the guide asks for.
    """

    number: int
    code: str
    text: str
    risk: Risk
    values: tuple[str, ...] = ()
    problem: str = ""
    hand: str = ""
    step: str = ""
    file: str | None = None


class Stage(NamedTuple):
    """One step with its commands. `alternative`: it is tried where the one before it did not help."""

    number: int
    name: str
    alternative: bool
    done: bool
    lines: tuple[Line, ...]


def given(said: Sequence[str]) -> dict[str, str]:
    """The values of `--param NAME=VALUE`."""
    found = {}
    for each in said:
        name, equals, value = each.partition("=")
        if not equals or not name.strip():
            fail(f"--param: expected NAME=VALUE, got {each!r}", USAGE)
        found[name.strip()] = value
    return found


def open_values(items: Sequence[Mapping[str, Any]]) -> tuple[Parameter, ...]:
    """Everything that the commands of these steps leave open, each once."""
    found: dict[str, Parameter] = {}
    for item in items:
        for each in _shell(item):
            for parameter in parameters(each["code"]):
                found.setdefault(parameter.name.casefold().replace("_", "-"), parameter)
    return tuple(found.values())


def chosen(wanted: Sequence[Parameter], said: Mapping[str, str]) -> dict[str, str]:
    """The values that are known: said ones, else those of the environment. Ends the command for a wrong one."""
    values = {}
    for name in said:
        if not any(same_name(name, each.name) for each in wanted):
            known = ", ".join(each.name for each in wanted) or "there is none"
            fail(f"--param {name}: expected a value that these commands leave open ({known})", USAGE)
    for each in wanted:
        value = next((value for name, value in said.items() if same_name(name, each.name)), None)
        if value is None and each.kind != "secret":
            value = os.environ.get(each.name)
        if value is None or (each.default is not None and value == each.default):
            continue
        try:
            fits(each, value)
        except ValueError as error:
            fail(f"--param {error}", USAGE)
        values[each.name] = value
    return values


def stages(items: Sequence[Mapping[str, Any]], values: Mapping[str, str]) -> tuple[Stage, ...]:
    return tuple(
        Stage(
            number=item["number"],
            name=item["name"],
            alternative=item["alternative"],
            done=item["standing"]["state"] == "finished",
            lines=tuple(_line(n, each, values) for n, each in enumerate(item["commands"], 1)),
        )
        for item in items
    )


def _line(number: int, of: Mapping[str, Any], values: Mapping[str, str]) -> Line:
    code = of["code"]
    if of["language"] == "text":
        return Line(number, code, code, "changes", hand="it is no command of a shell")
    wanted = parameters(code)
    mine = {name: value for name, value in values.items() if any(same_name(name, each.name) for each in wanted)}
    missing = [name for name in secrets_of(code) if not os.environ.get(name)]
    said = tuple(f"{name}={value}" for name, value in mine.items())
    try:
        text = filled(code, mine)
    except ValueError as error:
        return Line(number, code, code, risk(code), said, str(error), endless(code))
    problem = f"{missing[0]} is a secret: expected it in the environment (export {missing[0]})" if missing else ""
    return Line(number, code, text, risk(text), said, problem, endless(text), of["step"], of["file"])


def _shell(item: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from (each for each in item["commands"] if each["language"] != "text")


def problems(plan: Sequence[Stage]) -> list[str]:
    """Why some of it cannot be run, each once."""
    return list(dict.fromkeys(line.problem for stage in plan for line in stage.lines if line.problem))


def told(plan: Sequence[Stage]) -> Iterator[str]:
    """The plan for people: exactly what would be run, and what each command does at worst."""
    for stage in plan:
        other = "or: " if stage.alternative else ""
        yield f"  {'[x]' if stage.done else '[ ]'} {stage.number}. {other}{stage.name}"
        for line in stage.lines:
            for n, part in enumerate(line.text.split("\n")):
                yield f"        $ {part}" if n == 0 else f"          {part}"
            yield f"          {classed(line)}"
        if not stage.lines:
            yield "          for people: nothing to run"


def classed(line: Line) -> str:
    """The risk of a command in words, and what it takes to run it."""
    if line.hand:
        return f"BY HAND: {line.hand}"
    word = line.risk.upper() if line.risk in SECOND else line.risk
    said = f"{word}: {MEANS[line.risk]}"
    if line.risk in SECOND:
        said += "; a second person has to approve it"
    return f"{said}; CANNOT RUN: {line.problem}" if line.problem else said
