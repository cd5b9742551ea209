"""Laws with clocks, as values: what a pack says, what an organisation has switched on, and when a report is due.

Nothing here is legal advice, and nothing is derived: an instant (awareness, classification, ...) is what a person says
it is, never the opening of the incident and never another instant. Whether a law applies is a human decision.
Source: docs/decisions/0034-the-law-counts-from-what-people-say.md
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from tocsin.core.calendar import BusinessTime, deadline_at, working_hours
from tocsin.core.guidance import Value
from tocsin.core.policy import Deadline
from tocsin.core.state import KnownInstant, Owing
from tocsin.core.walltime import resolve

NO_ADVICE = "Not legal advice. A person with the legal role confirms trigger, scope and submission."
SUBMITTED = "submitted:"
LATEST = "-latest"

Unit = Literal[
    "hour", "calendar_day", "business_day", "month", "without_undue_delay", "on_request", "policy_defined",
    "contract_defined", "no_deadline", "before_original_deadline",
]  # fmt: skip
Verification = Literal["text_seen", "secondary_seen", "from_knowledge"]
Standing = Literal["in_force", "check_date", "bill_not_in_force", "rule_not_final"]


class Cap(Value, frozen=True, kw_only=True):
    """A second limit, from another instant. It holds only where the first instant came within it."""

    hours: int
    from_event: str


class Limit(Value, frozen=True, kw_only=True):
    """`amount` of `unit` from `from_event`; units without a number are duties without a timer.

    `submitted:ID` as an event is the submission of another obligation's report; with `-latest`, of its newest one.
    `calendar` names whose working days count; `rollover`: a limit on a free day moves to noon of the next working day.
    """

    from_event: str
    unit: Unit
    amount: int | None = None
    cap: Cap | None = None
    calendar: Literal["US-federal", "AU", "BR", "local"] | None = None
    rollover: bool = False
    soft: bool = False


class Citation(Value, frozen=True, kw_only=True):
    citation: str
    url: str = ""


class Obligation(Value, frozen=True, kw_only=True):
    """One report that a law or a contract asks for. `verification`: how well this record was checked."""

    id: str
    title: str
    applies_to: str
    stage: str
    deadline: Limit
    recipients: tuple[str, ...]
    source: Citation
    verification: Verification
    status: Standing = "in_force"
    in_force_since: str | None = None  # an ISO day; null: not verified
    conditions: str = ""
    lawful_delay: str = ""
    content: tuple[str, ...] = ()
    notes: str = ""


class Pack(Value, frozen=True, kw_only=True):
    """One regime's obligations, as of a day. `id` is what `tocsin regulatory enable` takes."""

    id: str
    title: str
    jurisdiction: str
    as_of: str
    obligations: tuple[Obligation, ...]


class Enabled(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A pack that is switched on, and what the organisation says about itself.

    `guides` empty: for every guide. `confirmed` are obligations that somebody here has checked against the law; without
    that, only those run whose text was read for the pack and that are in force. `who` hears of them, in words of the
    directory. `targets` are the organisation's own hours for duties without a number. `rollover_country`: the entity's
    Member State, where it may use a rule that moves a limit off a free day.
    """

    id: str
    guides: tuple[str, ...] = ()
    confirmed: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    who: tuple[str, ...] = ()
    targets: dict[str, int] = {}
    rollover_country: str | None = None
    by: str = ""
    at: datetime | None = None


class InForce(msgspec.Struct, frozen=True, kw_only=True):
    """One obligation that runs here, and who hears of it."""

    obligation: Obligation
    regime: str
    who: tuple[str, ...] = ()
    target_hours: int | None = None
    rollover: BusinessTime | None = None


class Law(msgspec.Struct, frozen=True, kw_only=True):
    """What runs for one guide, and the calendars that its working days are counted by."""

    obligations: tuple[InForce, ...] = ()
    calendars: dict[str, BusinessTime] = {}


def runs(obligation: Obligation, enabled: Enabled) -> bool:
    """Whether the obligation's clock runs: checked against its text and in force, or confirmed by somebody here."""
    if obligation.id in enabled.excluded:
        return False
    sure = obligation.verification == "text_seen" and obligation.status == "in_force"
    return sure or obligation.id in enabled.confirmed


def mark_of(obligation: Obligation, *, confirmed: bool = False) -> str:
    """How well the record was checked, in words; empty where its text was read and it is in force."""
    words = {"secondary_seen": "only secondary sources were read", "from_knowledge": "the record was not checked"}
    standings = {
        "check_date": "the date of application was not checked",
        "bill_not_in_force": "a bill, not in force",
        "rule_not_final": "no final rule is known",
    }
    said = [words.get(obligation.verification, ""), standings.get(obligation.status, "")]
    text = "; ".join(each for each in said if each)
    return f"{text}; confirmed here" if text and confirmed else text


def instants_of(law: Law) -> dict[str, list[str]]:
    """Every instant that somebody may have to record, and the obligations that count from it."""
    found: dict[str, list[str]] = {}
    for each in law.obligations:
        limit = each.obligation.deadline
        for event in (limit.from_event, *([limit.cap.from_event] if limit.cap else [])):
            if not event.startswith(SUBMITTED):
                found.setdefault(event, []).append(each.obligation.id)
    return found


def start_of(
    obligation: Obligation, instants: Mapping[str, KnownInstant], owing: Mapping[str, Owing]
) -> tuple[str, datetime] | None:
    """The event that the obligation counts from and when it happened; None while nobody has said so: assess."""
    event = obligation.deadline.from_event
    if event.startswith(SUBMITTED):
        other = owing.get(event.removeprefix(SUBMITTED).removesuffix(LATEST))
        at = (other.submitted_at if event.endswith(LATEST) else other.first_submitted_at) if other else None
        return (event, at) if at else None
    known = instants.get(event)
    return (event, known.happened_at) if known and known.holds else None


def due_at(
    running: InForce, since: datetime, instants: Mapping[str, KnownInstant], law: Law, local: BusinessTime
) -> datetime | None:
    """When the report is due, counted from `since`; None where neither the law nor the organisation gives a number.

    Hours are elapsed hours: nights, weekends and holidays count. A month that is too short ends on its last day.
    Raises ValueError for a calendar without working days.
    """
    limit = running.obligation.deadline
    amount = limit.amount
    if amount is None or limit.unit not in ("hour", "calendar_day", "business_day", "month"):
        return since + timedelta(hours=running.target_hours) if running.target_hours else None
    match limit.unit:
        case "hour":
            found = since + timedelta(hours=amount)
        case "calendar_day":
            found = _dated(Deadline(calendar_days=amount), since, local)
        case "month":
            found = _dated(Deadline(months=amount), since, local)
        case _:
            calendar = law.calendars.get(limit.calendar or "", local)
            found = _dated(Deadline(business_days=amount), since, calendar)
    capped = _capped(limit, since, instants)
    if capped is not None:
        found = min(found, capped)
    return _rolled(found, running.rollover) if limit.rollover and running.rollover else found


def applies_on(obligation: Obligation, since: datetime) -> bool:
    """Whether the law was in force at this instant, as far as the record knows."""
    return obligation.in_force_since is None or since.date() >= date.fromisoformat(obligation.in_force_since)


def _dated(deadline: Deadline, since: datetime, calendar: BusinessTime) -> datetime:
    found = deadline_at(deadline, since, calendar)
    assert found is not None, "a number of days or months has a date"
    return found


def _capped(limit: Limit, since: datetime, instants: Mapping[str, KnownInstant]) -> datetime | None:
    known = instants.get(limit.cap.from_event) if limit.cap else None
    if limit.cap is None or known is None or not known.holds:
        return None
    end = known.happened_at + timedelta(hours=limit.cap.hours)
    return end if since <= end else None  # it was classified too late for this limit, so only the first one holds


def _rolled(at: datetime, calendar: BusinessTime) -> datetime:
    """`at`, or noon of the next working day where it falls on a free day of the calendar."""
    zone = ZoneInfo(calendar.zone)
    day = at.astimezone(zone).date()
    if working_hours(day, calendar):
        return at
    for _ in range(60):
        day += timedelta(days=1)
        if working_hours(day, calendar):
            return resolve(datetime.combine(day, time(12)), zone, "first")
    raise ValueError("rollover: expected a working day within 60 days")
