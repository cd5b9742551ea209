"""The review after an incident, its agenda and its action items."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tocsin.core.policy import ActionItems, Deadline, Horizon, Review, Source, Template
from tocsin.guide.blocks import Block, Document, Section
from tocsin.guide.cadences import Sentence, sentences
from tocsin.guide.ids import mentioned
from tocsin.guide.inline import plain, split_label
from tocsin.guide.notes import Notes
from tocsin.guide.quantity import Quantity, deadline, scan
from tocsin.guide.severities import Scheme

_REVIEW = re.compile(
    r"post-?\s?mortem|retrospective|post-?incident\s+review|incident\s+review|\bpir\b|\brca\b|root cause analysis|incident report|after[\s-]action|lessons[\s-]learned (?:session|meeting|review)",
    re.I,
)
_UNDER = re.compile(
    r"post-?\s?mortem|retrospective|post-?incident\s+review|\bpir\b|incident review|lessons[\s-]learned (?:session|meeting|review)",
    re.I,
)
_DUE = re.compile(
    r"\bwithin\b|\bdentro de\b|\bem até\b|\binnerhalb\b|\bdue\b|\bdeadline\b|\bno later than\b|\bby the end\b|\binside\b|<|≤|business day|working day",
    re.I,
)
_HELD = re.compile(r"(?:conduct|hold|complete|finish)\s+(?:the\s+|a\s+)?review\b", re.I)
_SCHEDULES = re.compile(
    r"^(?!.*\b(?:hold|held|conduct|complete|finish|publish))"
    r"(?:\W*(?:\[.\]\s*)?(?:[^:]{1,40}(?::| --?| –| —)\s+)?(?:please |always |must )*(?:re)?schedul(?:e|ing)\b"
    r"|.*\b(?:must|should|shall|will|to|is|are) (?:be )?scheduled?\b)",
    re.I,
)
_NOT_DUE = re.compile(
    r"\baction items?\b.*\bwithin|\bmonitor|\bpreventive|\bpublish|\brecur|\bdays? of data|last \d|\b60-minute\b(?!.*within)",
    re.I,
)


def compile_review(document: Document, scheme: Scheme, notes: Notes) -> Review:
    """When the review is due, for which incidents, and what it goes through."""
    limit, line, severities = _due(document, scheme, notes)
    agenda: list[str] = []
    checklist: list[str] = []
    framework: list[str] = []
    for section in document.sections():
        if section.region == "example" or not section.level:
            continue
        items = [plain(item.text) for block in section.blocks for item in block.items]
        path = section.where
        if re.search(r"\bagenda\b", section.title, re.I) and not agenda:
            agenda = items
        elif (
            re.search(
                r"root cause analysis framework|rca framework|five whys|5 whys|analysis framework", section.title, re.I
            )
            and not framework
        ):
            framework = items
        elif (
            re.search(r"checklist|requirements", section.title, re.I)
            and (_UNDER.search(path) or re.search(r"post-?incident", path, re.I))
            and not checklist
            and section.region == "policy"
        ):
            checklist = items
    if line:
        notes.use(line)
    return Review(
        within=limit,
        kept_by="scheduling" if line and _SCHEDULES.search(plain(document.lines[line - 1])) else "holding",
        schedule_within=_scheduled(document, line, notes) if line else None,
        severities=severities,
        agenda=tuple(agenda),
        checklist=tuple(checklist),
        framework=tuple(framework),
        monitoring=_monitoring(document),
        source=Source(line=line) if line else None,
    )


def _scheduled(document: Document, due_line: int, notes: Notes) -> Deadline | None:
    """`Within 24 hours of resolution, schedule a review meeting`, where the review itself has another limit."""
    for section in document.sections():
        if section.region != "policy" or not _UNDER.search(section.where):
            continue
        for block in section.blocks:
            for item in block.items:
                text = plain(item.text.replace("\n", " "))
                if item.line != due_line and len(text) < 200 and re.search(r"\bschedul", text, re.I):
                    found = [each for each in scan(text) if each.bound == "<="]
                    if len(found) == 1:
                        notes.use(item.line)
                        return deadline(found[0])
    return None


def _due(document: Document, scheme: Scheme, notes: Notes) -> tuple[Deadline | None, int, tuple[str, ...]]:
    required: tuple[str, ...] = ()
    due: tuple[Deadline | None, int, tuple[str, ...]] = (None, 0, ())
    for sentence in sentences(document, scheme):
        text = plain(sentence.text)
        if len(text) > 500:
            continue
        if (
            not required
            and _REVIEW.search(text)
            and re.search(r"\brequired?\b|\bmandatory\b|\bmust\b|\brequires?\b", text, re.I)
        ):
            required = mentioned(re.split(r"\.\s", text)[0], scheme.known)
            notes.use(sentence.line)
        if due[0] is None:
            found = _limit(sentence, text)
            if found is not None:
                said = next((part for part in re.split(r"\.\s+", text) if scan(part)), text)
                due = (found, sentence.line, mentioned(said, scheme.known))
    if due[0] is None:
        due = _in_table(document, scheme)
    if due[0] is None:
        due = _above_template(document, scheme)
    return due[0], due[1], due[2] or (required if due[0] else ())


def _in_table(document: Document, scheme: Scheme) -> tuple[Deadline | None, int, tuple[str, ...]]:
    """The row of a table under the review's heading: "Hold post-mortem meeting | Within 48 hours"."""
    for section in document.sections():
        if section.region != "policy" or not _UNDER.search(section.where):
            continue
        for block in section.blocks:
            heads = [plain(head) for head in block.header]
            for row in block.rows if len(heads) == 2 else ():
                text = ", ".join(f"{head}: {plain(cell)}" for head, cell in zip(heads, row.cells, strict=False))
                if _REVIEW.search(" ".join(map(plain, row.cells))):
                    found = _limit(Sentence(text=text, line=row.line, section=section), text)
                    if found is not None:
                        return found, row.line, mentioned(text, scheme.known)
    return None, 0, ()


def _above_template(document: Document, scheme: Scheme) -> tuple[Deadline | None, int, tuple[str, ...]]:
    """The sentence above a review's template: "Every SEV1 incident requires a post-mortem within 48 hours:"."""
    for section in document.sections():
        first = section.blocks[0] if section.blocks else None
        if section.region != "template" or not _UNDER.search(section.title) or first is None:
            continue
        text = plain(first.text) if first.kind == "paragraph" else ""
        if len(text) < 300 and _REVIEW.search(text) and re.search(r"\brequire[sd]?\b|\bmust\b", text, re.I):
            found = _limit(Sentence(text=first.text, line=first.line, section=section), text)
            if found is not None:
                return found, first.line, mentioned(text, scheme.known)
    return None, 0, ()


def _limit(sentence: Sentence, text: str) -> Deadline | None:
    """The limit of one sentence, if it speaks of the review itself or stands under its heading as "within ..."."""
    above = sentence.section.where
    if _UNDER.search(sentence.section.title):  # "Within 5 business days, publish:" is about the review itself there
        text = re.sub(r"^(within [^,:]{3,40}), publish\b", r"\1", text, flags=re.I)
    if not _DUE.search(text) or _NOT_DUE.search(text):
        return None
    direct = bool(_REVIEW.search(text) or (_UNDER.search(above) and _HELD.match(text)))
    bare = re.match(
        r"(?:timeline|deadline|due|when|scheduled?|held|hold|conduct(?:ed)?|meet)?\s*:?\s*within\b", text, re.I
    ) or re.match(r"(?:timeline|deadline|due)$", sentence.label, re.I)
    if not direct and not (bare and _UNDER.search(above)):
        return None
    for part in re.split(r"\.\s+|;", text):
        found = [
            each
            for each in scan(part)
            if each.kind in ("elapsed", "business_days", "business_hours", "calendar", "range")
            and each.bound in ("<=", "=", "range")
            and each.value
        ]
        if found and (
            direct is False or _REVIEW.search(part) or _HELD.match(part) or len(re.split(r"\.\s+|;", text)) == 1
        ):
            chosen = [each for each in found if each.bound == "<="] or found
            return deadline(chosen[0]) if _distinct(chosen) == 1 else None
    return None


def _distinct(found: list[Quantity]) -> int:
    return len({(each.kind, each.value) for each in found})


def _monitoring(document: Document) -> Deadline | None:
    """`Enhanced monitoring for 24-48 hours`."""
    for section in document.sections():
        for block in section.blocks if section.region == "policy" else ():
            for item in block.items:
                text = plain(item.text)
                if len(text) < 200 and re.search(r"(?:enhanced|increased|heightened|service)\s+monitoring", text, re.I):
                    found = [each for each in scan(text) if each.kind in ("elapsed", "range")]
                    if len(found) == 1:
                        return deadline(found[0])
    return None


def compile_action_items(document: Document, templates: tuple[Template, ...]) -> ActionItems:
    """The fields of an action item, and the horizons that the guide sorts them into."""
    fields: tuple[str, ...] = ()
    line = 0
    for template in templates:
        if re.search(r"action item", template.title, re.I) and not fields:
            fields, line = tuple(_form_fields(template.body)), template.source.line if template.source else 0
    horizons = tuple(_horizons(document))
    source = Source(line=line) if line else horizons[0].source if horizons else None
    return ActionItems(fields=fields, horizons=horizons, effect_within=_effect(document), source=source)


EFFECT_WITHIN = Deadline(seconds=30 * 86_400)  # where a guide asks whether improvements helped, and not when
_ITEMS = r"(?:action items?|actions?|improvements?|measures|remediations?)"
_EFFECT = re.compile(
    rf"\b{_ITEMS}\b.{{0,60}}\b(?:and|are|were|is|was|been|for|their)\s+(?:\w+\s+)?effective(?:ness)?\b"
    rf"|\beffective(?:ness)?\b.{{0,20}}\b(?:of|for)\s+(?:the\s+|all\s+|our\s+)?(?:\w+\s+)?{_ITEMS}\b"
    rf"|\bfollow-?up review\b.{{0,20}}\b{_ITEMS}\b",
    re.I,
)


def _effect(document: Document) -> Deadline | None:
    """`Ensure action items are completed and effective`; the guide's own time where it gives one."""
    for section in document.sections():
        for block in section.blocks if section.region == "policy" else ():
            lines = [*block.lines()] if block.kind == "paragraph" else [(item.line, item.text) for item in block.items]
            for _, text in lines:
                words = plain(text.replace("\n", " "))
                if len(words) < 200 and _EFFECT.search(words):
                    found = [each for each in scan(words) if each.kind in ("elapsed", "business_days", "interval")]
                    return (deadline(found[0]) if len(found) == 1 else None) or EFFECT_WITHIN
    return None


def _form_fields(body: str) -> Iterator[str]:
    for line in body.split("\n"):
        heading = re.match(r"#+\s*[^:]{1,40}:\s*\[([^\]]+)\]", line)
        label = split_label(line) if line.lstrip().startswith("**") else None
        if heading:
            yield heading[1]
        elif label:
            yield label.label


def _horizons(document: Document) -> Iterator[Horizon]:
    for section in document.sections():
        if section.region == "example" or not re.search(r"action items?|follow-?up|improvement", section.title, re.I):
            continue
        for block in section.blocks:
            for item in block.items:
                text = plain(item.text)
                label = split_label(item.text)
                aside = re.match(
                    r"((?:short|medium|mid|long)[\s-]*term|immediate)\b.{0,5}\(([^()]{3,30})\)", text, re.I
                )
                if aside and label:
                    yield from _horizon(aside[1], aside[2], item.line)


def _horizon(name: str, span: str, line: int) -> Iterator[Horizon]:
    found = scan(span)
    if len(found) == 1:
        limit = deadline(found[0])
        if limit is None and isinstance(found[0].value, tuple):
            limit = deadline(found[0], lower=True)
        if limit is not None:
            yield Horizon(name=name, within=limit, source=Source(line=line))


def checklist_blocks(section: Section) -> Iterator[Block]:
    """The lists of a section that hold task boxes."""
    for block in section.blocks:
        if any(item.task is not None for item in block.items):
            yield block
