"""What is owed, to whom, by when: every clock of a policy is a `Rule`, and every rule is read here.

`rules(policy)` turns what a guide says into rules; `due` and `next_wakeup` say when to look at an incident again;
`promises` lists what is open, kept, missed or waived; `endings` says what ends one. A promise's key is (rule, the fact
that started it, n): it can be acted on once, whoever asks and however often. After downtime a late timer acts once, not
once per missed period. The calendar dates every deadline, elapsed or in business time; what is no quantity starts no
timer and has no due time.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Literal

import msgspec

from tocsin.core.calendar import AT_RISK, BusinessTime, dated, reminder_at, repeated_at
from tocsin.core.carried import SAID, Carried, carried
from tocsin.core.endings import OVER, UNSENT, end_of, tried
from tocsin.core.incident import Incident, Mark
from tocsin.core.outlook import Outlook, Promise, State, dated_by
from tocsin.core.policy import Rule
from tocsin.core.rulebook import rules

__all__ = [
    "AT_RISK",
    "SAID",
    "Cause",
    "Due",
    "Outlook",
    "Promise",
    "due",
    "next_wakeup",
    "outlook",
    "promises",
    "rules",
]

DEFAULT = BusinessTime()

Cause = Literal["rule", "risk", "ladder", "acknowledgement", "snooze", "quiet", "reopen", "review", "approval"]


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """Something to do at `at`. `rule` is None for what the incident itself keeps (ladder, snooze, ...).

    `lapses_at`: when the promise that is at risk is broken.
    """

    at: datetime
    cause: Cause
    key: str
    rule: Rule | None = None
    lapses_at: datetime | None = None


def outlook(
    incident: Incident, every_rule: tuple[Rule, ...], calendar: BusinessTime = DEFAULT, before: Outlook | None = None
) -> Outlook:
    """`before`, found by the same rules and calendar, where it still holds."""
    if before is not None and before.holds(incident):
        return before
    return Outlook(
        of=dated_by(incident),
        next_at=next_wakeup(incident, every_rule, calendar),
        promises=tuple(promises(incident, every_rule, calendar)),
    )


def due(incident: Incident, every_rule: tuple[Rule, ...], now: datetime, calendar: BusinessTime = DEFAULT) -> list[Due]:
    """What is to be done by `now`, earliest first; each repeated rule at most once, with its latest period."""
    pending = _pending(incident, every_rule, calendar, now)
    return sorted([each for each in pending if each.at <= now], key=_at)


def next_wakeup(incident: Incident, every_rule: tuple[Rule, ...], calendar: BusinessTime = DEFAULT) -> datetime | None:
    """The earliest instant at which something is due, or None when nothing is owed any more."""
    return min((each.at for each in _pending(incident, every_rule, calendar, None)), default=None)


def first_due(incident: Incident, every_rule: tuple[Rule, ...], calendar: BusinessTime = DEFAULT) -> Due | None:
    """What is due first, for a clock that is never late; as `next_wakeup` and then `due`, asked once."""
    found = _pending(incident, every_rule, calendar, None)
    if len(found) < 2:
        return found[0] if found else None
    first = min(found, key=_at)
    together = [each for each in found if each.at == first.at]
    if len(together) > 1:  # a reminder of what lapses at that very instant would come too late
        return next(each for each in together if each.lapses_at is None or each.lapses_at > each.at)
    return first


def _at(due: Due) -> datetime:
    return due.at


def promises(incident: Incident, every_rule: tuple[Rule, ...], calendar: BusinessTime = DEFAULT) -> list[Promise]:
    """The promises of the incident as of its newest fact: those in force, proposed ones, and every one missed."""
    found: dict[str, Promise] = {missed.key: missed for missed in _missed(incident, every_rule)}
    for rule in (*every_rule, *carried(incident)):
        if incident.merged_into or not _applies(incident, rule):
            continue
        start = _start(incident, rule)
        key = f"{rule.id}@{start.version}" if start else rule.id
        made = _in_force(incident, rule, start, key, calendar)
        if made and (key not in found or (made.state == "kept" and type(rule) is Carried)):
            found[key] = made  # a report that was given in time is kept, though somebody said so later
    return sorted(found.values(), key=lambda each: (each.due_at is None, each.due_at or incident.opened_at, each.key))


# --- reading one rule against one incident ----------------------------------------------------------------------------


def _applies(incident: Incident, rule: Rule) -> bool:
    return not rule.severities or incident.severity in rule.severities


def _start(incident: Incident, rule: Rule) -> Mark | None:
    """The moment that the rule counts from; a promise of news counts again from the news, where it repeats."""
    if isinstance(rule, Carried):
        return incident.moments.get(rule.since)
    if rule.start == "confirmed" and rule.until == "done":
        return _followed_from(incident, rule)
    if rule.start not in ("updated", "confirmed"):
        return incident.moments.get(rule.start)
    marks = [incident.moments.get("severity")]
    if rule.start == "confirmed":
        confirmed = incident.moments.get(f"confirmed:{rule.id}")
        if confirmed is None:
            return None
        marks.append(confirmed)
    if rule.start == "updated" or rule.every:
        marks.append(incident.moments.get(f"updated:{rule.act.audience.casefold()}"))
    return max((each for each in marks if each), key=lambda each: each.version, default=None)


def _followed_from(incident: Incident, rule: Rule) -> Mark | None:
    """A follow-up on a condition counts from the resolution, or from when the condition was known to hold after it."""
    resolved, confirmed = incident.moments.get("resolved"), incident.moments.get(f"confirmed:{rule.id}")
    return max(resolved, confirmed, key=lambda each: each.version) if resolved and confirmed else None


def _pending(
    incident: Incident, every_rule: tuple[Rule, ...], calendar: BusinessTime, now: datetime | None
) -> list[Due]:
    """Everything that will be due, in the order of the rules. Asked at every step of every incident, and so plain."""
    if incident.merged_into:  # whatever is owed is owed by the incident it lives on in
        return []
    found = [*_own(incident), *_meeting(incident)]
    for asked in incident.approvals.values():
        found.append(Due(at=asked.until, cause="approval", key=f"approval@{asked.request}"))
    for rule in (*every_rule, *carried(incident)):
        if not (_applies(incident, rule) and _owed(incident, rule)):
            continue
        start = _start(incident, rule)
        if start is None:
            continue
        key = f"{rule.id}@{start.version}"
        breach = rule.act.kind == "breach"
        due_at = _due_at(rule, start, calendar) if breach and rule.until == "staffed" else None
        end = end_of(incident, rule, start, due_at)
        ended = end.at if end else None
        if key in incident.waived or (ended and (not breach or key in incident.fired)):
            continue
        due_at = due_at or _due_at(rule, start, calendar)
        if due_at is None or (ended and ended.at <= due_at):
            continue  # or it was broken before it was kept and nobody has said so yet, as after a stop of the server
        if breach and not ended and (reminder := _reminder(incident, rule, key, start, due_at, calendar, now)):
            found.append(reminder)
        if occurrence := _occurrence(incident, rule, key, due_at, calendar, now):
            found.append(occurrence)
    return found


def _due_at(rule: Rule, start: Mark, calendar: BusinessTime) -> datetime | None:
    return rule.due_at if type(rule) is Carried else dated(rule.delay, start.at, calendar)


def _risk_at(rule: Rule, start: Mark, due_at: datetime, calendar: BusinessTime) -> datetime:
    if type(rule) is Carried and rule.risk_at:
        return rule.risk_at
    return reminder_at(rule.delay, start.at, due_at, calendar)


def _owed(incident: Incident, rule: Rule) -> bool:
    """A false alarm needs no review and no close watch; it has nothing to teach but its alert. Nobody hears afterwards
    of a drill either."""
    if rule.until == "done" and incident.drill:
        return False
    return not (incident.false_positive and (rule.start == "resolved" or rule.until == "done"))


def _reminder(
    incident: Incident,
    rule: Rule,
    key: str,
    start: Mark,
    due_at: datetime,
    calendar: BusinessTime,
    now: datetime | None,
) -> Due | None:
    """Before a promise lapses people are reminded: once, and of news again before every further time it is due."""
    n = incident.fired.get(key, -1) + 1
    if incident.fired.get(f"risk:{key}", -1) >= n or (n and not rule.act.audience):
        return None
    lapses_at, began_at = due_at, start.at
    if n:
        later, before = _period(rule, due_at, n, calendar), _period(rule, due_at, n - 1, calendar)
        if later is None or before is None:
            return None
        lapses_at, began_at = later, before
    if now is not None and lapses_at <= now:
        return None
    at = began_at + (lapses_at - began_at) * AT_RISK if n else _risk_at(rule, start, due_at, calendar)
    return Due(at=at, cause="risk", key=f"risk:{key}#{n}", rule=rule, lapses_at=lapses_at)


def _occurrence(
    incident: Incident, rule: Rule, key: str, first_at: datetime, calendar: BusinessTime, now: datetime | None
) -> Due | None:
    n = incident.fired.get(key, -1) + 1
    at = _period(rule, first_at, n, calendar)
    if at is None:
        return None
    if rule.every and now is not None and at < now:  # late: only the latest period counts
        if rule.every.seconds:
            n = max(n, int((now - first_at).total_seconds() // rule.every.seconds))
            at = _period(rule, first_at, n, calendar) or at
        while (later := _period(rule, first_at, n + 1, calendar)) and at < later <= now:
            n, at = n + 1, later
    return Due(at=at, cause="rule", key=f"{key}#{n}", rule=rule)


def _period(rule: Rule, first_at: datetime, n: int, calendar: BusinessTime) -> datetime | None:
    """When the rule is due for the `n`th time after the first, or None where it does not repeat."""
    if n == 0:
        return first_at
    try:
        found = repeated_at(rule.every, first_at, n, calendar) if rule.every else None
    except ValueError:
        return None
    return found if found and found > first_at else None


def _own(incident: Incident) -> Iterator[Due]:
    if incident.status == "closed":
        return
    if incident.status == "resolved":
        if incident.reopen_until:
            yield Due(at=incident.reopen_until, cause="reopen", key=f"reopen@{incident.version}")
        return
    if incident.quiet_until and incident.by_alert and incident.firing == 0:
        yield Due(at=incident.quiet_until, cause="quiet", key=f"quiet@{incident.version}")
    if incident.snoozed_until:
        yield Due(at=incident.snoozed_until, cause="snooze", key=f"snooze@{incident.version}")
        return
    if incident.acknowledgement_ends_at:
        yield Due(at=incident.acknowledgement_ends_at, cause="acknowledgement", key=f"ack@{incident.version}")
    if incident.ladder.again_at and not (incident.acknowledged_at and incident.ladder.until == "acknowledged"):
        yield Due(at=incident.ladder.again_at, cause="ladder", key=f"ladder#{incident.ladder.count}")


def _meeting(incident: Incident) -> Iterator[Due]:
    """The review that was scheduled begins, whether the incident is closed by then or not."""
    scheduled = incident.moments.get("review_scheduled")
    if scheduled and incident.review_at and "review_held" not in incident.moments:
        key = f"review@{scheduled.version}"
        if key not in incident.fired:
            yield Due(at=incident.review_at, cause="review", key=f"{key}#0")


def _in_force(incident: Incident, rule: Rule, start: Mark | None, key: str, calendar: BusinessTime) -> Promise | None:
    """The promise that the rule makes as things stand, or None where it makes none."""
    if not _owed(incident, rule) or rule.act.kind not in ("breach", "notify", "page"):
        return None
    if type(rule) is Carried and rule.act.kind != "breach":
        return None  # reminders of a promise are none
    if start is None:
        known = f"confirmed:{rule.id}" in incident.moments
        may_hold = rule.start == "confirmed" and not known and rule.act.kind == "breach"
        proposed = may_hold and (incident.open or rule.until == "done")
        return _made(incident, rule, key, "proposed", None) if proposed else None
    due_at = _due_at(rule, start, calendar)
    if rule.act.kind != "breach":
        return _notice(incident, rule, start, key, due_at)
    end = end_of(incident, rule, start, due_at)
    state: State = "open"
    if key in incident.waived:
        state = "waived"
    elif end:
        state = "missed" if due_at and end.at.at > due_at else "kept" if end.kept else "waived"
    elif f"risk:{key}" in incident.fired:
        state = "at risk"
    kept_at = end.at.at if end and end.kept else None
    because = OVER if state == "waived" and key not in incident.waived else ""
    return _made(incident, rule, key, state, due_at, kept_at, because)


def _notice(incident: Incident, rule: Rule, start: Mark, key: str, due_at: datetime | None) -> Promise:
    """What Tocsin itself owes: kept when a receipt says that somebody was told, missed when nobody could be."""
    told, telling = incident.moments.get(f"told:{key}"), incident.telling.get(key)
    if key in incident.waived:
        return _made(incident, rule, key, "waived", due_at)
    if telling is not None:
        state = tried(incident, telling)
        kept_at = told.at if told and state == "kept" else None
        return _made(incident, rule, key, state, due_at, kept_at, UNSENT if state == "waived" else "")
    if told:
        return _made(incident, rule, key, "kept", due_at, told.at)
    if key in incident.fired:
        return _made(incident, rule, key, "missed", due_at)
    if end_of(incident, rule, start):  # what brings people in is pointless once it is over
        return _made(incident, rule, key, "waived", due_at, because=OVER)
    return _made(incident, rule, key, "open", due_at)


def _made(
    incident: Incident,
    rule: Rule,
    key: str,
    state: State,
    due_at: datetime | None,
    kept_at: datetime | None = None,
    because: str = "",
) -> Promise:
    return Promise(
        key=key,
        rule=rule.id,
        text=_text(rule) + (f" ({rule.delay.text})" if rule.delay.text else ""),
        state=state,
        due_at=due_at,
        kept_at=kept_at,
        audience=_audience(rule),
        source=rule.source,
        drill=incident.drill,
        because=because,
    )


def _text(rule: Rule) -> str:
    return f"tell {', '.join(rule.act.who)}" if rule.act.kind != "breach" and rule.act.who else rule.act.text


def _audience(rule: Rule) -> str | None:
    return rule.act.audience or ", ".join(rule.act.who) or None


def _missed(incident: Incident, every_rule: tuple[Rule, ...]) -> Iterator[Promise]:
    known = {rule.id: rule for rule in (*every_rule, *carried(incident))}
    for key, (rule_id, due_at) in incident.missed.items():
        rule = known.get(rule_id)
        yield Promise(
            key=key,
            rule=rule_id,
            text=_text(rule) if rule else rule_id,
            state="missed",
            due_at=due_at,
            audience=_audience(rule) if rule else None,
            source=rule.source if rule else None,
            drill=incident.drill,
        )
