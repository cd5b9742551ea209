"""How long it took: the measures of one incident and of many, with corrected timestamps."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
from litestar import get

from tocsin.core.measures import SPANS, Measures, measures, summarise
from tocsin.http.api_incidents import DENIED, READS, facts_of, problem
from tocsin.http.gate import Incoming, deps_of, needs
from tocsin.ports import Store

INCIDENTS_MAX = 5_000  # folded for one answer; narrow the time where there are more
PAGE = 500


class IncidentMeasures(msgspec.Struct, frozen=True, kw_only=True):
    """`seconds` has every span that is known so far. `clamped`: spans that would be negative and count as 0."""

    opened_at: datetime
    started_at: datetime | None
    detected_at: datetime
    acknowledged_at: datetime | None
    mitigated_at: datetime | None
    resolved_at: datetime | None
    seconds: dict[str, float]
    corrected: tuple[str, ...]
    clamped: tuple[str, ...]
    reopened: int
    escalations: int
    pages: int
    missed_promises: int
    counted: bool


class SpreadView(msgspec.Struct, frozen=True, kw_only=True):
    count: int
    mean_seconds: float
    median_seconds: float
    p90_seconds: float
    longest_seconds: float


class MeasuresSummary(msgspec.Struct, frozen=True, kw_only=True):
    """Incidents opened in the time asked for. Drills and duplicates are in no number."""

    incidents: int
    false_positives: int
    reopened: int
    missed_promises: int
    pages: int
    clamped: int
    spans: dict[str, SpreadView]
    complete: bool


@get(
    "/api/measures/{incident:str}",
    summary="How long it took",
    tags=["incidents"],
    guards=[needs("measures.read")],
    responses=READS,
)
async def show_measures(request: Incoming, incident: str) -> IncidentMeasures:
    deps = deps_of(request)
    await deps.caught_up()
    found = measures(await deps.read(lambda store: facts_of(store, deps.tenant, incident, 0)))
    assert found is not None, "an incident that was found has facts"
    return _shown(found)


@get(
    "/api/measures",
    summary="Many incidents together",
    tags=["incidents"],
    guards=[needs("measures.read")],
    responses={**DENIED, 400: problem("A parameter is wrong; `errors` names it")},
)
async def show_summary(
    request: Incoming, since: datetime | None = None, until: datetime | None = None, severity: str | None = None
) -> MeasuresSummary:
    """Of the incidents opened from `since` to before `until`, at most the newest five thousand."""
    deps = deps_of(request)
    await deps.caught_up()
    found, complete = await deps.read(lambda store: _many(store, deps.tenant, since, until, severity))
    told = summarise(found)
    return MeasuresSummary(
        incidents=told.incidents,
        false_positives=told.false_positives,
        reopened=told.reopened,
        missed_promises=told.missed_promises,
        pages=told.pages,
        clamped=told.clamped,
        spans={
            name: SpreadView(
                count=spread.count,
                mean_seconds=spread.mean.total_seconds(),
                median_seconds=spread.median.total_seconds(),
                p90_seconds=spread.p90.total_seconds(),
                longest_seconds=spread.longest.total_seconds(),
            )
            for name, spread in told.spans.items()
        },
        complete=complete,
    )


def _many(
    store: Store, tenant: str, since: datetime | None, until: datetime | None, severity: str | None
) -> tuple[list[Measures], bool]:
    found: list[Measures] = []
    cursor: str | None = None
    while len(found) < INCIDENTS_MAX:
        severities = (severity,) if severity else ()
        rows, cursor = store.listing(tenant, severities=severities, limit=PAGE, cursor=cursor)
        for row in rows:
            if since is not None and row.opened_at < since:
                return found, True  # the listing is newest first
            if until is None or row.opened_at < until:
                measured = measures(store.facts(tenant, row.incident))
                found += [measured] if measured else []
        if cursor is None:
            return found, True
    return found, False


def _shown(found: Measures) -> IncidentMeasures:
    spans: dict[str, timedelta | None] = {name: getattr(found, name) for name in SPANS}
    return IncidentMeasures(
        opened_at=found.opened_at,
        started_at=found.started_at,
        detected_at=found.detected_at,
        acknowledged_at=found.acknowledged_at,
        mitigated_at=found.mitigated_at,
        resolved_at=found.resolved_at,
        seconds={name: span.total_seconds() for name, span in spans.items() if span is not None},
        corrected=found.corrected,
        clamped=found.clamped,
        reopened=found.reopened,
        escalations=found.escalations,
        pages=found.pages,
        missed_promises=found.missed_promises,
        counted=found.counted,
    )


def routes() -> list[Any]:
    return [show_measures, show_summary]
