"""The HTTP API and the pages as one ASGI application, and its OpenAPI description."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from functools import cache
from importlib.metadata import version
from typing import Any, TypeAlias, cast

from litestar import Litestar, Request, Response, Router
from litestar.datastructures import State
from litestar.enums import HttpMethod, ScopeType
from litestar.exceptions import HTTPException, NotFoundException
from litestar.middleware import DefineMiddleware
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme, Tag
from litestar.plugins import PluginProtocol
from litestar.plugins.core import MsgspecDIPlugin
from litestar.types import ControllerRouterHandler, HTTPScope, Receive, RouteHandlerType, Scope, Send

from tocsin.http import (
    api_access,
    api_account,
    api_accounts,
    api_actions,
    api_alerts,
    api_approvals,
    api_audit,
    api_briefing,
    api_cadences,
    api_changes,
    api_channels,
    api_contacts,
    api_dashboards,
    api_directory,
    api_duties,
    api_emergency,
    api_evidence,
    api_factors,
    api_feeds,
    api_guides,
    api_health,
    api_hooks,
    api_incidents,
    api_measures,
    api_monitors,
    api_operations,
    api_probes,
    api_push,
    api_readiness,
    api_regulatory,
    api_remedies,
    api_review,
    api_runs,
    api_saying,
    api_schedules,
    api_status,
    api_status_elsewhere,
    api_status_events,
    api_tenants,
    events,
    problems,
    recent_changes,
    scim,
)
from tocsin.http.deps import Deps
from tocsin.http.gate import Gate, PlainRequest, with_safe_headers
from tocsin.http.metrics import Tally
from tocsin.http.openapi import ExactJson, exact
from tocsin.http.queries import exact_query

DESCRIPTION = """Incidents as people and programs handle them. Alerts come in by Alertmanager's API and `/in/...`.

Errors are problem JSON (RFC 9457) whose `errors` name the field, what was expected, and what came. Instants are
RFC 3339 with a zone. `Authorization: Bearer toc_...`, or the session of a browser."""

TAGS = [
    Tag(name="incidents", description="Incidents, their timeline, and every command"),
    Tag(name="communication", description="Who is told what: audiences, previews, posting, drafts, documents"),
    Tag(name="evidence", description="What is kept of an incident, who touched it, holds, sealed bundles"),
    Tag(name="events", description="Server-sent events with resume"),
    Tag(name="alerts", description="What became of alerts and payloads"),
    Tag(name="directory", description="People, teams, services, and what a guide's words mean"),
    Tag(name="operations", description="Deployment freezes, policies, sources, maintenance"),
    Tag(name="status pages", description="Public pages, components, announced maintenance"),
    Tag(name="audit", description="Who did what, and whether the record is whole"),
    Tag(name="health", description="Liveness, readiness, metrics"),
    Tag(name="access", description="Who calls, how they sign in, sessions, tokens, sign-in links"),
    Tag(name="tenants", description="Organisations of this installation"),
]


Pages: TypeAlias = Callable[[], Sequence[Any]]
Missing: TypeAlias = Callable[[Request[Any, Any, Any], HTTPException], Response[Any]]


class Faces:
    """The ASGI application. `close` ends the event streams, so that a stop does not wait for browsers."""

    def __init__(self, deps: Deps, pages: Pages = tuple, missing: Missing = problems.on_http) -> None:
        self.events = events.Events()
        tally = Tally(deps.tenant)
        self.app = copy(litestar(pages, missing))
        self.app.state = State({"deps": deps, "events": self.events, "tally": tally})
        deps.engine.subscribe(self.events.changed)
        deps.engine.subscribe(tally.changed)

    def started(self) -> None:
        """Call once, on the running loop, before the first request."""
        self.events.started()

    def close(self) -> None:
        """Every event stream says so and ends. Call on the loop."""
        self.events.close()

    def openapi(self) -> dict[str, Any]:
        """The description as `/api/openapi.json` gives it."""
        return exact(self.app.openapi_schema.to_schema(), self.app)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self.app(scope, receive, send)
            return
        if scope["method"] == HttpMethod.HEAD and not scope["path"].endswith("/events"):  # a stream would never end
            # Probes use HEAD where GET answers. A copy: uvicorn leaves the body out by its own scope.
            scope = cast(HTTPScope, {**scope, "method": HttpMethod.GET})
        await self.app(scope, receive, with_safe_headers(send))


class Plain(Litestar):
    """Without plugins for other kinds of models: looking for them loads pydantic, for a third of a second."""

    @staticmethod
    def _get_default_plugins(plugins: list[PluginProtocol]) -> list[PluginProtocol]:
        return [*plugins, MsgspecDIPlugin()]

    def _validate_registration_value(self, value: ControllerRouterHandler) -> RouteHandlerType | Router:
        """A router is taken as it is: nobody else has it, and its deep copy costs a quarter of a start."""
        if isinstance(value, Router):
            value.owner = self
            return value
        return super()._validate_registration_value(value)


@cache
def litestar(pages: Pages, missing: Missing) -> Litestar:
    """Every route, once for a process: a tenant's application is a copy of it with a state of its own. `missing`
    answers for what has no route."""
    return Plain(
        route_handlers=[
            api_incidents.routes(),
            *api_directory.routes(),
            *api_access.routes(),
            *api_account.routes(),
            *api_accounts.routes(),
            *api_factors.routes(),
            *api_operations.routes(),
            *api_alerts.routes(),
            recent_changes.list_recent_changes,
            *api_approvals.routes(),
            scim.routes(),
            *api_audit.routes(),
            api_channels.routes(),
            *api_briefing.routes(),
            api_remedies.list_remedies,
            api_runs.list_runs,
            *api_guides.routes(),
            *api_cadences.routes(),
            *api_dashboards.routes(),
            *api_measures.routes(),
            *api_monitors.routes(),
            *api_probes.routes(),
            *api_push.routes(),
            *api_readiness.routes(),
            *api_review.routes(),
            *api_saying.routes(),
            *api_schedules.routes(),
            api_changes.router(),
            api_contacts.router(),
            *api_actions.routes(),
            *api_duties.routes(),
            *api_emergency.routes(),
            *api_evidence.routes(),
            *api_feeds.routes(),
            *api_hooks.routes(),
            *api_regulatory.routes(),
            *api_status.routes(),
            *api_status_events.routes(),
            *api_status_elsewhere.routes(),
            *api_tenants.routes(),
            *events.routes(),
            *api_health.routes(),
            *pages(),
        ],
        middleware=[DefineMiddleware(Gate)],
        guards=[exact_query],
        request_class=PlainRequest,
        exception_handlers={**problems.HANDLERS, NotFoundException: missing},
        request_max_body_size=problems.BODY_MAX,
        logging_config=None,  # the process configures logging, once
        openapi_config=_openapi(),
    )


def _openapi() -> OpenAPIConfig:
    return OpenAPIConfig(
        title="Tocsin",
        version=version("tocsin"),
        description=DESCRIPTION,
        path="/api/openapi.json",
        render_plugins=[ExactJson(path="/openapi.json")],
        components=Components(
            security_schemes={"bearer": SecurityScheme(type="http", scheme="bearer", bearer_format="toc_ID_SECRET")}
        ),
        security=[{"bearer": []}],
        tags=TAGS,
        use_handler_docstrings=True,
    )
