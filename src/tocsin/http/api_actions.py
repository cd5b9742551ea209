"""`/api/action-items`: what incidents taught, and what of it is overdue. They are added by commands on the incident."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from litestar import get
from litestar.params import Parameter

from tocsin.core.view import ActionItemView
from tocsin.http.api_incidents import DENIED
from tocsin.http.gate import Incoming, deps_of, needs
from tocsin.ports import Store

INCIDENTS_MAX = 20_000  # with action items, read for one answer: years of reviews
PAGE = 500

Standing = Literal["open", "in progress", "completed", "overdue", "unfinished"]


class _Summary(msgspec.Struct):
    """The part of an incident's public JSON that is read here."""

    id: str
    reference: str
    title: str
    drill: bool
    action_items: tuple[ActionItemView, ...] = ()


class TrackedItem(msgspec.Struct, frozen=True, kw_only=True):
    """`name` is what `tocsin action done` takes; `overdue`: not completed, and its due date has passed.

    `effect_at`: when its owner is asked whether it helped, where the guide asks; `effective` is the answer."""

    name: str
    incident: str
    reference: str
    incident_title: str
    item: int
    title: str
    owner: str
    due_at: datetime
    priority: str
    status: str
    overdue: bool
    description: str
    criteria: tuple[tuple[str, bool], ...]
    horizon: str | None
    added_at: datetime
    completed_at: datetime | None
    effect_at: datetime | None
    effective: bool | None


class TrackedItems(msgspec.Struct, frozen=True, kw_only=True):
    """The earliest due date first. `completion_rate` is over all items of the installation, in per cent."""

    items: list[TrackedItem]
    total: int
    completed: int
    in_progress: int
    overdue: int
    completion_rate: float | None


@get("/api/action-items", summary="Action items", tags=["incidents"], guards=[needs("incident.read")], responses=DENIED)
async def list_items(
    request: Incoming,
    status: Annotated[
        Standing | None, Parameter(description="`unfinished` stands for open, in progress and overdue")
    ] = None,
    owner: Annotated[str | None, Parameter(description="a person, or the words the item names")] = None,
) -> TrackedItems:
    """Action items of drills are left out."""
    deps = deps_of(request)
    await deps.caught_up()
    now = deps.clock.now()
    found = await deps.read(lambda store: list(tracked(store, deps.tenant, now)))
    completed = sum(each.status == "completed" for each in found)
    return TrackedItems(
        items=[each for each in found if _wanted(each, status, owner)],
        total=len(found),
        completed=completed,
        in_progress=sum(each.status == "in progress" for each in found),
        overdue=sum(each.overdue for each in found),
        completion_rate=round(100 * completed / len(found), 1) if found else None,
    )


def tracked(store: Store, tenant: str, now: datetime) -> Iterator[TrackedItem]:
    """Every action item of incidents that are no drills, the earliest due date first."""
    found: list[TrackedItem] = []
    cursor: str | None = None
    for _ in range(INCIDENTS_MAX // PAGE):
        rows, cursor = store.listing(tenant, limit=PAGE, cursor=cursor, actions=True)
        for row in rows:
            summary = msgspec.json.decode(row.summary, type=_Summary)
            found += [_tracked(summary, each, now) for each in summary.action_items if not summary.drill]
        if cursor is None:
            break
    return iter(sorted(found, key=lambda each: (each.due_at, each.reference, each.item)))


def _tracked(of: _Summary, item: ActionItemView, now: datetime) -> TrackedItem:
    return TrackedItem(
        name=f"{of.reference}/{item.item}",
        incident=of.id,
        reference=of.reference,
        incident_title=of.title,
        overdue=item.status != "completed" and item.due_at < now,
        **msgspec.structs.asdict(item),
    )


def _wanted(each: TrackedItem, status: Standing | None, owner: str | None) -> bool:
    if owner is not None and each.owner.casefold() != owner.casefold():
        return False
    match status:
        case None:
            return True
        case "overdue":
            return each.overdue
        case "unfinished":
            return each.status != "completed"
    return each.status == status


def routes() -> list[Any]:
    return [list_items]
