"""The duties of the guides in force: each is a stream of its own, begun, changed and ended as the guides say."""

from __future__ import annotations

from collections.abc import Sequence

from tocsin.core import commands as c, facts as f
from tocsin.core.announcement import Owed
from tocsin.core.duties import ChangeDuty, EndDuty, Upkeep, began, name_of, stream_of, upkeep_of
from tocsin.core.facts import TOCSIN, AnyFact
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


class DrillsKept:
    """A drill that was carried through keeps the duty that asked for it: the drill duties of its guide that name its
    severity; the one there is, where the guide names none."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._ended: dict[tuple[str, str], None] = {}
        engine.announcing(self.noticed)
        engine.subscribe(self.committed)

    def noticed(
        self, tenant: str, before: Incident | None, incident: Incident, facts: Sequence[AnyFact]
    ) -> Sequence[Owed]:
        """Nothing is owed to anybody; a drill that ends with these facts is kept in mind until they are committed."""
        if incident.drill and not incident.false_positive and any(isinstance(fact, f.Resolved) for fact in facts):
            self._ended[tenant, incident.id] = None
        return ()

    def committed(self, tenant: str, stream: str, version: int) -> None:
        waiting, self._ended = self._ended, {}
        for where, name in waiting:
            incident = self._engine.load(where, name)
            for duty in self._asked_for(where, incident) if not incident.open else ():  # a commit may fail
                said = c.KeepDuty(by=incident.resolved_by or TOCSIN, notes=f"the drill {incident.reference}")
                self._engine.handle(where, duty, said)

    def _asked_for(self, tenant: str, incident: Incident) -> list[str]:
        engine = self._engine
        policy = engine.guides.digested(tenant, incident.policy_digest).policy
        drills = [each for each in policy.drills if each.every]
        named = [each for each in drills if incident.severity in each.severities]
        if not named and len(drills) == 1 and not drills[0].severities:
            named = drills
        streams = [stream_of(incident.guide, Upkeep(title=each.title)) for each in named]
        rows, _ = engine.store.listing(tenant, limit=DUTIES_MAX, kind="duty")
        running = {row.incident for row in rows}
        return [each for each in streams if each in running and not _over(engine.load(tenant, each))]


def _over(duty: Incident) -> bool:
    return duty.duty is None or duty.duty.ended
