"""One log, watched: its lines go in, what is wrong by now comes out.

Lines count when they are read, not when their stamp says they were written: formats of time differ and lie, and what
was written while nobody looked is worth an alert too.
"""

from __future__ import annotations

from collections import Counter as Counts
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import msgspec

from tocsin.core.logwatch import LogRule, LogWatch, matching
from tocsin.core.texts import one_line, shortened
from tocsin.detect.follow import Piece
from tocsin.detect.handing import Finding
from tocsin.detect.lines import CONTINUES, Line, read_line
from tocsin.detect.shapes import GAP, Shapes, masked
from tocsin.detect.tally import LEARNED_BUCKETS, Alarm, Counter, Redact, Samples, Shape, Tally, Window

SHARE_LINES_MIN = 20  # lines in the window before a share of them means anything
QUIET = timedelta(minutes=15)  # an error that was not seen for so long is over
NEW_FOR = timedelta(hours=24)  # and one that is seen all the time is new for so long
NEW_MAX = 10  # new errors told at once, the earliest ones
BESIDE_MAX = 3  # of them that are told in another alert
SHOWN_LAST, SHOWN_CHARACTERS, SHOWN_FRAMES = 3, 200, 2  # of the lines in a description
GROWTH_MIN = 20  # occurrences in a bucket before growth means anything


class LogWatching:
    """`tally` is what was remembered, or a new one. Nothing here waits or reads."""

    def __init__(self, watch: LogWatch, tally: Tally, redact: Redact) -> None:
        self.watch = watch
        self.tally = tally
        self._redact = redact
        self._shapes = Shapes(tally.wide)
        self._matching = matching([rule.pattern for rule in watch.rules])
        tally.rules = {rule.name: self._counter(rule) for rule in watch.rules}
        share = watch.error_share
        if share is not None and tally.lines.seconds != share.within_seconds:
            tally.lines, tally.errors = Window(share.within_seconds), Counter(Window(share.within_seconds))
        self._open: list[Samples] = []  # of the last line: where the lines that go on with it belong

    def learn(self, lines: Sequence[Line], now: datetime) -> None:
        """What the log held before anybody looked: these errors are nothing new."""
        for line in lines:
            if line.level == "error" and not CONTINUES.match(line.text):
                self.tally.occurred(line.message, self._shapes, now)[0].now = 0

    def take(self, pieces: Sequence[Piece], now: datetime) -> None:
        """These lines were read now."""
        self.tally.turn(now)
        for piece in pieces:
            self._open = []
            self.tally.lines.add(now, sum(not CONTINUES.match(line.text) for line in piece.lines if line.text))
            for line in piece.lines:
                if CONTINUES.match(line.text):
                    for samples in self._open:
                        samples.frame(line.text, self._redact)
                elif line.text:
                    self._open = list(self._taken(line, piece.path, now))
        self.tally.wide = sorted(self._shapes.wide)

    def judged(self, now: datetime) -> list[Finding]:
        """Everything that is wrong at `now`.

        Of one trouble there is one alert: errors that are new or grow while a rule already says that something is wrong
        are told in its alert.
        """
        found = [self._rule(rule, self.tally.rules[rule.name], now) for rule in self.watch.rules]
        standing = [each for each in (*found, self._share(now)) if each is not None]
        beside = bool(standing)
        told = (each for each in self.tally.shapes.values() if not each.usual or each.grown or each.now >= GROWTH_MIN)
        shapes = sorted(told, key=lambda each: each.first_at)
        new = [(each, alarm) for each in shapes if (alarm := self._new(each, now, beside=beside)) is not None]
        grown = [(each, alarm) for each in shapes if (alarm := self._grown(each, now, beside=beside)) is not None]
        if more := "\n".join(alarm.summary for _, alarm in (*new, *grown)[:BESIDE_MAX]):
            standing = [_with(each, more) for each in standing]
        return [
            *standing,
            *[self._about_shape("LogNewError", each, alarm) for each, alarm in new if not alarm.beside][:NEW_MAX],
            *[self._about_shape("LogErrorGrowth", each, alarm) for each, alarm in grown if not alarm.beside][:NEW_MAX],
        ]

    # --- counting -----------------------------------------------------------------------------------------------------

    def _counter(self, rule: LogRule) -> Counter:
        known = self.tally.rules.get(rule.name)
        if known is not None and known.window.seconds == rule.within_seconds:
            return known
        return Counter(Window(rule.within_seconds))

    def _taken(self, line: Line, path: str, now: datetime) -> Iterator[Samples]:
        for number in self._matching(line.text):
            yield self._counted(self.tally.rules[self.watch.rules[number].name], line, path, now)
        if line.level != "error":
            return
        yield self._counted(self.tally.errors, line, path, now)
        if not self.watch.new_errors and not self.watch.growth:
            return
        shape, unseen = self.tally.occurred(line.message, self._shapes, now)
        learned = now - self.tally.began_at >= timedelta(seconds=self.watch.learn_seconds)
        if unseen and learned and self.watch.new_errors:
            shape.usual = False
        if not shape.usual or self._growing(shape):
            shape.path = path
            shape.samples.add(line.text, path, self._redact)
            yield shape.samples

    def _counted(self, counter: Counter, line: Line, path: str, now: datetime) -> Samples:
        if counter.alarm is None and not counter.window.total(now):
            counter.samples = Samples()
        counter.window.add(now)
        counter.samples.add(line.text, path, self._redact)
        counter.path = path
        return counter.samples

    # --- judging ------------------------------------------------------------------------------------------------------

    def _rule(self, rule: LogRule, counter: Counter, now: datetime) -> Finding | None:
        count = counter.window.total(now)
        what = "authentication failures" if rule.name == "auth" else f"lines match {rule.name}"
        counter.alarm = _stands(counter.alarm, count >= rule.count, now, rule.within_seconds, over=not count)
        if counter.alarm is None:
            return None
        if not counter.alarm.summary:
            within = _span(rule.within_seconds)
            counter.alarm.summary = f"{self.watch.name}: {count} {what} in {within}{_mostly(counter.samples)}"
        said = f"{count} in the last {_span(rule.within_seconds)}, {rule.count} or more are too many."
        return self._finding(
            "LogAuthFailures" if rule.name == "auth" else "LogPattern",
            counter.alarm,
            {"rule": rule.name, "severity": rule.severity or self.watch.severity},
            _told(f"{said} Looked for: {rule.pattern}", counter.path, counter.samples),
        )

    def _share(self, now: datetime) -> Finding | None:
        share, errors = self.watch.error_share, self.tally.errors
        if share is None:
            return None
        count, lines = errors.window.total(now), self.tally.lines.total(now)
        high = lines >= SHARE_LINES_MIN and count * 10_000 >= share.of_10000 * lines
        percent = f"{100 * count / lines:.1f} %" if lines else "0 %"
        errors.alarm = _stands(errors.alarm, high, now, share.within_seconds, over=not count)
        if errors.alarm is None:
            return None
        if not errors.alarm.summary:
            errors.alarm.summary = f"{self.watch.name}: {percent} of the lines are errors{_mostly(errors.samples)}"
        within = _span(share.within_seconds)
        said = f"{count} of {lines} lines in the last {within} ({percent}); {share.text} are too many."
        return self._finding(
            "LogErrorRate",
            errors.alarm,
            {"severity": self.watch.severity},
            _told(said, errors.path, errors.samples),
        )

    def _new(self, shape: Shape, now: datetime, *, beside: bool) -> Alarm | None:
        if shape.usual or not self.watch.new_errors:
            return None
        if shape.new is None and shape.total >= self.watch.new_errors:
            shape.new = Alarm(now, summary=f"{self.watch.name}: a new error: {_plain(shape)}", beside=beside)
        if now - shape.last_at >= QUIET or now - shape.first_at >= NEW_FOR:
            shape.new, shape.usual, shape.samples = None, True, Samples()
        return shape.new

    def _growing(self, shape: Shape) -> bool:
        return bool(self.watch.growth) and (
            shape.grown is not None or (shape.buckets >= LEARNED_BUCKETS and shape.now >= max(1.0, shape.peak))
        )

    def _grown(self, shape: Shape, now: datetime, *, beside: bool) -> Alarm | None:
        if not self.watch.growth:
            return None
        much = max(GROWTH_MIN, self.watch.growth * max(1.0, shape.peak))
        high = shape.buckets >= LEARNED_BUCKETS and shape.now >= much and shape.usual
        shape.grown = _stands(shape.grown, high, now, int(QUIET.total_seconds()), over=False)
        if shape.grown is not None and not shape.grown.summary:
            often = f"{shape.now} times in 5 minutes, at most {max(1, round(shape.peak))} before"
            said = f"an error far more often than usual: {_plain(shape)} ({often})"
            shape.grown.summary, shape.grown.beside = f"{self.watch.name}: {said}", beside
        return shape.grown

    def _about_shape(self, name: str, shape: Shape, alarm: Alarm) -> Finding:
        times = "once" if shape.total == 1 else f"{shape.total} times"
        first = "never before " if name == "LogNewError" else ""
        said = f"Seen {times} since {shape.first_at:%Y-%m-%d %H:%M} UTC, {first}in this log."
        if name == "LogErrorGrowth":
            most = max(1, round(shape.peak))
            said = f"{shape.now} times in this stretch of 5 minutes; the most before was {most}."
        severity = self.watch.new_severity if name == "LogNewError" else self.watch.severity
        return self._finding(
            name,
            alarm,
            {"shape": shape.id, "severity": severity},
            _told(said, shape.path, shape.samples),
        )

    def _finding(self, name: str, alarm: Alarm, own: dict[str, str], annotations: dict[str, str]) -> Finding:
        labels = {"alertname": name, "log": self.watch.name, **own}
        if self.watch.service:
            labels["service"] = self.watch.service
        return Finding(
            labels={**self.watch.labels, **labels},
            annotations={"summary": alarm.summary, **{key: text for key, text in annotations.items() if text}},
            since=alarm.since,
        )


def _stands(alarm: Alarm | None, high: bool, now: datetime, seconds: int, *, over: bool) -> Alarm | None:
    """The alarm as it stands now: begins when it is too much, ends when it was not for the whole time."""
    if high:
        if alarm is None:
            return Alarm(now)
        alarm.quiet_at = None
        return alarm
    if alarm is None or over:
        return None
    alarm.quiet_at = alarm.quiet_at or now
    return None if now - alarm.quiet_at >= timedelta(seconds=seconds) else alarm


def _told(said: str, path: str, samples: Samples) -> dict[str, str]:
    """What an alert says: the description is what people see first, so that some of the lines stand in it."""
    shown = [_short(each) for each in samples.first]
    last = [_short(each) for each in samples.last[-SHOWN_LAST:]]
    left_out = ["..."] if len(samples.last) >= SHOWN_LAST else []
    lines = "\n".join([*shown, *left_out, *last])
    return {
        "description": f"{said}\n{path}:\n{lines}" if lines else said,
        "file": path,
        "first_lines": "\n".join(samples.first),
        "last_lines": "\n".join(samples.last),
    }


def _with(finding: Finding, more: str) -> Finding:
    said = finding.annotations["description"]
    annotations = {**finding.annotations, "description": f"{more}\n{said}"}
    return msgspec.structs.replace(finding, annotations=annotations)


def _short(line: str) -> str:
    """A line of a description, and the end of its stack trace, where the cause stands."""
    head, *frames = line.split("\n")
    return "\n".join(shortened(each, SHOWN_CHARACTERS) for each in (head, *frames[-SHOWN_FRAMES:]))


def _mostly(samples: Samples) -> str:
    """What most of the lines that are shown say: the title of an incident is read first, and often alone."""
    said = (read_line(line.partition("\n")[0]).message for line in (*samples.first, *samples.last))
    shapes = Counts(masked(message) for message in said)
    ((text, _),) = shapes.most_common(1) or [("", 0)]
    return f": {_bare(text)}" if any(each.isalpha() for each in text) else ""


def _plain(shape: Shape) -> str:
    return _bare(shape.text)


def _bare(text: str) -> str:
    """The shape without the time that most lines begin with."""
    return one_line(shortened(text.removeprefix(f"{GAP} "), SHOWN_CHARACTERS))


def _span(seconds: int) -> str:
    if seconds % 3600 == 0:
        return f"{seconds // 3600} h"
    return f"{seconds // 60} min" if seconds % 60 == 0 else f"{seconds} s"
