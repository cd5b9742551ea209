"""`/api/incidents/{incident}/review`: what the review goes through, what was written for it, what the law asks."""

from __future__ import annotations

from collections.abc import Sequence

from litestar import Router, get

from tocsin.core.incident import Incident, fold
from tocsin.core.reviewing import ReviewSheet, sheet
from tocsin.http.api_briefing import policy_in
from tocsin.http.api_incidents import READS, facts_of
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
    await deps.caught_up()
    return (await deps.read(lambda store: review_of(store, deps.tenant, incident)))[1]


def review_of(store: Store, tenant: str, name: str) -> tuple[Incident, ReviewSheet]:
    """An incident and its review, as this store has them: what the engine remembers is the writer thread's."""
    found = fold(facts_of(store, tenant, name))
    assert found is not None, "an incident that was found has facts"
    return found, sheet(found, policy_in(store.get(tenant, "policy", found.policy_digest)))


def routes() -> Sequence[Router]:
    return [Router("/api/incidents", route_handlers=[get_review], guards=[needs("incident.read")], tags=["incidents"])]
