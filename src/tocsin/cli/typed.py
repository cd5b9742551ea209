"""What was typed, as values, without Typer's validation library: loading it costs every command a sixth of its time.

A text, a path, a word of a fixed few, and lists of them are what was typed. Whatever else a parameter takes, and
everything that is wrong, is left to Typer, which then says what it would have said.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import typer
from typer._click import Context
from typer._coercion import RuntimeParam, build_runtime_param
from typer.core import TyperGroup

_NOT_PLAIN = object()


class Typed(RuntimeParam):
    """One parameter's values."""

    def _coerce_value(self, value: Any, param: Any, ctx: Context) -> Any:
        found = _plain(value, self.annotation)
        if found is not _NOT_PLAIN:
            return found
        return build_runtime_param(param.type_descriptor)._coerce_value(value, param=param, ctx=ctx)


def typed(command: Any, above: Context | None = None) -> None:
    """Every parameter of the command and of those below it, `--help` too, reads its values as `Typed` does."""
    here = Context(command, parent=above, info_name=command.name, **command.context_settings)
    for param in (*command.params, command.get_help_option(here)):
        described = getattr(param, "type_descriptor", None)
        if described is not None and not (described.is_file or described.is_ranged or _checked(param)):
            param._runtime_param = Typed(parameter_info=described.parameter_info, annotation=described.annotation)
    if isinstance(command, TyperGroup):
        for below in command.commands.values():
            typed(below, here)


def _checked(param: Any) -> bool:
    """Whether Typer is to look at the value: that a file is there, or with a parser of ours."""
    info: typer.models.ParameterInfo = param.type_descriptor.parameter_info
    return bool(info.exists or info.resolve_path or info.allow_dash or info.parser or info.path_type)


def _plain(value: Any, annotation: Any) -> Any:
    if annotation is str:
        return value if isinstance(value, str) else _NOT_PLAIN
    if annotation is Path:
        return Path(value) if isinstance(value, str | Path) else _NOT_PLAIN
    if annotation is int or annotation is bool:
        return value if type(value) is annotation else _NOT_PLAIN  # a default; a number that was typed is checked
    if get_origin(annotation) is Literal:
        return value if value in get_args(annotation) else _NOT_PLAIN
    if get_origin(annotation) is list and isinstance(value, list | tuple):
        found = [_plain(each, get_args(annotation)[0]) for each in value]
        return _NOT_PLAIN if any(each is _NOT_PLAIN for each in found) else found
    return _NOT_PLAIN
