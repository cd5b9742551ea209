"""`tocsin detect`: look at code for the ways in which it fails."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Literal

import typer

from tocsin.cli.files import must_read
from tocsin.cli.output import FAILURE, USAGE, Stop, fail, note, say, show_json
from tocsin.core.policy import Finding
from tocsin.detect.code import looked_at, unread
from tocsin.detect.coderules import CODE_RULES
from tocsin.detect.codetree import FILE_BYTES_MAX, FILES_MAX, sources
from tocsin.guide.formats import as_json, as_sarif, as_text
from tocsin.unreadable import found as what_is_there

app = typer.Typer(no_args_is_help=True)

FINDINGS_MAX = 10_000  # more are counted and not shown


@app.callback()
def detect() -> None:
    """Look at code for the ways in which it fails."""


@app.command("code")
def code(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="directories and files of Python")],
    form: Annotated[
        Literal["text", "json", "sarif"], typer.Option("--format", help="text, json or sarif (2.1.0)")
    ] = "text",
    fail_on: Annotated[
        Literal["error", "warning", "note", "never"], typer.Option("--fail-on", help="exit 1 from this level on")
    ] = "warning",
    tests: Annotated[bool, typer.Option("--tests", help="look at tests as well")] = False,
) -> None:
    """Name the failure modes that Python code shows, by line. Exits 1 when a finding reaches the level of --fail-on."""
    findings: list[Finding] = []
    lines: dict[str, list[str]] = {}
    files = 0
    for path in paths:
        if not path.is_dir():
            must_read(path, "a directory or a file of Python")
        for file in sources(path, tests=tests):
            files += 1
            found, text = _looked_at(file)
            findings += found
            if found:
                lines[str(file)] = text.splitlines()
    if not files:
        fail(f"{', '.join(map(str, paths))}: expected Python files, got none", USAGE)
    if files >= FILES_MAX:
        note(f"only {FILES_MAX} files were looked at")
    if len(findings) > FINDINGS_MAX:
        note(f"{len(findings)} findings, of which {FINDINGS_MAX} are shown")
    shown = findings[:FINDINGS_MAX]
    if form == "json":
        show_json(as_json(shown) | {"files": files})
    elif form == "sarif":
        show_json(as_sarif(shown, version("tocsin"), lines, rules=CODE_RULES, tool="tocsin detect code"))
    else:
        say(f"{as_text(shown, lines)} in {files} file{'' if files == 1 else 's'}")
    levels = ("error", "warning", "note")
    if fail_on != "never" and any(levels.index(each.level) <= levels.index(fail_on) for each in findings):
        raise Stop(code=FAILURE)


def _looked_at(file: Path) -> tuple[list[Finding], str]:
    try:
        if file.stat().st_size > FILE_BYTES_MAX:
            return [unread(str(file), f"it is larger than {FILE_BYTES_MAX >> 20} MiB")], ""
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return [unread(str(file), f"got {what_is_there(error)}")], ""
    return looked_at(text, str(file)), text
