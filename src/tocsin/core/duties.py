"""Upkeep that guides ask for: what they say, and how a duty is begun, kept, changed and ended.

A duty is due a period after it began, and a period after it was last kept; kept late, it is due later, not sooner.
"""

from __future__ import annotations

import calendar as months
import hashlib
import re
from datetime import date, datetime
from typing import Literal

import msgspec

from tocsin.core import commands as c, facts as f
from tocsin.core.calendar import BusinessTime, deadline_at, end_of_day
from tocsin.core.deadlines import RecordReceipt, ReportDelivery
from tocsin.core.emergency import EndEmergency, must_be_anothers
from tocsin.core.escalation import World
from tocsin.core.facts import AnyFact
from tocsin.core.incident import Refused
from tocsin.core.policy import Deadline, Policy
from tocsin.core.story import Story
from tocsin.core.twopersons import TellApprovers

PREFIX = "duty-"  # begins the id of a duty's stream, so that nobody takes it for an incident's
BOUND = "upkeep"  # the directory's word for whoever keeps a guide's duties
NAME_MAX = 60


class Upkeep(msgspec.Struct, frozen=True, kw_only=True):
    """What a guide asks for. `due_at`: of what is owed once, by a day that the guide names."""

    title: str
    kind: Literal["upkeep", "drill", "document"] = "upkeep"
    every: Deadline | None = None
    due_at: datetime | None = None
    who: tuple[str, ...] = ()
    line: int | None = None


class ChangeDuty(c.Command, frozen=True, kw_only=True, tag="change-duty"):
    upkeep: Upkeep
    policy_digest: str


class EndDuty(c.Command, frozen=True, kw_only=True, tag="end-duty"):
    because: str


OF_DUTIES = (c.KeepDuty, ChangeDuty, EndDuty, EndEmergency)
ALLOWED = (*OF_DUTIES, c.WaivePromise, c.AddNote, c.Wake, RecordReceipt, ReportDelivery, TellApprovers)


def upkeep_of(policy: Policy, calendar: BusinessTime) -> list[Upkeep]:
    """Everything that the guide asks for again and again, and the day on which it is itself to be reviewed."""
    owner = policy.metadata.get("owner", "").strip()
    who = (BOUND, owner) if owner else (BOUND,)
    found = [
        Upkeep(title=each.title, every=each.every, who=who, line=each.source.line if each.source else None)
        for each in policy.duties
    ]
    found += [
        Upkeep(
            title=each.title, kind="drill", every=each.every, who=who, line=each.source.line if each.source else None
        )
        for each in policy.drills
        if each.every
    ]
    review = next_review(policy.metadata.get("next_review", ""), calendar)
    if review is not None:
        found.append(Upkeep(title=f"Review {policy.title}", kind="document", due_at=review, who=who))
    unique = {each.title.casefold(): each for each in found}
    return list(unique.values())


_MONTHS = {name.casefold(): n for n, name in enumerate(months.month_name) if name}
_MONTHS |= {name.casefold(): n for n, name in enumerate(months.month_abbr) if name}
_MONTH_YEAR = re.compile(r"(\w+)\.? (\d{4})")


def next_review(text: str, calendar: BusinessTime) -> datetime | None:
    """The end of the day that a document names for its next review ("2025-10-15"), or of the month ("October 2025")."""
    text = text.strip()
    try:
        return end_of_day(date.fromisoformat(text), calendar)
    except ValueError:
        pass
    found = _MONTH_YEAR.fullmatch(text)
    month = _MONTHS.get(found[1].casefold()) if found else None
    if found is None or month is None or not 1 <= int(found[2]) <= 9998:
        return None
    year = int(found[2])
    return end_of_day(date(year, month, months.monthrange(year, month)[1]), calendar)


def name_of(upkeep: Upkeep) -> str:
    """What people call it: `test-communication-channels-weekly`."""
    words = re.sub(r"[^a-z0-9]+", "-", upkeep.title.casefold()).strip("-")
    return words[:NAME_MAX].rstrip("-") or "duty"


def stream_of(guide: str, upkeep: Upkeep) -> str:
    """The stream of a guide's duty: the same one whenever the guide says it in the same words."""
    return PREFIX + hashlib.sha256(f"{guide}\0{upkeep.title.casefold()}".encode()).hexdigest()[:24]


def began(
    upkeep: Upkeep, *, stream: str, name: str, guide: str, digest: str, calendar: BusinessTime, now: datetime
) -> list[AnyFact]:
    """The duty is owed from now on."""
    return [
        f.DutyBegun(
            at=now,
            duty=stream,
            reference=name,
            title=upkeep.title,
            guide=guide,
            policy_digest=digest,
            kind=upkeep.kind,
            every=upkeep.every,
            due_at=_first_due(upkeep, calendar, now),
            who=upkeep.who,
            line=upkeep.line,
        )
    ]


def _first_due(upkeep: Upkeep, calendar: BusinessTime, since: datetime) -> datetime:
    found = upkeep.due_at or (deadline_at(upkeep.every, since, calendar) if upkeep.every else None)
    if found is None:
        raise ValueError(f"duty {upkeep.title!r}: expected a period with a length, got {upkeep.every}")
    return found


def keep(story: Story, command: c.KeepDuty, world: World, now: datetime) -> None:
    duty = story.incident.duty
    assert duty is not None
    must_be_anothers(story.incident, command.by, "keep the duty")
    if duty.ended:
        raise Refused(f"cannot keep {story.incident.reference}: no guide asks for it any more")
    again = deadline_at(duty.every, now, world.calendar) if duty.every else None
    story.add(f.DutyKept(at=now, by=command.by, notes=command.notes, due_at=again))


def change(story: Story, command: ChangeDuty, world: World, now: datetime) -> None:
    """The guide in force says it so now; another period counts from when it was last kept, or began."""
    incident, upkeep = story.incident, command.upkeep
    duty = incident.duty
    assert duty is not None
    same = not duty.ended and (duty.every, upkeep.due_at) == (upkeep.every, duty.asked_at if upkeep.due_at else None)
    if same and (duty.who, incident.title, duty.line) == (upkeep.who, upkeep.title, upkeep.line):
        return
    since = now if duty.ended else duty.kept_at or incident.opened_at
    due_at = duty.due_at if same else _first_due(upkeep, world.calendar, since)
    if due_at is None:  # what was owed once was done, and only its line has moved
        return
    story.add(
        f.DutyChanged(
            at=now,
            title=upkeep.title,
            policy_digest=command.policy_digest,
            every=upkeep.every,
            due_at=due_at,
            who=upkeep.who,
            line=upkeep.line,
        )
    )


def end(story: Story, command: EndDuty, world: World, now: datetime) -> None:
    assert story.incident.duty is not None
    if not story.incident.duty.ended:
        story.add(f.DutyEnded(at=now, because=command.because))
