"""What became of alerts and payloads: every accepted payload has a visible fate, every alert can be explained."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import get
from litestar.exceptions import NotFoundException

from tocsin.http.api_incidents import DENIED, problem
from tocsin.http.deps import Explained
from tocsin.http.gate import Incoming, deps_of, needs

READS = {**DENIED, 404: problem("Nothing has this id")}


class Documents(msgspec.Struct, frozen=True, kw_only=True):
    """`id` and what was stored under it, newest last."""

    items: list[dict[str, Any]]


@get(
    "/api/alerts/{fingerprint:str}/explain",
    summary="Why an alert did what it did",
    tags=["alerts"],
    guards=[needs("alert.read")],
    responses=READS,
)
async def explain_alert(request: Incoming, fingerprint: str) -> Explained:
    deps = deps_of(request)
    await deps.caught_up()
    found = await deps.explain(deps.tenant, fingerprint)
    if found is None:
        raise NotFoundException(f"alert: nothing has the fingerprint {fingerprint!r}")
    return found


@get(
    "/api/payloads/{payload:str}",
    summary="What became of an accepted payload",
    tags=["alerts"],
    guards=[needs("alert.read")],
    responses=READS,
)
async def show_payload(request: Incoming, payload: str) -> dict[str, Any]:
    """Which incident it went to, or why none: the id is the `Tocsin-Payload` header of the answer that accepted it."""
    deps = deps_of(request)
    await deps.caught_up()
    found = await deps.fate(deps.tenant, payload)
    if found is None:
        raise NotFoundException(f"payload: nothing has the id {payload!r}, or it is older than what is kept")
    return dict(found)


@get(
    "/api/quarantine",
    summary="Payloads that could not be read",
    tags=["alerts"],
    guards=[needs("alert.read")],
    responses=DENIED,
)
async def list_quarantine(request: Incoming) -> Documents:
    """Nothing accepted is lost: what no parser understood stands here, with the reason."""
    return await _documents(request, "quarantine")


@get("/api/changes", summary="Recent deployments", tags=["alerts"], guards=[needs("alert.read")], responses=DENIED)
async def list_changes(request: Incoming) -> Documents:
    return await _documents(request, "change")


async def _documents(request: Incoming, kind: str) -> Documents:
    deps = deps_of(request)
    await deps.caught_up()
    stored = await deps.read(lambda store: store.items(deps.tenant, kind))
    items = []
    for name, body in stored:
        value = msgspec.json.decode(body)
        items.append({"id": name, **(value if isinstance(value, dict) else {"value": value})})
    return Documents(items=items)


def routes() -> list[Any]:
    return [explain_alert, show_payload, list_quarantine, list_changes]
