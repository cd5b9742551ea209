"""Signing in with an identity provider: away to it, and back.

Coming back is a GET that begins a session, as the protocol has it; it does nothing without the cookie of the browser
that went there, so that neither a mail scanner nor another site can do it.
"""

from __future__ import annotations

import logging
from typing import Annotated, Any

from litestar import Response, Router, get
from litestar.params import Parameter
from litestar.response import Redirect

from tocsin import acting
from tocsin.http import auth
from tocsin.http.gate import Incoming, anybody, deps_of, headers_of, needs, secure
from tocsin.http.outside import settled
from tocsin.http.signing import cookie_of, enter, fresh, host_of, local, second_cookie
from tocsin.identity.oidc import PENDING_LASTS, SEAL, Failed, Provider
from tocsin.web.forms import HANDLERS
from tocsin.web.render import capfirst
from tocsin.web.sign_in import ways

NOBODY_YET = anybody("whoever signs in is nobody yet; coming back takes the cookie of going there")

log = logging.getLogger(__name__)


@get("/sign-in/oidc", guards=[NOBODY_YET])
async def leave(
    request: Incoming, to: Annotated[str, Parameter(query="next", description="where to go then")] = "/"
) -> Response[Any]:
    return await _away(request, local(to), "")


@get("/account/oidc", guards=[needs("self.manage")])
async def leave_to_link(request: Incoming) -> Response[Any]:
    """Whoever is signed in here says that they are somebody there. Raises PermissionDeniedException."""
    await fresh(request)
    return await _away(request, "/account", request.user.id)


async def _away(request: Incoming, to: str, person: str) -> Response[Any]:
    deps = deps_of(request)
    provider, seals = deps.identity.provider, deps.identity.seals
    if provider is None:
        return Redirect("/sign-in", status_code=303)
    try:
        url, kept = await provider.begin(seals, deps.tenant, to, deps.clock.now(), person)
    except Failed as error:
        return _not_signed_in(request, provider, error)
    return Redirect(url, status_code=303, cookies=[cookie_of(request, SEAL, kept, PENDING_LASTS)])


@get("/sign-in/oidc/callback", guards=[NOBODY_YET])
async def come_back(request: Incoming) -> Response[Any]:
    deps = deps_of(request)
    provider, seals, now = deps.identity.provider, deps.identity.seals, deps.clock.now()
    if provider is None:
        return Redirect("/sign-in", status_code=303)
    kept = auth.cookie(headers_of(request.scope), SEAL, secure=secure(deps)) or ""
    said = {name: value for name, value in request.query_params.items() if isinstance(value, str)}
    try:
        claims, pending = await provider.finish(seals, kept, said, now)
        caller = request.scope.get("user")
        if pending.tenant != deps.tenant or (pending.person and (caller is None or caller.id != pending.person)):
            raise Failed("that was begun by somebody else; try again")
        if pending.person:
            acting.speaks_for(pending.person)
        account = await deps.run(lambda store: settled(deps, store, provider.settings, claims, pending.person))
    except Failed as error:
        return _not_signed_in(request, provider, error)
    over = cookie_of(request, SEAL, "", PENDING_LASTS)
    if account.totp and not pending.person:
        second = second_cookie(request, account, pending.to, "oidc")
        return Redirect("/sign-in/second", status_code=303, cookies=[over, second])
    return Redirect(pending.to, status_code=303, cookies=[over, *await enter(request, account, "oidc")])


def _not_signed_in(request: Incoming, provider: Provider, error: Failed) -> Response[Any]:
    log.warning("sign-in with %s failed, from %s: %s", provider.settings.issuer, host_of(request), error)
    return ways(request, "/", status=403, said=f"{capfirst(str(error))}.")


def routes() -> Router:
    handlers = [leave, leave_to_link, come_back]
    return Router("/", route_handlers=handlers, exception_handlers=HANDLERS, include_in_schema=False)
