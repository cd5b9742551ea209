"""`tocsin evidence`: keep it, see who touched it, hold it, give it out as a sealed bundle."""

from __future__ import annotations

import os
import socket
import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Literal, cast

import typer

from tocsin.cli import gathering
from tocsin.cli.client import connect, part
from tocsin.cli.output import FAILURE, USAGE, Stop, fail, note, plain, say, show, show_json
from tocsin.cli.settings import ConfigFile, DataDir, configured
from tocsin.cli.verbs import FORMAT
from tocsin.core.evidence import redacted, size_words
from tocsin.core.spans import parse_seconds
from tocsin.evidence.keys import add_key
from tocsin.unreadable import because

app = typer.Typer(no_args_is_help=True)

INCIDENT = Annotated[str, typer.Argument(help="id or reference, such as INC-2026-001")]
ITEM = Annotated[int, typer.Argument(help="the number of the item")]
ITEMS = Annotated[list[int] | None, typer.Option("--item", help="may be repeated; without it, all")]
BECAUSE = Annotated[str, typer.Option("--because", help="why; it is recorded")]
ORIGINAL = Annotated[bool, typer.Option("--keep-original", help="also keep the bytes from before redaction")]
FOR = Annotated[
    list[str] | None, typer.Option("--original-for", help="who may read those, beside administrators; may be repeated")
]
STEP = Annotated[str, typer.Option("--step", help="what it answers of `tocsin evidence profile`")]
Kind = Literal["logs", "state", "dump", "archive", "file"]
COLUMNS = ("item", "name", "kind", "size", "redacted", "collected_by", "collected_at", "standing")


def path_of(incident: str, rest: str = "") -> str:
    return f"/api/incidents/{part(incident)}/evidence{rest}"


@app.command()
def add(
    incident: INCIDENT,
    files: Annotated[list[Path] | None, typer.Argument(help="files; - for what comes on standard input")] = None,
    url: Annotated[str | None, typer.Option(help="an address that the server reads")] = None,
    source: Annotated[str | None, typer.Option("--log-source", help="a configured source of logs")] = None,
    query: Annotated[str, typer.Option(help="what the source is asked; else its own query")] = "",
    since: Annotated[str, typer.Option(help="how far back the source is asked, such as 1h")] = "1h",
    name: Annotated[str, typer.Option(help="what it is called; else the file's name")] = "",
    kind: Annotated[Kind, typer.Option()] = "file",
    step: STEP = "",
    keep_original: ORIGINAL = False,
    original_for: FOR = None,
    form: FORMAT = "table",
) -> None:
    """Keep files, what is at an address, or the answer of a log source. Secrets are taken out before it is written."""
    more = {"name": name, "kind": kind, "step": step, "keep_original": keep_original}
    said = {**more, "original_for": original_for or []}
    client, made = connect(), []
    if sum(map(bool, (files, url, source))) != 1:
        fail("expected files, --url or --log-source, one of them", USAGE)
    if url:
        made.append(client.call("POST", path_of(incident, "/fetch"), {**said, "url": url}))
    elif source:
        seconds = parse_seconds(since)
        if not seconds:
            fail(f"--since: expected a time such as 1h, got {since!r}", USAGE)
        body = {**said, "source": source, "query": query, "seconds": seconds}
        made.append(client.call("POST", path_of(incident, "/query"), body))
    for file in files or []:
        with gathering.opened(file) as (content, size):
            asked = {**said, "name": name or (file.name if str(file) != "-" else "stdin"), "host": socket.gethostname()}
            asked["keep_original"] = "true" if keep_original else None
            made.append(client.upload(path_of(incident), content, size, **asked))
    if form == "json":
        show_json(made)
    else:
        for each in made:
            say(told(each))


def told(item: dict[str, Any]) -> str:
    gone = f", {redacted(item['redactions'])} redacted" if item["redactions"] else ""
    if not item["looked"]:
        gone = ", no text: secrets were not looked for"
    return plain(f"{item['incident']} evidence {item['item']}: {item['name']}, {size_words(item['size'])}{gone}")


@app.command("list")
def list_(incident: INCIDENT, form: FORMAT = "table") -> None:
    """List the evidence of an incident."""
    found = connect().get(path_of(incident))
    if form == "json":
        show_json(found["items"])
        return
    rows = [
        {
            **each,
            "size": size_words(each["size"]),
            "redacted": redacted(each["redactions"]) or None,
            "standing": "removed" if each["removed_at"] else "held" if each["held"] else "kept",
        }
        for each in found["items"]
    ]
    show(rows, COLUMNS, form)
    if found["hold"]:
        note(plain(f"legal hold by {found['hold']['by']}: {found['hold']['because']}"))


@app.command("show")
def show_(incident: INCIDENT, item: ITEM, form: FORMAT = "table") -> None:
    """Show an item, its hash, and everybody who touched it."""
    found = connect().get(path_of(incident, f"/{item}"))
    if form == "json":
        show_json(found)
        return
    for name, value in found["item"].items():
        if value not in (None, "", [], {}):
            say(plain(f"{name.replace('_', ' ')}: {value}"))
    show(found["custody"], ("at", "by", "text"), form)


@app.command()
def get(
    incident: INCIDENT,
    item: ITEM,
    out: Annotated[Path, typer.Option("--out", "-o", help="a file, or - for standard output")],
    original: Annotated[bool, typer.Option("--original", help="as it was before redaction")] = False,
) -> None:
    """Write an item's content. That you were given it is on the timeline."""
    client, path = connect(), path_of(incident, f"/{item}/content")
    asked: dict[str, Any] = {"original": "true"} if original else {}
    if str(out) == "-":
        client.download("GET", path, cast(BinaryIO, sys.stdout.buffer), **asked)
        return
    with gathering.written(out) as file:
        size = client.download("GET", path, file, **asked)
    note(f"{out}: {size_words(size)}")


@app.command()
def hold(incident: INCIDENT, because: BECAUSE, item: ITEMS = None) -> None:
    """Legal hold: nobody removes it, retention does not, and it cannot be erased."""
    connect().call("POST", path_of(incident, "/hold"), {"because": because, "items": item or []})
    say(f"held: {_which(item)}")


@app.command()
def release(incident: INCIDENT, because: BECAUSE, item: ITEMS = None) -> None:
    """End a legal hold."""
    connect().call("POST", path_of(incident, "/release"), {"because": because, "items": item or []})
    say(f"no longer held: {_which(item)}")


@app.command()
def remove(incident: INCIDENT, item: ITEM, because: BECAUSE) -> None:
    """Remove an item's content. That it was there, and its hash, stay."""
    connect().call("POST", path_of(incident, f"/{item}/remove"), {"because": because})
    say(f"removed the content of evidence {item}")


def _which(items: list[int] | None) -> str:
    return f"evidence {', '.join(map(str, items))}" if items else "all evidence of the incident"


@app.command()
def export(
    incident: INCIDENT,
    file: Annotated[Path, typer.Argument(help="the file to write, such as evidence.zip")],
    item: ITEMS = None,
    purpose: Annotated[str, typer.Option("--purpose", help="for whom and what; it is recorded")] = "",
) -> None:
    """Write a sealed bundle: items, custody, timeline and proofs. `python3 FILE` verifies it anywhere, offline."""
    body = {"items": item or [], "purpose": purpose}
    with gathering.written(file) as out:
        size = connect().download("POST", path_of(incident, "/export"), out, body)
    say(f"{file}: {size_words(size)}; verify with: python3 {file}")


@app.command()
def verify(
    bundle: Annotated[Path, typer.Argument(help="a file that `tocsin evidence export` wrote")],
    key: Annotated[list[str] | None, typer.Option("--key", help="a verifier key as you wrote it down")] = None,
    anchor: Annotated[list[Path] | None, typer.Option("--anchor", help="a checkpoint that was kept outside")] = None,
    form: FORMAT = "table",
) -> None:
    """Say whether a bundle is what was exported. Exits 0 valid, 1 violations, 4 could not verify."""
    checking = import_module("tocsin.verify_bundle")
    try:
        judged = checking.check(bundle, key or [], anchor or [])
    except OSError as error:
        judged = checking.Judged(problems=[because(bundle, "a bundle that `tocsin evidence export` wrote", error)])
    text = checking.as_json(judged) if form == "json" else checking.told(judged)
    say("\n".join(plain(line) for line in text.splitlines()))
    if checking.status(judged):
        raise Stop(code=checking.status(judged))


@app.command()
def profile(incident: INCIDENT, form: FORMAT = "table") -> None:
    """Say what the guide asks to be kept, and what of it is there."""
    found = connect().get(path_of(incident, "/profile"))
    if form == "json":
        show_json(found["steps"])
        return
    rows = [{**each, "command": each["command"] or "(none: add it by hand)"} for each in found["steps"]]
    show(rows, ("id", "state", "kind", "items", "line", "command"), form)
    if any(each["proposed"] for each in found["steps"]):
        note("the guide names no commands: this is what is generally kept")
    for each in found["steps"]:
        if each["detail"]:
            note(plain(f"{each['id']}: {each['detail']}"))


@app.command()
def collect(
    incident: INCIDENT,
    step: Annotated[list[str] | None, typer.Option("--step", help="only these; else all that are missing")] = None,
    value: Annotated[
        list[str] | None, typer.Option("--set", help="NAME=VALUE for a place that the guide leaves open")
    ] = None,
    folder: Annotated[Path | None, typer.Option("--folder", help="where the commands run; else a fresh one")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
    dangerous: Annotated[
        bool, typer.Option("--allow-dangerous", help="also commands that destroy, disturb or hang")
    ] = False,
    keep_original: ORIGINAL = False,
    seconds: Annotated[int, typer.Option("--timeout", min=1, help="for each command, in seconds")] = 1_800,
) -> None:
    """Run the guide's evidence commands on this machine, after showing them, and keep what they give."""
    client = connect()
    steps = client.get(path_of(incident, "/profile"))["steps"]
    values = dict(_pair(each) for each in value or [])
    plan = gathering.plan(steps, step or [], values, dangerous=dangerous)
    for line in plan.refused:
        note(plain(line))
    if not plan.runs:
        fail("there is nothing to run", FAILURE if plan.refused else 0)
    for each in plan.runs:
        say(plain(f"{each.id}: {' '.join(each.command.split())}"))
    if not yes and not typer.confirm("Run these commands on this machine?"):
        fail("nothing was run", FAILURE)
    failed = gathering.gather(
        client, incident, plan.runs, folder or Path(f"evidence-{incident}"), seconds=seconds, original=keep_original
    )
    if failed or plan.refused:
        raise Stop(code=FAILURE)


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name:
        fail(f"--set: expected NAME=VALUE, got {text!r}", USAGE)
    return name, value


@app.command("rotate-key")
def rotate_key(config: ConfigFile = None, data: DataDir = None) -> None:
    """Add a key: what is kept from now on is sealed with it; what was kept before stays readable."""
    said = configured(config, data).evidence
    if said.keys:
        fail("evidence.keys: the keys are given by the environment or the configuration; add one there", USAGE)
    say(f"{said.key_file}: evidence is sealed with the key {add_key(said.key_file)} from now on")


def run(
    command: Annotated[list[str], typer.Argument(help="the command and its words, after --")],
    incident: Annotated[str, typer.Option("--incident", help="whose evidence it is")],
    name: Annotated[str, typer.Option(help="what it is called; else after the command")] = "",
    kind: Annotated[Kind, typer.Option()] = "file",
    step: STEP = "",
    keep_original: ORIGINAL = False,
) -> None:
    """Run a command and keep everything it says as evidence of an incident. Ends as the command ends."""
    called = name or f"{os.path.basename(command[0])}.txt"  # noqa: PTH119 (a word, no path of ours)
    ended = gathering.run_and_keep(connect(), incident, command, called, kind=kind, step=step, original=keep_original)
    if ended:
        raise Stop(code=ended)
