"""`tocsin incident preview`, `say`, `told`, `document`; `tocsin audience`; `tocsin template`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tocsin.cli.client import connect, part
from tocsin.cli.documents import add_removal, add_show, put
from tocsin.cli.files import read_text
from tocsin.cli.output import USAGE, fail, note, plain, say, show, show_json
from tocsin.cli.verbs import FORMAT, instant, sentence
from tocsin.core.saying import NO_CHANNEL
from tocsin.core.spans import parse_seconds, show_seconds

USUAL = "response-team"  # who is told where nobody is named
AUDIENCES, TEMPLATES = "/api/audiences", "/api/templates"

audience = typer.Typer(no_args_is_help=True)
template = typer.Typer(no_args_is_help=True)

Incident = Annotated[str, typer.Argument(help="id or reference, such as INC-2026-001")]
To = Annotated[list[str] | None, typer.Option("--to", "-t", help="an audience; may be repeated")]
Fields = Annotated[list[str] | None, typer.Option("--field", "-f", help="NAME=VALUE of a template; may be repeated")]
Text = Annotated[str, typer.Option(help="your own words, for the inside")]
PublicText = Annotated[str, typer.Option(help="your own words, for audiences outside")]
Status = Annotated[str | None, typer.Option(help="investigating, identified, mitigating, monitoring or resolved")]


def add_sayings(app: typer.Typer) -> None:
    """What `tocsin incident` says to audiences."""
    app.command("preview")(preview)
    app.command("say")(say_)
    app.command("told")(told)
    app.command("document")(document)


def _update(to: list[str] | None, text: str, public_text: str, field: list[str] | None, status: str | None) -> Any:
    fields = dict(_pair(each) for each in field or ())
    said = {"audiences": to or [], "text": text, "public_text": public_text, "fields": fields, "status": status}
    return {name: value for name, value in said.items() if value}


def _pair(said: str) -> tuple[str, str]:
    name, equals, value = said.partition("=")
    if not equals or not name.strip():
        fail(f"--field: expected NAME=VALUE, got {said!r}", USAGE)
    return name.strip(), value


def preview(
    incident: Incident,
    to: To = None,
    text: Text = "",
    public_text: PublicText = "",
    field: Fields = None,
    status: Status = None,
    form: FORMAT = "table",
) -> None:
    """What each audience would be told now. Exits 1 while a field is missing somewhere."""
    update = _update(to, text, public_text, field, status)
    found = connect().call("POST", f"/api/incidents/{part(incident)}/preview", update)["items"]
    if form == "json":
        show_json(found)
    else:
        say("\n\n".join(_previewed(each) for each in found))
    if any(each["missing"] for each in found):
        raise typer.Exit(1)


def _previewed(of: dict[str, Any]) -> str:
    how = {"post": "is told at once", "draft": "waits for a release", "nowhere": of["why"]}[of["goes"]]
    where = ", ".join(each["name"] or f"{each['kind']} {each['address']}" for each in of["channels"])
    every = f", every {show_seconds(of['every_seconds'])}" if of["every_seconds"] else ""
    head = plain(f"== {of['name']} ({how}{every}){': ' + where if where else ''}")
    lines = [head, plain(f"Subject: {of['subject']}"), "", *(plain(line) for line in of["text"].splitlines())]
    lines += [plain(f"! missing: {name} (--field {name!r}=...)") for name in of["missing"]]
    if of["contents"]:
        lines.append(plain(f"The guide wants in it: {'; '.join(of['contents'])}"))
    lines += [plain(f"? {each['found']}: {each['says']}") for each in of["hints"]]
    return "\n".join(lines)


def say_(
    incident: Incident,
    to: To = None,
    text: Text = "",
    public_text: PublicText = "",
    field: Fields = None,
    status: Status = None,
    draft: Annotated[bool, typer.Option("--draft", help="post nothing yet")] = False,
    next_at: Annotated[str | None, typer.Option(help="promise the next update: an instant, or 30m")] = None,
    form: FORMAT = "table",
) -> None:
    """Say one update to the audiences, each in its template and on its channels; without --to, the response team."""
    update = _update(to, text, public_text, field, status)
    update |= {"draft": True} if draft else {}
    update |= {"next_at": instant(next_at)} if next_at else {}
    client = connect()
    place = f"/api/incidents/{part(incident)}"
    previews = client.call("POST", f"{place}/preview", update | {"audiences": to or [USUAL]})["items"]
    after = client.call("POST", f"{place}/say", update)
    if form == "json":
        show_json(after)
        return
    say(sentence(after))
    for each in previews:
        if each["goes"] == "nowhere":
            note(plain(f"{each['name']}: nothing goes out, {each['why']}{_advice(each)}"))
    for each in client.get(f"{place}/told")["drafts"]:
        wanted = " or ".join(each["approvers"])
        by = f" for {wanted} ({', '.join(each['released_by']) or 'nobody yet'})" if wanted else ""
        note(f"draft {each['draft']} waits{by}: tocsin incident release {incident} {each['draft']}")


def _advice(of: dict[str, Any]) -> str:
    return f" (`tocsin audience set {of['audience']} --channel KIND:ADDRESS`)" if of["why"] == NO_CHANNEL else ""


def told(incident: Incident, form: FORMAT = "table") -> None:
    """Who was told what and when, newest first; drafts that wait; failures with the next step. Exits 1 on a failure."""
    found = connect().get(f"/api/incidents/{part(incident)}/told")
    failed = [row for each in found["items"] for row in each["channels"] if row["state"] == "failed"]
    if form == "json":
        show_json(found)
    else:
        rows = [
            {"at": each["at"][:19].replace("T", " "), "subject": each["subject"] or each["text"].split("\n")[0]}
            | {name: each[name] for name in ("audience", "sent", "pending", "failed")}
            for each in found["items"]
        ]
        show(rows, ("at", "audience", "sent", "pending", "failed", "subject"), form)
        for row in failed:
            note(f"{row['name'] or row['address']} ({row['kind']}): {row['code']} {row['detail']}; {row['next_step']}")
        for each in found["drafts"]:
            note(f"draft {each['draft']} for {each['audience']} waits since {each['at'][:16].replace('T', ' ')}")
    if failed:
        raise typer.Exit(1)


def document(
    incident: Incident,
    title: Annotated[
        str | None, typer.Argument(help="one of the guide's documents; without it they are listed")
    ] = None,
    field: Fields = None,
    form: FORMAT = "table",
) -> None:
    """Write one of the guide's documents (review, report, ...) as Markdown. What is typed for a review is kept.

    Exits 1 while a field is missing.
    """
    client, place = connect(), f"/api/incidents/{part(incident)}/documents"
    if title is None:
        show(client.get(place)["items"], ("title", "kind"), form)
        return
    found = client.call("POST", place, {"title": title, "fields": dict(_pair(each) for each in field or ())})
    if form == "json":
        show_json(found)
    else:
        say("\n".join(plain(line) for line in found["markdown"].splitlines()))
    for name in found["missing"]:
        note(f"missing: {name}")
    if found["missing"]:
        raise typer.Exit(1)


@audience.command("list")
def list_audiences(form: FORMAT = "table") -> None:
    """Every audience, how it is told, and whether a draft comes first."""
    found = connect().get(AUDIENCES)["items"]
    rows = [
        {"id": each["id"], "where": "outside" if each["outside"] else "inside"}
        | {"first": "draft" if each["approval"] else "posted", "detail": each["detail"], "auto": each["auto"]}
        | {"channels": [each["name"] or f"{each['kind']} {each['address']}" for each in each["channels"]]}
        for each in found
    ]
    show(found if form == "json" else rows, ("id", "where", "first", "detail", "auto", "channels"), form)


@audience.command("set")
def set_audience(
    id: Annotated[str, typer.Argument(help="response-team, management, customers, ... or one of your own")],
    channel: Annotated[
        list[str] | None,
        typer.Option("--channel", "-c", help="KIND:ADDRESS, such as email:all@example.org; `NAME=` may stand in front"),
    ] = None,
    name: str = "",
    outside: Annotated[bool | None, typer.Option("--outside/--inside", help="it is not of the organisation")] = None,
    approval: Annotated[bool | None, typer.Option("--approval/--no-approval", help="a draft comes first")] = None,
    auto: Annotated[bool, typer.Option("--auto", help="changes of status are said without a person")] = False,
    detail: Annotated[str | None, typer.Option(help="technical, plain or private")] = None,
    word: Annotated[list[str] | None, typer.Option(help="what a guide calls it; may be repeated")] = None,
    every: Annotated[str, typer.Option(help="such as 30m, where the guide says nothing")] = "",
    template: Annotated[str, typer.Option(help="the title of the guide's template to use")] = "",
    form: FORMAT = "table",
) -> None:
    """Say how an audience is told, in place of what was said before."""
    seconds = parse_seconds(every) if every else None
    if every and seconds is None:
        fail(f"--every: expected a time such as 30m, got {every!r}", USAGE)
    document: dict[str, Any] = {
        "id": id, "name": name, "channels": [_channel(each) for each in channel or ()], "outside": outside,
        "approval": approval, "auto": auto, "detail": detail, "words": word or [], "template": template,
        "every_seconds": seconds,
    }  # fmt: skip
    document = {key: value for key, value in document.items() if value not in (None, "", [])}
    put(AUDIENCES, id, document, form, lambda kept: f"{kept['id']} is told on {len(kept.get('channels', ()))} channels")


def _channel(said: str) -> dict[str, str]:
    """`NAME=KIND:ADDRESS`; an `=` in an address comes after its colon."""
    name, equals, rest = said.partition("=")
    if not equals or ":" in name:
        name, rest = "", said
    kind, colon, address = rest.partition(":")
    if not colon or not address:
        fail(f"--channel: expected KIND:ADDRESS, such as email:all@example.org, got {said!r}", USAGE)
    return {"kind": kind, "address": address, **({"name": name} if name else {})}


add_show(audience, AUDIENCES, "Show what was stored of an audience.")
add_removal(audience, AUDIENCES, "Forget what was stored of an audience; a built-in one is as it was.")


@template.command("list")
def list_templates(form: FORMAT = "table") -> None:
    """Your own templates."""
    show(connect().get(TEMPLATES)["items"], ("id", "audience", "purpose", "subject"), form)


@template.command("set")
def set_template(
    id: str,
    file: Annotated[Path, typer.Argument(help="a Jinja2 template")],
    audience: Annotated[str, typer.Option("--for", help="the audience it is for")],
    subject: str = "",
    resolved: Annotated[bool, typer.Option("--resolved", help="it tells of the end")] = False,
    form: FORMAT = "table",
) -> None:
    """Use a template of your own for an audience, instead of the guide's."""
    purpose = "resolved" if resolved else "update"
    body = read_text(file, "a Jinja2 template")
    document = {"id": id, "audience": audience, "body": body, "subject": subject, "purpose": purpose}
    put(TEMPLATES, id, document, form, lambda kept: f"{kept['id']} is used for {kept['audience']}")


add_show(template, TEMPLATES, "Show one of your own templates.")
add_removal(template, TEMPLATES, "Remove one of your own templates; the guide's is used again.")
