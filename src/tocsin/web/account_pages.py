"""`/account`: how one signs in, where one is signed in, and one's own tokens. Works without scripts, passkeys apart."""

from __future__ import annotations

from typing import Any

from litestar import Response, Router, get, post
from litestar.response import Redirect

from tocsin.core.access import ROLES
from tocsin.guides import read_directory
from tocsin.http import own, own_factors
from tocsin.http.api_account import overview, session_view
from tocsin.http.gate import Incoming, deps_of, needs
from tocsin.http.problems import Unacceptable
from tocsin.http.signing import FRESH, session_of
from tocsin.identity import accounts
from tocsin.identity.passkeys import place_of
from tocsin.web.forms import HANDLERS, encodings, fields_of, frame
from tocsin.web.render import page


@get("/account", guards=[needs("self.manage")])
async def account_page(request: Incoming) -> Response[Any]:
    return await shown(request)


async def shown(request: Incoming, *, said: str = "", wrong: str = "", status: int = 200, **more: Any) -> Response[Any]:
    """The page; `said` is what was done, `wrong` why not, `more` what is shown this once."""
    deps, actor = deps_of(request), request.user
    directory = await deps.read(lambda store: read_directory(store, deps.tenant))
    session = await session_of(request)
    fresh = session is not None and deps.clock.now() - session.created_at <= FRESH
    values: dict[str, Any] = {
        "how": await overview(request),
        "sessions": [session_view(each, request) for each in await own.own_sessions(request)],
        "tokens": await own.own_tokens(request),
        "waiting": await own.waiting_tokens(request),
        "roles": [each for each in ROLES if accounts.lower(each, actor.role) == each],
        "fresh": fresh,
        "by_link": session is not None and session.via == "link" and fresh,
        "said": said,
        "wrong": wrong,
        "made": "",
        "passkeys": await own_factors.own_passkeys(request),
        "place": place_of(deps.public_url),
        "enrolling": None,
        "provider": deps.identity.provider.settings if deps.identity.provider else None,
        "recovery": (),
    }
    return page("account.html", encodings(request), status=status, **(values | more | frame(request, directory)))


async def acted(request: Incoming, error: Unacceptable) -> Response[Any]:
    """The page again, with what was wrong."""
    return await shown(request, wrong=str(error), status=400)


@post("/account/password", guards=[needs("self.manage")], status_code=200)
async def set_password(request: Incoming) -> Response[Any]:
    fields = await fields_of(request)
    try:
        ended = await own.set_password(request, fields.get("old", ""), fields.get("new", ""))
    except Unacceptable as error:
        return await acted(request, error)
    others = {0: "", 1: " One other session has ended."}.get(ended, f" {ended} other sessions have ended.")
    return await shown(request, said=f"Your password is set.{others}")


@post("/account/sessions/end", guards=[needs("self.manage")], status_code=200)
async def end_session(request: Incoming) -> Response[Any]:
    """One session, or all others."""
    name = (await fields_of(request)).get("session", "")
    if name:
        await own.end_session(request, name)
    else:
        await own.end_other_sessions(request)
    return Redirect("/account", status_code=303)


@post("/account/tokens", guards=[needs("self.manage")], status_code=200)
async def make_token(request: Incoming) -> Response[Any]:
    fields = await fields_of(request)
    days = fields.get("days", "")
    role = next((each for each in ROLES if each == fields.get("role", "viewer")), None)
    if role is None or (days and not (days.isascii() and days.isdigit() and 0 < int(days[:6]) <= 3650)):
        return await acted(request, Unacceptable("days: expected 1 to 3650, or nothing, and a role"))
    try:
        issued = await own.make_token(request, fields.get("token_name", ""), role, int(days) if days else None)
    except Unacceptable as error:
        return await acted(request, error)
    return await shown(request, made=issued.text)


@post("/account/tokens/end", guards=[needs("self.manage")], status_code=200)
async def end_token(request: Incoming) -> Response[Any]:
    await own.end_token(request, (await fields_of(request)).get("token", ""))
    return Redirect("/account", status_code=303)


def routes() -> Router:
    handlers = [account_page, set_password, end_session, make_token, end_token]
    return Router("/", route_handlers=handlers, exception_handlers=HANDLERS, include_in_schema=False)
