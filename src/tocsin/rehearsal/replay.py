"""Recorded incidents through another policy: what it would have paged and missed, beside what was.

What happened is replayed at its recorded time: the opening, what people did (acknowledged, snoozed, escalated, changed
the severity, told somebody, resolved, reopened). What the clocks did is decided anew. What people would have done
differently is unknown, and channels are taken to work.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from tocsin.core import commands as c, deadlines, facts as f
from tocsin.core.decide import Opening, decide, opened
from tocsin.core.escalation import World
from tocsin.core.facts import TOCSIN, AnyFact
from tocsin.core.incident import Incident, Refused, evolve, fold
from tocsin.core.people import Directory
from tocsin.core.policy import Policy, severity_of
from tocsin.core.promises import first_due
from tocsin.core.story import Story
from tocsin.rehearsal.rehearsal import on_the_day

STEPS_MAX = 5_000  # wake-ups of one incident; one that nobody ended for months says nothing more after them
RANK_UNKNOWN = 1  # of a severity nobody can place: the worst but one, as for alerts that do not say
NIGHT = (22, 7)  # local hours between which a page wakes somebody
_RECEIPTS = frozenset({f.PageSent, f.PageFailed, f.PromiseAtRisk, f.PromiseMissed, f.PagesForgiven, f.Notified})
_COSTS = frozenset({f.PromiseMissed, f.Escalated, f.NobodyReached, f.Notified})
_CLOCKS = ("escalated: ", "severity raised", "the snooze ended", "the acknowledgement timed out")


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """One incident's facts as stored, and the ranks of the severities of the policy that governed it."""

    incident: str
    facts: tuple[AnyFact, ...]
    ranks: dict[str, int] = {}


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What one incident cost: pages and night pages per person, promises missed, and who was paged first."""

    pages: dict[str, int]
    nights: dict[str, int]
    missed: int
    first: tuple[str, ...] = ()


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """`answered_unpaged`: somebody acknowledged whom this policy had not paged by then.

    `refused` commands are those that the other policy's state does not allow; `cut`: it went on for too long.
    """

    incident: str
    reference: str
    title: str
    severity: str
    replayed_as: str
    before: Figures
    after: Figures
    answered_unpaged: bool = False
    refused: int = 0
    cut: bool = False

    @property
    def differs(self) -> bool:
        return self.before != self.after


class Sums(msgspec.Struct, frozen=True, kw_only=True):
    """A whole replay. `severities`: those the other policy does not know, and what they were replayed as."""

    incidents: int
    differing: int
    pages: tuple[int, int]
    nights: tuple[int, int]
    missed: tuple[int, int]
    per_person: dict[str, tuple[int, int]]
    nights_per_person: dict[str, tuple[int, int]]
    answered_unpaged: int
    refused: int
    cut: int
    severities: dict[str, str]


def replay(recorded: Recorded, world: World, as_of: datetime) -> Replayed:
    """The incident through `world`, up to `as_of`. Raises ValueError when the facts do not begin with an opening."""
    first = recorded.facts[0] if recorded.facts else None
    if not isinstance(first, f.Opened):
        raise ValueError(f"incident {recorded.incident}: expected facts that begin with Opened")
    severity = meant(world.policy, first.severity, recorded.ranks)
    world = _narrowed(world, recorded, severity)
    opening = _opening(first, severity, world.policy)
    state = _State(opened(opening, on_the_day(world, first.at), first.at))
    refused = 0
    unpaged = False
    for at, command, late in triggers(recorded, world.policy):
        state.wake_until(world, at, inclusive=late)
        if isinstance(command, c.Acknowledge) and not command.by.startswith("source:"):
            unpaged |= command.by not in state.paged()
        try:
            now = max(at, state.incident.last_at)
            state.take(decide(state.incident, command, on_the_day(world, now), now))
        except (Refused, ValueError):
            refused += 1
    state.wake_until(world, as_of, inclusive=True)
    return Replayed(
        incident=recorded.incident,
        reference=first.reference,
        title=first.title,
        severity=first.severity,
        replayed_as=severity,
        before=figures(recorded.facts, world.directory),
        after=figures(state.facts, world.directory),
        answered_unpaged=unpaged,
        refused=refused,
        cut=state.steps >= STEPS_MAX,
    )


def sums(replayed: Iterable[Replayed]) -> Sums:
    """Everything added up, recorded first."""
    count = differing = unpaged = refused = cut = 0
    missed = [0, 0]
    pages: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
    nights: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
    severities: dict[str, str] = {}
    for each in replayed:
        count += 1
        differing += each.differs
        unpaged += each.answered_unpaged
        refused += each.refused
        cut += each.cut
        if each.severity != each.replayed_as:
            severities[each.severity] = each.replayed_as
        for side, found in enumerate((each.before, each.after)):
            pages[side].update(found.pages)
            nights[side].update(found.nights)
            missed[side] += found.missed
    return Sums(
        incidents=count,
        differing=differing,
        pages=(pages[0].total(), pages[1].total()),
        nights=(nights[0].total(), nights[1].total()),
        missed=(missed[0], missed[1]),
        per_person=_beside(pages),
        nights_per_person=_beside(nights),
        answered_unpaged=unpaged,
        refused=refused,
        cut=cut,
        severities=severities,
    )


def _beside(counts: tuple[Counter[str], Counter[str]]) -> dict[str, tuple[int, int]]:
    names = sorted(counts[0].keys() | counts[1].keys(), key=lambda name: (-(counts[0][name] + counts[1][name]), name))
    return {name: (counts[0][name], counts[1][name]) for name in names}


# --- one incident -----------------------------------------------------------------------------------------------------


class _State:
    def __init__(self, facts: list[AnyFact]) -> None:
        self.facts = facts
        self.steps = 0
        found = fold(facts)
        assert found is not None
        self.incident: Incident = found

    def take(self, facts: Sequence[AnyFact]) -> None:
        for fact in facts:
            self.incident = evolve(self.incident, fact)
        self.facts += facts

    def wake_until(self, world: World, until: datetime, *, inclusive: bool = False) -> None:
        """What is due before `until` is done; what is due at that very instant comes after what people do then."""
        while self.steps < STEPS_MAX:
            what = first_due(self.incident, world.rules, world.calendar)
            if what is None or what.at > until or (what.at == until and not inclusive):
                return
            self.steps += 1
            story = Story(self.incident, [])
            now = max(what.at, self.incident.last_at)
            deadlines.act(story, what, on_the_day(world, now), now)
            self.incident = story.incident
            self.facts += story.facts

    def paged(self) -> set[str]:
        return {state.page.person for state in self.incident.pages.values()}


def _narrowed(world: World, recorded: Recorded, severity: str) -> World:
    """The clocks of the severities this incident ever has: the others cannot run, and a year has many wake-ups."""
    changes = [fact for fact in recorded.facts if isinstance(fact, f.SeverityChanged)]
    ever = {severity, *(meant(world.policy, fact.severity, recorded.ranks) for fact in changes)}
    kept = tuple(rule for rule in world.rules if not rule.severities or not ever.isdisjoint(rule.severities))
    return msgspec.structs.replace(world, rules=kept)


def _opening(first: f.Opened, severity: str, policy: Policy) -> Opening:
    return Opening(
        incident=first.incident,
        reference=first.reference,
        title=first.title,
        guide=policy.title,
        policy_digest="",
        severity=severity,
        by=first.by,
        service=first.service,
        category=first.category,
        escalation=first.escalation,
        drill=first.drill,
    )


def meant(policy: Policy, severity: str, ranks: Mapping[str, int]) -> str:
    """The policy's severity for another policy's: the same id, what its mapping says, else the one of that rank."""
    found = severity_of(policy, severity) or severity_of(policy, policy.severity_mapping.get(severity, ""))
    if found:
        return found.id
    ranked = sorted(policy.severities, key=lambda each: each.rank)
    return ranked[min(ranks.get(severity, RANK_UNKNOWN), len(ranked) - 1)].id


def triggers(recorded: Recorded, policy: Policy) -> Iterator[tuple[datetime, Any, bool]]:
    """What happened to the incident from outside, as commands, each at its recorded time.

    True where the clocks had acted at that very instant already: then they go first again.
    """
    clocks_at: datetime | None = None
    for fact in recorded.facts[1:]:
        command = None if type(fact) in _RECEIPTS else _trigger(fact, policy, recorded.ranks)
        if command is not None:
            yield fact.at, command, clocks_at == fact.at
        elif fact.by == TOCSIN and not isinstance(fact, f.NobodyReached | f.CoverageGap):  # these people cause too
            clocks_at = fact.at


def _trigger(fact: AnyFact, policy: Policy, ranks: Mapping[str, int]) -> Any:
    match fact:
        case f.Acknowledged() if fact.via != "snooze":
            return c.Acknowledge(by=fact.by, via=fact.via)
        case f.Unacknowledged() if fact.by != TOCSIN and not fact.because.startswith(_CLOCKS):
            return c.Unacknowledge(by=fact.by, because=fact.because)
        case f.Snoozed():
            return c.Snooze(by=fact.by, until=fact.until, because=fact.because)
        case f.Escalated() if fact.by != TOCSIN and not fact.because.startswith(_CLOCKS):
            return c.Escalate(by=fact.by, because=fact.because)
        case f.SeverityChanged():
            return c.ChangeSeverity(
                by=fact.by, severity=meant(policy, fact.severity, ranks), because=fact.because or "replayed"
            )
        case f.StatusChanged():
            return None if fact.status == "closed" else c.ChangeStatus(by=fact.by, status=fact.status)
        case f.UpdatePosted():
            return c.PostUpdate(by=fact.by, audience=fact.audience, text=fact.text or "update", next_at=fact.next_at)
        case f.RoleAssigned():
            return c.AssignRole(by=fact.by, role=fact.role, person=fact.person)
        case f.Resolved():
            return c.Resolve(by=fact.by, because=fact.because)
        case f.MergedInto():
            return c.Resolve(by=fact.by, because=f"merged into {fact.reference}")
        case f.Reopened():
            return c.Reopen(by=fact.by, because=fact.because or "reopened")
        case f.Closed():
            return c.Close(by=fact.by)
    return None


def figures(facts: Sequence[AnyFact], directory: Directory) -> Figures:
    """What these facts cost. A night is local to the person who is paged."""
    pages: Counter[str] = Counter()
    nights: Counter[str] = Counter()
    missed = 0
    first: tuple[str, ...] = ()
    for fact in facts:
        if type(fact) not in _COSTS:
            continue
        match fact:
            case f.PromiseMissed():
                missed += 1
            case f.Escalated() | f.NobodyReached() | f.Notified():
                asked = [page.person for page in fact.pages if not page.notice]
                if asked and not first:
                    first = tuple(asked)
                pages.update(asked)
                nights.update(name for name in asked if _at_night(fact.at, name, directory))
    return Figures(pages=dict(pages), nights=dict(nights), missed=missed, first=first)


def _at_night(at: datetime, name: str, directory: Directory) -> bool:
    person = directory.people.get(name)
    hour = at.astimezone(_zone(person.zone if person else "UTC")).hour
    return hour >= NIGHT[0] or hour < NIGHT[1]


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
