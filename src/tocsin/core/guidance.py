"""What a guide says, as values: severities, roles, escalation, promises of news, templates, phases, runbooks, reviews.

A field that the guide does not state is null or empty, never a default. Every value that came from a guide carries the
line it came from. Import these names from `core.policy`.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Calendar = Literal["next_business_day", "same_business_day", "same_day", "next_day"]


class Value(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Unknown keys are errors: a misspelt limit must not become no limit."""


class Source(Value, frozen=True, kw_only=True, omit_defaults=True):
    """Where the guide says it: 1-based line, and the file when a policy is built from several."""

    line: int
    file: str | None = None


class Deadline(Value, frozen=True, kw_only=True, omit_defaults=True):
    """One span, in exactly one unit. Business forms stay business forms; a milestone starts no timer.

    `seconds`, `calendar_days` and `months` are elapsed or calendar time; `business_*` and `calendar` need a calendar;
    `milestone` ("next sprint") and `qualitative` ("as soon as possible") cannot be computed. `text` is what the guide
    says; `not_after` is an outer limit. Raises ValueError unless exactly one unit is given.
    """

    seconds: int | None = None
    business_days: int | None = None
    business_hours: int | None = None
    calendar: Calendar | None = None
    calendar_days: int | None = None
    months: int | None = None
    milestone: str | None = None
    qualitative: str | None = None
    not_after: Deadline | None = None
    text: str | None = None

    def __post_init__(self) -> None:
        units = ("seconds", "business_days", "business_hours", "calendar", "calendar_days", "months")
        given = [unit for unit in (*units, "milestone", "qualitative") if getattr(self, unit) is not None]
        if len(given) != 1:
            raise ValueError(f"expected exactly one unit of {', '.join(units)}, got {', '.join(given) or 'none'}")
        for unit in ("seconds", "business_days", "business_hours", "calendar_days", "months"):
            value = getattr(self, unit)
            if value is not None and value < 0:
                raise ValueError(f"{unit}: expected a number of at least 0, got {value}")


class Cited(Value, frozen=True, kw_only=True):
    """Where one value stands, when that is not where the whole is defined."""

    source: Source


class Severity(Value, frozen=True, kw_only=True):
    """`rank` counts from 0, the worst, in the guide's order. `clocks` are further named ones: first update, contain."""

    id: str
    name: str = ""
    rank: int
    respond_within: Deadline | None = None
    resolve_within: Deadline | None = None
    clocks: dict[str, Deadline] = {}
    description: str = ""
    examples: tuple[str, ...] = ()
    communication: str = ""
    source: Source | None = None
    cited: dict[str, Cited] = {}  # clocks that stand on another line than the definition, by field or clock name


class Question(Value, frozen=True, kw_only=True):
    """One row of an ordered, first-match decision tree. An empty question is the tree's last line, "otherwise"."""

    question: str
    severity: str
    source: Source | None = None


class Category(Value, frozen=True, kw_only=True):
    name: str
    description: str = ""
    source: Source | None = None


class Contact(Value, frozen=True, kw_only=True):
    """A person or party as the guide prints it; reachable only once bound to a stored person (`core.people`)."""

    name: str = ""
    kind: Literal["primary", "backup", "vendor", "other"] = "other"
    role: str = ""
    organisation: str = ""
    service: str = ""
    email: str = ""
    phone: str = ""
    support_level: str = ""
    text: str = ""
    source: Source | None = None


class Role(Value, frozen=True, kw_only=True):
    name: str
    responsibilities: tuple[str, ...] = ()
    qualifications: tuple[str, ...] = ()
    contacts: tuple[Contact, ...] = ()
    required_for: tuple[str, ...] = ()  # severities; empty: as the commander sees fit
    when: str = ""  # a condition in the guide's words, such as "security incidents only"
    source: Source | None = None


class Staffing(Value, frozen=True, kw_only=True):
    """`role` is to be held in incidents of these severities (empty: all). `within` null: people are reminded, and
    nothing is promised. `text`: how the guide says it."""

    role: str
    severities: tuple[str, ...] = ()
    within: Deadline | None = None
    text: str = ""
    source: Source | None = None


class Level(Value, frozen=True, kw_only=True):
    """`within` is when the next level is owed, as written. `who`: the guide's or the directory's words.

    It counts from entering this level, or from the opening where the guide gives one time line for all its levels
    ("0 min, 15 min, 1 hour").
    """

    level: int
    who: tuple[str, ...]
    within: Deadline | None = None
    since: Literal["level", "opened"] = "level"
    severities: tuple[str, ...] = ()  # empty: all
    actions: tuple[str, ...] = ()
    source: Source | None = None


class WhileUnresolved(Value, frozen=True, kw_only=True):
    severity: str
    every: Deadline
    source: Source | None = None


class Trigger(Value, frozen=True, kw_only=True):
    text: str
    kind: Literal["impact", "manual"]
    source: Source | None = None


class Notify(Value, frozen=True, kw_only=True):
    """A row of a notification matrix: who hears of `severity`, how soon, by which channels the guide names."""

    severity: str
    who: tuple[str, ...]
    within: Deadline | None = None
    channels: tuple[str, ...] = ()
    source: Source | None = None


class ExternalParty(Value, frozen=True, kw_only=True):
    who: str
    condition: str = ""
    source: Source | None = None


class Escalation(Value, frozen=True, kw_only=True):
    """`until` says what ends the ladder; a guide that says "if not resolved" runs on after an acknowledgement.

    `phone`: severities for which people are called, at once and whatever else they prefer. `never`: severities that the
    guide says are not escalated; they climb only if nobody answers, by day (`core.unhurried`).
    """

    levels: tuple[Level, ...] = ()
    while_unresolved: tuple[WhileUnresolved, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    notify: tuple[Notify, ...] = ()
    external: tuple[ExternalParty, ...] = ()
    phone: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    until: Literal["acknowledged", "resolved"] = "acknowledged"


class Cadence(Value, frozen=True, kw_only=True):
    """`severities` empty: all. `confirmed` false: it stands only inside a template and starts no timer."""

    audience: str
    severities: tuple[str, ...] = ()
    every: Deadline
    confirmed: bool = True
    channels: tuple[str, ...] = ()
    condition: str = ""
    source: Source | None = None


class Communication(Value, frozen=True, kw_only=True):
    """A duty to tell `audience` once, within a time of the start."""

    audience: str
    severities: tuple[str, ...] = ()
    within: Deadline | None = None
    channels: tuple[str, ...] = ()
    content: tuple[str, ...] = ()
    condition: str = ""
    source: Source | None = None


class Field(Value, frozen=True, kw_only=True):
    """A placeholder of a template: its name, the exact text it stands as, what kind of value fits, the choices."""

    name: str
    placeholder: str
    kind: Literal["text", "time", "duration", "person", "severity", "status", "id", "number", "url", "choice"] = "text"
    choices: tuple[str, ...] = ()


class Template(Value, frozen=True, kw_only=True):
    title: str
    audience: str | None = None
    body: str
    fields: tuple[str, ...] = ()
    typed_fields: tuple[Field, ...] = ()
    source: Source | None = None


class CodeBlock(Value, frozen=True, kw_only=True):
    language: str
    code: str
    source: Source | None = None


class Step(Value, frozen=True, kw_only=True):
    """One step; `optional` ones are checkboxes that need no finish, `alternative` ones are tried in order."""

    text: str
    commands: tuple[CodeBlock, ...] = ()
    checkbox: bool = False
    alternative: bool = False
    source: Source | None = None


class Phase(Value, frozen=True, kw_only=True):
    """`starts` and `ends` are offsets from the opening; null where the guide gives no window."""

    title: str
    starts: Deadline | None = None
    ends: Deadline | None = None
    objectives: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    severities: tuple[str, ...] = ()
    source: Source | None = None


class Runbook(Value, frozen=True, kw_only=True):
    title: str
    steps: tuple[Step, ...] = ()
    category: str = ""
    source: Source | None = None


class Review(Value, frozen=True, kw_only=True):
    """The post-incident review: when it is due, its agenda, checklist and root-cause framework.

    `kept_by`: what has to be done `within`: the review held, or only its meeting set.
    """

    within: Deadline | None = None
    kept_by: Literal["holding", "scheduling"] = "holding"
    schedule_within: Deadline | None = None
    severities: tuple[str, ...] = ()
    agenda: tuple[str, ...] = ()
    checklist: tuple[str, ...] = ()
    framework: tuple[str, ...] = ()
    monitoring: Deadline | None = None
    source: Source | None = None


class FollowUp(Value, frozen=True, kw_only=True):
    """Something that `audience` is owed once an incident is resolved. `within` null: the guide names no time.

    `condition`: it is owed only where that holds ("if personal data affected"); somebody says so first.
    """

    text: str
    audience: str
    within: Deadline | None = None
    condition: str = ""
    severities: tuple[str, ...] = ()
    source: Source | None = None


class Horizon(Value, frozen=True, kw_only=True):
    name: str
    within: Deadline
    source: Source | None = None


class ActionItems(Value, frozen=True, kw_only=True):
    fields: tuple[str, ...] = ()
    horizons: tuple[Horizon, ...] = ()
    effect_within: Deadline | None = None  # after one was completed, somebody says whether it helped
    source: Source | None = None


class Metric(Value, frozen=True, kw_only=True):
    """`key` is unique where a guide uses one acronym for two metrics (MTTR)."""

    key: str
    name: str
    scope: str = ""
    source: Source | None = None


class Report(Value, frozen=True, kw_only=True):
    title: str
    every: Deadline | None = None
    sections: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    source: Source | None = None


class Dashboard(Value, frozen=True, kw_only=True):
    title: str
    definition: str = ""
    links: tuple[str, ...] = ()
    source: Source | None = None


class Drill(Value, frozen=True, kw_only=True):
    title: str
    every: Deadline | None = None
    severities: tuple[str, ...] = ()
    source: Source | None = None


class Duty(Value, frozen=True, kw_only=True):
    """Upkeep that recurs: review the runbooks monthly, test the channels weekly."""

    title: str
    every: Deadline
    source: Source | None = None


class Remediation(Value, frozen=True, kw_only=True):
    condition: str
    action: str
    source: Source | None = None


class Finding(Value, frozen=True, kw_only=True):
    rule: str
    level: Literal["error", "warning", "note"]
    line: int
    message: str
    hint: str = ""
    file: str | None = None
