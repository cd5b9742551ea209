"""Escalation ladders in sentences: "If the primary does not acknowledge within 10 minutes, page the secondary"."""

from __future__ import annotations

import re

import msgspec

from tocsin.guide.blocks import Item
from tocsin.guide.ids import ID
from tocsin.guide.inline import plain
from tocsin.guide.ladder_severities import BY_SEVERITY, SEVERITY, told_by_severity
from tocsin.guide.parties import PARTY, parties, without_quantities
from tocsin.guide.quantity import Quantity, read, scan
from tocsin.guide.rungs import RUNGS_MAX, Rung, counts, start
from tocsin.guide.words import NEGATIVE

BEFORE_MAX = 2  # lines about what starts it all, above the first step: "1. The alert opens a ticket."
SENTENCE_MAX = 240  # characters; a longer one says more than one step

_TOOL = r"(?:(?:the\s+)?(?:(?:pagerduty|opsgenie|pager)(?:\s+alerts?)?|alert\s?manager|alerting|alerts?|pages?|system|automation)\s+(?:will\s+)?(?:then\s+)?)?"
_CALL = (
    r"(?:then\s+)?(?:you\s+)?(?:(?:must|should|shall|will|have\s+to|need\s+to)\s+)?(?:auto(?:matically)?[\s-]+)?(?:immediately\s+)?(?:re-?)?(?:escalate|page|notify|notifies|call|alert|contact|inform|engage|involve|wake|go\s+on|goe|fire|land|hand\s+over)s?"
    r"\s+(?:it\s+|this\s+)?(?:up\s+)?(?:(?:to|on)\s+)?"
)
_CALLED = r"(?:is|are|gets?|will\s+be|must\s+be)\s+(?:automatically\s+)?(?:paged|notified|called|alerted|contacted|informed|engaged)"
_THEN = r"\s*(?:,|:|→|[-=]+>|—|\s–\s)\s*"
_WHO = r"[^,;:→]{2,80}?"
_REFUSED = r"(?:ack\w*|respon\w+|respost\w*|respuest\w*|réponse|antwort\w*|reaktion|gelöst|risol\w+|rispost\w+|reconoc\w+|confirm\w*|answer\w*|repl(?:y|ies|ied)|resol\w+|mitigat\w+|contain\w*|triag\w+|assign\w*|progress|reach\w*|available|availability|fixed|pick(?:ed)?\s+up|received|reaction)"
_FORMS = tuple(
    re.compile(form, re.I)
    for form in (
        rf"(?:if|when|once|unless)\s+(?P<cond>[^,;:→]{{3,90}}?){_THEN}{_TOOL}(?:{_CALL}(?P<who>{_WHO})|(?P<whom>{_WHO})\s+{_CALLED})\.?$",
        rf"{_TOOL}{_CALL}(?P<who>{_WHO})\s+(?:if|when|once|after)\s+(?P<cond>[^,;:→]{{3,90}}?)\.?$",
        rf"after\s+(?P<cond>[^,;:→]{{3,80}}?){_THEN}{_TOOL}(?:{_CALL}(?P<who>{_WHO})|(?P<whom>{_WHO})\s+{_CALLED})\.?$",
        rf"(?P<cond>[^,;:→]{{3,90}}?){_THEN}{_TOOL}(?:{_CALL}(?P<who>{_WHO})|(?P<whom>{_WHO})\s+{_CALLED})\.?$",
        rf"(?P<cond>[^,;:→]{{3,90}}?)\s*(?:→|[-=]+>)\s*(?P<who>{_WHO})\.?$",
    )
)
_FIRST = r"(?:\s+(?:first|immediately|at\s+once|right\s+away))?"
_BEGIN = re.compile(
    rf"{_TOOL}(?:(?P<whom>{_WHO})\s+{_CALLED}{_FIRST}|{_CALL}(?P<who>{_WHO}){_FIRST}(?:\s+(?:via|by|through)\s+[^,;:]{{2,60}}?)?|(?P<self>{_WHO})\s+(?:responds|acknowledges|(?:must|ha(?:s|ve)\s+to|ha(?:s|ve))(?:\s+to)?\s+(?:respond|acknowledge))(?:\s+(?:to\s+)?(?:the\s+)?(?:alert|page|incident)\b[^;:]{{0,60}})?)"
    r"(?:\s+(?:for|on)\s+(?:all\s+|every\s+|any\s+)?(?P<scope>[^,;:.]{2,60}?))?\.?$",
    re.I,
)
_SUBJECT = re.compile(r"(?:the\s+)?(?P<who>.{2,50}?)\s+(?:does|do|has|have|is|are|fails|cannot|did)\b", re.I)
_NOT = re.compile(NEGATIVE, re.I)
_ABOUT = re.compile(rf"\b(?:un|non)?-?{_REFUSED}\b", re.I)
# "unresolved after 30 minutes, or if the incident is SEV1": who is called at once for some is called for all then
_OR_AT_ONCE = re.compile(
    rf",?\s+or\s+(?:if\s+(?:it|the\s+incident)\s+is\s+)?(?:an?\s+|for\s+)?{SEVERITY}(?:\s+incidents?)?(?=\s*[,:])", re.I
)
_FURTHER = re.compile(r"(?:an?\s+)?(?:further|another|additional|more)\s+(.{2,30})$", re.I)
_MORE = re.compile(r"\b(\d{1,3})\s+(?:more|further|additional)\s+(?=min|h)", re.I)
_AT = re.compile(r"\bat\s+(?:the\s+)?(?:t\s?\+\s?)?\d", re.I)
_LEVELED = re.compile(r"\s*\((?:level|tier|l)\s?-?\d\)", re.I)  # "the lead (level 2)" is the lead
_ALERTED = re.compile(
    r"(?:an?\s+|the\s+)?(?:[\w-]{2,20}\s+)?(?:alert|incident|alarm|issue)s?\s+(?:is\s+|gets?\s+)?(?:triggered|triggers|fires|fired|detected|raised|opened|created)\s*(?:→|[-=]+>)\s*",
    re.I,
)
_MENDED = re.compile(r"\b(?:resol|mitigat|fix|contain)", re.I)
_STILL = re.compile(r"\bstill\b|\bagain\b|\balso\b", re.I)


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """What a sentence says: after `time`, `who` is called; `subject` is whoever did not answer, where it says so.

    `bare`: the time stands alone, and is that of the incident; `varies`: the words of times that differ by severity.
    """

    who: tuple[str, ...]
    time: Quantity | None
    subject: tuple[str, ...] = ()
    bare: bool = False
    varies: str = ""


def condition(text: str) -> Condition | None:
    """The step that a sentence sets for every severity, or None where it sets none or another kind."""
    words = _OR_AT_ONCE.sub("", _LEVELED.sub("", plain(text)).strip())
    if not ID.search(words):
        return step(words) or _bare(words)
    varies = BY_SEVERITY.search(words) if len(words) <= SENTENCE_MAX else None
    if varies is None or ID.search(words[: varies.start()] + words[varies.end() :]):
        return None
    first = next(iter(scan(varies[0])), None)
    said = step(f"{words[: varies.start()]}{first.text} {words[varies.end() :]}") if first else None
    return msgspec.structs.replace(said, time=None, varies=told_by_severity(words)) if said else None


def _bare(words: str) -> Condition | None:
    """`Escalate to the manager after 30 minutes`, "after a further 20 minutes, call the lead": a step without a condition."""
    if len(words) > SENTENCE_MAX:
        return None
    for form in (_FORMS[1], _FORMS[2]):
        found = form.fullmatch(words)
        further = _FURTHER.match(found["cond"]) if found else None
        more = _MORE.search(found["cond"]) if found and not further else None
        time = read(further[1] if further else _MORE.sub(r"\1 ", found["cond"])) if found else None
        who = _people(found["who"] or found.groupdict().get("whom") or "") if found else ()
        if who and time is not None and time.kind == "elapsed" and time.value:
            return Condition(who=who, time=time, bare=not (further or more))
    return None


def step(words: str) -> Condition | None:
    """The step of a sentence: whom to call when nobody answered or mended it, perhaps without a time: "if still ...".

    None where anything else is the condition: "if a queue is not empty within 5 minutes".
    """
    words = words.strip()
    if len(words) > SENTENCE_MAX:
        return None
    for form in _FORMS:
        found = form.match(words)
        if found is None:
            continue
        cond = found["cond"]
        if not waits(cond):
            continue
        times = [each for each in scan(cond) if counts(each) and each.value]
        who = _people(found["who"] or found.groupdict().get("whom") or "")
        if not who or len(times) > 1 or (not times and scan(words)):
            return None
        named = _SUBJECT.match(cond)
        subject = parties(named["who"]) if named and PARTY.search(named["who"]) else ()
        return Condition(who=who, time=times[0] if times else None, subject=subject)
    return None


def beginning(text: str) -> Rung | None:
    """Who is called first, without a number or a line yet: "The primary on-call is paged for SEV1 incidents."."""
    words = _ALERTED.sub("Page ", _LEVELED.sub("", plain(text)).strip())
    words = _SENTENCES.split(words)[0] if _SENTENCES.search(words) and not scan(_SENTENCES.split(words)[0]) else words
    if len(words) > SENTENCE_MAX or any(each.kind not in ("elapsed", "qualitative") for each in scan(words)):
        return None
    bare = without_quantities(words).replace(" .", ".")  # "within 5 minutes" is how soon, and no step
    found = None if _NOT.search(bare) else _BEGIN.match(bare)
    who = _people(found["whom"] or found["who"] or found["self"]) if found else ()
    scope = (found["scope"] or "") if found else ""
    if not who or bool(ID.search(words)) != bool(ID.search(scope)) or (scope and not ID.search(scope)):
        return None  # "for payments" is another kind of alert
    return Rung(who=who, number=1, line=0, scope=scope)


def waits(words: str) -> bool:
    """Whether a condition is that nobody answered, or that nothing was mended."""
    return bool(_NOT.search(words) and _ABOUT.search(words))


def of_sentences(lines: list[tuple[int, str]], *, alone: bool = True) -> list[Rung]:
    """The ladder of sentences that follow each other.

    Before the first step may stand what starts it, behind the last one other work; `alone`: nothing else stands there.
    [] where one of them is of another kind.
    """
    rungs: list[Rung] = []
    mended: list[bool] = []
    before = behind = 0
    for line, text in lines[: 2 * RUNGS_MAX]:
        said = condition(text)
        if said is None:
            first = beginning(text)
            if first is not None and not rungs:
                rungs.append(msgspec.structs.replace(first, line=line))
            elif first is not None and len(rungs) == 1 and _same(first.who, rungs):
                continue  # "The primary has 15 minutes to acknowledge."
            elif not rungs and not scan(plain(text)) and not ID.search(plain(text)):
                before += 1
            else:
                behind += 1
            continue
        if said.bare and behind:
            break  # "Write the report after 24 hours" and what follows it is other work
        timeless = said.time is None and not said.varies
        if timeless and len(rungs) < 2 and not _STILL.search(text):
            behind += 1  # "If he is not reachable, call the desk" says nothing of when
            continue
        if behind or (not rungs and not said.subject) or (timeless and len(rungs) < 2):
            return []
        if not rungs:
            rungs.append(Rung(number=1, who=said.subject, line=line))
        if said.subject and not _same(said.subject, rungs):
            return []
        if said.bare or _AT.search(plain(text)):  # "unacknowledged at 20 minutes" is a time line
            rungs.append(Rung(number=len(rungs) + 1, who=said.who, line=line, reach=said.time, since_start=True))
            continue
        mended.append(_MENDED.search(text) is not None and not said.subject)
        rungs[-1] = msgspec.structs.replace(rungs[-1], hold=said.time, varies=said.varies, unclear=said.varies)
        rungs.append(Rung(number=len(rungs) + 1, who=said.who, line=line))
    if before > BEFORE_MAX or (alone and before + behind):
        return []
    rungs = _from_the_opening(rungs, mended) if mended else rungs
    return rungs if 1 < len(rungs) <= RUNGS_MAX else []


def _from_the_opening(rungs: list[Rung], mended: list[bool]) -> list[Rung]:
    """`Not resolved in 10 min → lead`, `Not resolved in 30 min → CTO`: an incident is unresolved from its opening."""
    times = [start(rung.hold) for rung in rungs[:-1]]
    known = [time for time in times if time is not None]
    if len(mended) < 2 or not all(mended) or len(known) < len(times) or known != sorted(set(known)):
        return rungs
    after = [None, *(rung.hold for rung in rungs[:-1])]
    return [
        msgspec.structs.replace(rung, hold=None, reach=time, since_start=time is not None)
        for rung, time in zip(rungs, after, strict=True)
    ]


def item_text(item: Item) -> str:
    """The words of an item; "If nobody answers in 10 minutes:" goes on with the first line below it."""
    below = [sub.text for inner in item.blocks for sub in inner.items][:1]
    return f"{item.text} {below[0]}" if below and item.text.rstrip().endswith(":") else item.text


def of_paragraph(text: str, line: int) -> list[Rung]:
    """The ladder of a paragraph that says nothing else, or whose lines are steps: "Step 1: ...", "Step 2: ..."."""
    lines = [each for each in text.split("\n") if each.strip()]
    numbered = [(n, found[1]) for n, each in enumerate(lines, line) if (found := _STEP.match(plain(each)))]
    if len(numbered) > 1 and len(numbered) >= len(lines) - 1:
        return of_sentences(numbered, alone=False)
    words = _with_units(" ".join(plain(text).split()))
    parts = [part for part in _SENTENCES.split(words) if part]
    return of_sentences([(line, part) for part in parts]) if len(words) <= 1000 else []


_STEP = re.compile(r"step\s+\d{1,2}\s*[:.)–—-]\s*(.+)$", re.I)
_SENTENCES = re.compile(r"(?<=[a-z)])[.;]\s+|(?<=[a-z)]),?\s+(?:and\s+)?then\s+(?=after\b|if\b)|(?<=[a-z)]),\s+(?:and\s+)?(?=after\s+(?:a\s+further|another|an\s+additional)\b)", re.I)  # fmt: skip
_NO_UNIT = re.compile(r"\b((?:further|another|additional)\s+\d{1,3})(?=\s*[,:])", re.I)


def _with_units(words: str) -> str:
    """`in 10 minutes, page X; after a further 20, call Y`: the second time is of the unit of the first."""
    unit = re.search(r"\d\s*(minutes?|mins?|hours?|hrs?)\b", words, re.I)
    return _NO_UNIT.sub(rf"\1 {unit[1]}", words) if unit else words


def _people(text: str) -> tuple[str, ...]:
    return parties(text) if PARTY.search(text) else ()


def _same(subject: tuple[str, ...], rungs: list[Rung]) -> bool:
    """Whether the subject is the one who was called last: "the secondary" is the "secondary on-call"."""
    last, said = rungs[-1].who[0].casefold(), subject[0].casefold()
    return said in last or last in said
