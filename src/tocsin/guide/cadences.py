"""How often whom is told: sentences, frequency fields, audience tables, headings; and what templates promise.

A cadence that stands only inside a template is kept with `confirmed=False`: it starts no timer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec
from msgspec.structs import replace

from tocsin.core.policy import Cadence, Source, Template
from tocsin.guide.beside import beside
from tocsin.guide.blocks import Block, Document, Item, Section
from tocsin.guide.cadence_scope import each_named, up_to_the_turn, with_the_shortened
from tocsin.guide.cadence_tables import of_table
from tocsin.guide.ids import ID, mentioned
from tocsin.guide.inline import plain, split_label
from tocsin.guide.leads import lead_line
from tocsin.guide.notes import Notes
from tocsin.guide.parties import channels
from tocsin.guide.quantity import Quantity, deadline, normalise, scan
from tocsin.guide.severities import Scheme

LONGEST_SECONDS = 8 * 86400  # a longer interval is upkeep or reporting, not an update during an incident

FIELD_BLOCKS_MAX = (
    30  # a field that names the channel stands near the heading; every sentence of the section asks for it
)

_UPDATE = re.compile(
    r"\bupdates?\b|\bprogress reports?\b|\bcommunicat\w*|\bstatus\b|\bpost(?:s|ed|ing)?\b|\bnotif\w+|\binform\w*|\bcadence\b|\bfrequency\b|\bsitreps?\b|\bbriefings?\b|\bcheck-?ins?\b"
    r"|\ba[ck]tuali[sz]\w+|\batuali[sz]\w+|\bmises? à jour|\bобновл\w+|更新|업데이트|공지|進捗",
    re.I,
)
_NOT_AN_UPDATE = re.compile(
    r"\bupkeep|\bdependenc(?:y|ies)\b|\b(?:software|package|library|security) updates?\b|\brunbooks?\b|\breview(?:ed|s)?\b|\bdrill|\btests?\b|\btested\b|\btraining|\brotat\w+|\bbackup|\bsnapshot|\bpoll\w*|\bscrap\w+|\bcontact (?:list|info)|\bmetrics?\b"
    r"|\bcheck(?:s|ed)?\b(?!-?in)|\bmonitor(?:s|ed|ing)?\b|\bhealth|\bsync\w*|\bretr(?:y|ies)|\bcron|\baudit|\bescalat\w*|\bpolicy\b|\bdocument(?:ation|s)?\b|\bhandoff|\bon-call (?:rotation|schedule)|\bper (?:user|request|ip)|\b(?:in|into|trong|via)\s+(?:the\s+|our\s+)?(?:daily|weekly|monthly)\s+cadence",
    re.I,
)
_ELSEWHERE = re.compile(
    r"metric|drill|training|upkeep|maintenance|reporting|schedule|rotation|handoff|backup|prevent|continuous improvement|document (?:review|control)|review (?:cycle|schedule)|on-call (?:runbook|checklist)|monitoring|checklist",
    re.I,
)
_FREQUENCY = re.compile(
    r"^(?:update\s+|communication\s+)?(?:frequency|cadence|interval)$|^(?:status\s+|internal\s+|external\s+|stakeholder\s+|customer\s+)?updates?(?:\s+(?:frequency|cadence|interval))?$|^updates?$",
    re.I,
)
_QUOTED = re.compile(r"[\"“][^\"“”]{25,}[\"”]")
_CADENCE_TITLE = re.compile(
    r"(?:fréquence|frecuencia|frequência)\s+(?:des?\s+|de\s+las?\s+|das?\s+)*(?:mises?\s+à\s+jour|actualizaci|atualizaç)|(?:update|communication|status|comms)\w*\s*(?:cadence|frequency|interval|schedule|timing)|^(?:(?:regular|status|stakeholder|customer|progress|internal|external) )*updates?$|^cadence\b",
    re.I,
)
_BARE_TITLE = re.compile(r"^(?:frequency|interval|timing)(?: (?:by|per) (?:severity|priority|level))?$", re.I)
_COMMUNICATION = re.compile(r"communicat|update|notif|stakeholder|status|cadence", re.I)
_IN_HOURS = re.compile(r"\b(?:business|working|office|core)[\s-]+hours\b")
AUDIENCES: tuple[tuple[str, str], ...] = (
    (r"\bcustomers?\b|\bclients?\b|\busers\b", "customers"), (r"status page", "status page"), (r"\bpartners?\b", "partners"),
    (r"\bexecutives?\b|\bleadership\b|\bmanagement\b", "management"), (r"\bstakeholders?\b", "stakeholders"),
    (r"\bexternal", "external"), (r"\binternal", "internal"), (r"\bteam\b|\bengineer", "team"),
)  # fmt: skip


class Sentence(msgspec.Struct, frozen=True, kw_only=True):
    """One line of policy text with where it stands."""

    text: str
    line: int
    section: Section
    label: str = ""
    scope: tuple[str, ...] = ()
    lead: str = ""  # of a list item: the line that leads into its list


def sentences(document: Document, scheme: Scheme) -> list[Sentence]:
    """Every heading, paragraph line and list item of the policy region, with the severities it stands under."""
    if document.spoken is None:
        document.spoken = list(_sentences(document, scheme))
    return document.spoken


def _sentences(document: Document, scheme: Scheme) -> Iterator[Sentence]:
    for section in document.sections():
        if section.region != "policy":
            continue
        scope = scope_of(section, scheme.known)
        if section.level:
            yield Sentence(text=section.raw, line=section.line, section=section, scope=scope)
        before: Block | None = None
        for block in section.blocks:
            led = _lead_in(before, block, scheme) if block.kind == "list" else ()
            lead = lead_line(before, block) if block.kind == "list" else ""
            for sentence in _of_block(block, section, led or scope, scheme):
                yield replace(sentence, lead=lead) if lead else sentence
            before = block


def _lead_in(before: Block | None, block: Block, scheme: Scheme) -> tuple[str, ...]:
    """The severities of a list that a line such as "For SEV-1 incidents:" leads into."""
    if before is None or before.kind != "paragraph" or before.end + 2 < block.line:
        return ()
    words = plain(before.text)
    return mentioned(words, scheme.known) if len(words) < 80 and words.endswith(":") else ()


def _of_block(block: Block, section: Section, scope: tuple[str, ...], scheme: Scheme) -> Iterator[Sentence]:
    waiting: list[tuple[Block | Item, tuple[str, ...]]] = [(block, scope)]
    while waiting:
        here, within = waiting.pop()
        if isinstance(here, Item):
            label = split_label(here.text.split("\n")[0])
            text = here.text.replace("\n", " ")
            yield Sentence(text=text, line=here.line, section=section, label=label.label if label else "", scope=within)
            below = (
                mentioned(label.label, scheme.known)
                if label
                else mentioned(text, scheme.known)
                if here.blocks and len(text) < 60
                else ()
            )
            waiting.extend((child, below or within) for child in reversed(here.blocks))
        elif here.kind == "list":
            waiting.extend((item, within) for item in reversed(here.items))
        elif here.kind == "paragraph":
            for line, text in _joined(here):
                label = split_label(text)
                yield Sentence(text=text, line=line, section=section, label=label.label if label else "", scope=within)


def _joined(block: Block) -> Iterator[tuple[int, str]]:
    """The lines of a paragraph; a line that does not begin a new label or sentence belongs to the one before."""
    held, start = "", block.line
    for n, line in block.lines():
        begins = not held or split_label(line) is not None or held.rstrip().endswith((".", "!", "?", ":", "  ", "\\"))
        if begins:
            if held:
                yield start, held
            held, start = line, n
        else:
            held += " " + line
    if held:
        yield start, held


def scope_of(section: Section, known: dict[str, str]) -> tuple[str, ...]:
    """The severities whose section this is, by its own title or the nearest one above that names any."""
    if section.scope is None:
        own = mentioned(section.title, known) if ID.search(section.title) else _word_title(section.title, known)
        section.scope = own or (scope_of(section.parent, known) if section.parent is not None else ())
    return section.scope


def _word_title(title: str, known: dict[str, str]) -> tuple[str, ...]:
    words = re.sub(r"\([^()]*\)", "", title).strip(" :").casefold()
    words = re.sub(r"\s+(?:severity|priority|incidents?|issues?)$", "", words)
    parts = re.split(r"\s*(?:/|,|&|\band\b|\bor\b)\s*", words)  # "Critical/High severity"
    return tuple(dict.fromkeys(known[part] for part in parts)) if all(part in known for part in parts) else ()


def compile_cadences(document: Document, scheme: Scheme, notes: Notes) -> tuple[Cadence, ...]:
    """Every cadence of the policy region, those of the severity tables first."""
    found = list(scheme.cadences)
    for sentence in sentences(document, scheme):
        for cadence in _of_sentence(sentence, scheme, notes):
            _add(found, cadence, notes)
    for section in document.sections():
        if section.region == "policy":
            for block in section.blocks:
                if block.kind == "table":
                    scope = scope_of(section, scheme.known)
                    for cadence in of_table(section, block, scheme, scope, LONGEST_SECONDS):
                        _add(found, cadence, notes)
    for cadence in found:
        if cadence.source:
            notes.use(cadence.source.line)
    return tuple(found)


def _add(found: list[Cadence], cadence: Cadence, notes: Notes) -> None:
    same = [each for each in found if set(each.severities or ("*",)) & set(cadence.severities or ("*",))]
    covered = {one for each in same if _as_often(each, cadence) for one in each.severities}
    if any(not each.severities and _as_often(each, cadence) for each in found) or (
        cadence.severities and set(cadence.severities) <= covered
    ):
        notes.use(cadence.source.line if cadence.source else 0)
        return
    clash = [each for each in same if each.audience == cadence.audience and not _as_often(each, cadence)]
    if clash and cadence.source and clash[0].source:
        message = f"{cadence.audience} are told {cadence.every.text or cadence.every.seconds} here and differently on line {clash[0].source.line}"
        notes.add(
            "GUIDE-CONFLICT",
            "warning",
            cadence.source.line,
            message,
            "name the audience of each, or say which one counts",
        )
    found.append(cadence)


def _as_often(one: Cadence, other: Cadence) -> bool:
    return (one.every.seconds, one.every.business_days) == (other.every.seconds, other.every.business_days)


def _of_sentence(sentence: Sentence, scheme: Scheme, notes: Notes) -> Iterator[Cadence]:
    spoken = plain(sentence.text)
    if len(spoken) > 1500:
        return
    text = _QUOTED.sub(" ", spoken)  # what a message says in quotes is what people may send, not a rule
    if _FREQUENCY.match(sentence.label) and (pairs := beside(text, scheme.known)):
        yield from _paired(pairs, sentence, text)
        return
    intervals = with_the_shortened(text, [each for each in scan(text) if each.kind == "interval"])
    by_section = _is_about_updates(sentence.section) or bool(_CADENCE_TITLE.search(sentence.lead.strip(" :")))
    if by_section and not intervals and ID.search(sentence.label):  # "SEV1: 15 minutes" under "Update cadence"
        intervals = [
            replace(each, kind="interval")
            for each in scan(text)
            if each.kind in ("elapsed", "range") and each.bound in ("=", "range")
        ]
    if not intervals:
        return
    by_label = bool(_FREQUENCY.match(sentence.label)) and bool(
        _COMMUNICATION.search(" ".join(sentence.section.path()) + sentence.label)
    )
    if (
        not by_label
        and not (by_section and not _NOT_AN_UPDATE.search(text))
        and (not _UPDATE.search(f"{sentence.lead} {text}") or _NOT_AN_UPDATE.search(f"{sentence.lead} {text}"))
    ):
        return
    title = sentence.section.title
    if _ELSEWHERE.search(title) and not _COMMUNICATION.search(title) and not each_named(title, text, intervals):
        return
    yield from _scoped(text, intervals, sentence, scheme, notes)


def _paired(pairs: dict[str, Quantity], sentence: Sentence, text: str) -> Iterator[Cadence]:
    for severity, quantity in pairs.items():
        every = deadline(quantity, lower=True) if quantity.bound in ("=", "range") else None
        if every is not None and every.seconds and every.seconds <= LONGEST_SECONDS:
            told, source = audience(sentence.section, text), Source(line=sentence.line)
            yield Cadence(audience=told, severities=(severity,), every=every, channels=channels(text), source=source)


def _is_about_updates(section: Section) -> bool:
    """Whether a list under this heading gives intervals of updates, as "Frequency by severity" under "Status updates" does."""
    if _CADENCE_TITLE.search(section.title):
        return True
    return bool(_BARE_TITLE.match(section.title) and section.parent and _COMMUNICATION.search(section.parent.title))


def _scoped(
    text: str, intervals: list[Quantity], sentence: Sentence, scheme: Scheme, notes: Notes
) -> Iterator[Cadence]:
    """Each interval with the severities that stand beside it: behind it, or before it where they come first."""
    phrase = normalise(text)
    first = ID.search(phrase)
    prefixed = first is not None and first.start() < intervals[0].start
    if first is None:  # "Critical: every 30 minutes"
        prefixed = bool(mentioned(phrase[: intervals[0].start], scheme.known))
    scopes = []
    for n, interval in enumerate(intervals):
        before = intervals[n - 1].end if n else 0
        after = intervals[n + 1].start if n + 1 < len(intervals) else len(phrase)
        scopes.append(
            mentioned(
                phrase[before : interval.start] if prefixed else up_to_the_turn(phrase[interval.end : after]),
                scheme.known,
            )
        )
    if prefixed and len(intervals) == 1 and not scopes[0]:
        scopes[0] = mentioned(phrase, scheme.known)
    if len(intervals) > 1 and sum(not scope for scope in scopes):
        distinct = {each.value for each in intervals}
        if len(distinct) > 1:
            message = f'"{text[:80]}" gives several intervals without saying for which severity each one is'
            notes.add("GUIDE-UNREAD", "note", sentence.line, message, "write one interval per severity or audience")
            return
    for interval, scope in zip(intervals, scopes, strict=True):
        every = deadline(interval, lower=True)
        seconds = interval.value[0] if isinstance(interval.value, tuple) else interval.value
        if every is None or not isinstance(seconds, int) or not 0 < seconds <= LONGEST_SECONDS:
            continue
        if seconds < 86400 and _IN_HOURS.search(phrase[interval.end :]):
            message = f'"{text[:80]}" holds in working hours only; a cadence runs around the clock, so none starts'
            notes.add("GUIDE-UNREAD", "note", sentence.line, message, 'write "every business day", or drop the hours')
            continue
        if seconds >= 86400 and not (
            scope or sentence.scope or re.search(r"\bupdates?\b|communicat|progress report", text, re.I)
        ):
            continue
        condition = re.search(r"\b(?:if|while|during|until|when)\b[^,;.]{3,60}", text, re.I)
        yield Cadence(
            audience=audience(sentence.section, text),
            severities=scope or sentence.scope,
            every=replace(every, text=interval.text),
            channels=channels(text) or _channel_field(sentence.section),
            condition=condition[0].strip(" )*") if condition else "",
            source=Source(line=sentence.line),
        )


def _channel_field(section: Section) -> tuple[str, ...]:
    for block in section.blocks[:FIELD_BLOCKS_MAX]:
        for item in block.items[:FIELD_BLOCKS_MAX]:
            label = split_label(item.text)
            if label and re.match(r"channels?$|primary$|tool$", label.label, re.I):
                return channels(label.value)
    return ()


def audience(section: Section, text: str) -> str:
    """Who is told: by the heading that names a group, then by the words, else the stakeholders at large."""
    at: Section | None = section
    while at is not None and at.level > 1:
        if re.search(
            r"\bteam$|^customers?|^partners?|^management$|^executives?|^leadership|^stakeholders?$|^media",
            at.title,
            re.I,
        ) and not re.search(r"procedure|communicat", at.title, re.I):
            return at.title
        for pattern, name in AUDIENCES[:-1]:
            if re.search(rf"^(?:\d[\d.]*\s+)?(?:{pattern})", at.title, re.I) or (
                name in ("customers", "internal", "external", "partners") and re.search(pattern, at.title, re.I)
            ):
                return name
        at = at.parent
    for pattern, name in AUDIENCES:
        if re.search(pattern, text, re.I):
            return name
    return "stakeholders"


def _section_at(document: Document, line: int) -> Section:
    found = document.root
    for section in document.sections():
        if section.line <= line <= section.end and section.line >= found.line:
            found = section
    return found


def of_templates(
    document: Document, templates: tuple[Template, ...], scheme: Scheme, stated: tuple[Cadence, ...], notes: Notes
) -> tuple[Cadence, ...]:
    """What the texts of templates promise and the policy does not, unconfirmed."""
    found: list[Cadence] = []
    for template in templates:
        for n, line in enumerate(template.body.split("\n")):
            if not _UPDATE.search(line) or len(line) > 500:
                continue
            for interval in [each for each in scan(line) if each.kind == "interval" and isinstance(each.value, int)][
                :1
            ]:
                every = deadline(interval)
                if every is None or not every.seconds or every.seconds > LONGEST_SECONDS:
                    continue
                start = template.source.line if template.source else 1
                scope = scope_of(_section_at(document, start), scheme.known)
                severities = (
                    mentioned(template.title, scheme.known) or scope or mentioned(template.body[:200], scheme.known)
                )
                severities = severities if len(severities) == 1 else ()
                source = Source(line=start + 1 + n)
                same = [
                    each
                    for each in stated
                    if not each.severities or not severities or set(each.severities) & set(severities)
                ]
                if any(each.every.seconds == every.seconds for each in same):
                    continue
                if same:
                    message = f'template "{template.title}" promises {interval.text!r}; the policy says {same[0].every.text or same[0].every.seconds!r} on line {same[0].source.line if same[0].source else 0}'
                    notes.add(
                        "GUIDE-CADENCE", "warning", source.line, message, "let the template say what the policy says"
                    )
                found.append(
                    Cadence(audience=template.audience or "stakeholders", severities=severities, every=replace(every, text=interval.text), confirmed=False, source=source)
                )  # fmt: skip
    return tuple(found)
