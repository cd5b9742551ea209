"""`/api/incidents/{incident}/remedies`: which of the guide's rules of remediation hold now, and what does it.

Nothing is run by the server: `run` is what a person types.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from litestar import get

from tocsin.core.facts import AnyFact
from tocsin.core.incident import fold
from tocsin.core.policy import Policy
from tocsin.core.remedies import Remedy, remedies
from tocsin.http.api_briefing import under_its_guide
from tocsin.http.api_incidents import READS
from tocsin.http.deps import Deps
from tocsin.http.gate import Incoming, deps_of, needs


class RemedyList(msgspec.Struct, frozen=True, kw_only=True):
    """Those that hold first, then in the guide's order."""

    items: tuple[Remedy, ...]


@get(
    "/api/incidents/{incident:str}/remedies",
    summary="Which of the guide's rules of remediation hold, and what does it",
    tags=["incidents"],
    guards=[needs("incident.read"), needs("policy.read"), needs("alert.read")],
    responses=READS,
    operation_id="list-remedies",
)
async def list_remedies(request: Incoming, incident: str) -> RemedyList:
    """A rule holds where a firing alert of the incident says so: it names the metric and a value with the condition's
    unit, or `[[remedies]]` of tocsin.toml says which alert is about it."""
    deps = deps_of(request)
    made, history, policy = await under_its_guide(deps, incident)
    alerts = await deps.alerts_of(deps.tenant, made.id)
    return RemedyList(items=remedies_of(deps, history, policy, alerts))


def remedies_of(
    deps: Deps, history: Sequence[AnyFact], policy: Policy, alerts: Sequence[Mapping[str, Any]]
) -> tuple[Remedy, ...]:
    """How the rules of the guide stand for an incident that these facts made."""
    made = fold(history)
    assert made is not None, "an incident that is shown has facts"
    return remedies(policy, made, alerts, deps.remedies) if policy.remediation else ()
