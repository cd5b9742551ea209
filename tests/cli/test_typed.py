"""Values of the command line are what Typer would have made of them, without its validation library."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import typer
from typer._click.exceptions import ClickException

import tocsin
from tocsin.cli.typed import typed

GUIDE = Path(tocsin.__file__).parent / "example_guides" / "payments.md"
TAKEN: list[Any] = []


def take(
    file: Path,
    names: Annotated[list[str] | None, typer.Argument()] = None,
    text: str | None = None,
    form: Annotated[Literal["text", "json"], typer.Option("--format")] = "text",
    count: int = 3,
    limit: Annotated[int, typer.Option(min=0)] = 20,
    there: Annotated[Path | None, typer.Option(exists=True)] = None,
    files: Annotated[list[Path] | None, typer.Option()] = None,
    on: bool | None = None,
) -> None:
    TAKEN.append((file, names, text, form, count, limit, there, files, on))


def taken(args: list[str], *, ours: bool) -> Any:
    """What the command is given, or how it refuses."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command()(take)
    command = typer.main.get_command(app)
    if ours:
        typed(command)
    TAKEN.clear()
    try:
        command(args, standalone_mode=False)
    except ClickException as refused:
        return type(refused), str(refused)
    return TAKEN[0]


@pytest.mark.parametrize(
    "line",
    [
        "a.md",
        "a.md ana ben --text x --format json --count 7 --limit 0 --on",
        "a.md --no-on --files a --files b",
        "a.md --format yaml",
        "a.md --format JSON",
        "a.md --count many",
        "a.md --limit -1",
        "a.md --there /no/such/file",
        "a.md --text",
        "",
    ],
)
def test_a_command_is_given_what_typer_gives(line: str) -> None:
    assert taken(line.split(), ours=True) == taken(line.split(), ours=False)


def test_a_rehearsal_starts_without_what_it_does_not_need() -> None:
    code = (
        "import sys\nfrom tocsin.cli.main import main\ntry:\n    main()\nexcept SystemExit:\n    pass\n"
        "print('loaded:', *sys.modules, sep='\\n')"
    )

    run = subprocess.run(
        [sys.executable, "-c", code, "rehearse", str(GUIDE), "--at", "2026-12-24 17:30"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip

    said, _, modules = run.stdout.partition("loaded:\n")
    assert "the rehearsal ends" in said
    unneeded = {"pydantic", "yaml", "holidays", "importlib.metadata", "litestar", "sqlite3", "rich", "asyncio"}
    assert not unneeded & set(modules.split())
