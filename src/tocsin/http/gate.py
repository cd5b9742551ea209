"""The gate in front of the API and the pages: finds who calls, refuses other sites' requests; and the safe headers."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.enums import ScopeType
from litestar.exceptions import NotAuthorizedException, PermissionDeniedException
from litestar.handlers import BaseRouteHandler
from litestar.types import ASGIApp, Receive, Scope, Send

from tocsin import acting, standing
from tocsin.core.access import ANYTHING, Action, Actor, Resource, conceivable, may
from tocsin.core.ledger import Draft
from tocsin.core.sight import NOBODY, sight_of
from tocsin.core.texts import unspeakable
from tocsin.http import auth
from tocsin.http.deps import Deps
from tocsin.http.problems import Unacceptable
from tocsin.ports import Store

Incoming = Request[Actor, Any, State]
STATIC = "/static/"
READING = frozenset({"GET", "HEAD"})
NOBODY_CALLS = "expected a bearer token or a session: sign in, or send Authorization: Bearer"
PATH_MAX = 500  # characters of a path that the audit trail keeps

log = logging.getLogger(__name__)

SAFE_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (
        b"content-security-policy",
        b"default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),  # for browsers that do not know frame-ancestors
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
)


class PlainRequest(Request[Any, Any, Any]):
    """A request of people's API: text in its JSON holds no control characters, or it is refused by name."""

    async def json(self) -> Any:
        value = await super().json()
        if wrong := unspeakable(value):
            raise Unacceptable(wrong)
        return value


class Gate:
    """ASGI middleware: sets `scope["user"]` to the Actor or None; whether that is enough is each route's guard.

    `scope["auth"]` says why nobody calls, where there is more to say than that.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        headers = headers_of(scope)
        acting.sees(NOBODY)
        deps: Deps = scope["litestar_app"].state["deps"]
        scope["user"] = await actor_of_headers(deps, headers)
        scope["auth"] = await why_nobody(deps, auth.bearer(headers)) if scope["user"] is None else None
        if scope["user"] is not None:
            acting.speaks_for(scope["user"].id)
        if auth.foreign(scope["method"], headers) and auth.bearer(headers) is None:
            await refuse_foreign(send)
            return
        actor = scope["user"]
        if actor is not None and actor.emergency and scope["method"] in READING:
            name = str(scope.get("path_params", {}).get("incident", ""))
            await record_reading(deps, actor.id, scope["method"], scope["path"], name)
        await self._app(scope, receive, send)


async def record_reading(deps: Deps, actor: str, method: str, path: str, name: str) -> None:
    """What is looked at under emergency access is an entry of the audit trail before a byte of it is given out.

    What it changes is recorded as everybody's changes are.
    """
    tenant = deps.tenant
    if path.startswith(STATIC):
        return

    def written(store: Store) -> None:
        stream = name if name and store.index(tenant, name) else name and store.find(tenant, name)
        store.record(tenant, [reading(actor, f"{method} {path}", stream or "")])

    await deps.run(written)


def reading(actor: str, what: str, stream: str) -> Draft:
    """The entry: about the incident, so that whoever may not see that does not see the entry; else about the path."""
    kind, resource = ("incident", stream) if stream else ("path", what.partition(" ")[2][:PATH_MAX])
    return Draft(
        actor=actor, action="emergency.read", resource_type=kind, resource=resource, detail=what[: PATH_MAX + 8]
    )


async def actor_of_headers(deps: Deps, headers: Mapping[str, str]) -> Actor | None:
    """Who these headers speak for. A bearer token that is not valid is nobody, whatever the cookie says."""
    token = auth.bearer(headers)
    text = token or auth.session_cookie(headers, secure=secure(deps))
    if text is None:
        return None
    return await actor_of_credential(deps, "token" if token else "session", text)


async def why_nobody(deps: Deps, token: str | None) -> str | None:
    """What the holder of a token that speaks for nobody is told, where there is something that they can do about it."""
    now = deps.clock.now()
    return await deps.read(lambda store: auth.waits(store, deps.tenant, token, now)) if token else None


async def actor_of_credential(deps: Deps, kind: auth.Kind, text: str) -> Actor | None:
    """Whom a credential speaks for; what follows in this task is seen as they see it."""
    now = deps.clock.now()
    found = await deps.read(lambda store: known(store, deps.tenant, kind, text, now))
    if found is None:
        return None
    record, actor = found
    acting.sees(None if actor.emergency else sight_of(actor.id, actor.teams))
    if auth.stale(record, now):
        await deps.run(lambda store: auth.touch(store, deps.tenant, kind, record, now))
    return actor


def known(store: Store, tenant: str, kind: auth.Kind, text: str, now: datetime) -> tuple[auth.Record, Actor] | None:
    """The record that a credential proves, and whom it speaks for, with their teams as they are."""
    record = auth.check(store, tenant, kind, text, now)
    if record is None:
        return None
    actor = auth.actor_of(tenant, kind, record)
    return record, actor if record.service else standing.known(store, tenant, actor, now)


def secure(deps: Deps) -> bool:
    """Whether people come by https: cookies are bound to this host then."""
    return deps.public_url.startswith("https://")


def headers_of(scope: Any) -> dict[str, str]:
    """Header names in lower case; of a repeated header the last counts, except cookies, which are joined."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}; {value}" if name == "cookie" and name in headers else value
    return headers


async def refuse_foreign(send: Send) -> None:
    body = (
        b'{"type":"about:blank","title":"Forbidden","status":403,'
        b'"detail":"this request came from another site, so it was not carried out","errors":[]}'
    )
    headers = [(b"content-type", b"application/problem+json")]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


ONLY_TLS = ((b"strict-transport-security", b"max-age=31536000"),)  # of this host; others of the domain decide alone


def with_safe_headers(send: Any, *, tls: bool = False) -> Any:
    """Every answer gets the headers above, unless it says its own. `tls`: people open Tocsin by https."""
    safe = SAFE_HEADERS + ONLY_TLS if tls else SAFE_HEADERS

    async def sending(message: Any) -> None:
        if message["type"] == "http.response.start":
            said = {name.lower() for name, _ in message["headers"]}
            message["headers"] = [*message["headers"], *(each for each in safe if each[0] not in said)]
        await send(message)

    return sending


class needs:
    """A guard: 401 for nobody, 403 for somebody who may not. Of several on a route, all must be content.

    Where own things, a team or an incident's commander count, it lets through whoever might be one, and the handler
    insists once it knows the thing.
    """

    def __init__(self, action: Action) -> None:
        self.action = action

    def __call__(self, connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        actor = connection.scope.get("user")
        if actor is None:
            raise NotAuthorizedException(connection.scope.get("auth") or NOBODY_CALLS)
        decision = conceivable(actor, self.action)
        if not decision:
            log.warning("refused: %s: %s", connection.url.path, decision.because)
            raise PermissionDeniedException(decision.because)


class anybody:
    """The declaration of a route that asks for nobody: `because` says why that is right."""

    def __init__(self, because: str) -> None:
        self.because = because

    def __call__(self, connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        pass


def insist(actor: Actor, action: Action, resource: Resource = ANYTHING) -> None:
    """Raises PermissionDeniedException, with the reason, for an actor who may not."""
    decision = may(actor, action, resource)
    if not decision:
        log.warning("refused: %s", decision.because)
        raise PermissionDeniedException(decision.because)


def deps_of(request: Incoming) -> Deps:
    deps: Deps = request.app.state.deps
    return deps
