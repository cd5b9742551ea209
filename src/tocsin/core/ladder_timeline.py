"""What a ladder of steps and everybody's own notification rules would do, minute by minute, if people did this.

The model is the one most tools have: a step's delay is the wait after notifying it, `repeat` counts extra passes, an
acknowledgement or a close stops both the ladder and pending personal rules. At one minute, what people do goes first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

MINUTES_MAX = 366 * 24 * 60  # of a horizon
ENTRIES_MAX = 100_000  # of a timeline; a ladder without any delay would never end

Action = Literal["acknowledge", "close", "escalate", "hold", "release"]


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """`targets` are told, then the ladder waits `delay` minutes. `multi_ack`: one acknowledgement stops only its own
    rules; the others of the step are still told."""

    delay: float
    targets: tuple[str, ...] = ()
    multi_ack: bool = False


class Ladder(msgspec.Struct, frozen=True, kw_only=True):
    """`empty`: a step that means nobody is passed at once (and is a gap), or waits as if somebody had been told.

    `restart`: somebody who is told again while their rules still run has them run again from the start as well.
    """

    steps: tuple[Step, ...]
    repeat: int = 0  # extra passes; -1 for ever
    empty: Literal["pass", "wait"] = "pass"
    restart: bool = False


class OwnRule(msgspec.Struct, frozen=True, kw_only=True):
    delay: float
    method: str


class Event(msgspec.Struct, frozen=True, kw_only=True):
    at: float
    action: Action
    user: str | None = None


class Entered(msgspec.Struct, frozen=True, kw_only=True):
    at: float
    step: int


class Told(msgspec.Struct, frozen=True, kw_only=True):
    at: float
    user: str
    method: str


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """`gaps`: the steps that were passed because they mean nobody."""

    entered: tuple[Entered, ...]
    told: tuple[Told, ...]
    gaps: tuple[Entered, ...]


class _Running:
    """The ladder while it is walked."""

    def __init__(self, ladder: Ladder, rules: Mapping[str, tuple[OwnRule, ...]]) -> None:
        self.ladder, self.rules = ladder, rules
        self.step, self.lap = -1, 0
        self.due: float | None = 0.0
        self.acknowledged = self.closed = self.held = False
        self.entered: list[Entered] = []
        self.told: list[Told] = []
        self.gaps: list[Entered] = []
        self.owed: list[tuple[float, int, str, str, bool]] = []  # at, order, user, method, multi_ack

    def escalate(self, at: float, *, asked: bool = False) -> None:
        """The next step that means somebody is entered; past the last one a new lap starts if there is one left."""
        for _ in self.ladder.steps:
            following = self.step + 1
            if following >= len(self.ladder.steps):
                if not asked and 0 <= self.ladder.repeat <= self.lap:
                    self.due = None
                    return
                following, self.lap = 0, self.lap + 1
            self.step = following
            step = self.ladder.steps[following]
            if step.targets or self.ladder.empty == "wait":
                self.enter(step, at)
                return
            self.gaps.append(Entered(at=at, step=following))
        # nobody on any step: a ladder that goes on asks again after its longest wait
        self.due = at + max(max((each.delay for each in self.ladder.steps), default=0), 1)

    def enter(self, step: Step, at: float) -> None:
        if len(self.entered) >= ENTRIES_MAX:
            raise ValueError(f"policy: expected at most {ENTRIES_MAX} escalations before the horizon; set a delay")
        self.entered.append(Entered(at=at, step=self.step))
        final = self.step + 1 == len(self.ladder.steps) and 0 <= self.ladder.repeat <= self.lap
        self.due = None if final else at + step.delay
        for user in dict.fromkeys(step.targets):
            if not self.ladder.restart and any(each[2] == user for each in self.owed):
                continue  # already being told; never restarted
            for order, rule in enumerate(self.rules.get(user, ())):
                self.owed.append((at + rule.delay, order, user, rule.method, step.multi_ack))

    def tell(self, at: float) -> None:
        ripe = sorted(each for each in self.owed if each[0] <= at)
        self.owed = [each for each in self.owed if each[0] > at]
        self.told += [Told(at=each[0], user=each[2], method=each[3]) for each in ripe]

    def happen(self, event: Event) -> None:
        match event.action:
            case "acknowledge" if not self.closed:
                self.acknowledged, self.due = True, None
                self.owed = [each for each in self.owed if each[4] and each[2] != event.user]
            case "close":
                self.closed, self.due = True, None
                self.owed = []
            case "escalate" if not (self.closed or self.held):
                self.acknowledged = False
                self.escalate(event.at, asked=True)
            case "hold":
                self.held = True
            case "release":
                self.held = False
                if self.due is not None:
                    self.due = max(self.due, event.at)


def timeline(
    ladder: Ladder, rules: Mapping[str, tuple[OwnRule, ...]], events: Sequence[Event], horizon: float
) -> Timeline:
    """Everything up to and including minute `horizon`. Raises ValueError for a ladder that cannot be walked."""
    if not 0 <= horizon <= MINUTES_MAX:
        raise ValueError(f"horizon_min: expected 0 to {MINUTES_MAX}, got {horizon:g}")
    if not ladder.steps or any(each.delay < 0 for each in ladder.steps):
        raise ValueError("policy.steps: expected at least one step, each with a delay of 0 or more")
    running = _Running(ladder, rules)
    coming = sorted(events, key=lambda each: each.at)
    while True:
        timers = [each[0] for each in running.owed]
        if running.due is not None and not running.held:
            timers.append(running.due)
        at = min([*timers, *(each.at for each in coming[:1])], default=None)
        if at is None or at > horizon:
            return Timeline(entered=tuple(running.entered), told=tuple(running.told), gaps=tuple(running.gaps))
        if coming and coming[0].at <= at:
            running.happen(coming.pop(0))
        elif any(each[0] <= at for each in running.owed):  # before escalating: a chain that ends now may start anew
            running.tell(at)
        else:
            running.escalate(at)
