"""Recording what a law counts from, and the reports that it asks for. What follows is computed once and is a fact."""

from __future__ import annotations

from datetime import datetime

from tocsin.core import commands as c, facts as f
from tocsin.core.escalation import World
from tocsin.core.incident import Refused
from tocsin.core.people import who
from tocsin.core.regulatory import InForce, applies_on, due_at, instants_of, mark_of, start_of
from tocsin.core.state import Incident, KnownInstant, Owing
from tocsin.core.story import Story, notify

CHAIN_MAX = 10  # reports that follow from each other's submission


def record(story: Story, command: c.RecordInstant, world: World, now: datetime) -> None:
    known = instants_of(world.law)
    if command.name not in known:
        expected = ", ".join(sorted(known)) or "none: no pack is enabled for this guide, see tocsin regulatory list"
        raise ValueError(
            f"name: expected an instant that an enabled pack counts from ({expected}), got {command.name!r}"
        )
    if command.happened_at > now:
        raise Refused(f"cannot record {command.name}: {command.happened_at.isoformat()} is in the future")
    if not command.because.strip():
        raise Refused(f"cannot record {command.name}: because must say who concluded what, and why")
    fact = f.InstantRecorded(
        at=now,
        by=command.by,
        name=command.name,
        happened_at=command.happened_at,
        decided_by=command.decided_by or command.by,
        because=command.because,
        holds=command.holds,
    )
    before = story.incident.instants.get(command.name)
    if before is None or _said(before) != (fact.happened_at, fact.decided_by, fact.because, fact.holds):
        story.add(fact)
    settle(story, world, now)


def _said(known: KnownInstant) -> tuple[datetime, str, str, bool]:
    return known.happened_at, known.decided_by, known.because, known.holds


def submit(story: Story, command: c.SubmitReport, world: World, now: datetime) -> None:
    owing = story.incident.obligations.get(command.obligation)
    if owing is None:
        begun = ", ".join(story.incident.obligations) or "none has begun"
        raise ValueError(f"obligation: expected one that has begun ({begun}), got {command.obligation!r}")
    at = command.submitted_at or now
    if at > now:
        raise Refused(f"cannot submit {command.obligation}: {at.isoformat()} is in the future")
    for field in ("recipient", "channel"):
        if not getattr(command, field).strip():
            raise ValueError(f"{field}: expected who received it and how, got nothing")
    if command.sha256 and (len(command.sha256) != 64 or not set(command.sha256.lower()) <= set("0123456789abcdef")):
        raise ValueError(f"sha256: expected 64 hexadecimal digits, got {command.sha256[:70]!r}")
    story.add(
        f.ReportSubmitted(
            at=now,
            by=command.by,
            obligation=command.obligation,
            submitted_at=at,
            recipient=command.recipient,
            channel=command.channel,
            reference=command.reference,
            sha256=command.sha256.lower(),
            notes=command.notes,
        )
    )
    settle(story, world, now)


def settle(story: Story, world: World, now: datetime) -> None:
    """Every obligation counts from what is known now: begun, moved, or ended. Late reports still start the next."""
    for _ in range(CHAIN_MAX):
        before = len(story.facts)
        for running in world.law.obligations:
            _settle_one(story, running, world, now)
        if len(story.facts) == before:
            return


def _settle_one(story: Story, running: InForce, world: World, now: datetime) -> None:
    incident, obligation = story.incident, running.obligation
    owing = incident.obligations.get(obligation.id)
    start = start_of(obligation, incident.instants, incident.obligations)
    if start is None or not applies_on(obligation, start[1]):
        if owing is not None and owing.submitted_at is None:
            because = f"{obligation.deadline.from_event} does not hold any more"
            story.add(f.ObligationEnded(at=now, obligation=obligation.id, because=because))
        return
    event, since = start
    due = due_at(running, since, incident.instants, world.law, world.calendar)
    if owing is not None and ((owing.since, owing.due_at) == (since, due) or owing.submitted_at is not None):
        return  # nothing has moved, or it was given already: a corrected instant asks for no second report
    moved = owing is not None
    story.add(
        f.ObligationBegun(
            at=now,
            obligation=obligation.id,
            regime=running.regime,
            text=obligation.title,
            recipients=obligation.recipients,
            citation=obligation.source.citation,
            instant=event,
            since=since,
            due_at=due,
            who=running.who,
            mark=mark_of(obligation, confirmed=True),
            soft=obligation.deadline.soft,
            because="what it counts from was corrected" if moved else "",
        )
    )
    people = list(who(world.directory, running.who, service=incident.service))
    if people:
        when = f" is due at {due:%Y-%m-%d %H:%M} UTC" if due else " is owed without undue delay"
        notify(story, "legal", f"{running.regime}: {obligation.title}{when}", people, world.directory, now, key="")


def open_clocks(incident: Incident) -> tuple[Owing, ...]:
    """The reports that are owed and were neither given nor waived."""
    return tuple(
        each
        for each in incident.obligations.values()
        if each.submitted_at is None
        and f"law:{each.obligation}@{incident.moments[f'law:{each.obligation}'].version}" not in incident.waived
    )
