"""`tocsin person`, `team`, `service`, `binding`: who there is, who owns what, and what a guide's words mean."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tocsin.cli.client import connect
from tocsin.cli.contact import add_to
from tocsin.cli.documents import add_listing, add_removal, add_show, put
from tocsin.cli.output import USAGE, Stop, fail, note, plain
from tocsin.cli.verbs import FORMAT
from tocsin.core.people import Method
from tocsin.core.spans import show_seconds
from tocsin.setting.kinds import Wrong
from tocsin.setting.methods import method

PEOPLE, TEAMS, SERVICES, BINDINGS = "/api/people", "/api/teams", "/api/services", "/api/bindings"

person = typer.Typer(no_args_is_help=True)
team = typer.Typer(no_args_is_help=True)
service = typer.Typer(no_args_is_help=True)
binding = typer.Typer(no_args_is_help=True)

Name = Annotated[str, typer.Option(help="the name people know")]


@person.command("add")
def add_person(
    id: str,
    reach: Annotated[
        list[str] | None,
        typer.Option(
            "--reach",
            "-r",
            help="ana@example.org, ntfy://HOST/TOPIC, https://..., console or apprise:URL; `5m=` in front: only "
            "after five minutes; may be repeated, in order",
        ),
    ] = None,
    name: Name = "",
    role: Annotated[list[str] | None, typer.Option(help="a role of the guide; may be repeated")] = None,
    zone: str = "UTC",
    inactive: Annotated[bool, typer.Option("--inactive", help="is not paged")] = False,
    form: FORMAT = "table",
) -> None:
    """Add somebody, or replace what is known of them."""
    document: dict[str, Any] = {
        "id": id,
        "name": name,
        "methods": [_told(each) for each in reach or ()],
        "roles": role or [],
        "zone": zone,
        "active": not inactive,
    }
    put(PEOPLE, id, document, form, lambda kept: f"{kept['id']} can be reached in {_ways(len(kept['methods']))}")


def _told(said: str) -> dict[str, Any]:
    """What the server is told of a method: how and when, not whether it was verified, which is its own word."""
    found = _method(said)
    return {name: getattr(found, name) for name in ("kind", "address", "after_seconds", "enabled")}


def _method(said: str) -> Method:
    """`5m=ana@example.org`: after five minutes, by mail."""
    head, equals, rest = said.partition("=")
    late = bool(equals) and head[:1].isdigit()
    try:
        found = method(rest if late else said)
        if not late:
            return found
        return method({"kind": found.kind, "address": found.address, "after": head})
    except Wrong as wrong:
        fail(f"--reach: expected {wrong}, got {said!r}", USAGE)


@team.command("add")
def add_team(
    id: str,
    member: Annotated[list[str] | None, typer.Option("--member", "-m", help="a person; may be repeated")] = None,
    lead: Annotated[str | None, typer.Option(help="is paged first")] = None,
    name: Name = "",
    form: FORMAT = "table",
) -> None:
    """Add a team, or replace it."""
    document = {"id": id, "name": name, "members": member or [], "lead": lead}
    put(TEAMS, id, document, form, lambda kept: f"{kept['id']} has {len(kept['members'])} members")
    _mind(*(member or ()), lead or "")


@service.command("add")
def add_service(
    id: Annotated[str, typer.Argument(help="as the `service` label of alerts says it")],
    owner: Annotated[str | None, typer.Option(help="a team or a person")] = None,
    tier: Annotated[int | None, typer.Option(help="0 is the most important")] = None,
    depends_on: Annotated[list[str] | None, typer.Option(help="a service; may be repeated")] = None,
    component: Annotated[list[str] | None, typer.Option(help="may be repeated")] = None,
    name: Name = "",
    form: FORMAT = "table",
) -> None:
    """Add a service, or replace it."""
    document = {
        "id": id,
        "name": name,
        "owner": owner,
        "tier": tier,
        "depends_on": depends_on or [],
        "components": component or [],
    }
    put(SERVICES, id, document, form, lambda kept: f"{kept['id']} is owned by {kept['owner'] or 'nobody'}")
    _mind(owner or "")


@binding.command("add")
def add_binding(
    words: Annotated[str, typer.Argument(help="what the guide says, such as 'On-call engineer'")],
    means: Annotated[list[str], typer.Argument(help="people, teams or roles")],
    form: FORMAT = "table",
) -> None:
    """Say what a guide's words for somebody mean. `last_resort` is whom to page when nobody was reached."""
    document = {"id": words, "means": means}
    put(BINDINGS, words, document, form, lambda kept: f"{kept['id']} means {', '.join(kept['means'])}")
    _mind(*means)


def _ways(count: int) -> str:
    return "1 way" if count == 1 else f"{count} ways"


def _mind(*words: str) -> None:
    """Whoever pages a name that nobody has pages nobody: it is said, for what is missing may come next."""
    server, known = connect(), {"owner"}
    try:
        for path in (PEOPLE, TEAMS, BINDINGS, "/api/schedules"):
            for each in server.items(path):
                said = (each["id"], each.get("name") or "", *each.get("roles", ()))
                known.update(text.strip().casefold() for text in said)
    except Stop:
        return  # it is stored, whoever may see the others
    for word in filter(str.strip, words):
        kind, _, rest = word.strip().casefold().partition(":")
        name = rest if rest and kind in ("person", "team", "schedule", "role") else word.strip().casefold()
        if name not in known:
            note(plain(f"nobody is called {word!r} yet; until somebody is, nobody is paged by that name"))


def _person_row(document: dict[str, Any]) -> dict[str, Any]:
    return {**document, "reach": [_reach(each) for each in document["methods"]]}


def _reach(known: dict[str, Any]) -> str:
    """`5m=ana@example.org`, as `--reach` takes it; a method that is switched off is in brackets."""
    address = known.get("address") or ""
    said = {"email": address, "webhook": address, "ntfy": f"ntfy:{address}"}.get(known["kind"])
    said = said if said is not None else f"{known['kind']}:{address}".rstrip(":")
    after = show_seconds(known["after_seconds"]) + "=" if known.get("after_seconds") else ""
    return f"{after}{said}" if known.get("enabled", True) else f"({after}{said})"


add_listing(person, PEOPLE, ("id", "name", "reach", "roles", "zone", "active"), "List everybody.", row=_person_row)
add_listing(team, TEAMS, ("id", "name", "lead", "members"), "List the teams.")
add_listing(service, SERVICES, ("id", "name", "owner", "tier", "depends_on"), "List the services.")
add_listing(binding, BINDINGS, ("id", "means"), "List what the guides' words mean.")
for _app, _path, _what in (
    (person, PEOPLE, "somebody"),
    (team, TEAMS, "a team"),
    (service, SERVICES, "a service"),
    (binding, BINDINGS, "what a guide's words mean"),
):
    add_show(_app, _path, f"Show {_what}.")
    add_removal(_app, _path, f"Remove {_what}.")
add_to(person)
