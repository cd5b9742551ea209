"""Steps that a guide sets for one severity and nobody wrote a ladder for: "SEV1: escalate to the manager if not resolved in 30 minutes".

Who is called first stands nowhere, so the first level is the owner of the service, as it is without any ladder. The
times of such steps count from the opening.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tocsin.guide.blocks import Document
from tocsin.guide.cadences import Sentence, sentences
from tocsin.guide.ids import ID, mentioned, only_names
from tocsin.guide.inline import plain, split_label
from tocsin.guide.ladder_sentences import SENTENCE_MAX, Condition, condition, step, waits
from tocsin.guide.ladder_severities import times_by_severity
from tocsin.guide.parties import PARTY, parties
from tocsin.guide.quantity import read, scan
from tocsin.guide.rungs import RUNGS_MAX, Rung, start
from tocsin.guide.severities import Scheme
from tocsin.guide.words import ESCALATION

FIRST = ("owner",)  # what the directory calls whoever is on call for the service
_NEAR = re.compile(rf"{ESCALATION}|on-?call|severit|priorit|response|incident|sla\b|alert", re.I)
CHARS_NEAR = 40  # the front of a sentence, where its label stands
_ESCALATION = re.compile(rf"(?:auto(?:matic)?[\s-]*)?(?:{ESCALATION})", re.I)
_SITUATION = re.compile(r"situation|situação|situaci[oó]n|condition|trigger|if|when|case|scenario|event", re.I)
_THEN = re.compile(r"action|ação|acci[oó]n|escalat\w*(?:\s+to)?|to|who|notify|contact|then|page", re.I)
_WHEN = re.compile(r"(?:escalate|page|notify|call|engage)\w*\s+(?:if|when)\s+(?P<cond>.{3,120}?)\.?$", re.I)
_ARTICLE = re.compile(r"(?:\b(?:an?|any|the|all)\s+)+$", re.I)
_MORE = re.compile(r"\s*(?:/|,|&|\band\b|\bor\b)\s*", re.I)
_BEHIND = re.compile(
    r"^\s*(?:incidents?|issues?|outages?|alerts?)?\s*(?:[:,–—-]|\b(?:is|are|was|has|have|remains?|stays?|reaches|passes|exceeds|lasts|goes)\b)?\s*",
    re.I,
)

Step = tuple[tuple[str, ...], Condition, int]  # for which severities, what, and its line


def of_steps(
    document: Document, scheme: Scheme, covered: Sequence[str]
) -> Iterator[tuple[tuple[str, ...], list[Rung]]]:
    """A ladder per severity of the steps that are set for it alone, where no ladder covers it and its times rise."""
    ladders: dict[str, list[Rung]] = {}
    primary = named_primary(document)
    spoilt: set[str] = set(covered)
    for severities, said, line in _steps(document, scheme):
        for one in severities:
            who = primary if primary and _SECOND.search(said.who[0]) else FIRST
            rungs = ladders.setdefault(one, [Rung(number=1, who=who, line=line)])
            last, due = start(rungs[-1].reach), start(said.time)
            if due is None or (last is not None and due <= last) or said.who == rungs[-1].who:
                spoilt.add(one)
            rungs.append(Rung(number=len(rungs) + 1, who=said.who, line=line, reach=said.time, since_start=True))
    together: dict[str, list[str]] = {}
    for one, rungs in ladders.items():
        if one not in spoilt and len(rungs) <= RUNGS_MAX:
            together.setdefault(repr([(rung.line, rung.who, rung.reach) for rung in rungs]), []).append(one)
    for same in together.values():
        yield tuple(same), ladders[same[0]]


_SECOND = re.compile(r"\bsecondary\b|\bback-?up\b", re.I)
_PRIMARY = re.compile(r"\bprimary\s+(?:on[\s-]?call(?:\s+(?:engineer|responder))?|engineer|responder)\b", re.I)


def named_primary(document: Document) -> tuple[str, ...]:
    """Who stands before "the secondary", in the guide's own words: "primary on-call engineer"; () where it names none."""
    found = next(
        (found for line in document.lines if "rimary" in line and (found := _PRIMARY.search(plain(line)))), None
    )
    return (found[0],) if found else ()


def _steps(document: Document, scheme: Scheme) -> Iterator[Step]:
    for sentence in sentences(document, scheme):
        near = _NEAR.search(sentence.section.where + sentence.section.title) or ID.search(
            sentence.text, 0, SENTENCE_MAX
        )
        if len(sentence.text) <= 2 * SENTENCE_MAX and near:
            yield from _of_sentence(sentence, scheme)
    for section in document.sections():
        if section.region != "policy" or not re.search(ESCALATION, section.where, re.I):
            continue
        for block in section.blocks:
            heads = [plain(head) for head in block.header]
            when = len(heads) - 2  # the last but one; in front of it may stand a number or a name of the rule
            if 2 <= len(heads) <= 3 and _SITUATION.fullmatch(heads[when]) and _THEN.fullmatch(heads[when + 1]):
                for row in block.rows:
                    if len(row.cells) == len(heads):
                        then = re.sub(r"^\s*(?:→|[-=]+>)\s*", "", plain(row.cells[when + 1]))
                        yield from _named(f"{plain(row.cells[when])} → {then}", row.line, (), scheme)


def _of_sentence(sentence: Sentence, scheme: Scheme) -> Iterator[Step]:
    text, scope = sentence.text, sentence.scope
    if several := list(_several(plain(text), sentence.line, scheme)):
        yield from several
        return
    label = split_label(text)
    if dated := list(_dated(plain(label.value if label else text), sentence.section.where + text[:CHARS_NEAR])):
        severities = mentioned(label.label, scheme.known) if label else ()
        if label is None or only_names(label.label, scheme.known) or _ESCALATION.match(label.label):
            yield from ((severities or scope, said, sentence.line) for said in dated)
        return
    if label and label.value:
        severities = mentioned(label.label, scheme.known)
        if severities and not only_names(label.label, scheme.known):
            return  # "Premium customers with P1" is about some incidents of a severity
        when = _WHEN.match(plain(label.value))
        if (
            when and not severities and PARTY.search(label.label)
        ):  # "Lead: escalate if a SEV1 is not resolved in 30 minutes"
            yield from _named(f"{when['cond']} → {', '.join(parties(label.label))}", sentence.line, scope, scheme)
            return
        if severities or _ESCALATION.match(label.label):
            text, scope = label.value, severities or scope
    yield from _named(plain(text), sentence.line, scope, scheme)


def _dated(words: str, near: str) -> Iterator[Condition]:
    """`Team lead after 15 min, director after 1 hour`: people with times, and nothing else, near a word of escalation."""
    parts = _PARTS.split(words.strip(" .")) if _AFTER.match(words) else []
    found = [each for part in parts if (each := _AFTER.fullmatch(part))]
    if len(found) < 2 or len(found) < len(parts) or not re.search(ESCALATION, near, re.I):
        return
    said = [(parties(each["who"]), read(each["time"])) for each in found]
    if all(
        who and PARTY.search(" ".join(who)) and time and time.kind == "elapsed" and time.value for who, time in said
    ):
        yield from (Condition(who=who, time=time) for who, time in said)


_PARTS = re.compile(r"\s*(?:,\s*(?:and\s+|then\s+)?|;\s*|→|[-=]+>|\bthen\b)\s*", re.I)
_AFTER = re.compile(r"(?:escalate\s+to\s+|page\s+|notify\s+|call\s+)?(?:the\s+)?(?P<who>[^\d]{2,50}?)\s+(?:after|at)\s+(?P<time>\d[\w\s.]{1,14})", re.I)  # fmt: skip


def _several(words: str, line: int, scheme: Scheme) -> Iterator[Step]:
    """`P1: 15 min, P2: 1 hour → engineering manager`: a step for each of several severities."""
    parts = _ARROW.split(_OPENING.sub("", words))
    times = times_by_severity(parts[0], scheme.known) if len(parts) == 2 else {}
    who = parties(parts[1]) if len(times) > 1 else ()
    if who and PARTY.search(parts[1]) and not scan(parts[1]) and not ID.search(parts[1]):
        for one, time in times.items():
            yield (one,), Condition(who=who, time=time), line


def lone_step(document: Document, scheme: Scheme) -> list[Rung]:
    """`If you cannot resolve it in 30 minutes, page the lead`, where a guide has no ladder and no other such sentence.

    It speaks to whoever is on call; a sentence that speaks to nobody leaves open who is called first.
    """
    found: list[tuple[Condition | None, Sentence]] = []
    for sentence in sentences(document, scheme):
        if len(sentence.text) > 2 * SENTENCE_MAX or not _NEAR.search(sentence.section.where + sentence.section.title):
            continue
        label = split_label(sentence.text)
        named = label is not None and re.match(rf"(?:{ESCALATION})", label.label, re.I)
        text = plain(label.value if label and named else sentence.text)
        if waits(text) and any(each.kind == "elapsed" and each.value for each in scan(text)):
            found.append((condition(text), sentence))
    said, told = found[0] if len(found) == 1 else (None, None)
    if said is None or told is None or said.time is None or said.subject or told.scope or not _YOU.search(told.text):
        return []
    return [
        Rung(number=1, who=FIRST, line=told.line, hold=said.time),
        Rung(number=2, who=said.who, line=told.line),
    ]


_ARROW = re.compile(r"\s*(?:→|[-=]+>|,?\s+(?:then\s+)?escalate\s+to)\s*", re.I)
_YOU = re.compile(r"\byou(?:'re)?\b", re.I)  # whoever reads it is on call
_OPENING = re.compile(r"^\W*(?:if\s+|escalation\s*:\s*)", re.I)


def _named(words: str, line: int, scope: tuple[str, ...], scheme: Scheme) -> Iterator[Step]:
    """The step of words that may name its severity: "a P1 not acknowledged in 15 min → page the lead"."""
    bare = _without_id(words)
    severities = scope if bare == words else mentioned(words, scheme.known)
    said = step(bare) if bare and severities else None
    if said is not None and said.time is not None and not said.subject:
        yield severities, said, line


def _without_id(words: str) -> str:
    """`If a P1 is not resolved in ...` as `If not resolved in ...`; "" where a severity is named in another place."""
    found = ID.search(words)
    if found is None:
        return words
    before = _ARTICLE.sub("", words[: found.start()])
    end = found.end()
    while (more := _MORE.match(words, end)) and (other := ID.match(words, more.end())):
        end = other.end()
    behind = words[end:]
    if ID.search(behind) or (before and not re.search(r"\b(?:if|when|for|unless)\s+$", before, re.I)):
        return ""
    return re.sub(r"\bfor\s+$", "", before, flags=re.I) + _BEHIND.sub("", behind)
