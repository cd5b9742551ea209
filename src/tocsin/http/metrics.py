"""/metrics: a fold of the same facts as everything else, so that no number changes when the server restarts.

`incident_total` has one series per incident, 0 at first and then 1: `count by (severity)` counts incidents and
`increase` sees each of them rise. Drills are never counted, and no title is a label.
"""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from tocsin.core import facts as f
from tocsin.core.facts import OPEN_STATUSES, AnyFact
from tocsin.core.incident import fold
from tocsin.core.measures import measures
from tocsin.core.probe import Probed
from tocsin.http.deps import Health
from tocsin.http.tenancy import Standing
from tocsin.ports import Store
from tocsin.sighted import whole

SERIES_MAX = 2_000  # incidents with series of their own, the newest
SERIES_FOR = timedelta(days=90)
FOLDED_MAX = 20_000  # incidents folded after a start; beyond it the totals begin anew, as counters may
SETTLING = timedelta(seconds=30)  # two scrapes at 15 s see the 0 before the 1
BUCKETS = (60, 300, 900, 1_800, 3_600, 7_200, 14_400, 28_800, 86_400, 259_200)
PAGE = 200


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What /metrics needs of one incident. Spans in seconds from the opening, timestamps as corrected."""

    reference: str
    severity: str
    category: str
    service: str
    status: str
    opened_at: datetime
    drill: bool
    private: bool
    false_positive: bool
    to_acknowledge: float | None
    to_mitigate: float | None
    to_resolve: float | None
    escalations: int
    missed: int
    pages: dict[tuple[str, str], int]


def figures(history: Sequence[AnyFact]) -> Figures | None:
    """The figures of one incident, from all its facts."""
    incident, measured = fold(history), measures(history)
    if incident is None or measured is None:
        return None
    pages: Counter[tuple[str, str]] = Counter()
    for fact in history:
        match fact:
            case f.PageSent():
                pages[fact.kind, "sent"] += 1
            case f.PageFailed():
                pages[fact.kind, fact.code] += 1
    return Figures(
        reference=incident.reference,
        severity=incident.severity,
        category=incident.category or "",
        service=incident.service or "",
        status=incident.status,
        opened_at=incident.opened_at,
        drill=incident.drill,
        private=incident.restricted is not None,
        false_positive=incident.false_positive,
        to_acknowledge=_seconds(measured.time_to_acknowledge),
        to_mitigate=_seconds(measured.time_to_mitigate),
        to_resolve=_seconds(measured.time_to_resolve),
        escalations=measured.escalations,
        missed=len(incident.missed),
        pages=dict(pages),
    )


def _seconds(span: timedelta | None) -> float | None:
    return span.total_seconds() if span is not None else None


class Tally:
    """The figures of every incident, kept up to date by folding again what has changed since the last scrape."""

    def __init__(self, tenant: str) -> None:
        self._tenant = tenant
        self._figures: dict[str, Figures] = {}
        self._dirty: set[str] = set()
        self._complete = False
        self._lock = threading.Lock()

    def changed(self, tenant: str, stream: str, version: int) -> None:
        """The engine's post-commit hook, called on the writer thread."""
        if tenant == self._tenant:
            self._dirty.add(stream)

    def refresh(self, store: Store) -> list[Figures]:
        """The figures as of the snapshot, oldest incident first. Any thread."""
        store = whole(store)  # whoever scrapes first must not decide what the others see
        with self._lock:
            dirty, self._dirty = self._dirty, set()
            if not self._complete:
                dirty |= set(self._everything(store))
            for stream in dirty:
                found = figures(store.facts(self._tenant, stream))
                if found is None:
                    self._dirty.add(stream)  # the snapshot is older than the news
                else:
                    self._figures[stream] = found
            self._complete = True
            return sorted(self._figures.values(), key=lambda each: each.opened_at)

    def _everything(self, store: Store) -> Iterator[str]:
        cursor: str | None = None
        for _ in range(FOLDED_MAX // PAGE):
            rows, cursor = store.listing(self._tenant, limit=PAGE, cursor=cursor)
            yield from (row.incident for row in rows)
            if cursor is None:
                return


class Exposition(Collector):
    """One scrape: the figures, and what the process says about itself."""

    def __init__(self, every: Sequence[Figures], health: Health, now: datetime, streams: int) -> None:
        self._every = [each for each in every if not each.drill and not each.private]
        self._health = health
        self._now = now
        self._streams = streams

    def collect(self) -> Iterable[Metric]:
        yield from self._incidents()
        yield from self._totals()
        yield from self._spans()
        yield from self._process()

    def _incidents(self) -> Iterator[Metric]:
        total = CounterMetricFamily("incident_total", "One series per incident: 0 at first, then 1", labels=_IDENTITY)
        took = GaugeMetricFamily(
            "incident_resolution_time", "Seconds from opening to resolution", labels=("incident", "severity")
        )
        recent = [each for each in self._every if self._now - each.opened_at <= SERIES_FOR][-SERIES_MAX:]
        for each in recent:
            counted = self._now - each.opened_at >= SETTLING
            total.add_metric((each.reference, each.severity, each.category, each.service), float(counted))
            if each.to_resolve is not None:
                took.add_metric((each.reference, each.severity), each.to_resolve)
        yield total
        yield took

    def _totals(self) -> Iterator[Metric]:
        declared = Counter((each.severity, each.category) for each in self._every)
        yield _counter("incidents_declared", "Incidents opened", ("severity", "category"), declared)
        standing = Counter((each.severity, each.status) for each in self._every if each.status in OPEN_STATUSES)
        gauge = GaugeMetricFamily("incidents_open", "Incidents that are open", labels=("severity", "status"))
        for labels, count in sorted(standing.items()):
            gauge.add_metric(labels, count)
        if not standing:
            gauge.add_metric(("", ""), 0)
        yield gauge
        pages: Counter[tuple[str, str]] = Counter()
        for each in self._every:
            pages.update(each.pages)
        yield _counter("pages_sent", "Attempts to page, by outcome", ("channel", "result"), pages)
        yield _single("escalations", "Levels that were paged", sum(each.escalations for each in self._every))
        yield _single("promises_missed", "Promises of the guide that were missed", sum(e.missed for e in self._every))
        yield _single(
            "incidents_false_positive", "Incidents that were none", sum(e.false_positive for e in self._every)
        )

    def _spans(self) -> Iterator[Metric]:
        for name, text, field in (
            ("ack", "From opening to the first acknowledgement", "to_acknowledge"),
            ("mitigate", "From opening to mitigation", "to_mitigate"),
            ("resolve", "From opening to resolution", "to_resolve"),
        ):
            family = HistogramMetricFamily(f"incident_time_to_{name}_seconds", text, labels=("severity",))
            spans: dict[str, list[float]] = {}
            for each in self._every:
                value = getattr(each, field)
                if value is not None:
                    spans.setdefault(each.severity, []).append(value)
            for severity, values in sorted(spans.items()):
                family.add_metric((severity,), _buckets(values), sum(values))
            yield family

    def _process(self) -> Iterator[Metric]:
        figures: Mapping[str, float] = {**self._health.figures, "event_streams": self._streams}
        for name, value in sorted(figures.items()):
            gauge = GaugeMetricFamily(f"tocsin_{name}", name.replace("_", " ").capitalize())
            gauge.add_metric((), value if math.isfinite(value) else 0.0)
            yield gauge
        for name, value in sorted(self._health.counters.items()):
            yield _single(f"tocsin_{name}", name.replace("_", " ").capitalize(), value)
        ready = GaugeMetricFamily("tocsin_ready", "1 when /ready says 200")
        ready.add_metric((), 0.0 if self._health.reasons else 1.0)
        yield ready


class Others(Collector):
    """How the other tenants of the installation are; what they say of themselves is at their own hosts."""

    def __init__(self, standings: Sequence[Standing]) -> None:
        self._standings = standings

    def collect(self) -> Iterable[Metric]:
        ready = GaugeMetricFamily("tocsin_tenant_ready", "1 when the tenant's /ready says 200", labels=("tenant",))
        met = CounterMetricFamily("tocsin_tenant_limit_met", "Times a limit was met", labels=("tenant", "limit"))
        figures = {
            name: GaugeMetricFamily(f"tocsin_tenant_{name}", name.replace("_", " ").capitalize(), labels=("tenant",))
            for name in ("intake_backlog_payloads", "oldest_owed_page_seconds", "oldest_due_wakeup_seconds")
        }
        for each in self._standings:
            name = each.tenant.name
            ready.add_metric((name,), float(each.running and not each.reasons))
            for limit, count in sorted(each.met.items()):
                met.add_metric((name, limit), count)
            for figure, family in figures.items():
                family.add_metric((name,), each.figures.get(figure, 0.0))
        yield from (ready, met, *figures.values()) if self._standings else ()


class Probes(Collector):
    """What each probe found when it last looked; nothing before its first look."""

    def __init__(self, probed: Sequence[Probed]) -> None:
        self._probed = probed

    def collect(self) -> Iterable[Metric]:
        up = GaugeMetricFamily("tocsin_probe_up", "1 when the last look found nothing wrong", labels=("name",))
        took = GaugeMetricFamily("tocsin_probe_duration_seconds", "How long the last look took", labels=("name",))
        ends = GaugeMetricFamily(
            "tocsin_probe_cert_expires_timestamp_seconds", "When the certificate ends", labels=("name",)
        )
        looked = GaugeMetricFamily("tocsin_probe_last_look_timestamp_seconds", "When it looked last", labels=("name",))
        for each in self._probed:
            if each.up is None or each.looked_at is None or each.seconds is None:
                continue
            up.add_metric((each.name,), float(each.up))
            took.add_metric((each.name,), each.seconds)
            looked.add_metric((each.name,), each.looked_at.timestamp())
            if each.certificate_expires_at is not None:
                ends.add_metric((each.name,), each.certificate_expires_at.timestamp())
        yield from (up, took, looked, ends) if self._probed else ()


_IDENTITY = ("incident", "severity", "category", "service")


def _buckets(values: Sequence[float]) -> list[tuple[str, float]]:
    counted = [(str(float(bound)), float(sum(1 for each in values if each <= bound))) for bound in BUCKETS]
    return [*counted, ("+Inf", float(len(values)))]


def _counter(name: str, text: str, labels: tuple[str, ...], counts: Mapping[tuple[str, str], int]) -> Metric:
    family = CounterMetricFamily(name, text, labels=labels)
    for values, count in sorted(counts.items()):
        family.add_metric(values, count)
    return family


def _single(name: str, text: str, value: float) -> Metric:
    family = CounterMetricFamily(name, text)
    family.add_metric((), value)
    return family
