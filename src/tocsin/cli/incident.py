"""`tocsin incident`: declare, list, show, timeline, and every command an incident understands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from tocsin.cli.client import connect, part
from tocsin.cli.output import USAGE, fail, note, plain, say, show, show_json
from tocsin.cli.review import review
from tocsin.cli.runbook import show_guide
from tocsin.cli.saying import add_sayings
from tocsin.cli.verbs import FORMAT, add_verbs, sentence

COLUMNS = ("reference", "severity", "status", "opened_at", "acknowledged_by", "service", "firing", "title")
GIVING_WAY = ("firing", "opened_at", "service")  # on a narrow terminal: what is broken and who has it stay
LIMIT = 50  # rows when nothing else is said

STANDING = ("open", "investigating", "identified", "mitigating", "monitoring", "resolved", "closed")

app = typer.Typer(no_args_is_help=True)
Incident = Annotated[str, typer.Argument(help="id or reference, such as INC-2026-001")]


@app.command("declare")
def declare(
    title: str,
    severity: Annotated[str | None, typer.Option(help="such as SEV-1; else the worst but one")] = None,
    guide: str | None = None,
    service: str | None = None,
    category: str | None = None,
    description: str = "",
    detected_by: Annotated[str | None, typer.Option(help="such as customer")] = None,
    drill: Annotated[bool, typer.Option("--drill", help="a rehearsal: not counted")] = False,
    private: Annotated[bool, typer.Option("--private", help="seen by those it names and who is paged")] = False,
    visible_to: Annotated[list[str] | None, typer.Option(help="a person or team that sees it; again for more")] = None,
    idempotency_key: Annotated[str | None, typer.Option(help="the same key gives the same incident")] = None,
    form: FORMAT = "table",
) -> None:
    """Open an incident and page whoever the guide names."""
    said = {
        "title": title,
        "severity": severity,
        "guide": guide,
        "service": service,
        "category": category,
        "description": description,
        "detected_by": detected_by,
        "drill": drill,
        "private": private,
        "visible_to": visible_to or "",
    }
    headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
    body = {name: value for name, value in said.items() if value not in (None, "", False)}
    opened = connect().call("POST", "/api/incidents", body, headers=headers)
    if form == "json":
        show_json(opened)
    else:
        say(sentence(opened))


@app.command("list")
def list_(
    status: Annotated[list[str] | None, typer.Option(help=f"{', '.join(STANDING)}; may be repeated")] = None,
    severity: Annotated[list[str] | None, typer.Option(help="may be repeated")] = None,
    service: str | None = None,
    category: Annotated[str | None, typer.Option(help="the guide's, such as Database")] = None,
    text: Annotated[str, typer.Option(help="words of the title or the reference")] = "",
    limit: Annotated[int, typer.Option(min=1)] = LIMIT,
    everything: Annotated[bool, typer.Option("--all", "-a", help="not only the open ones")] = False,
    form: FORMAT = "table",
) -> None:
    """List incidents, newest first: the open ones, unless another status is asked for."""
    for each in status or ():
        if each not in STANDING:
            fail(f"--status: expected one of {', '.join(STANDING)}, got {each!r}", USAGE)
    wanted = status or ([] if everything else ["open"])
    found = list(
        connect().items(
            "/api/incidents",
            most=limit,
            status=wanted,
            severity=severity,
            service=service,
            category=category,
            text=text,
            limit=min(limit, 200),
        )
    )
    show(found, COLUMNS, form, GIVING_WAY)


@app.command("show")
def show_(incident: Incident, form: FORMAT = "table") -> None:
    """Show an incident."""
    client, place = connect(), f"/api/incidents/{part(incident)}"
    found = client.get(place)
    if form == "json":
        show_json(found)
    else:
        say("\n".join([*_lines(found), *map(_change, client.get(f"{place}/changes")["items"])]))


@app.command("timeline")
def timeline(
    incident: Incident,
    after: Annotated[int, typer.Option(min=0, help="leave out this many facts")] = 0,
    form: FORMAT = "table",
) -> None:
    """Everything that happened, oldest first."""
    client, place = connect(), f"/api/incidents/{part(incident)}/timeline"
    items: list[dict[str, Any]] = []
    following: int | None = after
    while following is not None:
        page = client.get(place, after=following)
        items += page["items"]
        following = page["next"]
    if form == "json":
        show_json(items)
        return
    for item in items:
        say(plain(f"{item['at'][:19].replace('T', ' ')}  {item['by']}  {item['text']}"))


@app.command("alerts")
def alerts(incident: Incident, form: FORMAT = "table") -> None:
    """The alerts of an incident, firing ones first."""
    found = connect().get(f"/api/incidents/{part(incident)}/alerts")["items"]
    columns = list(dict.fromkeys(name for each in found for name in each if not isinstance(each[name], dict)))
    show(found, columns or ["fingerprint"], form)


@app.command("frozen")
def frozen(
    service: Annotated[str | None, typer.Option(help="this service; else any at all")] = None, form: FORMAT = "table"
) -> None:
    """May I deploy? Exits 1 while deployments are frozen, 0 when they are not."""
    found = connect().get("/api/freeze", service=service)
    if form == "json":
        show_json(found)
    else:
        for each in found["incidents"]:
            say(plain(f"{each['reference']}  {each['severity']}  {', '.join(each['services']) or 'everything'}"))
        if not found["frozen"]:
            note("not frozen")
    if found["frozen"]:
        raise typer.Exit(1)


app.command("guide")(show_guide)
add_verbs(app)
add_sayings(app)
app.command("review")(review)


def _lines(incident: Mapping[str, Any]) -> list[str]:
    """An incident for people: what is known first, then what is owed."""
    rows: list[tuple[str, Any]] = [
        ("id", incident["id"]),
        ("guide", incident["guide"]),
        ("service", incident["service"]),
        ("opened", _when(incident["opened_at"])),
        ("acknowledged", _who_when(incident.get("acknowledged_by"), incident["acknowledged_at"])),
        ("resolved", _who_when(incident.get("resolved_by"), incident["resolved_at"])),
        ("snoozed until", _when(incident.get("snoozed_until"))),
        ("alerts", f"{incident.get('firing', 0)} of {incident.get('alert_count', 0)} fire"),
        ("paged", ", ".join(incident.get("paged", ()))),
        ("not reached", ", ".join(incident.get("unreachable", ()))),
        ("impact", incident.get("impact")),
        ("category", incident.get("category")),
        ("root cause", incident.get("root_cause")),
        ("merged into", incident.get("merged_into")),
        *((role, ", ".join(people)) for role, people in incident["roles"].items()),
    ]
    lines = [plain(f"{incident['reference']}  {incident['severity']}  {incident['status']}"), plain(incident["title"])]
    wide = max(16, *(len(name) + 2 for name, value in rows if value))  # roles have names of their own
    lines += [plain(f"  {name + ':':<{wide}}{value}") for name, value in rows if value]
    for promise in incident["promises"]:
        if promise.get("state") in ("open", "at risk", "missed"):
            what = promise.get("text") or promise.get("rule") or promise.get("key")
            lines.append(plain(f"  promise {promise['state']}: {what} by {_when(promise.get('due_at'))}"))
    for each in incident.get("approvals", ()):
        what = each.get("says") or f"for {each['command']}"
        approve = f"tocsin incident approve {incident['reference']} {each['request']}"
        lines.append(plain(f"  waits until {_when(each['until'])}: {each['by']} asks {what}; {approve}"))
    return lines


def _change(change: Mapping[str, Any]) -> str:
    words = " ".join(filter(None, (change.get("what"), change["text"], change.get("url"))))
    return plain(f"  changed {_when(change['at'])}: {words}")


def _when(at: str | None) -> str | None:
    return at[:19].replace("T", " ") + " UTC" if at else None


def _who_when(who: str | None, at: str | None) -> str | None:
    return f"{_when(at)} by {who}" if who and at else _when(at)
