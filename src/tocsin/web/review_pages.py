"""The review of an incident as a page: agenda, questions, checklist, lessons, what the law asks; one form each."""

from __future__ import annotations

from typing import Any

from litestar import Response, Router, get, post
from litestar.response import Redirect

from tocsin.core import commands as c
from tocsin.guides import read_directory
from tocsin.http.api_incidents import carry_out
from tocsin.http.api_review import review_of
from tocsin.http.gate import Incoming, deps_of, needs
from tocsin.web.forms import HANDLERS, encodings, fields_of, frame
from tocsin.web.render import page

LESSONS = ("What Went Well", "What Could Be Improved", "Where We Got Lucky")


@get("/incidents/{incident:str}/review", guards=[needs("incident.read")])
async def review_page(request: Incoming, incident: str) -> Response[Any]:
    """What the guide goes through, and what was written for it so far."""
    deps = deps_of(request)
    await deps.caught_up()
    found, sheet = await deps.read(lambda store: review_of(store, deps.tenant, incident))
    directory = await deps.read(lambda store: read_directory(store, deps.tenant))
    asked = {each.name.casefold() for each in sheet.framework}
    fields = dict.fromkeys(LESSONS, "") | {
        name: text for name, text in sheet.written.items() if name.casefold() not in asked
    }
    return page(
        "review.html",
        encodings(request),
        incident=found,
        sheet=sheet,
        fields=fields,
        **frame(request, directory, "incidents"),
    )


@post("/incidents/{incident:str}/review", guards=[needs("incident.respond")], status_code=200)
async def write(request: Incoming, incident: str) -> Response[Any]:
    """One item is ticked, or the words of one field are kept."""
    deps = deps_of(request)
    fields = await fields_of(request)
    by = request.user.id
    said: c.Command = c.WriteReview(by=by, field=fields.get("field", ""), text=fields.get("text", ""))
    if "item" in fields:
        said = c.TickReview(by=by, item=fields["item"], done="undone" not in fields)
    await carry_out(deps, incident, said, request.user)
    return Redirect(f"/incidents/{incident}/review", status_code=303)


def routes() -> Router:
    return Router("/", route_handlers=[review_page, write], exception_handlers=HANDLERS, include_in_schema=False)
