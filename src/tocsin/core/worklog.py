"""What people find out and do: assessments, phases, roles, freezes, updates, notes, links, corrections."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec

from tocsin.core import commands as c, facts as f
from tocsin.core.checklists import category_named, item_named, phase_named
from tocsin.core.emergency import must_be_anothers
from tocsin.core.escalation import World
from tocsin.core.facts import AnyFact
from tocsin.core.holder import role_word
from tocsin.core.incident import Refused, evolve
from tocsin.core.lifecycle import resolve, set_severity
from tocsin.core.places import Outside
from tocsin.core.promises import promises
from tocsin.core.publishing import announce
from tocsin.core.severity import classify, same_question
from tocsin.core.story import Story, command_name, must_be_open, must_not_be_closed

NEXT_MAX = timedelta(days=31)  # until the next update: the cadence waits for it, and a year typed wrongly is for ever
REVIEW_MAX = timedelta(days=366)  # as long as anybody remembers


def assess(story: Story, command: c.Assess, world: World, now: datetime) -> None:
    """The answer is noted; one that belongs to the decision tree sets the severity as soon as the tree decides.

    An answer to anything else leaves the severity to whoever set it.
    """
    must_not_be_closed(story.incident, command)
    _must_say(question=command.question, answer=command.answer)
    known = (*(row.question for row in world.policy.decision_tree), *world.policy.assessment)
    question = next((each for each in known if same_question(each, command.question)), command.question)
    story.add(f.AssessmentAnswered(at=now, by=command.by, question=question, answer=command.answer))
    if not any(same_question(row.question, question) for row in world.policy.decision_tree):
        return
    severity = classify(world.policy, story.incident.answers)
    if severity is not None:
        set_severity(story, severity.id, f"{question} {command.answer}", world, now, by=command.by)


def correct(story: Story, command: c.CorrectTimestamp, world: World, now: datetime) -> None:
    if command.to > now:
        raise Refused(f"cannot correct {command.name}: {command.to.isoformat()} is in the future")
    if not command.because.strip():
        raise Refused("cannot correct a timestamp: because must say why")
    before = story.incident.corrected.get(command.name) or getattr(story.incident, command.name, None)
    story.add(
        f.TimestampCorrected(
            at=now, by=command.by, name=command.name, before=before, after=command.to, because=command.because
        )
    )


def phase(story: Story, command: c.BeginPhase | c.FinishPhase, world: World, now: datetime) -> None:
    must_not_be_closed(story.incident, command)
    _must_say(phase=command.phase)
    name = phase_named(world.policy, command.phase)
    state: Literal["begun", "finished"] = "begun" if isinstance(command, c.BeginPhase) else "finished"
    if story.incident.phases.get(name) == state:
        return
    fact = f.PhaseBegun if state == "begun" else f.PhaseFinished
    story.add(fact(at=now, by=command.by, phase=name))


def item(story: Story, command: c.BeginItem | c.FinishItem, world: World, now: datetime) -> None:
    must_not_be_closed(story.incident, command)
    _must_say(phase=command.phase, item=command.item)
    listed, name = item_named(world.policy, command.phase, command.item)
    state: Literal["begun", "finished"] = "begun" if isinstance(command, c.BeginItem) else "finished"
    if story.incident.items.get(f"{listed} / {name}") == state:
        return
    fact = f.ItemBegun if state == "begun" else f.ItemFinished
    story.add(fact(at=now, by=command.by, phase=listed, item=name))


def note(story: Story, command: c.AddNote, world: World, now: datetime) -> None:
    _must_say(text=command.text)
    story.add(f.NoteAdded(at=now, by=command.by, text=command.text, private=command.private))


def customer_impact(story: Story, command: c.SetCustomerImpact, world: World, now: datetime) -> None:
    if command.users is not None and command.users < 0:
        raise ValueError(f"users: expected 0 or more, got {command.users}")
    simply(
        lambda x, at: f.CustomerImpactSet(at=at, by=x.by, users=x.users, revenue=x.revenue, description=x.description),
        "users_affected",
    )(story, command, world, now)


def _must_say(**texts: str) -> None:
    """Raises ValueError for the first of these fields that says nothing."""
    for name, text in texts.items():
        if not text.strip():
            raise ValueError(f"{name}: expected a few words, got nothing")


def freeze(story: Story, command: c.FreezeDeployments, world: World, now: datetime) -> None:
    must_be_open(story.incident, command)
    if story.incident.frozen != command.services:
        story.add(f.DeploymentsFrozen(at=now, by=command.by, services=command.services, because=command.because))


def unfreeze(story: Story, command: c.UnfreezeDeployments, world: World, now: datetime) -> None:
    if story.incident.frozen is not None:
        story.add(f.DeploymentsUnfrozen(at=now, by=command.by, because=command.because))


def assign(story: Story, command: c.AssignRole, world: World, now: datetime) -> None:
    must_not_be_closed(story.incident, command)
    role = role_word(world.policy, story.incident, command.role)
    if command.person not in story.incident.roles.get(role, ()):
        story.add(f.RoleAssigned(at=now, by=command.by, role=role, person=command.person))


def release(story: Story, command: c.ReleaseRole, world: World, now: datetime) -> None:
    role = role_word(world.policy, story.incident, command.role)
    held = story.incident.roles.get(role, ())
    gone = [command.person] if command.person else list(held)
    if not held or any(person not in held for person in gone):
        raise Refused(f"cannot release: {role} is held by {', '.join(held) or 'nobody'}")
    for person in gone:
        story.add(f.RoleReleased(at=now, by=command.by, role=role, person=person, because=command.because))


def update(story: Story, command: c.PostUpdate, world: World, now: datetime) -> None:
    if not command.text.strip():
        raise Refused("cannot post an update: text is empty")
    if command.next_at is not None and command.next_at <= now:
        raise Refused(f"cannot post an update: the next one is promised for {command.next_at.isoformat()}, in the past")
    if command.next_at is not None and command.next_at - now > NEXT_MAX:
        raise Refused(f"cannot post an update: {command.next_at.isoformat()} is not within {NEXT_MAX.days} days")
    announce(story, command.audience, command.text, command.by, now)
    if command.status == "resolved":
        resolve(story, c.Resolve(by=command.by, because=command.text), world, now)
    elif command.status and command.status != story.incident.status:
        must_be_open(story.incident, command)
        story.add(f.StatusChanged(at=now, by=command.by, status=command.status))
    story.add(
        f.UpdatePosted(
            at=now,
            by=command.by,
            audience=command.audience,
            text=command.text,
            status=command.status,
            next_at=command.next_at,
        )
    )


class LinkNamed(c.Link, frozen=True, kw_only=True, tag="link"):
    """`other` is an id, and `reference` how people call that incident."""

    reference: str


def link(story: Story, command: c.Link | LinkNamed, world: World, now: datetime) -> None:
    if command.other == story.incident.id:
        raise Refused(f"cannot link: {story.incident.reference} would be linked to itself")
    if (command.other, command.relation) not in story.incident.links:
        called = command.reference if isinstance(command, LinkNamed) else ""
        story.add(f.Linked(at=now, by=command.by, other=command.other, relation=command.relation, reference=called))


def waive(story: Story, command: c.WaivePromise, world: World, now: datetime) -> None:
    if not command.because.strip():
        raise Refused("cannot waive a promise: because must say why")
    must_be_anothers(story.incident, command.by, "waive it")
    owed = [each.key for each in promises(story.incident, world.rules, world.calendar)]
    if command.key not in owed:
        raise ValueError(
            f"key: expected the key of a promise ({', '.join(owed) or 'there is none'}), got {command.key!r}"
        )
    if command.key not in story.incident.waived:
        story.add(f.PromiseWaived(at=now, by=command.by, key=command.key, because=command.because))


def confirm(story: Story, command: c.ConfirmPromise, world: World, now: datetime) -> None:
    proposed = {rule.id: rule for rule in world.rules if rule.start == "confirmed"}
    if command.rule not in proposed:
        expected = f"one that the guide proposes ({', '.join(proposed) or 'it proposes none'})"
        raise ValueError(f"rule: expected {expected}, got {command.rule!r}")
    if proposed[command.rule].until != "done":  # a follow-up is often known to be owed only afterwards
        must_be_open(story.incident, command)
    if f"confirmed:{command.rule}" not in story.incident.moments:
        story.add(f.PromiseConfirmed(at=now, by=command.by, rule=command.rule, because=command.because))


def keep(story: Story, command: c.KeepPromise, world: World, now: datetime) -> None:
    """The follow-up was done. Who did one on a condition says with it that the condition holds."""
    incident = story.incident
    known = {rule.id: rule for rule in world.rules if rule.until == "done"}
    if command.rule not in known:
        expected = f"a follow-up of the guide ({', '.join(known) or 'it has none'})"
        raise ValueError(f"rule: expected {expected}, got {command.rule!r}")
    conditional = known[command.rule].start == "confirmed"
    start = incident.moments.get("resolved" if conditional else known[command.rule].start)
    if start is None:
        raise Refused(f"cannot keep the promise: {incident.reference} is {incident.status}, so it has not begun")
    if conditional and f"confirmed:{command.rule}" not in incident.moments:
        story.add(f.PromiseConfirmed(at=now, by=command.by, rule=command.rule, because=command.notes))
    done = incident.moments.get(f"done:{command.rule}")
    if done is None or done.version < start.version:
        story.add(f.PromiseKept(at=now, by=command.by, rule=command.rule, notes=command.notes))


def schedule_review(story: Story, command: c.ScheduleReview, world: World, now: datetime) -> None:
    if "review_held" in story.incident.moments:
        raise Refused(f"cannot schedule the review: {story.incident.reference} was reviewed already")
    if command.meets_at <= now:
        raise Refused(f"cannot schedule the review: {command.meets_at.isoformat()} is not in the future")
    if command.meets_at - now > REVIEW_MAX:
        raise Refused(
            f"cannot schedule the review: {command.meets_at.isoformat()} is not within {REVIEW_MAX.days} days"
        )
    if command.meets_at != story.incident.review_at:
        story.add(f.ReviewScheduled(at=now, by=command.by, meets_at=command.meets_at, because=command.because))


def hold_review(story: Story, command: c.HoldReview, world: World, now: datetime) -> None:
    if story.incident.open:
        raise Refused(
            f"cannot hold the review: {story.incident.reference} is {story.incident.status}, resolve it first"
        )
    if "review_held" not in story.incident.moments:
        story.add(f.ReviewHeld(at=now, by=command.by, notes=command.notes))


def open_channel(story: Story, command: c.OpenChannel, world: World, now: datetime) -> None:
    must_be_open(story.incident, command)
    _must_not_be_private(story, command)
    known = story.incident.places.channel(command.kind)
    there = known is not None and known.channel and not known.archived
    if world.outside is not None and not there:
        _must_have_chat(world.outside, command.kind)
    if known is None or known.archived:  # one that is there, or on its way, is enough
        story.add(f.ChannelRequested(at=now, by=command.by, kind=command.kind, because=command.because))


def _must_have_chat(outside: Outside, kind: str) -> None:
    """Raises Refused where no such chat is configured: a channel that is only asked for would never come."""
    if kind not in outside.chats:
        raise Refused(f"cannot open a channel: no {kind} is configured; [{kind}] of tocsin.toml makes it known")


def _must_have_tracker(outside: Outside, name: str) -> None:
    """Raises Refused where no tracker is configured, ValueError where none has this name."""
    if not outside.trackers:
        raise Refused("cannot open a ticket: no tracker is configured; [[trackers]] of tocsin.toml names one")
    if name and name not in outside.trackers:
        raise ValueError(f"tracker: expected one of {', '.join(outside.trackers)}, got {name!r}")


def _must_not_be_private(story: Story, command: Any) -> None:
    """Who is in a channel or reads a tracker is not for Tocsin to know."""
    if story.incident.restricted is not None:
        raise Refused(f"cannot {command_name(command)}: {story.incident.reference} is private")


def open_ticket(story: Story, command: c.OpenTicket, world: World, now: datetime) -> None:
    _must_not_be_private(story, command)
    tickets = story.incident.places.tickets
    known = [each for each in tickets if command.tracker in ("", each.tracker)]
    if world.outside is not None and not any(each.name for each in known):
        _must_have_tracker(world.outside, command.tracker)
    if not known:
        story.add(f.TicketRequested(at=now, by=command.by, tracker=command.tracker, because=command.because))


def category(story: Story, command: c.SetCategory, world: World, now: datetime) -> None:
    said = category_named(world.policy, command.category)
    if said != story.incident.category:
        story.add(f.CategorySet(at=now, by=command.by, category=said))


def simply(make: Callable[[Any, datetime], AnyFact], field: str | None = None) -> Callable[..., None]:
    """A command that becomes one fact, unless `field` of the incident says it already."""

    def handler(story: Story, command: Any, world: World, now: datetime) -> None:
        fact = make(command, now)
        if field is None or evolve(story.incident, fact) != msgspec.structs.replace(
            story.incident, version=story.incident.version + 1, last_at=max(story.incident.last_at, now)
        ):
            story.add(fact)

    return handler
