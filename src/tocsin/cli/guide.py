"""`tocsin guide`: compile an ordinary guide, say what is wrong with it, what changed in it, and what it means."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import typer

from tocsin.cli.files import read_bytes
from tocsin.cli.inforce import add_in_force
from tocsin.cli.output import FAILURE, NO_MATCH, USAGE, Stop, fail, harmless, note, safe_json, say, show_json
from tocsin.cli.settings import configured
from tocsin.clock import SystemClock
from tocsin.core.policy import Finding, Policy
from tocsin.core.probe_suggestions import suggested
from tocsin.guide.compare import compare
from tocsin.guide.compile import Compiled, compile_guide
from tocsin.guide.difference import difference
from tocsin.guide.explain import explain
from tocsin.guide.formats import as_json, as_sarif, as_text
from tocsin.guide.lint import lint
from tocsin.guidefile import CALENDAR
from tocsin.policyfile import PolicyError, dump, load
from tocsin.setting.probes_text import fragment
from tocsin.unreadable import because

app = typer.Typer(no_args_is_help=True)

FILE = Annotated[Path, typer.Argument(help="a guide in Markdown; - reads standard input")]


@app.callback()
def guide() -> None:
    """Compile, lint and compare guides."""


add_in_force(app)


@app.command("compile")
def compile_file(
    file: FILE,
    form: Annotated[
        Literal["json", "yaml"] | None, typer.Option("--format", help="json or yaml; by the suffix of -o, else yaml")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="write there instead of standard output")
    ] = None,
) -> None:
    """Turn a guide into a policy, each rule with the line it came from. Exits 1 when the file is no policy."""
    compiled = _compile(file)
    policy = msgspec.structs.replace(compiled.policy, findings=tuple(lint(compiled)))
    wanted = form or ("json" if output is not None and output.suffix == ".json" else "yaml")
    text = _json(policy) if wanted == "json" else annotated(policy, compiled)
    if output is None:
        sys.stdout.write(text if wanted == "json" else harmless(text))
    else:
        try:
            output.write_text(text, "utf-8")
        except OSError as error:
            fail(because(output, "a file in a directory that is there", error), USAGE)
    for finding in policy.findings:
        if finding.level == "error" and not policy.severities:
            note(f"{finding.file}:{finding.line}: {finding.message}")
    if not policy.severities:
        raise Stop(code=FAILURE)
    note(f"{file}: {len(policy.severities)} severities, {len(policy.findings)} findings; status {compiled.status}")


@app.command("lint")
def lint_files(
    files: Annotated[list[Path], typer.Argument(help="guides in Markdown; several are also compared with each other")],
    form: Annotated[
        Literal["text", "json", "sarif"], typer.Option("--format", help="text, json or sarif (2.1.0)")
    ] = "text",
    fail_on: Annotated[
        Literal["error", "warning", "note", "never"], typer.Option("--fail-on", help="exit 1 from this level on")
    ] = "warning",
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", help="the tocsin.toml that the guides will run under: its business hours count"),
    ] = None,
) -> None:
    """Say what is wrong with a guide, by line. Exits 1 when a finding reaches the level of --fail-on."""
    hours = configured(config).business_hours if config else None
    today = SystemClock().now().date()
    guides = [_compile(file) for file in files]
    found = [
        finding
        for guide, file in zip(guides, files, strict=True)
        for finding in lint(guide, today=today, exists=_beside(file))
        if hours is None or finding.rule != CALENDAR
    ]
    found += compare(guides) if len(guides) > 1 else []
    lines = {guide.name: guide.lines for guide in guides}
    if form == "json":
        show_json(as_json(found))
    elif form == "sarif":
        show_json(as_sarif(found, version("tocsin"), lines))
    else:
        say(as_text(found, lines))
    levels = ("error", "warning", "note")
    if fail_on != "never" and any(levels.index(each.level) <= levels.index(fail_on) for each in found):
        raise Stop(code=FAILURE)


@app.command("diff")
def diff_files(
    old: Annotated[Path, typer.Argument(help="the guide or policy in force")],
    new: Annotated[Path, typer.Argument(help="the guide or policy that may take its place")],
    form: Annotated[Literal["text", "json"], typer.Option("--format", help="text or json")] = "text",
) -> None:
    """Say what changes for whom. Exits 1 when anything does."""
    changes = difference(_policy(old), _policy(new))
    if form == "json":
        show_json({"changes": msgspec.to_builtins(changes)})
    else:
        for change in changes:
            say(f"{change.text}{f' (line {change.line})' if change.line else ''}")
        if not changes:
            say("Nothing changes for anybody.")
    if changes:
        raise Stop(code=FAILURE)


@app.command("explain")
def explain_file(file: FILE) -> None:
    """Say the policy of a guide back in words, with the line of each sentence."""
    policy = _policy(file)
    sys.stdout.write(harmless(explain(policy)))
    if not policy.severities:
        raise Stop(f"{file}: this is no incident-response policy", FAILURE)


@app.command("probes")
def suggest_probes(files: Annotated[list[Path], typer.Argument(help="guides in Markdown")]) -> None:
    """Print [[probes]] for tocsin.toml that look at what the guides' commands look at. Exits 3 when there are none."""
    found = [suggested(_compile(file).policy) for file in files]
    for file, each in zip(files, found, strict=True):
        say(f"# From {file.name}:\n{fragment(each)}".rstrip() + "\n")
    if not any(each.suggestions for each in found):
        raise Stop(code=NO_MATCH)


def annotated(policy: Policy, compiled: Compiled) -> str:
    """The policy as YAML, the source of each rule with the guide's own line behind it as a comment."""
    lines = []
    for line in dump(policy).splitlines():
        head, mark, number = line.partition("source: {line: ")
        count = int(number.rstrip("}")) if mark and not head.strip("- ") and number.rstrip("}").isdigit() else 0
        if 0 < count <= len(compiled.lines):
            quoted = "".join(letter if letter.isprintable() else " " for letter in compiled.lines[count - 1].strip())
            line = f"{line}  # {quoted[:90]}".rstrip()
        lines.append(line)
    head = f"# Compiled from {compiled.name} (sha256 {compiled.sha256}).\n# Each `source` is a line of that guide.\n"
    return head + "\n".join(lines) + "\n"


def _json(policy: Policy) -> str:
    return safe_json(msgspec.to_builtins(policy), indent=2) + "\n"


def _compile(file: Path) -> Compiled:
    return compile_guide(read_bytes(file, "a guide in Markdown"), str(file))


def _policy(file: Path) -> Policy:
    if file.suffix in (".yaml", ".yml", ".json"):
        try:
            return load(read_bytes(file, "a policy").decode("utf-8", "replace"), str(file))
        except PolicyError as error:
            fail(str(error), FAILURE)
    return _compile(file).policy


def _beside(file: Path) -> Callable[[str], bool] | None:
    """Whether a relative target exists beside the file; unknown for standard input."""
    if str(file) == "-":
        return None
    folder = file.parent

    def exists(target: str) -> bool:
        try:
            return (folder / target).exists()
        except (OSError, ValueError):  # a target that cannot be a path is not there
            return False

    return exists


def loudest(findings: Sequence[Finding]) -> str:
    """The highest level among the findings, or "" without any."""
    return next((level for level in ("error", "warning", "note") if any(each.level == level for each in findings)), "")
