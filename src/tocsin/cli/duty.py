"""`tocsin duty`: the upkeep that guides ask for, when it is due, and that it was done."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tocsin.cli.client import connect, part
from tocsin.cli.output import cell, note, plain, say, show, show_json
from tocsin.cli.verbs import FORMAT

COLUMNS = ("name", "state", "due", "every", "last_done", "missed", "guide", "title")
NAME = Annotated[str, typer.Argument(metavar="NAME", help="as tocsin duty list shows it")]

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def list_(form: FORMAT = "table") -> None:
    """List the duties, what is due first first. `missed` counts the periods in which nobody did it."""
    found = connect().get("/api/duties")["items"]
    if form == "json":
        show_json(found)
        return
    show([_row(each) for each in found], COLUMNS, form)
    if not found:
        note("no guide in force asks for upkeep")


@app.command("show")
def show_(name: NAME, form: FORMAT = "table") -> None:
    """Show a duty and what happened to it."""
    found = connect().get(f"/api/duties/{part(name)}")
    if form == "json":
        show_json(found)
        return
    say(_line(found["duty"]))
    for item in found["timeline"]:
        say(plain(f"  {cell(item['at'])}  {item['text']}"))


@app.command()
def done(
    name: NAME,
    notes: Annotated[str, typer.Option(help="what was found")] = "",
    form: FORMAT = "table",
) -> None:
    """Say that it was done; it is due again a period from now."""
    _say(connect().call("POST", f"/api/duties/{part(name)}/done", {"notes": notes}), form)


@app.command()
def waive(
    name: NAME, because: Annotated[str, typer.Option(help="why it is not done this time")], form: FORMAT = "table"
) -> None:
    """Do without it this time; nobody is reminded until it was done once more."""
    _say(connect().call("POST", f"/api/duties/{part(name)}/waive", {"because": because}), form)


def _row(duty: dict[str, Any]) -> dict[str, Any]:
    state = "OVERDUE" if duty["state"] == "missed" else duty["state"]
    due = (duty["due_at"] or "")[:16].replace("T", " ") or None
    return duty | {"state": state, "due": due, "last_done": (duty["kept_at"] or "")[:10] or None}


def _line(duty: dict[str, Any]) -> str:
    row = _row(duty)
    due = f", due {row['due']} UTC" if row["due"] else ""
    return plain(f"{duty['name']}  {row['state']}{due}  {duty['title']} ({duty['guide']})")


def _say(duty: dict[str, Any], form: str) -> None:
    if form == "json":
        show_json(duty)
    else:
        say(_line(duty))
