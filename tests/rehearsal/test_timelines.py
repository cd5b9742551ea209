"""A life computed at once and lived minute by minute agree: TOCSIN_TIMELINES random policies and lives (default 150).

At once: `play` jumps from wake-up to wake-up, as the engine does with a stored `wake_at`. Minute by minute: everything
is asked every minute, as a cron job would, and asked again, which must add nothing.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

from tests.core.lives import minutes
from tocsin.core import commands as c, facts as f
from tocsin.core.deadlines import RecordReceipt
from tocsin.core.decide import Opening, decide, opened
from tocsin.core.escalation import World
from tocsin.core.facts import AnyFact
from tocsin.core.guidance import Deadline, Notify
from tocsin.core.incident import Incident, Refused, evolve, fold
from tocsin.core.people import Directory, Method, Person
from tocsin.core.policy import (
    Act,
    Cadence,
    Escalation,
    Level,
    Paging,
    Policy,
    Rule,
    Severity,
    WhileUnresolved,
)
from tocsin.core.promises import rules
from tocsin.rehearsal.rehearsal import Action, play

TIMELINES = int(os.environ.get("TOCSIN_TIMELINES", "150"))
T0 = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
HORIZON = 90  # minutes
PEOPLE = ("ana", "ben", "cho", "dee")
SEVERITIES = ("SEV-1", "SEV-2", "SEV-3")


def span(dice: Random) -> Deadline:
    """Whole five minutes, so that four fifths of it are whole minutes."""
    return Deadline(seconds=300 * dice.randrange(1, 13))


def who(dice: Random) -> tuple[str, ...]:
    return tuple(dice.sample((*PEOPLE, "Nobody"), dice.choice((0, 1, 1, 1, 2))))


def escalation(dice: Random) -> Escalation:
    levels = tuple(
        Level(
            level=n,
            who=who(dice),
            within=span(dice) if dice.random() < 0.8 else None,
        )
        for n in range(1, dice.randrange(2, 5))
    )
    some = [each for each in SEVERITIES if dice.random() < 0.4]
    return Escalation(
        levels=levels,
        while_unresolved=tuple(WhileUnresolved(severity=each, every=span(dice)) for each in some),
        notify=tuple(Notify(severity=each, who=who(dice), within=span(dice)) for each in SEVERITIES[:2]),
        until=dice.choice(("acknowledged", "resolved")),
    )


def policy(dice: Random) -> Policy:
    nag = Rule(
        id="nag",
        start=dice.choice(("severity", "opened", "acknowledged", "resolved")),
        delay=span(dice),
        every=span(dice) if dice.random() < 0.7 else None,
        until=dice.choice(("resolved", "acknowledged", None)),
        act=Act(kind=dice.choice(("escalate", "page", "notify", "remind")), who=who(dice), text="still open"),
    )
    return Policy(
        title="Dice",
        severities=tuple(
            Severity(
                id=each,
                rank=n,
                respond_within=span(dice) if dice.random() < 0.8 else None,
                resolve_within=span(dice) if dice.random() < 0.5 else None,
            )
            for n, each in enumerate(SEVERITIES)
        ),
        escalation=escalation(dice),
        cadences=(Cadence(audience="customers", every=span(dice), confirmed=dice.random() < 0.8),),
        paging=Paging(acknowledge_timeout=span(dice) if dice.random() < 0.4 else None),
        rules=(nag,) if dice.random() < 0.6 else (),
    )


def person(dice: Random, name: str) -> Person:
    kinds = dice.sample(("email", "sms", "webhook"), dice.randrange(4))  # sometimes none: nobody can reach them
    methods = tuple(Method(kind=kind, address=name, after_seconds=60 * dice.choice((0, 0, 2, 7))) for kind in kinds)  # type: ignore[arg-type]
    return Person(id=name, methods=methods)


def command(dice: Random, at: datetime) -> Any:
    by = dice.choice(PEOPLE)
    return dice.choice(
        (
            c.Acknowledge(by=by),
            c.Acknowledge(by=by),
            c.Unacknowledge(by=by, because="no"),
            c.Snooze(by=by, until=at + minutes(dice.randrange(1, 40))),
            c.ChangeSeverity(by=by, severity=dice.choice(SEVERITIES), because="looked again"),
            c.PostUpdate(by=by, text="news", audience="customers"),
            c.Escalate(by=by, because="now"),
            c.Resolve(by=by),
            c.Reopen(by=by, because="again"),
            c.Close(by=by),
        )
    )


class Lived:
    """The same life, asked every minute. Everything else is `decide`'s."""

    def __init__(self, opening: Opening, world: World, unreachable: frozenset[str]) -> None:
        self.world, self.unreachable = world, unreachable
        self.facts: list[AnyFact] = []
        self.incident: Incident | None = None
        self.owed: list[tuple[datetime, int, str, int]] = []
        self.take(opened(opening, world, T0))

    def take(self, facts: list[AnyFact]) -> None:
        number = len(self.facts)
        for fact in facts:
            self.incident = evolve(self.incident, fact)
            for page in fact.pages if isinstance(fact, f.Escalated | f.Notified | f.NobodyReached) else ():
                self.owed += [(each.not_before, number, page.id, n) for n, each in enumerate(page.methods)]
        self.facts += facts

    def does(self, command: Any, at: datetime) -> list[AnyFact]:
        assert self.incident is not None
        facts = decide(self.incident, command, self.world, at)
        self.take(facts)
        return facts

    def minute(self, at: datetime, actions: list[Action]) -> None:
        for action in actions:
            try:
                self.does(action.command, at)
            except (Refused, ValueError):
                continue
        while True:
            added = self.does(c.Wake(), at)
            if added or at.minute % 10 == 0:
                assert self.does(c.Wake(), at) == []  # a second run adds nothing
            ripe = sorted(each for each in self.owed if each[0] <= at and self.wanted(each[2], each[3]))
            if not ripe:
                return
            self.deliver(ripe[0], at)

    def wanted(self, page: str, method: int) -> bool:
        assert self.incident is not None
        state = self.incident.pages[page]
        return not state.forgiven and method not in state.sent | state.failed

    def deliver(self, attempt: tuple[datetime, int, str, int], at: datetime) -> None:
        assert self.incident is not None
        page = self.incident.pages[attempt[2]].page
        fails = page.person in self.unreachable
        for n in range(attempt[3], len(page.methods)) if fails else (attempt[3],):
            if self.wanted(page.id, n):
                told = {"kind": page.methods[n].kind, "address": page.methods[n].address, "method": n, "attempt": 1}
                how = {"code": "unreachable", "detail": "as the rehearsal has it"} if fails else {}
                self.does(RecordReceipt(page=page.id, person=page.person, sent=not fails, **told, **how), at)


@pytest.mark.slow
def test_a_life_at_once_and_minute_by_minute_is_the_same() -> None:
    for seed in range(TIMELINES):
        dice = Random(seed)
        made = policy(dice)
        directory = Directory(people={name: person(dice, name) for name in PEOPLE}, last_resort=("dee",))
        world = World(policy=made, rules=rules(made), directory=directory)
        severity = dice.choice(SEVERITIES)
        opening = Opening(incident="i", reference="R", title="T", guide="g", policy_digest="", severity=severity)
        unreachable = frozenset(name for name in PEOPLE if dice.random() < 0.1)
        times = sorted(T0 + minutes(dice.randrange(HORIZON)) for _ in range(dice.randrange(9)))
        actions = [Action(at=at, command=command(dice, at)) for at in times]

        at_once = play(opening, world, actions, T0, T0 + minutes(HORIZON), unreachable=unreachable)
        lived = Lived(opening, world, unreachable)
        for n in range(HORIZON + 1):
            lived.minute(T0 + minutes(n), [each for each in actions if each.at == T0 + minutes(n)])

        assert lived.facts == list(at_once.facts), seed
        assert fold(lived.facts) == at_once.incident, seed
