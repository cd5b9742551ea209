"""`tocsin rehearse`: what a guide would do, minute by minute; of a scenario, whether that is expected."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Annotated, Literal

import typer

from tocsin.cli.files import read_bytes
from tocsin.cli.output import USAGE, Stop, fail, plain, say, show_json
from tocsin.clock import SystemClock
from tocsin.core import commands as c
from tocsin.core.people import Directory
from tocsin.core.policy import BusinessHours
from tocsin.core.spans import parse_seconds
from tocsin.rehearsal.rehearsal import Action
from tocsin.rehearsal.rehearsed import Checked, as_json, as_text
from tocsin.rehearsal.staging import POLICY, Rehearsed, read_policy, rehearse as staged, severity_said
from tocsin.rehearsal.walls import UNTIL, instant, moment, zone_of
from tocsin.unreadable import because

Form = Literal["text", "json"]


def rehearse(
    file: Annotated[Path, typer.Argument(help="a guide or policy (.md, .yaml, .json), or a scenario (.yaml)")],
    severity: Annotated[str | None, typer.Option(help="such as SEV-1; else the worst")] = None,
    at: Annotated[str | None, typer.Option("--at", help='when it opens, such as "2026-12-24 17:30"; else now')] = None,
    zone: Annotated[str | None, typer.Option(help="of --at and of the output; else the guide's, else UTC")] = None,
    respond: Annotated[
        list[str] | None, typer.Option(help="ana=7m: ana acknowledges 7 minutes after the opening; may be repeated")
    ] = None,
    until: Annotated[str, typer.Option(help="how long, or until when")] = UNTIL,
    service: Annotated[str | None, typer.Option(help="the affected service")] = None,
    config: Annotated[Path | None, typer.Option("--config", "-c", help="tocsin.toml with people and bindings")] = None,
    stand_ins: Annotated[
        bool | None,
        typer.Option(help="page the guide's words where nobody is bound; the default without --config"),
    ] = None,
    form: Annotated[Form, typer.Option("--format", help="text or json")] = "text",
) -> None:
    """Say who would be paged, what is owed to whom, and when it escalates. Exits 1 when an expectation fails."""
    directory, hours = _told(config)
    text = _scenario_text(file)
    if text is not None:
        import_module("tocsin.cli.scenario").scenario(file, text, directory, form, hours)
        return
    try:
        policy = read_policy(file, hours)
        home = zone_of(zone or (policy.business_hours or BusinessHours()).zone)
        start = instant(at, home) if at else SystemClock().now().replace(microsecond=0)
        rehearsed = staged(
            file.stem,
            policy,
            directory,
            start=start,
            until=moment(until, start, home),
            severity=severity_said(policy, severity),
            service=service,
            actions=[_response(said, start) for said in respond or ()],
            stand_ins=config is None if stand_ins is None else stand_ins,
        )
    except OSError as error:
        fail(because(file, "a guide or a policy", error), USAGE)
    except ValueError as error:
        fail(str(error), USAGE)
    show(rehearsed, form, home.key, [])


def show(rehearsed: Rehearsed, form: Form, zone: str, checked: list[Checked]) -> None:
    if form == "json":
        show_json(as_json(rehearsed, zone_of(zone), checked))
    else:
        say("\n".join(plain(line) for line in as_text(rehearsed, zone_of(zone), checked).split("\n")))


def _scenario_text(file: Path) -> str | None:
    """The text of a scenario file; None for a guide or a policy."""
    if file.suffix not in POLICY:
        return None
    text = read_bytes(file, "a policy or a scenario").decode("utf-8", "replace")
    return text if import_module("tocsin.rehearsal.scenario").is_scenario(text) else None


def _response(said: str, start: datetime) -> Action:
    name, _, span = said.partition("=")
    seconds = parse_seconds(span)
    if not name.strip() or seconds is None:
        raise ValueError(f"--respond: expected NAME=SPAN such as ana=7m, got {said!r}")
    return Action(at=start + timedelta(seconds=seconds), command=c.Acknowledge(by=name.strip()))


def _told(config: Path | None) -> tuple[Directory, BusinessHours | None]:
    """The people of tocsin.toml, and the calendar of guides that state none."""
    if config is None:
        return Directory(), None
    module = import_module("tocsin.setting.config")  # most rehearsals need none, and it takes its time to load
    flaws = import_module("tocsin.setting.file").ConfigError
    try:
        found = module.load(config, os.environ)
    except flaws as error:
        raise Stop(str(error), USAGE) from None
    return found.directory, found.business_hours
