"""Which facts follow from a command. Nothing else may decide what happens to an incident.

`decide` refuses what the state does not allow (`Refused`, naming the state) and returns no facts for what is so
already. How each command is decided stands in `lifecycle`, `worklog` and `deadlines`; the table at the end says where.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from tocsin.core import (
    actions,
    commands as c,
    deadlines,
    duties,
    emergency,
    evidence,
    facts as f,
    impact,
    keeping,
    legal,
    lifecycle,
    privacy,
    publishing,
    reviewing,
    running,
    saying,
    twopersons,
    worklog,
)
from tocsin.core.deadlines import RecordReceipt, ReportDelivery
from tocsin.core.escalation import World, escalate
from tocsin.core.facts import TOCSIN, AlertName, AnyFact
from tocsin.core.incident import Incident, Refused, evolve
from tocsin.core.lifecycle import Absorb
from tocsin.core.places import Record
from tocsin.core.saying import RecordAnnouncement
from tocsin.core.story import Story, command_name
from tocsin.core.texts import title_said


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """What `opened` needs: the ids the engine allocated and what the verdict or the person said."""

    incident: str
    reference: str
    title: str
    guide: str
    policy_digest: str
    severity: str
    by: str = TOCSIN
    service: str | None = None
    key: str | None = None
    category: str | None = None
    description: str = ""
    detected_by: str | None = None
    escalation: str | None = None
    reopen_seconds: int = 0
    drill: bool = False
    because: str = ""
    private: bool = False
    visible_to: tuple[str, ...] = ()
    alerts: tuple[AlertName, ...] = ()
    count: int = 0
    source: str = ""


def opened(opening: Opening, world: World, now: datetime) -> list[AnyFact]:
    """The first facts of an incident: that it was opened, by which alerts, and who is paged first."""
    first = f.Opened(
        at=now,
        by=opening.by,
        incident=opening.incident,
        reference=opening.reference,
        title=opening.title,
        guide=opening.guide,
        policy_digest=opening.policy_digest,
        severity=opening.severity,
        service=opening.service,
        key=opening.key,
        category=opening.category,
        description=opening.description,
        detected_by=opening.detected_by,
        escalation=opening.escalation,
        reopen_seconds=opening.reopen_seconds,
        drill=opening.drill,
        because=opening.because,
    )
    story = Story(evolve(None, first), [first])
    if privacy.asked_for(world.policy, private=opening.private, category=opening.category, service=opening.service):
        privacy.begin(story, opening.visible_to, world, now, by=opening.by)
    elif opening.visible_to:
        raise ValueError("visible_to: expected it with private only: everybody sees this incident")
    if opening.count:
        story.add(
            f.AlertsAttached(
                at=now,
                by=opening.by,
                alerts=opening.alerts,
                count=opening.count,
                firing=opening.count,
                source=opening.source,
            )
        )
    story.add(*escalate(story.incident, world, "opened", now))
    deadlines.wake(story, c.Wake(), world, now)
    return story.facts


def decide(incident: Incident, command: Any, world: World, now: datetime) -> list[AnyFact]:
    """The facts that follow from `command`, none when it is so already. `now` is never before the newest fact.

    Raises Refused when the state does not allow it, ValueError when the command names something unknown.
    """
    now = max(now, incident.last_at)
    story = Story(incident, [])
    handler = _HANDLERS.get(type(command))
    if handler is None:
        raise ValueError(f"command: expected one that core.decide knows, got {type(command).__name__}")
    if incident.merged_into and not isinstance(
        command, c.AddNote | c.Wake | RecordReceipt | ReportDelivery | RecordAnnouncement | Record | evidence.OfItems
    ):
        raise Refused(f"cannot {command_name(command)}: {incident.reference} was merged into {incident.merged_into}")
    duty = incident.duty is not None
    if not isinstance(command, duties.ALLOWED) if duty else isinstance(command, duties.OF_DUTIES):
        kind = "a duty" if duty else "an incident"
        raise Refused(f"cannot {command_name(command)}: {incident.reference} is {kind}")
    if not isinstance(command, c.Wake):
        deadlines.lapse(story, world, now)  # what comes too late must not look as if it had come in time
    if isinstance(command, c.Approve):
        approved = twopersons.approve(story, command, now)
        if isinstance(approved, c.BeginRun):
            running.allow(story, approved, command, now)
        else:
            _HANDLERS[type(approved)](story, approved, world, now)
    elif twopersons.needed(story.incident, command, world.policy):
        twopersons.ask(story, command, world, now)
    else:
        handler(story, command, world, now)
    impact.rise(story, incident, world, now)
    deadlines.wake(story, c.Wake(), world, now)  # a rule without delay is due at once
    return story.facts


_HANDLERS: dict[type, Callable[[Story, Any, World, datetime], None]] = {
    c.Acknowledge: lifecycle.acknowledge,
    c.SourceAcknowledged: lifecycle.source_acknowledged,
    c.Unacknowledge: lifecycle.unacknowledge,
    c.Snooze: lifecycle.snooze,
    c.Escalate: lifecycle.escalate_by_hand,
    c.ChangeSeverity: lifecycle.change_severity,
    c.ChangeStatus: lifecycle.change_status,
    c.Resolve: lifecycle.resolve,
    c.Reopen: lifecycle.reopen,
    lifecycle.ReopenHolding: lifecycle.reopen,
    c.Close: lifecycle.close,
    c.MarkFalsePositive: lifecycle.false_positive,
    c.Merge: lifecycle.merge,
    lifecycle.MergeNamed: lifecycle.merge,
    Absorb: lifecycle.absorb,
    c.AttachAlerts: lifecycle.attach,
    c.Assess: worklog.assess,
    c.CorrectTimestamp: worklog.correct,
    c.BeginPhase: worklog.phase,
    c.FinishPhase: worklog.phase,
    c.BeginItem: worklog.item,
    c.FinishItem: worklog.item,
    c.BeginRun: running.begin,
    c.EndRun: running.end,
    c.FreezeDeployments: worklog.freeze,
    c.UnfreezeDeployments: worklog.unfreeze,
    c.Restrict: privacy.restrict,
    c.LiftRestriction: privacy.lift,
    c.Approve: twopersons.decline,  # never called: `decide` carries out what was approved
    c.Decline: twopersons.decline,
    twopersons.TellApprovers: twopersons.tell,
    c.AssignRole: worklog.assign,
    c.ReleaseRole: worklog.release,
    c.PostUpdate: worklog.update,
    c.Publish: publishing.publish,
    c.Unpublish: publishing.unpublish,
    c.ChangePublicText: publishing.change_text,
    c.SetPublicReview: publishing.set_review,
    c.Link: worklog.link,
    worklog.LinkNamed: worklog.link,
    c.WaivePromise: worklog.waive,
    c.ConfirmPromise: worklog.confirm,
    c.KeepPromise: worklog.keep,
    c.ScheduleReview: worklog.schedule_review,
    c.HoldReview: worklog.hold_review,
    c.WriteReview: reviewing.write,
    c.TickReview: reviewing.tick,
    c.AddActionItem: actions.add,
    c.ChangeActionItem: actions.change,
    c.MeetCriterion: actions.meet,
    c.FinishActionItem: actions.finish,
    c.RecordInstant: legal.record,
    c.SubmitReport: legal.submit,
    emergency.Taking: emergency.record,
    emergency.EndEmergency: emergency.end,
    c.KeepDuty: duties.keep,
    duties.ChangeDuty: duties.change,
    duties.EndDuty: duties.end,
    c.OpenChannel: worklog.open_channel,
    c.OpenTicket: worklog.open_ticket,
    evidence.CollectEvidence: keeping.collect,
    evidence.FailEvidence: keeping.fail,
    evidence.ReadEvidence: keeping.read,
    evidence.HoldEvidence: keeping.hold,
    evidence.ReleaseEvidence: keeping.release,
    evidence.ExportEvidence: keeping.export,
    evidence.RemoveEvidence: keeping.remove,
    Record: lambda story, x, world, now: story.add(msgspec.structs.replace(x.fact, at=now)),
    c.Wake: deadlines.wake,
    RecordReceipt: deadlines.record_receipt,
    ReportDelivery: deadlines.report_delivery,
    RecordAnnouncement: saying.record,
    saying.Announce: saying.announce,
    c.Release: saying.release,
    saying.ReleaseOverriding: saying.release,
    saying.ReleaseTo: saying.release,
    c.Discard: saying.discard,
    c.AddNote: worklog.note,
    c.Rename: worklog.simply(lambda x, at: f.Renamed(at=at, by=x.by, title=title_said(x.title)), "title"),
    c.SetImpact: worklog.simply(lambda x, at: f.ImpactSet(at=at, by=x.by, impact=x.impact), "impact"),
    c.SetCategory: worklog.category,
    c.SetAffected: worklog.simply(
        lambda x, at: f.AffectedSet(at=at, by=x.by, services=x.services, components=x.components), "services"
    ),
    c.SetCustomerImpact: worklog.customer_impact,
    c.SetDetection: worklog.simply(lambda x, at: f.DetectionSet(at=at, by=x.by, source=x.source), "detection"),
    c.SetRootCause: worklog.simply(
        lambda x, at: f.RootCauseSet(
            at=at, by=x.by, cause=x.cause, contributing=x.contributing, prevention=x.prevention
        ),
        "root_cause",
    ),
    c.MarkDrill: worklog.simply(lambda x, at: f.MarkedDrill(at=at, by=x.by, drill=x.drill), "drill"),
}
