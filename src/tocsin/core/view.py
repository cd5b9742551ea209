"""The incident as the world sees it: the public JSON, and the timeline in words."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from tocsin.core import emergency, evidence, facts as f, places, privacy, runs, twopersons
from tocsin.core.afterwords import afterwards
from tocsin.core.calendar import BusinessTime
from tocsin.core.facts import AnyFact
from tocsin.core.incident import Incident
from tocsin.core.people import shown_address
from tocsin.core.policy import Rule
from tocsin.core.promises import DEFAULT, Promise, promises
from tocsin.core.publishing import words as publicly
from tocsin.core.rule_words import promise_words, rule_words
from tocsin.core.said_words import said, without_addresses
from tocsin.core.sight import readers
from tocsin.core.spans import show_instant
from tocsin.core.state import ActionItem, Asked, KnownInstant, Owing


class AlertView(msgspec.Struct, frozen=True, kw_only=True):
    fingerprint: str
    starts_at: datetime
    title: str


class EscalationView(msgspec.Struct, frozen=True, kw_only=True):
    level: int
    next_at: datetime | None
    until: str


class ActionItemView(msgspec.Struct, frozen=True, kw_only=True):
    """An action item as people track it. `criteria` are its acceptance criteria and whether each is met."""

    item: int
    title: str
    owner: str
    due_at: datetime
    priority: str
    status: str
    description: str
    criteria: tuple[tuple[str, bool], ...]
    horizon: str | None
    added_at: datetime
    completed_at: datetime | None
    effect_at: datetime | None = None
    effective: bool | None = None


class IncidentView(msgspec.Struct, frozen=True, kw_only=True):
    """The public incident JSON; the first thirteen fields are the contract of DESIGN section 4.

    `alerts` names at most the first hundred, `alert_count` counts all, `firing` those that fire. `owed_next` is the
    earliest open promise.
    """

    id: str
    reference: str
    title: str
    status: str
    severity: str
    guide: str
    service: str | None
    opened_at: datetime
    acknowledged_at: datetime | None
    resolved_at: datetime | None
    roles: dict[str, tuple[str, ...]]
    alerts: tuple[AlertView, ...]
    promises: tuple[Promise, ...]

    version: int
    description: str
    acknowledged_by: str | None
    resolved_by: str | None
    closed_at: datetime | None
    snoozed_until: datetime | None
    escalation: EscalationView
    owed_next: Promise | None
    paged: tuple[str, ...]
    unreachable: tuple[str, ...]
    alert_count: int
    firing: int
    drill: bool
    false_positive: bool
    merged_into: str | None
    review_at: datetime | None
    links: tuple[tuple[str, str], ...]
    impact: str | None
    category: str | None
    services: tuple[str, ...]
    components: tuple[str, ...]
    users_affected: int | None
    revenue: str | None
    customer_impact: str
    detection: str | None
    root_cause: str | None
    contributing: tuple[str, ...]
    prevention: str
    answers: dict[str, str]
    corrected: dict[str, datetime]
    phases: dict[str, str]
    items: dict[str, str]
    deployments_frozen: tuple[str, ...] | None
    channels: tuple[places.ChatChannel, ...]
    tickets: tuple[places.Ticket, ...]
    policy_digest: str
    last_at: datetime

    action_items: tuple[ActionItemView, ...] = ()
    instants: dict[str, KnownInstant] = {}
    obligations: dict[str, Owing] = {}
    approvals: tuple[Asked, ...] = ()  # commands that wait for a second person, until they lapse
    private: bool = False
    visible_to: tuple[str, ...] = ()  # who sees a private incident: ids of people, and teams as team:ID
    paged_because: str = ""  # only in a message: why it is sent, and for whose sake
    paged_for: str = ""
    kind: Literal["incident", "duty"] = "incident"  # a duty is none, but is reminded of by the same messages


def action_view(item: ActionItem) -> ActionItemView:
    same = {name: getattr(item, name) for name in ActionItemView.__struct_fields__ if name != "criteria"}
    return ActionItemView(criteria=tuple((text, n in item.met) for n, text in enumerate(item.criteria, 1)), **same)


def view(incident: Incident, every_rule: tuple[Rule, ...], calendar: BusinessTime = DEFAULT) -> IncidentView:
    """What the API, the pages and machine receivers show of an incident as of its newest fact."""
    return view_with(incident, tuple(promises(incident, every_rule, calendar)))


def view_with(incident: Incident, owed: tuple[Promise, ...]) -> IncidentView:
    """The same for who knows the incident's promises."""
    asked = [state for state in incident.pages.values() if not state.page.notice]
    ladder = incident.ladder
    quiet = not incident.open or (incident.acknowledged_at and ladder.until == "acknowledged")
    same = {name: getattr(incident, name) for name in _SAME}
    return IncidentView(
        alerts=tuple(
            AlertView(fingerprint=each.fingerprint, starts_at=each.starts_at, title=each.title)
            for each in incident.alerts
        ),
        promises=owed,
        owed_next=next((each for each in owed if each.state in ("open", "at risk") and each.due_at), None),
        escalation=EscalationView(
            level=ladder.level, next_at=None if quiet or incident.snoozed_until else ladder.again_at, until=ladder.until
        ),
        paged=tuple(dict.fromkeys(state.page.person for state in asked)),
        unreachable=tuple(dict.fromkeys(state.page.person for state in asked if state.unreachable)),
        phases=dict(incident.phases),
        items=dict(incident.items),
        deployments_frozen=incident.frozen,
        channels=incident.places.channels,
        tickets=incident.places.tickets,
        approvals=tuple(incident.approvals.values()),
        private=incident.restricted is not None,
        visible_to=readers(incident) or (),
        kind="duty" if incident.duty else "incident",
        action_items=tuple(action_view(each) for each in incident.actions.values()),
        **same,
    )


_OWN = {
    "alerts",
    "promises",
    "owed_next",
    "escalation",
    "paged",
    "unreachable",
    "phases",
    "items",
    "deployments_frozen",
    "channels",
    "tickets",
    "action_items",
    "kind",
    "approvals",
    "private",
    "visible_to",
    "paged_because",
    "paged_for",
}
_SAME = tuple(name for name in IncidentView.__struct_fields__ if name not in _OWN)


class TimelineItem(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the timeline: `text` for people, `data` the fact itself."""

    version: int
    at: datetime
    by: str
    kind: str
    text: str
    data: Any


def timeline(history: list[AnyFact], after: int = 0) -> list[TimelineItem]:
    """The facts in words, oldest first; `after` is how many facts come before the first of `history`."""
    return [
        TimelineItem(
            version=after + n,
            at=fact.at,
            by=fact.by,
            kind=str(type(fact).__struct_config__.tag),
            text=words(fact),
            data=msgspec.to_builtins(_without_secrets(fact)),
        )
        for n, fact in enumerate(history, start=1)
    ]


def _without_secrets(fact: AnyFact) -> AnyFact:
    """Addresses of webhooks carry tokens; they are needed to send, not to read."""
    if isinstance(fact, f.UpdateDrafted | f.Announced):
        return without_addresses(fact)
    if not isinstance(fact, f.Escalated | f.Notified | f.NobodyReached):
        return fact
    pages = tuple(
        msgspec.structs.replace(
            page,
            methods=tuple(
                msgspec.structs.replace(method, address=shown_address(method.kind, method.address))
                for method in page.methods
            ),
        )
        for page in fact.pages
    )
    return msgspec.structs.replace(fact, pages=pages)


def words(fact: AnyFact) -> str:
    """One sentence a tired person understands."""
    known = _life(fact) or _alerts_and_pages(fact) or _work(fact) or afterwards(fact) or publicly(fact)
    known = (
        known
        or said(fact)
        or places.words(fact)
        or evidence.words(fact)
        or privacy.words(fact)
        or emergency.words(fact)
        or twopersons.words(fact)
        or runs.words(fact)
    )
    return known or str(type(fact).__struct_config__.tag)


def _because(text: str) -> str:
    return f": {text}" if text else ""


def _life(fact: AnyFact) -> str:
    match fact:
        case f.Opened():
            service = f" for {fact.service}" if fact.service else ""
            return f"{fact.reference} opened as {fact.severity}{service}: {fact.title}"
        case f.StatusChanged():
            return f"Status is {fact.status}{_because(fact.because)}"
        case f.Acknowledged():
            return f"Acknowledged by {fact.by}"
        case f.Unacknowledged():
            return f"No longer acknowledged{_because(fact.because)}"
        case f.Snoozed():
            return f"Snoozed until {fact.until:%Y-%m-%d %H:%M} UTC{_because(fact.because)}"
        case f.Resolved():
            return f"Resolved{_because(fact.because)}"
        case f.KeyReleased():
            return "The next alert of this kind opens a new incident"
        case f.Reopened():
            return f"Reopened{_because(fact.because)}"
        case f.Closed():
            return f"Closed{_because(fact.because)}"
        case f.MarkedFalsePositive():
            return f"Marked as a false positive{_because(fact.because)}"
        case f.MarkedDrill():
            return "Marked as a drill" if fact.drill else "No longer a drill"
        case f.SeverityChanged():
            return f"Severity changed from {fact.before} to {fact.severity}{_because(fact.because)}"
        case f.MergedInto():
            return f"Merged into {fact.reference}"
        case f.Absorbed():
            return f"{fact.reference} was merged into this incident"
        case f.Linked():
            return f"Linked to {fact.reference or fact.other} ({fact.relation})"
    return ""


def _names(pages: tuple[f.OwedPage, ...]) -> str:
    return ", ".join(page.person for page in pages) or "nobody"


def _some(alerts: tuple[f.AlertName, ...], count: int) -> str:
    named = "; ".join(alert.title for alert in alerts[:3])
    more = count - min(3, len(alerts))
    return f"{named} and {more} more" if more > 0 and named else named


def _alerts_and_pages(fact: AnyFact) -> str:
    match fact:
        case f.AlertsAttached():
            return f"{fact.count} alert{'s' if fact.count > 1 else ''} joined: {_some(fact.alerts, fact.count)}"
        case f.AlertsCleared(because="moved"):
            fire = "alerts fire" if fact.count > 1 else "alert fires"
            return f"{fact.count} {fire} in a newer incident now"
        case f.AlertsCleared():
            left = f"{fact.firing} still firing" if fact.firing else "none fires any more"
            how = "no refresh arrived in time" if fact.because == "silence" else fact.because
            return f"{fact.count} alert{'s' if fact.count > 1 else ''} cleared ({how}), {left}"
        case f.FlappingNoticed():
            return f"Flapping: {fact.count} changes; stays open until quiet at {fact.quiet_until:%H:%M} UTC"
        case f.Escalated():
            level = f"level {fact.level} ({', '.join(fact.who)})"
            return f"Escalated to {level}, paging {_names(fact.pages)}{_because(fact.because)}"
        case f.CoverageGap():
            if not fact.level:
                return f"Not told{_because(fact.because)}"
            return f"Level {fact.level} was passed, nobody can be reached there{_because(fact.because)}"
        case f.NobodyReached():
            return f"Nobody was reached; paging the last resort: {_names(fact.pages)}{_because(fact.because)}"
        case f.Notified():
            return f"{f'Telling {_names(fact.pages)}' if fact.pages else 'Nobody to tell'}{_because(fact.because)}"
        case f.PagesForgiven():
            return f"{len(fact.pages)} page{'s' if len(fact.pages) > 1 else ''} not needed any more: {fact.because}"
        case f.PageSent():
            riding = " (in one message with others)" if fact.bundle else ""
            return f"{fact.person} was paged by {fact.kind}{f' at {fact.address}' if fact.address else ''}{riding}"
        case f.PageFailed():
            then = f"again at {fact.again_at:%H:%M:%S} UTC" if fact.again_at else "given up"
            return f"Paging {fact.person} by {fact.kind} failed, {then}: {fact.code} {fact.detail}".rstrip()
        case f.PageDelivered():
            return f"The {fact.kind} page to {fact.person} arrived"
        case f.PersonUnreachable():
            return f"{fact.person} could not be reached by any method"
        case f.PromiseAtRisk():
            return f"At risk: {rule_words(fact.rule)} is due at {show_instant(fact.due_at, fact.at)}"
        case f.PromiseMissed():
            return f"Missed: {rule_words(fact.rule)} was due at {show_instant(fact.due_at, fact.at)}"
        case f.PromiseWaived():
            return f"Waived: {promise_words(fact.key)}{_because(fact.because)}"
        case f.PromiseConfirmed():
            return f"Confirmed by {fact.by}: {rule_words(fact.rule)} holds{_because(fact.because)}"
        case f.PromiseKept():
            return f"Done: {rule_words(fact.rule)}{_because(fact.notes)}"
    return ""


def _work(fact: AnyFact) -> str:
    match fact:
        case f.Renamed():
            return f"Renamed: {fact.title}"
        case f.ImpactSet():
            return f"Impact: {fact.impact}"
        case f.CategorySet():
            return f"Category: {fact.category}"
        case f.AffectedSet():
            return f"Affected: {', '.join((*fact.services, *fact.components)) or 'nothing'}"
        case f.CustomerImpactSet():
            users = f"{fact.users} users affected" if fact.users is not None else ""
            return "Customer impact: " + ", ".join(
                part for part in (users, fact.revenue or "", fact.description) if part
            )
        case f.DetectionSet():
            return f"Detected by {fact.source}"
        case f.RootCauseSet():
            return f"Root cause: {fact.cause}"
        case f.AssessmentAnswered():
            return f"{fact.question} {fact.answer}"
        case f.TimestampCorrected():
            return f"{fact.name} corrected to {fact.after:%Y-%m-%d %H:%M:%S} UTC{_because(fact.because)}"
        case f.PhaseBegun() | f.PhaseFinished():
            return f"Phase {'begun' if isinstance(fact, f.PhaseBegun) else 'finished'}: {fact.phase}"
        case f.ItemBegun() | f.ItemFinished():
            return f"{'Started' if isinstance(fact, f.ItemBegun) else 'Done'}: {fact.item}"
        case f.DeploymentsFrozen():
            return f"Deployments frozen for {', '.join(fact.services) or 'everything'}{_because(fact.because)}"
        case f.DeploymentsUnfrozen():
            return f"Deployments allowed again{_because(fact.because)}"
        case f.RoleAssigned():
            return f"{fact.person} is {fact.role}"
        case f.RoleReleased():
            return f"{fact.person} is no longer {fact.role}{_because(fact.because)}"
        case f.UpdatePosted():
            return f"Update to {fact.audience}: {fact.text}"
        case f.NoteAdded():
            return f"Note: {fact.text}"
        case f.ReviewScheduled():
            return f"Review scheduled for {show_instant(fact.meets_at, fact.at)}{_because(fact.because)}"
        case f.ReviewHeld():
            return f"Review held{_because(fact.notes)}"
        case f.ReviewWritten():
            return f"Written for the review, {fact.field}: {fact.text or 'taken back'}"
        case f.ReviewTicked():
            return f"Review checklist: {fact.item}{'' if fact.done else ' (not done after all)'}"
    return ""
