"""`tocsin status` and `tocsin component`: what the public is told, from the command line."""

from __future__ import annotations

import base64
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from tocsin.cli.client import connect, part
from tocsin.cli.documents import add_listing, add_removal
from tocsin.cli.output import NO_MATCH, USAGE, fail, plain, say, show, show_json
from tocsin.cli.verbs import FORMAT
from tocsin.unreadable import because

PAGES, COMPONENTS = "/api/status/pages", "/api/status/components"

status = typer.Typer(no_args_is_help=True)
component = typer.Typer(no_args_is_help=True)

Standing = Literal["investigating", "identified", "monitoring", "resolved"]
State = Literal["operational", "under_maintenance", "degraded_performance", "partial_outage", "major_outage"]


@status.command("update")
def update(
    text: Annotated[str, typer.Argument(help="what the public reads")],
    incident: Annotated[str | None, typer.Option("--incident", "-i", help="id or reference; else the open one")] = None,
    page: Annotated[str | None, typer.Option(help="the page it is published on; else the default page")] = None,
    standing: Annotated[Standing | None, typer.Option("--status", help="how far the repair is")] = None,
    name: Annotated[str, typer.Option("--name", help="the incident's public title")] = "",
    components: Annotated[
        list[str] | None, typer.Option("--component", "-c", help="an id, or ID=STATE; may be repeated")
    ] = None,
    form: FORMAT = "table",
) -> None:
    """Tell the public how it stands. Publishes the incident, if nobody has yet."""
    body = {
        "text": text,
        "incident": incident,
        "page": page,
        "status": standing,
        "name": name,
        "components": components or [],
    }
    after = connect().call("POST", "/api/status/update", body)
    if form == "json":
        show_json(after)
    else:
        touched = f", affects {', '.join(after['components'])}" if after["components"] else ""
        say(plain(f"{after['name']}: {after['status']}, {after['impact']} impact{touched}"))


@status.command("show")
def show_status(
    page: Annotated[str | None, typer.Argument(help="its id; else the default page")] = None, form: FORMAT = "table"
) -> None:
    """Show how a public page stands, and what of it waits for somebody."""
    found = connect().get(PAGES)["items"]
    chosen = [each for each in found if each["page"]["id"] == page] if page else found[:1]
    if not chosen:
        fail(f"page: expected one of {', '.join(each['page']['id'] for each in found)}, got {page!r}", NO_MATCH)
    (one,) = chosen
    if form == "json":
        show_json(one)
        return
    say(plain(f"{one['page']['name']}: {one['sentence']}"))
    say(one["url"])
    if one["components"]:
        show(one["components"], ("id", "name", "state", "uptime"), "table")
    for each in one["incidents"]:
        say(plain(f"open: {each['name']} ({each['status']}, {each['impact']})"))
    for each in one["maintenance"]:
        say(plain(f"maintenance: {each['name']}, {each['starts_at']} to {each['ends_at']}"))
    if one["unpublished"]:
        say(f"not published: {', '.join(one['unpublished'])}")


@status.command("list")
def list_pages(form: FORMAT = "table") -> None:
    """List the public pages."""
    found = connect().get(PAGES)["items"]
    rows = [{"id": each["page"]["id"], "name": each["page"]["name"], **each} for each in found]
    show(found if form == "json" else rows, ("id", "name", "indicator", "sentence", "url"), form)


@status.command("export")
def export(
    folder: Annotated[Path, typer.Argument(help="becomes a link to the newest copy")],
    page: Annotated[str, typer.Option(help="its id; else the default page")] = "-",
    url: Annotated[str, typer.Option("--url", help="where the copy will stand; feeds and JSON name it")] = "",
) -> None:
    """Write a public page as files, so that it survives an outage of Tocsin; replaced in one step."""
    found = connect().get(f"{PAGES}/{part(page)}/files", url=url)
    content = {name: base64.b64decode(body) for name, body in found["files"].items()}
    try:
        fresh = import_module("tocsin.status.export").write(folder.absolute(), content)
    except OSError as error:
        fail(because(folder, "a directory to write to", error), USAGE)
    except ValueError as error:
        fail(str(error))
    say(f"{folder}: {len(content)} files of page {found['page']}" + ("" if fresh else ", unchanged"))


# --- components -------------------------------------------------------------------------------------------------------


@component.command("set")
def set_state(
    name: Annotated[str, typer.Argument(metavar="ID")],
    state: Annotated[State, typer.Argument(help="what is said of it; an open incident may show it worse")],
) -> None:
    """Say how a component is."""
    connect().call("POST", f"{COMPONENTS}/{part(name)}/report", {"state": state})
    say(f"{name}: {state}")


@component.command("add")
def add(
    name: Annotated[str, typer.Argument(metavar="ID", help="a-z, 0-9 and -")],
    title: Annotated[str, typer.Option("--name", help="what customers call it")],
    page: Annotated[str, typer.Option(help="the page it is put on; else the default page")] = "",
    description: Annotated[str, typer.Option(help="one line below its name")] = "",
    services: Annotated[
        list[str] | None, typer.Option("--service", help="whose published incidents affect it; may be repeated")
    ] = None,
    automatic: Annotated[
        bool, typer.Option("--automatic/--no-automatic", help="open incidents colour it before they are published")
    ] = False,
    fresh: Annotated[
        int | None, typer.Option("--fresh-seconds", help="unknown when nobody reported for so long")
    ] = None,
    form: FORMAT = "table",
) -> None:
    """Make a component, or change one."""
    body: dict[str, Any] = {
        "name": title,
        "description": description,
        "services": services or [],
        "automatic": automatic,
        "fresh_seconds": fresh,
    }
    kept = connect().call("PUT", f"{COMPONENTS}/{part(name)}?page={part(page)}", body)
    if form == "json":
        show_json(kept)
    else:
        say(plain(f"{kept['id']}: {kept['name']}"))


add_listing(component, COMPONENTS, ("id", "name", "services", "automatic", "fresh_seconds"), "List the components.")
add_removal(component, COMPONENTS, "Remove a component from every page.")
