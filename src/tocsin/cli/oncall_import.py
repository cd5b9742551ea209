"""`tocsin oncall import`: other tools' exports as Tocsin's documents, and what could not be carried over."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import typer
import yaml

from tocsin.cli.client import connect, part
from tocsin.cli.files import read_text
from tocsin.cli.output import FAILURE, USAGE, fail, note, plain, say, show_json
from tocsin.cli.verbs import FORMAT
from tocsin.oncall.importing.carried import Carried
from tocsin.unreadable import because

Tool = Literal["pagerduty", "opsgenie", "grafana", "ical"]


def import_(
    files: Annotated[list[Path], typer.Argument(help="JSON as the tool's API gives it, or one .ics; - for stdin")],
    tool: Annotated[Tool, typer.Option("--from", help="whose export it is")],
    apply: Annotated[bool, typer.Option("--apply", help="store people and schedules on the server")] = False,
    write: Annotated[Path | None, typer.Option(help="write people, schedules and escalations.yaml here")] = None,
    schedule: Annotated[str | None, typer.Option(help="ical: into this schedule of the server")] = None,
    name: Annotated[str, typer.Option(help="ical: replaces what came under this name before")] = "imported",
    into: Annotated[Literal["layer", "overrides"], typer.Option(help="ical: what it becomes")] = "layer",
    priority: Annotated[int, typer.Option(help="ical: of the layer")] = 0,
    form: FORMAT = "table",
) -> None:
    """Carry schedules, people and escalations over; say what could not be, and where the shifts would differ.

    Exits 1 if the shifts differ from those that the export itself says. Nothing is stored without --apply, and nobody
    who is in the directory already is changed.
    """
    texts = [(str(each), read_text(each, "what the tool gave out, in JSON or .ics")) for each in files]
    if tool == "ical":
        _calendar(texts, schedule, name, into, priority, form)
        return
    try:
        carried: Carried = import_module(f"tocsin.oncall.importing.{tool}").carry(texts)
    except ValueError as error:
        fail(str(error), FAILURE)
    documents = _documents(carried)
    if write is not None:
        _write(write, documents)
    if apply:
        _apply(documents)
    if form == "json":
        show_json(documents)
    else:
        _say(carried)
    if carried.differences:
        raise typer.Exit(FAILURE)


def _documents(carried: Carried) -> dict[str, Any]:
    return {
        "people": msgspec.to_builtins(list(carried.people.values())),
        "schedules": msgspec.to_builtins(carried.schedules),
        "escalations": carried.escalations,
        "left": carried.left,
        "compared": carried.compared,
        "differences": msgspec.to_builtins(carried.differences),
    }


def _say(carried: Carried) -> None:
    for person in carried.people.values():
        say(plain(f"person    {person.id}  {person.name}"))
    for each in carried.schedules:
        say(plain(f"schedule  {each.id}  {each.name}, {len(each.layers)} layers, {each.timezone}"))
    for left in carried.left:
        say(plain(f"left      {left}"))
    for where in carried.differences:
        span = f"{where.start:%Y-%m-%dT%H:%MZ} to {where.end:%Y-%m-%dT%H:%MZ}"
        theirs, ours = (", ".join(who) or "nobody" for who in (where.theirs, where.ours))
        say(plain(f"differs   {where.schedule}  {span}: the export says {theirs}, here {ours}"))
    if carried.escalations:
        say("")
        say(_yaml(carried.escalations))
    said = f"{len(carried.differences)} differences" if carried.compared else "no rendered shifts to compare with"
    note(f"{carried.compared} of {len(carried.schedules)} schedules compared with the export's own shifts: {said}")


def _yaml(escalations: Mapping[str, Any]) -> str:
    return str(yaml.safe_dump({"escalations": dict(escalations)}, sort_keys=False, allow_unicode=True)).rstrip()


def _write(folder: Path, documents: Mapping[str, Any]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for kind in ("people", "schedules"):
            for each in documents[kind]:
                (folder / f"{kind}-{each['id']}.json").write_bytes(msgspec.json.format(msgspec.json.encode(each)))
        (folder / "escalations.yaml").write_text(_yaml(documents["escalations"]) + "\n")
    except OSError as error:
        fail(because(folder, "a directory to write to", error), USAGE)


def _apply(documents: Mapping[str, Any]) -> None:
    client = connect()
    known = {each["id"] for each in client.get("/api/people")["items"]}
    for each in documents["people"]:
        if each["id"] not in known:
            client.call("PUT", f"/api/people/{part(each['id'])}", each)
    for each in documents["schedules"]:
        client.call("PUT", f"/api/schedules/{part(each['id'])}", each)
    new = sum(each["id"] not in known for each in documents["people"])
    note(f"stored {len(documents['schedules'])} schedules and {new} people; escalations go into a policy")


def _calendar(
    texts: list[tuple[str, str]], schedule: str | None, name: str, into: str, priority: int, form: str
) -> None:
    if schedule is None or len(texts) != 1:
        fail("--from ical: expected one file and --schedule", USAGE)
    body = {"ics": texts[0][1], "into": into, "priority": priority}
    made = connect().call("PUT", f"/api/schedules/{part(schedule)}/calendars/{part(name)}", body)
    if form == "json":
        show_json(made)
    else:
        say(f"{made['shifts']} shifts of {', '.join(made['people']) or 'nobody'} are {into} of {schedule}")
