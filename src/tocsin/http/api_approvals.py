"""`/api/approvals`: what one person asked for and another has to approve (`access.two_persons`)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from litestar import Router, delete, get, post
from litestar.exceptions import NotFoundException

from tocsin.core import released
from tocsin.core.access import Actor
from tocsin.core.incident import Refused
from tocsin.core.released import Approval
from tocsin.http import second
from tocsin.http.api_incidents import DENIED, problem
from tocsin.http.deps import Deps
from tocsin.http.gate import Incoming, deps_of, needs
from tocsin.ports import Store

READS = {**DENIED, 404: problem("Nothing waits under this id")}
WRITES = {**READS, 409: problem("It cannot be approved by you, or not any more; `detail` says why")}


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """`subject`: what would be done. `approved_by`: who approved it, while whoever asked has not done it yet.
    `stream`: the incident that it is about. `lapsed`: nobody approved it, or nobody did it then, in time; it is shown
    for a day more."""

    id: str
    action: str
    subject: str
    by: str
    asked_at: datetime
    until: datetime
    approved_by: str | None
    stream: str = ""
    lapsed: bool = False


class WaitingList(msgspec.Struct, frozen=True, kw_only=True):
    items: list[Waiting]


@get("/", summary="What waits for a second person", responses=DENIED, operation_id="list-approvals")
async def list_waiting(request: Incoming) -> WaitingList:
    deps = deps_of(request)
    return WaitingList(items=await deps.read(lambda store: shown(store, deps.tenant, request.user)))


@post("/{name:str}/approve", summary="Approve it", responses=WRITES, status_code=200, operation_id="approve-action")
async def approve_one(request: Incoming, name: str) -> Waiting:
    """Whoever asked may then do it once, as it was asked. You must be somebody else who may do it yourself."""
    deps, actor = deps_of(request), request.user
    return _shown(await deps.run(lambda store: approve(deps, store, actor, name)))


@delete("/{name:str}", summary="Decline it, or take one's own back", responses=READS, operation_id="decline-action")
async def decline_one(request: Incoming, name: str) -> None:
    deps, actor = deps_of(request), request.user
    await deps.run(lambda store: decline(deps, store, actor, name))


def approve(deps: Deps, store: Store, actor: Actor, name: str) -> Approval:
    """Writer thread only. Raises NotFoundException, Refused."""
    asked = _named(store, deps.tenant, name, actor)
    why_not = released.refusal(asked, actor)
    if why_not:
        raise Refused(why_not)
    found = released.approved(asked, actor, store.now(), deps.access.approval)
    second.keep(store, deps.tenant, found)
    return found


def decline(deps: Deps, store: Store, actor: Actor, name: str) -> None:
    """Writer thread only. Raises NotFoundException."""
    asked = _named(store, deps.tenant, name, actor)
    store.delete(deps.tenant, second.APPROVAL, asked.id)


def shown(store: Store, tenant: str, actor: Actor) -> list[Waiting]:
    now = store.now()
    return [_shown(each, lapsed=each.until <= now) for each in second.waiting(store, tenant, actor, lapsed=True)]


def _named(store: Store, tenant: str, name: str, actor: Actor) -> Approval:
    found = next((each for each in second.waiting(store, tenant, actor) if each.id == name), None)
    if found is None:
        raise NotFoundException(f"approval: nothing waits as {name!r}")
    return found


def _shown(asked: Approval, *, lapsed: bool = False) -> Waiting:
    return Waiting(
        id=asked.id,
        action=asked.action,
        subject=asked.subject,
        by=asked.by,
        asked_at=asked.asked_at,
        until=asked.until,
        approved_by=asked.approved_by,
        stream=asked.stream,
        lapsed=lapsed,
    )


def routes() -> list[Any]:
    handlers: list[Any] = [list_waiting, approve_one, decline_one]
    return [Router("/api/approvals", route_handlers=handlers, guards=[needs("approval.give")], tags=["access"])]
