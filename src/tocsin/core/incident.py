"""How an incident lives: what it is made of, and what each fact makes of it.

`evolve(incident, fact)` is the only way an incident changes; `core.decide` says which facts follow from a command.

    investigating -> identified -> mitigating / monitoring -> resolved -> closed
          ^______________________ reopened ______________________|

Acknowledged, snoozed and escalating are told by `acknowledged_at`, `snoozed_until` and `ladder`, beside the status:
who has it is another question than how far the repair is. A merged incident is closed and lives on in `merged_into`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from tocsin.core import afterwards, evidence, facts as f, places, runs
from tocsin.core.facts import TOCSIN, AnyFact, OwedPage
from tocsin.core.state import Incident, Ladder, Mark, PageState, Telling
from tocsin.core.worked import reviewed, staffed, worked

__all__ = ["Incident", "Ladder", "Mark", "PageState", "Refused", "evolve", "fold"]

NAMED_ALERTS_MAX = 100  # alerts an incident names itself; every alert is in the alert table


class Refused(Exception):
    """The command cannot be carried out in this state; the text says why and names the state."""


def fold(history: Iterable[AnyFact]) -> Incident | None:
    """The incident these facts add up to, or None when there are none."""
    incident: Incident | None = None
    for fact in history:
        incident = evolve(incident, fact)
    return incident


def evolve(incident: Incident | None, fact: AnyFact) -> Incident:
    """The incident after one more fact. Raises ValueError when the first fact is not `Opened`."""
    if isinstance(fact, f.Opened):
        return _opened(fact)
    if isinstance(fact, f.DutyBegun) and incident is None:
        return afterwards.begun(fact)
    if incident is None:
        raise ValueError(f"a stream begins with Opened, got {type(fact).__name__}")
    version = incident.version + 1
    changes: dict[str, Any] = {"version": version, "last_at": max(incident.last_at, fact.at)}
    mark = Mark(version=version, at=fact.at)
    _FAMILIES.get(type(fact), _known)(incident, fact, mark, changes)
    return msgspec.structs.replace(incident, **changes)


def _opened(fact: f.Opened) -> Incident:
    mark = Mark(version=1, at=fact.at)
    return Incident(
        id=fact.incident,
        reference=fact.reference,
        title=fact.title,
        status="investigating",
        severity=fact.severity,
        guide=fact.guide,
        policy_digest=fact.policy_digest,
        opened_at=fact.at,
        last_at=fact.at,
        version=1,
        service=fact.service,
        services=(fact.service,) if fact.service else (),
        keys=(fact.key,) if fact.key else (),
        last_keys=(fact.key,) if fact.key else (),
        severity_by=fact.by,
        by_alert=fact.key is not None,
        escalation=fact.escalation,
        reopen_seconds=fact.reopen_seconds,
        drill=fact.drill,
        description=fact.description,
        because=fact.because,
        category=fact.category,
        detection=fact.detected_by,
        moments={"opened": mark, "severity": mark},
    )


# "first_acknowledged" stays: it is the first time that somebody had it at all, which measures ask for.
_UNDONE_BY_REOPENING = frozenset({"resolved", "closed", "acknowledged", "responded", "mitigated", "review_held"})


# --- one function for each family of facts ----------------------------------------------------------------------------

Changes = dict[str, Any]


def _after_reopening(incident: Incident) -> dict[str, Mark]:
    """The moments that still count; a review that was held without having been scheduled is owed anew as a whole."""
    undone = set(_UNDONE_BY_REOPENING)
    if incident.moments.get("review_scheduled") == incident.moments.get("review_held"):
        undone.add("review_scheduled")
    return {name: at for name, at in incident.moments.items() if name not in undone}


def _life(incident: Incident, fact: AnyFact, mark: Mark, changes: Changes) -> None:
    match fact:
        case f.StatusChanged():
            changes["status"] = fact.status
            if fact.status in ("mitigating", "monitoring"):
                changes["moments"] = incident.moments | {"mitigated": mark}
        case f.Resolved():
            changes |= {
                "status": "resolved",
                "resolved_at": fact.at,
                "resolved_by": fact.by,
                "reopen_until": fact.reopen_until,
                "keys": incident.keys if fact.reopen_until else (),
                "quiet_until": None,
                "snoozed_until": None,
                "acknowledgement_ends_at": None,
                "frozen": None,
                "moments": incident.moments | {"resolved": mark},
            }
        case f.KeyReleased():
            changes |= {"keys": (), "reopen_until": None}
        case f.Reopened():
            moments = _after_reopening(incident)
            changes |= {
                "keys": fact.keys or incident.keys,
                "status": "investigating",
                "resolved_at": None,
                "resolved_by": None,
                "closed_at": None,
                "reopen_until": None,
                "acknowledged_at": None,
                "acknowledged_by": None,
                "false_positive": False,
                "ladder": Ladder(count=incident.ladder.count),
                "moments": moments | {"severity": mark},
            }
        case f.Closed():
            changes |= {
                "status": "closed",
                "closed_at": fact.at,
                "keys": (),
                "reopen_until": None,
                "moments": incident.moments | {"closed": mark},
            }


def _merging(incident: Incident, fact: AnyFact, mark: Mark, changes: Changes) -> None:
    match fact:
        case f.MergedInto():
            changes |= {
                "status": "closed",
                "closed_at": fact.at,
                "merged_into": fact.other,
                "keys": (),
                "firing": 0,
                "reopen_until": None,
                "frozen": None,
                "moments": incident.moments | {"closed": mark},
            }
        case f.Absorbed():
            keys = (*incident.keys, *(key for key in fact.keys if key not in incident.keys))
            changes |= {
                "firing": fact.firing,
                "keys": keys,
                "last_keys": keys,
                "links": (*incident.links, (fact.other, "duplicate")),
            }


def _answers(incident: Incident, fact: AnyFact, mark: Mark, changes: Changes) -> None:
    """Who has it, beside how far the repair is."""
    match fact:
        case f.Acknowledged():
            moments = incident.moments | {"acknowledged": mark}
            moments.setdefault("first_acknowledged", mark)
            moments.setdefault("responded", mark)
            changes |= {
                "acknowledged_at": fact.at,
                "acknowledged_by": fact.by,
                "acknowledged_alert": fact.alert,
                "acknowledgement_ends_at": fact.again_at,
                "snoozed_until": None,
                "moments": moments,
            }
        case f.Unacknowledged():
            changes |= {
                "acknowledged_at": None,
                "acknowledged_by": None,
                "acknowledgement_ends_at": None,
                "unacknowledged_at": fact.at,
                "snoozed_until": None,
            }
        case f.Snoozed():
            changes |= {"snoozed_until": fact.until, "acknowledgement_ends_at": None}


def _alerts(incident: Incident, fact: AnyFact, mark: Mark, changes: Changes) -> None:
    match fact:
        case f.AlertsAttached():
            room = max(0, NAMED_ALERTS_MAX - len(incident.alerts))
            changes |= {
                "alerts": incident.alerts + fact.alerts[:room],
                "alert_count": incident.alert_count + fact.count,
                "firing": fact.firing,
            }
        case f.AlertsCleared():
            changes["firing"] = fact.firing
        case f.FlappingNoticed():
            changes["quiet_until"] = fact.quiet_until


def _publicly(incident: Incident, fact: AnyFact, mark: Mark, changes: Changes) -> None:
    changes["public"] = fact if isinstance(fact, f.Published) else None


def _known(incident: Incident, fact: AnyFact, mark: Mark, changes: Changes) -> None:
    """What people found out about the incident."""
    match fact:
        case f.SeverityChanged():
            # Who has it goes on having it; where nobody does, the new severity is owed a response of its own.
            moments = {name: at for name, at in incident.moments.items() if name != "responded"} | {"severity": mark}
            if incident.acknowledged_at:
                moments["responded"] = mark
            if fact.by != TOCSIN:  # whoever sets the severity has looked
                moments.setdefault("assessed", mark)
            changes |= {"severity": fact.severity, "severity_by": fact.by, "moments": moments}
        case f.Renamed():
            changes["title"] = fact.title
        case f.ImpactSet():
            changes["impact"] = fact.impact
        case f.CategorySet():
            changes["category"] = fact.category
        case f.AffectedSet():
            changes |= {"services": fact.services, "components": fact.components}
        case f.CustomerImpactSet():
            changes |= {
                "users_affected": fact.users,
                "revenue": fact.revenue,
                "customer_impact": fact.description,
            }
        case f.DetectionSet():
            changes["detection"] = fact.source
        case f.RootCauseSet():
            changes |= {
                "root_cause": fact.cause,
                "contributing": fact.contributing,
                "prevention": fact.prevention,
            }
        case f.AssessmentAnswered():
            moments = {"assessed": mark} | incident.moments
            changes |= {"answers": incident.answers | {fact.question: fact.answer}, "moments": moments}
        case f.TimestampCorrected():
            changes["corrected"] = incident.corrected | {fact.name: fact.after}
        case f.MarkedFalsePositive():
            changes["false_positive"] = True
        case f.MarkedDrill():
            changes["drill"] = fact.drill
        case f.Linked():
            changes["links"] = (*incident.links, (fact.other, fact.relation))


def _owed(incident: Incident, fact: AnyFact, mark: Mark, changes: Changes) -> None:
    match fact:
        case f.Escalated():
            ladder = incident.ladder
            changes |= _paged(incident, fact.pages, fact.because) | {
                "ladder": Ladder(
                    level=fact.level, lap=fact.lap, count=ladder.count + 1, again_at=fact.again_at, until=fact.until
                ),
                "fired": _acted(incident, fact.key),
            }
        case f.NobodyReached():
            ladder = msgspec.structs.replace(incident.ladder, count=incident.ladder.count + 1, again_at=fact.again_at)
            changes |= _paged(incident, fact.pages, fact.because) | {"ladder": ladder}
        case f.Notified():
            paged = _paged(incident, fact.pages, fact.because, fact.audience)
            changes |= paged | {"fired": _acted(incident, fact.key)}
            base = fact.key.rpartition("#")[0]
            if fact.promised_at:
                of = Telling(key=fact.key, due_at=fact.promised_at, pages=tuple(page.id for page in fact.pages))
                changes["telling"] = incident.telling | {base: of}
            elif fact.key and fact.pages:  # before receipts were waited for, whoever was to be told had been told
                changes["moments"] = incident.moments | {f"told:{base}": mark}
        case f.PagesForgiven():
            gone = {
                page: msgspec.structs.replace(incident.pages[page], forgiven=True)
                for page in fact.pages
                if page in incident.pages
            }
            changes["pages"] = incident.pages | gone
        case f.PageSent() | f.PageDelivered() | f.PageFailed() | f.PersonUnreachable():
            changes |= _receipt(incident, fact, mark)
        case f.PromiseAtRisk():
            changes["fired"] = _acted(incident, fact.key)
        case f.PromiseMissed():
            base = fact.key.rpartition("#")[0]
            changes |= {
                "fired": _acted(incident, fact.key),
                "missed": incident.missed | {base: (fact.rule, fact.due_at)},
            }
        case f.PromiseWaived():
            changes["waived"] = incident.waived | {fact.key}
        case f.PromiseConfirmed():
            changes["moments"] = incident.moments | {f"confirmed:{fact.rule}": mark}
        case f.PromiseKept():
            changes["moments"] = incident.moments | {f"done:{fact.rule}": mark}


def _paged(incident: Incident, pages: tuple[OwedPage, ...], because: str, audience: str = "") -> Changes:
    new = {page.id: PageState(page=page, because=because, audience=audience) for page in pages}
    return {
        "pages": incident.pages | new,
        "page_count": incident.page_count + 1,
    }


def _receipt(
    incident: Incident, fact: f.PageSent | f.PageDelivered | f.PageFailed | f.PersonUnreachable, mark: Mark
) -> Changes:
    state = incident.pages.get(fact.page)
    if state is None:
        return {}
    match fact:
        case f.PageSent():
            state = msgspec.structs.replace(state, sent=state.sent | {fact.method})
        case f.PageDelivered():
            state = msgspec.structs.replace(state, delivered=state.delivered | {fact.method})
        case f.PageFailed() if fact.again_at is None:
            state = msgspec.structs.replace(state, failed=state.failed | {fact.method})
        case f.PersonUnreachable():
            state = msgspec.structs.replace(state, unreachable=True)
    pages = incident.pages | {fact.page: state}
    told = {
        f"told:{base}": mark
        for base, of in incident.telling.items()
        if state.arrived and fact.page in of.pages and not any(incident.pages[page].arrived for page in of.pages)
    }
    return {"pages": pages, "moments": incident.moments | told} if told else {"pages": pages}


def _acted(incident: Incident, key: str) -> dict[str, int]:
    base, _, n = key.rpartition("#")
    return incident.fired | {base: max(int(n), incident.fired.get(base, -1))} if base else incident.fired


_FAMILIES: dict[Any, Any] = afterwards.FAMILIES | places.FAMILIES | evidence.FAMILIES | runs.FAMILIES | {
    kind: family
    for family, kinds in {
        _life: (f.StatusChanged, f.Resolved, f.KeyReleased, f.Reopened, f.Closed),
        _merging: (f.MergedInto, f.Absorbed),
        _answers: (f.Acknowledged, f.Unacknowledged, f.Snoozed),
        _alerts: (f.AlertsAttached, f.AlertsCleared, f.FlappingNoticed),
        worked: (
            f.PhaseBegun, f.PhaseFinished, f.ItemBegun, f.ItemFinished, f.DeploymentsFrozen, f.DeploymentsUnfrozen,
            f.Restricted, f.RestrictionLifted, f.ApprovalRequested, f.ApprovalEnded,
            f.UpdatePosted, f.UpdateDrafted, f.UpdateDiscarded, f.Announced,
        ),
        staffed: (f.RoleAssigned, f.RoleReleased),
        reviewed: (f.ReviewScheduled, f.ReviewHeld, f.ReviewWritten, f.ReviewTicked),
        _publicly: (f.Published, f.Unpublished),
        _owed: (
            f.Escalated, f.NobodyReached, f.Notified, f.PagesForgiven, f.PageSent, f.PageDelivered, f.PageFailed,
            f.PersonUnreachable,
            f.PromiseAtRisk, f.PromiseMissed, f.PromiseWaived, f.PromiseConfirmed, f.PromiseKept,
        ),
    }.items()
    for kind in kinds
}  # fmt: skip
