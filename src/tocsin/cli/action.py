"""`tocsin action`: what incidents taught, who owns it, what is overdue, and that it is done."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from tocsin.cli.client import connect, part
from tocsin.cli.output import USAGE, fail, note, plain, say, show, show_json
from tocsin.cli.verbs import FORMAT

COLUMNS = ("name", "due", "priority", "status", "owner", "title")
NAME = Annotated[str, typer.Argument(metavar="NAME", help="such as INC-2026-001/2")]
Priority = Literal["high", "medium", "low"]

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def list_(
    status: Annotated[
        Literal["open", "in progress", "completed", "overdue", "unfinished", "all"], typer.Option()
    ] = "unfinished",
    owner: Annotated[str | None, typer.Option(help="only those of this person or role")] = None,
    form: FORMAT = "table",
) -> None:
    """List action items, the earliest due date first."""
    found = connect().get("/api/action-items", status=None if status == "all" else status, owner=owner)
    if form == "json":
        show_json(found["items"])
        return
    show([_row(each) for each in found["items"]], COLUMNS, form)
    rate = f", {found['completion_rate']} % done" if found["completion_rate"] is not None else ""
    note(f"{found['total']} action items in all: {found['completed']} completed, {found['overdue']} overdue{rate}")


@app.command()
def add(
    incident: Annotated[str, typer.Argument(help="id or reference, such as INC-2026-001")],
    title: Annotated[str, typer.Argument(help="what is to be done")],
    owner: Annotated[str, typer.Option(help="a person or a role; an item that nobody owns is not done")],
    due: Annotated[str | None, typer.Option(help="a day such as 2026-12-15; else the guide's first horizon")] = None,
    horizon: Annotated[str | None, typer.Option(help="a horizon of the guide, such as Short-term")] = None,
    priority: Annotated[Priority, typer.Option()] = "medium",
    description: Annotated[str, typer.Option()] = "",
    criterion: Annotated[list[str] | None, typer.Option(help="when it is done; may be repeated")] = None,
    form: FORMAT = "table",
) -> None:
    """Add an action item to an incident."""
    body = {
        "title": title,
        "owner": owner,
        "due_on": due,
        "horizon": horizon,
        "priority": priority,
        "description": description,
        "criteria": criterion or [],
    }
    after = connect().call("POST", f"/api/incidents/{part(incident)}/add-action-item", _given(body))
    _say(after, after["action_items"][-1], form)


@app.command()
def change(
    name: NAME,
    title: Annotated[str | None, typer.Option()] = None,
    owner: Annotated[str | None, typer.Option()] = None,
    due: Annotated[str | None, typer.Option(help="a day such as 2026-12-15")] = None,
    priority: Annotated[Priority | None, typer.Option()] = None,
    description: Annotated[str | None, typer.Option()] = None,
    because: Annotated[str, typer.Option()] = "",
    form: FORMAT = "table",
) -> None:
    """Change an action item; another due date is another promise."""
    body = {
        "title": title,
        "owner": owner,
        "due_on": due,
        "priority": priority,
        "description": description,
        "because": because,
    }
    _act(name, "change-action-item", _given(body), form)


@app.command()
def start(name: NAME, form: FORMAT = "table") -> None:
    """Say that somebody works on it."""
    _act(name, "change-action-item", {"status": "in progress"}, form)


@app.command()
def met(
    name: NAME,
    criterion: Annotated[int, typer.Argument(help="its number, from 1")],
    form: FORMAT = "table",
) -> None:
    """Say that an acceptance criterion is met."""
    _act(name, "meet-criterion", {"criterion": criterion}, form)


@app.command()
def done(
    name: NAME,
    because: Annotated[str, typer.Option(help="needed where criteria are not met")] = "",
    form: FORMAT = "table",
) -> None:
    """Say that it is done."""
    _act(name, "finish-action-item", _given({"because": because}), form)


@app.command()
def helped(
    name: NAME,
    not_: Annotated[bool, typer.Option("--not", help="it did not")] = False,
    because: Annotated[str, typer.Option(help="how that was seen")] = "",
    form: FORMAT = "table",
) -> None:
    """Say whether it helped, some time after it was done."""
    _act(name, "change-action-item", _given({"because": because}) | {"effective": not not_}, form)


@app.command()
def reopen(name: NAME, because: Annotated[str, typer.Option()] = "", form: FORMAT = "table") -> None:
    """Say that it is not done after all."""
    _act(name, "change-action-item", _given({"status": "open", "because": because}), form)


@app.command("show")
def show_(name: NAME, form: FORMAT = "table") -> None:
    """Show an action item with its acceptance criteria."""
    incident, number = _split(name)
    after = connect().get(f"/api/incidents/{part(incident)}")
    item = _item(after, number)
    if form == "json":
        show_json(item)
        return
    say(plain(f"{after['reference']}/{item['item']}  {item['title']}"))
    say(plain(f"owner {item['owner']}, {item['priority']}, due {item['due_at'][:10]}, {item['status']}"))
    if item["description"]:
        say(plain(item["description"]))
    for n, (text, is_met) in enumerate(item["criteria"], 1):
        say(plain(f"  {n}. [{'x' if is_met else ' '}] {text}"))


def _row(item: dict[str, Any]) -> dict[str, Any]:
    return item | {"due": item["due_at"][:10], "status": "OVERDUE" if item["overdue"] else item["status"]}


def _given(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if value not in (None, "", [])}


def _split(name: str) -> tuple[str, int]:
    incident, _, number = name.rpartition("/")
    if not incident or not number.isdecimal():
        fail(f"expected a name such as INC-2026-001/2 (tocsin action list shows them), got {name!r}", USAGE)
    return incident, int(number)


def _act(name: str, tag: str, body: dict[str, Any], form: str) -> None:
    incident, number = _split(name)
    after = connect().call("POST", f"/api/incidents/{part(incident)}/{tag}", {"item": number, **body})
    _say(after, _item(after, number), form)


def _item(incident: dict[str, Any], number: int) -> dict[str, Any]:
    found: dict[str, Any] | None = next((each for each in incident["action_items"] if each["item"] == number), None)
    if found is None:
        fail(f"{incident['reference']} has no action item {number}", 3)
    return found


def _say(incident: dict[str, Any], item: dict[str, Any], form: str) -> None:
    if form == "json":
        show_json(item)
        return
    left = sum(not is_met for _, is_met in item["criteria"])
    waits = f", {left} criteria not met" if left and item["status"] != "completed" else ""
    line = (
        f"{incident['reference']}/{item['item']}  {item['status']}, {item['owner']}, due {item['due_at'][:10]}{waits}"
    )
    say(plain(f"{line}  {item['title']}"))
