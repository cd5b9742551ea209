"""`tocsin access`: emergency access, with a reason and for a while; and what waits for a second person."""

from __future__ import annotations

from typing import Annotated

import typer

from tocsin.cli.client import connect, part
from tocsin.cli.documents import add_listing
from tocsin.cli.output import say, show, show_json
from tocsin.cli.verbs import FORMAT

access = typer.Typer(no_args_is_help=True, help="Emergency access, and what waits for a second person.")


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


@access.command("waiting")
def waiting(form: FORMAT = "table") -> None:
    """List what somebody asked for and somebody else has to approve (`access.two_persons`)."""
    found = connect().get("/api/approvals")["items"]
    show(found, ("id", "by", "subject", "until", "approved_by"), form)


@access.command("approve")
def approve(name: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """Approve what somebody else asked for; they do it then, once."""
    found = connect().call("POST", f"/api/approvals/{part(name)}/approve")
    say(f"approved: {found['by']} may {found['subject']} until {found['until']}")


@access.command("decline")
def decline(name: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """Decline it, or take back what you asked for yourself."""
    connect().call("DELETE", f"/api/approvals/{part(name)}")
    say(f"{name} is declined")
