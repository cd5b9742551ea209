"""Every route for every role: the answer is the one that the documented table gives."""

from __future__ import annotations

import pytest

from tests.http.permissions_page import PAGE, page, reasons
from tests.http.routes_of import Route, body_for, routes
from tests.http.world import Server
from tocsin.core.access import ROLES, TABLE, Actor, Role, conceivable, may

ENDS = ("/sign-out", "/api/me/sessions", "/account/sessions/end")  # what ends whoever asks


def test_every_route_says_what_it_asks_for_or_why_nobody_is_asked(shared: Server):
    assert [f"{each.method} {each.path}" for each in routes(shared) if not each.actions and not reasons(each)] == []


def test_the_page_of_permissions_is_what_the_table_and_the_routes_say(shared: Server):
    assert PAGE.read_text("utf-8") == page(routes(shared)), "run python -m tests.http.permissions_page"


def test_every_action_of_the_table_is_asked_for_somewhere(shared: Server):
    asked = {action for route in routes(shared) for action in route.actions}
    elsewhere = {  # asked by a handler, by another application, or by what is not built yet
        "alert.post", "contact.manage", "feed.manage", "incident.note", "metrics.read", "silence.manage",
        "tenant.manage",
    }  # fmt: skip

    assert set(TABLE) - asked <= elsewhere | {each for each in TABLE if each.startswith(("evidence.", "runbook."))}


@pytest.mark.slow
@pytest.mark.parametrize("role", [None, *ROLES])
def test_every_route_answers_every_role_as_the_table_says(server: Server, role: Role | None):
    """Whoever asks owns nothing, leads nothing and commands nothing here."""
    world = server.world
    client = server.client(world.token(role, "olga")) if role else server.client()
    world.do(lambda _: None)
    wrong = []

    for route in routes(server):
        if not route.actions or route.stream or route.path in ENDS:
            continue
        body = body_for(route)
        said = {"json": body} if route.path.startswith(("/api/", "/v1/", "/scim/")) else {"data": body}
        status = client.request(route.method, route.at(), **said).status_code  # type: ignore[arg-type]
        if not _expected(route, role, status):
            wrong.append(f"{route.method} {route.path}: {status}")

    assert wrong == []


def _expected(route: Route, role: Role | None, status: int) -> bool:
    """Nobody is asked to sign in; who may not, whatever the thing were, is refused; who may not here gets nothing."""
    if role is None:
        of_programs = route.path.startswith(("/api/", "/v1/", "/scim/"))
        return status == (401 if of_programs else 303)  # browsers are led to the sign-in
    actor = Actor(tenant="default", id="olga", kind="person", role=role)
    if not all(conceivable(actor, action) for action in route.actions):
        return status == 403
    if not all(may(actor, action) for action in route.actions):
        return status >= 400 or "{tag}" in route.path
    by_session = route.path.startswith(("/account", "/api/me/"))  # what a token may not change of a person's way in
    return status != 401 and (status != 403 or by_session or any(TABLE[action].own for action in route.actions))
