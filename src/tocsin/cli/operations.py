"""`tocsin maintenance` and `tocsin payload`: planned quiet, and what became of what was handed in."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tocsin.cli.client import connect, part
from tocsin.cli.documents import add_listing
from tocsin.cli.doubts import doubted
from tocsin.cli.output import say, show_json
from tocsin.cli.verbs import FORMAT, instant

MAINTENANCE = "/api/maintenance"

maintenance = typer.Typer(no_args_is_help=True)
payload = typer.Typer(no_args_is_help=True)


@maintenance.command("add")
def plan(
    until: Annotated[str, typer.Argument(help="an instant, or a time from now such as 2h")],
    start: Annotated[str, typer.Option("--from", help="an instant, or a time from now; else now")] = "0s",
    service: Annotated[str | None, typer.Option(help="whose alerts page nobody")] = None,
    match: Annotated[
        list[str] | None, typer.Option("--match", "-m", help="""such as 'team="db"'; may be repeated""")
    ] = None,
    comment: Annotated[str, typer.Option("--comment", help="what is being done")] = "",
    public: Annotated[
        str | None, typer.Option("--public", help="announce it on the status page, under this name")
    ] = None,
    components: Annotated[
        list[str] | None, typer.Option("--component", "-c", help="of the page; may be repeated")
    ] = None,
    page: Annotated[str | None, typer.Option(help="the page it is announced on; else the default page")] = None,
    form: FORMAT = "table",
) -> None:
    """Plan a maintenance window: alerts of the service, or those that match, page nobody meanwhile.

    With --public it is announced to customers too; without --service and --match it is only announced.
    """
    if public:
        window = {
            "name": public,
            "starts_at": instant(start),
            "ends_at": instant(until),
            "pages": [page] if page else [],
            "components": components or [],
            "text": comment,
        }
        announced = connect().call("POST", "/api/status/maintenance", window)
        if not service and not match:
            show_json(announced) if form == "json" else say(announced["id"])
            return
    body: dict[str, Any] = {
        "starts_at": instant(start),
        "ends_at": instant(until),
        "service": service,
        "matchers": match or [],
        "comment": comment,
    }
    api = connect()
    made = api.call("POST", MAINTENANCE, body)
    effect = f"(the window holds for alerts that say so; `tocsin maintenance end {made['id']}` ends it)"
    doubted(api, "service", service, ("/api/services",), effect)
    if form == "json":
        show_json(made)
    else:
        say(made["id"])


@maintenance.command("end")
def end(name: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """End a window now; alerts page again."""
    connect().call("DELETE", f"{MAINTENANCE}/{part(name)}")
    say(f"ended {name}")


def _window_row(document: dict[str, Any]) -> dict[str, Any]:
    return {**document, "matchers": [_matcher(each) for each in document["matchers"]]}


def _matcher(matcher: dict[str, Any]) -> str:
    sign = {(True, False): "=", (False, False): "!=", (True, True): "=~", (False, True): "!~"}
    return f'{matcher["name"]}{sign[matcher["is_equal"], matcher["is_regex"]]}"{matcher["value"]}"'


add_listing(
    maintenance,
    MAINTENANCE,
    ("id", "starts_at", "ends_at", "service", "matchers", "by", "comment"),
    "List the maintenance windows.",
    row=_window_row,
)


@payload.command("show")
def show_payload(
    name: Annotated[str, typer.Argument(metavar="ID", help="the Tocsin-Payload header of the answer that took it")],
    form: FORMAT = "table",
) -> None:
    """Say what became of a payload: which incident it went to, or why none."""
    found = connect().get(f"/api/payloads/{part(name)}")
    if form == "json":
        show_json(found)
        return
    for key, value in found.items():
        if not isinstance(value, dict | list):
            say(f"{key}: {value}")
        else:
            say(f"{key}:")
            for each in value if isinstance(value, list) else [value]:
                say("  " + (", ".join(f"{k} {v}" for k, v in each.items()) if isinstance(each, dict) else str(each)))


add_listing(payload, "/api/quarantine", ("id", "source", "kind", "size", "reason"), "List what could not be read.")
