"""The update composer and the table of who was told: one form, no script needed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from litestar import Response, Router, get, post
from litestar.response import Redirect

from tocsin.core.incident import Refused
from tocsin.guides import read_directory
from tocsin.http.api_incidents import acting, incident_id
from tocsin.http.api_saying import Telling, telling
from tocsin.http.gate import Incoming, deps_of, needs
from tocsin.http.problems import Unacceptable
from tocsin.ports import Store
from tocsin.saying.composing import Desk, Preview, Status, Update, say
from tocsin.web.forms import HANDLERS, encodings, fields_of, frame
from tocsin.web.render import page

FIRST = ("response-team",)  # chosen when the page opens
STATUSES = ("investigating", "identified", "mitigating", "monitoring", "resolved")


@get("/incidents/{incident:str}/say", guards=[needs("incident.say")])
async def compose(request: Incoming, incident: str) -> Response[Any]:
    """Whom to tell, what is missing, what each would read; and what was told so far."""
    return await _page(request, incident, Update(audiences=FIRST), "")


@post("/incidents/{incident:str}/say", guards=[needs("incident.say")], status_code=200)
async def compose_or_say(request: Incoming, incident: str) -> Response[Any]:
    """The button decides: look at it again, keep it as a draft, or say it. What cannot go is shown with the reason."""
    deps = deps_of(request)
    fields = await fields_of(request)
    update = update_of(fields)
    act = fields.get("act", "preview")
    if act == "preview":
        return await _page(request, incident, update, "")
    if not update.audiences:
        return await _page(request, incident, update, "Choose at least one audience.")

    def post_it(store: Store) -> str:
        name = incident_id(store, deps.tenant, incident)
        after = acting(lambda: say(deps.engine, deps.tenant, name, update, request.user.id, deps.public_url))
        return str(after.reference)

    try:
        reference = await deps.run(post_it)
    except (Refused, Unacceptable) as error:
        return await _page(request, incident, update, f"{str(error)[:1].upper()}{str(error)[1:]}.")
    return Redirect(f"/incidents/{reference}/say#told", status_code=303)


def update_of(fields: Mapping[str, str]) -> Update:
    """The form as an update: `to-AUDIENCE`, `field-NAME`, `text-AUDIENCE` and the plain ones. Raises Unacceptable."""
    status = fields.get("status")
    if status is not None and status not in STATUSES:
        raise Unacceptable(f"status: expected one of {', '.join(STATUSES)}, got {status[:40]!r}")
    known: Mapping[str, Status] = {each: each for each in get_args(Status)}
    return Update(
        audiences=tuple(name[3:] for name in fields if name.startswith("to-")),
        text=fields.get("text", ""),
        public_text=fields.get("public_text", ""),
        fields={name[6:]: value for name, value in fields.items() if name.startswith("field-")},
        status=known[status] if status else None,
        draft=fields.get("act") == "draft",
    )


async def _page(request: Incoming, incident: str, update: Update, error: str) -> Response[Any]:
    deps = deps_of(request)

    def reading(store: Store) -> tuple[Desk, list[Preview], Telling]:
        name = incident_id(store, deps.tenant, incident)
        desk = Desk(deps.engine, deps.tenant, name, deps.public_url)
        shown = acting(lambda: desk.previews(update)) if update.audiences else []
        return desk, shown, telling(deps.engine, store, deps.tenant, name, 30)

    desk, previews, told = await deps.run(reading)
    directory = await deps.read(lambda store: read_directory(store, deps.tenant))
    asked = {name.casefold(): name for each in previews for name in each.missing if name != "text"}
    asked |= {name.casefold(): name for name in update.fields}
    return page(
        "say.html",
        encodings(request),
        status=422 if error else 200,
        incident=desk.incident,
        audiences=list(desk.audiences.values()),
        chosen=set(update.audiences),
        update=update,
        previews=previews,
        asked=sorted(asked.values()),
        choices={each.name.casefold(): each.choices for shown in previews for each in shown.fields if each.choices},
        statuses=STATUSES,
        outside=any(each.outside for each in previews),
        inside=any(not each.outside for each in previews) or not previews,
        drafting=[each for each in previews if each.goes == "draft"],
        told=told,
        error=error,
        **frame(request, directory, "incidents"),
    )


def routes() -> Router:
    return Router("/", route_handlers=[compose, compose_or_say], exception_handlers=HANDLERS, include_in_schema=False)
