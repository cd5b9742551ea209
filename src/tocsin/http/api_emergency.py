"""`/api/access/emergency`: emergency access, taken with a reason, for a while, with everybody told, and reviewed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec
from litestar import Response, Router, delete, get, post
from litestar.exceptions import NotFoundException
from litestar.openapi.datastructures import ResponseSpec

from tocsin import acting
from tocsin.core import emergency
from tocsin.core.access import Actor, Resource
from tocsin.core.escalation import World
from tocsin.http.api_incidents import DENIED, json_of, problem
from tocsin.http.deps import Deps
from tocsin.http.gate import Incoming, deps_of, insist, needs
from tocsin.http.problems import Unacceptable
from tocsin.ports import Store
from tocsin.sighted import whole
from tocsin.standing import EMERGENCY, Access

READS = {**DENIED, 404: problem("Nobody has it")}
PREFIX = "duty-emergency-"


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """Who has emergency access, until when and why. `review`: the duty that somebody else keeps by reviewing it."""

    person: str
    because: str
    taken_at: datetime
    until: datetime
    review: str


class TakenList(msgspec.Struct, frozen=True, kw_only=True):
    items: list[Taken]


class TakeForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`incident`: the one it is needed for, whose timeline says so then. `minutes`: less than the setting allows."""

    because: Annotated[str, msgspec.Meta(max_length=500)]
    minutes: Annotated[int, msgspec.Meta(ge=1, le=1440)] | None = None
    incident: str | None = None


@get("/", summary="Who has emergency access", responses=DENIED, guards=[needs("operations.read")])
async def list_taken(request: Incoming) -> TakenList:
    deps = deps_of(request)
    return TakenList(items=await deps.read(lambda store: standing(store, deps.tenant, store.now())))


@post(
    "/",
    summary="Take emergency access",
    responses={**DENIED, 201: ResponseSpec(data_container=Taken, description="It holds from now")},
    guards=[needs("emergency.take")],
)
async def take_access(request: Incoming, data: TakeForm) -> Response[Taken]:
    """For whoever is on call, administrators and owners. It sees private incidents and may do what administrators may,
    for a while. Others are told, and somebody else has to review it."""
    deps, actor = deps_of(request), request.user
    return json_of(await deps.run(lambda store: take(deps, store, actor, data)), 201)


@delete("/{person:str}", summary="End emergency access early", responses=READS, guards=[needs("emergency.end")])
async def end_access(request: Incoming, person: str) -> None:
    deps, actor = deps_of(request), request.user
    insist(actor, "emergency.end", Resource(owner=person))
    if not await deps.run(lambda store: ended(deps, store, actor.id, person)):
        raise NotFoundException(f"emergency access: {person!r} has none")


def take(deps: Deps, store: Store, actor: Actor, data: TakeForm) -> Taken:
    """Writer thread only."""
    now, engine, tenant = store.now(), deps.engine, deps.tenant
    directory = msgspec.structs.replace(engine.guides.directory(tenant), at=now)
    guides = engine.guides.active(tenant)
    if not guides:
        raise Unacceptable("emergency access: expected a guide in force, there is none")
    on_call = emergency.called(directory, [guide.policy for guide in guides], now)
    insist(actor, "emergency.take", Resource(owner=actor.id if actor.id in on_call else None))
    because = data.because.strip()
    if actor.kind != "person":
        raise Unacceptable("emergency access: expected a person, got a program")
    if len(because) < emergency.BECAUSE_MIN:
        raise Unacceptable(f"because: expected a reason of {emergency.BECAUSE_MIN} characters or more, got {because!r}")
    lasts = min(deps.access.emergency, timedelta(minutes=data.minutes)) if data.minutes else deps.access.emergency
    named = _named(store, tenant, data.incident)
    guide = guides[0]
    stream = f"{PREFIX}{actor.id}-{int(now.timestamp())}"
    name = f"review-access-{actor.id}-{now:%Y-%m-%d-%H%M%S}"
    world = World(policy=guide.policy, rules=(), directory=directory, calendar=guide.calendar)
    first = emergency.taken(
        world, stream=stream, name=name, guide=guide.name, digest=guide.digest, person=actor.id, because=because,
        incident=named or "", until=now + lasts, now=now,
    )  # fmt: skip
    engine.begin(tenant, stream, first)
    access = Access(stream=stream, review=name, because=because, taken_at=now, until=now + lasts)
    store.put(tenant, EMERGENCY, actor.id, msgspec.json.encode(access))
    if named:
        with acting.seeing(None):  # whoever takes it may not see the incident yet
            engine.handle(
                tenant, named, emergency.Taking(by=actor.id, because=because, until=access.until, review=name)
            )
    return _shown(actor.id, access)


def _named(store: Store, tenant: str, name: str | None) -> str | None:
    """The id of the incident it is about, which need not be seen yet. One that is not there is an error only then."""
    if name is None:
        return None
    everything = whole(store)
    return name if everything.index(tenant, name) else everything.find(tenant, name)


def ended(deps: Deps, store: Store, by: str, person: str) -> bool:
    """Whether there was something to end. Writer thread only."""
    access = access_of(store, deps.tenant, person, store.now())
    if access is None:
        return False
    store.delete(deps.tenant, EMERGENCY, person)
    deps.engine.handle(deps.tenant, access.stream, emergency.EndEmergency(by=by, because=f"ended by {by}"))
    return True


def access_of(store: Store, tenant: str, person: str, now: datetime) -> Access | None:
    body = store.get(tenant, EMERGENCY, person)
    access = msgspec.json.decode(body, type=Access) if body else None
    return access if access is not None and access.until > now else None


def standing(store: Store, tenant: str, now: datetime) -> list[Taken]:
    """What holds at `now`, by person."""
    found = [(person, msgspec.json.decode(body, type=Access)) for person, body in store.items(tenant, EMERGENCY)]
    return [_shown(person, access) for person, access in found if access.until > now]


def _shown(person: str, access: Access) -> Taken:
    return Taken(
        person=person,
        because=access.because,
        taken_at=access.taken_at,
        until=access.until,
        review=access.review,
    )


def routes() -> list[Any]:
    handlers = [list_taken, take_access, end_access]
    return [Router("/api/access/emergency", route_handlers=handlers, tags=["access"])]
