"""`tocsin source` and `tocsin token`: who may hand in alerts, and who may use the API. Secrets are shown once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from tocsin.cli.client import connect, part
from tocsin.cli.documents import add_listing, add_removal
from tocsin.cli.doubts import doubted
from tocsin.cli.files import read_text
from tocsin.cli.output import USAGE, fail, say, show_json
from tocsin.cli.verbs import FORMAT

source = typer.Typer(no_args_is_help=True)
token = typer.Typer(no_args_is_help=True)

Role = Literal["viewer", "responder", "commander", "administrator", "owner", "admin"]


@source.command("add")
def add_source(
    name: str,
    kind: Annotated[str, typer.Option(help="alertmanager, grafana, pagerduty, generic, ... or any")] = "any",
    service: Annotated[str | None, typer.Option(help="what its alerts are about, unless a label says so")] = None,
    mapping: Annotated[Path | None, typer.Option(help="a JSON file, for the generic format")] = None,
    secret_file: Annotated[Path | None, typer.Option(help="holds the secret that it signs with")] = None,
    form: FORMAT = "table",
) -> None:
    """Make a source, or give one of this name a new token. Prints the address to send to."""
    body = {
        "name": name,
        "kind": kind,
        "service": service,
        "mapping": _json(mapping) if mapping else None,
        "secret": read_text(secret_file, "a secret").strip() if secret_file else None,
    }
    made = connect().call("POST", "/api/sources", {key: value for key, value in body.items() if value is not None})
    if form == "json":
        show_json(made)
    else:
        say(made["url"])


@token.command("add")
def add_token(
    name: Annotated[str, typer.Argument(help="what it is for")],
    person: Annotated[str | None, typer.Option(help="whom it speaks for; else the caller")] = None,
    role: Role = "responder",
    program: Annotated[bool, typer.Option("--program", help="it speaks for a program, not for a person")] = False,
    scim: Annotated[bool, typer.Option("--scim", help="for an identity provider's SCIM alone; a program's")] = False,
    days: Annotated[int | None, typer.Option(min=1, max=3650, help="how long it works; else until revoked")] = None,
    form: FORMAT = "table",
) -> None:
    """Make a token and print it, this once."""
    body = {"name": name, "person": person, "role": role, "service": program, "days": days}
    if scim:
        body |= {"scope": "scim", "service": True, "role": "owner" if role == "owner" else "administrator"}
    api = connect()
    made = api.call("POST", "/api/tokens", {key: value for key, value in body.items() if value is not None})
    if not program:
        effect = f"(the token acts under that name; `tocsin token remove {made.get('id', 'ID')}` revokes it)"
        doubted(api, "person", person, ("/api/people", "/api/accounts"), effect)
    if form == "json":
        show_json(made)
    else:
        say(made["token"])


@token.command("confirm")
def confirm_tokens(names: Annotated[list[str], typer.Argument(metavar="ID...")]) -> None:
    """Say that tokens of a restored backup still count: they were not revoked since it was made."""
    api = connect()
    for name in names:
        made = api.call("POST", f"/api/tokens/{part(name)}/confirm")
        say(f"{made['id']} ({made['name']}, {made['person']}): counts again")


@token.command("link")
def sign_in_link(
    person: str,
    role: Annotated[Role | None, typer.Option(help="theirs from then on; else the one they have")] = None,
    form: FORMAT = "table",
) -> None:
    """Print a link that signs somebody in, once, within 24 hours."""
    body = {"person": person} | ({"role": role} if role else {})
    made = connect().call("POST", "/api/sign-in-links", body)
    if form == "json":
        show_json(made)
    else:
        say(made["url"])


add_listing(source, "/api/sources", ("name", "kind", "service", "signed"), "List the sources.")
add_removal(source, "/api/sources", "Remove a source; its token stops working at once.")
add_listing(
    token,
    "/api/tokens",
    ("id", "kind", "name", "person", "role", "created_at", "expires_at", "used_at", "suspended"),
    "List tokens and sessions.",
)
add_removal(token, "/api/tokens", "Revoke a token or a session; it stops working at once.")


def _json(path: Path) -> Any:
    try:
        return json.loads(read_text(path, "JSON"))
    except ValueError as error:
        fail(f"{path}: expected JSON, got: {error}", USAGE)
