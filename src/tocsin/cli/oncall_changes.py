"""`tocsin oncall override|swap|temporary`: changes of a live schedule, in force at once."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tocsin.cli.client import connect, part
from tocsin.cli.output import USAGE, Format, fail, note, say, show, show_json
from tocsin.cli.verbs import FORMAT, instant
from tocsin.clock import SystemClock

override = typer.Typer(no_args_is_help=True)
swap = typer.Typer(no_args_is_help=True)
temporary = typer.Typer(no_args_is_help=True)

SCHEDULE = Annotated[str, typer.Argument(help="the id of a schedule")]
ID = Annotated[str, typer.Argument(metavar="ID", help="as `list` shows it")]
FROM = Annotated[str | None, typer.Option("--from", help="an instant, or a time from now such as 2h; else now")]
TO = Annotated[str, typer.Option("--to", help="an instant, or a time from now such as 8h")]
NOTE = Annotated[str, typer.Option(help="why, for the others")]


@override.command("add")
def add_override(
    schedule: SCHEDULE,
    to: TO,
    add: Annotated[str | None, typer.Option(help="who is on call too, or stands in for --remove")] = None,
    remove: Annotated[str | None, typer.Option(help="who is not on call meanwhile")] = None,
    start: FROM = None,
    note: NOTE = "",
    form: FORMAT = "table",
) -> None:
    """Let --add stand in for --remove, or only add or only remove somebody."""
    if add is None and remove is None:
        fail("expected --add, --remove or both", USAGE)
    _post(f"{_path(schedule)}/overrides", _span(start, to) | {"add": add, "remove": remove, "note": note}, form)


@swap.command("ask")
def ask_swap(
    schedule: SCHEDULE,
    beneficiary: Annotated[str, typer.Option("--for", help="who would be free")],
    to: TO,
    by: Annotated[str | None, typer.Option("--by", help="who takes it; else it waits for somebody")] = None,
    start: FROM = None,
    note: NOTE = "",
    form: FORMAT = "table",
) -> None:
    """Ask for somebody to take over; with --by it is made at once."""
    said = {"beneficiary": beneficiary, "benefactor": by, "note": note}
    _post(f"{_path(schedule)}/swaps", _span(start, to) | said, form)


@swap.command("take")
def take_swap(
    schedule: SCHEDULE,
    name: ID,
    by: Annotated[str | None, typer.Option("--by", help="who takes it; else whoever the token belongs to")] = None,
    form: FORMAT = "table",
) -> None:
    """Take over what somebody asked for."""
    _post(f"{_path(schedule)}/swaps/{part(name)}/take", {"benefactor": by}, form)


@temporary.command("add")
def add_temporary(
    schedule: SCHEDULE,
    to: TO,
    shift: Annotated[
        list[str] | None,
        typer.Option(help="PERSON for the whole span, or PERSON=FROM/TO; may be repeated; none: nobody is on call"),
    ] = None,
    start: FROM = None,
    note: NOTE = "",
    form: FORMAT = "table",
) -> None:
    """For a while these shifts, and nothing else, count."""
    span = _span(start, to)
    shifts = [_shift(each, span) for each in shift or ()]
    _post(f"{_path(schedule)}/temporary", span | {"shifts": shifts, "note": note}, form)


def _shift(said: str, span: dict[str, str]) -> dict[str, str]:
    who, equals, when = said.partition("=")
    start, slash, end = when.partition("/")
    if equals and not (slash and start and end):
        fail(f"--shift: expected PERSON or PERSON=FROM/TO, got {said!r}", USAGE)
    return {"user": who, **(span if not equals else {"start": instant(start), "end": instant(end)})}


def _add_common(app: typer.Typer, kind: str, path: str) -> None:
    @app.command("list", help=f"Every {kind} that has not ended long ago.")
    def list_(schedule: SCHEDULE, form: FORMAT = "table") -> None:
        found = [each for each in connect().get(f"{_path(schedule)}/changes")["items"] if each["kind"] == kind]
        show(found, COLUMNS[kind], form)

    @app.command("remove", help=f"Remove one {kind}; it counts from now on.")
    def remove(schedule: SCHEDULE, name: ID) -> None:
        connect().call("DELETE", f"{_path(schedule)}/{path}/{part(name)}")
        say(f"removed {name}")


COLUMNS = {
    "override": ("id", "start", "end", "add", "remove", "by", "note"),
    "swap": ("id", "start", "end", "beneficiary", "benefactor", "by", "note"),
    "temporary": ("id", "start", "end", "shifts", "by", "note"),
}
for _app, _kind, _where in (
    (override, "override", "overrides"),
    (swap, "swap", "swaps"),
    (temporary, "temporary", "temporary"),
):
    _add_common(_app, _kind, _where)


def _path(schedule: str) -> str:
    return f"/api/schedules/{part(schedule)}"


def _span(start: str | None, end: str) -> dict[str, str]:
    begun = instant(start) if start else SystemClock().now().isoformat(timespec="seconds")
    return {"start": begun, "end": instant(end)}


def _post(path: str, body: dict[str, Any], form: Format) -> None:
    made = connect().call("POST", path, {name: value for name, value in body.items() if value not in (None, "")})
    if form == "json":
        show_json(made)
    else:
        row = made["change"]
        who = {
            "override": lambda: _override_words(row),
            "swap": lambda: f"{row.get('benefactor') or 'somebody'} for {row.get('beneficiary')}",
            "temporary": lambda: f"{len(row.get('shifts', ()))} shifts and nothing else",
        }[row["kind"]]()
        say(f"{row['id']}  {row['start']}  {row['end']}  {who}")
    for gap in made["gaps"]:
        note(f"nobody is on call from {gap['start']} to {gap['end']}")


def _override_words(row: dict[str, Any]) -> str:
    if row.get("add") and row.get("remove"):
        return f"{row['add']} for {row['remove']}"
    return f"{row['add']} too" if row.get("add") else f"without {row['remove']}"
