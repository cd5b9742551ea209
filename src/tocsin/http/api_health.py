"""`/health` (alive), `/ready` (can do its work, or why not), `/metrics`."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response, get
from litestar.exceptions import NotAuthorizedException
from litestar.openapi.datastructures import ResponseSpec
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from tocsin.http import auth
from tocsin.http.api_incidents import json_of, problem
from tocsin.http.events import events_of
from tocsin.http.gate import Incoming, anybody, deps_of, headers_of, insist
from tocsin.http.metrics import Exposition, Others, Probes, Tally


class Alive(msgspec.Struct, frozen=True, kw_only=True):
    status: str


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """`reasons`: what is wrong, for whoever must act; empty when ready. `tenants`: which other organisations of this
    installation are not ready, and why; a tenant's trouble is no reason to take the installation out of service."""

    status: str
    reasons: tuple[str, ...]
    tenants: dict[str, tuple[str, ...]] = {}


EITHER: list[dict[str, list[str]]] = [{"bearer": []}, {}]  # a token, or nothing on the loopback address
CLOSED = {401: problem("On another address than loopback this takes a token")}


@get(
    "/health",
    summary="Whether the process is alive",
    tags=["health"],
    security=[{}],
    guards=[anybody("probes have no token")],
)
async def show_health() -> Alive:
    return Alive(status="ok")


@get(
    "/ready",
    summary="Whether it can do its work, or why not",
    tags=["health"],
    security=EITHER,
    guards=[anybody("`metrics.read`, or a request over the loopback address")],
    responses={**CLOSED, 503: ResponseSpec(data_container=Readiness, description="Not ready; `reasons` say why")},
)
async def show_readiness(request: Incoming) -> Response[Readiness]:
    """The store can be written, the digest keeps up, no wake-up is late, and no page has waited too long."""
    open_to(request)
    deps = deps_of(request)
    reasons = deps.health().reasons
    standings = deps.tenants.standings() if deps.tenants else []
    others = {each.tenant.name: each.reasons for each in standings if each.reasons}
    if reasons:
        said = Readiness(status="not ready", reasons=reasons, tenants=others)
        return json_of(said, 503, **{"Retry-After": "5"})
    return json_of(Readiness(status="ready", reasons=(), tenants=others))


@get(
    "/metrics",
    summary="Prometheus metrics",
    tags=["health"],
    media_type="text/plain",
    responses=CLOSED,
    security=EITHER,
    guards=[anybody("`metrics.read`, or a request over the loopback address")],
)
async def show_metrics(request: Incoming) -> Response[bytes]:
    open_to(request)
    deps = deps_of(request)
    tally: Tally = request.app.state.tally
    every = await deps.read(tally.refresh)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Exposition(every, deps.health(), deps.clock.now(), events_of(request).clients))
    registry.register(Probes(deps.detecting.probed()))
    if deps.tenants is not None:
        registry.register(Others(deps.tenants.standings()))
    encode, media_type = choose_encoder(request.headers.get("accept", ""))
    # Litestar adds the charset to every text/...; a parameter that stands twice is a Content-Type nobody can parse.
    doubled = "; charset=utf-8" if media_type.startswith("text/") else ""
    return Response(encode(registry), media_type=media_type.replace(doubled, ""))


def open_to(request: Incoming) -> None:
    """DESIGN section 4: without a token on a loopback listen address only."""
    deps = deps_of(request)
    headers = headers_of(request.scope)
    user = request.scope.get("user")
    if user is not None:
        insist(user, "metrics.read")
    elif not auth.trusted_loopback(headers, listening=deps.loopback):
        told = "expected a bearer token or a session, or a request over the loopback address"
        raise NotAuthorizedException(request.scope.get("auth") or told)


def routes() -> list[Any]:
    return [show_health, show_readiness, show_metrics]
