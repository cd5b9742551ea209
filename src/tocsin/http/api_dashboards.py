"""`/api/dashboards/grafana`: the dashboard of the guides in force, for Grafana to import."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.params import Parameter

from tocsin.core.grafana import Form, dashboard, printed
from tocsin.core.policy import Policy
from tocsin.http.api_incidents import READS, acting, json_of
from tocsin.http.gate import Incoming, deps_of, needs
from tocsin.ports import Store


@get(
    "/api/dashboards/grafana",
    summary="The incident dashboard of the guides in force, for Grafana",
    tags=["operations"],
    guards=[needs("policy.read")],
    responses=READS,
)
async def grafana_dashboard(
    request: Incoming,
    form: Annotated[
        Form,
        Parameter(description="`api`: for POST /api/dashboards/db; `file`: to import; `guide`: as it is printed"),
    ] = "api",
    guide: Annotated[str | None, Parameter(description="of this guide only")] = None,
) -> Response[dict[str, Any]]:
    """The panels that the guide prints, word for word, with what they need to be drawn, and further ones from /metrics.
    A guide that prints none has the three that guides ask for most: by severity, time to resolve, trend."""
    deps = deps_of(request)

    def read(_: Store) -> list[Policy]:
        guides, tenant = deps.engine.guides, deps.tenant
        wanted = guides.active(tenant) if guide is None else (acting(lambda: guides.named(tenant, guide)),)
        return [each.policy for each in wanted]

    policies = await deps.run(read)
    if form == "guide":
        found = printed(policies)
        if found is None:
            raise NotFoundException("guide: none in force prints a dashboard for Grafana; form=api makes one")
        return json_of(found[0].encode("utf-8", "replace"))
    made = dashboard(policies)
    return json_of(msgspec.json.encode({"dashboard": made} if form == "api" else made))


def routes() -> list[Any]:
    return [grafana_dashboard]
