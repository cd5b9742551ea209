"""The pages: incident list, incident, declare. They work without scripts; with them they are live."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

import msgspec
from litestar import Response, Router, get, post
from litestar.params import Parameter
from litestar.response import Redirect

from tocsin.core import commands as c
from tocsin.core.access import may
from tocsin.core.facts import AnyFact
from tocsin.core.people import Directory, reachable
from tocsin.core.policy import Policy, severity_of
from tocsin.core.recent import Change
from tocsin.core.view import TimelineItem, timeline
from tocsin.guides import read_directory
from tocsin.http.api_incidents import (
    COMMANDS,
    body_of,
    carry_out,
    incident_id,
    json_of,
    visible,
)
from tocsin.http.api_remedies import remedies_of
from tocsin.http.api_runs import runs_of
from tocsin.http.gate import Incoming, deps_of, needs
from tocsin.http.problems import Unacceptable
from tocsin.http.recent_changes import changes_of
from tocsin.http.second import waiting
from tocsin.ports import IndexRow, Store
from tocsin.web import show
from tocsin.web.declaring import DECLARING
from tocsin.web.evidence_pages import evidence_part
from tocsin.web.forms import HANDLERS, encodings, fields_of, frame, wants_json
from tocsin.web.guide_pages import guide_part
from tocsin.web.public import public_part
from tocsin.web.render import page

TIMELINE_SHOWN = 150  # newest facts; the rest is one click away
RUNS_SHOWN = 8  # newest; the API has all of them
SNOOZE_MINUTES_MAX = 7 * 24 * 60
STATUSES = ("investigating", "identified", "mitigating", "monitoring", "resolved")
LISTS = ("services", "components", "people", "teams")  # fields with several values
FORMS: Mapping[str, tuple[type[c.Command], type[msgspec.Struct]]] = {
    str(command.__struct_config__.tag): (command, body_of(command)) for command in COMMANDS
}


@get("/", guards=[needs("incident.read")])
async def incidents(
    request: Incoming,
    text: Annotated[str, Parameter(max_length=200)] = "",
    severity: str = "",
    category: Annotated[str, Parameter(max_length=200)] = "",
    cursor: str | None = None,
    welcome: bool = False,
) -> Response[Any]:
    """Open incidents, worst first, and what has ended; a search finds both. `welcome`: somebody came by a link that
    worked once, and is told how to come back."""
    deps = deps_of(request)
    await deps.caught_up()
    query = {name: said for name, said in (("text", text), ("severity", severity), ("category", category)) if said}

    def reading(store: Store) -> tuple[list[dict[str, Any]], list[dict[str, Any]], str | None, Directory]:
        ended, following = store.listing(
            deps.tenant,
            statuses=() if query else ("resolved", "closed"),
            severities=(severity,) if severity else (),
            category=category or None,
            text=text,
            limit=show.ENDED_PER_PAGE,
            cursor=cursor,
        )
        opened = show.open_incidents(store, deps.tenant)
        return opened, [show.row(each) for each in ended], following, read_directory(store, deps.tenant)

    try:
        opened, ended, following, directory = await deps.read(reading)
    except ValueError as error:
        raise Unacceptable(f"cursor: expected one that a listing gave, got {cursor!r}") from error
    asked = await deps.read(lambda store: waiting(store, deps.tenant, request.user))
    guides = await deps.run(lambda _: deps.engine.guides.active(deps.tenant))
    return page(
        "incidents.html",
        encodings(request),
        open=opened,
        reachable=any(each.active and reachable(each) for each in directory.people.values()),
        unheld=sum(1 for each in opened if not each["acknowledged_at"] and not each["snoozed_until"]),
        ended=ended,
        next=f"/?{urlencode({**query, 'cursor': following})}" if following else None,
        here=f"/?{urlencode(query)}" if query else "/",
        welcome=welcome,
        asked=sum(1 for each in asked if each.by != request.user.id and not each.approved_by),
        query=query,
        severities=dict.fromkeys(each.id for guide in guides for each in guide.policy.severities),
        categories=dict.fromkeys(each.name for guide in guides for each in guide.policy.categories),
        **frame(request, directory, "incidents"),
    )


@get("/incidents", guards=[needs("incident.read")])
async def incident_list() -> Redirect:
    """What somebody types who cuts an incident's address short."""
    return Redirect("/", status_code=303)


@get("/incidents/{incident:str}", guards=[needs("incident.read")])
async def incident_page(request: Incoming, incident: str, all: bool = False) -> Response[Any]:
    """What is broken, who has it, what is owed next and when; then everything that happened."""
    deps = deps_of(request)
    await deps.caught_up()

    def reading(store: Store) -> tuple[IndexRow, list[AnyFact], Directory, bytes | None, tuple[Change, ...]]:
        name = incident_id(store, deps.tenant, incident)
        row = store.index(deps.tenant, name)
        assert row is not None, "an id that was found has an index row"
        shown = msgspec.json.decode(row.summary)
        directory = read_directory(store, deps.tenant)
        return (
            row,
            store.facts(deps.tenant, name),
            directory,
            store.get(deps.tenant, "policy", shown["policy_digest"]),
            changes_of(store, deps.tenant, shown, directory.services),
        )

    row, history, directory, body, changes = await deps.read(reading)
    policy = msgspec.json.decode(body, type=Policy) if body else Policy(title="", severities=())
    stored = await deps.alerts_of(deps.tenant, row.incident)
    values = frame(request, directory, "incidents")
    services = msgspec.json.decode(row.summary).get("services", ())
    values |= {"changes": changes if may(request.user, "alert.read") else ()}
    values |= {"public": public_part(deps, row, services)}
    values |= {"evidence": evidence_part(history, policy, values["actor"])}
    values |= guide_part(history, policy)
    values |= {"remedies": remedies_of(deps, history, policy, stored) if may(request.user, "alert.read") else ()}
    values |= {"ran": runs_of(history, values["actor"], deps.clock.now()), "runs_shown": RUNS_SHOWN}
    return page("incident.html", encodings(request), **_incident(row, history, policy, directory, stored, all, values))


def _incident(
    row: IndexRow,
    history: list[AnyFact],
    policy: Policy,
    directory: Directory,
    stored: Any,
    everything: bool,
    values: dict[str, Any],
) -> dict[str, Any]:
    incident = show.row(row)
    items = visible(timeline(history), values["actor"])
    hidden = 0 if everything else max(0, len(items) - TIMELINE_SHOWN)
    severity = severity_of(policy, row.severity)
    return values | {
        "incident": incident,
        "rank": row.rank,
        "severity_name": severity.name if severity else "",
        "timeline": [_item(each, values["names"]) for each in reversed(items[hidden:])],
        "hidden_facts": hidden,
        "timeline_shown": TIMELINE_SHOWN,
        "deliveries": show.deliveries(history),
        "alerts": show.alerts(incident, stored),
        "alerts_shown": show.ALERTS_SHOWN,
        "known": show.known(incident),
        "next_level": show.next_level(policy, history),
        "missed": sum(1 for each in incident["promises"] if each["state"] == "missed"),
        "audiences": show.audiences(policy),
        "statuses": STATUSES,
        "severities": policy.severities,
        "triggers": [each.text for each in policy.escalation.triggers],
        "people": sorted(directory.people.values(), key=lambda each: each.name or each.id),
        **show.privacy(history, incident, directory, values["actor"]),
        "role_names": [each.name for each in policy.roles],
    }


def _item(of: TimelineItem, names: Mapping[str, str]) -> dict[str, Any]:
    """A timeline item for the template: what people wrote stands apart from who wrote it, people have their names."""
    shown = msgspec.structs.asdict(of)
    if of.kind == "Acknowledged":
        return shown | {"heading": "", "text": "Acknowledged"}
    meant = [of.data.get("person"), *(page["person"] for page in of.data.get("pages", ()) if isinstance(page, dict))]
    for person in filter(names.get, meant):
        shown["text"] = re.sub(rf"(?<![\w@/.:-]){re.escape(person)}(?![\w@/-])", names[person], shown["text"])
    if of.kind == "UpdatePosted":
        return shown | {"heading": f"told {of.data['audience']}", "text": of.data["text"]}
    if of.kind == "NoteAdded":
        private = " for responders only" if of.data.get("private") else ""
        return shown | {"heading": f"noted{private}", "text": of.data["text"]}
    return shown | {"heading": ""}


@post("/incidents/{incident:str}/{tag:str}", guards=[needs("incident.respond")], status_code=200)
async def act(request: Incoming, incident: str, tag: str) -> Response[Any]:
    """Carry out a command from a form: back to the incident for browsers, the incident's JSON for scripts."""
    if tag not in FORMS:
        raise Unacceptable(f"command: expected one of {', '.join(sorted(FORMS))}, got {tag!r}")
    command, body = FORMS[tag]
    deps = deps_of(request)
    fields: dict[str, Any] = dict(await fields_of(request, LISTS))
    if command is c.Snooze and "for_minutes" in fields:
        minutes = fields.pop("for_minutes")
        if not minutes.isdecimal() or len(minutes) > 6 or int(minutes) > SNOOZE_MINUTES_MAX:
            raise Unacceptable(f"for_minutes: expected at most {SNOOZE_MINUTES_MAX} minutes, got {minutes!r}")
        fields["until"] = deps.clock.now() + timedelta(minutes=int(minutes))
    if "criteria" in fields:
        fields["criteria"] = tuple(line.strip() for line in fields["criteria"].split("\n") if line.strip())
    for name in LISTS:
        if name in fields and name in body.__struct_fields__:
            fields[name] = tuple(part.strip() for part in fields[name].split(",") if part.strip())
    try:
        said = msgspec.convert(fields, body, strict=False)
    except msgspec.ValidationError as error:
        raise Unacceptable(str(error)) from error
    values = {name: getattr(said, name) for name in body.__struct_fields__}
    if "via" in values:
        values["via"] = "web"
    result = await carry_out(deps, incident, command(by=request.user.id, **values), request.user)
    if wants_json(request):
        return json_of(result)
    reference = msgspec.json.decode(result)["reference"]
    return Redirect(f"/incidents/{reference}", status_code=303)


def routes() -> Router:
    handlers = [incidents, incident_list, incident_page, act, *DECLARING]
    return Router("/", route_handlers=handlers, exception_handlers=HANDLERS, include_in_schema=False)
