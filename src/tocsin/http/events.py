"""Server-sent events: what changed, as it changes, and nothing missed across a reconnect.

One stream per incident (ids are the versions of its facts, so any process can resume it for ever), and one over
everything (ids are change numbers of this process; a client that comes back with one that is gone is told to `reset`,
that is, to read the listing again).
"""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated, Any

import msgspec
from litestar import get
from litestar.exceptions import ServiceUnavailableException
from litestar.params import Parameter
from litestar.response import Stream as Streaming

from tocsin.clock import monotonic
from tocsin.core.access import may
from tocsin.core.view import timeline
from tocsin.http.api_incidents import DENIED, READS, incident_id, visible
from tocsin.http.deps import Deps
from tocsin.http.gate import Incoming, actor_of_headers, deps_of, headers_of, needs

KEEP_ALIVE_SECONDS = 15.0  # proxies close a silent connection after 30 to 60 seconds
RETRY_MILLISECONDS = 2_000
REMEMBERED = 4_096  # changes; a client that was away for longer reads the listing again
CLIENTS_MAX = 1_000  # open streams; each costs a task and a socket
PERSON_MAX = 100  # of one person or program: nobody keeps the pages of all others from being live

HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}


class Change(msgspec.Struct, frozen=True, kw_only=True):
    number: int
    tenant: str
    incident: str
    version: int


class Events:
    """The hub between the engine's commits (any thread) and the open streams (the loop)."""

    def __init__(self) -> None:
        self.keep_alive_seconds = KEEP_ALIVE_SECONDS
        self._boot = secrets.token_hex(4)
        self._changes: deque[Change] = deque(maxlen=REMEMBERED)
        self.number = 0
        self.rechecks = 0
        self._waiting: set[asyncio.Future[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.full: Callable[[int], bool] = lambda clients: False  # whether so many are all that this tenant may have
        self.clients = 0
        self.of: Counter[str] = Counter()  # who has how many of them open
        self.person_max = PERSON_MAX
        self.closed = False

    def started(self) -> None:
        """Bind to the running loop; commits before it are known to no stream, which is no loss."""
        self._loop = asyncio.get_running_loop()

    def changed(self, tenant: str, stream: str, version: int) -> None:
        """The engine's post-commit hook: safe to call from any thread, returns at once."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._note, tenant, stream, version)

    def close(self) -> None:
        """Every open stream says `closing` and ends. Call on the loop."""
        self.closed = True
        self._wake()

    def recheck(self) -> None:
        """Every open stream asks at once whether its caller may still read. Call on the loop."""
        self.rechecks += 1
        self._wake()

    def since(self, tenant: str, last: str | None) -> tuple[list[Change], int, bool]:
        """The changes after event id `last`, the number to go on from, and whether some of them are forgotten."""
        boot, _, text = (last or "").partition("-")
        known = boot == self._boot and text.isdecimal() and len(text) < 19
        after = int(text) if known else self.number
        oldest = self._oldest()
        forgotten = last is not None and (not known or after + 1 < oldest or after > self.number)
        if forgotten:
            return [], self.number, True
        return [each for each in self._changes if each.number > after and each.tenant == tenant], self.number, False

    def touched(self, incident: str, after: int) -> bool:
        """Whether the incident may have changed after a change number."""
        if after + 1 < self._oldest():
            return True
        return any(each.number > after and each.incident == incident for each in reversed(self._changes))

    def _oldest(self) -> int:
        return self._changes[0].number if self._changes else self.number + 1

    def id_of(self, number: int) -> str:
        return f"{self._boot}-{number}"

    async def wait(self, seconds: float) -> None:
        """Return when something changed, when the hub closes, or after `seconds`."""
        if self.closed:
            return
        future = asyncio.get_running_loop().create_future()
        self._waiting.add(future)
        try:
            await asyncio.wait_for(future, seconds)
        except TimeoutError:
            pass
        finally:
            self._waiting.discard(future)

    def _note(self, tenant: str, stream: str, version: int) -> None:
        self.number += 1
        self._changes.append(Change(number=self.number, tenant=tenant, incident=stream, version=version))
        self._wake()

    def _wake(self) -> None:
        for future in self._waiting:
            if not future.done():
                future.set_result(None)


def event(name: str, data: Any, ident: str = "") -> bytes:
    """One event on the wire. JSON has no raw line breaks, so the data is one line."""
    head = f"id: {ident}\n" if ident else ""
    return f"{head}event: {name}\ndata: ".encode() + msgspec.json.encode(data) + b"\n\n"


class Stream:
    """One open stream: news, keep-alives between, and an end once its caller may no longer read."""

    def __init__(self, events: Events, still: Callable[[], Awaitable[bool]], who: str = "") -> None:
        self._events = events
        self._still = still
        self._who = who

    async def frames(self, news: Callable[[int], Awaitable[list[bytes]]]) -> AsyncIterator[bytes]:
        """The bytes of the stream. `news(seen)` gives the events after change number `seen`; -1 at the beginning."""
        events = self._events
        events.clients += 1
        events.of[self._who] += 1
        try:
            yield f"retry: {RETRY_MILLISECONDS}\n\n".encode()
            seen, due_at, rechecks = -1, monotonic() + events.keep_alive_seconds, events.rechecks
            while not events.closed:
                if events.rechecks != rechecks:
                    rechecks = events.rechecks
                    if not await self._still():
                        break
                    continue
                number = events.number
                if number != seen:
                    for frame in await news(seen):
                        yield frame
                    seen = number
                left = due_at - monotonic()
                if left <= 0:  # also on a busy stream: a revoked credential must not read on
                    if not await self._still():
                        break
                    yield b": keep-alive\n\n"
                    due_at = monotonic() + events.keep_alive_seconds
                elif events.number == seen:
                    await events.wait(left)
            yield event("closing", {})
        finally:
            events.clients -= 1
            events.of[self._who] -= 1
            if not events.of[self._who]:
                del events.of[self._who]


@get(
    "/api/events",
    summary="Everything that changes, as server-sent events",
    tags=["events"],
    guards=[needs("incident.read")],
    media_type="text/event-stream",
    responses=DENIED,
)
async def stream_all(request: Incoming) -> Streaming:
    """Events `changed` carry {incident, version}; `reset`: some are forgotten, read the listing again."""
    deps, events = deps_of(request), events_of(request)
    last = request.headers.get("last-event-id")
    tenant = request.user.tenant

    async def news(seen: int) -> list[bytes]:
        if seen >= 0:
            changes, _, lost = events.since(tenant, events.id_of(seen))
        else:
            changes, _, lost = events.since(tenant, last)
        if lost:
            return [event("reset", {}, events.id_of(events.number))]
        streams = {each.incident for each in changes}
        seen_here = await deps.read(lambda store: {each for each in streams if store.index(tenant, each)})
        frames = [
            event("changed", {"incident": each.incident, "version": each.version}, events.id_of(each.number))
            for each in changes
            if each.incident in seen_here
        ]
        if seen < 0 and not frames:  # an id to resume from, even for a client that leaves before anything happens
            frames.append(event("hello", {}, events.id_of(events.number)))
        return frames

    return _answer(request, deps, events, news)


@get(
    "/api/incidents/{incident:str}/events",
    summary="What happens to one incident, as server-sent events",
    tags=["events"],
    guards=[needs("incident.read")],
    media_type="text/event-stream",
    responses=READS,
)
async def stream_incident(
    request: Incoming,
    incident: str,
    after: Annotated[int, Parameter(ge=0, le=10**9, description="leave out this many facts")] = 0,
) -> Streaming:
    """Events `fact` are timeline items; their ids are versions, so `Last-Event-ID` resumes without loss at any time."""
    deps, events = deps_of(request), events_of(request)
    name = await deps.read(lambda store: incident_id(store, deps.tenant, incident))
    last = request.headers.get("last-event-id", "")
    position = int(last) if last.isdecimal() and len(last) < 10 else after

    async def news(seen: int) -> list[bytes]:
        nonlocal position
        if seen >= 0 and not events.touched(name, seen):
            return []
        history = await deps.read(lambda store: store.facts(deps.tenant, name, position))
        items = visible(timeline(history, position), request.user)
        position += len(history)
        return [event("fact", item, str(item.version)) for item in items]

    return _answer(request, deps, events, news)


def _answer(request: Incoming, deps: Deps, events: Events, news: Callable[[int], Awaitable[list[bytes]]]) -> Streaming:
    if events.closed or events.clients >= CLIENTS_MAX or events.full(events.clients):
        raise ServiceUnavailableException("too many event streams are open, or the server is stopping; try again")
    who = request.user.id
    if events.of[who] >= events.person_max:
        raise ServiceUnavailableException(f"{who} has {events.person_max} event streams open already; close some")
    headers = headers_of(request.scope)

    async def still() -> bool:
        actor = await actor_of_headers(deps, headers)
        return actor is not None and bool(may(actor, "incident.read"))

    frames = Stream(events, still, who).frames(news)
    return Streaming(frames, media_type="text/event-stream", headers=HEADERS)


def events_of(request: Incoming) -> Events:
    events: Events = request.app.state.events
    return events


def routes() -> list[Any]:
    return [stream_all, stream_incident]
