"""What an incident is made of: the state after its facts. `core.incident` says how a fact changes it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from tocsin.core import facts as f
from tocsin.core.evidence import Evidence
from tocsin.core.facts import OPEN_STATUSES, AlertName, OwedPage
from tocsin.core.guidance import Deadline
from tocsin.core.places import Places
from tocsin.core.runs import Runs


class Mark(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """When something happened, and as the how-manieth fact (from 1)."""

    version: int
    at: datetime


class Ladder(msgspec.Struct, frozen=True, kw_only=True):
    """Where the escalation stands. `again_at`: when the next level is owed, unless `until` happens first."""

    level: int = 0
    lap: int = 0
    count: int = 0
    again_at: datetime | None = None
    until: Literal["acknowledged", "resolved"] = "acknowledged"


class PageState(msgspec.Struct, frozen=True, kw_only=True):
    """One owed page: which of its methods were accepted by a provider, and which were given up."""

    page: OwedPage
    because: str = ""
    audience: str = ""  # of the news that a reminder asks for
    sent: frozenset[int] = frozenset()
    failed: frozenset[int] = frozenset()
    delivered: frozenset[int] = frozenset()
    forgiven: bool = False
    unreachable: bool = False

    @property
    def arrived(self) -> bool:
        """Whether a provider took it, and none of those has said since that it never came."""
        return bool(self.delivered or self.sent - self.failed)

    @property
    def owed(self) -> bool:
        """Whether a method is still to be tried."""
        return not self.forgiven and len(self.sent | self.failed) < len(self.page.methods)


class Telling(msgspec.Struct, frozen=True, kw_only=True):
    """People whom the guide wants told, as it was last begun: its key in the log, when it was due, and the pages."""

    key: str
    due_at: datetime
    pages: tuple[str, ...]


class ActionItem(msgspec.Struct, frozen=True, kw_only=True):
    """An improvement with owner and due date. `met` are the numbers (from 1) of the criteria that are met."""

    item: int
    title: str
    owner: str
    due_at: datetime
    priority: f.Priority
    status: f.Progress = "open"
    description: str = ""
    criteria: tuple[str, ...] = ()
    met: tuple[int, ...] = ()
    horizon: str | None = None
    added_at: datetime
    completed_at: datetime | None = None
    effect_at: datetime | None = None  # when somebody is to say whether it helped
    effective: bool | None = None


class KnownInstant(msgspec.Struct, frozen=True, kw_only=True):
    """An instant that a law counts from, as a person decided it. `holds` False: looked at, and not so."""

    happened_at: datetime
    recorded_at: datetime
    decided_by: str
    because: str
    holds: bool = True


class Owing(msgspec.Struct, frozen=True, kw_only=True):
    """A notification that a law asks for. `submitted_at` None: not given yet."""

    obligation: str
    regime: str
    text: str
    recipients: tuple[str, ...]
    citation: str
    instant: str
    since: datetime
    due_at: datetime | None
    who: tuple[str, ...] = ()
    mark: str = ""
    soft: bool = False
    submitted_at: datetime | None = None  # the newest submission
    first_submitted_at: datetime | None = None
    receipt: str = ""  # recipient, channel and reference of the latest submission


class Duty(msgspec.Struct, frozen=True, kw_only=True):
    """Upkeep of a guide. `due_at` None: it is not owed (again)."""

    kind: Literal["upkeep", "drill", "document", "review"]
    every: Deadline | None
    due_at: datetime | None
    who: tuple[str, ...]
    line: int | None
    asked_at: datetime | None = None  # the due date that the guide asked for last
    kept_at: datetime | None = None
    kept_by: str | None = None
    kept: int = 0
    ended: bool = False
    access_of: str | None = None  # whose emergency access is to be reviewed, by somebody else
    access_until: datetime | None = None


class Restriction(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a private incident names."""

    people: tuple[str, ...]
    teams: tuple[str, ...] = ()


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A command that waits for a second person's approval, until it lapses."""

    request: int
    command: str
    body: str
    by: str
    asked_at: datetime
    until: datetime
    says: str = ""  # in words: what for, or to run what


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """The state after `version` facts, the newest at `last_at`. Instants are aware UTC."""

    id: str
    reference: str
    title: str
    status: f.Status
    severity: str
    guide: str
    policy_digest: str
    opened_at: datetime
    last_at: datetime
    version: int
    service: str | None = None
    keys: tuple[str, ...] = ()
    last_keys: tuple[str, ...] = ()  # held until it ended; a reopening takes back those that are free
    severity_by: str = ""  # who set the severity last: a person, or the source of an alert
    by_alert: bool = False
    escalation: str | None = None
    reopen_seconds: int = 0
    drill: bool = False
    description: str = ""
    because: str = ""

    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    acknowledged_alert: str = ""  # the fingerprint, when the source of an alert said so last
    acknowledgement_ends_at: datetime | None = None
    unacknowledged_at: datetime | None = None  # the last time that nobody had it any more
    snoozed_until: datetime | None = None
    resolved_at: datetime | None = None
    resolved_by: str | None = None
    closed_at: datetime | None = None
    reopen_until: datetime | None = None
    quiet_until: datetime | None = None
    merged_into: str | None = None
    review_at: datetime | None = None
    false_positive: bool = False

    firing: int = 0
    alert_count: int = 0
    alerts: tuple[AlertName, ...] = ()

    impact: str | None = None
    category: str | None = None
    restricted: Restriction | None = None  # None: not private
    approvals: dict[int, Asked] = {}
    asked: int = 0  # requests so far
    services: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    users_affected: int | None = None
    revenue: str | None = None
    customer_impact: str = ""
    detection: str | None = None
    root_cause: str | None = None
    contributing: tuple[str, ...] = ()
    prevention: str = ""
    answers: dict[str, str] = {}
    written: dict[str, str] = {}  # words of the review, by field
    ticked: frozenset[str] = frozenset()  # items of its checklist
    corrected: dict[str, datetime] = {}

    phases: dict[str, Literal["begun", "finished"]] = {}
    items: dict[str, Literal["begun", "finished"]] = {}  # "phase / item"
    frozen: tuple[str, ...] | None = None  # None: no freeze; empty: all deployments
    roles: dict[str, tuple[str, ...]] = {}
    held: dict[str, tuple[tuple[Mark, Mark], ...]] = {}  # role, casefolded -> from when to when somebody had it before
    links: tuple[tuple[str, f.Relation], ...] = ()
    updates: int = 0
    drafts: dict[str, f.UpdateDrafted] = {}  # texts that wait for somebody to release them
    said: dict[str, str] = {}  # what was typed into fields of templates last, by field
    next_updates: dict[str, datetime] = {}  # audience, casefolded -> when its next update was promised for

    public: f.Published | None = None  # what stands on public pages
    public_updates: tuple[int, ...] = ()  # which facts are updates to the public
    places: Places = Places()
    evidence: Evidence = Evidence()
    runs: Runs = Runs()

    ladder: Ladder = Ladder()
    pages: dict[str, PageState] = {}
    page_count: int = 0
    telling: dict[str, Telling] = {}  # promise key without its "#n" -> what a receipt keeps
    moments: dict[str, Mark] = {}
    fired: dict[str, int] = {}  # promise key without its "#n" -> the last n that was acted on
    missed: dict[str, tuple[str, datetime]] = {}  # promise key without "#n" -> (rule, due at)
    waived: frozenset[str] = frozenset()

    actions: dict[int, ActionItem] = {}
    instants: dict[str, KnownInstant] = {}
    obligations: dict[str, Owing] = {}
    duty: Duty | None = None  # of a duty's stream, which is no incident

    @property
    def open(self) -> bool:
        return self.status in OPEN_STATUSES
