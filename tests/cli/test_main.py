"""The command line as such: how quickly it starts, where it writes, how it ends."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.server import Answering
from tocsin.cli.main import COMMANDS
from tocsin.cli.output import table

HEAVY = (
    "litestar",
    "uvicorn",
    "uvloop",
    "apprise",
    "typer",
    "rich",
    "httpx2",
    "markdown_it",
    "jinja2",
    "yaml",
    "sqlite3",
)
CLIENT_HEAVY = tuple(each for each in HEAVY if each not in ("typer", "rich"))
ROOT = Path(__file__).parents[2]


def imported(*args: str) -> set[str]:
    """The top-level modules loaded after running `tocsin` with these arguments in a process of its own."""
    script = (
        "import sys\nfrom tocsin.cli.main import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        "sys.stderr.write('\\n'.join(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", script, *args], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in ran.stderr.split()}


def test_the_version_is_printed_without_loading_anything_heavy() -> None:
    assert not imported("--version") & {*HEAVY, "msgspec"}


@pytest.mark.parametrize("command", ["incident", "person", "source", "silence"])
def test_a_client_command_does_not_load_the_server(command: str) -> None:
    assert not imported(command, "--help") & set(CLIENT_HEAVY)


def test_the_version_is_the_packages(run: Run) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert run("--version").out == f"tocsin {project['version']}\n"


def test_help_lists_every_command(run: Run) -> None:
    out = run("--help").out

    assert all(f"  {name} " in out for name in COMMANDS)


def test_without_arguments_there_is_help(run: Run) -> None:
    assert "Usage: tocsin" in run().out


def test_a_misspelt_command_is_a_usage_error_with_a_guess(run: Run) -> None:
    ran = run("incidnt", "list")

    assert ran.code == 2
    assert "Did you mean 'incident'?" in ran.err
    assert ran.out == ""


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_has_help(run: Run, name: str) -> None:
    ran = run(name, "--help")

    assert ran.code == 0, ran.err
    assert f"Usage: tocsin {name}" in ran.out


def test_a_closed_pipe_is_no_error(server: Answering, tmp_path: Path) -> None:
    rows = [{"id": f"person-{n:05}", "methods": []} for n in range(20_000)]
    server.says("GET", "/api/people", {"items": rows})

    pipeline = f"{sys.executable} -m tocsin.cli person list | head -1; echo ${{PIPESTATUS[0]}}"
    ran = subprocess.run(
        ["bash", "-c", pipeline],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "TOCSIN_URL": server.url},
        check=True,
    )

    assert ran.stdout.split()[-1] == "0"
    assert ran.stderr == ""


def test_a_table_is_as_wide_as_what_it_shows() -> None:
    rows = [{"name": "ana", "count": 2}, {"name": "日本", "count": None}]

    assert table(rows, ("name", "count")) == "NAME  COUNT\nana   2\n日本  -"


def test_an_empty_table_is_its_head() -> None:
    assert table([], ("a", "b")) == "A  B"
