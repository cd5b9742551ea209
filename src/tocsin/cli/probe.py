"""`tocsin probe`: how the probes of the server stand, and one look from here."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import msgspec
import typer

from tocsin.cli.client import connect
from tocsin.cli.documents import add_show
from tocsin.cli.output import FAILURE, NO_MATCH, Stop, fail, say, show, show_json
from tocsin.cli.settings import ConfigFile, configured
from tocsin.cli.verbs import FORMAT
from tocsin.clock import SystemClock
from tocsin.core.probe import Look, Probe, target_of
from tocsin.wiring.reaching import looks

PROBES = "/api/probes"
COLUMNS = ("name", "standing", "since", "kind", "target", "looked_at", "took", "found")

app = typer.Typer(no_args_is_help=True)


@app.callback()
def probe() -> None:
    """Probes: what Tocsin looks at by itself."""


@app.command("list")
def list_(
    bad: Annotated[bool, typer.Option("--bad", help="only those that are not up")] = False, form: FORMAT = "table"
) -> None:
    """List the probes of the server and how they stand."""
    found = [each for each in connect().get(PROBES)["items"] if not bad or each["standing"] != "up"]
    show(found if form == "json" else [_row(each) for each in found], COLUMNS, form, ("looked_at", "kind", "took"))


def _row(probed: dict[str, Any]) -> dict[str, Any]:
    took = probed["seconds"]
    return {
        **probed,
        "took": f"{took * 1000:.0f} ms" if took is not None else None,
        "found": probed["fault"] or "; ".join(probed["problems"]) or None,
    }


add_show(app, PROBES, "Show a probe of the server, with what it saw last.")


@app.command("check")
def check_(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="else all of them")] = None,
    config: ConfigFile = None,
    form: FORMAT = "table",
) -> None:
    """Look once, now, from this machine, at probes of tocsin.toml; nobody is told. Exits 1 when something is wrong."""
    told = configured(config)
    known = {each.name: each for each in told.probes}
    unknown = [name for name in names or () if name not in known]
    if unknown or not known:
        which = f"no probe is called {unknown[0]!r}; known are {', '.join(known)}" if unknown else "no probes"
        fail(f"{told.file or 'no tocsin.toml'}: {which if known else 'there are no [[probes]]'}", NO_MATCH)
    wanted = [known[name] for name in dict.fromkeys(names or known)]
    found = asyncio.run(looks(wanted, told.outgoing_hosts, SystemClock()))
    if form == "json":
        show_json([_document(probe, look) for probe, look in zip(wanted, found, strict=True)])
    else:
        say("\n".join(line for probe, look in zip(wanted, found, strict=True) for line in _lines(probe, look)))
    if any(problem for look in found for problem in look.found.values()):
        raise Stop(code=FAILURE)


def _document(probe: Probe, look: Look) -> dict[str, Any]:
    found = [each.text for each in look.found.values() if each]
    said = {"name": probe.name, "target": target_of(probe), "up": look.up, "problems": found}
    expires = {"certificate_expires_at": look.expires_at} if look.expires_at else {}
    document = {**said, "looked_at": look.at, "seconds": look.seconds, **expires, "evidence": look.evidence}
    return dict(msgspec.to_builtins(document))


def _lines(probe: Probe, look: Look) -> list[str]:
    found = [each.text for each in look.found.values() if each]
    head = [f"{probe.name} {text}" for text in found] or [f"{probe.name} is fine"]
    seen = ", ".join(f"{name} {value}" for name, value in look.evidence.items())
    return [*head, f"  {target_of(probe)}, {look.seconds * 1000:.0f} ms" + (f", {seen}" if seen else "")]
