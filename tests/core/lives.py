"""A small world for the tests of the core: three people, a policy with two levels, and an incident that lives."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from tocsin.core import commands as c
from tocsin.core.decide import Opening, decide, opened
from tocsin.core.escalation import World
from tocsin.core.facts import AlertName, AnyFact
from tocsin.core.incident import Incident, evolve, fold
from tocsin.core.people import Directory, Method, Person
from tocsin.core.policy import Deadline, Escalation, Level, Policy, Severity
from tocsin.core.promises import rules

T0 = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
ALERT = AlertName(fingerprint="00000000000000aa", starts_at=T0, title="Disk full (db-1)")


def minutes(n: float) -> timedelta:
    return timedelta(minutes=n)


def person(name: str, *methods: Method, **more: Any) -> Person:
    return Person(id=name, methods=methods or (Method(kind="email", address=f"{name}@example.org"),), **more)


PEOPLE = {name: person(name) for name in ("ana", "ben", "cleo", "dora")}
LEVELS = (
    Level(level=1, who=("ana",), within=Deadline(seconds=900)),
    Level(level=2, who=("ben",), within=Deadline(seconds=1800)),
)


def policy(**changes: Any) -> Policy:
    base = Policy(
        title="Test guide",
        severities=(
            Severity(id="SEV-1", rank=0, respond_within=Deadline(seconds=300), resolve_within=Deadline(seconds=3600)),
            Severity(id="SEV-2", rank=1, respond_within=Deadline(seconds=900)),
            Severity(id="SEV-3", rank=2),
        ),
        escalation=Escalation(levels=LEVELS),
    )
    return msgspec.structs.replace(base, **changes)


def world(people: dict[str, Person] | None = None, last_resort: tuple[str, ...] = ("dora",), **changes: Any) -> World:
    made = policy(**changes)
    directory = Directory(people=PEOPLE if people is None else people, last_resort=last_resort)
    return World(policy=made, rules=rules(made), directory=directory)


WORLD = world()


class Life:
    """An incident and everything that has happened to it."""

    def __init__(self, within: World = WORLD, at: datetime = T0, **opening: Any) -> None:
        self.world = within
        values: dict[str, Any] = {
            "incident": "i1",
            "reference": "INC-2026-001",
            "title": "Disk full",
            "guide": "test",
            "policy_digest": "0" * 64,
            "severity": "SEV-1",
            "key": "disk",
            "alerts": (ALERT,),
            "count": 1,
        }
        self.facts: list[AnyFact] = opened(Opening(**(values | opening)), within, at)

    @property
    def now(self) -> Incident:
        incident = fold(self.facts)
        assert incident is not None
        return incident

    def does(self, command: Any, at: datetime) -> list[AnyFact]:
        """What follows from the command; it has then happened."""
        facts = decide(self.now, command, self.world, at)
        self.facts += facts
        return facts

    def wakes(self, at: datetime) -> list[AnyFact]:
        return self.does(c.Wake(), at)

    def kinds(self) -> list[str]:
        return [type(fact).__name__ for fact in self.facts]


def states(facts: list[AnyFact]) -> list[Incident]:
    """The incident after each of its facts."""
    incident: Incident | None = None
    found = []
    for fact in facts:
        incident = evolve(incident, fact)
        found.append(incident)
    return found
