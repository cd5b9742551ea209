"""Deployment freezes, policies, alert sources and maintenance windows: what stands around incidents."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Response, delete, get, post, put
from litestar.exceptions import NotFoundException
from litestar.openapi.datastructures import ResponseSpec

from tocsin.core.facts import OPEN_STATUSES
from tocsin.core.matchers import parse_matchers
from tocsin.core.silence import Maintenance
from tocsin.http.api_directory import check_name
from tocsin.http.api_incidents import DENIED, acting, json_of, problem
from tocsin.http.gate import Incoming, deps_of, needs
from tocsin.http.problems import Unacceptable
from tocsin.http.silences import end_maintenance, maintenance_windows, put_maintenance
from tocsin.http.sources import SOURCE, Source, token_digest
from tocsin.intake.formats import check_source
from tocsin.ports import Store
from tocsin.sighted import whole

READS = {**DENIED, 404: problem("Nothing has this id")}
WRITES = {**READS, 400: problem("A field is wrong; `errors` names it")}
Instant = Annotated[datetime, msgspec.Meta(tz=True)]
FREEZE_MAX = 200  # open incidents looked at on one page of the listing
TOKEN_BYTES = 16  # 32 hex characters: what a PagerDuty routing key looks like


# --- deployments ------------------------------------------------------------------------------------------------------


class Freezing(msgspec.Struct, frozen=True, kw_only=True):
    """`services` empty: all deployments."""

    id: str
    reference: str
    title: str
    severity: str
    services: tuple[str, ...]


class Freeze(msgspec.Struct, frozen=True, kw_only=True):
    """Whether deployments (of `service`, or any at all) are frozen now, and by which open incidents."""

    frozen: bool
    service: str | None
    incidents: list[Freezing]


class FrozenSummary(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    reference: str
    title: str
    severity: str
    deployments_frozen: tuple[str, ...] | None = None


@get("/api/freeze", summary="May I deploy?", tags=["operations"], guards=[needs("operations.read")], responses=DENIED)
async def show_freeze(request: Incoming, service: str | None = None) -> Freeze:
    """For a pipeline: `jq -e '.frozen == false'`. Without `service`: whether anything is frozen. A private incident
    freezes as any other, and is not named to those who do not see it."""
    deps = deps_of(request)
    await deps.caught_up()

    def look(store: Store) -> tuple[list[Freezing], bool]:
        return freezing(store, deps.tenant, service), bool(freezing(whole(store), deps.tenant, service))

    incidents, frozen = await deps.read(look)
    return Freeze(frozen=frozen, service=service, incidents=incidents)


def freezing(store: Store, tenant: str, service: str | None) -> list[Freezing]:
    """The open incidents that freeze deployments of the service, or any deployments when it is None."""
    found: list[Freezing] = []
    cursor: str | None = None
    while True:
        rows, cursor = store.listing(tenant, statuses=sorted(OPEN_STATUSES), limit=FREEZE_MAX, cursor=cursor)
        for row in rows:
            incident = msgspec.json.decode(row.summary, type=FrozenSummary)
            scope = incident.deployments_frozen
            if scope is not None and (service is None or not scope or service in scope):
                found.append(
                    Freezing(
                        id=incident.id,
                        reference=incident.reference,
                        title=incident.title,
                        severity=incident.severity,
                        services=scope,
                    )
                )
        if cursor is None:
            return found


# --- policies ---------------------------------------------------------------------------------------------------------


class PolicyEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A guide in force. The first one takes what no other claims."""

    guide: str
    digest: str
    title: str
    severities: tuple[str, ...]
    services: tuple[str, ...]
    findings: int


class PolicyList(msgspec.Struct, frozen=True, kw_only=True):
    items: list[PolicyEntry]


@get(
    "/api/policies", summary="The guides in force", tags=["operations"], guards=[needs("policy.read")], responses=DENIED
)
async def list_policies(request: Incoming) -> PolicyList:
    deps = deps_of(request)
    guides = await deps.run(lambda _: deps.engine.guides.active(deps.tenant))
    return PolicyList(
        items=[
            PolicyEntry(
                guide=guide.name,
                digest=guide.digest,
                title=guide.policy.title,
                severities=tuple(each.id for each in guide.policy.severities),
                services=guide.policy.services,
                findings=len(guide.policy.findings),
            )
            for guide in guides
        ]
    )


@get(
    "/api/policies/{digest:str}",
    summary="A policy, by its digest",
    tags=["operations"],
    guards=[needs("policy.read")],
    responses=READS,
)
async def show_policy(request: Incoming, digest: str) -> Response[dict[str, Any]]:
    """Every policy that ever governed an incident stays readable."""
    deps = deps_of(request)
    body = await deps.read(lambda store: store.get(deps.tenant, "policy", digest))
    if body is None:
        raise NotFoundException(f"policy: nothing has the digest {digest!r}")
    return json_of(body)


# --- alert sources ----------------------------------------------------------------------------------------------------


class SourceForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`kind`: a wire format such as alertmanager, grafana, pagerduty, generic, or `any`. `mapping`: for generic."""

    name: str
    kind: str = "any"
    service: str | None = None
    mapping: dict[str, Any] | None = None
    secret: str | None = None


class SourceView(msgspec.Struct, frozen=True, kw_only=True):
    """`token` and `url` only in the answer that made the source."""

    name: str
    kind: str
    service: str | None = None
    mapping: dict[str, Any] | None = None
    signed: bool = False
    token: str | None = None
    url: str | None = None


class SourceList(msgspec.Struct, frozen=True, kw_only=True):
    items: list[SourceView]


@get(
    "/api/sources",
    summary="Who may hand in alerts",
    tags=["operations"],
    guards=[needs("operations.read")],
    responses=DENIED,
)
async def list_sources(request: Incoming) -> SourceList:
    deps = deps_of(request)
    items = await deps.read(lambda store: store.items(deps.tenant, SOURCE))
    return SourceList(items=[_source_view(msgspec.json.decode(body, type=Source)) for _, body in items])


@post(
    "/api/sources",
    summary="Make a source, or give one a new token",
    tags=["operations"],
    guards=[needs("source.manage")],
    responses={**WRITES, 201: ResponseSpec(data_container=SourceView, description="The source and its token")},
)
async def create_source(request: Incoming, data: SourceForm) -> Response[SourceView]:
    """A source of the same name is replaced; its old token stops working."""
    deps = deps_of(request)
    check_name(data.name)
    try:
        check_source(data.kind, data.mapping)
    except ValueError as error:
        raise Unacceptable(str(error)) from None
    token = secrets.token_hex(TOKEN_BYTES)
    source = Source(
        name=data.name,
        kind=data.kind,
        token_sha256=token_digest(token),
        tenant=deps.tenant,
        service=data.service,
        mapping=data.mapping,
        secret=data.secret,
    )

    def on_the_writer(store: Store) -> None:
        store.put(deps.tenant, SOURCE, source.name, msgspec.json.encode(source))
        deps.changed(SOURCE)

    await deps.run(on_the_writer)
    kind = "generic" if source.kind == "any" else source.kind
    url = f"{deps.public_url}/in/{kind}/{token}"
    return json_of(msgspec.structs.replace(_source_view(source), token=token, url=url), 201)


@delete(
    "/api/sources/{name:str}",
    summary="Remove a source",
    tags=["operations"],
    guards=[needs("source.manage")],
    responses=READS,
)
async def remove_source(request: Incoming, name: str) -> None:
    deps = deps_of(request)

    def on_the_writer(store: Store) -> bool:
        gone = store.delete(deps.tenant, SOURCE, name)
        deps.changed(SOURCE)
        return gone

    if not await deps.run(on_the_writer):
        raise NotFoundException(f"source: nothing has the name {name!r}")


def _source_view(source: Source) -> SourceView:
    return SourceView(
        name=source.name,
        kind=source.kind,
        service=source.service,
        mapping=source.mapping,
        signed=source.secret is not None,
    )


# --- maintenance ------------------------------------------------------------------------------------------------------


class MaintenanceForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`matchers` as Alertmanager writes them: `team="db"`, `severity=~"warning|info"`."""

    starts_at: Instant
    ends_at: Instant
    service: str | None = None
    matchers: tuple[str, ...] = ()
    comment: str = ""


class MaintenanceList(msgspec.Struct, frozen=True, kw_only=True):
    items: list[Maintenance]


@get(
    "/api/maintenance",
    summary="Maintenance windows",
    tags=["operations"],
    guards=[needs("operations.read")],
    responses=DENIED,
)
async def list_maintenance(request: Incoming) -> MaintenanceList:
    deps = deps_of(request)
    return MaintenanceList(items=await deps.read(lambda store: maintenance_windows(store, deps.tenant)))


@post(
    "/api/maintenance",
    summary="Plan a maintenance window",
    tags=["operations"],
    guards=[needs("maintenance.manage")],
    responses={**WRITES, 201: ResponseSpec(data_container=Maintenance, description="The window")},
)
async def create_maintenance(request: Incoming, data: MaintenanceForm) -> Response[Maintenance]:
    deps = deps_of(request)
    window = _window(data, "", request.user.id, deps.clock.now())
    return json_of(await deps.run(lambda store: _keep(request, store, window)), 201)


@put(
    "/api/maintenance/{name:str}",
    summary="Change a maintenance window",
    tags=["operations"],
    guards=[needs("maintenance.manage")],
    responses=WRITES,
)
async def replace_maintenance(request: Incoming, name: str, data: MaintenanceForm) -> Response[Maintenance]:
    deps = deps_of(request)
    window = _window(data, name, request.user.id, deps.clock.now())

    def on_the_writer(store: Store) -> Maintenance | None:
        return _keep(request, store, window) if store.get(deps.tenant, "maintenance", name) is not None else None

    changed = await deps.run(on_the_writer)
    if changed is None:
        raise NotFoundException(f"maintenance: nothing has the id {name!r}")
    return json_of(changed)


@delete(
    "/api/maintenance/{name:str}",
    summary="End a maintenance window now",
    tags=["operations"],
    guards=[needs("maintenance.manage")],
    responses=READS,
)
async def finish_maintenance(request: Incoming, name: str) -> None:
    deps = deps_of(request)

    def on_the_writer(store: Store) -> Maintenance | None:
        ended = end_maintenance(store, deps.tenant, name)
        deps.changed("maintenance")
        return ended

    if await deps.run(on_the_writer) is None:
        raise NotFoundException(f"maintenance: nothing has the id {name!r}")


def _window(data: MaintenanceForm, name: str, by: str, now: datetime) -> Maintenance:
    matchers = acting(lambda: tuple(each for text in data.matchers for each in parse_matchers(text)))
    return Maintenance(
        id=name,
        starts_at=data.starts_at,
        ends_at=data.ends_at,
        service=data.service,
        matchers=matchers,
        by=by,
        comment=data.comment,
        updated_at=now,
    )


def _keep(request: Incoming, store: Store, window: Maintenance) -> Maintenance:
    deps = deps_of(request)
    kept: Maintenance = acting(lambda: put_maintenance(store, deps.tenant, window))
    deps.changed("maintenance")
    return kept


def routes() -> list[Any]:
    return [
        show_freeze,
        list_policies,
        show_policy,
        list_sources,
        create_source,
        remove_source,
        list_maintenance,
        create_maintenance,
        replace_maintenance,
        finish_maintenance,
    ]
