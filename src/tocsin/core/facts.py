"""Every fact an incident can consist of.

A fact is one thing that happened, in the past tense, and is never changed. The facts of a stream, in order, are the
incident: its timeline, its measures and its audit trail are folds of them. A fact carries its decision (`again_at`,
the people that were resolved, the counts that were seen), so that new code replays an old log to the same state.

Encoding: msgspec JSON, tagged by `fact`; golden files in tests/core/data pin every form ever released. At most
`FACT_BYTES_MAX` bytes, no floats. Instants are aware UTC.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from tocsin.core.guidance import Deadline

FACT_BYTES_MAX = 64 * 1024  # the leaf of a transparency log is at most 65,535 bytes (C2SP tlog-tiles)

TOCSIN = "tocsin"  # the actor of everything that nobody did by hand

Status = Literal["investigating", "identified", "mitigating", "monitoring", "resolved", "closed"]
OPEN_STATUSES: frozenset[str] = frozenset({"investigating", "identified", "mitigating", "monitoring"})

Relation = Literal["duplicate", "related", "caused_by"]
Priority = Literal["high", "medium", "low"]
Progress = Literal["open", "in progress", "completed"]
EvidenceKind = Literal["logs", "state", "dump", "archive", "file"]
EvidenceSource = Literal["command", "upload", "url", "query"]


class Fact(msgspec.Struct, frozen=True, kw_only=True, tag_field="fact", omit_defaults=True):
    """`at` is when it happened by the store's clock; `by` is a person's id, `source:NAME`, or `TOCSIN`."""

    at: datetime
    by: str = TOCSIN


class AlertName(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """One alert episode as a timeline names it; `starts_at` is the episode's."""

    fingerprint: str
    starts_at: datetime
    title: str


# --- life -----------------------------------------------------------------------------------------------------------


class Opened(Fact, tag="Opened", frozen=True, kw_only=True):
    """`policy_digest` is the SHA-256 (hex) of the canonical policy bytes; it governs the incident for life."""

    incident: str
    reference: str
    title: str
    guide: str
    policy_digest: str
    severity: str
    service: str | None = None
    key: str | None = None  # the correlation key; None when a person declared it
    category: str | None = None
    description: str = ""
    detected_by: str | None = None  # how it was discovered: monitoring, customer, partner, team member, ...
    escalation: str | None = None  # a named ladder of the policy; None: its own
    reopen_seconds: int = 0  # how long after resolving the same key reopens this incident instead of a new one
    drill: bool = False
    because: str = ""


class StatusChanged(Fact, tag="StatusChanged", frozen=True, kw_only=True):
    status: Status
    because: str = ""


class Acknowledged(Fact, tag="Acknowledged", frozen=True, kw_only=True):
    """`again_at`: when the acknowledgement lapses unless something happens (policy `acknowledge_timeout`).

    `alert`: the fingerprint of the one that a source says somebody has.
    """

    again_at: datetime | None = None
    via: str = ""  # web, cli, api, link, source
    alert: str = ""


class Unacknowledged(Fact, tag="Unacknowledged", frozen=True, kw_only=True):
    because: str


class Snoozed(Fact, tag="Snoozed", frozen=True, kw_only=True):
    until: datetime
    because: str = ""


class Resolved(Fact, tag="Resolved", frozen=True, kw_only=True):
    """`reopen_until`: until then the correlation key stays held, and what joins it reopens this incident."""

    because: str = ""
    reopen_until: datetime | None = None


class KeyReleased(Fact, tag="KeyReleased", frozen=True, kw_only=True):
    """The correlation key is free: the next alert of it opens a new incident."""


class Reopened(Fact, tag="Reopened", frozen=True, kw_only=True):
    """`keys`: correlation keys that were free and are this incident's again."""

    because: str
    keys: tuple[str, ...] = ()


class Closed(Fact, tag="Closed", frozen=True, kw_only=True):
    because: str = ""


class MarkedFalsePositive(Fact, tag="MarkedFalsePositive", frozen=True, kw_only=True):
    because: str = ""


class MarkedDrill(Fact, tag="MarkedDrill", frozen=True, kw_only=True):
    drill: bool = True


# --- alerts ---------------------------------------------------------------------------------------------------------


class AlertsAttached(Fact, tag="AlertsAttached", frozen=True, kw_only=True):
    """`count` alerts joined in one digest; the first few are named, all of them are in the alert table.

    `firing` is how many attached alerts fire after this fact. Repeats of an attached alert are no facts.
    """

    alerts: tuple[AlertName, ...]
    count: int
    firing: int
    source: str = ""


class AlertsCleared(Fact, tag="AlertsCleared", frozen=True, kw_only=True):
    """`because`: resolved (the sender said so), silence (no refresh before its deadline), moved (it fires on, and is
    counted in a newer incident), or the command's reason."""

    alerts: tuple[AlertName, ...]
    count: int
    firing: int
    because: str = "resolved"


class FlappingNoticed(Fact, tag="FlappingNoticed", frozen=True, kw_only=True):
    """The key changed state `count` times in the window; it stays open until `quiet_until` has passed quietly."""

    count: int
    quiet_until: datetime


# --- who sees it -----------------------------------------------------------------------------------------------------


class Restricted(Fact, tag="Restricted", frozen=True, kw_only=True):
    """The incident is private: seen by these people and the members of these teams, by whoever has a role in it or is
    paged for it, and by nobody else. A later one replaces it."""

    people: tuple[str, ...]
    teams: tuple[str, ...] = ()
    because: str = ""


class RestrictionLifted(Fact, tag="RestrictionLifted", frozen=True, kw_only=True):
    because: str


class ApprovalRequested(Fact, tag="ApprovalRequested", frozen=True, kw_only=True):
    """`by` asks for a command that needs a second person. `body`: the command as it was said, as JSON."""

    request: int
    command: str
    body: str
    until: datetime


class ApprovalEnded(Fact, tag="ApprovalEnded", frozen=True, kw_only=True):
    request: int
    approved: bool
    because: str = ""


# --- what is known --------------------------------------------------------------------------------------------------


class SeverityChanged(Fact, tag="SeverityChanged", frozen=True, kw_only=True):
    severity: str
    before: str
    because: str


class Renamed(Fact, tag="Renamed", frozen=True, kw_only=True):
    title: str


class ImpactSet(Fact, tag="ImpactSet", frozen=True, kw_only=True):
    impact: str


class CategorySet(Fact, tag="CategorySet", frozen=True, kw_only=True):
    category: str


class AffectedSet(Fact, tag="AffectedSet", frozen=True, kw_only=True):
    services: tuple[str, ...] = ()
    components: tuple[str, ...] = ()


class CustomerImpactSet(Fact, tag="CustomerImpactSet", frozen=True, kw_only=True):
    """`users` affected; `revenue` as text with its currency, because the log holds no floats."""

    users: int | None = None
    revenue: str | None = None
    description: str = ""


class DetectionSet(Fact, tag="DetectionSet", frozen=True, kw_only=True):
    source: str


class RootCauseSet(Fact, tag="RootCauseSet", frozen=True, kw_only=True):
    cause: str
    contributing: tuple[str, ...] = ()
    prevention: str = ""  # why existing controls did not prevent it


class AssessmentAnswered(Fact, tag="AssessmentAnswered", frozen=True, kw_only=True):
    """An answer to a question of the guide's decision tree or assessment checklist."""

    question: str
    answer: str


class TimestampCorrected(Fact, tag="TimestampCorrected", frozen=True, kw_only=True):
    """Measures are computed from `after`; both values stay on the timeline."""

    name: Literal["started_at", "detected_at", "opened_at", "acknowledged_at", "mitigated_at", "resolved_at"]
    before: datetime | None
    after: datetime
    because: str


# --- work -----------------------------------------------------------------------------------------------------------


class PhaseBegun(Fact, tag="PhaseBegun", frozen=True, kw_only=True):
    phase: str


class PhaseFinished(Fact, tag="PhaseFinished", frozen=True, kw_only=True):
    phase: str


class ItemBegun(Fact, tag="ItemBegun", frozen=True, kw_only=True):
    phase: str
    item: str


class ItemFinished(Fact, tag="ItemFinished", frozen=True, kw_only=True):
    phase: str
    item: str


class RunApproved(Fact, tag="RunApproved", frozen=True, kw_only=True):
    """`by` approved that `asker` runs the command of this digest (SHA-256, hex) once, until then."""

    request: int
    digest: str
    asker: str
    until: datetime


class RunBegun(Fact, tag="RunBegun", frozen=True, kw_only=True):
    """`by` began to run the command of this `number` in an item, on `host`. `text`: as it was run; a secret is
    in it by the name of its variable only. `risk`: one of `core.risk`. `approved_by`: the second person, if one was
    needed.
    """

    run: int
    phase: str
    item: str
    number: int
    text: str
    digest: str
    risk: str
    host: str = ""
    approved_by: str = ""


class RunEnded(Fact, tag="RunEnded", frozen=True, kw_only=True):
    """`exit_code` None: how it ended was not told. `output`: what it said last, without its secrets."""

    run: int
    exit_code: int | None = None
    seconds: int = 0
    output: str = ""
    evidence: int | None = None
    because: str = ""


class DeploymentsFrozen(Fact, tag="DeploymentsFrozen", frozen=True, kw_only=True):
    """Deployments of `services` are frozen; an empty tuple means all of them."""

    services: tuple[str, ...]
    because: str = ""


class DeploymentsUnfrozen(Fact, tag="DeploymentsUnfrozen", frozen=True, kw_only=True):
    because: str = ""


class RoleAssigned(Fact, tag="RoleAssigned", frozen=True, kw_only=True):
    role: str
    person: str


class RoleReleased(Fact, tag="RoleReleased", frozen=True, kw_only=True):
    role: str
    person: str
    because: str = ""


class UpdatePosted(Fact, tag="UpdatePosted", frozen=True, kw_only=True):
    """What was said to `audience`, and when the next update was promised, if it was."""

    audience: str
    text: str
    status: Status | None = None
    next_at: datetime | None = None


class SaidTo(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A channel of an audience as it was when something was said there."""

    kind: str
    address: str
    name: str = ""


class UpdateDrafted(Fact, tag="UpdateDrafted", frozen=True, kw_only=True):
    """A text for an audience waits for somebody to release it. `words`: what the guide calls the audience.

    `approvers`: only they may, in words for roles, people or teams; none: anybody who works on the incident.
    """

    draft: str
    audience: str
    subject: str
    text: str
    words: tuple[str, ...] = ()
    channels: tuple[SaidTo, ...] = ()
    outside: bool = False
    mention: Literal["", "channel", "here"] = ""
    fields: dict[str, str] = {}
    said: str = ""  # the person's own words, without the template
    approvers: tuple[str, ...] = ()


class UpdateDiscarded(Fact, tag="UpdateDiscarded", frozen=True, kw_only=True):
    draft: str
    because: str = ""


class Announced(Fact, tag="Announced", frozen=True, kw_only=True):
    """`text` is owed to the channels of an audience. `fields`: what somebody typed for it. `withheld`: why to none.

    `approved_as`: what allowed the release of a draft that needed one: a role, or that it was an override.
    """

    announcement: str
    audience: str
    subject: str
    text: str
    channels: tuple[SaidTo, ...] = ()
    outside: bool = False
    mention: Literal["", "channel", "here"] = ""
    fields: dict[str, str] = {}
    draft: str = ""
    withheld: str = ""
    approved_as: str = ""


class AnnouncementSent(Fact, tag="AnnouncementSent", frozen=True, kw_only=True):
    """A provider accepted what was said to `audience` for the channel at `address` (as people may see it)."""

    announcement: str
    audience: str
    kind: str
    address: str
    name: str = ""
    attempt: int = 1
    provider_id: str = ""


class AnnouncementFailed(Fact, tag="AnnouncementFailed", frozen=True, kw_only=True):
    """The channel could not be told and is not tried again. `code` is one of `ports.ReceiptCode`."""

    announcement: str
    audience: str
    kind: str
    address: str
    name: str = ""
    attempt: int = 1
    code: str
    detail: str = ""


class NoteAdded(Fact, tag="NoteAdded", frozen=True, kw_only=True):
    text: str
    private: bool = False


class Linked(Fact, tag="Linked", frozen=True, kw_only=True):
    other: str
    relation: Relation
    reference: str = ""  # how people call the other; facts of old do not say


class MergedInto(Fact, tag="MergedInto", frozen=True, kw_only=True):
    """This incident lives on in `other`; its alerts and key go there and nothing more is owed here."""

    other: str
    reference: str


class Absorbed(Fact, tag="Absorbed", frozen=True, kw_only=True):
    """`other` was merged into this incident; `firing` is how many of this incident's alerts fire now."""

    other: str
    reference: str
    keys: tuple[str, ...]
    firing: int


# --- what is owed ---------------------------------------------------------------------------------------------------


class OwedMethod(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """One way to reach a person: the method as it was when the page was decided, and when it may be tried."""

    kind: str
    address: str
    not_before: datetime


class OwedPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page owed to `person`, tried over `methods` in order until somebody acknowledges.

    `id` is stable over retries and restarts: it is the idempotency key of every attempt. Pages that one decision owed
    share a `round`.
    """

    id: str
    person: str
    methods: tuple[OwedMethod, ...]
    level: int = 0
    round: int = 0
    notice: bool = False  # asks for no acknowledgement (a resolve notice, a reminder)
    low: bool | msgspec.UnsetType = msgspec.UNSET  # of low urgency: it may wait for the end of quiet hours


class Escalated(Fact, tag="Escalated", frozen=True, kw_only=True):
    """Level `level` is owed a page. The one verb for every cause: opened, time, nobody answered, trigger, person.

    `who` is the level's own words, `pages` what they resolved to at that instant, `again_at` when the next
    escalation is due unless `until` happens first (None: never).
    """

    level: int
    lap: int
    because: str
    who: tuple[str, ...]
    pages: tuple[OwedPage, ...]
    again_at: datetime | None = None
    until: Literal["acknowledged", "resolved"] = "acknowledged"
    key: str = ""


class CoverageGap(Fact, tag="CoverageGap", frozen=True, kw_only=True):
    """Level `level` resolved to nobody who can be reached and was passed at once; 0: these were to be told of it."""

    level: int
    who: tuple[str, ...]
    because: str


class NobodyReached(Fact, tag="NobodyReached", frozen=True, kw_only=True):
    """The ladder ended without an acknowledgement; `pages` go to the configured last resort (empty: there is none).

    `again_at`: when the ladder is tried again from its first level, if it has no level left that repeats.
    """

    pages: tuple[OwedPage, ...] = ()
    again_at: datetime | None = None
    because: str = ""


class Notified(Fact, tag="Notified", frozen=True, kw_only=True):
    """Notices (no acknowledgement asked) are owed: a reminder, a matrix entry, a resolve notice."""

    audience: str
    because: str
    pages: tuple[OwedPage, ...]
    key: str = ""
    promised_at: datetime | None = None  # when the guide wanted these people told, a promise that a receipt keeps


class PagesForgiven(Fact, tag="PagesForgiven", frozen=True, kw_only=True):
    """These owed pages will not be attempted any more, because of what was just decided."""

    pages: tuple[str, ...]
    because: str


class PageSent(Fact, tag="PageSent", frozen=True, kw_only=True):
    """A provider accepted the attempt. `provider_id` is its name for the message, if it gave one."""

    page: str
    person: str
    kind: str
    address: str
    method: int = 0  # index into the page's methods
    provider_id: str = ""
    attempt: int = 1
    bundle: str = ""  # the message that carried several pages at once
    detail: str = ""


class PageFailed(Fact, tag="PageFailed", frozen=True, kw_only=True):
    """An attempt failed. `code` is one of `ports.ReceiptCode`; `again_at` None: this method is given up."""

    page: str
    person: str
    kind: str
    address: str
    method: int = 0
    code: str
    detail: str = ""
    attempt: int = 1
    again_at: datetime | None = None


class PageDelivered(Fact, tag="PageDelivered", frozen=True, kw_only=True):
    """The provider says that it arrived, some time after it accepted it."""

    page: str
    person: str
    kind: str
    address: str
    method: int = 0


class PersonUnreachable(Fact, tag="PersonUnreachable", frozen=True, kw_only=True):
    """Every method of a page has failed for good; the ladder does not wait for this person any longer."""

    page: str
    person: str


class PromiseAtRisk(Fact, tag="PromiseAtRisk", frozen=True, kw_only=True):
    key: str
    rule: str
    due_at: datetime


class PromiseMissed(Fact, tag="PromiseMissed", frozen=True, kw_only=True):
    key: str
    rule: str
    due_at: datetime


class PromiseWaived(Fact, tag="PromiseWaived", frozen=True, kw_only=True):
    key: str
    because: str


class PromiseConfirmed(Fact, tag="PromiseConfirmed", frozen=True, kw_only=True):
    """A rule that the guide only proposes (in a template, or under a condition) holds for this incident."""

    rule: str
    because: str = ""


class PromiseKept(Fact, tag="PromiseKept", frozen=True, kw_only=True):
    """A follow-up was done."""

    rule: str
    notes: str = ""


# --- what the public is told -----------------------------------------------------------------------------------------


class Published(Fact, tag="Published", frozen=True, kw_only=True):
    """The incident stands on these public pages, under `name`; a later one of these replaces all of it.

    `impact` None: what the severity stands for. `components`: what is said of some of them, beside what follows.
    """

    pages: tuple[str, ...]
    name: str
    impact: str | None = None
    components: dict[str, str] = {}


class Unpublished(Fact, tag="Unpublished", frozen=True, kw_only=True):
    because: str


class PublicTextChanged(Fact, tag="PublicTextChanged", frozen=True, kw_only=True):
    """The public update that was the `update`-th fact reads `text` from now on."""

    update: int
    text: str


class PublicReviewSet(Fact, tag="PublicReviewSet", frozen=True, kw_only=True):
    """The public edition of the review; an empty text takes it away. Shown once `published`."""

    text: str
    published: bool = False


# --- afterwards -----------------------------------------------------------------------------------------------------


class ReviewScheduled(Fact, tag="ReviewScheduled", frozen=True, kw_only=True):
    """The review will be held at `meets_at`; a later one of these replaces it."""

    meets_at: datetime
    because: str = ""


class ReviewHeld(Fact, tag="ReviewHeld", frozen=True, kw_only=True):
    notes: str = ""


class ReviewWritten(Fact, tag="ReviewWritten", frozen=True, kw_only=True):
    """Words of the review; an empty text takes them back."""

    field: str
    text: str


class ReviewTicked(Fact, tag="ReviewTicked", frozen=True, kw_only=True):
    item: str
    done: bool = True


# --- action items ---------------------------------------------------------------------------------------------------


class ActionItemAdded(Fact, tag="ActionItemAdded", frozen=True, kw_only=True):
    """An improvement that the incident taught. `item` counts from 1 within the incident; `owner` is a person or words
    of the guide; `horizon` the guide's name for how soon, where the due date came from one."""

    item: int
    title: str
    owner: str
    due_at: datetime
    priority: Priority = "medium"
    description: str = ""
    criteria: tuple[str, ...] = ()
    horizon: str | None = None


class ActionItemChanged(Fact, tag="ActionItemChanged", frozen=True, kw_only=True):
    """What is given has changed, the rest has not."""

    item: int
    title: str | None = None
    owner: str | None = None
    due_at: datetime | None = None
    priority: Priority | None = None
    status: Progress | None = None
    description: str | None = None
    criteria: tuple[str, ...] | None = None
    effect_at: datetime | None = None  # when it is asked whether it helped
    effective: bool | None = None
    because: str = ""


class CriterionMet(Fact, tag="CriterionMet", frozen=True, kw_only=True):
    """The acceptance criterion with this number (from 1) of the item is met."""

    item: int
    criterion: int


# --- the law ----------------------------------------------------------------------------------------------------------


class InstantRecorded(Fact, tag="InstantRecorded", frozen=True, kw_only=True):
    """Somebody decided when something happened that a law counts from (awareness, classification, ...).

    `holds` False: it was looked at and is not so (yet). A later one of the same name replaces it; both stay.
    """

    name: str
    happened_at: datetime
    decided_by: str
    because: str
    holds: bool = True


class ObligationBegun(Fact, tag="ObligationBegun", frozen=True, kw_only=True):
    """A notification is owed, with what the pack said then. `due_at` None: the law gives no number.

    `since` is the instant that it counts from, `instant` that instant's name, `mark` how well the record was checked.
    """

    obligation: str
    regime: str
    text: str
    recipients: tuple[str, ...]
    citation: str
    instant: str
    since: datetime
    due_at: datetime | None = None
    who: tuple[str, ...] = ()
    mark: str = ""
    soft: bool = False
    because: str = ""


class ObligationEnded(Fact, tag="ObligationEnded", frozen=True, kw_only=True):
    """The instant that it counted from was taken back."""

    obligation: str
    because: str


class ReportSubmitted(Fact, tag="ReportSubmitted", frozen=True, kw_only=True):
    """The notification was given. `sha256` (hex) is that of the bytes that were sent, `reference` the recipient's."""

    obligation: str
    submitted_at: datetime
    recipient: str
    channel: str
    reference: str = ""
    sha256: str = ""
    notes: str = ""


# --- upkeep -----------------------------------------------------------------------------------------------------------


class DutyBegun(Fact, tag="DutyBegun", frozen=True, kw_only=True):
    """The first fact of a duty's stream: upkeep that a guide asks for, `every` so often (None: once, by `due_at`)."""

    duty: str
    reference: str
    title: str
    guide: str
    policy_digest: str
    kind: Literal["upkeep", "drill", "document", "review"] = "upkeep"
    every: Deadline | None = None
    due_at: datetime
    who: tuple[str, ...] = ()
    line: int | None = None


class DutyChanged(Fact, tag="DutyChanged", frozen=True, kw_only=True):
    """The guide in force says it differently now."""

    title: str
    policy_digest: str
    every: Deadline | None = None
    due_at: datetime
    who: tuple[str, ...] = ()
    line: int | None = None


class DutyKept(Fact, tag="DutyKept", frozen=True, kw_only=True):
    """It was done; `due_at` is when it is due again (None: never)."""

    notes: str = ""
    due_at: datetime | None = None


class EmergencyTaken(Fact, tag="EmergencyTaken", frozen=True, kw_only=True):
    """`by` has an administrator's rights and sees private incidents until `until`. `incident`: the one it is for."""

    because: str
    until: datetime
    incident: str = ""


class EmergencyEnded(Fact, tag="EmergencyEnded", frozen=True, kw_only=True):
    """It was ended before its time."""

    because: str


class DutyEnded(Fact, tag="DutyEnded", frozen=True, kw_only=True):
    """No guide in force asks for it any more."""

    because: str


# --- elsewhere: chat channels and tickets ---------------------------------------------------------------------------


class ChannelRequested(Fact, tag="ChannelRequested", frozen=True, kw_only=True):
    """The incident is owed a channel of its own at the chat service `kind`."""

    kind: str
    because: str = ""


class ChannelOpened(Fact, tag="ChannelOpened", frozen=True, kw_only=True):
    """`channel` is the service's id of it, `name` what people see."""

    kind: str
    channel: str
    name: str
    url: str = ""


class ChannelArchived(Fact, tag="ChannelArchived", frozen=True, kw_only=True):
    kind: str
    channel: str


class ChannelFailed(Fact, tag="ChannelFailed", frozen=True, kw_only=True):
    """What could not be done at a chat service, and why; `code` is one of `ports.ReceiptCode`."""

    kind: str
    doing: str
    code: str
    detail: str = ""


class TicketRequested(Fact, tag="TicketRequested", frozen=True, kw_only=True):
    """A ticket is owed in the tracker of this name; empty: the first that is configured."""

    tracker: str = ""
    because: str = ""


class TicketOpened(Fact, tag="TicketOpened", frozen=True, kw_only=True):
    """`name` is the tracker's own, such as #12 or OPS-7."""

    tracker: str
    kind: str
    name: str
    url: str


class TicketFailed(Fact, tag="TicketFailed", frozen=True, kw_only=True):
    tracker: str
    doing: str
    code: str
    detail: str = ""


class SourceTold(Fact, tag="SourceTold", frozen=True, kw_only=True):
    """The source of `alerts` alerts was told how the incident stands: acknowledged, resolved, or open again."""

    source: str
    service: str
    standing: str
    alerts: int


class SourceNotTold(Fact, tag="SourceNotTold", frozen=True, kw_only=True):
    """What could not be done at a source, and why; `code` is one of `ports.ReceiptCode`."""

    source: str
    service: str
    doing: str
    code: str
    detail: str = ""


# --- evidence: the chain of custody -----------------------------------------------------------------------------------
#
# Content is stored under its hash, elsewhere; nobody reads, holds, exports or removes it without one of these.


class EvidenceCollected(Fact, tag="EvidenceCollected", frozen=True, kw_only=True):
    """Content of `size` bytes is stored; `sha256` (hex) is that of the plain bytes as they were written.

    `item` counts from 1 within the incident. `redactions`: how many secrets of each kind were taken out before. The
    bytes before that are kept only if `original_sha256` says so, for `original_for` and whoever administers. `origin`
    is the command, the address or the query; `step` what it answers of the guide's list. `keep_until` None: for good.
    """

    item: int
    name: str
    kind: EvidenceKind
    source: EvidenceSource
    sha256: str
    size: int
    origin: str = ""
    host: str = ""
    exit_code: int | None = None
    redactions: dict[str, int] = {}
    looked: bool = True  # False: no text, so nothing was looked for
    original_sha256: str = ""
    original_size: int = 0
    original_for: tuple[str, ...] = ()
    keep_until: datetime | None = None
    step: str = ""


class EvidenceFailed(Fact, tag="EvidenceFailed", frozen=True, kw_only=True):
    """Something that was to be kept could not be; nothing of it was stored."""

    name: str
    source: EvidenceSource
    detail: str
    origin: str = ""
    step: str = ""


class EvidenceRead(Fact, tag="EvidenceRead", frozen=True, kw_only=True):
    """Somebody was given the content; `original`: the one from before the secrets were taken out."""

    item: int
    original: bool = False


class EvidenceHeld(Fact, tag="EvidenceHeld", frozen=True, kw_only=True):
    """Legal hold: neither retention nor anybody removes these items. No items: all there are and will be."""

    because: str
    items: tuple[int, ...] = ()


class EvidenceReleased(Fact, tag="EvidenceReleased", frozen=True, kw_only=True):
    """The hold of these items has ended; no items: the hold of the whole incident."""

    because: str
    items: tuple[int, ...] = ()


class EvidenceExported(Fact, tag="EvidenceExported", frozen=True, kw_only=True):
    """These items left as a sealed bundle; `manifest_sha256` is what its verifier looks for."""

    items: tuple[int, ...]
    manifest_sha256: str
    purpose: str = ""


class EvidenceRemoved(Fact, tag="EvidenceRemoved", frozen=True, kw_only=True):
    """The content is gone. That it was there, and its hash, stay."""

    item: int
    because: str


AnyFact = (
    Opened
    | StatusChanged
    | Acknowledged
    | Unacknowledged
    | Snoozed
    | Resolved
    | KeyReleased
    | Reopened
    | Closed
    | MarkedFalsePositive
    | MarkedDrill
    | AlertsAttached
    | AlertsCleared
    | FlappingNoticed
    | Restricted
    | RestrictionLifted
    | ApprovalRequested
    | ApprovalEnded
    | SeverityChanged
    | Renamed
    | ImpactSet
    | CategorySet
    | AffectedSet
    | CustomerImpactSet
    | DetectionSet
    | RootCauseSet
    | AssessmentAnswered
    | TimestampCorrected
    | PhaseBegun
    | PhaseFinished
    | ItemBegun
    | ItemFinished
    | RunApproved
    | RunBegun
    | RunEnded
    | DeploymentsFrozen
    | DeploymentsUnfrozen
    | RoleAssigned
    | RoleReleased
    | UpdatePosted
    | UpdateDrafted
    | UpdateDiscarded
    | Announced
    | AnnouncementSent
    | AnnouncementFailed
    | NoteAdded
    | Linked
    | MergedInto
    | Absorbed
    | Escalated
    | CoverageGap
    | NobodyReached
    | Notified
    | PagesForgiven
    | PageSent
    | PageFailed
    | PageDelivered
    | PersonUnreachable
    | PromiseAtRisk
    | PromiseMissed
    | PromiseWaived
    | PromiseConfirmed
    | PromiseKept
    | Published
    | Unpublished
    | PublicTextChanged
    | PublicReviewSet
    | ReviewScheduled
    | ReviewHeld
    | ReviewWritten
    | ReviewTicked
    | ActionItemAdded
    | ActionItemChanged
    | CriterionMet
    | InstantRecorded
    | ObligationBegun
    | ObligationEnded
    | ReportSubmitted
    | DutyBegun
    | DutyChanged
    | DutyKept
    | DutyEnded
    | EmergencyTaken
    | EmergencyEnded
    | ChannelRequested
    | ChannelOpened
    | ChannelArchived
    | ChannelFailed
    | TicketRequested
    | TicketOpened
    | TicketFailed
    | SourceTold
    | SourceNotTold
    | EvidenceCollected
    | EvidenceFailed
    | EvidenceRead
    | EvidenceHeld
    | EvidenceReleased
    | EvidenceExported
    | EvidenceRemoved
)

_ENCODER = msgspec.json.Encoder()
_DECODER: msgspec.json.Decoder[AnyFact] = msgspec.json.Decoder(AnyFact)


def encode(fact: AnyFact) -> bytes:
    """The exact bytes that are stored and, later, hashed. Raises ValueError above `FACT_BYTES_MAX`."""
    body = _ENCODER.encode(fact)
    if len(body) > FACT_BYTES_MAX:
        name = max(fact.__struct_fields__, key=lambda each: len(_ENCODER.encode(getattr(fact, each))))
        what = type(fact).__name__
        raise ValueError(f"{name}: expected at most {FACT_BYTES_MAX} bytes in all of {what}, got {len(body)}")
    return body


def decode(body: bytes) -> AnyFact:
    """The fact that `encode` wrote. Raises msgspec.ValidationError for anything else."""
    return _DECODER.decode(body)
