"""What becomes of an incident by the facts that outlive it: action items, the law's clocks; and what a duty is.

A duty's stream is folded like an incident's, so that its clock, its reminders and its pages are the same ones. It is
none: no listing, measure or metric of incidents counts it, and `decide` lets nobody resolve it.
Source: docs/decisions/0033-a-duty-is-a-stream-of-its-own.md
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from tocsin.core import facts as f
from tocsin.core.facts import AnyFact, Status
from tocsin.core.state import ActionItem, Duty, Incident, KnownInstant, Mark, Owing

DUTY_STATUS: Status = "investigating"  # a duty never ends by being resolved; what it owes stands in its promise

Changes = dict[str, Any]


def begun(fact: f.DutyBegun) -> Incident:
    """The duty after its first fact."""
    mark = Mark(version=1, at=fact.at)
    return Incident(
        id=fact.duty,
        reference=fact.reference,
        title=fact.title,
        status=DUTY_STATUS,
        severity="",
        guide=fact.guide,
        policy_digest=fact.policy_digest,
        opened_at=fact.at,
        last_at=fact.at,
        version=1,
        severity_by=fact.by,
        moments={"opened": mark, "duty": mark},
        duty=Duty(
            kind=fact.kind, every=fact.every, due_at=fact.due_at, who=fact.who, line=fact.line, asked_at=fact.due_at
        ),
    )


def _actions(incident: Incident, fact: AnyFact, mark: Mark, changes: Changes) -> None:
    match fact:
        case f.ActionItemAdded():
            item = ActionItem(
                item=fact.item,
                title=fact.title,
                owner=fact.owner,
                due_at=fact.due_at,
                priority=fact.priority,
                description=fact.description,
                criteria=fact.criteria,
                horizon=fact.horizon,
                added_at=fact.at,
            )
            changes |= {
                "actions": incident.actions | {fact.item: item},
                "moments": incident.moments | {f"action:{fact.item}": mark},
            }
        case f.ActionItemChanged() if fact.item in incident.actions:
            _action_changed(incident, fact, mark, changes)
        case f.CriterionMet() if fact.item in incident.actions:
            item = incident.actions[fact.item]
            met = tuple(sorted({*item.met, fact.criterion}))
            changes["actions"] = incident.actions | {fact.item: msgspec.structs.replace(item, met=met)}


_PLAIN = ("title", "owner", "due_at", "priority", "status", "description")


def _action_changed(incident: Incident, fact: f.ActionItemChanged, mark: Mark, changes: Changes) -> None:
    before = incident.actions[fact.item]
    new: Changes = {name: getattr(fact, name) for name in _PLAIN if getattr(fact, name) is not None}
    if fact.criteria is not None:
        kept = {before.criteria[n - 1] for n in before.met if n <= len(before.criteria)}
        new |= {
            "criteria": fact.criteria,
            "met": tuple(n for n, text in enumerate(fact.criteria, 1) if text in kept),
        }
    name = f"action:{fact.item}"
    moments = dict(incident.moments)
    if fact.status == "completed":
        new |= {"completed_at": fact.at, "effect_at": fact.effect_at, "effective": None}
        moments[f"{name}:done"] = mark
    elif fact.status is not None:
        new |= {"completed_at": None, "effect_at": None, "effective": None}
        moments.pop(f"{name}:done", None)
    _effect_asked(fact, mark, moments, new)
    if fact.due_at is not None and fact.due_at != before.due_at:
        moments[name] = mark  # another date is another promise
    changes |= {
        "actions": incident.actions | {fact.item: msgspec.structs.replace(before, **new)},
        "moments": moments,
    }


def _effect_asked(fact: f.ActionItemChanged, mark: Mark, moments: dict[str, Mark], new: Changes) -> None:
    """Whether it helped is asked from its completion on; a reopened item is asked about no more."""
    name = f"effect:{fact.item}"
    if fact.status is not None:
        moments.pop(f"{name}:done", None)
    if fact.effect_at is not None:
        moments[name] = mark
    if fact.effective is not None:
        new["effective"] = fact.effective
        moments[f"{name}:done"] = mark


def _law(incident: Incident, fact: AnyFact, mark: Mark, changes: Changes) -> None:
    match fact:
        case f.InstantRecorded():
            known = KnownInstant(
                happened_at=fact.happened_at,
                recorded_at=fact.at,
                decided_by=fact.decided_by,
                because=fact.because,
                holds=fact.holds,
            )
            changes["instants"] = incident.instants | {fact.name: known}
        case f.ObligationBegun():
            values = {name: getattr(fact, name) for name in _OWING}
            name = f"law:{fact.obligation}"
            moments = {each: at for each, at in incident.moments.items() if each != f"{name}:done"}
            changes |= {
                "obligations": incident.obligations | {fact.obligation: Owing(**values)},
                "moments": moments | {name: mark},
            }
        case f.ObligationEnded():
            names = (f"law:{fact.obligation}", f"law:{fact.obligation}:done")
            changes |= {
                "obligations": {name: each for name, each in incident.obligations.items() if name != fact.obligation},
                "moments": {name: at for name, at in incident.moments.items() if name not in names},
            }
        case f.ReportSubmitted() if fact.obligation in incident.obligations:
            receipt = ", ".join(part for part in (fact.recipient, fact.channel, fact.reference) if part)
            before = incident.obligations[fact.obligation]
            first = before.first_submitted_at or fact.submitted_at
            owing = msgspec.structs.replace(
                before, submitted_at=fact.submitted_at, first_submitted_at=first, receipt=receipt
            )
            given = Mark(version=mark.version, at=first)
            changes |= {
                "obligations": incident.obligations | {fact.obligation: owing},
                "moments": incident.moments | {f"law:{fact.obligation}:done": given},
            }


_OWING = (
    "obligation",
    "regime",
    "text",
    "recipients",
    "citation",
    "instant",
    "since",
    "due_at",
    "who",
    "mark",
    "soft",
)


def _duty(incident: Incident, fact: AnyFact, mark: Mark, changes: Changes) -> None:
    duty = incident.duty
    if duty is None:
        return
    moments = incident.moments | {"duty": mark}
    match fact:
        case f.EmergencyTaken():
            changes["duty"] = msgspec.structs.replace(duty, access_of=fact.by, access_until=fact.until)
        case f.EmergencyEnded():
            changes["duty"] = msgspec.structs.replace(duty, access_until=fact.at)
        case f.DutyChanged():
            if fact.due_at == duty.due_at:
                moments = incident.moments
            changes |= {
                "title": fact.title,
                "policy_digest": fact.policy_digest,
                "moments": moments,
                "duty": msgspec.structs.replace(
                    duty,
                    every=fact.every,
                    due_at=fact.due_at,
                    asked_at=fact.due_at,
                    who=fact.who,
                    line=fact.line,
                    ended=False,
                ),
            }
        case f.DutyKept():
            changes |= {
                "moments": moments,
                "duty": msgspec.structs.replace(
                    duty, due_at=fact.due_at, kept_at=fact.at, kept_by=fact.by, kept=duty.kept + 1
                ),
            }
        case f.DutyEnded():
            changes["duty"] = msgspec.structs.replace(duty, due_at=None, ended=True)


FAMILIES: dict[Any, Callable[[Incident, AnyFact, Mark, Changes], None]] = {
    **dict.fromkeys((f.ActionItemAdded, f.ActionItemChanged, f.CriterionMet), _actions),
    **dict.fromkeys((f.InstantRecorded, f.ObligationBegun, f.ObligationEnded, f.ReportSubmitted), _law),
    **dict.fromkeys((f.DutyChanged, f.DutyKept, f.DutyEnded, f.EmergencyTaken, f.EmergencyEnded), _duty),
}
