"""`tocsin oncall`: schedules in files, and tests of what they say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from tocsin.cli import oncall_changes as changes, oncall_import as importing, oncall_live as live
from tocsin.cli.client import connect
from tocsin.cli.files import read_text
from tocsin.cli.output import FAILURE, NO_MATCH, USAGE, Format, fail, note, plain, say, show, show_json
from tocsin.cli.verbs import FORMAT
from tocsin.clock import SystemClock
from tocsin.oncall import asking
from tocsin.oncall.check import Result, check

app = typer.Typer(no_args_is_help=True)

SCHEDULE = Annotated[
    str | None,
    typer.Option("--schedule", help="a file in the form of `oncall check`, - for standard input; or a server's id"),
]
NAME = Annotated[str | None, typer.Option("--name", help="which schedule of the file, if it holds several")]
FROM = Annotated[str | None, typer.Option("--from", help="an instant with an offset; else the query's of the file")]
TO = Annotated[str | None, typer.Option("--to", help="an instant with an offset; else the query's of the file")]
AT = Annotated[str | None, typer.Option("--at", help="an instant with an offset; else now")]


@app.callback()
def oncall() -> None:
    """Who is on call, by a file or by the server; changes of live schedules; tests of schedules in files."""


for _name, _group, _help in (
    ("override", changes.override, "Let somebody stand in, be added or be left out."),
    ("swap", changes.swap, "Ask for a swap, take one, call it off."),
    ("temporary", changes.temporary, "Fixed shifts that replace everything for a while."),
):
    app.add_typer(_group, name=_name, help=_help)


app.command("import")(importing.import_)


@app.command("check")
def check_files(
    files: Annotated[list[Path], typer.Argument(help="schedules with expectations, in JSON; - reads standard input")],
    form: FORMAT = "table",
) -> None:
    """Evaluate every vector of the files and compare it with what it expects. Exits 1 on any failure."""
    results: list[Result] = []
    for file in files:
        try:
            results += check(read_text(file, "schedules in JSON"), str(file))
        except ValueError as error:
            fail(str(error), USAGE)
    failed = [each for each in results if not each.passed]
    if form == "json":
        show_json(msgspec.to_builtins(results))
    else:
        for each in results:
            _print(each)
    note(f"{len(results)} checked, {len(failed)} failed")
    if failed:
        raise typer.Exit(FAILURE)


@app.command("shifts")
def list_shifts(
    schedule: SCHEDULE = None, start: FROM = None, end: TO = None, name: NAME = None, form: FORMAT = "table"
) -> None:
    """Every shift between two instants, and when nobody is on call. Of a server's schedule: the past as recorded.

    Without --schedule, of every schedule of the server.
    """
    file = _file(schedule)
    if file is None:
        _live_shifts(schedule, start, end, form)
        return
    rows = _asked(lambda: asking.listed_shifts(*_source(file), name=name, start=start, end=end))
    if form == "json":
        show_json([row for row in rows if row["user"]])
        return
    for row in rows:
        say(plain(f"{row['start']}  {row['end']}  {row['user'] or '(nobody)'}"))


@app.command("handoffs")
def list_handoffs(
    file: Annotated[
        Path, typer.Option("--schedule", help="a file in the form of `oncall check`; - reads standard input")
    ],
    start: FROM = None,
    end: TO = None,
    name: NAME = None,
    form: FORMAT = "table",
) -> None:
    """Every handoff of the rotations, from the turn running at the start to the first one after the end."""
    found = _asked(lambda: asking.listed_handoffs(*_source(file), name=name, start=start, end=end))
    if form == "json":
        show_json(found)
        return
    for instant in found:
        say(instant)


@app.command("who")
def who(schedule: SCHEDULE = None, at: AT = None, name: NAME = None, form: FORMAT = "table") -> None:
    """Everybody on call at an instant, by a file, by a schedule of the server, or by all of them. Exits 3 if nobody."""
    file = _file(schedule)
    if file is None:
        found = live.who(schedule, at)
        people = sorted({who for each in found for who in each["people"]})
        if form == "json":
            show_json(found)
        for each in found if form != "json" else ():
            say(plain(f"{each['schedule']}: {', '.join(each['people']) or '(nobody)'}" + live.until(each)))
    else:
        now = SystemClock().now()
        people = _asked(lambda: asking.people_at(*_source(file), name=name, at=at, now=now))
        if form == "json":
            show_json(people)
        for person in people if form != "json" else ():
            say(person)
    if not people:
        note("nobody is on call")
        raise typer.Exit(NO_MATCH)


@app.command("gaps")
def list_gaps(
    days: Annotated[int, typer.Option(help="how far ahead")] = 30,
    schedule: Annotated[str | None, typer.Option(help="the id of one schedule")] = None,
    form: FORMAT = "table",
) -> None:
    """When nobody is on call, by the server's schedules. Exits 1 if there is any gap."""
    found = connect().get("/api/oncall/gaps", days=days, schedule=schedule)["items"]
    show(found, ("schedule", "start", "end"), form)
    if found:
        raise typer.Exit(FAILURE)


@app.command("load")
def show_load(start: FROM = None, end: TO = None, form: FORMAT = "table") -> None:
    """Who carries how much: hours, nights, weekends, holidays and pages; the last 30 days unless told otherwise."""
    found = connect().get("/api/oncall/load", **live.given({"from": start, "to": end}))
    columns = ("person", "hours", "shifts", "nights", "night_hours", "weekend_hours", "holiday_hours", "pages")
    show(found["items"], (*columns, "night_pages"), form)
    if not found["complete"]:
        note("there were too many incidents to read all of them; ask for a shorter time")


def _file(schedule: str | None) -> Path | None:
    """What was given if it is a file or looks like one; any other name is a schedule of the server."""
    if schedule is None:
        return None
    written = "/" in schedule or Path(schedule).suffix in (".json", ".yaml", ".yml")
    if schedule == "-" or written or Path(schedule).exists():
        return Path(schedule)
    return None


def _live_shifts(schedule: str | None, start: str | None, end: str | None, form: Format) -> None:
    """Of one schedule as the API gives them; of all, with their ids in front. Exits 3 where there is no schedule."""
    names = live.schedules() if schedule is None else [schedule]
    found = {each: live.shifts(each, start, end) for each in names}
    if form == "json":
        show_json(found[schedule] if schedule else [{"schedule": each, **found[each]} for each in names])
    for each in names if form != "json" else ():
        rows = [*found[each]["items"], *(gap | {"person": ""} for gap in found[each]["gaps"])]
        head = f"{each}  " if len(names) > 1 else ""
        for row in sorted(rows, key=lambda row: (row["start"], row["person"])):
            say(plain(f"{head}{row['start']}  {row['end']}  {row['person'] or '(nobody)'}"))
    if not found:
        note("the server has no schedule; `tocsin oncall shifts --schedule FILE` asks a file")
        raise typer.Exit(NO_MATCH)


def _print(result: Result) -> None:
    say(f"{'pass' if result.passed else 'FAIL'}  {result.name}")
    expected, got = (_compact(each) for each in (result.expected, result.got))
    say(f"      expected  {expected}")
    say(f"      got       {got}")
    if result.diverges:
        say(f"      Tocsin decides otherwise ({result.diverges}): {_compact(result.tocsin)}")


def _compact(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _asked(question: Callable[[], list[Any]]) -> list[Any]:
    try:
        return question()
    except ValueError as error:
        fail(str(error), FAILURE)


def _source(file: Path) -> tuple[str, str]:
    return read_text(file, "schedules in JSON"), str(file)
