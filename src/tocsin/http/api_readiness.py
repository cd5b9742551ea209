"""`/api/readiness`: who would not be reached, as people and guides are now."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import get

from tocsin.core.readiness import Gap
from tocsin.http.api_incidents import DENIED
from tocsin.http.gate import Incoming, deps_of, needs
from tocsin.ports import Store
from tocsin.wiring.readied import readiness


class ReadinessReport(msgspec.Struct, frozen=True, kw_only=True):
    """`ready` when nothing but notes was found. An error pages nobody, a warning too few."""

    ready: bool
    findings: list[Gap]


@get(
    "/api/readiness",
    summary="Who would not be reached, before it matters",
    tags=["operations"],
    guards=[needs("operations.read")],
    responses=DENIED,
)
async def show_gaps(request: Incoming) -> ReadinessReport:
    """Levels, roles and notifications of the guides in force that mean nobody who can be reached, bindings that lead
    nowhere, audiences that are owed news and have no channel, people without a contact method, and a missing last
    resort; gaps of schedules within 30 days, people who left and are still named, contact methods that are unverified,
    or fail their weekly test."""
    deps = deps_of(request)

    def read(store: Store) -> ReadinessReport:
        found = readiness(store, deps.engine.guides, deps.tenant)
        return ReadinessReport(ready=all(each.level == "note" for each in found), findings=found)

    return await deps.run(read)


def routes() -> list[Any]:
    return [show_gaps]
