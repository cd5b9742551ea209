"""`/api/duties`: the upkeep that guides ask for, when it is due, and that it was done."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec
from litestar import get, post
from litestar.exceptions import NotFoundException

from tocsin.core import commands as c
from tocsin.core.facts import AnyFact, PromiseMissed
from tocsin.core.incident import Incident, fold
from tocsin.core.promises import Promise
from tocsin.core.spans import show_deadline
from tocsin.core.view import TimelineItem, timeline
from tocsin.http.api_directory import READS, WRITES
from tocsin.http.api_incidents import DENIED, problem
from tocsin.http.gate import Incoming, deps_of, needs
from tocsin.ports import Store

DUTIES_MAX = 500  # shown; a guide that asks for more is no guide
SHOWN = 100  # things that happened to one duty, the newest


class DutyView(msgspec.Struct, frozen=True, kw_only=True):
    """`state`: owed, at risk (a fifth of its time is left), missed (overdue), or done (nothing is owed any more).

    `missed` counts the periods in which nobody did it. `key` is what waiving takes.
    """

    name: str
    title: str
    guide: str
    kind: str
    every: str | None
    state: Literal["owed", "at risk", "missed", "done", "waived"]
    due_at: datetime | None
    kept_at: datetime | None
    kept_by: str | None
    kept: int
    missed: int
    who: tuple[str, ...]
    line: int | None
    key: str | None


class DutyList(msgspec.Struct, frozen=True, kw_only=True):
    items: list[DutyView]


class DutyStory(msgspec.Struct, frozen=True, kw_only=True):
    """The duty, and what happened to it, the newest last."""

    duty: DutyView
    timeline: list[TimelineItem]


DECIDES = {**WRITES, 409: problem("The duty's state, or who asks, does not allow it")}


class Done(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    notes: str = ""


class Waived(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    because: str


@get(
    "/api/duties",
    summary="Upkeep that guides ask for",
    tags=["operations"],
    guards=[needs("operations.read")],
    responses=DENIED,
)
async def list_duties(request: Incoming) -> DutyList:
    """What is due first comes first; duties that no guide asks for any more are left out."""
    deps = deps_of(request)

    def read(store: Store) -> list[DutyView]:
        return duties(store, deps.tenant)

    return DutyList(items=await deps.read(read))


@get(
    "/api/duties/{name:str}",
    summary="One duty",
    tags=["operations"],
    guards=[needs("operations.read")],
    responses=READS,
)
async def show_duty(request: Incoming, name: str) -> DutyStory:
    deps = deps_of(request)

    def read(store: Store) -> DutyStory:
        history = store.facts(deps.tenant, stream_named(store, deps.tenant, name))
        items = timeline(history)[-SHOWN:]
        return DutyStory(duty=duty_view(store, deps.tenant, history), timeline=items)

    return await deps.read(read)


@post(
    "/api/duties/{name:str}/done",
    summary="A duty was done",
    tags=["operations"],
    guards=[needs("duty.keep")],
    responses=DECIDES,
    status_code=200,
)
async def keep_duty(request: Incoming, name: str, data: Done | None = None) -> DutyView:
    """It is due again a period from now."""
    return await _act(request, name, lambda _: c.KeepDuty(by=request.user.id, notes=data.notes if data else ""))


@post(
    "/api/duties/{name:str}/waive",
    summary="Do without a duty this time",
    tags=["operations"],
    guards=[needs("duty.keep")],
    responses=DECIDES,
    status_code=200,
)
async def waive_duty(request: Incoming, name: str, data: Waived) -> DutyView:
    """Nobody is reminded until it was done once more."""
    by, because = request.user.id, data.because
    return await _act(request, name, lambda key: c.WaivePromise(by=by, key=key, because=because))


async def _act(request: Incoming, name: str, command: Any) -> DutyView:
    deps = deps_of(request)

    def on_the_writer(store: Store) -> DutyView:
        stream = stream_named(store, deps.tenant, name)
        key = duty_view(store, deps.tenant, store.facts(deps.tenant, stream)).key or "duty"
        deps.engine.handle(deps.tenant, stream, command(key))
        return duty_view(store, deps.tenant, store.facts(deps.tenant, stream))

    return await deps.run(on_the_writer)


def stream_named(store: Store, tenant: str, name: str) -> str:
    """The stream of the duty with this name, in any letter case. Raises NotFoundException naming those there are."""
    rows, _ = store.listing(tenant, limit=DUTIES_MAX, kind="duty")
    for row in rows:
        if name.casefold() in (row.reference.casefold(), row.incident):
            return row.incident
    known = ", ".join(sorted(row.reference for row in rows)) or "no guide in force asks for any"
    raise NotFoundException(f"duty: expected one of {known}, got {name!r}")


def duties(store: Store, tenant: str) -> list[DutyView]:
    rows, _ = store.listing(tenant, limit=DUTIES_MAX, kind="duty")
    found = [(row, store.facts(tenant, row.incident)) for row in rows]
    shown = [duty_view(store, tenant, history) for _, history in found if not _folded(history).duty.ended]  # type: ignore[union-attr]
    return sorted(shown, key=lambda each: (each.due_at is None, each.due_at or each.kept_at, each.name))


def _folded(history: list[AnyFact]) -> Incident:
    found = fold(history)
    assert found is not None and found.duty is not None, "a duty's stream begins with DutyBegun"
    return found


class _Owed(msgspec.Struct):
    promises: tuple[Promise, ...] = ()


def duty_view(store: Store, tenant: str, history: list[AnyFact]) -> DutyView:
    of = _folded(history)
    duty = of.duty
    assert duty is not None
    row = store.index(tenant, of.id)
    owed = msgspec.json.decode(row.summary, type=_Owed).promises if row else ()
    mark = f"duty@{of.moments['duty'].version}"
    promise = next((each for each in owed if each.key == mark), None)
    states: dict[str, Any] = {"open": "owed", "at risk": "at risk", "missed": "missed", "waived": "waived"}
    return DutyView(
        name=of.reference,
        title=of.title,
        guide=of.guide,
        kind=duty.kind,
        every=(duty.every.text or show_deadline(duty.every)) if duty.every else None,
        state=states.get(promise.state, "done") if promise else "done",
        due_at=duty.due_at,
        kept_at=duty.kept_at,
        kept_by=duty.kept_by,
        kept=duty.kept,
        missed=sum(isinstance(fact, PromiseMissed) for fact in history),
        who=duty.who,
        line=duty.line,
        key=mark if promise else None,
    )


def routes() -> list[Any]:
    return [list_duties, show_duty, keep_duty, waive_duty]
