"""Clocks that stand in a sentence far from the definitions: "Target RTO: 1 hour for SEV1 outages"."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from tocsin.core.policy import Cited, Deadline, Severity, Source
from tocsin.guide.beside import beside
from tocsin.guide.blocks import Document
from tocsin.guide.cadences import sentences
from tocsin.guide.clocks import clauses, clock_of
from tocsin.guide.ids import ID, mentioned, run_of_ids
from tocsin.guide.inline import plain
from tocsin.guide.ladder_doubts import at_some_hours
from tocsin.guide.notes import Notes
from tocsin.guide.quantity import PHRASE_CHARS_MAX, deadline, read
from tocsin.guide.severities import Scheme

_AROUND = re.compile(
    r"\b(?:for|all|any|outages?|incidents?|issues?|alerts?|severity|target|goal|our|the|is|are|must be|should be)\b",
    re.I,
)
_NEXT_ID = re.compile(r"[.;]\s+(?=(?:sev(?:erity)?|p|s|priority)[\s-]?[0-5]\b[^.;]{0,20}:)", re.I)
_ANSWERS = re.compile(r"\b(?:must|should|shall|has to|to)\s+(?:acknowledge|respond)\b", re.I)
_CONDITION = re.compile(r"\b(?:if|when|unless|after|not|no|escalat\w*)\b", re.I)
_ELSEWHERE = re.compile(
    r"drill|post-?mortem|review|communicat|template|contact|escalat|backup|alert|monitor|training|vulnerab|patch", re.I
)


def join_sentences(document: Document, scheme: Scheme, notes: Notes) -> tuple[Severity, ...]:
    """The severities with the clocks that a sentence gives one of them, where no table, list or heading gave any."""
    if not scheme.severities:
        return ()
    found: dict[tuple[str, str], tuple[Deadline, int]] = {}
    for sentence in sentences(document, scheme):
        if any(at_some_hours(title) for title in sentence.section.path()[1:]):
            continue
        text = plain(sentence.text)
        clock = clock_of(sentence.label) if sentence.label and len(text) <= PHRASE_CHARS_MAX else ""
        if clock in ("respond", "resolve", "acknowledge"):  # "Response times: P0 15 min, P1 1 hour"
            for one, quantity in beside(text, scheme.known).items():
                limit = deadline(quantity) if quantity.kind not in ("interval", "offset") else None
                if limit is not None:
                    found.setdefault((one, clock), (limit, sentence.line))
        elsewhere = _ELSEWHERE.search(" / ".join(sentence.section.path()[2:]))
        if len(text) > 200 or not ID.search(text) or (elsewhere and not _acknowledges(text, elsewhere[0])):
            continue
        for one, name, limit in _stated(text, scheme.known):
            found.setdefault((one, name), (limit, sentence.line))
    return tuple(_with(severity, found, notes) for severity in scheme.severities)


def _stated(text: str, known: dict[str, str]) -> Iterator[tuple[str, str, Deadline]]:
    """(severity, clock, limit) of a line: "SEV1 and SEV2: respond within 30 minutes. SEV3: next business day." has two parts."""
    held = ""
    for part in _NEXT_ID.split(text):
        severities = mentioned(part, known)
        bare = " ".join(_AROUND.sub(" ", ID.sub(" ", part)).split())
        limits = list(clauses(bare))
        first = ID.search(part)
        together = first is not None and len(run_of_ids(part, first)) == len(severities)  # "SEV1/SEV2 pages"
        if first is None or not severities or not (len(severities) == 1 or together):
            continue
        quantity = read(part[first.end() :].lstrip(" :")) if held and first.start() == 0 and not limits else None
        same = deadline(quantity) if quantity is not None and quantity.kind not in ("interval", "offset") else None
        if same is not None:
            limits = [(held, same)]
        if len(limits) == 1:
            held = limits[0][0]
            for one in severities:
                yield one, *limits[0]


def _acknowledges(text: str, place: str) -> bool:
    """Whether a step of an escalation says only how soon it is answered: "On-call: must acknowledge within 5 minutes"."""
    return place.casefold() == "escalat" and bool(_ANSWERS.search(text)) and not _CONDITION.search(text)


def _with(severity: Severity, found: dict[tuple[str, str], tuple[Deadline, int]], notes: Notes) -> Severity:
    said = found.get((severity.id, "acknowledge"))
    if said and "acknowledge" not in severity.clocks:
        notes.use(said[1])
        severity = msgspec.structs.replace(severity, clocks={**severity.clocks, "acknowledge": said[0]})
        if severity.respond_within is None:
            severity = msgspec.structs.replace(severity, respond_within=said[0])
    for name, field in (("respond", "respond_within"), ("resolve", "resolve_within")):
        said = found.get((severity.id, name))
        if said and getattr(severity, field) is None:
            notes.use(said[1])
            cited = {**severity.cited, field: Cited(source=Source(line=said[1]))}
            severity = msgspec.structs.replace(severity, cited=cited, **{field: said[0]})
    return severity
