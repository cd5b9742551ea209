"""Who else is told, when, and why: ladders, timers, triggers, notification matrices, external parties."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

from tocsin.core.policy import Deadline, Escalation, ExternalParty, Level, Notify, Source, Trigger, WhileUnresolved
from tocsin.guide.blocks import Document, Section
from tocsin.guide.cadences import Sentence, sentences
from tocsin.guide.ids import ID, mentioned, only_names
from tocsin.guide.inline import plain, split_label
from tocsin.guide.ladder_doubts import doubt
from tocsin.guide.ladder_steps import lone_step, of_steps
from tocsin.guide.ladders import compile_levels, levels as as_levels
from tocsin.guide.notes import Notes
from tocsin.guide.parties import PARTY, channels, parties, within
from tocsin.guide.quantity import Quantity, deadline, scan
from tocsin.guide.rungs import Rung
from tocsin.guide.severities import Scheme
from tocsin.guide.unescalated import not_escalated

_NEAR = re.compile(r"escalat|on-?call|severit|response", re.I)
_ESCALATE = re.compile(r"\bescalat\w*\b", re.I)
_UNRESOLVED = re.compile(
    r"(?:not|un)[\s-]?(?:yet\s+)?(?:resolved|mitigated|acknowledged|contained)|no\s+(?:resolution|progress|response|acknowledg\w+)|active\s+(?:for|longer)|still\s+(?:open|active|ongoing)|persists?|unresponsive",
    re.I,
)
_NOTIFIED = re.compile(
    r"(?P<who>[^.;:]{2,80}?)\s+(?:is|are|must\s+be|should\s+be|will\s+be|gets?)\s+(?:notified|informed|paged|alerted|contacted)\b(?P<when>.*)",
    re.I,
)
_PASSIVE = re.compile(r"notified|informed|paged|alerted|contacted", re.I)  # what the costly pattern above ends with
_TELL = re.compile(r"^(?:notify|page|inform|alert|contact)\s+(?P<who>.+)$", re.I)


def compile_escalation(document: Document, scheme: Scheme, notes: Notes) -> Escalation:
    """Everything the guide says about escalation. It runs until "resolved" where the guide says "if not resolved"."""
    ids = [each.id for each in scheme.severities]
    levels, covered = compile_levels(document, scheme.known, ids, scheme.paths, notes)
    levels += _of_steps(document, scheme, covered, notes)
    if not levels and not covered and ids:
        levels = _levels([((), lone_step(document, scheme))], notes)
    led = {level.source.line for level in levels if level.source}
    timers = [row for row in scheme.timers if row.source is None or row.source.line not in led]
    triggers: list[Trigger] = []
    external: list[ExternalParty] = []
    notify = list(
        {(row.severity, row.who): row for row in [*scheme.notify, *_matrix(document, scheme, notes)]}.values()
    )
    resolved = False
    never: dict[str, None] = {}
    for sentence in sentences(document, scheme):
        if said := not_escalated(sentence, scheme):
            notes.use(sentence.line)
            never |= dict.fromkeys(said)
        timer = [] if sentence.line in led else _timer(sentence, scheme)
        if timer:
            notes.use(sentence.line)
            resolved = resolved or bool(re.search(r"resolv|mitigat|active", plain(sentence.text), re.I))
            timers += [row for row in timer if not any(each.severity == row.severity for each in timers)]
        elif _to_somebody(sentence, scheme) and sentence.line not in led:
            message = f'"{plain(sentence.text)[:80]}" names whom to call after a time, and no ladder that leads there'
            hint = "write the ladder: whom first, then after how long whom"
            notes.add("GUIDE-UNREAD", "note", sentence.line, message, hint)
        for row in _notified(sentence, scheme):
            if not any(each.severity == row.severity and each.who == row.who for each in notify):
                notes.use(sentence.line)
                notify.append(row)
    for section in document.sections():
        if section.region == "policy":
            triggers += _triggers(section, notes)
            external += _external(section, notes)
    resolved = resolved or any(
        re.search(r"no resolution|not resolved|unresolved|resolution within", line, re.I)
        for line in _ladder_lines(document, levels)
    )
    until: Literal["acknowledged", "resolved"] = "resolved" if resolved else "acknowledged"
    return Escalation(
        levels=levels,
        while_unresolved=tuple(timers),
        triggers=tuple(triggers),
        notify=tuple(notify),
        external=tuple(external),
        never=tuple(one for one in never if not any(row.severity == one for row in timers)),
        until=until,
    )


def _of_steps(document: Document, scheme: Scheme, covered: tuple[str, ...], notes: Notes) -> tuple[Level, ...]:
    """The ladders of steps that are set for one severity, where the guide has no ladder for it."""
    return _levels(of_steps(document, scheme, covered), notes)


def _levels(ladders: Iterable[tuple[tuple[str, ...], list[Rung]]], notes: Notes) -> tuple[Level, ...]:
    found: list[Level] = []
    for severities, rungs in ladders:
        if rungs and not doubt(rungs):
            found += as_levels(rungs, severities)
            notes.use(*(rung.line for rung in rungs))
    return tuple(found)


def _ladder_lines(document: Document, levels: tuple[object, ...]) -> Iterator[str]:
    lines = [level.source.line for level in levels if level.source]  # type: ignore[attr-defined]
    for first in lines:
        yield from document.lines[first - 1 : first + 2]


# A condition in a list under "When to escalate": "SEV1 incident lasting > 15 minutes", and nobody named behind it.
_WHEN = re.compile(
    r"when to escalate|auto(?:matic)?-?\s?escalat|escalat\w* (?:if|when|triggers?|criteria|conditions)", re.I
)
_LASTS = re.compile(
    r"(?:an?\s+|any\s+)?\S{1,12}\s?\d?\s+(?:incidents?\s+|issues?\s+|outages?\s+)?(?:lasting|lasts|open|active|running|not\s+(?:resolved|acknowledged|mitigated)|unresolved|unacknowledged)"
    r"\b[^.;→]{1,40}$",
    re.I,
)


def _timer(sentence: Sentence, scheme: Scheme) -> list[WhileUnresolved]:
    """`SEV-0: Escalate every 30 minutes if not resolved`, `if a SEV1 alert is active for more than 5 minutes`."""
    text = plain(sentence.text)
    if len(text) > 300 or not _escalation_near(sentence):
        return []
    if not _ESCALATE.search(text) and not (_LASTS.match(text) and _WHEN.search(sentence.section.title)):
        return []
    found = [each for each in scan(text) if each.kind in ("elapsed", "interval") and each.value != 0]
    if len(found) != 1 or isinstance(found[0].value, tuple):
        return []
    if found[0].kind == "elapsed" and not _UNRESOLVED.search(text) and not _LASTS.match(text):
        return []
    if found[0].kind == "elapsed" and (_names_target(text) or PARTY.search(sentence.label)):
        return []
    severities = mentioned(text, scheme.known) or sentence.scope
    label = split_label(sentence.text)
    if label and mentioned(label.label, scheme.known) and not only_names(label.label, scheme.known):
        return []  # "Premium customers with P1" is about some incidents of a severity
    every = deadline(_instant(found[0]))
    if every is None:
        return []
    return [WhileUnresolved(severity=one, every=every, source=Source(line=sentence.line)) for one in severities]


def _names_target(text: str) -> bool:
    return bool(re.search(r"escalat\w*\s+to\s+(?:the\s+)?\w", text, re.I)) and not re.search(
        "next level|higher", text, re.I
    )


def _to_somebody(sentence: Sentence, scheme: Scheme) -> bool:
    """`SEV1: escalate to the manager if not resolved within 30 minutes`: a step of a ladder that nobody wrote down."""
    text = plain(sentence.text)
    if len(text) > 300 or not _names_target(text) or not _UNRESOLVED.search(text):
        return False
    timed = [each for each in scan(text) if each.kind == "elapsed" and each.value]
    return len(timed) == 1 and bool(mentioned(text, scheme.known) or sentence.scope)


def _escalation_near(sentence: Sentence) -> bool:
    return bool(_NEAR.search(sentence.section.where))


def _instant(quantity: Quantity) -> Quantity:
    return msgspec.structs.replace(quantity, bound="=") if quantity.bound == ">" else quantity


def _notified(sentence: Sentence, scheme: Scheme) -> Iterator[Notify]:
    """`X is notified immediately for all P0 incidents and within 1 hour for P1 incidents`; `Notify X` under a severity."""
    text = plain(sentence.text)
    if len(text) > 300 or sentence.label.casefold() in ("description", "definition", "examples"):
        return
    said = _NOTIFIED.search(text) if _PASSIVE.search(text) else None
    if said:
        who = parties(said["who"])
        for one, limit in _when(said["when"], scheme):
            if who:
                yield Notify(
                    severity=one, who=who, within=limit, channels=channels(text), source=Source(line=sentence.line)
                )
        return
    told = _TELL.match(text)
    path = sentence.section.where
    named = re.match(
        r"(?:notify|page|inform|alert|escalate to)\s+(?P<who>.{3,80}?)\s+(?:for|of|about|on)\s+(?P<rest>.+)$",
        text,
        re.I,
    )
    explicit = mentioned(named["rest"], scheme.known) if named else ()
    if named and explicit and ID.search(named["rest"]):
        who = parties(re.sub(r"\(.*?\)", "", named["who"]))
        for one in explicit if who else ():
            yield Notify(
                severity=one, who=who, within=within(text), channels=channels(text), source=Source(line=sentence.line)
            )
        return
    if told and sentence.scope and re.search(r"escalat|notif", path, re.I):
        severities = mentioned(text, scheme.known) or sentence.scope
        who = parties(re.sub(r"\(.*?\)", "", told["who"]))
        limits = [each for each in scan(text) if each.kind == "elapsed"]
        for one in severities if who and len(severities) <= 2 else ():
            limit = deadline(_instant(limits[0])) if len(limits) == 1 else None
            yield Notify(
                severity=one, who=who, within=limit, channels=channels(text), source=Source(line=sentence.line)
            )


def _when(text: str, scheme: Scheme) -> Iterator[tuple[str, Deadline | None]]:
    limits = [each for each in scan(text) if each.kind in ("elapsed", "business_days", "business_hours", "calendar")]
    for n, limit in enumerate(limits):
        end = limits[n + 1].start if n + 1 < len(limits) else len(text)
        for one in mentioned(text.casefold()[limit.end : end], scheme.known):
            yield one, deadline(_instant(limit))
    if not limits:
        for one in mentioned(text, scheme.known):
            yield one, None


# --- matrices, triggers, external parties -----------------------------------------------------------------------------


def _matrix(document: Document, scheme: Scheme, notes: Notes) -> Iterator[Notify]:
    """A fence or table that says who is told of which severity."""
    for section in document.sections():
        path = section.where
        if section.region != "policy" or not re.search(r"escalat|notif|contact", path, re.I):
            continue
        for block in section.blocks:
            if block.kind in ("fence", "code"):
                rows = [
                    (n, split_label(line))
                    for n, line in enumerate(block.text.split("\n"), block.line + (block.kind == "fence"))
                ]
                for n, label in rows:
                    if label and (severities := mentioned(label.label, scheme.known)):
                        notes.use(n)
                        yield from _matrix_rows(severities, label.value, n)
            elif block.kind == "table" and len(block.header) >= 2:
                column = next(
                    (
                        n
                        for n, head in enumerate(block.header)
                        if n and re.search(r"notif|who|contact|escalat\w* to|stakeholder|audience", plain(head), re.I)
                    ),
                    None,
                )
                own = scheme.defined is not None and scheme.defined.line == block.line
                for row in block.rows if column is not None and not own else ():
                    severities = mentioned(plain(row.cells[0]), scheme.known)
                    if column is not None and column < len(row.cells) and severities:
                        notes.use(row.line)
                        yield from _matrix_rows(severities, row.cells[column], row.line)


def _matrix_rows(severities: tuple[str, ...], text: str, line: int) -> Iterator[Notify]:
    who = parties(text)
    limits = [each for each in scan(text) if each.kind != "interval"]
    limit = deadline(_instant(limits[0])) if len(limits) == 1 else None
    for one in severities if who else ():
        yield Notify(severity=one, who=who, within=limit, channels=channels(text), source=Source(line=line))


def _triggers(section: Section, notes: Notes) -> Iterator[Trigger]:
    title = section.title
    kind: Literal["impact", "manual"] | None = None
    if re.search(r"impact[\s-]*based|automatic escalation triggers?", title, re.I):
        kind = "impact"
    elif re.search(
        r"escalat\w*\s+(?:immediately\s+)?(?:if|when|triggers?|criteria|conditions)|when\s+to\s+escalate|triggers? for escalat|manual escalat",
        title,
        re.I,
    ):
        kind = "manual"
    for block in section.blocks if kind else ():
        lead = [each for each in section.blocks if each.kind == "paragraph" and each.end < block.line]
        own: Literal["impact", "manual"] = kind or "manual"
        if lead and re.search(r"impact[\s-]*based", lead[-1].text, re.I):
            own = "impact"
        for item in block.items:
            text = plain(item.text.replace("\n", " "))
            if text and len(text) < 300:
                notes.use(item.line)
                yield Trigger(text=text, kind=own, source=Source(line=item.line))


def _external(section: Section, notes: Notes) -> Iterator[ExternalParty]:
    if not re.search(
        r"external\s+(?:escalat|part|notif|support)|escalat\w*\s+.*external|notification requirements|regulatory notif",
        section.title,
        re.I,
    ):
        return
    for block in section.blocks:
        for item in block.items:
            label = split_label(item.text)
            if label and label.label:
                notes.use(item.line)
                yield ExternalParty(who=label.label, condition=plain(label.value), source=Source(line=item.line))
