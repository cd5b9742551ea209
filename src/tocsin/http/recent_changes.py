"""`/api/incidents/{id}/changes`: what was changed shortly before an incident, for whoever looks for its cause."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from litestar import get

from tocsin.core.annotated import web_address
from tocsin.core.people import Service
from tocsin.core.recent import Change, Told, recent
from tocsin.http.api_incidents import DENIED, incident_id, problem
from tocsin.http.gate import Incoming, deps_of, needs
from tocsin.ports import Store

READS = {**DENIED, 404: problem("No incident has this id or reference")}
_told = msgspec.json.Decoder(Told)
_links = msgspec.json.Decoder(dict[str, Any])


class ChangeList(msgspec.Struct, frozen=True, kw_only=True):
    """Newest first."""

    items: tuple[Change, ...]


def changes_of(
    store: Store, tenant: str, incident: Mapping[str, Any], services: Mapping[str, Service]
) -> tuple[Change, ...]:
    """The recent changes of an incident, given as its public JSON."""
    began = (incident.get("corrected") or {}).get("started_at") or incident["opened_at"]
    until = incident.get("resolved_at")
    names = dict.fromkeys(filter(None, (incident.get("service"), *incident.get("services", ()))))
    told = [each for each in map(_read, store.items(tenant, "change")) if each is not None]
    ends = datetime.fromisoformat(until) if until else store.now()
    return recent(told, names, services, datetime.fromisoformat(began), ends)


def _read(stored: tuple[str, bytes]) -> Told | None:
    """The change, with a link that it carries, alone or behind a name; None for what was stored in an older form."""
    try:
        change = _told.decode(stored[1])
    except msgspec.DecodeError:
        return None
    if web_address(change.url):
        return change
    said = (_links.decode(stored[1]).get("annotations") or {}).values()
    links = (web_address(each) or web_address(each.rpartition(" ")[2]) for each in said if isinstance(each, str))
    return msgspec.structs.replace(change, url=next(filter(None, links), ""))


@get(
    "/api/incidents/{incident:str}/changes",
    summary="What was changed shortly before it",
    tags=["incidents"],
    guards=[needs("incident.read"), needs("alert.read")],
    responses=READS,
)
async def list_recent_changes(request: Incoming, incident: str) -> ChangeList:
    """From two hours before it began to its end: of its services, what those depend on, and what names no service."""
    deps = deps_of(request)
    await deps.caught_up()

    def reading(store: Store) -> ChangeList:
        row = store.index(deps.tenant, incident_id(store, deps.tenant, incident))
        assert row is not None, "an id that was found has an index row"
        stored = [msgspec.json.decode(body, type=Service) for _, body in store.items(deps.tenant, "service")]
        services = {each.id: each for each in stored}
        return ChangeList(items=changes_of(store, deps.tenant, msgspec.json.decode(row.summary), services))

    return await deps.read(reading)
