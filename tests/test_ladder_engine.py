"""`tocsin oncall check` and the engine agree: what a ladder would do is what a real engine pages, minute by minute.

They differ where they should, behind the last step: tools begin again with the first one or stop, Tocsin repeats the
last. So each ladder is compared up to the instant at which its last step is over.
"""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from hypothesis import assume, given, settings, strategies as st

from tocsin.clock import ManualClock
from tocsin.core import commands as c, facts as f
from tocsin.core.incident import Refused
from tocsin.core.ladder_timeline import Event, Ladder, OwnRule, Step, timeline
from tocsin.core.people import Method, Person
from tocsin.core.policy import Deadline, Escalation, Level, Policy, Severity
from tocsin.engine import Engine
from tocsin.ports import Receipt
from tocsin.store.memory import MemoryStore
from tocsin.store.throttle import PAGES_MAX, PAGES_WINDOW

T0 = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
TENANT = "default"
PEOPLE = ("ana", "ben", "cho", "dee")
KINDS = ("email", "sms", "voice")

targets = st.lists(st.sampled_from(PEOPLE), max_size=3, unique=True).map(tuple)
steps = st.lists(
    st.builds(lambda delay, who: Step(delay=delay, targets=who), st.integers(1, 30), targets), min_size=1, max_size=4
).filter(lambda found: bool(found[-1].targets))
own_rules = st.lists(st.integers(0, 25), min_size=1, max_size=3).map(
    lambda delays: tuple(OwnRule(delay=n, method=kind) for n, kind in zip(delays, KINDS, strict=False))
)
events = st.lists(
    st.builds(
        lambda at, action: Event(at=at, action=action, user="boss"),
        st.integers(1, 60),
        st.sampled_from(("acknowledge", "close")),
    ),
    max_size=2,
)


class Night:
    """An engine on a memory store, asked every minute; every provider takes every page."""

    def __init__(self, ladder: tuple[Step, ...], rules: dict[str, tuple[OwnRule, ...]]) -> None:
        self.clock = ManualClock(T0)
        self.store = MemoryStore(self.clock)
        numbers = itertools.count()
        self.engine = Engine(self.store, new_id=lambda: f"i{next(numbers)}")
        for name, own in rules.items():
            methods = tuple(
                Method(kind=each.method, address=name, after_seconds=int(each.delay * 60))  # type: ignore[arg-type]
                for each in own
            )
            self.store.put(TENANT, "person", name, msgspec.json.encode(Person(id=name, methods=methods)))
        levels = tuple(
            Level(level=n, who=step.targets, within=Deadline(seconds=int(step.delay * 60)))
            for n, step in enumerate(ladder, 1)
        )
        policy = Policy(
            title="Ladder", severities=(Severity(id="SEV-1", rank=0),), escalation=Escalation(levels=levels)
        )
        self.engine.guides.activate(TENANT, "ladder", policy)
        declared = c.Declare(title="It is down", severity="SEV-1", by="boss")
        self.incident = self.engine.declare(TENANT, declared).id

    def lives(self, until: int, happening: list[Event]) -> None:
        commands: dict[str, Any] = {"acknowledge": c.Acknowledge(by="boss"), "close": c.Resolve(by="boss")}
        for minute in range(until + 1):
            for event in happening:
                if event.at == minute:
                    try:
                        self.engine.handle(TENANT, self.incident, commands[event.action])
                    except Refused:
                        continue
            while self.engine.wake():
                pass
            while pages := self.engine.lease():
                for page in pages:
                    self.engine.receive(page, Receipt(code="sent"))
            self.clock.advance(timedelta(minutes=1))

    def facts(self) -> list[f.AnyFact]:
        return self.store.facts(TENANT, self.incident)


def floods(told: list[tuple[float, str]]) -> bool:
    """Whether somebody would be told more often than Tocsin does: the rest goes with the last message of the window."""
    window = PAGES_WINDOW / timedelta(minutes=1)
    return any(sum(who == other and at <= then < at + window for then, other in told) > PAGES_MAX for at, who in told)


@settings(max_examples=60, deadline=None)
@given(ladder=steps, rules=st.fixed_dictionaries(dict.fromkeys(PEOPLE, own_rules)), happening=events)
def test_a_ladder_in_a_file_is_what_the_engine_pages(
    ladder: list[Step], rules: dict[str, tuple[OwnRule, ...]], happening: list[Event]
) -> None:
    known = timeline(Ladder(steps=tuple(ladder)), rules, happening, 200)
    over = max(each.at for each in known.entered) + ladder[-1].delay if known.entered else 0
    ends = int(min(over - 1, 60)) if known.entered and known.entered[-1].step == len(ladder) - 1 else 60
    expected = timeline(Ladder(steps=tuple(ladder)), rules, happening, ends)
    assume(not floods([(each.at, each.user) for each in expected.told]))

    night = Night(tuple(ladder), rules)
    night.lives(ends, happening)

    def minute(at: datetime) -> float:
        return (at - T0) / timedelta(minutes=1)

    facts = night.facts()
    assert [(minute(each.at), each.level - 1) for each in facts if isinstance(each, f.Escalated)] == [
        (each.at, each.step) for each in expected.entered
    ]
    assert [(minute(each.at), each.level - 1) for each in facts if isinstance(each, f.CoverageGap)] == [
        (each.at, each.step) for each in expected.gaps
    ]
    told = sorted((minute(each.at), each.person, each.kind) for each in facts if isinstance(each, f.PageSent))
    assert told == sorted((each.at, each.user, each.method) for each in expected.told)
