"""Emergency access ("break-glass"): taken with a reason by whoever is on call, for a while, with everybody told.

It is a stream of its own, a duty whose keeping is the review of the access by somebody else: so it is on the
record, its notices go through the outbox, its review is reminded of, and it stays open until it was reviewed.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from tocsin.core import commands as c, facts as f
from tocsin.core.escalation import LAST_RESORT_MAX, World, pages_for
from tocsin.core.facts import AnyFact
from tocsin.core.incident import Incident, Refused, evolve
from tocsin.core.people import Directory, Person, person_named, reachable, who
from tocsin.core.policy import Policy
from tocsin.core.schedule import on_call
from tocsin.core.story import Story

BOUND = "emergency access"  # the directory's word for whoever is told of it and reviews it
REVIEW_WITHIN = timedelta(days=3)
BECAUSE_MIN = 10  # characters: "because" is not a reason


class Taking(c.Command, frozen=True, kw_only=True, tag="take-emergency-access"):
    """Somebody took emergency access because of this incident. `review`: the duty on which it stands."""

    because: str
    until: datetime
    review: str


class EndEmergency(c.Command, frozen=True, kw_only=True, tag="end-emergency-access"):
    because: str


def called(directory: Directory, policies: Iterable[Policy], at: datetime) -> set[str]:
    """Who is on call: whoever a schedule says, and whoever a level of a guide's escalation means at that instant."""
    words = [name for schedule in directory.schedules.values() for name in on_call(schedule, at)]
    found = {person.id for name in words if (person := person_named(directory, name)) is not None}
    for policy in policies:
        for ladder in (policy.escalation, *policy.escalations.values()):
            found |= {person.id for level in ladder.levels for person in who(directory, level.who)}
    return found


def told(directory: Directory, policy: Policy, person: str) -> list[Person]:
    """Who hears of it: whoever the directory binds to "emergency access", else the last resort, else everybody."""
    for words in ((BOUND,), policy.paging.last_resort, directory.last_resort, tuple(directory.people)):
        found = [each for each in who(directory, words) if each.id != person and reachable(each)]
        if found:
            return found[:LAST_RESORT_MAX]
    return []


def taken(
    world: World, *, stream: str, name: str, guide: str, digest: str, person: str, because: str, incident: str,
    until: datetime, now: datetime,
) -> list[AnyFact]:  # fmt: skip
    """The first facts of the access: its review is owed, it was taken, and who is told."""
    people = told(world.directory, world.policy, person)
    begun = f.DutyBegun(
        at=now,
        by=person,
        duty=stream,
        reference=name,
        title=f"Review the emergency access of {person}: {because}",
        guide=guide,
        policy_digest=digest,
        kind="review",
        due_at=now + REVIEW_WITHIN,
        who=tuple(each.id for each in people),
    )
    access = f.EmergencyTaken(at=now, by=person, because=because, until=until, incident=incident)
    incident_now = evolve(evolve(None, begun), access)
    pages = pages_for(incident_now, people, now, notice=True)
    text = f"{person} took emergency access until {until:%H:%M} UTC: {because}"
    return [begun, access, f.Notified(at=now, audience=BOUND, because=text, pages=pages)]


def record(story: Story, command: Taking, world: object, now: datetime) -> None:
    story.add(f.EmergencyTaken(at=now, by=command.by, because=command.because, until=command.until))


def end(story: Story, command: EndEmergency, world: object, now: datetime) -> None:
    duty = story.incident.duty
    if duty is None or duty.access_of is None:
        raise Refused(f"cannot end it: {story.incident.reference} is no emergency access")
    if duty.access_until is not None and duty.access_until > now:
        story.add(f.EmergencyEnded(at=now, by=command.by, because=command.because))


def must_be_anothers(incident: Incident, by: str, doing: str) -> None:
    """Nobody reviews the access that they took themselves."""
    if incident.duty is not None and incident.duty.access_of == by:
        raise Refused(f"cannot {doing}: {by} took this access, somebody else reviews it")


def words(fact: object) -> str:
    """The facts of this module in a sentence."""
    match fact:
        case f.EmergencyTaken():
            return f"{fact.by} took emergency access until {fact.until:%Y-%m-%d %H:%M} UTC: {fact.because}"
        case f.EmergencyEnded():
            return f"Emergency access ended: {fact.because}"
    return ""
