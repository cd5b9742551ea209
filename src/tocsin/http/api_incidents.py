"""`/api/incidents`: list, declare, read, and one route for every command of `core.commands`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, cast, get_args

import msgspec
from litestar import Response, Router, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import Body, Parameter

from tocsin.core import commands as c
from tocsin.core.access import Actor, Resource, action_for, at_least, commanders, may
from tocsin.core.facts import OPEN_STATUSES, AnyFact
from tocsin.core.incident import Incident
from tocsin.core.policy import Policy
from tocsin.core.public import PUBLIC
from tocsin.core.saying import ReleaseOverriding
from tocsin.core.view import IncidentView, TimelineItem, timeline
from tocsin.engine import NotFound
from tocsin.guides import UnknownGuide
from tocsin.holders import named
from tocsin.http.deps import Deps
from tocsin.http.gate import Incoming, deps_of, insist, needs
from tocsin.http.openapi import EXAMPLES
from tocsin.http.problems import Problem, Unacceptable
from tocsin.http.published import shown
from tocsin.http.second import commanding
from tocsin.ports import Store

LIMIT_MAX = 200  # incidents on one page of a listing: about 1 MB of JSON
TIMELINE_MAX = 1_000  # facts on one page of a timeline

Impact = Literal["none", "maintenance", "minor", "major", "critical"]
IMPACT_RANK: Mapping[str, int] = {"critical": 0, "major": 1, "minor": 2, "maintenance": 3, "none": 3}
AWARE: Mapping[Any, Any] = {  # an instant without its zone would be guessed at, so it is refused
    datetime: Annotated[datetime, msgspec.Meta(tz=True)],
    datetime | None: Annotated[datetime, msgspec.Meta(tz=True)] | None,
}
Standing = Literal["open", "investigating", "identified", "mitigating", "monitoring", "resolved", "closed"]


class IncidentPage(msgspec.Struct, frozen=True, kw_only=True):
    """Newest first; `next` is the `cursor` of the next page, or null."""

    items: list[IncidentView]
    next: str | None


class TimelinePage(msgspec.Struct, frozen=True, kw_only=True):
    """Oldest first; `next` is the `after` of the next page, or null."""

    items: list[TimelineItem]
    next: int | None


class AlertPage(msgspec.Struct, frozen=True, kw_only=True):
    items: list[dict[str, Any]]


class StatusPageIncident(msgspec.Struct, frozen=True, kw_only=True):
    """The form that status pages use; other fields of it are ignored. Such an incident is public from the start: `name`
    is its public title, `body` its first public update."""

    name: str
    status: Literal["investigating", "identified", "monitoring", "resolved"] = "investigating"
    impact: Impact | None = None
    body: str = ""


class Declaration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Either Tocsin's own form (`title`, ...) or the status-page form (`name`, ...), plain or inside `incident`.
    `private`: seen by the caller, the people and teams of `visible_to`, and whoever is paged; by nobody else.

    Without `severity` (or `impact`) the worst but one of the guide is taken.
    """

    title: str | None = None
    severity: str | None = None
    guide: str | None = None
    service: str | None = None
    category: str | None = None
    description: str = ""
    detected_by: str | None = None
    drill: bool = False
    private: bool = False
    visible_to: tuple[str, ...] = ()
    name: str | None = None
    status: Literal["investigating", "identified", "monitoring", "resolved"] | None = None
    impact: Impact | None = None
    body: str = ""
    incident: StatusPageIncident | None = None


DECLARATIONS = [
    Example(summary="Tocsin's form", value={"title": "Checkout is down", "severity": "P1", "service": "checkout"}),
    Example(
        summary="The status-page form",
        value={
            "name": "Slow checkout",
            "status": "investigating",
            "impact": "major",
            "body": "We are looking into slow answers of the checkout.",
        },
    ),
]


def problem(description: str) -> ResponseSpec:
    return ResponseSpec(data_container=Problem, description=description, media_type="application/problem+json")


DENIED = {
    400: problem("A parameter is wrong or has another name; `errors` names it"),
    401: problem("Nobody: no valid token or session"),
    403: problem("Not allowed for this role"),
}
READS = {**DENIED, 400: problem("A parameter is wrong; `errors` names it"), 404: problem("No such incident")}
WRITES = {**READS, 409: problem("The incident's state does not allow it; `detail` names the state")}


def json_of(body: bytes | list[Any] | msgspec.Struct, status: int = 200, **headers: str) -> Response[Any]:
    """Stored JSON goes out as it was stored; values are encoded."""
    content = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return Response(content, status_code=status, media_type="application/json", headers=headers)


# --- reading ----------------------------------------------------------------------------------------------------------


@get("/", summary="List incidents, newest first", responses=READS)
async def list_incidents(
    request: Incoming,
    status: Annotated[list[Standing] | None, Parameter(description="`open` stands for every open status")] = None,
    severity: Annotated[list[str] | None, Parameter(description="severity ids, such as SEV-1")] = None,
    service: str | None = None,
    category: Annotated[str | None, Parameter(description="the guide's, in any letter case", max_length=200)] = None,
    text: Annotated[str, Parameter(description="words of the title or the reference", max_length=200)] = "",
    limit: Annotated[int, Parameter(ge=1, le=LIMIT_MAX)] = 50,
    cursor: str | None = None,
) -> Response[IncidentPage]:
    """Answers with what was accepted before this call, unless digesting it takes longer than a second."""
    deps = deps_of(request)
    await deps.caught_up()
    wanted = {each for each in status or () if each != "open"} | (OPEN_STATUSES if "open" in (status or ()) else set())
    try:
        rows, following = await deps.read(
            lambda store: store.listing(
                deps.tenant,
                statuses=sorted(wanted),
                severities=severity or (),
                service=service,
                category=category,
                text=text,
                limit=limit,
                cursor=cursor,
            )
        )
    except ValueError as error:
        raise Unacceptable(f"cursor: expected one that a listing gave, got {cursor!r}") from error
    return json_of(msgspec.json.encode({"items": [msgspec.Raw(row.summary) for row in rows], "next": following}))


@get("/{incident:str}", summary="One incident, by id or reference", responses=READS)
async def show_incident(request: Incoming, incident: str) -> Response[IncidentView]:
    deps = deps_of(request)
    await deps.caught_up()
    return json_of(await deps.read(lambda store: summary(store, deps.tenant, incident)))


@get("/{incident:str}/timeline", summary="Everything that happened, oldest first", responses=READS)
async def show_timeline(
    request: Incoming,
    incident: str,
    after: Annotated[int, Parameter(ge=0, le=10**9, description="leave out this many facts")] = 0,
    limit: Annotated[int, Parameter(ge=1, le=TIMELINE_MAX)] = TIMELINE_MAX,
) -> TimelinePage:
    """`text` is for people, `data` is the fact itself. Private notes are shown to those who may respond."""
    deps = deps_of(request)
    await deps.caught_up()
    history = await deps.read(lambda store: facts_of(store, deps.tenant, incident, after))
    items = visible(timeline(history[:limit], after), request.user)
    return TimelinePage(items=items, next=after + limit if len(history) > limit else None)


@get("/{incident:str}/alerts", summary="Its alerts, firing ones first", responses=READS)
async def show_alerts(request: Incoming, incident: str) -> AlertPage:
    deps = deps_of(request)
    await deps.caught_up()
    name = await deps.read(lambda store: incident_id(store, deps.tenant, incident))
    return AlertPage(items=[dict(each) for each in await deps.alerts_of(deps.tenant, name)])


def incident_id(store: Store, tenant: str, name: str) -> str:
    """The id behind an id or a reference, references in any letter case. Raises NotFound."""
    if store.index(tenant, name):
        return name
    found = store.find(tenant, name) or store.find(tenant, name.upper())
    if found is None:
        raise NotFound(f"incident: none is called {name!r}; expected an id or a reference such as INC-2026-001")
    return found


def summary(store: Store, tenant: str, name: str) -> bytes:
    row = store.index(tenant, incident_id(store, tenant, name))
    assert row is not None, "an id that was found has an index row"
    return row.summary


def facts_of(store: Store, tenant: str, name: str, after: int = 0) -> list[AnyFact]:
    return store.facts(tenant, incident_id(store, tenant, name), after)


def visible(items: list[TimelineItem], actor: Actor) -> list[TimelineItem]:
    """Private notes and what commands said are for those who respond, not for those who look on."""
    if may(actor, "incident.note"):
        return items
    for each in items:
        each.data.pop("output", None)
    return [each for each in items if not (each.kind == "NoteAdded" and each.data.get("private"))]


# --- declaring --------------------------------------------------------------------------------------------------------


@post(
    "/",
    summary="Declare an incident",
    guards=[needs("incident.declare")],
    responses={**WRITES, 201: ResponseSpec(data_container=IncidentView, description="The incident")},
)
async def declare_incident(
    request: Incoming,
    data: Annotated[Declaration, Body(description="Tocsin's own or the status-page form", examples=DECLARATIONS)],
    idempotency_key: Annotated[
        str | None,
        Parameter(header="Idempotency-Key", max_length=255, description="the same key gives the same incident"),
    ] = None,
) -> Response[IncidentView]:
    """Opens the incident and pages whoever the guide names."""
    deps = deps_of(request)
    actor = request.user
    stream = repeatable_id(actor, idempotency_key) if idempotency_key else None
    incident, fresh = await deps.run(lambda store: declare(deps, store, actor, data, stream))
    body = await deps.read(lambda store: summary(store, deps.tenant, incident.id))
    headers = {"Location": f"/api/incidents/{incident.reference}"}
    return json_of(body, 201, **headers, **({} if fresh else {"Idempotent-Replayed": "true"}))


def repeatable_id(actor: Actor, key: str) -> str:
    """The same caller's same key is the same stream, so a repeated declaration cannot open a second incident."""
    return "i" + hashlib.sha256(f"{actor.tenant}\0{actor.id}\0{key}".encode("utf-8", "surrogatepass")).hexdigest()[:31]


def declare(
    deps: Deps, store: Store, actor: Actor, data: Declaration, stream: str | None = None
) -> tuple[Incident, bool]:
    """The incident, and whether it was opened just now. Writer thread only."""
    form = data.incident or data
    title = data.title if data.title is not None else form.name
    if title is None:
        raise Unacceptable("title: expected a few words (or name, in the status-page form), got nothing")
    known = stream is not None and store.index(deps.tenant, stream) is not None
    severity = data.severity
    if severity is None and form.impact is not None:
        severity = severity_for(_policy(deps, data), form.impact)
    command = c.Declare(
        by=actor.id,
        title=title,
        severity=severity,
        guide=data.guide,
        service=data.service,
        category=data.category,
        description=data.description or form.body,
        detected_by=data.detected_by,
        drill=data.drill,
        private=data.private,
        visible_to=data.visible_to,
    )
    incident = cast(Incident, acting(lambda: deps.engine.declare(deps.tenant, command, stream)))
    if known:
        if incident.title != title:
            raise Unacceptable(f"Idempotency-Key: expected a fresh key, got the one of {incident.reference}")
        return incident, False
    if form.impact is not None:
        deps.engine.handle(deps.tenant, incident.id, c.SetImpact(by=actor.id, impact=form.impact))
    if data.title is None and not data.drill and incident.restricted is None:
        said = c.Publish(by=actor.id, name=title, impact=form.impact)
        deps.engine.handle(deps.tenant, incident.id, said)
    if form.body and data.title is None and incident.restricted is None:
        update = c.PostUpdate(by=actor.id, text=form.body, audience=PUBLIC, status=form.status)
        deps.engine.handle(deps.tenant, incident.id, update)
    elif form.status not in (None, "investigating"):
        deps.engine.handle(deps.tenant, incident.id, c.ChangeStatus(by=actor.id, status=form.status))
    return incident, True


def _policy(deps: Deps, data: Declaration) -> Policy:
    return cast(Policy, acting(lambda: deps.engine.guides.for_service(deps.tenant, data.service, data.guide).policy))


def severity_for(policy: Policy, impact: str) -> str:
    """The policy's severity at the rank a status page's impact stands for, or its mildest."""
    ranked = sorted(policy.severities, key=lambda each: each.rank)
    return ranked[min(IMPACT_RANK[impact], len(ranked) - 1)].id


def acting(attempt: Callable[[], Any]) -> Any:
    """What `attempt` gives; a name that nothing has, and a value that cannot be, become a 400 naming the field."""
    try:
        return attempt()
    except (ValueError, UnknownGuide) as error:
        raise Unacceptable(str(error)) from error


# --- commands ---------------------------------------------------------------------------------------------------------


def body_of(command: type[c.Command]) -> type[msgspec.Struct]:
    """The command as a caller may say it: everything but `by`, which is whoever was authenticated."""
    fields: list[Any] = []
    for field in msgspec.structs.fields(command):
        if field.name == "by":
            continue
        kind = AWARE.get(field.type, field.type)
        fields.append((field.name, kind) if field.required else (field.name, kind, field.default))
    return msgspec.defstruct(
        f"{command.__name__}Body", fields, kw_only=True, frozen=True, forbid_unknown_fields=True, module=__name__
    )


def command_route(command: type[c.Command]) -> HTTPRouteHandler:
    """`POST /{incident}/{tag}` for one command."""
    tag = str(command.__struct_config__.tag)
    body = body_of(command)
    examples = [Example(summary=tag.replace("-", " "), value=dict(EXAMPLES[tag]))]
    required = any(field.required for field in msgspec.structs.fields(body))

    async def handle(request: Incoming, incident: str, data: Any = None) -> Response[IncidentView]:
        deps = deps_of(request)
        said = {name: getattr(data, name) for name in body.__struct_fields__} if data is not None else {}
        if "via" in body.__struct_fields__ and not said.get("via"):
            said["via"] = "api"
        return json_of(await carry_out(deps, incident, command(by=request.user.id, **said), request.user))

    handle.__annotations__ = {
        "request": Incoming,
        "incident": str,
        "data": Annotated[body if required else body | None, Body(examples=examples)],
        "return": Response[IncidentView],
    }
    if required:
        handle.__defaults__ = None
    handle.__name__ = handle.__qualname__ = tag.replace("-", "_")
    return post(
        f"/{{incident:str}}/{tag}",
        status_code=200,
        summary=f"{tag.replace('-', ' ').capitalize()} an incident",
        description=command.__doc__ if command.__doc__ and "Initialize" not in command.__doc__ else None,
        guards=[needs(action_for(tag))],
        responses=WRITES,
        operation_id=tag,
    )(handle)


def spoken(command: c.Command, actor: Actor) -> c.Command:
    """The command as this caller may give it: an administrator releases a text whoever else should."""
    if isinstance(command, c.Release) and at_least(actor.role, "administrator"):
        return ReleaseOverriding(by=command.by, draft=command.draft, text=command.text)
    return command


async def carry_out(deps: Deps, name: str, said: c.Command, actor: Actor) -> bytes:
    """The incident's public JSON after the command. Raises NotFound, Refused, Unacceptable, PermissionDenied."""

    def on_the_writer(store: Store) -> bytes:
        stream = incident_id(store, deps.tenant, name)
        incident = deps.engine.load(deps.tenant, stream)
        tag = str(said.__struct_config__.tag)
        insist(actor, action_for(tag), Resource(commanders=commanders(incident.roles)))
        command = acting(lambda: named(shown(spoken(said, actor), deps), incident, deps.engine, store, deps.tenant))
        with commanding(deps, store, actor, stream, command):
            after = acting(lambda: deps.engine.handle(deps.tenant, stream, command))
        return msgspec.json.encode(deps.engine.view(deps.tenant, after))

    return await deps.run(on_the_writer)


COMMANDS: tuple[type[c.Command], ...] = tuple(each for each in get_args(c.AnyCommand) if each is not c.Declare)


def routes() -> Router:
    handlers: list[Any] = [list_incidents, show_incident, show_timeline, show_alerts, declare_incident]
    handlers += [command_route(command) for command in COMMANDS]
    return Router("/api/incidents", route_handlers=handlers, guards=[needs("incident.read")], tags=["incidents"])
