"""`/api/monitors`: dead-man monitors, whose silence opens an incident."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from litestar import Response, delete, get, put
from litestar.exceptions import NotFoundException
from litestar.openapi.datastructures import ResponseSpec

from tocsin.core.monitor import BEATS, MONITOR, Beats, Monitor, Standing, check_monitor, standing
from tocsin.http.api_directory import READS, WRITES
from tocsin.http.api_incidents import DENIED, acting, json_of
from tocsin.http.deps import Deps
from tocsin.http.gate import Incoming, deps_of, needs
from tocsin.monitors import stored_monitors
from tocsin.ports import Store


class MonitorForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A beat at `/ping/{id}` is expected every `every_seconds`; `armed`: the first one too."""

    every_seconds: int
    grace_seconds: int = 60
    name: str = ""
    service: str | None = None
    severity: str = "critical"
    labels: dict[str, str] = {}
    armed: bool = False


class MonitorView(msgspec.Struct, frozen=True, kw_only=True):
    """The monitor, what was heard of it, and how it stands."""

    id: str
    standing: Standing
    url: str
    monitor: Monitor
    beats: Beats


class MonitorList(msgspec.Struct, frozen=True, kw_only=True):
    items: list[MonitorView]


@get("/api/monitors", summary="Dead-man monitors", tags=["alerts"], guards=[needs("operations.read")], responses=DENIED)
async def list_monitors(request: Incoming) -> MonitorList:
    deps = deps_of(request)
    now = deps.clock.now()
    pairs = await deps.read(lambda store: stored_monitors(store, deps.tenant))
    return MonitorList(items=[_view(deps, monitor, beats, now) for monitor, beats in pairs])


@put(
    "/api/monitors/{name:str}",
    summary="Create or replace a monitor",
    tags=["alerts"],
    guards=[needs("monitor.manage")],
    responses={**WRITES, 201: ResponseSpec(data_container=MonitorView, description="It is new")},
)
async def put_monitor(request: Incoming, name: str, data: MonitorForm) -> Response[MonitorView]:
    """What was heard of a replaced monitor stays."""
    deps = deps_of(request)

    def on_the_writer(store: Store) -> tuple[MonitorView, bool]:
        body = store.get(deps.tenant, MONITOR, name)
        born = msgspec.json.decode(body, type=Monitor).created_at if body else store.now()
        monitor = Monitor(id=name, created_at=born, **msgspec.structs.asdict(data))
        acting(lambda: check_monitor(monitor))
        store.put(deps.tenant, MONITOR, name, msgspec.json.encode(monitor))
        deps.changed(MONITOR)
        heard = store.get(deps.tenant, BEATS, name)
        beats = msgspec.json.decode(heard, type=Beats) if heard else Beats()
        return _view(deps, monitor, beats, store.now()), body is None

    shown, new = await deps.run(on_the_writer)
    return json_of(shown, 201 if new else 200)


@delete(
    "/api/monitors/{name:str}",
    summary="Delete a monitor",
    tags=["alerts"],
    guards=[needs("monitor.manage")],
    responses=READS,
)
async def delete_monitor(request: Incoming, name: str) -> None:
    deps = deps_of(request)

    def on_the_writer(store: Store) -> bool:
        store.delete(deps.tenant, BEATS, name)
        gone = store.delete(deps.tenant, MONITOR, name)
        deps.changed(MONITOR)
        return gone

    if not await deps.run(on_the_writer):
        raise NotFoundException(f"monitor: nothing has the id {name!r}")


def _view(deps: Deps, monitor: Monitor, beats: Beats, now: datetime) -> MonitorView:
    url = f"{deps.public_url}/ping/{monitor.id}"
    return MonitorView(id=monitor.id, standing=standing(monitor, beats, now), url=url, monitor=monitor, beats=beats)


def routes() -> list[Any]:
    return [list_monitors, put_monitor, delete_monitor]
