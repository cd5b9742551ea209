"""What every page shares: reading a form, the values of the frame, and errors as pages."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any
from urllib.parse import parse_qsl, quote

from litestar import Response
from litestar.exceptions import HTTPException, NotAuthorizedException, NotFoundException
from litestar.response import Redirect

from tocsin.core.access import may
from tocsin.core.people import Directory
from tocsin.core.texts import unspeakable
from tocsin.http import problems
from tocsin.http.gate import Incoming, deps_of
from tocsin.http.problems import Problem, Unacceptable
from tocsin.web.render import page

FIELDS_MAX = 256  # a private incident may name a few hundred people


async def fields_of(request: Incoming, several: Collection[str] = ()) -> dict[str, str]:
    """The fields of an urlencoded form; empty ones are left out, line breaks are as everywhere else.

    Of a field that comes more than once the last counts; of those in `several` all do, separated by commas.
    """
    body = (await request.body()).decode("utf-8", "replace")
    try:
        pairs = parse_qsl(body, max_num_fields=FIELDS_MAX, errors="replace")
    except ValueError as error:
        raise Unacceptable(f"body: expected at most {FIELDS_MAX} fields") from error
    if wrong := unspeakable(dict(pairs)):
        raise Unacceptable(wrong)
    fields: dict[str, str] = {}
    for name, value in pairs:
        if value.strip():
            before = f"{fields[name]}," if name in several and name in fields else ""
            fields[name] = before + value.replace("\r\n", "\n")
    return fields


def wants_json(request: Incoming) -> bool:
    return "application/json" in request.headers.get("accept", "")


def frame(request: Incoming, directory: Directory | None, section: str = "") -> dict[str, Any]:
    """The values that base.html needs."""
    actor = request.scope.get("user")
    names = {each.id: each.name for each in directory.people.values()} if directory else {}
    return {
        "actor": actor,
        "names": names,
        "now": deps_of(request).clock.now(),
        "section": section,
        "may_respond": actor is not None and bool(may(actor, "incident.respond")),
        "may_audit": actor is not None and bool(may(actor, "audit.read")),
        "may_manage": actor is not None and bool(may(actor, "people.manage")),
    }


def encodings(request: Incoming) -> str:
    return request.headers.get("accept-encoding", "")


def show_problem(request: Incoming, found: Response[Problem]) -> Response[Any]:
    """A problem as JSON for scripts and programs, as a page for people."""
    if wants_json(request):
        return found
    problem = found.content
    here = request.url.path
    at_pages = here.startswith("/status-pages/") and problem.status not in (404,)
    at_incident = here.startswith("/incidents/") and problem.status not in (404,)
    return page(
        "problem.html",
        encodings(request),
        status=problem.status,
        title=problem.title,
        detail=problem.detail,
        sent=request.method == "POST",
        back="/".join(here.split("/")[:3]) if at_incident or at_pages else "/",
        back_text="Back to the incident" if at_incident else "Back" if at_pages else "To the incidents",
        **frame(request, None),
    )


def on_http(request: Incoming, error: HTTPException) -> Response[Any]:
    if isinstance(error, NotAuthorizedException) and not wants_json(request):
        here = request.url.path if request.method == "GET" else "/"
        return Redirect("/sign-in" if here == "/" else f"/sign-in?next={quote(here)}", status_code=303)
    return show_problem(request, problems.on_http(request, error))


def on_missing(request: Incoming, error: HTTPException) -> Response[Any]:
    """What has no route: a page for whoever looks with a browser, wherever no program is spoken to."""
    looks = request.method == "GET" and "text/html" in request.headers.get("accept", "")
    if looks and not request.url.path.startswith("/api/"):
        return show_problem(request, problems.answer(404, "There is no such page", title="Not found"))
    return problems.on_http(request, error)


def _as_page(handler: Callable[[Incoming, Any], Response[Problem]]) -> Callable[[Incoming, Any], Response[Any]]:
    return lambda request, error: show_problem(request, handler(request, error))


HANDLERS: dict[Any, Any] = {
    **{kind: _as_page(handler) for kind, handler in problems.HANDLERS.items()},
    HTTPException: on_http,
    NotFoundException: on_http,
}
