"""Typer's part of the command line: one application made of the commands that are needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

import typer

from tocsin.cli.output import FAILURE, USAGE, Stop, note, plain
from tocsin.cli.typed import typed
from tocsin.zonedata import use_pinned_zones


def run(args: Sequence[str], commands: Mapping[str, tuple[str, str]]) -> Any:
    """The exit code of the command."""
    named = next((each for each in args if not each.startswith("-")), "")
    use_pinned_zones()
    try:
        command = typer.main.get_command(application(named, commands))
        typed(command)
        return command(list(args) or ["--help"], prog_name="tocsin")
    except SystemExit as ended:
        return ended.code
    except Stop as stop:
        if stop.text:
            note(f"tocsin: {stop.text}")
        return stop.code
    except BrokenPipeError:
        raise  # whoever reads the output has seen enough
    except OSError as error:  # no command foresaw it: the name of a file that no file can have, a disk that is full
        named_file = f"{str(error.filename)[:200]}: " if error.filename is not None else ""
        note(plain(f"tocsin: {named_file}{error.strerror or error}"))
        return USAGE if error.filename is not None else FAILURE


def application(named: str, commands: Mapping[str, tuple[str, str]]) -> typer.Typer:
    """Every command by name and help, for `--help` and for guesses at a misspelt one; only `named` is imported."""
    app = typer.Typer(
        help="Tocsin: incident response that runs the guide you already wrote.",
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @app.callback()
    def options() -> None:
        """Tocsin: incident response that runs the guide you already wrote.

        `tocsin --version` prints the version.
        """

    for name, (place, help) in commands.items():
        if name != named:
            app.command(name, help=help)(_not_asked_for)
            continue
        module, _, attribute = place.partition(":")
        found = getattr(import_module(module), attribute)
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=name, help=help)
        else:
            app.command(name, help=help)(found)
    return app


def _not_asked_for() -> None:
    raise AssertionError("this command was not named, so it cannot have been called")
