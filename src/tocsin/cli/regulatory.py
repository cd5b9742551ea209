"""`tocsin regulatory`: the clocks that laws and contracts start. Packs are off until they are switched on."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from tocsin.cli.client import connect, part
from tocsin.cli.files import read_text
from tocsin.cli.output import NO_MATCH, USAGE, cell, fail, note, plain, say, show, show_json
from tocsin.cli.verbs import FORMAT

BASE = "/api/regulatory"
COLUMNS = ("id", "title", "jurisdiction", "on", "as_of")
PACK = Annotated[str, typer.Argument(metavar="PACK", help="such as gdpr")]

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def list_(form: FORMAT = "table") -> None:
    """List the packs, and how much of each runs here."""
    found = connect().get(BASE)
    if form == "json":
        show_json(found["items"])
        return
    show([_row(each) for each in found["items"]], COLUMNS, form)
    note(found["note"])


@app.command("show")
def show_(name: PACK, form: FORMAT = "table") -> None:
    """Show a pack: what starts each clock, how long it is, who is told, where the law says so."""
    found = connect().get(f"{BASE}/{part(name)}")
    if form == "json":
        show_json(found)
        return
    enabled = found["enabled"]
    guides = ", ".join(enabled["guides"]) or "every guide" if enabled else ""
    state = f"on for {guides}" if enabled else "off"
    say(plain(f"{found['title']} ({found['jurisdiction']}), as of {found['as_of']}, {state}"))
    for each in found["obligations"]:
        _say_obligation(each, on=enabled is not None)
    say(f"\n{found['note']}")


def _say_obligation(view: dict[str, Any], *, on: bool) -> None:
    each, limit = view["obligation"], view["obligation"]["deadline"]
    state = ("runs" if view["runs"] else "does not run") if on else ""
    say(plain(f"\n{each['id']}  {each['title']}{f'  [{state}]' if state else ''}"))
    span = f"{limit['amount']} {limit['unit']}" if limit["amount"] else limit["unit"]
    cap = f", at most {limit['cap']['hours']} hours from {limit['cap']['from_event']}" if limit["cap"] else ""
    rows = [
        ("starts", limit["from_event"]),
        ("limit", span.replace("_", " ") + cap + (" (a guideline)" if limit["soft"] else "")),
        ("tells", "; ".join(each["recipients"])),
        ("concerns", f"{each['applies_to']}. {each['conditions']}".strip()),
        ("delay", each["lawful_delay"]),
        ("source", f"{each['source']['citation']} {each['source']['url']}".strip()),
        ("checked", view["mark"] or "its text was read"),
        ("note", each["notes"]),
    ]
    for label, text in rows:
        if text:
            say(plain(f"  {label + ':':<10}{text}"))


@app.command()
def enable(
    name: PACK,
    guide: Annotated[list[str] | None, typer.Option(help="only incidents of this guide; may be repeated")] = None,
    who: Annotated[
        list[str] | None, typer.Option(help="who is told, in words of the directory, such as legal; may be repeated")
    ] = None,
    confirm: Annotated[
        list[str] | None,
        typer.Option(help="an obligation that you have checked against the law, or all; may be repeated"),
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(help="an obligation that does not concern you; may be repeated")
    ] = None,
    target: Annotated[
        list[str] | None, typer.Option(help="gdpr-33-2=24: your own hours where there is no number; may be repeated")
    ] = None,
    rollover: Annotated[
        str | None, typer.Option(help="your Member State, such as DE, where limits may move off free days")
    ] = None,
    form: FORMAT = "table",
) -> None:
    """Switch a pack on. Records that were not checked against their text run only when you confirm them."""
    client = connect()
    known = [each["obligation"]["id"] for each in client.get(f"{BASE}/{part(name)}")["obligations"]]
    body = {
        "guides": guide or [],
        "who": who or [],
        "confirmed": known if confirm == ["all"] else confirm or [],
        "excluded": exclude or [],
        "targets": dict(_target(each) for each in target or []),
        "rollover_country": rollover,
    }
    after = client.call("PUT", f"{BASE}/{part(name)}/enabled", body)
    if form == "json":
        show_json(after)
        return
    running = [each["obligation"]["id"] for each in after["obligations"] if each["runs"]]
    waiting = [each["obligation"]["id"] for each in after["obligations"] if not each["runs"]]
    say(plain(f"{name} is on: {', '.join(running) or 'nothing of it runs yet'}"))
    if waiting:
        note(plain(f"do not run until you confirm them (--confirm ID): {', '.join(waiting)}"))
    if not who:
        note("nobody is named with --who: the incident's responders are told")
    note(after["note"])


@app.command()
def disable(name: PACK) -> None:
    """Switch a pack off; clocks that run already run on."""
    connect().call("DELETE", f"{BASE}/{part(name)}/enabled")
    say(f"{name} is off")


@app.command()
def clocks(
    incident: Annotated[str, typer.Argument(help="id or reference, such as INC-2026-001")], form: FORMAT = "table"
) -> None:
    """Show an incident's clocks, and the instants that nobody has recorded."""
    found = connect().get(f"/api/incidents/{part(incident)}/regulatory")
    if form == "json":
        show_json(found)
        return
    rows = [
        {
            "obligation": each["obligation"],
            "state": "OVERDUE" if each["state"] == "missed" and not each["submitted_at"] else each["state"],
            "due": each["due_at"] or ("without undue delay" if each["since"] else None),
            "tells": "; ".join(each["recipients"]),
            "limit": each["limit"],
        }
        for each in found["clocks"]
    ]
    show(rows, ("obligation", "state", "due", "tells", "limit"), form)
    for name, ids in found["to_assess"].items():
        note(plain(f"not recorded: {name} (for {', '.join(ids)})"))
    note(found["note"])


@app.command()
def export(name: PACK) -> None:
    """Print a pack that ships as YAML, to edit and load."""
    text = import_module("tocsin.laws").shipped().get(name)
    if text is None:
        fail(f"no pack ships as {name!r}", NO_MATCH)
    say(text.rstrip())


@app.command()
def load(file: Annotated[Path, typer.Argument(help="a pack (.yaml, .json)")], form: FORMAT = "table") -> None:
    """Load a pack of your own; it replaces the shipped one of the same id."""
    try:
        pack = import_module("tocsin.laws").read_pack(read_text(file, "a regulatory pack"), str(file))
    except ValueError as error:
        fail(str(error), USAGE)
    body = import_module("msgspec").to_builtins(pack)
    after = connect().call("PUT", f"{BASE}/{part(pack.id)}", body)
    if form == "json":
        show_json(after)
    else:
        say(plain(f"{pack.id}: {len(pack.obligations)} obligations loaded"))


def _row(pack: dict[str, Any]) -> dict[str, Any]:
    on = f"{pack['running']} of {pack['obligations']}" if pack["enabled"] else cell(None)
    return pack | {"on": on}


def _target(said: str) -> tuple[str, int]:
    name, _, hours = said.partition("=")
    if not name or not hours.removesuffix("h").isdecimal():
        fail(f"--target: expected ID=HOURS such as gdpr-33-2=24, got {said!r}", USAGE)
    return name, int(hours.removesuffix("h"))
