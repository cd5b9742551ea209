"""The compiled guide as values: everything a policy can say, and nothing about how it was written.

The JSON form of `Policy` is the public contract (DESIGN section 4). What guides say is in `core.guidance`, what an
operator adds (how alerts find their way, how people are paged) is here.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Literal

import msgspec

from tocsin.core.guidance import (
    ActionItems,
    Cadence,
    Calendar,
    Category,
    Cited,
    CodeBlock,
    Communication,
    Contact,
    Dashboard,
    Deadline,
    Drill,
    Duty,
    Escalation,
    ExternalParty,
    Field,
    Finding,
    FollowUp,
    Horizon,
    Level,
    Metric,
    Notify,
    Phase,
    Question,
    Remediation,
    Report,
    Review,
    Role,
    Runbook,
    Severity,
    Source,
    Staffing,
    Step,
    Template,
    Trigger,
    Value,
    WhileUnresolved,
)

__all__ = [
    "Act",
    "ActionItems",
    "BusinessHours",
    "Cadence",
    "Calendar",
    "Category",
    "Cited",
    "CodeBlock",
    "Communication",
    "Contact",
    "Dashboard",
    "Deadline",
    "Drill",
    "Duty",
    "Escalation",
    "ExternalParty",
    "Field",
    "Finding",
    "Flapping",
    "FollowUp",
    "Horizon",
    "Inhibition",
    "Level",
    "Matcher",
    "Metric",
    "Moment",
    "Notify",
    "Paging",
    "Phase",
    "Policy",
    "Privacy",
    "Question",
    "Remediation",
    "Report",
    "Review",
    "Role",
    "Route",
    "Rule",
    "Runbook",
    "Severity",
    "Source",
    "Staffing",
    "Step",
    "Template",
    "Threshold",
    "Trigger",
    "TwoPersons",
    "Value",
    "WhileUnresolved",
    "canonical",
    "digest",
    "elapsed",
    "severity_of",
]


class Matcher(Value, frozen=True, kw_only=True):
    """One label matcher in Alertmanager's terms: `=`, `!=`, `=~`, `!~`; a regex is anchored at both ends."""

    name: str
    value: str
    is_regex: bool = False
    is_equal: bool = True


class Threshold(Value, frozen=True, kw_only=True):
    """Nobody is paged until `count` alerts of the route fired within `seconds`; what was held back stays visible."""

    count: int
    seconds: int


class Flapping(Value, frozen=True, kw_only=True):
    """`transitions` changes of state within `seconds` are flapping: the incident stays open until it was quiet so long.

    The defaults (three times fired and cleared within 15 minutes) hold for routes that say nothing.
    """

    transitions: int = 6
    seconds: int = 900


class Route(Value, frozen=True, kw_only=True):
    """First match wins. `matchers` in Alertmanager's syntax; `correlate_by` are the labels of the correlation key.

    `severity` is a severity of the policy, or null: from the `severity` label. `page: false` opens nothing and says so.
    """

    name: str = ""
    matchers: tuple[str, ...] = ()
    service: str | None = None
    severity: str | None = None
    escalation: str | None = None  # a named ladder of `Policy.escalations`; null: the policy's own
    correlate_by: tuple[str, ...] | None = None
    page: bool = True
    private: bool = False  # its incidents are private (`Policy.privacy` says who sees them)
    threshold: Threshold | None = None
    flapping: Flapping | None = None
    reopen_within: Deadline | None = None


class Inhibition(Value, frozen=True, kw_only=True):
    """While a source alert fires, matching target alerts page nobody (Alertmanager's `inhibit_rules`)."""

    name: str = ""
    source_matchers: tuple[str, ...]
    target_matchers: tuple[str, ...]
    equal: tuple[str, ...] = ()


class BusinessHours(Value, frozen=True, kw_only=True):
    """Where a guide sets no calendar: Monday to Friday, 09:00-17:00 UTC, no holidays, and a finding.

    `source`: the line of the guide that states it.
    """

    zone: str = "UTC"
    days: tuple[int, ...] = (0, 1, 2, 3, 4)  # Monday is 0
    opens: str = "09:00"
    closes: str = "17:00"
    country: str | None = None
    subdivision: str | None = None
    closures: tuple[str, ...] = ()  # ISO dates
    source: Source | None = None


Moment = Literal[
    "opened", "severity", "assessed", "acknowledged", "mitigated", "resolved", "closed", "updated", "confirmed",
    "review_scheduled", "review_held", "done", "staffed",
]  # fmt: skip


class Act(Value, frozen=True, kw_only=True):
    """What a rule does when it is due. `who` for page, notify and remind; `audience` for updates."""

    kind: Literal["escalate", "page", "notify", "remind", "breach"]
    who: tuple[str, ...] = ()
    audience: str = ""
    text: str = ""


class Rule(Value, frozen=True, kw_only=True):
    """When `start` happens, after `delay`, do `act`, again `every`, until `until`; for `severities` (empty: all).

    `severity` as a start is the opening or the last change of severity, so such a rule re-arms when it changes.
    `confirmed` as a start: the rule is only proposed, and begins when somebody says that it holds (`confirm-promise`).
    `done` as an end: somebody says that it was done (`keep-promise`). Such a rule begins with the resolution, if it
    starts `confirmed` with the later of the two.
    """

    id: str
    start: Moment
    delay: Deadline
    act: Act
    every: Deadline | None = None
    until: Moment | None = None
    severities: tuple[str, ...] = ()
    source: Source | None = None


class Paging(Value, frozen=True, kw_only=True):
    """How people are paged, where no guide says: every one of these is shown in the interface.

    `acknowledge_timeout` null: an acknowledgement holds for good. `notify_resolved`: who was paged hears of the end.
    """

    acknowledge_timeout: Deadline | None = None
    notify_resolved: bool = False
    last_resort: tuple[str, ...] = ()


class Privacy(Value, frozen=True, kw_only=True):
    """Incidents of these categories and services are private, and seen by those that `visible_to` names (people, teams,
    or what a guide calls them), whoever has a role in them or is paged for them, and by nobody else."""

    categories: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    visible_to: tuple[str, ...] = ()


class TwoPersons(Value, frozen=True, kw_only=True):
    """These commands (by their names, such as `resolve`) are asked for by one person and approved by another, within so
    long; for `severities` (empty: all)."""

    commands: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    within_seconds: int = 3600


class Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything one guide says, plus how alerts reach it."""

    title: str
    metadata: dict[str, str] = {}
    severities: tuple[Severity, ...]
    decision_tree: tuple[Question, ...] = ()
    assessment: tuple[str, ...] = ()
    definition: tuple[str, ...] = ()  # what counts as an incident
    objectives: tuple[str, ...] = ()  # what the response is for, the first thing first
    categories: tuple[Category, ...] = ()
    roles: tuple[Role, ...] = ()
    staffing: tuple[Staffing, ...] = ()  # roles that somebody has to hold
    escalation: Escalation = Escalation()
    escalations: dict[str, Escalation] = {}
    cadences: tuple[Cadence, ...] = ()
    communications: tuple[Communication, ...] = ()
    templates: tuple[Template, ...] = ()
    phases: tuple[Phase, ...] = ()
    runbooks: tuple[Runbook, ...] = ()
    code_blocks: int = 0
    commands: tuple[CodeBlock, ...] = ()  # every command of the guide, those in no step included
    review: Review = Review()
    follow_ups: tuple[FollowUp, ...] = ()
    follow_up_within: Deadline | None = None  # for follow-ups that name no time
    action_items: ActionItems = ActionItems()
    metrics: tuple[Metric, ...] = ()
    reports: tuple[Report, ...] = ()
    dashboards: tuple[Dashboard, ...] = ()
    drills: tuple[Drill, ...] = ()
    remediation: tuple[Remediation, ...] = ()
    contacts: tuple[Contact, ...] = ()
    duties: tuple[Duty, ...] = ()
    rules: tuple[Rule, ...] = ()
    routes: tuple[Route, ...] = ()
    inhibitions: tuple[Inhibition, ...] = ()
    severity_mapping: dict[str, str] = {}  # a label's value, or another scheme's severity -> one of ours
    reference_format: Literal["INC-YYYY-NNN", "INC-YYYY-MM-DD-NNN"] = "INC-YYYY-NNN"
    business_hours: BusinessHours | None = None
    paging: Paging = Paging()
    privacy: Privacy = Privacy()
    two_persons: TwoPersons = TwoPersons()
    services: tuple[str, ...] = ()  # the services this guide governs; empty: every one no other guide names
    findings: tuple[Finding, ...] = ()


_ENCODER = msgspec.json.Encoder(order="deterministic")


def canonical(policy: Policy) -> bytes:
    """The bytes that name this policy: deterministic JSON, the same for equal values."""
    return _ENCODER.encode(policy)


def digest(policy: Policy) -> str:
    """SHA-256 of the canonical bytes, in hex; `Opened.policy_digest`."""
    return hashlib.sha256(canonical(policy)).hexdigest()


def elapsed(deadline: Deadline | None) -> timedelta | None:
    """The span on the elapsed clock, or None when the deadline needs a calendar or cannot be computed."""
    if deadline is None:
        return None
    if deadline.seconds is not None:
        return timedelta(seconds=deadline.seconds)
    if deadline.calendar_days is not None:
        return timedelta(days=deadline.calendar_days)
    return None


def severity_of(policy: Policy, name: str) -> Severity | None:
    """The severity with this id, in any letter case, or None."""
    folded = name.casefold()
    return next((severity for severity in policy.severities if severity.id.casefold() == folded), None)
