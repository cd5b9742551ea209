"""`tocsin guide list`, `activate`, `withdraw`: guides in force on the server, and guides that wait there."""

from __future__ import annotations

import shlex
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
    app.command("cadences")(cadences)
    app.command("confirm")(confirm)
    app.command("contacts")(contacts)


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


CADENCES = ("rule", "every", "severities", "line", "confirmed", "confirmed_by")


def cadences(name: Name, form: FORMAT = "table") -> None:
    """List how often whom the guide tells; what is not confirmed stands only in a template and starts no clock."""
    found = connect().get(f"{GUIDES}/{part(name)}/cadences")["items"]
    show(found, CADENCES, form, ("line", "confirmed_by"))


def confirm(
    name: Name,
    rule: Annotated[list[str] | None, typer.Argument(help="as `cadences` shows it; without any, all")] = None,
    back: Annotated[bool, typer.Option("--back", help="take it back: only proposed again")] = False,
    form: FORMAT = "table",
) -> None:
    """Confirm cadences of a guide once, for every incident that opens from now on."""
    place = f"{GUIDES}/{part(name)}/cadences/confirm"
    found = connect().call("POST", place, {"rules": rule or [], "holds": not back})["items"]
    show(found, CADENCES, form, ("line", "confirmed_by"))


def contacts(name: Name, form: FORMAT = "table") -> None:
    """List the people whom the guide prints: who of them is known here, and the commands that make the others so."""
    found = connect().get(f"{GUIDES}/{part(name)}/contacts")["items"]
    show(found, ("name", "role", "person", "email", "phone", "line"), form, ("line", "phone", "email"))
    if form == "json":
        return
    for each in found:
        if each["run"]:
            say(shlex.join(each["run"]))
    if not found:
        note("the guide prints no people")
