"""What a policy would do: the functions that decide about real incidents, run on values with a virtual clock.

`play` opens an incident, lets people do what they are said to do, and does everything that falls due until the end.
Nothing is stored, nobody is paged. At one instant, what people do goes before what is due, as in the engine.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec

from tocsin.core import commands as c, facts as f
from tocsin.core.deadlines import RecordReceipt
from tocsin.core.decide import Opening, decide, opened
from tocsin.core.escalation import World
from tocsin.core.facts import AnyFact
from tocsin.core.incident import Incident, Refused, evolve, fold
from tocsin.core.promises import Promise, next_wakeup, promises
from tocsin.core.view import words

STEPS_MAX = 20_000  # things that happen in one rehearsal; a month of a ladder that nobody answers is a tenth of it

Kind = Literal[
    "opened", "paged", "told", "passed", "nobody", "owed", "at risk", "kept", "missed", "waived", "dropped", "done",
    "refused",
]  # fmt: skip


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody does something; `line` is where a scenario says so (0: nowhere)."""

    at: datetime
    command: Any
    line: int = 0


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a rehearsal. `people` are who is paged or told; `promise` the rule that a promise comes from.

    `what` names what was done (acknowledge, snooze, ...) where `kind` is "done" or "refused".
    """

    at: datetime
    kind: Kind
    text: str
    people: tuple[str, ...] = ()
    level: int | None = None
    words: tuple[str, ...] = ()
    promise: str = ""
    about: str = ""  # the promise in words
    due_at: datetime | None = None
    what: str = ""
    by: str = ""
    line: int = 0


class Played(msgspec.Struct, frozen=True, kw_only=True):
    """What happened, in order; `ledger` holds every promise that was ever owed, as it stood last."""

    opened_at: datetime
    until: datetime
    incident: Incident
    facts: tuple[AnyFact, ...]
    events: tuple[Event, ...]
    ledger: tuple[Promise, ...]


def play(
    opening: Opening,
    world: World,
    actions: Sequence[Action],
    start: datetime,
    until: datetime,
    *,
    unreachable: frozenset[str] = frozenset(),
) -> Played:
    """The incident's life from `start` to `until`. Every provider takes every page, except for `unreachable` people.

    An action that the state refuses is an event and changes nothing. Raises ValueError after `STEPS_MAX` steps.
    """
    stage = _Stage(opening, world, start, unreachable)
    waiting = sorted(actions, key=lambda each: each.at)
    for _ in range(STEPS_MAX):
        action_at = waiting[0].at if waiting else None
        wake_at = next_wakeup(stage.incident, world.rules, world.calendar)
        found = [at for at in (action_at, wake_at, stage.attempt_at()) if at is not None]
        if not found or min(found) > until:
            break
        now = max(min(found), stage.incident.last_at)
        if action_at is not None and action_at <= now:
            stage.act(waiting.pop(0), now)
        elif wake_at is not None and wake_at <= now:
            stage.does(c.Wake(), now)
        else:
            stage.attempt(now)
    else:
        raise ValueError(f"expected at most {STEPS_MAX} things to happen until {until.isoformat()}: end it earlier")
    return Played(
        opened_at=start,
        until=until,
        incident=stage.incident,
        facts=tuple(stage.facts),
        events=tuple(stage.events),
        ledger=tuple(stage.ledger.values()),
    )


def on_the_day(world: World, now: datetime) -> World:
    """The world in which the question who is on call is asked at `now`."""
    if not world.directory.schedules:
        return world
    return msgspec.structs.replace(world, directory=msgspec.structs.replace(world.directory, at=now))


class _Stage:
    """The incident as it stands, what was said of it, and the attempts at pages that are still to be made."""

    def __init__(self, opening: Opening, world: World, start: datetime, unreachable: frozenset[str]) -> None:
        self.world = world
        self.unreachable = unreachable
        self.facts: list[AnyFact] = []
        self.events: list[Event] = []
        self.ledger: dict[str, Promise] = {}
        self._attempts: list[tuple[datetime, int, str, int]] = []
        self._in_force: dict[str, Promise] = {}
        first = opened(opening, on_the_day(world, start), start)
        incident = fold(first[:1])
        assert incident is not None
        self.incident = incident
        self._take(first[1:], first)

    def act(self, action: Action, now: datetime) -> None:
        before = len(self.events)
        name = str(type(action.command).__struct_config__.tag)
        try:
            self.does(action.command, now)
        except (Refused, ValueError) as error:
            self.events.append(
                Event(at=now, kind="refused", text=str(error), what=name, by=action.command.by, line=action.line)
            )
        for n in range(before, len(self.events)):
            self.events[n] = msgspec.structs.replace(self.events[n], line=action.line)

    def does(self, command: Any, now: datetime) -> None:
        """What follows from the command has happened. Raises Refused or ValueError, and then nothing has."""
        facts = decide(self.incident, command, on_the_day(self.world, now), now)
        self._take(facts, facts)

    def attempt_at(self) -> datetime | None:
        while self._attempts and not self._wanted(*self._attempts[0][2:]):
            heapq.heappop(self._attempts)
        return self._attempts[0][0] if self._attempts else None

    def attempt(self, now: datetime) -> None:
        """The next method of an owed page is tried; a person nobody can reach is tried on all of them at once."""
        _, _, page, method = heapq.heappop(self._attempts)
        owed = self.incident.pages[page].page
        fails = owed.person in self.unreachable
        for n in range(method, len(owed.methods)) if fails else (method,):
            if not self._wanted(page, n):
                continue
            receipt = RecordReceipt(
                page=page,
                person=owed.person,
                kind=owed.methods[n].kind,
                address=owed.methods[n].address,
                method=n,
                attempt=1,
                sent=not fails,
                code="unreachable" if fails else "",
                detail="as the rehearsal has it" if fails else "",
            )
            self.does(receipt, now)

    def _wanted(self, page: str, method: int) -> bool:
        state = self.incident.pages[page]
        return not state.forgiven and method not in state.sent | state.failed

    def _take(self, facts: Sequence[AnyFact], told: Sequence[AnyFact]) -> None:
        for fact in facts:
            self.incident = evolve(self.incident, fact)
            for owed in fact.pages if isinstance(fact, f.Escalated | f.Notified | f.NobodyReached) else ():
                for n, method in enumerate(owed.methods):
                    heapq.heappush(self._attempts, (method.not_before, len(self.facts), owed.id, n))
        self.facts += told
        for fact in told:
            self.events += _told(fact, self.world)
        if told:
            self.events += self._owed(told)

    def _owed(self, facts: Sequence[AnyFact]) -> Iterator[Event]:
        """What is newly owed, what was kept or waived, and what is owed no more."""
        now = self.incident.last_at
        found = {each.key: each for each in promises(self.incident, self.world.rules, self.world.calendar)}
        for key, promise in found.items():
            before = self._in_force.get(key)
            lasting = promise.state in ("open", "at risk")
            new = before is None or before.state == "proposed"
            if promise.state != "proposed" and (new or (before and before.due_at != promise.due_at and lasting)):
                yield _promised(promise, "owed", now)
            if promise.state in ("kept", "waived") and (before is None or before.state != promise.state):
                yield _promised(promise, promise.state, now)
        told = {fact.audience.casefold() for fact in facts if isinstance(fact, f.UpdatePosted)}
        for key in self._in_force.keys() - found.keys():
            promise = self._in_force[key]
            if promise.state not in ("open", "at risk"):
                continue
            kept = (promise.audience or "").casefold() in told
            if kept:
                self.ledger[key] = msgspec.structs.replace(promise, state="kept", kept_at=now)
            else:
                del self.ledger[key]
            yield _promised(promise, "kept" if kept else "dropped", now)
        self._in_force = found
        self.ledger |= found


# --- saying it --------------------------------------------------------------------------------------------------------


_TAGS = {"Acknowledged": "acknowledge", "Unacknowledged": "unacknowledge", "Snoozed": "snooze", "Resolved": "resolve"}


def _told(fact: AnyFact, world: World) -> Iterator[Event]:
    match fact:
        case f.Opened():
            yield Event(at=fact.at, kind="opened", text=f"opened as {fact.severity}: {fact.title}", by=fact.by)
        case f.Escalated():
            people = _people(fact.pages)
            yield Event(
                at=fact.at,
                kind="paged",
                text=f"level {fact.level}: paged {_names(people)} ({fact.because})",
                people=people,
                level=fact.level,
                words=fact.who,
                by=fact.by,
            )
        case f.CoverageGap():
            yield Event(
                at=fact.at,
                kind="passed",
                text=f"level {fact.level}: passed at once, {fact.because}"
                if fact.level
                else f"not told: {fact.because}",
                level=fact.level,
                words=fact.who,
            )
        case f.NobodyReached():
            people = _people(fact.pages)
            text = f"{fact.because}: paged {_names(people)} as the last resort"
            yield Event(at=fact.at, kind="nobody", text=text, people=people)
        case f.Notified():
            if fact.pages or fact.key:
                people = _people(fact.pages)
                rung = any(not page.notice for page in fact.pages)
                verb = "paged" if rung else "told"
                yield Event(
                    at=fact.at,
                    kind="paged" if rung else "told",
                    text=f"{verb} {_names(people)}: {fact.because}",
                    people=people,
                )
        case f.PromiseAtRisk() | f.PromiseMissed():
            yield _lapsing(fact, world)
        case f.PersonUnreachable():
            yield Event(at=fact.at, kind="done", text=words(fact), what="unreachable", by=fact.person)
        case f.PageSent():
            if fact.method:
                text = f"{fact.person} is tried by {fact.kind} too"
                yield Event(at=fact.at, kind="done", text=text, what="tried", by=fact.person)
        case f.PageFailed() | f.PagesForgiven() | f.AlertsAttached() | f.AlertsCleared():
            pass
        case _:
            tag = str(type(fact).__struct_config__.tag)
            what = _TAGS.get(tag, "".join(f"-{each.lower()}" if each.isupper() else each for each in tag).lstrip("-"))
            yield Event(at=fact.at, kind="done", text=_lower(words(fact)), what=what, by=fact.by)


def _lapsing(fact: f.PromiseAtRisk | f.PromiseMissed, world: World) -> Event:
    rule = next((each for each in world.rules if each.id == fact.rule), None)
    about = rule.act.text if rule else fact.rule
    missed = isinstance(fact, f.PromiseMissed)
    return Event(
        at=fact.at,
        kind="missed" if missed else "at risk",
        text=f"MISSED: {about}" if missed else f"at risk: {about}",
        promise=fact.rule,
        about=about,
        due_at=fact.due_at,
    )


def _promised(promise: Promise, kind: Literal["owed", "kept", "waived", "dropped"], now: datetime) -> Event:
    verbs = {"owed": "owed", "kept": "kept", "waived": "waived", "dropped": "no longer owed"}
    return Event(
        at=now,
        kind=kind,
        text=f"{verbs[kind]}: {promise.text}",
        promise=promise.rule,
        about=promise.text.partition(" (")[0],
        due_at=promise.due_at,
    )


def _people(pages: Sequence[f.OwedPage]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(page.person for page in pages))


def _names(people: Sequence[str]) -> str:
    return ", ".join(people) or "nobody"


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
