"""Questions on their time: what is wrong for long enough is told; no answer changes nothing and is told too."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from tocsin.clock import ManualClock
from tocsin.core.metricwatch import MetricQuery
from tocsin.detect.answers import Refused, Series, Unanswered
from tocsin.detect.handing import Finding
from tocsin.detect.queries import SOURCE, Queries
from tocsin.writer import Overloaded

T0 = datetime(2026, 11, 29, 3, 0, tzinfo=UTC)
RATE = MetricQuery(
    name="errors", query="rate", title="error rate", unit="ratio", above=0.02, for_seconds=300, service="checkout"
)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


class Numbers:
    """A server of numbers: `value` is what is measured now, `past` what was measured at an instant."""

    host = "prometheus:9090"

    def __init__(self, value: float | None = 0.0) -> None:
        self.value = value
        self.error: Exception | None = None
        self.labels: dict[str, str] = {}
        self.asked: list[str] = []
        self.closed = False

    def past(self, at: datetime) -> float | None:
        return None

    async def now(self, query: str, at: datetime) -> list[Series]:
        self.asked.append("now")
        if self.error is not None:
            raise self.error
        return [] if self.value is None else [Series(self.labels, [(at.timestamp(), self.value)])]

    async def over(self, query: str, begin: datetime, end: datetime, step_seconds: int) -> list[Series]:
        self.asked.append("over")
        if self.error is not None:
            raise self.error
        steps = int((end - begin).total_seconds()) // step_seconds
        times = [begin + timedelta(seconds=step_seconds * n) for n in range(steps + 1)]
        points = [(at.timestamp(), value) for at in times if (value := self.past(at)) is not None]
        return [Series(self.labels, points)] if points else []

    async def close(self) -> None:
        self.closed = True


class Told:
    """What was told last of each source."""

    def __init__(self) -> None:
        self.last: dict[str, list[Finding]] = {}
        self.before: dict[str, list[Finding]] = {}
        self.busy = False
        self.heard = asyncio.Event()

    async def load(self, sources: str) -> None:
        assert sources == SOURCE

    def sources(self, beginning: str) -> list[str]:
        return list(self.before)

    def opened(self, source: str) -> list[Finding]:
        return self.before.get(source, [])

    async def tell(self, source: str, findings: Sequence[Finding], *, every: timedelta) -> None:
        if self.busy:
            raise Overloaded("busy")
        self.last[source] = list(findings)
        self.heard.set()


class Life:
    def __init__(self, asked: MetricQuery, numbers: Numbers | None = None) -> None:
        self.clock = ManualClock(T0)
        self.numbers = numbers or Numbers()
        self.told = Told()
        self.queries = Queries([asked], self.numbers, self.clock, self.told)
        self.source = f"query:{asked.name}"

    def at(self, minute: float, value: float | None = None) -> list[Finding]:
        """What is told of the question after it was asked at this minute."""
        self.clock.set(T0 + minutes(minute))
        if value is not None:
            self.numbers.value = value
        asyncio.run(self.queries.look(self.queries.questions[0]))
        return self.told.last.get(self.source, [])


def test_a_value_that_is_wrong_for_long_enough_is_told_until_it_is_well():
    life = Life(RATE)
    life.numbers.labels = {"__name__": "rate", "cluster": "eu"}

    assert life.at(0, 0.04) == []
    assert life.at(4, 0.05) == []
    (found,) = life.at(5, 0.042)

    assert found.labels == {
        "alertname": "MetricAlert",
        "query": "errors",
        "severity": "critical",
        "service": "checkout",
        "cluster": "eu",
    }
    assert found.since == T0
    assert found.annotations["summary"] == "error rate (cluster=eu) is 4.2 %, above 2 % for 5 min"
    assert found.annotations["description"] == "error rate (cluster=eu) is 4.2 %, above 2 %.\nAsked: rate"
    (later,) = life.at(9, 0.09)
    assert later.annotations["summary"] == found.annotations["summary"]
    assert "is 9 %" in later.annotations["description"]
    assert life.at(10, 0.01) == []


def test_a_value_that_was_well_in_between_begins_anew():
    life = Life(RATE)

    life.at(0, 0.04)
    life.at(3, 0.01)

    assert life.at(6, 0.04) == []


def test_what_nobody_answers_leaves_what_was_told_and_is_told_itself():
    life = Life(RATE)
    life.at(0, 0.04)
    (before,) = life.at(6, 0.04)

    life.numbers.error = Unanswered("connection refused")
    assert life.at(7) == [before]
    assert life.queries.unanswered() == []
    assert life.at(8.5) == [before]
    (blind,) = life.queries.unanswered()

    assert blind.labels == {
        "alertname": "PrometheusUnanswered",
        "prometheus": "prometheus:9090",
        "severity": "critical",
    }
    assert blind.annotations["summary"] == "Prometheus at prometheus:9090 does not answer"
    assert life.queries.figures() == {"queries_findings": 1, "queries_unanswered": 1}
    assert life.queries.counters() == {"queries_asked_total": 4, "queries_failures_total": 2}
    life.numbers.error = None
    assert life.at(9, 0.01) == []
    assert life.queries.unanswered() == []


def test_a_question_that_is_refused_is_a_warning_about_the_question():
    life = Life(RATE)
    life.numbers.error = Refused("bad_data: parse error")

    (found,) = life.at(0)

    assert (found.labels["alertname"], found.labels["severity"]) == ("QueryRefused", "warning")
    assert found.annotations["description"] == "bad_data: parse error\nAsked: rate"


def test_no_data_is_wrong_only_where_that_was_said():
    quiet, strict = Life(RATE), Life(msgspec.structs.replace(RATE, no_data=True, for_seconds=0))
    quiet.numbers.value = strict.numbers.value = None

    assert quiet.at(0) == []
    (found,) = strict.at(0)
    assert found.annotations["summary"] == "error rate: there is no data"


TOLD = Finding(
    labels={"alertname": "MetricAlert", "query": "errors", "severity": "critical", "service": "checkout"},
    annotations={"summary": "error rate is 3 %, above 2 % for 5 min"},
    since=T0 - minutes(30),
)


def test_an_alert_from_before_a_restart_stands_without_waiting_again():
    life = Life(RATE)
    life.queries.questions[0].findings = [TOLD]

    (found,) = life.at(0, 0.04)

    assert (found.since, found.annotations["summary"]) == (TOLD.since, TOLD.annotations["summary"])
    assert life.at(1, 0.04)[0].since == TOLD.since
    assert life.at(2, 0.01) == []


def test_before_the_first_answer_an_alert_from_before_a_restart_goes_on():
    life = Life(RATE)
    life.queries.questions[0].findings = [TOLD]
    life.numbers.error = Unanswered("connection refused")

    assert life.at(0) == [TOLD]


class Falling(Numbers):
    def past(self, at: datetime) -> float | None:
        return 100.0 - (at - T0).total_seconds() / 60  # one a minute


def test_a_trend_is_asked_of_the_last_hour():
    disk = MetricQuery(name="disk", query="free", title="Disk", unit="GB", falls_to=0.0, within_seconds=2400)
    life = Life(disk, Falling())

    assert life.at(55) == []
    (found,) = life.at(70)

    assert found.annotations["summary"] == "Disk reaches 0 GB in about 30 min"
    assert "falling by 60 GB an hour over the last 1 h" in found.annotations["description"]


class Weekly(Numbers):
    """Four in a thousand at this hour of every earlier week, with some noise; nothing before `began`."""

    began = T0 - timedelta(days=100)

    def past(self, at: datetime) -> float | None:
        if at < self.began:
            return None
        return 0.004 + 0.001 * ((int(at.timestamp()) // 300) % 3 - 1)


ODD = MetricQuery(name="odd", query="rate", title="error rate", unit="ratio", unusual="high")


def test_a_value_unlike_earlier_weeks_is_told_with_what_is_usual():
    life = Life(ODD, Weekly())

    assert life.at(0, 0.0045) == []
    (found,) = life.at(1, 0.042)

    assert found.annotations["summary"] == "error rate is 4.2 %, usual at this hour is 0.3 % to 0.5 %"
    assert life.numbers.asked.count("over") == 5  # four weeks and a day, and not again within ten minutes
    life.at(12, 0.042)
    assert life.numbers.asked.count("over") == 10


def test_where_there_are_no_weeks_the_last_day_says_what_is_usual():
    numbers = Weekly()
    numbers.began = T0 - timedelta(days=2)
    life = Life(ODD, numbers)

    (found,) = life.at(0, 0.042)

    assert "usual in the last day is" in found.annotations["summary"]


def test_where_nothing_is_known_nothing_is_unusual():
    numbers = Weekly()
    numbers.began = T0
    life = Life(ODD, numbers)

    assert life.at(0, 0.5) == []


def test_questions_run_until_they_are_cancelled_and_what_is_gone_ends():
    async def life() -> tuple[Told, Numbers]:
        told, numbers = Told(), Numbers(0.5)
        told.before = {"query:gone": [TOLD], "query:errors": [TOLD]}
        queries = Queries([RATE], numbers, ManualClock(T0), told)
        running = asyncio.create_task(queries.run())
        async with asyncio.timeout(10):
            while "query:errors" not in told.last:
                told.heard.clear()
                await told.heard.wait()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return told, numbers

    told, numbers = asyncio.run(life())

    assert told.last["query:gone"] == []
    assert [each.since for each in told.last["query:errors"]] == [TOLD.since]
    assert numbers.closed


def test_a_busy_writer_is_told_again_with_the_next_look():
    life = Life(RATE)
    life.told.busy = True
    life.at(0, 0.04)
    assert life.at(6, 0.04) == []

    life.told.busy = False

    assert len(life.at(7)) == 1
