"""From opened to closed: acknowledging, escalating, changing severity and status, ending, merging, and alerts."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from tocsin.core import commands as c, facts as f
from tocsin.core.escalation import World, escalate
from tocsin.core.facts import TOCSIN, AnyFact
from tocsin.core.incident import Refused
from tocsin.core.legal import open_clocks
from tocsin.core.policy import elapsed, severity_of
from tocsin.core.story import Story, forgive, must_be_open, must_not_be_closed, notify

SNOOZE_MAX = timedelta(days=31)  # a year typed for a month would be silence for ever


class MergeNamed(c.Merge, frozen=True, kw_only=True, tag="merge"):
    """`into` is an id, and `reference` how people call that incident."""

    reference: str


class Absorb(c.Command, frozen=True, kw_only=True, tag="absorb"):
    """Take over a merged incident's alerts and keys."""

    other: str
    reference: str
    keys: tuple[str, ...]
    firing: int
    public: bool = False


def acknowledge(story: Story, command: c.Acknowledge, world: World, now: datetime) -> None:
    incident = story.incident
    must_be_open(incident, command)
    if incident.acknowledged_at and not incident.snoozed_until:
        return
    _taken(story, world, now, by=command.by, via=command.via)


def _taken(story: Story, world: World, now: datetime, *, by: str, via: str, alert: str = "") -> None:
    lasts = elapsed(world.policy.paging.acknowledge_timeout)
    story.add(f.Acknowledged(at=now, by=by, via=via, again_at=now + lasts if lasts else None, alert=alert))
    forgive(story, "acknowledged", now)


def source_acknowledged(story: Story, command: c.SourceAcknowledged, world: World, now: datetime) -> None:
    """As `acknowledge`, but what a source repeats, or said before the acknowledgement was taken back, is no news."""
    incident = story.incident
    must_be_open(incident, command)
    if incident.acknowledged_at:  # a snooze stays one
        return
    back = incident.unacknowledged_at
    if back and command.said_at and command.said_at <= back:
        return
    _taken(story, world, now, by=command.by, via="source", alert=command.alert)


def unacknowledge(story: Story, command: c.Unacknowledge, world: World, now: datetime) -> None:
    must_be_open(story.incident, command)
    if not story.incident.acknowledged_at:
        raise Refused(f"cannot unacknowledge: {story.incident.reference} is not acknowledged")
    page_again(story, world, command.because, now, by=command.by)


def page_again(story: Story, world: World, because: str, now: datetime, *, by: str = TOCSIN) -> None:
    """The acknowledgement is gone; the level that had it is paged again."""
    story.add(f.Unacknowledged(at=now, by=by, because=because))
    story.add(*escalate(story.incident, world, because, now, level=max(1, story.incident.ladder.level)))


def snooze(story: Story, command: c.Snooze, world: World, now: datetime) -> None:
    must_be_open(story.incident, command)
    if command.until <= now:
        raise Refused(f"cannot snooze: until must be after {now.isoformat()}, got {command.until.isoformat()}")
    if command.until - now > SNOOZE_MAX:
        raise Refused(f"cannot snooze: until must be within {SNOOZE_MAX.days} days, got {command.until.isoformat()}")
    if not story.incident.acknowledged_at:
        story.add(f.Acknowledged(at=now, by=command.by, via="snooze"))
    story.add(f.Snoozed(at=now, by=command.by, until=command.until, because=command.because))
    forgive(story, "snoozed", now)


def escalate_by_hand(story: Story, command: c.Escalate, world: World, now: datetime) -> None:
    must_be_open(story.incident, command)
    if not command.because.strip() and not command.trigger:
        raise Refused("cannot escalate: because must say why")
    known = [trigger.text for trigger in world.policy.escalation.triggers]
    if command.trigger and command.trigger not in known:
        raise ValueError(f"trigger: expected one of {known}, got {command.trigger!r}")
    raise_to(story, world, " - ".join(part for part in (command.trigger, command.because) if part), now, by=command.by)


def raise_to(story: Story, world: World, because: str, now: datetime, *, by: str, key: str = "") -> None:
    if story.incident.acknowledged_at:
        story.add(f.Unacknowledged(at=now, by=by, because=f"escalated: {because}"))
    story.add(*[_said_by(fact, by) for fact in escalate(story.incident, world, because, now, key=key)])


def _said_by(fact: AnyFact, by: str) -> AnyFact:
    return msgspec.structs.replace(fact, by=by) if isinstance(fact, f.Escalated) else fact


def change_severity(story: Story, command: c.ChangeSeverity, world: World, now: datetime) -> None:
    must_not_be_closed(story.incident, command)
    severity = severity_of(world.policy, command.severity)
    if severity is None:
        known = ", ".join(each.id for each in world.policy.severities)
        raise ValueError(f"severity: expected one of {known}, got {command.severity!r}")
    if not command.because.strip():
        raise Refused("cannot change severity: because must say why")
    set_severity(story, severity.id, command.because, world, now, by=command.by)


def set_severity(story: Story, severity: str, because: str, world: World, now: datetime, *, by: str) -> None:
    """The incident has this severity; only a raise escalates, and is owed a response of its own."""
    before = story.incident.severity
    if severity == before:
        return
    old, new = severity_of(world.policy, before), severity_of(world.policy, severity)
    raised = new is not None and old is not None and new.rank < old.rank and story.incident.open
    why = f"severity raised from {before} to {severity}: {because}"
    if raised and story.incident.acknowledged_at:  # first, so that the response of before is none to the new severity
        story.add(f.Unacknowledged(at=now, by=by, because=f"escalated: {why}"))
    story.add(f.SeverityChanged(at=now, by=by, severity=severity, before=before, because=because))
    if raised:
        raise_to(story, world, why, now, by=by)


def change_status(story: Story, command: c.ChangeStatus, world: World, now: datetime) -> None:
    if command.status == "resolved":
        return resolve(story, c.Resolve(by=command.by, because=command.because), world, now)
    must_be_open(story.incident, command)
    if command.status != story.incident.status:
        story.add(f.StatusChanged(at=now, by=command.by, status=command.status, because=command.because))


def resolve(story: Story, command: c.Resolve, world: World, now: datetime) -> None:
    if story.incident.status == "resolved":
        return
    must_be_open(story.incident, command)
    end(story, command.because, world, now, by=command.by)


def end(story: Story, because: str, world: World, now: datetime, *, by: str) -> None:
    incident = story.incident
    held = timedelta(seconds=incident.reopen_seconds)
    reopen_until = now + held if held and incident.keys else None
    story.add(f.Resolved(at=now, by=by, because=because, reopen_until=reopen_until))
    forgive(story, "resolved", now, promised=incident.false_positive or incident.drill)
    if world.policy.paging.notify_resolved:
        told = {state.page.person for state in incident.pages.values() if state.sent and not state.page.notice}
        people = [person for name, person in world.directory.people.items() if name in told]
        notify(story, "responders", "resolved", people, world.directory, now, key="")


class ReopenHolding(c.Command, frozen=True, kw_only=True, tag="reopen"):
    """A reopening, with those of the incident's last keys that are free; the engine looked them up."""

    because: str
    keys: tuple[str, ...] = ()


def reopen(story: Story, command: c.Reopen | ReopenHolding, world: World, now: datetime) -> None:
    if story.incident.open:
        raise Refused(f"cannot reopen: {story.incident.reference} is {story.incident.status}")
    if not command.because.strip():
        raise Refused("cannot reopen: because must say why")
    keys = command.keys if isinstance(command, ReopenHolding) else ()
    story.add(f.Reopened(at=now, by=command.by, because=command.because, keys=keys))
    story.add(*escalate(story.incident, world, f"reopened: {command.because}", now, level=1))


def close(story: Story, command: c.Close, world: World, now: datetime) -> None:
    if story.incident.status == "closed":
        return
    if story.incident.status != "resolved":
        raise Refused(f"cannot close: {story.incident.reference} is {story.incident.status}, resolve it first")
    running = open_clocks(story.incident)
    if running and not command.because.strip():
        names = ", ".join(each.obligation for each in running)
        raise Refused(
            f"cannot close: the law still asks for {names}: submit or waive them, or say because (their clocks run on)"
        )
    story.add(f.Closed(at=now, by=command.by, because=command.because))


def false_positive(story: Story, command: c.MarkFalsePositive, world: World, now: datetime) -> None:
    if not story.incident.false_positive:
        story.add(f.MarkedFalsePositive(at=now, by=command.by, because=command.because))
    if story.incident.open:
        end(story, f"false positive: {command.because}".rstrip(": "), world, now, by=command.by)


def merge(story: Story, command: c.Merge | MergeNamed, world: World, now: datetime) -> None:
    """`into` is the id the engine resolved; `Absorb` is the other half, in the same commit."""
    incident = story.incident
    if command.into == incident.id:
        raise Refused(f"cannot merge: {incident.reference} would be merged into itself")
    must_be_open(incident, command)
    if incident.obligations or incident.actions:
        raise Refused(
            f"cannot merge: {incident.reference} has reports to authorities or action items of its own: "
            "merge the other incident into this one"
        )
    forgive(story, "merged", now, promised=True)
    called = command.reference if isinstance(command, MergeNamed) else command.into
    story.add(f.MergedInto(at=now, by=command.by, other=command.into, reference=called))


def absorb(story: Story, command: Absorb, world: World, now: datetime) -> None:
    must_be_open(story.incident, command)
    if command.public and story.incident.public is None:
        raise Refused(
            f"cannot merge: {command.reference} stands on a public page and {story.incident.reference} does not; "
            f"publish {story.incident.reference} first"
        )
    story.add(
        f.Absorbed(
            at=now,
            by=command.by,
            other=command.other,
            reference=command.reference,
            keys=command.keys,
            firing=story.incident.firing + command.firing,
        )
    )


def attach(story: Story, command: c.AttachAlerts, world: World, now: datetime) -> None:
    if command.count:
        if not story.incident.open:
            story.add(f.Reopened(at=now, by=command.by, because="its alerts fire again"))
            story.add(*escalate(story.incident, world, "reopened: its alerts fire again", now, level=1))
        story.add(
            f.AlertsAttached(
                at=now,
                by=command.by,
                alerts=command.alerts,
                count=command.count,
                firing=story.incident.firing + command.count,
                source=command.source,
            )
        )
        _worsen(story, command, world, now)
    if command.cleared:
        story.add(
            f.AlertsCleared(
                at=now,
                by=command.by,
                alerts=command.cleared_alerts,
                count=command.cleared,
                firing=max(0, story.incident.firing - command.cleared),
                because=command.because,
            )
        )
    if command.flapping_until and command.flapping_until > now and story.incident.open:
        story.add(f.FlappingNoticed(at=now, count=command.transitions, quiet_until=command.flapping_until))
    if command.cleared:
        _resolve_when_clear(story, world, now)


def _worsen(story: Story, command: c.AttachAlerts, world: World, now: datetime) -> None:
    """A worse alert is not hidden in a lesser incident; what a person said about the severity stands."""
    incident = story.incident
    asked = severity_of(world.policy, command.severity) if command.severity else None
    present = severity_of(world.policy, incident.severity)
    by_a_person = incident.severity_by != TOCSIN and not incident.severity_by.startswith("source:")
    if asked and present and asked.rank < present.rank and not by_a_person:
        named = command.alerts[0].title if command.alerts else "an alert"
        set_severity(story, asked.id, f"{named} joined", world, now, by=command.by)


def _resolve_when_clear(story: Story, world: World, now: datetime) -> None:
    """An incident that alerts opened ends with them, unless it flaps: then it must have been quiet first."""
    incident = story.incident
    if not (incident.open and incident.by_alert and incident.firing == 0):
        return
    if incident.quiet_until and incident.quiet_until > now:
        return
    end(story, "all alerts cleared", world, now, by=TOCSIN)
