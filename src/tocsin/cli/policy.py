"""`tocsin policy check`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from tocsin.cli.files import read_text
from tocsin.cli.output import FAILURE, Stop, note, say, show_json
from tocsin.cli.verbs import FORMAT
from tocsin.policyfile import check

app = typer.Typer(no_args_is_help=True)


@app.callback()
def policy() -> None:
    """Check policy files."""


@app.command("check")
def check_files(
    files: Annotated[list[Path], typer.Argument(help="policies in YAML or JSON; - reads standard input")],
    form: FORMAT = "table",
) -> None:
    """Say everything that is wrong with a policy, by line. Exits 1 when something is."""
    problems = [problem for file in files for problem in check(read_text(file, "a policy in YAML or JSON"), str(file))]
    errors = sum(problem.level == "error" for problem in problems)
    if form == "json":
        show_json(msgspec.to_builtins(problems))
    else:
        for problem in problems:
            say(str(problem))
    if errors:
        raise Stop(code=FAILURE)
    note(f"{len(files)} checked, {len(problems)} warnings" if problems else f"{len(files)} checked, nothing to say")
