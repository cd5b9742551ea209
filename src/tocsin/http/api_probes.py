"""`/api/probes`: what Tocsin looks at by itself, and how it stands."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import get
from litestar.exceptions import NotFoundException

from tocsin.core.probe import Probed
from tocsin.http.api_incidents import DENIED, problem
from tocsin.http.gate import Incoming, deps_of, needs


class ProbeList(msgspec.Struct, frozen=True, kw_only=True):
    """In the order of tocsin.toml."""

    items: list[Probed]


@get("/api/probes", summary="Probes", tags=["alerts"], guards=[needs("operations.read")], responses=DENIED)
async def list_probes(request: Incoming) -> ProbeList:
    """What each looks at, how it stands and since when, and what the last look found."""
    return ProbeList(items=deps_of(request).detecting.probed())


@get(
    "/api/probes/{name:str}",
    summary="A probe",
    tags=["alerts"],
    guards=[needs("operations.read")],
    responses={**DENIED, 404: problem("No probe is called so")},
)
async def show_probe(request: Incoming, name: str) -> Probed:
    for each in deps_of(request).detecting.probed():
        if each.name == name:
            return each
    raise NotFoundException(f"probe: nothing has the name {name!r}")


def routes() -> list[Any]:
    return [list_probes, show_probe]
