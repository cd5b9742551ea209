"""What somebody can want of an incident, in the imperative. `core.incident.decide` says what then happens, or refuses.

The tag is the name in the HTTP path (`POST /api/incidents/{id}/{tag}`) and of the `tocsin incident` sub-command.
`by` is filled in by whoever authenticated the caller, never by the caller.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from tocsin.core.facts import TOCSIN, AlertName, Priority, Progress, Relation

Correctable = Literal["started_at", "detected_at", "opened_at", "acknowledged_at", "mitigated_at", "resolved_at"]


class Command(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="command", forbid_unknown_fields=True, omit_defaults=True
):
    by: str = TOCSIN


class Declare(Command, frozen=True, kw_only=True, tag="declare"):
    """Open an incident. `severity` None: from the assessment answers, else the worst but one of the policy."""

    title: str
    severity: str | None = None
    guide: str | None = None
    service: str | None = None
    category: str | None = None
    description: str = ""
    detected_by: str | None = None
    drill: bool = False
    key: str | None = None
    private: bool = False
    visible_to: tuple[str, ...] = ()


class Acknowledge(Command, frozen=True, kw_only=True, tag="acknowledge"):
    via: str = ""


class SourceAcknowledged(Command, frozen=True, kw_only=True, tag="source_acknowledged"):
    """Somebody took an alert at its source. `said_at`: when, as the source says."""

    alert: str = ""
    said_at: datetime | None = None


class Unacknowledge(Command, frozen=True, kw_only=True, tag="unacknowledge"):
    because: str


class Snooze(Command, frozen=True, kw_only=True, tag="snooze"):
    until: datetime
    because: str = ""


class Escalate(Command, frozen=True, kw_only=True, tag="escalate"):
    """`trigger`: the text of one of the policy's triggers, where that is the reason."""

    because: str
    trigger: str | None = None


class ChangeSeverity(Command, frozen=True, kw_only=True, tag="change-severity"):
    severity: str
    because: str


class ChangeStatus(Command, frozen=True, kw_only=True, tag="change-status"):
    status: Literal["investigating", "identified", "mitigating", "monitoring", "resolved"]
    because: str = ""


class Rename(Command, frozen=True, kw_only=True, tag="rename"):
    title: str


class SetImpact(Command, frozen=True, kw_only=True, tag="set-impact"):
    impact: str


class SetCategory(Command, frozen=True, kw_only=True, tag="set-category"):
    category: str


class SetAffected(Command, frozen=True, kw_only=True, tag="set-affected"):
    services: tuple[str, ...] = ()
    components: tuple[str, ...] = ()


class SetCustomerImpact(Command, frozen=True, kw_only=True, tag="set-customer-impact"):
    users: int | None = None
    revenue: str | None = None
    description: str = ""


class SetDetection(Command, frozen=True, kw_only=True, tag="set-detection"):
    source: str


class SetRootCause(Command, frozen=True, kw_only=True, tag="set-root-cause"):
    cause: str
    contributing: tuple[str, ...] = ()
    prevention: str = ""


class Assess(Command, frozen=True, kw_only=True, tag="assess"):
    """Answer a question of the decision tree or the assessment checklist; the tree's first yes sets the severity.

    It does so once every question before it is answered with no; when all are, the tree's last line decides.
    """

    question: str
    answer: str


class CorrectTimestamp(Command, frozen=True, kw_only=True, tag="correct-timestamp"):
    name: Correctable
    to: datetime
    because: str


class BeginPhase(Command, frozen=True, kw_only=True, tag="begin-phase"):
    phase: str


class FinishPhase(Command, frozen=True, kw_only=True, tag="finish-phase"):
    phase: str


class BeginItem(Command, frozen=True, kw_only=True, tag="begin-item"):
    phase: str
    item: str


class FinishItem(Command, frozen=True, kw_only=True, tag="finish-item"):
    phase: str
    item: str


class BeginRun(Command, frozen=True, kw_only=True, tag="begin-run"):
    """You begin to run a command of the guide on your own machine: that of this `number` in an item of a list.

    `text`: what you run, which is what the guide says with `values` (NAME=VALUE each) in its open places. What cannot
    be taken back waits for a second person; once approved, it is begun by saying the very same again, once.
    `anyway`: although somebody has not ended it yet.
    """

    phase: str
    item: str
    text: str
    number: int = 1
    values: tuple[str, ...] = ()
    host: str = ""
    anyway: bool = False


class EndRun(Command, frozen=True, kw_only=True, tag="end-run"):
    """What you had begun to run has ended. `output`: what it said last; `evidence`: the item that keeps all of it."""

    run: int
    exit_code: int | None = None
    seconds: int = 0
    output: str = ""
    evidence: int | None = None
    because: str = ""


class FreezeDeployments(Command, frozen=True, kw_only=True, tag="freeze-deployments"):
    """Empty `services`: all deployments."""

    services: tuple[str, ...] = ()
    because: str = ""


class UnfreezeDeployments(Command, frozen=True, kw_only=True, tag="unfreeze-deployments"):
    because: str = ""


class Restrict(Command, frozen=True, kw_only=True, tag="restrict"):
    """Make the incident private, or change whom it names: seen by these people and teams, by whoever has a role in it
    or is paged for it, and by nobody else."""

    people: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    because: str = ""


class LiftRestriction(Command, frozen=True, kw_only=True, tag="lift-restriction"):
    """The incident is private no longer."""

    because: str


class Approve(Command, frozen=True, kw_only=True, tag="approve"):
    """What somebody else asked for is carried out. `request`: its number."""

    request: int
    because: str = ""


class Decline(Command, frozen=True, kw_only=True, tag="decline"):
    """What was asked for is not carried out."""

    request: int
    because: str = ""


class AssignRole(Command, frozen=True, kw_only=True, tag="assign-role"):
    """Somebody has the role. `person`: an id, a name or a mail address; a `guest` is somebody who is not known here,
    such as a vendor's engineer. A role may have any name.
    """

    role: str
    person: str
    guest: bool = False


class ReleaseRole(Command, frozen=True, kw_only=True, tag="release-role"):
    role: str
    person: str | None = None
    because: str = ""


class PostUpdate(Command, frozen=True, kw_only=True, tag="post-update"):
    text: str
    audience: str = "response team"
    status: Literal["investigating", "identified", "mitigating", "monitoring", "resolved"] | None = None
    next_at: datetime | None = None


class Publish(Command, frozen=True, kw_only=True, tag="publish"):
    """Put the incident on public status pages, or change what stands there. `name`: its public title, "" keeps it.

    `pages` empty: those it is on, else the default page. `components`: component ids with a state each, as
    `api=partial_outage`. `impact`: what the severity stands for, unless said.
    """

    name: str = ""
    pages: tuple[str, ...] = ()
    impact: Literal["none", "maintenance", "minor", "major", "critical"] | None = None
    components: tuple[str, ...] = ()


class Unpublish(Command, frozen=True, kw_only=True, tag="unpublish"):
    """Take the incident off every public page."""

    because: str


class ChangePublicText(Command, frozen=True, kw_only=True, tag="change-public-text"):
    """Correct what a public update says. `update`: its place on the timeline."""

    update: int
    text: str


class SetPublicReview(Command, frozen=True, kw_only=True, tag="set-public-review"):
    """The public edition of the review, apart from the internal notes. It is shown once `published`."""

    text: str
    published: bool = False


class Release(Command, frozen=True, kw_only=True, tag="release"):
    """A draft is said to its audience; `text` replaces what was drafted."""

    draft: str
    text: str = ""


class Discard(Command, frozen=True, kw_only=True, tag="discard"):
    """A draft is dropped; nobody was told."""

    draft: str
    because: str = ""


class AddNote(Command, frozen=True, kw_only=True, tag="add-note"):
    text: str
    private: bool = False


class Link(Command, frozen=True, kw_only=True, tag="link"):
    """`other`: an incident's id or reference."""

    other: str
    relation: Relation = "related"


class Merge(Command, frozen=True, kw_only=True, tag="merge"):
    """This incident is a duplicate of `other` and lives on there."""

    into: str


class Resolve(Command, frozen=True, kw_only=True, tag="resolve"):
    because: str = ""


class Reopen(Command, frozen=True, kw_only=True, tag="reopen"):
    because: str


class Close(Command, frozen=True, kw_only=True, tag="close"):
    because: str = ""


class MarkFalsePositive(Command, frozen=True, kw_only=True, tag="mark-false-positive"):
    because: str = ""


class MarkDrill(Command, frozen=True, kw_only=True, tag="mark-drill"):
    drill: bool = True


class WaivePromise(Command, frozen=True, kw_only=True, tag="waive-promise"):
    key: str
    because: str


class ConfirmPromise(Command, frozen=True, kw_only=True, tag="confirm-promise"):
    """A rule that the guide proposes, in a template or under a condition, holds here; its clock begins now."""

    rule: str
    because: str = ""


class KeepPromise(Command, frozen=True, kw_only=True, tag="keep-promise"):
    """A follow-up was done: the people it is owed to have it. `notes`: what they got, or where it stands."""

    rule: str
    notes: str = ""


class ScheduleReview(Command, frozen=True, kw_only=True, tag="schedule-review"):
    """The review will be held at `meets_at`, which replaces what was scheduled before."""

    meets_at: datetime
    because: str = ""


class HoldReview(Command, frozen=True, kw_only=True, tag="hold-review"):
    """The review was held."""

    notes: str = ""


class WriteReview(Command, frozen=True, kw_only=True, tag="write-review"):
    """Words of the review: what went well, the answer to a question of the guide; an empty text takes them back.
    Every document of the incident has them from then on."""

    field: str
    text: str


class TickReview(Command, frozen=True, kw_only=True, tag="tick-review"):
    """An item of the guide's checklist for the review is done (or not); by its words or its number."""

    item: str
    done: bool = True


class AddActionItem(Command, frozen=True, kw_only=True, tag="add-action-item"):
    """An improvement that this incident taught, due by `due_on` (a day, 2026-12-15) or by one of the guide's horizons.

    Without either it is due by the guide's first horizon.
    """

    title: str
    owner: str
    due_on: str | None = None
    horizon: str | None = None
    priority: Priority = "medium"
    description: str = ""
    criteria: tuple[str, ...] = ()


class ChangeActionItem(Command, frozen=True, kw_only=True, tag="change-action-item"):
    """What is given changes, the rest does not."""

    item: int
    title: str | None = None
    owner: str | None = None
    due_on: str | None = None
    priority: Priority | None = None
    status: Progress | None = None
    description: str | None = None
    criteria: tuple[str, ...] | None = None
    effective: bool | None = None  # of one that is completed: whether it helped
    because: str = ""


class MeetCriterion(Command, frozen=True, kw_only=True, tag="meet-criterion"):
    """The acceptance criterion with this number (from 1) is met."""

    item: int
    criterion: int


class FinishActionItem(Command, frozen=True, kw_only=True, tag="finish-action-item"):
    """It is done. Criteria that are not met need a reason."""

    item: int
    because: str = ""


class RecordInstant(Command, frozen=True, kw_only=True, tag="record-instant"):
    """When something happened that a law counts from (controller_aware, classified_major, ...), as a person decided.

    `holds` false: it was looked at, and is not so. A later one replaces it; what it had begun ends or moves.
    """

    name: str
    happened_at: datetime
    because: str
    holds: bool = True
    decided_by: str = ""


class SubmitReport(Command, frozen=True, kw_only=True, tag="submit-report"):
    """A notification that the law asks for was given, now or at `submitted_at`. `sha256`: of the bytes sent."""

    obligation: str
    recipient: str
    channel: str
    reference: str = ""
    submitted_at: datetime | None = None
    sha256: str = ""
    notes: str = ""


class KeepDuty(Command, frozen=True, kw_only=True, tag="keep-duty"):
    """It was done; it is due again a period from now."""

    notes: str = ""


class OpenChannel(Command, frozen=True, kw_only=True, tag="open-channel"):
    """The incident is owed a channel of its own at this chat service."""

    kind: Literal["slack"] = "slack"
    because: str = ""


class OpenTicket(Command, frozen=True, kw_only=True, tag="open-ticket"):
    """A ticket is owed in the tracker of this name; without one, in the first that is configured."""

    tracker: str = ""
    because: str = ""


# --- what only the engine wants: never accepted from outside ----------------------------------------------------------


class AttachAlerts(Command, frozen=True, kw_only=True, tag="attach-alerts"):
    """`count` alerts joined and `cleared` left in one digest. `severity`: the worst that those that joined ask for."""

    alerts: tuple[AlertName, ...] = ()
    count: int = 0
    cleared_alerts: tuple[AlertName, ...] = ()
    cleared: int = 0
    severity: str | None = None
    because: str = "resolved"
    source: str = ""
    flapping_until: datetime | None = None
    transitions: int = 0


class Wake(Command, frozen=True, kw_only=True, tag="wake"):
    """Do what is due by now."""


AnyCommand = (
    Declare
    | Acknowledge
    | Unacknowledge
    | Snooze
    | Escalate
    | ChangeSeverity
    | ChangeStatus
    | Rename
    | SetImpact
    | SetCategory
    | SetAffected
    | SetCustomerImpact
    | SetDetection
    | SetRootCause
    | Assess
    | CorrectTimestamp
    | BeginPhase
    | FinishPhase
    | BeginItem
    | FinishItem
    | BeginRun
    | EndRun
    | FreezeDeployments
    | UnfreezeDeployments
    | Restrict
    | LiftRestriction
    | Approve
    | Decline
    | AssignRole
    | ReleaseRole
    | PostUpdate
    | Publish
    | Unpublish
    | ChangePublicText
    | SetPublicReview
    | Release
    | Discard
    | AddNote
    | Link
    | Merge
    | Resolve
    | Reopen
    | Close
    | MarkFalsePositive
    | MarkDrill
    | WaivePromise
    | ConfirmPromise
    | KeepPromise
    | ScheduleReview
    | HoldReview
    | WriteReview
    | TickReview
    | AddActionItem
    | ChangeActionItem
    | MeetCriterion
    | FinishActionItem
    | RecordInstant
    | SubmitReport
    | OpenChannel
    | OpenTicket
)
"""Everything a person, a token or a source may send."""
