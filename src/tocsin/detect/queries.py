"""The questions to a Prometheus: each is asked on its time, judged, and what stands for long enough is told as alerts.

A question that nobody answers changes nothing about what was told before: silence is no recovery. That nobody answers
is an alert itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

import msgspec

from tocsin.clock import Clock
from tocsin.core.metricwatch import MetricQuery, Usual, Wrong, exceeded, heading, name_of, span, strange, usual_of
from tocsin.core.texts import one_line, shortened
from tocsin.detect.answers import Refused, Series, Unanswered
from tocsin.detect.faults import kept_running, until_known
from tocsin.detect.handing import Finding
from tocsin.writer import Overloaded

log = logging.getLogger(__name__)

ALERT = "MetricAlert"
SOURCE = "query:"  # what the sources of their alerts begin with; the server's own is this alone
AT_ONCE = 4  # questions that are asked at the same time
UNANSWERED_AFTER = timedelta(seconds=60)
LOOK_SECONDS = 5.0  # how often it is asked whether the server answers at all
POINTS = 60  # of a trend
FINDINGS_MAX = 50  # of one question
USUAL_FOR = timedelta(minutes=10)  # how long what is usual is known before it is asked for again
WEEK, DAY = timedelta(days=7), timedelta(days=1)
AROUND = timedelta(minutes=30)  # of the same time in earlier weeks
LATEST = timedelta(hours=1)  # of the last day, that is left out: it may be what is unusual


class Answers(Protocol):
    @property
    def host(self) -> str: ...

    async def now(self, query: str, at: datetime) -> list[Series]: ...

    async def over(self, query: str, begin: datetime, end: datetime, step_seconds: int) -> list[Series]: ...

    async def close(self) -> None: ...


class Tells(Protocol):
    async def load(self, sources: str) -> None: ...

    def sources(self, beginning: str) -> list[str]: ...

    def opened(self, source: str) -> list[Finding]: ...

    async def tell(self, source: str, findings: Sequence[Finding], *, every: timedelta) -> None:
        """These are all findings of the source. Raises Overloaded or OSError when nothing could be recorded."""
        ...


class _Stands(msgspec.Struct):
    """Something that is wrong with one series, since when, and the line it was told with."""

    since: datetime
    summary: str = ""


class Question:
    """One question and what is known from the answers so far."""

    def __init__(self, asked: MetricQuery, answers: Answers, clock: Clock) -> None:
        self.asked = asked
        self.source = f"{SOURCE}{asked.name}"
        self.findings: list[Finding] = []  # what was told last, after a restart what was told before it
        self.unanswered_since: datetime | None = None
        self._answers = answers
        self._clock = clock
        self._stands: dict[str, _Stands] = {}
        self._usual: dict[str, Usual] = {}
        self._usual_at: datetime | None = None

    async def ask(self) -> None:
        """`findings` are all that is wrong with the answer. Raises Unanswered, having changed nothing of them."""
        now = self._clock.now()
        try:
            found = await self._wrong(now)
        except Refused as error:
            self.findings = [self._refused(str(error), now)]
        except Unanswered:
            self.unanswered_since = self.unanswered_since or now
            raise
        else:
            self.findings = self._stood(found, now)
        self.unanswered_since = None

    async def _wrong(self, now: datetime) -> dict[str, tuple[Mapping[str, str], Wrong]]:
        asked = self.asked
        found: dict[str, tuple[Mapping[str, str], Wrong]] = {}
        trend = asked.falls_to is not None or asked.rises_to is not None
        if trend:
            step = max(15, asked.over_seconds // POINTS)
            series = await self._answers.over(asked.query, now - timedelta(seconds=asked.over_seconds), now, step)
        else:
            series = await self._answers.now(asked.query, now)
        if asked.unusual:
            await self._learn(now)
        for each in series:
            key, what, value = _key(each.labels), name_of(asked, each.labels), each.points[-1][1]
            if trend:
                wrong = heading(asked, what, each.points)
            elif asked.unusual:
                wrong = strange(asked, what, value, self._usual[key]) if key in self._usual else None
            else:
                wrong = exceeded(asked, what, value)
            if wrong is not None:
                found[key] = each.labels, wrong
        if not series and asked.no_data:
            said = f"{asked.title or asked.name}: there is no data"
            found[""] = {}, Wrong(summary=said, description=f"{said}. The question has no answer at all.")
        return found

    def _stood(self, found: Mapping[str, tuple[Mapping[str, str], Wrong]], now: datetime) -> list[Finding]:
        """What is wrong for as long as it has to be. What was told before a restart has been."""
        wait = timedelta(seconds=self.asked.for_seconds)
        before = {key: self._stands.get(key) or self._resumed(labels, now) for key, (labels, _) in found.items()}
        self._stands = before
        told = []
        for key, (labels, wrong) in found.items():
            stands = self._stands[key]
            if now - stands.since < wait:
                continue
            lasted = f" for {span((now - stands.since).total_seconds())}" if wait else ""
            stands.summary = stands.summary or shortened(one_line(wrong.summary), 300) + lasted
            said = f"{wrong.description}\nAsked: {self.asked.query}"
            told.append(self._finding(ALERT, labels, stands.summary, said, stands.since))
        return told[:FINDINGS_MAX]

    def _resumed(self, series: Mapping[str, str], now: datetime) -> _Stands:
        """How this stands if it was told already, else that it begins now."""
        labels = self._labels(ALERT, series)
        told = next((each for each in self.findings if each.labels == labels), None)
        return _Stands(told.since, told.annotations.get("summary", "")) if told is not None else _Stands(now)

    async def _learn(self, now: datetime) -> None:
        """What is usual at this time: from the same hour of earlier weeks, where there are none from the last day."""
        if self._usual_at is not None and now - self._usual_at < USUAL_FOR:
            return
        values: dict[str, list[float]] = {}
        for week in range(1, self.asked.weeks + 1):
            then = now - WEEK * week
            for each in await self._answers.over(self.asked.query, then - AROUND, then + AROUND, 300):
                values.setdefault(_key(each.labels), []).extend(value for _, value in each.points)
        usual = {key: found for key, each in values.items() if (found := usual_of(each, "at this hour")) is not None}
        for each in await self._answers.over(self.asked.query, now - DAY, now - LATEST, 600):
            lately = usual_of([value for _, value in each.points], "in the last day")
            if lately is not None:
                usual.setdefault(_key(each.labels), lately)
        self._usual, self._usual_at = usual, now

    def _refused(self, why: str, now: datetime) -> Finding:
        stands = self._stands.get("refused") or _Stands(now)
        self._stands = {"refused": stands}
        title = self.asked.title or self.asked.name
        said = f"{why}\nAsked: {self.asked.query}"
        finding = self._finding("QueryRefused", {}, f"{title}: Prometheus refuses the question", said, stands.since)
        return msgspec.structs.replace(finding, labels={**finding.labels, "severity": "warning"})

    def _finding(self, name: str, series: Mapping[str, str], summary: str, said: str, since: datetime) -> Finding:
        return Finding(
            labels=self._labels(name, series),
            annotations={"summary": summary, "description": said},
            since=since,
        )

    def _labels(self, name: str, series: Mapping[str, str]) -> dict[str, str]:
        asked = self.asked
        own = {"alertname": name, "query": asked.name, "severity": asked.severity}
        if asked.service:
            own["service"] = asked.service
        measured = {name: value for name, value in series.items() if name != "__name__" and value}
        return {**measured, **asked.labels, **own}


class Queries:
    """Every question to one server. Made in the event loop; `run` closes `answers` at its end."""

    def __init__(self, asked: Sequence[MetricQuery], answers: Answers, clock: Clock, tells: Tells) -> None:
        self.questions = [Question(each, answers, clock) for each in asked]
        self.asked = 0
        self.failures = 0
        self._answers = answers
        self._clock = clock
        self._tells = tells
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def run(self) -> None:
        """Every question is asked on its time, until cancelled. What was told of one that is gone has ended."""
        try:
            await until_known(SOURCE, partial(self._tells.load, SOURCE))
            for question in self.questions:
                question.findings = self._tells.opened(question.source)
            for source in set(self._tells.sources(SOURCE)) - {SOURCE, *(each.source for each in self.questions)}:
                await self._told(source, [], LOOK_SECONDS)
            asking = (kept_running(each.source, partial(self._run, each)) for each in self.questions)
            await asyncio.gather(*asking, kept_running(SOURCE, self._watch))
        finally:
            await self._answers.close()

    async def _run(self, question: Question) -> None:
        while True:
            begun = self._clock.now()
            async with self._turn:
                await self.look(question)
            took = (self._clock.now() - begun).total_seconds()
            await asyncio.sleep(max(1.0, question.asked.every_seconds - max(0.0, took)))

    async def look(self, question: Question) -> None:
        """The question is asked once, and what is wrong is told."""
        self.asked += 1
        before = question.unanswered_since
        try:
            await question.ask()
        except Unanswered as error:
            self.failures += 1
            if before is None:
                log.warning("query %s: %s does not answer: %s", question.asked.name, self._answers.host, error)
        await self._told(question.source, question.findings, question.asked.every_seconds)

    async def _watch(self) -> None:
        while True:
            await self._told(SOURCE, self.unanswered(), LOOK_SECONDS)
            await asyncio.sleep(LOOK_SECONDS)

    def unanswered(self) -> list[Finding]:
        """That the server does not answer, once it has not for a while."""
        now = self._clock.now()
        waiting = [each for each in self.questions if each.unanswered_since is not None]
        since = min((each.unanswered_since for each in waiting if each.unanswered_since), default=now)
        if not waiting or now - since < UNANSWERED_AFTER:
            return []
        names = ", ".join(each.asked.name for each in waiting[:10])
        count = f"{len(waiting)} of {len(self.questions)} questions"
        said = f"{count} have no answer: {names}. What they watch is not watched."
        which = "" if len(waiting) == len(self.questions) else f" {count}"
        return [
            Finding(
                labels={"alertname": "PrometheusUnanswered", "prometheus": self._answers.host, "severity": "critical"},
                annotations={
                    "summary": f"Prometheus at {self._answers.host} does not answer{which}",
                    "description": said,
                },
                since=since,
            )
        ]

    async def _told(self, source: str, findings: Sequence[Finding], every: float) -> None:
        try:
            await self._tells.tell(source, findings, every=timedelta(seconds=every))
        except (Overloaded, OSError) as error:  # said again with the next look
            log.warning("%s: nothing could be recorded, trying again: %s", source, error)

    def figures(self) -> dict[str, float]:
        """For /metrics."""
        return {
            "queries_findings": sum(len(each.findings) for each in self.questions),
            "queries_unanswered": sum(each.unanswered_since is not None for each in self.questions),
        }

    def counters(self) -> dict[str, int]:
        return {"queries_asked_total": self.asked, "queries_failures_total": self.failures}


def _key(labels: Mapping[str, str]) -> str:
    return "\xff".join(f"{name}={value}" for name, value in sorted(labels.items()) if name != "__name__")
