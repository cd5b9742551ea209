"""Every route that the server has, read off the server itself: a route that is new is tested by being there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from litestar import Litestar
from litestar.routes import HTTPRoute

from tests.http.world import Server
from tocsin.core.access import Action
from tocsin.http.gate import anybody, needs
from tocsin.http.openapi import EXAMPLES
from tocsin.http.statuspage import TABLE

STREAMS = "text/event-stream"


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One method of one path. `actions`: what its guards ask for, outermost first; `open_to`: why they ask nobody."""

    method: str
    path: str
    actions: tuple[Action, ...]
    open_to: tuple[str, ...] = ()
    stream: bool = False

    @property
    def names_an_incident(self) -> bool:
        return "{incident}" in self.path

    def at(self, **names: str) -> str:
        """The path with these names in it, and `x` for all others."""
        parts = [
            names.get(part[1:-1], "x") if part.startswith("{") and part.endswith("}") else part
            for part in self.path.split("/")
        ]
        return "/".join(parts)


def routes(server: Server) -> list[Route]:
    """What Litestar serves, and Statuspage's manage API."""
    found = served(server.faces.app)
    for methods, path, action, _ in TABLE:
        found += [Route(method=method, path=f"/v1/pages{path}", actions=(action,)) for method in methods.split("|")]
    return sorted(found, key=lambda each: (each.path, each.method))


def served(app: Litestar) -> list[Route]:
    """What Litestar serves."""
    return [each for route in app.routes if isinstance(route, HTTPRoute) for each in _of(route)]


def _of(route: HTTPRoute) -> Iterator[Route]:
    for method, handlers in route.route_handler_map.items():
        handler = handlers if not isinstance(handlers, tuple) else handlers[0]
        if method == "OPTIONS":
            continue
        guards = [getattr(each, "func", each) for each in handler.resolve_guards()]
        yield Route(
            method=str(method),
            path=route.path_format,
            actions=tuple(each.action for each in guards if isinstance(each, needs)),
            open_to=tuple(each.because for each in guards if isinstance(each, anybody)),
            stream=getattr(handler, "media_type", "") == STREAMS,
        )


def body_for(route: Route) -> Mapping[str, Any] | None:
    """A body that somebody would send there, where one is known."""
    if route.method == "GET":
        return None
    return EXAMPLES.get(route.path.rpartition("/")[2], {})
