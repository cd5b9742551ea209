"""This device: pages as notifications of the browser; and what makes the pages installable."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response, Router, get, post
from litestar.response import Redirect

from tocsin.core.people import Person, shown_address
from tocsin.core.push import devices, named
from tocsin.guides import read_directory
from tocsin.http.api_push import drop_device
from tocsin.http.gate import Incoming, anybody, deps_of, needs
from tocsin.web.forms import HANDLERS, encodings, fields_of, frame
from tocsin.web.render import STATIC, asset, page

BACKGROUND = "#3a5b5b"


@get("/device", guards=[needs("self.manage")])
async def device_page(request: Incoming) -> Response[Any]:
    deps = deps_of(request)
    directory = await deps.read(lambda store: read_directory(store, deps.tenant))
    person = directory.people.get(request.user.id)
    return page(
        "device.html",
        encodings(request),
        person=person,
        devices=[_shown(each.address) for each in devices(person)] if isinstance(person, Person) else [],
        **frame(request, directory, "device"),
    )


def _shown(address: str) -> dict[str, str]:
    service = shown_address("webpush", address).removeprefix("https://").partition("/")[0]
    return {"device": named(address), "service": service}


@post("/device/remove", guards=[needs("self.manage")], status_code=200)
async def remove(request: Incoming) -> Response[Any]:
    deps, who = deps_of(request), request.user.id
    device = (await fields_of(request)).get("device", "")
    await deps.run(lambda store: drop_device(deps, store, who, device))
    return Redirect("/device", status_code=303)


@get("/sw.js", guards=[anybody("files that every browser needs")])
async def service_worker() -> Response[bytes]:
    """At the root, so that it may speak for every page; browsers look for a new one at every visit."""
    headers = {"Cache-Control": "no-cache"}
    return Response(STATIC["sw.js"].body, media_type="text/javascript", headers=headers)


@get("/manifest.webmanifest", guards=[anybody("files that every browser needs")])
async def manifest() -> Response[bytes]:
    """What a phone needs to put the pages on its home screen."""
    icons = [
        {"src": asset(f"icon-{size}.png"), "sizes": f"{size}x{size}", "type": "image/png", "purpose": purpose}
        for size in (192, 512)
        for purpose in ("any", "maskable")
    ]
    said = {
        "id": "/",
        "name": "Tocsin",
        "short_name": "Tocsin",
        "description": "Incidents: what is broken, who has it, what is owed next",
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "background_color": BACKGROUND,
        "theme_color": BACKGROUND,
        "icons": [{"src": asset("mark.svg"), "sizes": "any", "type": "image/svg+xml"}, *icons],
    }
    headers = {"Cache-Control": "no-cache"}
    return Response(msgspec.json.encode(said), media_type="application/manifest+json", headers=headers)


def routes() -> Router:
    handlers = [device_page, remove, service_worker, manifest]
    return Router("/", route_handlers=handlers, exception_handlers=HANDLERS, include_in_schema=False)
