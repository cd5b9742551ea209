"""The duties of the guides in force: each is a stream of its own, begun, changed and ended as the guides say."""

from __future__ import annotations

from tocsin.core.duties import ChangeDuty, EndDuty, Upkeep, began, name_of, stream_of, upkeep_of
from tocsin.core.incident import Incident
from tocsin.engine import Engine
from tocsin.guides import Guide

DUTIES_MAX = 500  # of all guides together


def reconcile(engine: Engine, tenant: str) -> list[str]:
    """Every duty of a guide in force runs, as the guide says it now, and no other does; their names.

    Called on the writer thread: at start, and whenever a guide was activated. Doing it again changes nothing.
    """
    store = engine.store
    rows, _ = store.listing(tenant, limit=DUTIES_MAX, kind="duty")
    known = {row.incident: engine.load(tenant, row.incident) for row in rows}
    wanted: dict[str, tuple[Guide, Upkeep]] = {}
    for guide in engine.guides.active(tenant):
        for upkeep in upkeep_of(guide.policy, guide.calendar):
            wanted.setdefault(stream_of(guide.name, upkeep), (guide, upkeep))
    taken = {each.reference for each in known.values()}
    for stream, (guide, upkeep) in list(wanted.items())[:DUTIES_MAX]:
        before = known.get(stream)
        if before is not None:
            engine.handle(tenant, stream, ChangeDuty(upkeep=upkeep, policy_digest=guide.digest))
        else:
            name = _free(name_of(upkeep), guide.name, taken)
            taken.add(name)
            _begin(engine, tenant, stream, name, guide, upkeep)
    for stream, gone in known.items():
        if stream not in wanted and gone.duty is not None and gone.duty.kind != "review":
            engine.handle(tenant, stream, EndDuty(because=f"no guide in force asks for it ({gone.guide})"))
    return sorted(taken)


def _begin(engine: Engine, tenant: str, stream: str, name: str, guide: Guide, upkeep: Upkeep) -> Incident:
    facts = began(
        upkeep,
        stream=stream,
        name=name,
        guide=guide.name,
        digest=guide.digest,
        calendar=guide.calendar,
        now=engine.store.now(),
    )
    return engine.begin(tenant, stream, facts)


def _free(name: str, guide: str, taken: set[str]) -> str:
    """A name that no duty has: with the guide's where two guides ask for the same."""
    wanted = name
    for number in range(1, DUTIES_MAX + 2):
        if wanted not in taken:
            return wanted
        wanted = f"{name}-{guide.casefold()}" if number == 1 else f"{name}-{number}"
    raise AssertionError("there are fewer duties than names")
