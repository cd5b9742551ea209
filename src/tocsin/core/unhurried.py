"""Severities that the guide lets wait: it has no escalation for them, and they climb only as slowly as they answer.

A guide that says "escalate every 30 minutes" for some severities and nothing for another, or "no escalation" for it,
did not mean that its common levels wake an executive for that one at night.
Source: docs/decisions/0210-who-is-not-hurried-climbs-by-day.md
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from tocsin.core.calendar import BusinessTime, dated, in_business_hours
from tocsin.core.policy import Deadline, Escalation, Policy, Severity, severity_of

WORKING_DAY = timedelta(hours=8)  # who has this long to answer does not have to answer at night
OPENING = Deadline(business_hours=0)
_WORKING = ("next_business_day", "same_business_day")  # days that end when the house closes


def unhurried(policy: Policy, scheme: Escalation, severity: str) -> bool:
    """Whether the guide says that this severity has no escalation, or times worse ones and not this one.

    Levels that the guide wrote for this very severity are its escalation. Nothing is milder than what is timed because
    its own row was forgotten: "SEV-2: every hour" alone does not let a SEV-1 wait for Monday.
    """
    if severity in scheme.never:
        return True
    timed = {row.severity for row in scheme.while_unresolved}
    if not timed or severity in timed or any(severity in level.severities for level in scheme.levels):
        return False
    mine = severity_of(policy, severity)
    return mine is not None and all(mine.rank > each.rank for each in policy.severities if each.id in timed)


def climbs_at(
    severity: Severity | None, within: Deadline | None, now: datetime, calendar: BusinessTime
) -> datetime | None:
    """When a level entered now, that has `within`, gives way: after the time to respond, in that time's own units.

    A short elapsed time to respond is night work by the guide's own words; from a working day on, what would come at
    night comes when the house opens. Without any, the level's limit counts in business hours. None: never.
    """
    respond = severity.respond_within if severity else None
    respond_at = dated(respond, now, calendar)
    if respond is None or respond_at is None or respond_at <= now:
        return _by_day(within, now, calendar)
    if respond.business_days is not None or respond.business_hours is not None or respond.calendar in _WORKING:
        return respond_at
    at = max(respond_at, dated(within, now, calendar) or respond_at)
    hurried = respond.seconds is not None and respond_at - now < WORKING_DAY  # "the same day" ends at midnight
    if hurried or in_business_hours(at, calendar):
        return at
    return dated(OPENING, at, calendar) or at


def _by_day(within: Deadline | None, now: datetime, calendar: BusinessTime) -> datetime | None:
    if within is None or within.seconds is None:
        return dated(within, now, calendar)
    hours = max(1, math.ceil(within.seconds / 3600))
    return dated(Deadline(business_hours=hours), now, calendar)
