"""What Tocsin looks at by itself and what it waits to hear from: probes and dead-man monitors."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response, Router, get

from tocsin.core.monitor import Standing, missed_at, standing
from tocsin.guides import read_directory
from tocsin.http.gate import Incoming, deps_of, needs
from tocsin.monitors import stored_monitors
from tocsin.ports import Store
from tocsin.web.forms import HANDLERS, encodings, frame
from tocsin.web.render import page

WORST = ("down", "flapping", "failing", "expiring", "late", "new", "up")
SHOWN = ("http_status", "answer", "answers", "certificate_expires", "page_status", "provider_incidents")


class Beating(msgspec.Struct, frozen=True, kw_only=True):
    """A dead-man monitor as the page shows it."""

    name: str
    standing: Standing
    service: str | None
    every_seconds: int
    last_at: Any
    due_at: Any


@get("/monitoring", guards=[needs("operations.read")])
async def monitoring_page(request: Incoming) -> Response[Any]:
    """What is worst comes first."""
    deps = deps_of(request)
    now = deps.clock.now()
    directory, stored = await deps.read(lambda store: _look(store, deps.tenant))
    beats = [
        Beating(
            name=monitor.name or monitor.id,
            standing=standing(monitor, heard, now),
            service=monitor.service,
            every_seconds=monitor.every_seconds,
            last_at=heard.last_at,
            due_at=missed_at(monitor, heard),
        )
        for monitor, heard in stored
    ]
    values = frame(request, directory, "monitoring") | {"shown": SHOWN}
    probes = sorted(deps.detecting.probed(), key=lambda each: WORST.index(each.standing))
    beats.sort(key=lambda each: WORST.index(each.standing))
    return page("monitoring.html", encodings(request), probes=probes, beats=beats, **values)


def _look(store: Store, tenant: str) -> tuple[Any, Any]:
    return read_directory(store, tenant), stored_monitors(store, tenant)


def routes() -> Router:
    return Router("/", route_handlers=[monitoring_page], exception_handlers=HANDLERS, include_in_schema=False)
