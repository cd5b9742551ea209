"""What the public may know of an incident: a fold of its facts that keeps nothing else.

An incident is public from `Published` to `Unpublished`, and a drill never is. Its public words are the updates that
were posted to the audience "public", the name somebody gave it, and nothing that an alert or a note says. Its status,
and what it makes of components, follow the incident itself, so that a page is never greener than its incidents.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from tocsin.core import facts as f
from tocsin.core.facts import AnyFact
from tocsin.core.status import Component, ComponentState, Impact, PublicStatus, state_of_impact

PUBLIC = "public"  # the audience whose updates stand on the page
RESOLVED_TEXT = "This incident is resolved."  # where it ended without a public word

_STATUS: dict[str, PublicStatus] = {
    "investigating": "investigating",
    "identified": "identified",
    "mitigating": "identified",
    "monitoring": "monitoring",
    "resolved": "resolved",
    "closed": "resolved",
}


class Update(msgspec.Struct, frozen=True, kw_only=True):
    """A public update; `id` is its place among the incident's facts. `said` False: nobody worded it."""

    id: int
    at: datetime
    status: PublicStatus
    text: str
    changed_at: datetime | None = None
    said: bool = True


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """From `at` on: whether the incident is `on`, how bad, and what it touches."""

    at: datetime
    on: bool
    impact: Impact
    public: bool
    stated: dict[str, str]
    services: tuple[str, ...]
    named: tuple[str, ...]


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """`state` from `start` up to, and not including, `end` (None: it lasts)."""

    start: datetime
    end: datetime | None
    state: ComponentState


class PublicIncident(msgspec.Struct, frozen=True, kw_only=True):
    """The public side after `version` facts. `pages` None: it is not published; empty: it is on the default page.

    `impacts`: what each severity of the governing policy stands for.
    """

    id: str
    version: int
    opened_at: datetime
    starts_at: datetime
    changed_at: datetime
    severity: str
    impacts: Mapping[str, Impact]
    status: PublicStatus = "investigating"
    pages: tuple[str, ...] | None = None
    published_at: datetime | None = None
    name: str = ""
    stated_impact: Impact | None = None
    stated: dict[str, str] = {}
    services: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    drill: bool = False
    updates: tuple[Update, ...] = ()
    monitoring_at: datetime | None = None
    resolved_at: datetime | None = None
    review: str = ""
    review_at: datetime | None = None  # None: it is not published
    review_changed_at: datetime | None = None
    moments: tuple[Moment, ...] = ()

    @property
    def public(self) -> bool:
        return self.pages is not None and not self.drill

    @property
    def open(self) -> bool:
        return self.status != "resolved"

    @property
    def impact(self) -> Impact:
        return self.stated_impact or self.impacts.get(self.severity, "none")


def begin(fact: f.Opened, impacts: Mapping[str, Impact]) -> PublicIncident:
    """The incident after its first fact."""
    first = PublicIncident(
        id=fact.incident,
        version=1,
        opened_at=fact.at,
        starts_at=fact.at,
        changed_at=fact.at,
        severity=fact.severity,
        impacts=impacts,
        services=(fact.service,) if fact.service else (),
        drill=fact.drill,
    )
    return _moved(first, fact.at)


def advance(known: PublicIncident, fact: AnyFact) -> PublicIncident:
    """The incident after one more fact."""
    version = known.version + 1
    changes = _changes(known, fact, version)
    if not changes:
        return msgspec.structs.replace(known, version=version)
    after = msgspec.structs.replace(known, version=version, changed_at=max(known.changed_at, fact.at), **changes)
    return _moved(after, fact.at)


def _moved(incident: PublicIncident, at: datetime) -> PublicIncident:
    """Another moment, unless nothing about components changed. Moments of one instant are one."""
    moment = Moment(
        at=at,
        on=incident.open,
        impact=incident.impact,
        public=incident.public,
        stated=incident.stated,
        services=incident.services,
        named=incident.named,
    )
    before = incident.moments
    if before and msgspec.structs.replace(before[-1], at=at) == moment:
        return incident
    kept = before[:-1] if before and before[-1].at >= at else before
    return msgspec.structs.replace(incident, moments=(*kept, moment))


Changes = dict[str, Any]


def _changes(known: PublicIncident, fact: AnyFact, version: int) -> Changes:
    match fact:
        case f.Published() | f.Unpublished() | f.UpdatePosted() | f.PublicTextChanged() | f.PublicReviewSet():
            return _words(known, fact, version)
        case f.StatusChanged() | f.Resolved() | f.Closed() | f.Reopened() | f.MergedInto():
            return _life(known, fact, version)
        case f.SeverityChanged():
            return {"severity": fact.severity}
        case f.AffectedSet():
            return {"services": fact.services, "named": tuple(each.casefold() for each in fact.components)}
        case f.MarkedDrill():
            return {"drill": fact.drill}
        case f.TimestampCorrected(name="started_at" | "opened_at"):
            return {"starts_at": fact.after}
        case f.TimestampCorrected(name="resolved_at") if known.resolved_at:
            return _ended_at(known, fact.after)
    return {}


def _words(known: PublicIncident, fact: AnyFact, version: int) -> Changes:
    match fact:
        case f.Published():
            return {
                "pages": fact.pages,
                "name": fact.name,
                "stated_impact": fact.impact,
                "stated": fact.components,
                "published_at": known.published_at or fact.at,
            }
        case f.Unpublished():
            return {"pages": None}
        case f.UpdatePosted() if fact.audience.casefold() == PUBLIC:
            status = _STATUS[fact.status] if fact.status else known.status
            return _said(known, Update(id=version, at=fact.at, status=status, text=fact.text))
        case f.PublicTextChanged():
            updates = tuple(
                msgspec.structs.replace(each, text=fact.text, changed_at=fact.at) if each.id == fact.update else each
                for each in known.updates
            )
            return {"updates": updates}
        case f.PublicReviewSet():
            shown = fact.published and bool(fact.text)
            return {
                "review": fact.text,
                "review_at": (known.review_at or fact.at) if shown else None,
                "review_changed_at": fact.at,
            }
    return {}


def _said(known: PublicIncident, update: Update) -> Changes:
    """One more update, in place of what was said for nobody at the same instant; none where it says the same again."""
    before = known.updates
    if before and not before[-1].said and before[-1].at == update.at:
        before = before[:-1]
    if before and (before[-1].text, before[-1].status) == (update.text, update.status):
        return {}
    return {"updates": (*before, update)}


def _life(known: PublicIncident, fact: AnyFact, version: int) -> Changes:
    match fact:
        case f.StatusChanged():
            changes: Changes = {"status": _STATUS[fact.status]}
            if fact.status == "monitoring":
                changes["monitoring_at"] = fact.at
            return changes
        case f.Reopened():
            return {"status": "investigating", "resolved_at": None, "monitoring_at": None}
        case f.Resolved() | f.Closed() | f.MergedInto() if known.open:
            ended: Changes = {"status": "resolved", "resolved_at": fact.at}
            text = RESOLVED_TEXT
            unworded = Update(id=version, at=fact.at, status="resolved", text=text, said=False)
            return ended | (_said(known, unworded) if known.public else {})
    return {}


def _ended_at(known: PublicIncident, at: datetime) -> Changes:
    moments = known.moments
    if moments and not moments[-1].on:
        earlier = tuple(each for each in moments[:-1] if each.at < at)
        moments = (*earlier, msgspec.structs.replace(moments[-1], at=at))
    return {"resolved_at": at, "moments": moments}


# --- what it makes of components --------------------------------------------------------------------------------------


def state_in(moment: Moment, component: Component) -> ComponentState | None:
    """What the incident makes of the component at this moment; None: it does not touch it."""
    if not moment.on:
        return None
    if moment.public and component.id in moment.stated:
        stated = moment.stated[component.id]
        return msgspec.convert(stated, ComponentState) if stated else state_of_impact(moment.impact)
    if moment.public and moment.named and {component.id, component.name.casefold()} & set(moment.named):
        return state_of_impact(moment.impact)
    if (moment.public or component.automatic) and set(component.services) & set(moment.services):
        return state_of_impact(moment.impact)
    return None


def spans(incident: PublicIncident, component: Component) -> list[Span]:
    """When the incident held the component in which state, oldest first.

    What was said when it was first published holds from its start: the trouble did not begin with the announcement.
    What was added later holds from then on.
    """
    if incident.drill or not incident.moments:
        return []
    moments = _told(incident)
    moments[0] = msgspec.structs.replace(moments[0], at=min(incident.starts_at, moments[0].at))
    found: list[Span] = []
    for n, moment in enumerate(moments):
        state = state_in(moment, component)
        end = moments[n + 1].at if n + 1 < len(moments) else None
        if state is None or (end is not None and end <= moment.at):
            continue
        if found and found[-1].state == state and found[-1].end == moment.at:
            found[-1] = msgspec.structs.replace(found[-1], end=end)
        else:
            found.append(Span(start=moment.at, end=end, state=state))
    return found


def _told(incident: PublicIncident) -> list[Moment]:
    """The moments as they are known now: those before the first publication are read with its words."""
    first = next((each for each in incident.moments if each.public), None)
    if first is None:
        return list(incident.moments)
    told: list[Moment] = []
    for each in incident.moments:
        if each.at < first.at:
            impact = first.impact if incident.stated_impact else each.impact
            each = msgspec.structs.replace(each, public=True, stated=first.stated, named=first.named, impact=impact)
        told.append(each)
    return told


def touches(incident: PublicIncident, component: Component) -> bool:
    """Whether the incident concerns the component, now or when it ended."""
    on = next((each for each in reversed(_told(incident)) if each.on), None)
    return on is not None and state_in(on, component) is not None
