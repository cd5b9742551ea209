"""Be an Alertmanager: API v2 as Prometheus, amtool and Grafana use it, the v1 listing of old runbooks, `/-/healthy`.

Paths, statuses and error bodies are those of genuine Alertmanager (0.25, read from its answers), except where its own
specification says better: whatever is wrong with a request is 400 and a JSON string (genuine: 422 and an object for
what its framework finds), a silence that is not there is 404 and a JSON string, for DELETE and odd ids too. A boolean
that is none is refused instead of read as false. Alerts are taken whatever their Content-Type. Overload is 503 with
Retry-After. Alerts have `mutedBy` (0.28 and later), which names maintenance windows.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Literal, Protocol, TypeVar

import msgspec

from tocsin.clock import Clock
from tocsin.core.access import Action, may
from tocsin.core.matchers import matches
from tocsin.core.silence import SILENCE, UnknownSilence, compiled, in_order, mentions
from tocsin.guides import Guides
from tocsin.http import alertlist, auth
from tocsin.http.alertlist import AlertReader, BadQuery, Listed, Receiver, Wanted
from tocsin.http.amconfig import alertmanager_config
from tocsin.http.asgi import (
    Answer,
    BadEncoding,
    BodyGone,
    BodyTooLarge,
    Receive,
    Request,
    Scope,
    Send,
    answer,
    as_json,
    overloaded,
    read_body,
    request_of,
    unpacked,
)
from tocsin.http.deps import Health
from tocsin.http.silences import (
    UUID,
    end_silence,
    put_silence,
    read_silence,
    show_silence,
    show_time,
    silence,
    silences,
)
from tocsin.http.sources import ANY_KIND, Source, Sources, credential
from tocsin.ports import Store

T = TypeVar("T")

# The version whose behaviour this is. amtool warns before every command when it is not its own; the revision says who
# really answers.
API_VERSION = "0.25.0"

SOURCE_NAME = "alertmanager"  # the source of alerts that come without a source's own token
ALERTMANAGER_KINDS = ("alertmanager", "prometheus", "any")

May = Literal["status", "read", "post", "respond"]  # post: hand in alerts; respond: change silences
LOOKING: frozenset[May] = frozenset({"status", "read"})
EVERYTHING: frozenset[May] = LOOKING | {"post", "respond"}
ASKED: dict[May, Action] = {"status": "alert.read", "read": "alert.read", "post": "alert.post"}
ASKED["respond"] = "silence.manage"
OF_A_SOURCE: frozenset[May] = frozenset({"status", "post"})  # its token stands in a monitor's configuration


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Whoever a request speaks for. `source` is what its alerts are filed under; `may` what it may do."""

    tenant: str
    by: str
    source: str
    may: frozenset[May]
    waits: str = ""  # why it may not do the rest yet


class AlertmanagerDeps(Protocol):
    """What the API needs of the process: some of `http.deps.Deps`, and what only intake has."""

    @property
    def tenant(self) -> str: ...
    @property
    def loopback(self) -> bool: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def started_at(self) -> datetime: ...
    @property
    def version(self) -> str: ...
    @property
    def sources(self) -> Sources: ...
    @property
    def alerts(self) -> AlertReader: ...

    def run(self, fn: Callable[[Store], T]) -> Awaitable[T]:
        """`fn(store)` on the writer thread."""
        ...

    def read(self, fn: Callable[[Store], T]) -> Awaitable[T]:
        """`fn(snapshot)` on a reader's thread."""
        ...

    def caught_up(self) -> Awaitable[bool]:
        """True once everything accepted before this call is digested; False after a second of waiting."""
        ...

    def health(self) -> Health: ...

    def changed(self, kind: str) -> None:
        """Documents of this kind were written: forget what was decoded of them. Called on the writer thread."""
        ...

    def accept_alerts(self, tenant: str, source: str, body: bytes) -> Awaitable[Answer]:
        """Decode, journal what is valid, and answer as Alertmanager does. 503 when there is no room or no disk."""
        ...


Handler = Callable[["AlertmanagerApp", Caller, Request, Receive], Awaitable[Answer]]


class AlertmanagerApp:
    """ASGI app for `/api/v2/*`, `/api/v1/alerts`, `/-/healthy` and `/-/ready`."""

    def __init__(self, deps: AlertmanagerDeps) -> None:
        self._deps = deps

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer any request whose path this app owns; others get Alertmanager's 404."""
        try:
            request = request_of(scope)
        except ValueError as error:
            await answer(send, as_json({"code": 400, "message": str(error)}, 400))
            return
        if request.path.startswith("/-/"):
            await answer(send, self._management(request), head=request.method == "HEAD")
            return
        caller = await self._caller(request)
        await self.serve(caller, request, receive, send)

    async def serve(self, caller: Caller | None, request: Request, receive: Receive, send: Send) -> None:
        """Answer a request of a caller who is known already: also for the API mounted under a source's token."""
        try:
            given = await self._given(caller, request, receive)
        except BodyGone:
            return
        await answer(send, given, head=request.method == "HEAD")

    async def _given(self, caller: Caller | None, request: Request, receive: Receive) -> Answer:
        methods, silence_id = _route(request.path)
        if methods is None:
            return _go_error(404, f"path {request.path} was not found")
        if caller is None:
            headers = (("www-authenticate", 'Bearer realm="tocsin"'),)
            return as_json({"code": 401, "message": "expected a bearer token that is valid here"}, 401, headers)
        if request.method not in methods:
            allowed = ",".join(methods)
            refused = _go_error(405, f"method {request.method} is not allowed, but [{allowed}] are")
            return msgspec.structs.replace(refused, headers=(("allow", allowed),))
        need, handler = methods[request.method]
        if need not in caller.may:
            return _go_error(403, caller.waits or f"{caller.by} may not do this: it needs somebody who may {need}")
        if silence_id is not None and not UUID.fullmatch(silence_id):
            return NOT_FOUND
        try:
            return await handler(self, caller, request, receive)
        except BadQuery as error:
            return as_json(str(error), 400)
        except BodyTooLarge as error:
            return _go_error(413, str(error))
        except BadEncoding as error:
            return as_json(str(error), 400)
        except TimeoutError:
            return overloaded("the alert table had no turn to be read, try again")

    # --- who calls ----------------------------------------------------------------------------------------------------

    async def _caller(self, request: Request) -> Caller | None:
        deps, headers = self._deps, request.headers
        text = credential(headers)
        if text is None:
            if auth.trusted_loopback(headers, listening=deps.loopback):
                return Caller(tenant=deps.tenant, by="loopback", source=SOURCE_NAME, may=EVERYTHING)
            return None
        source = self._source(text)
        return caller_of(source) if source else await deps.read(lambda store: self._person(text, store))

    def posting_source(self, text: str, store: Store) -> Source | None:
        """The source that this token may hand in alerts as, or None: for whoever answers posts without this app."""
        source = self._source(text)
        if source is not None:
            return source
        caller = self._person(text, store)
        if caller is None or "post" not in caller.may:
            return None
        return Source(name=caller.source, kind=ANY_KIND, token_sha256="", tenant=caller.tenant)

    def _source(self, text: str) -> Source | None:
        return next(filter(None, (self._deps.sources.by_token(text, kind) for kind in ALERTMANAGER_KINDS)), None)

    def _person(self, text: str, store: Store) -> Caller | None:
        """A token of a restored backup that waits to be confirmed hands in alerts: a restore costs none."""
        tenant = self._deps.tenant
        record = auth.check(store, tenant, "token", text, self._deps.clock.now(), suspended=True)
        if record is None:
            return None
        actor = auth.actor_of(tenant, "token", record)
        waits = auth.WAITS.format(record.id) if auth.is_suspended(store, tenant, record.id) else ""
        asked: dict[May, Action] = {"post": ASKED["post"]} if waits else ASKED
        allowed = frozenset[May](word for word, action in asked.items() if may(actor, action))
        return Caller(tenant=actor.tenant, by=actor.id, source=SOURCE_NAME, may=allowed, waits=waits)

    # --- the resources ------------------------------------------------------------------------------------------------

    def _management(self, request: Request) -> Answer:
        if request.path not in ("/-/healthy", "/-/ready"):
            return Answer(status=404, body=b"Not Found\n", content_type="text/plain; charset=utf-8")
        if request.method not in ("GET", "HEAD"):
            return Answer(status=405, content_type="", headers=(("allow", "GET, HEAD"),))
        reasons = self._deps.health().reasons if request.path == "/-/ready" else ()
        text = "\n".join(reasons) or "OK"
        return Answer(status=503 if reasons else 200, body=text.encode(), content_type="text/plain; charset=utf-8")

    async def _status(self, caller: Caller, request: Request, receive: Receive) -> Answer:
        deps = self._deps

        def config(store: Store) -> str:
            return alertmanager_config([(guide.name, guide.policy) for guide in Guides(store).active(caller.tenant)])

        return as_json(
            {
                "cluster": {"peers": [], "status": "disabled"},
                "config": {"original": await deps.read(config)},
                "uptime": show_time(deps.started_at),
                "versionInfo": {
                    "branch": "tocsin",
                    "buildDate": "",
                    "buildUser": "",
                    "goVersion": "",
                    "revision": f"tocsin {deps.version}",
                    "version": API_VERSION,
                },
            }
        )

    async def _receivers(self, caller: Caller, request: Request, receive: Receive) -> Answer:
        wanted = alertlist.wanted_of(request)
        found = await self._deps.read(lambda store: _receivers(store, caller.tenant))
        return as_json([each for each in found if matches(wanted.receiver_labels, each.labels)])

    async def _alerts(self, caller: Caller, request: Request, receive: Receive) -> Answer:
        wanted = alertlist.wanted_of(request)
        return Answer(body=await self._listing(caller, wanted, alertlist.alerts_json))

    async def _old_alerts(self, caller: Caller, request: Request, receive: Receive) -> Answer:
        wanted = alertlist.wanted_of(request)

        def shown(found: list[Listed]) -> bytes:
            data = [alertlist.show_old_alert(each) for each in found]
            return msgspec.json.encode({"status": "success", "data": data})

        return Answer(body=await self._listing(caller, wanted, shown))

    async def _groups(self, caller: Caller, request: Request, receive: Receive) -> Answer:
        wanted = alertlist.wanted_of(request)

        return Answer(
            body=await self._listing(caller, wanted, lambda found: alertlist.groups_json(found, muted=wanted.muted))
        )

    async def _listing(self, caller: Caller, wanted: Wanted, shown: Callable[[list[Listed]], bytes]) -> bytes:
        """What `shown` makes of the wanted alerts, once everything acknowledged before this read is digested."""
        deps = self._deps
        await deps.caught_up()
        now = deps.clock.now()

        def on_a_reader(store: Store) -> bytes:
            muting = compiled(silences(store, caller.tenant), now)
            receivers = {each.name: each for each in _receivers(store, caller.tenant)}
            episodes = deps.alerts.firing(store, caller.tenant, now, wanted.equal)
            found = alertlist.listed(episodes, wanted, muting, receivers)
            return shown(sorted(found, key=lambda each: (each.episode.fingerprint, each.episode.starts_at)))

        return await deps.read(on_a_reader)

    async def _post_alerts(self, caller: Caller, request: Request, receive: Receive) -> Answer:
        body = unpacked(await read_body(receive, request.headers), request.headers)
        if not body.strip():
            return as_json("alerts in body is required", 400)
        return await self._deps.accept_alerts(caller.tenant, caller.source, body)

    async def _silences(self, caller: Caller, request: Request, receive: Receive) -> Answer:
        matchers = alertlist.matchers_of(request, "filter")
        states = {name for name in ("active", "pending", "expired") if alertlist.flag(request, name)}
        stored = await self._deps.read(lambda store: silences(store, caller.tenant))
        now = self._deps.clock.now()
        shown = [show_silence(each, now) for each in in_order(stored, now) if mentions(each, matchers)]
        return as_json([each for each in shown if each["status"]["state"] in states])

    async def _post_silence(self, caller: Caller, request: Request, receive: Receive) -> Answer:
        deps = self._deps
        body = await _json_body(request, receive)
        if isinstance(body, Answer):
            return body

        def on_the_writer(store: Store) -> str:
            name = put_silence(store, caller.tenant, wanted)
            deps.changed(SILENCE)
            return name

        try:
            wanted = read_silence(body, deps.clock.now())
            return as_json({"silenceID": await deps.run(on_the_writer)})
        except UnknownSilence:
            return NOT_FOUND
        except ValueError as error:
            return as_json(str(error), 400)
        except OSError as error:
            return overloaded(f"the silence could not be stored: {error}", 5)

    async def _silence(self, caller: Caller, request: Request, receive: Receive) -> Answer:
        name = request.path.rpartition("/")[2].lower()
        found = await self._deps.read(lambda store: silence(store, caller.tenant, name))
        if found is None:
            return NOT_FOUND
        return as_json(show_silence(found, self._deps.clock.now()))

    async def _end_silence(self, caller: Caller, request: Request, receive: Receive) -> Answer:
        deps = self._deps
        name = request.path.rpartition("/")[2].lower()

        def on_the_writer(store: Store) -> None:
            end_silence(store, caller.tenant, name)
            deps.changed(SILENCE)

        try:
            await deps.run(on_the_writer)
        except UnknownSilence:
            return NOT_FOUND
        except OSError as error:
            return overloaded(f"the silence could not be stored: {error}", 5)
        return Answer(content_type="")


def caller_of(source: Source) -> Caller:
    """A source speaking for itself: it may hand in alerts and ask for the status, nothing else."""
    return Caller(tenant=source.tenant, by=f"source:{source.name}", source=source.name, may=OF_A_SOURCE)


def _receivers(store: Store, tenant: str) -> list[Receiver]:
    return alertlist.receivers_of((guide.name, guide.policy) for guide in Guides(store).active(tenant))


Methods = Mapping[str, tuple[May, Handler]]  # method -> (what the caller must be allowed, handler)
_V2 = "/api/v2"
_ROUTES: Mapping[str, Methods] = {
    f"{_V2}/status": {"GET": ("status", AlertmanagerApp._status)},
    f"{_V2}/receivers": {"GET": ("status", AlertmanagerApp._receivers)},
    f"{_V2}/alerts": {"GET": ("read", AlertmanagerApp._alerts), "POST": ("post", AlertmanagerApp._post_alerts)},
    f"{_V2}/alerts/groups": {"GET": ("read", AlertmanagerApp._groups)},
    f"{_V2}/silences": {"GET": ("read", AlertmanagerApp._silences), "POST": ("respond", AlertmanagerApp._post_silence)},
    "/api/v1/alerts": {"GET": ("read", AlertmanagerApp._old_alerts)},
}
_SILENCE = f"{_V2}/silence/"
_SILENCE_METHODS: Methods = {
    "GET": ("read", AlertmanagerApp._silence),
    "DELETE": ("respond", AlertmanagerApp._end_silence),
}


def _route(path: str) -> tuple[Methods | None, str | None]:
    """The methods of a path, and the silence it names. Genuine Alertmanager reads past a slash at the end, too."""
    if (path := path.rstrip("/")) in _ROUTES:
        return _ROUTES[path], None
    rest = path.removeprefix(_SILENCE)
    if rest != path and rest and "/" not in rest:
        return _SILENCE_METHODS, rest
    return None, None


async def _json_body(request: Request, receive: Receive) -> bytes | Answer:
    """The body, or the refusal of a type that is not JSON; a body that is not there has no type."""
    given = request.headers.get("content-type", "application/octet-stream").partition(";")[0].strip().casefold()
    body = unpacked(await read_body(receive, request.headers), request.headers)
    if not body or given == "application/json":
        return body
    return _go_error(415, f'unsupported media type "{given}", only [application/json] are allowed')


def _go_error(status: int, message: str) -> Answer:
    """An error as go-openapi writes it."""
    return as_json({"code": status, "message": message}, status)


NOT_FOUND = as_json("silence not found", 404)
