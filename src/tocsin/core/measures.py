"""How long it took: the measures of an incident, and of many, folded from their facts.

Instants count as corrected (`TimestampCorrected`); the facts keep both values. Nothing is guessed: without a start of
the impact, which people fill in, there is no time to detect and no impact duration. A span that would be negative,
because a sender or a correction names an end before a beginning, is zero and says so in `clamped`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from tocsin.core import facts as f
from tocsin.core.facts import AnyFact

ZERO = timedelta(0)
MITIGATED = frozenset({"mitigating", "monitoring"})
UNDONE_BY_REOPENING = ("mitigated_at", "resolved_at")  # a correction speaks of the ending that it knew


class Measures(msgspec.Struct, frozen=True, kw_only=True):
    """One incident, as of its newest fact.

    `time_to_detect`: impact began -> detected (detected is when it was opened, unless corrected). `..._acknowledge`,
    `..._mitigate`, `..._resolve`: opened -> first acknowledgement, mitigation that held, last resolution.
    `impact`: impact began -> mitigated, or resolved where nobody said mitigated. `open_for`: the time it was open, the
    pauses between a resolution and a reopening left out; None while it is open. A measure is None while what it needs
    has not happened or is not known. `counted`: neither a drill nor a duplicate of another incident.
    """

    opened_at: datetime
    started_at: datetime | None = None
    detected_at: datetime
    acknowledged_at: datetime | None = None
    mitigated_at: datetime | None = None
    resolved_at: datetime | None = None
    time_to_detect: timedelta | None = None
    time_to_acknowledge: timedelta | None = None
    time_to_mitigate: timedelta | None = None
    time_to_resolve: timedelta | None = None
    impact: timedelta | None = None
    open_for: timedelta | None = None
    corrected: tuple[str, ...] = ()
    clamped: tuple[str, ...] = ()
    severity: str
    worst_severity: str
    reopened: int = 0
    escalations: int = 0
    pages: int = 0
    missed_promises: int = 0
    false_positive: bool = False
    drill: bool = False
    duplicate: bool = False

    @property
    def counted(self) -> bool:
        return not self.drill and not self.duplicate


class _Tally:
    """The fold in the making."""

    def __init__(self, opened: f.Opened) -> None:
        self.opened = opened
        self.severity = opened.severity
        self.severities = [opened.severity]
        self.acknowledged_at: datetime | None = None
        self.mitigated_at: datetime | None = None
        self.resolved_at: datetime | None = None
        self.corrected: dict[str, datetime] = {}
        self.paused = ZERO
        self.reopened = self.escalations = self.pages = 0
        self.missed: set[str] = set()  # keys; a promise of news that is missed again every period is one
        self.false_positive = self.duplicate = False
        self.drill = opened.drill

    def add(self, fact: AnyFact) -> None:
        match fact:
            case f.Acknowledged():
                self.acknowledged_at = self.acknowledged_at or fact.at
            case f.StatusChanged():
                held = self.mitigated_at if fact.status in MITIGATED else None
                self.mitigated_at = held or (fact.at if fact.status in MITIGATED else None)
            case f.Resolved():
                self.resolved_at = fact.at
            case f.Reopened():
                self._reopen(fact)
            case f.MarkedFalsePositive():
                self.false_positive = True
            case f.MarkedDrill():
                self.drill = fact.drill
            case f.MergedInto():
                self.duplicate = True
            case f.SeverityChanged():
                self.severity = fact.severity
                self.severities.append(fact.severity)
            case f.TimestampCorrected():
                self.corrected[fact.name] = fact.after
            case f.PromiseMissed():
                self.missed.add(fact.key.rpartition("#")[0])
            case f.Escalated() | f.NobodyReached() | f.Notified():
                self.escalations += isinstance(fact, f.Escalated)
                self.pages += sum(not page.notice for page in fact.pages)

    def _reopen(self, fact: f.Reopened) -> None:
        ended = self.corrected.get("resolved_at") or self.resolved_at
        if ended is not None:
            self.paused += max(ZERO, fact.at - ended)
        self.reopened += 1
        self.mitigated_at = self.resolved_at = None
        self.false_positive = False
        for name in UNDONE_BY_REOPENING:
            self.corrected.pop(name, None)


def measures(history: Iterable[AnyFact], *, worse: Callable[[str, str], str] | None = None) -> Measures | None:
    """The measures of the incident with these facts, or None when there are none.

    `worse` says which of two severities (ids) is the worse one, for `worst_severity`; without it the first one counts.
    Raises ValueError when the first fact is not `Opened`.
    """
    tally: _Tally | None = None
    for fact in history:
        if isinstance(fact, f.Opened):
            tally = _Tally(fact)
        elif tally is None:
            raise ValueError(f"a stream begins with Opened, got {type(fact).__name__}")
        else:
            tally.add(fact)
    return _measured(tally, worse) if tally else None


def _measured(tally: _Tally, worse: Callable[[str, str], str] | None) -> Measures:
    said = tally.corrected
    opened_at = said.get("opened_at", tally.opened.at)
    started_at = said.get("started_at")
    detected_at = said.get("detected_at", opened_at)
    acknowledged_at = said.get("acknowledged_at", tally.acknowledged_at)
    mitigated_at = said.get("mitigated_at", tally.mitigated_at)
    resolved_at = said.get("resolved_at", tally.resolved_at)
    total = _between(opened_at, resolved_at)
    spans = {
        "time_to_detect": _between(started_at, detected_at),
        "time_to_acknowledge": _between(opened_at, acknowledged_at),
        "time_to_mitigate": _between(opened_at, mitigated_at),
        "time_to_resolve": total,
        "impact": _between(started_at, mitigated_at or resolved_at),
        "open_for": None if total is None else total - tally.paused,
    }
    worst = tally.severities[0]
    for severity in tally.severities[1:]:
        worst = worse(worst, severity) if worse else worst
    return Measures(
        opened_at=opened_at,
        started_at=started_at,
        detected_at=detected_at,
        acknowledged_at=acknowledged_at,
        mitigated_at=mitigated_at,
        resolved_at=resolved_at,
        corrected=tuple(sorted(said)),
        clamped=tuple(name for name, span in spans.items() if span is not None and span < ZERO),
        severity=tally.severity,
        worst_severity=worst,
        reopened=tally.reopened,
        escalations=tally.escalations,
        pages=tally.pages,
        missed_promises=len(tally.missed),
        false_positive=tally.false_positive,
        drill=tally.drill,
        duplicate=tally.duplicate,
        **{name: span if span is None else max(ZERO, span) for name, span in spans.items()},
    )


def _between(start: datetime | None, end: datetime | None) -> timedelta | None:
    return None if start is None or end is None else end - start


# --- many incidents ---------------------------------------------------------------------------------------------------

SPANS = ("time_to_detect", "time_to_acknowledge", "time_to_mitigate", "time_to_resolve", "impact", "open_for")


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """How a span is spread over `count` incidents. Percentiles are values that occurred (nearest rank)."""

    count: int
    mean: timedelta
    median: timedelta
    p90: timedelta
    longest: timedelta


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """Many incidents. Drills and duplicates are in no number; false alarms are counted, their spans are not.

    `spans` has a line for each measure that at least one incident has.
    """

    incidents: int
    false_positives: int
    reopened: int
    missed_promises: int
    pages: int
    clamped: int
    spans: dict[str, Spread]


def summarise(many: Iterable[Measures]) -> Summary:
    """The figures of many incidents together; the order does not matter."""
    counted = [each for each in many if each.counted]
    real = [each for each in counted if not each.false_positive]
    spans: dict[str, Spread] = {}
    for name in SPANS:
        found = sorted(span for each in real if (span := getattr(each, name)) is not None)
        if found:
            spans[name] = _spread(found)
    return Summary(
        incidents=len(counted),
        false_positives=len(counted) - len(real),
        reopened=sum(each.reopened > 0 for each in counted),
        missed_promises=sum(each.missed_promises for each in counted),
        pages=sum(each.pages for each in counted),
        clamped=sum(bool(each.clamped) for each in real),
        spans=spans,
    )


def _spread(ordered: Sequence[timedelta]) -> Spread:
    return Spread(
        count=len(ordered),
        mean=sum(ordered, ZERO) / len(ordered),
        median=_rank(ordered, 0.5),
        p90=_rank(ordered, 0.9),
        longest=ordered[-1],
    )


def _rank(ordered: Sequence[timedelta], share: float) -> timedelta:
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
