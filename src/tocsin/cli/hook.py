"""`tocsin hook`: programs that are told of incidents. A secret that Tocsin makes is shown once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tocsin.cli.client import connect, part
from tocsin.cli.documents import add_listing, add_removal
from tocsin.cli.files import read_text
from tocsin.cli.output import note, say, show, show_json
from tocsin.cli.verbs import FORMAT

HOOKS = "/api/hooks"
app = typer.Typer(no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="the hook's name")]


@app.command("add")
def add(
    name: Name,
    url: Annotated[str, typer.Argument(help="where events are posted")],
    body: Annotated[str, typer.Option("--as", help="standard, cloudevents or pagerduty")] = "standard",
    event: Annotated[
        list[str] | None, typer.Option("--event", "-e", help="such as incident.triggered; may be repeated; else all")
    ] = None,
    secret_file: Annotated[
        Path | None, typer.Option(help="holds the secret that signs; else one is made and printed")
    ] = None,
    off: Annotated[bool, typer.Option("--off", help="send nothing yet")] = False,
    form: FORMAT = "table",
) -> None:
    """Tell a program of incidents, or change how it is told. Prints the secret, if one was made."""
    document: dict[str, Any] = {"url": url, "format": body, "events": event or [], "enabled": not off}
    if secret_file:
        document["secret"] = read_text(secret_file, "a secret").strip()
    made = connect().call("PUT", f"{HOOKS}/{part(name)}", document)
    if form == "json":
        show_json(made)
    elif made["secret"]:
        note(f"{made['name']} is told at {made['url']}; its secret, this once:")
        say(made["secret"])
    else:
        say(f"{made['name']} is told at {made['url']}")


@app.command("test")
def test(name: Name, form: FORMAT = "table") -> None:
    """Send one test, now, and say what the receiver answered. Exits 1 when it did not take it."""
    receipt = connect().call("POST", f"{HOOKS}/{part(name)}/test")
    if form == "json":
        show_json(receipt)
    else:
        say(f"{receipt['code']} {receipt['detail']}".strip())
    if receipt["code"] != "sent":
        raise typer.Exit(1)


@app.command("deliveries")
def deliveries(
    name: Name,
    limit: Annotated[int, typer.Option(min=1, max=200)] = 20,
    form: FORMAT = "table",
) -> None:
    """What it was told, newest first, with the reason of each failure. Exits 1 when the newest of them failed."""
    items = connect().get(f"{HOOKS}/{part(name)}/deliveries", limit=limit)["items"]
    rows = [each | {"owed_at": each["owed_at"][:19].replace("T", " ")} for each in items]
    columns = ("owed_at", "type", "reference", "state", "attempts", "code", "announcement")
    show(items if form == "json" else rows, columns, form)
    failed = [each for each in items if each["state"] != "sent" and each["code"]]
    for each in failed if form != "json" else ():
        again = f"next attempt {each['next_at'][:19].replace('T', ' ')}" if each["next_at"] else "given up"
        note(f"{each['announcement']}: {each['code']} {each['detail']}; {again}")
        if not each["next_at"]:
            note(f"  send it again: tocsin hook replay {each['announcement']}")
    if items and items[0]["state"] == "failed":
        raise typer.Exit(1)


@app.command("replay")
def replay(
    announcement: Annotated[str, typer.Argument(help="as `tocsin hook deliveries` shows it")], form: FORMAT = "table"
) -> None:
    """Send one event again, with the id it had."""
    owed = connect().call("POST", "/api/hook-replays", {"announcement": announcement})
    if form == "json":
        show_json(owed)
    else:
        say(f"{owed['type']} {owed['reference']} is owed again: {owed['announcement']}")


@app.command("enable")
def enable(name: Name, form: FORMAT = "table") -> None:
    """Send to it again, after it was off or its receiver had answered 410."""
    made = connect().call("POST", f"{HOOKS}/{part(name)}/enable")
    if form == "json":
        show_json(made)
    else:
        say(f"{made['name']} is {made['state']}")


add_listing(
    app,
    HOOKS,
    ("name", "format", "url", "state", "sent", "pending", "failed", "last_failure"),
    "List the hooks and how they fare.",
)
add_removal(app, HOOKS, "Remove a hook; what it has not got yet is not sent.")
