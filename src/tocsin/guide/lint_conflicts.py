"""Contradictions inside one guide: CON-02, 04, 05, 06, 09, 10, 12."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tocsin.core.policy import Cadence, Metric, Policy, Severity, Source, elapsed
from tocsin.guide.rules import Said

_COMMON = frozenset(
    [
        "the",
        "a",
        "an",
        "is",
        "are",
        "was",
        "of",
        "to",
        "in",
        "on",
        "for",
        "and",
        "or",
        "any",
        "all",
        "our",
        "your",
        "with",
        "by",
        "at",
        "it",
        "its",
        "this",
        "that",
        "does",
        "do",
        "can",
        "not",
        "no",
        "be",
        "has",
        "have",
        "there",
        "more",
        "than",
        "completely",
        "fully",
        "down",
        "broken",
        "failing",
        "failed",
        "failure",
        "failures",
        "fail",
        "fails",
        "error",
        "errors",
        "issue",
        "issues",
        "unavailable",
        "outage",
        "degraded",
        "degradation",
        "slow",
        "problem",
        "problems",
        "affected",
        "affecting",
        "impacted",
        "impaired",
        "complete",
        "partial",
        "total",
        "system",
        "systems",
        "service",
        "services",
        "individual",
        "intermittent",
        "inaccessible",
        "unreachable",
        "calls",
        "call",
        "causing",
        "severely",
        "bad",
        "high",
        "low",
        "rates",
        "rate",
        "database's",
    ]
)


def conflict_findings(policy: Policy) -> Iterator[Said]:
    """Every contradiction between two places of one guide."""
    from_rows = (_tree, _escalation, _phases, _acronyms, _audiences, _reports, _dashboards)
    for check in from_rows:
        yield from check(policy)


def core(text: str) -> frozenset[str]:
    """The thing a failure is about: "Authentication failure" and "authentication system down" are both about
    authentication."""
    words = re.findall(r"[a-z]+", text.casefold())
    return frozenset(word.rstrip("s") for word in words if word not in _COMMON and len(word) > 2)


def _line(source: Source | None) -> int:
    return source.line if source else 1


def _tree(policy: Policy) -> Iterator[Said]:
    for question in policy.decision_tree:
        about = core(question.question)
        if not about or re.search(r"\d", question.question):
            continue
        for severity in policy.severities:
            for example in severity.examples:
                if severity.id != question.severity and about <= core(example):
                    message = f'"{example}" is an example of {severity.id}, and line {_line(question.source)} makes "{question.question}" {question.severity}'
                    yield Said("CON-02", _line(severity.source), message)


def _escalation(policy: Policy) -> Iterator[Said]:
    levels = [level for level in policy.escalation.levels if level.within is not None]
    for timer in policy.escalation.while_unresolved:
        mine = [level for level in levels if not level.severities or timer.severity in level.severities]
        clash = [level for level in mine if elapsed(level.within) != elapsed(timer.every)]
        if clash:
            message = (
                f"{timer.severity} escalates {timer.every.text or timer.every.seconds}, but level {clash[0].level} has "
                f"{clash[0].within.text if clash[0].within else ''} (line {_line(clash[0].source)}); the smaller counts"
            )
            yield Said("CON-04", _line(timer.source), message)


def _phases(policy: Policy) -> Iterator[Said]:
    worst = policy.severities[0]
    windows = [phase for phase in policy.phases if phase.ends is not None and not phase.severities]
    if not windows:
        return
    respond, resolve = elapsed(worst.respond_within), elapsed(worst.resolve_within)
    first, ends = windows[0], elapsed(windows[0].ends)
    if (
        respond is not None
        and ends is not None
        and respond < ends
        and elapsed(first.starts) is not None
        and not elapsed(first.starts)
    ):
        yield Said(
            "CON-05",
            _line(first.source),
            f'"{first.title}" takes longer than the response of {worst.id} (line {_line(worst.source)})',
        )
    for phase in windows:
        last = elapsed(phase.ends)
        if (
            resolve is not None
            and last is not None
            and last > resolve
            and re.search(r"recover|resol|restor|fix", phase.title, re.I)
        ):
            yield Said(
                "CON-05",
                _line(phase.source),
                f'"{phase.title}" ends after the resolution target of {worst.id} (line {_line(worst.source)})',
            )


def _acronyms(policy: Policy) -> Iterator[Said]:
    seen: dict[str, Metric] = {}
    for metric in policy.metrics:
        short = re.search(r"\(([A-Z]{3,6})\)", metric.name)
        if short and short[1] in seen and seen[short[1]].name != metric.name:
            yield Said(
                "CON-06",
                _line(metric.source),
                f'"{metric.name}" and "{seen[short[1]].name}" share an acronym; they are kept as {metric.key} and {seen[short[1]].key}',
            )
        elif short:
            seen[short[1]] = metric


def _audiences(policy: Policy) -> Iterator[Said]:
    rows: list[Cadence] = list(policy.cadences)
    for n, row in enumerate(rows):
        for other in rows[:n]:
            shared = not row.severities or not other.severities or set(row.severities) & set(other.severities)
            if shared and row.every.seconds != other.every.seconds and row.audience != other.audience:
                message = f"{row.audience} are told {row.every.text!r} and {other.audience} {other.every.text!r} (line {_line(other.source)}) of the same incident"
                yield Said("CON-09", _line(row.source), message)


def _reports(policy: Policy) -> Iterator[Said]:
    every = [severity.id for severity in policy.severities]
    for report in policy.reports:
        missing = [one for one in every if one not in report.severities]
        if report.severities and missing:
            yield Said(
                "CON-10",
                _line(report.source),
                f'"{report.title}" counts {", ".join(report.severities)} and leaves out {", ".join(missing)}',
            )


def _dashboards(policy: Policy) -> Iterator[Said]:
    for dashboard in policy.dashboards:
        counted = set(re.findall(r"count\s*(?:by\s*\([^)]*\)\s*)?\(\s*([a-z_]+)\s*\)", dashboard.definition))
        counters = set(re.findall(r"(?:increase|rate)\(\s*([a-z_]+)", dashboard.definition))
        for name in sorted(counted & counters):
            yield Said(
                "CON-12",
                _line(dashboard.source),
                f"count() counts the series of {name}, increase() needs it to be a counter: one plain metric cannot serve both",
            )


def severity_line(severity: Severity) -> int:
    return _line(severity.source)
