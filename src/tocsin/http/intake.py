"""Where other programs hand in what they know: `/in/{kind}/{token}`, PagerDuty's Events API v2, dead-man pings.

`/in/*` journals first and answers then, as its vendor does; what cannot be read waits in quarantine, visibly, and is
answered 2xx all the same: the sender could do nothing about it, and would give up or repeat it for ever.
`/v2/enqueue` decodes first, because PagerDuty's clients are promised a 400 for what is wrong.
Overload is 503 with Retry-After everywhere, never 429: Alertmanager drops what gets a 4xx (wire-formats.md 2.3).
"""

from __future__ import annotations

import re
from collections.abc import Awaitable
from typing import Protocol

import msgspec

from tocsin.clock import Clock
from tocsin.core.monitor import Signal
from tocsin.http.alertmanager import ALERTMANAGER_KINDS, AlertmanagerApp, caller_of
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
from tocsin.http.sources import Source, Sources
from tocsin.intake import monitor, pagerduty, signatures
from tocsin.intake.formats import FORMATS, Answer as FormatAnswer, Format, event_refused, meta_of
from tocsin.monitors import Monitors
from tocsin.ports import Entry
from tocsin.writer import Overloaded

PAGERDUTY_BYTES_MAX = 512 * 1024  # PagerDuty's own bound
PING_BYTES_MAX = 100_000  # read of a ping's body; core.monitor keeps the end of it
RETRY_AFTER_SECONDS = 1
KINDS = tuple(kind for kind in FORMATS if kind not in (monitor.KIND, "pagerduty_change"))
EXIT_CODE = re.compile(r"\d{1,3}", re.ASCII)
PAYLOAD = "tocsin-payload"  # the header that names the payload: GET /api/payloads/{it} says what became of it


class IntakeDeps(Protocol):
    @property
    def clock(self) -> Clock: ...
    @property
    def sources(self) -> Sources: ...
    @property
    def monitors(self) -> Monitors: ...

    def accept(self, entry: Entry) -> Awaitable[int]:
        """Journal the entry (its `position` is not read); its position, once it is durable.

        Raises writer.Overloaded when too much waits, OSError when the disk takes no more.
        """
        ...

    def fresh_id(self) -> str:
        """32 hex digits that nobody had before."""
        ...


class IntakeApp:
    """ASGI app for `/in/*`, `/v2/enqueue`, `/v2/change/enqueue` and `/ping/*`."""

    def __init__(self, deps: IntakeDeps, alertmanager: AlertmanagerApp) -> None:
        self._deps = deps
        self._alertmanager = alertmanager

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            request = request_of(scope)
        except ValueError as error:
            await answer(send, _error(400, str(error)))
            return
        try:
            given = await self._given(request, receive, send)
        except BodyGone:
            return
        except BodyTooLarge as error:
            given = _error(413, str(error))
        except BadEncoding as error:
            given = _error(400, str(error))
        except (Overloaded, OSError) as error:
            given = overloaded(f"nothing was recorded, try again: {error}", RETRY_AFTER_SECONDS)
        if given is not None:
            await answer(send, given, head=request.method == "HEAD")

    async def _given(self, request: Request, receive: Receive, send: Send) -> Answer | None:
        """The answer; None when the mounted Alertmanager API has answered itself."""
        match request.path.split("/")[1:]:
            case ["in", kind, token, *rest]:
                return await self._hand_in(request, receive, send, kind, token, "/".join(rest))
            case ["v2", "enqueue"]:
                return await self._event(request, receive, "pagerduty")
            case ["v2", "change", "enqueue"]:
                return await self._event(request, receive, "pagerduty_change")
            case ["ping", name]:
                return await self._ping(request, receive, name, "alive", None)
            case ["ping", name, "start" | "fail" as signal]:
                return await self._ping(request, receive, name, signal, None)
            case ["ping", name, code] if EXIT_CODE.fullmatch(code) and int(code) <= 255:
                return await self._ping(request, receive, name, "alive", int(code))
        return _error(404, f"path {request.path} was not found")

    # --- /in/{kind}/{token} -------------------------------------------------------------------------------------------

    async def _hand_in(
        self, request: Request, receive: Receive, send: Send, kind: str, token: str, suffix: str
    ) -> Answer | None:
        mounted = kind in ALERTMANAGER_KINDS and suffix.startswith("api/")
        if not mounted and kind not in KINDS:
            return _error(404, f"kind: expected one of {', '.join(KINDS)}, got {kind[:80]!r}")
        kinds = ALERTMANAGER_KINDS if mounted else (kind,)
        source = next((found for each in kinds if (found := self._deps.sources.by_token(token, each))), None)
        if source is None:
            return _error(401, f"token: no source of kind {kind} has this token")
        if mounted:
            inner = msgspec.structs.replace(request, path=f"/{suffix}")
            await self._alertmanager.serve(caller_of(source), inner, receive, send)
            return None
        if request.method not in ("POST", "PUT"):
            return _error(405, f"method: expected POST or PUT, got {request.method}", (("allow", "POST, PUT"),))
        raw = await read_body(receive, request.headers)
        if source.secret is not None:
            wrong = signatures.verify(kind, source.secret, request.headers, raw, self._deps.clock.now())
            if wrong is not None:
                return _error(401, f"signature: {wrong}")
        if kind == "pagerduty" and suffix.rstrip("/").endswith("change/enqueue"):
            kind = "pagerduty_change"
        return await self._accepted(
            FORMATS[kind], source, unpacked(raw, request.headers), meta_of(request.headers, suffix)
        )

    async def _accepted(self, form: Format, source: Source, body: bytes, meta: dict[str, str]) -> Answer:
        if source.mapping is not None:
            meta["mapping"] = msgspec.json.encode(source.mapping).decode()
        if source.service:
            meta["service"] = source.service
        if form.makes_id:
            meta["dedup_key"] = self._deps.fresh_id()
        entry = Entry(
            position=0,
            tenant=source.tenant,
            source=source.name,
            kind=form.kind,
            received_at=self._deps.clock.now(),
            body=body,
            meta=meta,
        )
        entry = msgspec.structs.replace(entry, position=await self._deps.accept(entry))
        return _vendors(form.answer(entry), (PAYLOAD, str(entry.position)))

    # --- PagerDuty Events API v2 --------------------------------------------------------------------------------------

    async def _event(self, request: Request, receive: Receive, kind: str) -> Answer:
        if request.method != "POST":
            return _error(405, f"method: expected POST, got {request.method}", (("allow", "POST"),))
        raw = await read_body(receive, request.headers, PAGERDUTY_BYTES_MAX)
        body = unpacked(raw, request.headers, PAGERDUTY_BYTES_MAX)
        event = pagerduty.check(body, change=kind == "pagerduty_change")
        if isinstance(event, list):
            return _vendors(event_refused(event))
        source = self._deps.sources.by_token(event.routing_key, "pagerduty")
        if source is None:
            return _vendors(event_refused(["Invalid routing key"]))
        return await self._accepted(FORMATS[kind], source, body, meta_of(request.headers))

    # --- dead-man pings -----------------------------------------------------------------------------------------------

    async def _ping(self, request: Request, receive: Receive, name: str, signal: Signal, code: int | None) -> Answer:
        """Recorded durably, by GET and by POST. HEAD is refused, not ignored, so that a wrong job is noticed."""
        if request.method not in ("GET", "POST", "PUT"):
            return _error(405, f"method: expected GET or POST, got {request.method}", (("allow", "GET, POST, PUT"),))
        body = b"" if request.method == "GET" else await read_body(receive, request.headers, PING_BYTES_MAX)
        text = unpacked(body, request.headers, PING_BYTES_MAX).decode("utf-8", "replace").replace("\0", "\ufffd")
        if not await self._deps.monitors.beat(name, signal, code=code, text=text):
            return _plain(404, "not found")
        return _plain(200, "OK")


def _vendors(told: FormatAnswer, *headers: tuple[str, str]) -> Answer:
    return Answer(status=told.status, body=told.body, content_type=told.content_type, headers=headers)


def _plain(status: int, text: str) -> Answer:
    return Answer(status=status, body=text.encode(), content_type="text/plain; charset=utf-8")


def _error(status: int, message: str, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    return as_json({"code": status, "message": message}, status, headers)
