"""`tocsin tenant`: the organisations of an installation, looked after by its own."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import typer

from tocsin.cli.client import connect, part
from tocsin.cli.documents import add_listing, add_show
from tocsin.cli.output import USAGE, fail, say, show_json
from tocsin.cli.verbs import FORMAT
from tocsin.core.tenants import Limits

app = typer.Typer(no_args_is_help=True)

PATH = "/api/tenants"
NAMES = ", ".join(Limits.__struct_fields__)
HOST = Annotated[list[str] | None, typer.Option("--host", help="a name of the web that leads to it; may be repeated")]
LIMIT = Annotated[list[str] | None, typer.Option("--limit", metavar="NAME=NUMBER", help=f"one of {NAMES}")]


@app.command("create")
def create(name: str, host: HOST = None, limit: LIMIT = None, form: FORMAT = "table") -> None:
    """Create a tenant; it runs at once. Prints the link that signs its first administrator in."""
    made = connect().call("POST", PATH, {"name": name, "hosts": host or [], "limits": _limits(limit)})
    if form == "json":
        show_json(made)
    else:
        say(made["sign_in"])


@app.command("change")
def change(
    name: str,
    host: HOST = None,
    limit: LIMIT = None,
    unlimited: Annotated[bool, typer.Option("--unlimited", help="take every limit away first")] = False,
    form: FORMAT = "table",
) -> None:
    """Change hosts or limits. Hosts replace all hosts; a limit replaces that limit, `NAME=` takes it away."""
    client = connect()
    body: dict[str, Any] = {"hosts": host or None}
    if limit or unlimited:
        before = {} if unlimited else client.get(f"{PATH}/{part(name)}")["limits"]
        body["limits"] = {key: value for key, value in (before | _limits(limit)).items() if value is not None}
    kept = client.call("PATCH", f"{PATH}/{part(name)}", body)
    if form == "json":
        show_json(kept)
    else:
        said = ", ".join(f"{key} {value}" for key, value in kept["limits"].items()) or "no limits"
        say(f"{name}: {' '.join(kept['hosts'])}; {said}")


@app.command("suspend")
def suspend(name: str) -> None:
    """Stop a tenant: nobody is paged there, and senders are asked to come back."""
    connect().call("POST", f"{PATH}/{part(name)}/suspend")
    say(f"{name} is suspended")


@app.command("resume")
def resume(name: str) -> None:
    """Start a suspended tenant again."""
    kept = connect().call("POST", f"{PATH}/{part(name)}/resume")
    say(f"{name} runs" if kept["ready"] else f"{name}: {'; '.join(kept['reasons'])}")


@app.command("sign-in")
def sign_in(name: str) -> None:
    """Print a link that signs an owner of the tenant in, once, within 24 hours."""
    say(connect().call("POST", f"{PATH}/{part(name)}/sign-in")["url"])


@app.command("remove")
def remove(name: str) -> None:
    """Forget a suspended tenant. Its data are put aside, and stay until somebody deletes them."""
    say(f"removed {name}; its data are in {connect().call('DELETE', f'{PATH}/{part(name)}')['data']}")


def _limits(said: list[str] | None) -> dict[str, int | None]:
    found: dict[str, int | None] = {}
    for each in said or []:
        name, equals, value = each.partition("=")
        if name not in Limits.__struct_fields__ or not equals or not (value == "" or value.isdecimal()):
            fail(f"--limit: expected NAME=NUMBER with one of {NAMES}, got {each!r}", USAGE)
        found[name] = int(value) if value else None
    return found


add_listing(
    app,
    PATH,
    ("name", "hosts", "state", "ready", "limits", "reasons"),
    "List tenants.",
    row=lambda each: {**each, "limits": msgspec.json.encode(each["limits"]).decode() if each["limits"] else ""},
)
add_show(app, PATH, "Show a tenant.")
