"""What is counted of one log, and what of it is remembered across restarts: windows, samples, the errors it knows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from tocsin.detect.follow import Place
from tocsin.detect.shapes import Shapes, id_of

SLOTS = 60  # parts of a window: a count is exact to one of them
FIRST_MAX, LAST_MAX = 3, 5  # lines that are shown of an alert
FRAMES_MAX = 12  # lines of a stack trace that go with one of them
SAMPLE_MAX = 400  # characters of a line that is shown
SHAPES_MAX = 2_000  # errors that are known; of more, those that were not seen for the longest time are forgotten
BUCKET = timedelta(minutes=5)  # in which the occurrences of an error are counted
FADES = 0.998  # what the peak of an error is worth after another bucket: half of it after 29 hours
LEARNED_BUCKETS = 12  # buckets before it is known how frequent an error is
GROWN_FOR = timedelta(hours=24)  # then the new rate is the usual one

Redact = Callable[[str], str]


class Window(msgspec.Struct):
    """How many within the last `seconds`, by slots of time: [slot, count]."""

    seconds: int
    slots: list[list[int]] = []

    def add(self, now: datetime, count: int = 1) -> None:
        slot = self._slot(now)
        if self.slots and self.slots[-1][0] >= slot:  # a clock that was set back counts where it was
            self.slots[-1][1] += count
        else:
            self.slots.append([slot, count])
            self._forget(slot)

    def total(self, now: datetime) -> int:
        self._forget(self._slot(now))
        return sum(count for _, count in self.slots)

    def _forget(self, slot: int) -> None:
        oldest = slot + (-self.seconds // self._width)  # rounded up: never less than the window
        while self.slots and self.slots[0][0] <= oldest:
            del self.slots[0]

    @property
    def _width(self) -> int:
        return max(1, self.seconds // SLOTS)

    def _slot(self, now: datetime) -> int:
        return int(now.timestamp()) // self._width


class Samples(msgspec.Struct):
    """The first and the last lines of what is counted, shortened and without secrets."""

    first: list[str] = []
    last: list[str] = []
    frames: int = 0

    def add(self, text: str, path: str, redact: Redact) -> None:
        self.frames = 0
        line = redact(text[: SAMPLE_MAX * 2])[:SAMPLE_MAX]
        if len(self.first) < FIRST_MAX:
            self.first.append(line)
            return
        self.last.append(line)
        del self.last[:-LAST_MAX]

    def frame(self, text: str, redact: Redact) -> None:
        """A line that goes on with the last one."""
        self.frames += 1
        lines = self.last or self.first
        if lines and self.frames <= FRAMES_MAX:
            lines[-1] += "\n" + redact(text[: SAMPLE_MAX * 2])[:SAMPLE_MAX]


class Alarm(msgspec.Struct):
    """What is wrong until it is not. `quiet_at`: since when it looks well again. `summary` does not change.

    `beside`: it began while another alarm of the log stood, and is told with that one.
    """

    since: datetime
    summary: str = ""  # said once it stands
    quiet_at: datetime | None = None
    beside: bool = False


class Counter(msgspec.Struct):
    """What a rule counts."""

    window: Window
    samples: Samples = msgspec.field(default_factory=Samples)
    path: str = ""
    alarm: Alarm | None = None


class Shape(msgspec.Struct):
    """One error that a log knows. `peak`: the most it was ever seen in one bucket, fading."""

    text: str
    first_at: datetime
    last_at: datetime
    total: int = 0
    now: int = 0
    peak: float = 0.0
    buckets: int = 0
    usual: bool = True
    samples: Samples = msgspec.field(default_factory=Samples)
    path: str = ""
    new: Alarm | None = None
    grown: Alarm | None = None

    @property
    def id(self) -> str:
        return id_of(self.text)


class Tally(msgspec.Struct):
    """Everything that is remembered of one log. `places` None: it was never looked at."""

    began_at: datetime
    places: list[Place] | None = None
    rules: dict[str, Counter] = {}
    lines: Window = msgspec.field(default_factory=lambda: Window(300))
    errors: Counter = msgspec.field(default_factory=lambda: Counter(Window(300)))
    shapes: dict[str, Shape] = {}
    wide: list[str] = []
    bucket_at: datetime | None = None

    def occurred(self, message: str, shapes: Shapes, now: datetime) -> tuple[Shape, bool]:
        """The shape of an error that was seen now, and whether it was never seen before."""
        text = shapes.of(message)
        found = self.shapes.get(text)
        unseen = found is None and text not in shapes.wide  # a shape that was found by comparing is none of its own
        if found is None:
            if len(self.shapes) >= SHAPES_MAX:
                self._forget_oldest()
            found = self.shapes[text] = Shape(text=text, first_at=now, last_at=now)
        found.last_at = now
        found.total += 1
        found.now += 1
        return found, unseen

    def turn(self, now: datetime) -> None:
        """A bucket that is over counts for what is usual, and the next one begins."""
        if self.bucket_at is None:
            self.bucket_at = now
        passed = min(int((now - self.bucket_at) / BUCKET), 10_000)
        if passed < 1:
            return
        self.bucket_at += BUCKET * passed
        if abs(now - self.bucket_at) > BUCKET:
            self.bucket_at = now
        for each in self.shapes.values():
            if each.grown is None or now - each.grown.since > GROWN_FOR:
                each.peak = max(each.peak * FADES**passed, float(each.now))
            each.now = 0
            each.buckets += passed
            if each.usual and each.grown is None:
                each.samples = Samples()

    def _forget_oldest(self) -> None:
        oldest = sorted(self.shapes.values(), key=lambda each: (each.new is not None, each.last_at))
        for each in oldest[: SHAPES_MAX // 10]:
            del self.shapes[each.text]
