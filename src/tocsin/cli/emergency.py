"""`tocsin access`: emergency access, taken with a reason, for a while, with everybody told."""

from __future__ import annotations

from typing import Annotated

import typer

from tocsin.cli.client import connect, part
from tocsin.cli.documents import add_listing
from tocsin.cli.output import say, show_json
from tocsin.cli.verbs import FORMAT

access = typer.Typer(no_args_is_help=True, help="Emergency access.")


@access.command("emergency")
def take(
    because: Annotated[str, typer.Option(help="why; everybody who is told reads it")],
    minutes: Annotated[int | None, typer.Option(min=1, max=1440, help="less than the setting allows")] = None,
    incident: Annotated[str | None, typer.Option(help="the one it is needed for")] = None,
    form: FORMAT = "table",
) -> None:
    """Take emergency access: private incidents and an administrator's rights, for a while. Others are told."""
    said = {"because": because, "minutes": minutes, "incident": incident}
    body = {name: value for name, value in said.items() if value is not None}
    made = connect().call("POST", "/api/access/emergency", body)
    if form == "json":
        show_json(made)
    else:
        say(f"emergency access until {made['until']}; somebody else keeps {made['review']}")


@access.command("end")
def end(person: Annotated[str | None, typer.Option(help="whose; else one's own")] = None) -> None:
    """End emergency access before its time."""
    client = connect()
    whose = person or client.call("GET", "/api/me")["id"]
    client.call("DELETE", f"/api/access/emergency/{part(whose)}")
    say(f"the emergency access of {whose} is over")


add_listing(
    access, "/api/access/emergency", ("person", "taken_at", "until", "review", "because"), "List who has it now."
)
