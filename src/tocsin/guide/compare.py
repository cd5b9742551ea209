"""Contradictions between guides that are in force together: CON-01, 03, 07, 08, 13 and 14."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tocsin.core.policy import Deadline, Finding, Severity
from tocsin.guide.compile import Compiled
from tocsin.guide.ids import key
from tocsin.guide.lint_conflicts import core
from tocsin.guide.rules import BY_ID


def compare(guides: Sequence[Compiled]) -> list[Finding]:
    """What the guides say differently about the same thing; each finding stands in the later guide."""
    inforce = [guide for guide in guides if guide.policy.severities]
    found = [
        finding for check in (_ids, _failures, _reviews, _lowest, _references, _immediate) for finding in check(inforce)
    ]
    return sorted(dict.fromkeys(found), key=lambda each: (each.file or "", each.line, each.rule, each.message))


def _finding(rule: str, guide: Compiled, line: int, message: str) -> Finding:
    row = BY_ID[rule]
    return Finding(rule=rule, level=row.level, line=max(line, 1), message=message, hint=row.mend, file=guide.name)


def _line(severity: Severity) -> int:
    return severity.source.line if severity.source else 1


def _says(limit: Deadline | None) -> str:
    return (
        f'"{re.sub("^within ", "", limit.text, flags=re.I)}"'
        if limit is not None and limit.text
        else "nothing"
        if limit is None
        else "another time"
    )


def _same(first: Deadline | None, second: Deadline | None) -> bool:
    def bare(limit: Deadline | None) -> tuple[object, ...]:
        if limit is None:
            return ()
        return (
            limit.seconds,
            limit.business_days,
            limit.business_hours,
            limit.calendar,
            limit.calendar_days,
            limit.months,
            limit.milestone,
        )

    return bare(first) == bare(second)


def _ids(guides: list[Compiled]) -> Iterator[Finding]:
    """One id, several meanings; and one vocabulary per guide."""
    seen: dict[str, tuple[Compiled, Severity]] = {}
    for guide in guides:
        for severity in guide.policy.severities:
            name = key(severity.id)
            before = seen.setdefault(name, (guide, severity))
            if before[0] is not guide and not (
                _same(before[1].respond_within, severity.respond_within) and before[1].rank == severity.rank
            ):
                message = f"{severity.id} is answered within {_says(severity.respond_within)} here and within {_says(before[1].respond_within)} in {before[0].name}; a bare {severity.id} needs its guide"
                yield _finding("CON-01", guide, _line(severity), message)
    vocabularies = {tuple(key(each.id) for each in guide.policy.severities): guide for guide in guides}
    if len(vocabularies) > 1:
        last = guides[-1]
        schemes = ", ".join(
            sorted(
                f"{guide.policy.severities[0].id}..{guide.policy.severities[-1].id}" for guide in vocabularies.values()
            )
        )
        yield _finding(
            "CON-01",
            last,
            _line(last.policy.severities[0]),
            f"these guides use {len(vocabularies)} severity vocabularies: {schemes}",
        )


def _topics(guide: Compiled) -> Iterator[tuple[frozenset[str], str, int, int, str]]:
    for severity in guide.policy.severities:
        for example in severity.examples:
            yield core(example), example, severity.rank, _line(severity), severity.id
    ranks = {severity.id: severity.rank for severity in guide.policy.severities}
    for question in guide.policy.decision_tree:
        if question.question:
            yield (
                core(question.question),
                question.question,
                ranks.get(question.severity, 0),
                question.source.line if question.source else 1,
                question.severity,
            )


def _failures(guides: list[Compiled]) -> Iterator[Finding]:
    seen: dict[frozenset[str], tuple[Compiled, str, int, str]] = {}
    for guide in guides:
        for about, text, rank, line, severity in _topics(guide):
            if not about or len(about) > 3:
                continue
            before = seen.setdefault(about, (guide, text, rank, severity))
            if before[0] is not guide and before[2] != rank:
                yield _finding(
                    "CON-03",
                    guide,
                    line,
                    f'"{text}" is {severity} here; "{before[1]}" is {before[3]} in {before[0].name}',
                )


def _reviews(guides: list[Compiled]) -> Iterator[Finding]:
    timed = [guide for guide in guides if guide.policy.review.within is not None]
    for guide in timed[1:]:
        first, mine = timed[0].policy.review, guide.policy.review
        if not _same(first.within, mine.within):
            line = mine.source.line if mine.source else 1
            yield _finding(
                "CON-07",
                guide,
                line,
                f"the review is due within {_says(mine.within)} here and within {_says(first.within)} in {timed[0].name}",
            )


def _lowest(guides: list[Compiled]) -> Iterator[Finding]:
    lowest = [
        (guide, guide.policy.severities[-1])
        for guide in guides
        if guide.policy.severities[-1].respond_within is not None
    ]
    for guide, severity in lowest[1:]:
        first = lowest[0][1]
        if not _same(first.respond_within, severity.respond_within):
            message = f"the mildest severity is answered within {_says(severity.respond_within)} here and within {_says(first.respond_within)} in {lowest[0][0].name}"
            yield _finding("CON-08", guide, _line(severity), message)


_REFERENCE = (
    ("INC-YYYY-MM-DD-NNN", r"INC-(?:YYYY-MM-DD|\d{4}-\d{2}-\d{2})-"),
    ("INC-YYYY-NNN", r"INC-(?:YYYY|20\d{2})-(?!MM)\d{3}\b|INC-YYYY-N"),
    ("INC-XXXX", r"INC-X{2,}"),
)


def _references(guides: list[Compiled]) -> Iterator[Finding]:
    first: tuple[str, str] | None = None
    unit: tuple[str, str] | None = None
    for guide in guides:
        for n, line in enumerate(guide.lines, 1):
            form = next((name for name, pattern in _REFERENCE if re.search(pattern, line)), None)
            if form and first is None:
                first = (form, guide.name)
            elif form and first and form != first[0]:
                yield _finding("CON-13", guide, n, f"incidents are called {form} here and {first[0]} in {first[1]}")
            spent = re.search(
                r"\bduration\b.{0,12}\b(?:X+\s*|\[)?(minutes|hours)\b|resolution time:\s*\[(hours|minutes)\]",
                line,
                re.I,
            )
            said = (spent[1] or spent[2]).casefold() if spent else ""
            if said and unit is None:
                unit = (said, guide.name)
            elif said and unit and said != unit[0]:
                yield _finding(
                    "CON-13", guide, n, f"durations are counted in {said} here and in {unit[0]} in {unit[1]}"
                )


def _immediate(guides: list[Compiled]) -> Iterator[Finding]:
    seen: list[tuple[Compiled, Severity]] = []
    for guide in guides:
        for severity in guide.policy.severities:
            limit = severity.respond_within
            if limit is not None and limit.text and re.search(r"immediate", limit.text, re.I):
                clash = next(
                    (each for each in seen if each[0] is not guide and not _same(each[1].respond_within, limit)), None
                )
                if clash:
                    yield _finding(
                        "CON-14",
                        guide,
                        _line(severity),
                        f"immediate is {_says(limit)} here and {_says(clash[1].respond_within)} in {clash[0].name}",
                    )
                seen.append((guide, severity))
