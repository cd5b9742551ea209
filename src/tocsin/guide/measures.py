"""What a guide measures, reports, rehearses, repairs by itself and keeps up to date."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from tocsin.core.policy import Dashboard, Drill, Duty, Metric, Remediation, Report, Source
from tocsin.guide.blocks import Block, Document, Section, walk
from tocsin.guide.ids import mentioned
from tocsin.guide.inline import plain, split_label
from tocsin.guide.notes import Notes
from tocsin.guide.quantity import deadline, scan
from tocsin.guide.severities import Scheme

_METRICS = re.compile(
    r"\b(?:key |response |quality |incident |success |performance )?(?:metrics|kpis?|measurements?)\b", re.I
)
_NOT_METRICS = re.compile(r"failure|collection|endpoint|query|dashboard|reporting$|tools|monitoring", re.I)
_REPORT = re.compile(
    r"\b(daily|weekly|bi-?weekly|monthly|quarterly|annual|yearly)\b.{0,30}\b(?:report|summary|review meeting)\b", re.I
)
_DRILL = re.compile(
    r"\bdrills?\b|\bexercises?\b|\bsimulations?\b|game\s?days?|tabletop|fire drill|disaster recovery test", re.I
)
_UPKEEP = re.compile(
    r"^(?:and\s+)?(?:review|update|test|audit|conduct|verify|refresh|rotate|validate|check|revisit|train|run|hold|practice|perform|keep|reassess|re-?certify)\b",
    re.I,
)
_UPKEEP_WHERE = re.compile(
    r"document|update|maintenance|upkeep|review|preventive|preparedness|training|improvement|governance|readiness|recovery|procedures",
    re.I,
)


def compile_metrics(document: Document, notes: Notes) -> tuple[Metric, ...]:
    """The metrics of the guide under keys of their own: an acronym that is used twice names neither."""
    found = [row for section in document.sections() if section.region == "policy" for row in _metrics(section)]
    acronyms = [_acronym(name) for name, _, _ in found]
    metrics: list[Metric] = []
    for (name, scope, line), acronym in zip(found, acronyms, strict=True):
        twice = acronym and acronyms.count(acronym) > 1
        words = re.sub(r"\([^()]*\)", "", name)
        key = (
            acronym.lower()
            if acronym and not twice
            else f"{acronym.lower()}_{words.split()[-1].lower()}"
            if acronym
            else "_".join(re.findall(r"[a-z0-9]+", words.lower()))
        )
        if not any(each.key == key for each in metrics):
            notes.use(line)
            metrics.append(Metric(key=key, name=name, scope=scope, source=Source(line=line)))
    return tuple(metrics)


def _acronym(name: str) -> str:
    found = re.search(r"\(([A-Z][A-Za-z]{1,5})\)|\b(MTT[A-Z]|TT[A-Z])\b", name)
    return (found[1] or found[2]) if found else ""


def _metrics(section: Section) -> Iterator[tuple[str, str, int]]:
    own = _METRICS.search(section.title) and not _NOT_METRICS.search(section.title)
    above = (
        section.parent
        and section.level == 7
        and _METRICS.search(section.parent.title)
        and not _NOT_METRICS.search(section.parent.title)
    )
    if not own and not above:
        return
    for block in section.blocks:
        if block.kind == "list":
            for item in block.items:
                label = split_label(item.text)
                words = label.label if label and label.strong else plain(item.text).split(":")[0]
                if words and len(words.split()) <= 8 and not re.search(r"https?://|\.$", words):
                    yield words, section.title if above else "", item.line
        elif (
            block.kind == "table" and block.header and re.match(r"(?:metric|kpi|measure)", plain(block.header[0]), re.I)
        ):
            if any(re.fullmatch(r"normal|warning|critical|threshold", plain(head), re.I) for head in block.header):
                continue  # alert thresholds, not what the organisation measures itself by
            for row in block.rows:
                if row.cells and plain(row.cells[0]):
                    yield plain(row.cells[0]), "", row.line


def compile_reports(document: Document, scheme: Scheme) -> tuple[Report, ...]:
    """Reports with their interval and what they hold; the severities they count, where they name any."""
    found = []
    for section in document.sections():
        said = _REPORT.search(section.title) if section.region != "example" else None
        if not said:
            continue
        fences = [block for block in section.blocks if block.kind == "fence"]
        items = [plain(item.text) for block in section.blocks for item in block.items]
        body = fences[0].text if fences else ""
        parts = re.findall(r"^##+\s+(.+)$", body, re.M) or items
        intervals = scan(said[1])
        found.append(
            Report(
                title=section.title,
                every=deadline(intervals[0]) if intervals else None,
                sections=tuple(part.strip() for part in parts),
                severities=mentioned(body, scheme.known),
                source=Source(line=section.line),
            )
        )
    return tuple(found)


def compile_dashboards(document: Document) -> tuple[Dashboard, ...]:
    """Dashboard definitions in JSON fences, and the links of sections about dashboards."""
    found = []
    for block in document.fences:
        if block.info.casefold().startswith("json") and '"dashboard"' in block.text and len(block.text) < 200_000:
            try:
                value = json.loads(block.text)
            except (ValueError, RecursionError):
                continue
            inner = value.get("dashboard") if isinstance(value, dict) else None
            if isinstance(inner, dict):
                found.append(
                    Dashboard(title=str(inner.get("title", "")), definition=block.text, source=Source(line=block.line))
                )
    for section in document.sections():
        if section.region == "policy" and re.search(r"dashboards?\b", section.title, re.I):
            links = [
                (plain(item.text), item.line) for block in section.blocks for item in block.items if "://" in item.text
            ]
            for text, line in links:
                name, _, url = text.partition(":")
                address = re.search(r"https?://\S+", text)
                if address and url:
                    found.append(Dashboard(title=name.strip(), links=(address[0],), source=Source(line=line)))
    return tuple(found)


def compile_drills(document: Document, scheme: Scheme, notes: Notes) -> tuple[Drill, ...]:
    """Rehearsals with their interval."""
    found = []
    for section in document.sections():
        if section.region != "policy" or not _DRILL.search(section.title):
            continue
        for block in section.blocks:
            for item in block.items:
                text = plain(item.text)
                intervals = [each for each in scan(text) if each.kind == "interval"]
                if len(intervals) == 1 and len(text) < 200:
                    notes.use(item.line)
                    found.append(
                        Drill(
                            title=text,
                            every=deadline(intervals[0]),
                            severities=mentioned(text, scheme.known),
                            source=Source(line=item.line),
                        )
                    )
    return tuple(found)


def compile_duties(document: Document, notes: Notes) -> tuple[Duty, ...]:
    """Upkeep that recurs: "Review and update runbooks monthly", several to a paragraph."""
    found: list[Duty] = []
    for section in document.sections():
        if section.region != "policy" or _DRILL.search(section.title):
            continue
        for text, line in _upkeep_lines(section):
            for part in re.split(r"(?<=[a-z0-9])[.;]\s+|,\s+and\s+(?=[a-z]+\s)", text):
                intervals = [each for each in scan(part) if each.kind == "interval"]
                if len(intervals) == 1 and _UPKEEP.match(part.strip()) and len(part) < 200:
                    every = deadline(intervals[0])
                    seconds = intervals[0].value
                    if every is not None and isinstance(seconds, int) and seconds >= 86400:
                        notes.use(line)
                        found.append(Duty(title=part.strip(" ."), every=every, source=Source(line=line)))
    return tuple(found)


def _upkeep_lines(section: Section) -> Iterator[tuple[str, int]]:
    for block in section.blocks:
        if block.kind == "list":
            for item in block.items:
                if _UPKEEP_WHERE.search(section.title):
                    yield plain(item.text), item.line
        elif block.kind == "paragraph":
            for n, line in block.lines():
                label = split_label(line)
                yield plain(label.value if label else line), n


_RULE = re.compile(r"-\s*condition:\s*[\"']?(.{1,200}?)[\"']?\s*$")
_ACTION = re.compile(r"\s*action:\s*[\"']?(.{1,200}?)[\"']?\s*$")


def compile_remediation(document: Document, notes: Notes) -> tuple[Remediation, ...]:
    """`- condition: ... / action: ...` rules of a YAML fence, read as text: no YAML of a guide is ever loaded."""
    found = []
    for block in document.fences:
        if not block.info.casefold().startswith(("yaml", "yml")):
            continue
        condition, at = "", 0
        for n, line in enumerate(block.text.split("\n"), block.line + 1):
            rule, action = _RULE.match(line.strip()), _ACTION.match(line)
            if rule:
                condition, at = rule[1], n
            elif action and condition:
                notes.use(at, n)
                found.append(Remediation(condition=condition, action=action[1], source=Source(line=at)))
                condition = ""
    return tuple(found)


def lists_under(section: Section) -> Iterator[Block]:
    """Every list below a section."""
    for part in walk(section):
        yield from (block for block in part.blocks if block.kind == "list")
