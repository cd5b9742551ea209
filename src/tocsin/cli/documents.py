"""What listing, adding and removing stored documents have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from tocsin.cli.client import connect, part
from tocsin.cli.output import Format, cell, say, show, show_json
from tocsin.cli.verbs import FORMAT


def add_listing(
    app: typer.Typer,
    path: str,
    columns: Sequence[str],
    help: str,
    *,
    row: Callable[[dict[str, Any]], dict[str, Any]] = lambda document: document,
) -> None:
    """`list` shows every document at `path`; `row` is what a table shows of one."""

    @app.command("list", help=help)
    def list_(form: FORMAT = "table") -> None:
        found = connect().get(path)["items"]
        show(found if form == "json" else [row(each) for each in found], columns, form)


def add_show(app: typer.Typer, path: str, help: str) -> None:
    """`show ID` prints one document; a table is one row of its fields."""

    @app.command("show", help=help)
    def show_(name: Annotated[str, typer.Argument(metavar="ID")], form: FORMAT = "table") -> None:
        found = connect().get(f"{path}/{part(name)}")
        if form == "json":
            show_json(found)
        else:
            say("\n".join(f"{key + ':':<12} {cell(value)}" for key, value in found.items()))


def add_removal(app: typer.Typer, path: str, help: str) -> None:
    """`remove ID` deletes one document; 3 when there is none."""

    @app.command("remove", help=help)
    def remove(name: Annotated[str, typer.Argument(metavar="ID")]) -> None:
        connect().call("DELETE", f"{path}/{part(name)}")
        say(f"removed {name}")


def put(path: str, name: str, document: dict[str, Any], form: Format, line: Callable[[Any], str]) -> None:
    """The document is stored, in place of one with the same id."""
    kept = connect().call("PUT", f"{path}/{part(name)}", document)
    if form == "json":
        show_json(kept)
    else:
        say(line(kept))
