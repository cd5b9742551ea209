"""`/api/regulatory`: the clocks that laws and contracts start, switched on pack by pack. No legal advice.

Instants are recorded and reports submitted by commands on the incident (`record-instant`, `submit-report`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec
from litestar import Response, delete, get, put
from litestar.exceptions import NotFoundException

from tocsin.core.incident import Incident, fold
from tocsin.core.promises import Promise
from tocsin.core.regulatory import (
    NO_ADVICE,
    SUBMITTED,
    Enabled,
    InForce,
    Law,
    Obligation,
    Pack,
    instants_of,
    mark_of,
    runs,
)
from tocsin.core.state import KnownInstant
from tocsin.http.api_directory import READS, WRITES, check_name
from tocsin.http.api_incidents import DENIED, incident_id, json_of
from tocsin.http.deps import Deps
from tocsin.http.gate import Incoming, deps_of, needs
from tocsin.http.problems import Unacceptable
from tocsin.laws import ENABLED, PACK, enabled_of, flaws, pack_of, packs_of, zone_of
from tocsin.ports import Store


class PackSummary(msgspec.Struct, frozen=True, kw_only=True):
    """`running` of its `obligations` run; the others wait for a confirmation, or are left out."""

    id: str
    title: str
    jurisdiction: str
    as_of: str
    obligations: int
    running: int
    enabled: Enabled | None


class PackList(msgspec.Struct, frozen=True, kw_only=True):
    items: list[PackSummary]
    note: str = NO_ADVICE


class ObligationView(msgspec.Struct, frozen=True, kw_only=True):
    """`runs`: its clock starts when the instant is recorded; `mark`: how well the record was checked, if not fully."""

    obligation: Obligation
    runs: bool
    mark: str


class PackView(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    title: str
    jurisdiction: str
    as_of: str
    enabled: Enabled | None
    obligations: list[ObligationView]
    note: str = NO_ADVICE


class Switch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """As `Enabled`, without what Tocsin knows itself."""

    guides: tuple[str, ...] = ()
    confirmed: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    who: tuple[str, ...] = ()
    targets: dict[str, int] = {}
    rollover_country: str | None = None


class Clock(msgspec.Struct, frozen=True, kw_only=True):
    """One obligation for one incident. `assess`: nobody has said when `instant` happened, so no clock runs."""

    obligation: str
    regime: str
    title: str
    applies_to: str
    conditions: str
    recipients: tuple[str, ...]
    citation: str
    url: str
    instant: str
    limit: str
    mark: str
    state: Literal["assess", "open", "at risk", "kept", "missed", "waived"]
    since: datetime | None = None
    due_at: datetime | None = None
    submitted_at: datetime | None = None
    receipt: str = ""
    promise: str | None = None


class Clocks(msgspec.Struct, frozen=True, kw_only=True):
    """`to_assess`: the instants that somebody may have to record, and the obligations that wait for each."""

    clocks: list[Clock]
    instants: dict[str, KnownInstant]
    to_assess: dict[str, list[str]]
    note: str = NO_ADVICE


@get(
    "/api/regulatory", summary="Packs of regulatory clocks", tags=["operations"], guards=[needs("policy.read")],
    responses=DENIED,
)  # fmt: skip
async def list_packs(request: Incoming) -> PackList:
    """Those that ship and those that were loaded. None runs unless it is switched on."""
    deps = deps_of(request)

    def read(store: Store) -> list[PackSummary]:
        enabled = enabled_of(store, deps.tenant)
        return [_summary(pack, enabled.get(name)) for name, pack in packs_of(store, deps.tenant).items()]

    return PackList(items=await deps.read(read))


@get(
    "/api/regulatory/{name:str}",
    summary="One pack",
    tags=["operations"],
    guards=[needs("policy.read")],
    responses=READS,
)
async def show_pack(request: Incoming, name: str) -> PackView:
    """Every obligation with trigger, limit, recipients, source, and how well it was checked."""
    deps = deps_of(request)
    return await deps.read(lambda store: _pack_view(store, deps.tenant, name))


@put(
    "/api/regulatory/{name:str}",
    summary="Load a pack of your own",
    tags=["operations"],
    guards=[needs("law.manage")],
    responses=WRITES,
)
async def put_pack(request: Incoming, name: str, data: Pack) -> PackView:
    """It replaces the shipped one of the same id. Clocks that run already keep what they were started with."""
    deps = deps_of(request)
    check_name(name)
    if data.id != name:
        raise Unacceptable(f"id: expected {name!r}, the id in the path, got {data.id!r}")
    wrong = flaws(data)
    if wrong:
        raise Unacceptable("; ".join(f"{path}: {text}" for path, text in wrong))

    def on_the_writer(store: Store) -> PackView:
        store.put(deps.tenant, PACK, name, msgspec.json.encode(data))
        deps.engine.guides.changed(deps.tenant)
        return _pack_view(store, deps.tenant, name)

    return await deps.run(on_the_writer)


@delete(
    "/api/regulatory/{name:str}",
    summary="Forget a pack of your own",
    tags=["operations"],
    guards=[needs("law.manage")],
    responses=READS,
)
async def delete_pack(request: Incoming, name: str) -> None:
    """The shipped one of the same id is there again."""
    await _gone(request, PACK, name, f"pack: none was loaded as {name!r}")


@put(
    "/api/regulatory/{name:str}/enabled",
    summary="Switch a pack on",
    tags=["operations"],
    guards=[needs("law.manage")],
    responses=WRITES,
)
async def enable(request: Incoming, name: str, data: Switch) -> PackView:
    """Records whose text was read and that are in force run; the others when `confirmed` names them, because somebody
    of the organisation has checked them. Replaces what was said before."""
    deps = deps_of(request)

    def on_the_writer(store: Store) -> PackView:
        pack = _pack(store, deps.tenant, name)
        _check_switch(deps, pack, data)
        enabled = Enabled(id=name, by=request.user.id, at=store.now(), **msgspec.structs.asdict(data))
        store.put(deps.tenant, ENABLED, name, msgspec.json.encode(enabled))
        deps.engine.guides.changed(deps.tenant)
        return _pack_view(store, deps.tenant, name)

    return await deps.run(on_the_writer)


@delete(
    "/api/regulatory/{name:str}/enabled",
    summary="Switch a pack off",
    tags=["operations"],
    guards=[needs("law.manage")],
    responses=READS,
)
async def disable(request: Incoming, name: str) -> None:
    """Nothing new starts; clocks that run already run on, until they are submitted or waived."""
    await _gone(request, ENABLED, name, f"pack: {name!r} is not switched on")


@get(
    "/api/incidents/{incident:str}/regulatory",
    summary="Its regulatory clocks",
    tags=["incidents"],
    guards=[needs("policy.read")],
    responses=READS,
)
async def show_clocks(request: Incoming, incident: str) -> Response[Clocks]:
    """Every obligation that is switched on for its guide: what runs, and which instants nobody has recorded."""
    deps = deps_of(request)
    await deps.caught_up()

    def read(store: Store) -> Clocks:
        name = incident_id(store, deps.tenant, incident)
        found = fold(store.facts(deps.tenant, name))
        row = store.index(deps.tenant, name)
        assert found is not None and row is not None, "an incident that was found has facts and an index row"
        owed = msgspec.json.decode(row.summary, type=_Owed).promises
        return clocks_of(found, deps.engine.guides.law(deps.tenant, found.guide), owed)

    return json_of(await deps.run(read))


class _Owed(msgspec.Struct):
    promises: tuple[Promise, ...] = ()


def clocks_of(incident: Incident, law: Law, owed: tuple[Promise, ...]) -> Clocks:
    """What runs first, the earliest limit before the others; then what is to be assessed."""
    by_rule = {each.rule: each for each in owed}
    running = {each.obligation.id: each for each in law.obligations}
    found = [_clock(incident, each, by_rule) for each in running.values()]
    found += [_orphan(incident, name, by_rule) for name in incident.obligations if name not in running]
    found.sort(key=lambda each: (each.state == "assess", each.due_at is None, each.due_at or incident.opened_at))
    known = {name for name, each in incident.instants.items() if each.holds}
    return Clocks(
        clocks=found,
        instants=incident.instants,
        to_assess={name: ids for name, ids in instants_of(law).items() if name not in known},
    )


def _clock(incident: Incident, running: InForce, by_rule: dict[str, Promise]) -> Clock:
    obligation = running.obligation
    begun = incident.obligations.get(obligation.id)
    promise = by_rule.get(f"law:{obligation.id}") if begun else None
    return Clock(
        obligation=obligation.id,
        regime=running.regime,
        title=obligation.title,
        applies_to=obligation.applies_to,
        conditions=obligation.conditions,
        recipients=obligation.recipients,
        citation=obligation.source.citation,
        url=obligation.source.url,
        instant=obligation.deadline.from_event,
        limit=limit_of(obligation),
        mark=mark_of(obligation, confirmed=True),
        state=promise.state if promise and promise.state != "proposed" else "assess",
        since=begun.since if begun else None,
        due_at=begun.due_at if begun else None,
        submitted_at=begun.submitted_at if begun else None,
        receipt=begun.receipt if begun else "",
        promise=promise.key if promise else None,
    )


def _orphan(incident: Incident, name: str, by_rule: dict[str, Promise]) -> Clock:
    """A clock that runs on though its pack was switched off."""
    begun, promise = incident.obligations[name], by_rule.get(f"law:{name}")
    return Clock(
        obligation=name,
        regime=begun.regime,
        title=begun.text,
        applies_to="",
        conditions="",
        recipients=begun.recipients,
        citation=begun.citation,
        url="",
        instant=begun.instant,
        limit="",
        mark="; ".join(part for part in (begun.mark, "its pack was switched off since") if part),
        state=promise.state if promise and promise.state != "proposed" else "open",
        since=begun.since,
        due_at=begun.due_at,
        submitted_at=begun.submitted_at,
        receipt=begun.receipt,
        promise=promise.key if promise else None,
    )


def limit_of(obligation: Obligation) -> str:
    """The limit in words: 72 hours from controller aware."""
    limit = obligation.deadline
    unit = limit.unit.replace("_", " ")
    span = f"{limit.amount} {unit}{'s' if limit.amount != 1 else ''}" if limit.amount else unit
    event = limit.from_event
    start = f"handing in {event.removeprefix(SUBMITTED)}" if event.startswith(SUBMITTED) else event.replace("_", " ")
    cap = f", at most {limit.cap.hours} hours from {limit.cap.from_event.replace('_', ' ')}" if limit.cap else ""
    soft = " (a guideline)" if limit.soft else ""
    days = f" ({limit.calendar} working days)" if limit.calendar else ""
    return f"{span} from {start}{cap}{days}{soft}"


def _check_switch(deps: Deps, pack: Pack, data: Switch) -> None:
    known = [each.id for each in pack.obligations]
    for field in ("confirmed", "excluded", "targets"):
        for name in getattr(data, field):
            if name not in known:
                raise Unacceptable(f"{field}: expected one of {', '.join(known)}, got {name!r}")
    for name, hours in data.targets.items():
        if not 0 < hours <= 10_000:
            raise Unacceptable(f"targets.{name}: expected hours from 1 to 10000, got {hours}")
    guides = [each.name for each in deps.engine.guides.active(deps.tenant)]
    for name in data.guides:
        if name not in guides:
            raise Unacceptable(f"guides: expected one of {', '.join(guides) or 'none is active'}, got {name!r}")
    if data.rollover_country is not None:
        try:
            zone_of(data.rollover_country)
        except ValueError as error:
            raise Unacceptable(str(error)) from error


async def _gone(request: Incoming, kind: str, name: str, otherwise: str) -> None:
    deps = deps_of(request)

    def on_the_writer(store: Store) -> bool:
        gone = store.delete(deps.tenant, kind, name)
        deps.engine.guides.changed(deps.tenant)
        return gone

    if not await deps.run(on_the_writer):
        raise NotFoundException(otherwise)


def _pack(store: Store, tenant: str, name: str) -> Pack:
    pack = pack_of(store, tenant, name)
    if pack is None:
        known = ", ".join(packs_of(store, tenant))
        raise NotFoundException(f"pack: expected one of {known}, got {name!r}")
    return pack


def _summary(pack: Pack, enabled: Enabled | None) -> PackSummary:
    return PackSummary(
        id=pack.id,
        title=pack.title,
        jurisdiction=pack.jurisdiction,
        as_of=pack.as_of,
        obligations=len(pack.obligations),
        running=sum(runs(each, enabled) for each in pack.obligations) if enabled else 0,
        enabled=enabled,
    )


def _pack_view(store: Store, tenant: str, name: str) -> PackView:
    pack = _pack(store, tenant, name)
    enabled = enabled_of(store, tenant).get(name)
    return PackView(
        id=pack.id,
        title=pack.title,
        jurisdiction=pack.jurisdiction,
        as_of=pack.as_of,
        enabled=enabled,
        obligations=[
            ObligationView(
                obligation=each,
                runs=enabled is not None and runs(each, enabled),
                mark=mark_of(each, confirmed=enabled is not None and each.id in enabled.confirmed),
            )
            for each in pack.obligations
        ],
    )


def routes() -> list[Any]:
    return [list_packs, show_pack, put_pack, delete_pack, enable, disable, show_clocks]
