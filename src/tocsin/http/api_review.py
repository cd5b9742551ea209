"""`/api/incidents/{incident}/review`: what the review goes through, what was written for it, what the law asks."""

from __future__ import annotations

from collections.abc import Sequence

from litestar import Router, get

from tocsin.core.reviewing import ReviewSheet, sheet
from tocsin.http.api_incidents import READS, incident_id
from tocsin.http.deps import Deps
from tocsin.http.gate import Incoming, deps_of, needs
from tocsin.ports import Store


@get(
    "/{incident:str}/review",
    summary="The review: agenda, questions, checklist, lessons, obligations",
    responses=READS,
    operation_id="get-review",
)
async def get_review(request: Incoming, incident: str) -> ReviewSheet:
    """`write-review` and `tick-review` change it, `schedule-review` and `hold-review` say when it is."""
    deps = deps_of(request)
    return await deps.read(lambda store: review_of(deps, store, incident))


def review_of(deps: Deps, store: Store, incident: str) -> ReviewSheet:
    found = deps.engine.load(deps.tenant, incident_id(store, deps.tenant, incident))
    return sheet(found, deps.engine.guides.digested(deps.tenant, found.policy_digest).policy)


def routes() -> Sequence[Router]:
    return [Router("/api/incidents", route_handlers=[get_review], guards=[needs("incident.read")], tags=["incidents"])]
