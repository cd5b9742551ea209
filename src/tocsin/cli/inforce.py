"""`tocsin guide list`, `activate`, `withdraw`: guides in force on the server, and guides that wait there."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tocsin.cli.client import connect, part
from tocsin.cli.output import note, plain, say, show, show_json
from tocsin.cli.verbs import FORMAT

GUIDES = "/api/guides"
Name = Annotated[str, typer.Argument(metavar="NAME", help="as `tocsin guide list` shows it")]


def add_in_force(app: typer.Typer) -> None:
    """The commands that ask a server are sub-commands of `app`, beside those that work on files."""
    app.command("list")(list_guides)
    app.command("activate")(activate)
    app.command("withdraw")(withdraw)


def list_guides(form: FORMAT = "table") -> None:
    """List the guides in force, and those that changed on disk and wait, with what they would change."""
    found = connect().get(GUIDES)
    if form == "json":
        show_json(found)
        return
    rows: list[dict[str, Any]] = [{**each, "state": "in force"} for each in found["active"]]
    rows += [{**each, "state": "waits"} for each in found["offered"]]
    show(rows, ("name", "state", "digest"), "table")
    for offer in found["offered"]:
        for change in offer["changes"]:
            note(plain(f"{offer['name']}: {change}"))


def activate(name: Name, form: FORMAT = "table") -> None:
    """Put a guide that waits in force. Running incidents keep the policy they were opened under."""
    guide = connect().call("POST", f"{GUIDES}/{part(name)}/activate")
    if form == "json":
        show_json(guide)
    else:
        say(plain(f"{guide['name']} is in force: {guide['title']}"))


def withdraw(name: Name) -> None:
    """Do not take what waits; the guide in force stays."""
    connect().call("DELETE", f"{GUIDES}/{part(name)}/offer")
    say(f"withdrew {name}")
