"""Calendar feeds: `/feeds/TOKEN.ics` for whoever has the link, `/api/feeds` to make, list and revoke them."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime
from typing import Any

import msgspec
from litestar import Response, Router, delete, get, post
from litestar.exceptions import NotFoundException, PermissionDeniedException

from tocsin.core.access import Actor, Resource, may
from tocsin.core.people import person_named
from tocsin.guides import read_directory
from tocsin.http.api_directory import WRITES
from tocsin.http.api_incidents import DENIED, json_of
from tocsin.http.deps import Deps
from tocsin.http.gate import Incoming, anybody, deps_of, needs
from tocsin.http.problems import Unacceptable
from tocsin.oncall.feed import Entry, calendar, entries, horizon
from tocsin.oncall.record import with_record
from tocsin.oncall.stored import read_schedule
from tocsin.ports import Store

FEED = "feed"  # kind of document
KEY = ("secret", "feeds")  # what the tokens are made with; the link itself is not stored
FEEDS_MAX = 500


class Feed(msgspec.Struct, frozen=True, kw_only=True):
    """What a link shows: one schedule, or one person's shifts in all of them."""

    id: str
    schedule: str | None = None
    person: str | None = None
    by: str
    created_at: datetime


class FeedForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Either a schedule or a person."""

    schedule: str | None = None
    person: str | None = None


class FeedView(msgspec.Struct, frozen=True, kw_only=True):
    """`url` is the permission: whoever has it reads the feed, until it is revoked."""

    id: str
    schedule: str | None
    person: str | None
    by: str
    created_at: datetime
    url: str


class FeedList(msgspec.Struct, frozen=True, kw_only=True):
    items: list[FeedView]


def stored_feeds(store: Store, tenant: str) -> list[Feed]:
    return [msgspec.json.decode(body, type=Feed) for _, body in store.items(tenant, FEED)]


def view_of(store: Store, deps: Deps, feed: Feed) -> FeedView:
    return FeedView(
        id=feed.id,
        schedule=feed.schedule,
        person=feed.person,
        by=feed.by,
        created_at=feed.created_at,
        url=f"{deps.public_url}/feeds/{feed.id}-{_proof(store, deps.tenant, feed.id)}.ics",
    )


def make_feed(store: Store, deps: Deps, actor: Actor, form: FeedForm) -> Feed:
    """A new feed is stored, or the same one that this person made before is given again. Writer thread only."""
    if (form.schedule is None) == (form.person is None):
        raise Unacceptable("schedule: expected a schedule or a person, one of them")
    directory = deps.engine.guides.directory(deps.tenant)
    person = person_named(directory, form.person) if form.person is not None else None
    if form.person is not None and person is None:
        raise Unacceptable(f"person: expected somebody of the directory, got {form.person!r}")
    if form.schedule is not None and form.schedule not in directory.schedules:
        raise Unacceptable(f"schedule: expected a stored schedule, got {form.schedule!r}")
    who = person.id if person else None
    known = stored_feeds(store, deps.tenant)
    for each in known:
        if (each.schedule, each.person, each.by) == (form.schedule, who, actor.id):
            return each
    if len(known) >= FEEDS_MAX:
        raise Unacceptable(f"feed: expected at most {FEEDS_MAX}; revoke those that nobody reads")
    feed = Feed(id=secrets.token_hex(6), schedule=form.schedule, person=who, by=actor.id, created_at=deps.clock.now())
    if store.get(deps.tenant, *KEY) is None:
        store.put(deps.tenant, *KEY, secrets.token_bytes(32))
    store.put(deps.tenant, FEED, feed.id, msgspec.json.encode(feed))
    return feed


def _proof(store: Store, tenant: str, name: str) -> str:
    key = store.get(tenant, *KEY) or b""
    return hmac.new(key, name.encode(), hashlib.sha256).hexdigest()[:32] if key else ""


@post("/", summary="Make a calendar link", responses=WRITES, operation_id="make-feed")
async def make(request: Incoming, data: FeedForm) -> Response[FeedView]:
    """Asking again gives the same link. Anybody may: it shows what they may read."""
    deps, actor = deps_of(request), request.user
    return json_of(await deps.run(lambda store: view_of(store, deps, make_feed(store, deps, actor, data))), 201)


@get("/", summary="Calendar links", responses=DENIED, operation_id="list-feeds")
async def list_feeds(request: Incoming) -> FeedList:
    """One's own; of everybody for those who manage."""
    deps, actor = deps_of(request), request.user

    def listed(store: Store) -> list[FeedView]:
        return [view_of(store, deps, each) for each in stored_feeds(store, deps.tenant) if may_see(actor, each)]

    return FeedList(items=await deps.read(listed))


@delete("/{name:str}", summary="Revoke a calendar link", responses=WRITES, operation_id="revoke-feed")
async def revoke(request: Incoming, name: str) -> None:
    """It shows nothing from now on."""
    deps, actor = deps_of(request), request.user
    await deps.run(lambda store: revoke_feed(store, deps, actor, name))


def revoke_feed(store: Store, deps: Deps, actor: Actor, name: str) -> None:
    """Writer thread only."""
    body = store.get(deps.tenant, FEED, name)
    if body is None:
        raise NotFoundException(f"feed: nothing has the id {name!r}")
    if not may_see(actor, msgspec.json.decode(body, type=Feed)):
        raise PermissionDeniedException("feed: somebody else made this one")
    store.delete(deps.tenant, FEED, name)


def may_see(actor: Actor, feed: Feed) -> bool:
    """Whether this is the actor's own link, or the actor manages everybody's."""
    return any(may(actor, "feed.manage", Resource(owner=each)) for each in (feed.by, feed.person))


@get(
    "/feeds/{name:str}",
    include_in_schema=False,
    guards=[anybody("the link is the permission")],
)
async def show_feed(request: Incoming, name: str) -> Response[bytes]:
    """The calendar of a link; 404 for one that is wrong or revoked. No sign-in: calendars have none."""
    deps = deps_of(request)
    body = await deps.read(lambda store: _feed_text(store, deps, name.removesuffix(".ics")))
    if body is None:
        raise NotFoundException("feed: this link is wrong or was revoked")
    tag = f'"{hashlib.sha256(body).hexdigest()[:24]}"'
    headers = {"ETag": tag, "Cache-Control": "private, max-age=300"}
    if tag in request.headers.get("if-none-match", ""):
        return Response(b"", status_code=304, headers=headers, media_type="text/calendar")
    return Response(body, headers=headers, media_type="text/calendar")


def _feed_text(store: Store, deps: Deps, name: str) -> bytes | None:
    feed_id, _, proof = name.partition("-")
    body = store.get(deps.tenant, FEED, feed_id)
    right = hmac.compare_digest(proof.encode(), _proof(store, deps.tenant, feed_id).encode())
    if body is None or not proof or not right:
        return None
    feed = msgspec.json.decode(body, type=Feed)
    directory = read_directory(store, deps.tenant)
    person = directory.people.get(feed.person) if feed.person else None
    names = {each.id: each.name or each.id for each in directory.people.values()}
    listed: list[Entry] = []
    start, end = horizon(store.now(), person.zone if person else "UTC")
    for each, text in store.items(deps.tenant, "schedule"):
        if feed.schedule in (None, each) and (feed.schedule or person):
            plan = read_schedule(text)
            if feed.schedule:
                start, end = horizon(store.now(), plan.zone)
            plan = with_record(store, deps.tenant, each, plan, start, end)
            mine = (person.id, person.name) if person else None
            listed += [
                msgspec.structs.replace(one, person=names.get(one.person, one.person))
                for one in entries(plan.name or each, plan, start, end, people=mine)
            ]
    title = f"On call: {feed.schedule or (person.name or person.id if person else feed.person)}"
    return calendar(title, listed, start, about=f"{deps.public_url}/oncall")


def routes() -> list[Any]:
    managed = Router(
        "/api/feeds", route_handlers=[make, list_feeds, revoke], guards=[needs("oncall.read")], tags=["directory"]
    )
    return [managed, show_feed]
