"""An ordinary Markdown guide becomes a policy, with the line of every fact and a list of what was not understood.

`compile_guide(text, name)` is pure and deterministic: the same bytes give the same policy and findings. It never
raises on any text; a text that cannot be a guide yields an empty policy and a finding that says why.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Literal

import msgspec

from tocsin.core.policy import Finding, Policy
from tocsin.guide.about import (
    compile_assessment,
    compile_categories,
    compile_decision_tree,
    compile_definition,
    compile_mapping,
    compile_metadata,
    compile_objectives,
    guide_title,
    services_of,
    status_of,
)
from tocsin.guide.assess import with_assessment
from tocsin.guide.blocks import ROWS_MAX, Block, Document, Section, count_fences, parse
from tocsin.guide.cadences import compile_cadences, of_templates
from tocsin.guide.communications import compile_communications, compile_phone
from tocsin.guide.escalation import compile_escalation
from tocsin.guide.evidence import names_incidents
from tocsin.guide.followups import compile_follow_ups, within
from tocsin.guide.ids import ID, key, mentioned
from tocsin.guide.inline import plain
from tocsin.guide.measures import (
    compile_dashboards,
    compile_drills,
    compile_duties,
    compile_metrics,
    compile_remediation,
    compile_reports,
)
from tocsin.guide.notes import Notes
from tocsin.guide.people import compile_contacts, compile_roles, compile_staffing
from tocsin.guide.periods import missing_periods
from tocsin.guide.procedures import compile_commands, compile_phases, compile_runbooks
from tocsin.guide.quantity import scan
from tocsin.guide.repair import BYTES_MAX, Repaired, Unreadable, decode, repair
from tocsin.guide.review import compile_action_items, compile_review
from tocsin.guide.severities import Scheme, compile_severities
from tocsin.guide.spoken import join_sentences
from tocsin.guide.templates import compile_templates
from tocsin.guide.words import ESCALATION
from tocsin.guide.workinghours import compile_hours


class Compiled(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one guide. `sha256` names the bytes; `status` is "active", "draft", "not started" or "no policy".

    Only a guide whose status is "active" may be activated without somebody confirming it.
    """

    name: str
    sha256: str
    policy: Policy
    findings: tuple[Finding, ...]
    status: str
    document: Document | None = None
    scheme: Scheme | None = None

    @property
    def lines(self) -> tuple[str, ...]:
        return self.document.lines if self.document else ()


def compile_guide(text: str | bytes, name: str = "guide.md") -> Compiled:
    """The policy of a guide and its findings, those of the linter not included (`lint.lint`)."""
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    sha256 = hashlib.sha256(data).hexdigest()
    notes = Notes(file=name)
    try:
        if len(data) > BYTES_MAX:
            raise Unreadable(f"a guide has at most {BYTES_MAX} bytes, this has {len(data)}")
        content = decode(data) if isinstance(text, bytes) else text
        if "\x00" in content:
            raise Unreadable("this is a binary file: it holds zero bytes")
    except Unreadable as error:
        notes.add("GUIDE-UNREADABLE", "error", 1, str(error), "give a Markdown file in UTF-8")
        return _nothing(name, sha256, name, notes, "no policy", None)
    content = content.encode("utf-8", "replace").decode("utf-8")
    repaired = repair(content)
    for note in repaired.notes:
        notes.add(note.rule, "note", note.line, note.message)
    document = parse(repaired)
    if document.too_deep:
        notes.add(
            "GUIDE-DEPTH",
            "warning",
            document.too_deep,
            "lists and quotes nested this deeply are not read",
            "use fewer levels",
        )
    if document.cut_rows:
        message = f"only the first {ROWS_MAX} rows of this table are read"
        notes.add("GUIDE-LONG", "warning", document.cut_rows, message, "keep data out of the guide")
    compiled = _compile(document, repaired, name, sha256, notes)
    if repaired.fences_lengthened:  # `code_blocks` counts as CommonMark does, even where that reading is mended
        policy = msgspec.structs.replace(compiled.policy, code_blocks=count_fences(content))
        compiled = msgspec.structs.replace(compiled, policy=policy)
    return compiled


def _nothing(
    name: str,
    sha256: str,
    title: str,
    notes: Notes,
    status: str,
    document: Document | None,
    metadata: dict[str, str] | None = None,
) -> Compiled:
    found = tuple(notes.findings())
    policy = Policy(title=title, severities=(), metadata={**(metadata or {}), "status": status}, findings=found)
    return Compiled(
        name=name, sha256=sha256, policy=policy, findings=found, status=status, document=document, scheme=Scheme()
    )


def _compile(document: Document, repaired: Repaired, name: str, sha256: str, notes: Notes) -> Compiled:
    metadata, at = compile_metadata(document, repaired.front)
    title = guide_title(document, repaired.front, name)
    status, line = status_of(document, metadata, at.get("status", 1))
    scheme = compile_severities(document, notes)
    scheme.severities = join_sentences(document, scheme, notes)
    if status in ("not started", "no policy") or not scheme.severities:
        status = _refuse(status, line, scheme, document, notes)
        return _nothing(name, sha256, title, notes, status, document, metadata)
    if status == "draft":
        message = "the guide calls itself a draft or not approved: nothing of it runs until somebody confirms it"
        notes.add("GUIDE-DRAFT", "warning", line or 1, message, "remove the word when the guide is in force")
        metadata["status"] = "draft"
    policy = _policy(document, repaired, scheme, metadata, title, notes)
    if status == "draft":
        policy = _unconfirmed(policy)
    _not_understood(document, scheme, notes)
    missing_periods(document, notes)
    found = tuple(notes.findings())
    return Compiled(name=name, sha256=sha256, policy=msgspec.structs.replace(policy, findings=found), findings=found, status=status, document=document, scheme=scheme)  # fmt: skip


def _refuse(status: str, line: int, scheme: Scheme, document: Document, notes: Notes) -> str:
    if status == "not started":
        notes.add(
            "GUIDE-STUB",
            "error",
            line or 1,
            "the guide says that it is not started: nothing of it is policy",
            "write it, then change its status",
        )
        return status
    why = (
        "it is about reporting vulnerabilities"
        if status == "no policy" and scheme.severities
        else "the severities here are planned and not in force"
        if scheme.planned
        else "nothing says that the severities here are those of incidents"
        if scheme.passed_over
        else "nothing in it defines severities of incidents"
    )
    doubtful = not scheme.severities and (scheme.passed_over or _may_be_one(document))
    notes.add(
        "GUIDE-NO-POLICY",
        "warning" if doubtful else "error",  # severities that were not understood are no proof that there is no policy
        scheme.passed_over or 1,
        f"no policy is made of this: {why}" if doubtful else f"this is not an incident-response policy: {why}",
        "take the remark away when they are in force"
        if scheme.planned
        else 'write "incident" into the heading above them, if they are'
        if scheme.passed_over
        else "define severities in a table, a list or under headings",
    )
    return "no policy"


def _may_be_one(document: Document) -> bool:
    """Whether the page is called after incidents or names three severities of one kind: somebody should look at it."""
    if any(names_incidents(section.title) for section in document.sections() if section.level == 1):
        return True
    ids = {key(match[0]) for line in document.lines for match in ID.finditer(line, 0, 2000)}
    kinds = [each.rstrip("012345") for each in ids]
    return any(kinds.count(kind) >= 3 for kind in ("sev", "p", "priority"))


def _policy(
    document: Document, repaired: Repaired, scheme: Scheme, metadata: dict[str, str], title: str, notes: Notes
) -> Policy:
    templates = compile_templates(document, notes)
    cadences = compile_cadences(document, scheme, notes)
    proposed = of_templates(document, templates, scheme, cadences, notes)
    follow_ups = compile_follow_ups(document, scheme, notes)
    roles = compile_roles(document, scheme, notes)
    return Policy(
        title=title,
        metadata=metadata,
        severities=with_assessment(document, scheme.severities, notes),
        decision_tree=compile_decision_tree(document, scheme, notes),
        assessment=compile_assessment(document, notes),
        definition=compile_definition(document),
        objectives=compile_objectives(document, notes),
        categories=compile_categories(document, notes),
        roles=roles,
        staffing=compile_staffing(document, scheme, roles, notes),
        escalation=msgspec.structs.replace(
            compile_escalation(document, scheme, notes), phone=compile_phone(document, scheme, notes)
        ),
        cadences=cadences + proposed,
        communications=compile_communications(document, scheme, notes),
        templates=templates,
        phases=compile_phases(document, scheme, notes),
        runbooks=compile_runbooks(document, notes),
        code_blocks=len(document.fences),
        commands=compile_commands(document),
        review=compile_review(document, scheme, notes),
        follow_ups=follow_ups,
        follow_up_within=within(follow_ups),
        action_items=compile_action_items(document, templates),
        metrics=compile_metrics(document, notes),
        reports=compile_reports(document, scheme),
        dashboards=compile_dashboards(document),
        drills=compile_drills(document, scheme, notes),
        remediation=compile_remediation(document, notes),
        contacts=compile_contacts(document, notes),
        duties=compile_duties(document, notes),
        reference_format=_reference_format(document),
        severity_mapping=compile_mapping(document, scheme, notes),
        services=services_of(repaired.front),
        business_hours=compile_hours(document, repaired, notes),
    )


def _reference_format(document: Document) -> Literal["INC-YYYY-NNN", "INC-YYYY-MM-DD-NNN"]:
    dated = any(
        "INC-" in line and re.search(r"INC-(?:YYYY-MM-DD|\d{4}-\d{2}-\d{2})-(?:X|N|\d)", line)
        for line in document.lines
    )
    return "INC-YYYY-MM-DD-NNN" if dated else "INC-YYYY-NNN"


def _unconfirmed(policy: Policy) -> Policy:
    """A draft's cadences start no timer; its other clocks are held back by the status at activation."""
    return msgspec.structs.replace(
        policy, cadences=tuple(msgspec.structs.replace(each, confirmed=False) for each in policy.cadences)
    )


_DUTY = re.compile(
    r"\bescalat|\bnotif|\brespon[ds]|\bupdates?\b|\bresol(?:ve|ution)\b|\backnowledg|\bwithin\b|\bevery\b|\bpage[ds]?\b|\bassign|\brequire|\bmust\b|\binform",
    re.I,
)


_DUTIES = re.compile(rf"{ESCALATION}|\bcadence\b|update frequency|respon\w+ (?:times?|targets?|matrix)|\bslas?\b", re.I)


def _not_understood(document: Document, scheme: Scheme, notes: Notes) -> None:
    """Lines of the policy region that name a duty and a time or a severity, and became nothing."""
    for section in document.sections():
        if section.region == "template" and _REVIEW.search(section.title):
            _in_template(section, notes)
        if section.region != "policy":
            continue
        heading = [(section.line, section.raw)] if section.level else []
        duties = bool(_DUTIES.search(section.title))
        for line, text in [*heading, *(row for block in section.blocks for row in _lines(block))]:
            words = plain(text)
            if line in notes.used or len(words) > 600 or not (_DUTY.search(words) or (duties and line != section.line)):
                continue
            timed = [
                each for each in scan(words) if each.kind != "offset" and (line != section.line or each.value != 0)
            ]
            if timed:
                message = f'"{words[:100]}" names a time, and nothing was made of it'
                notes.add("GUIDE-NOT-UNDERSTOOD", "note", line, message)
            elif (
                any(match[0] for match in ID.finditer(words))
                and mentioned(words, scheme.known)
                and line != section.line
            ):
                message = f'"{words[:100]}" names a duty for a severity, and nothing was made of it'
                notes.add("GUIDE-NOT-UNDERSTOOD", "note", line, message)


_REVIEW = re.compile(r"review|post-?\s?mortem|retrospective|\brca\b|\bpir\b", re.I)
_DUE = re.compile(
    r"\b(?:due|deadline|within|complete[ds]?|publish(?:ed)?|held|hold|schedule[ds]?|finish(?:ed)?)\b", re.I
)


def _in_template(section: Section, notes: Notes) -> None:
    """A deadline that stands only under the heading of a review's template: it may be the template's own words."""
    for line, text in (row for block in section.blocks for row in _lines(block)):
        words = plain(text)
        if line not in notes.used and len(words) <= 200 and _DUE.search(words) and scan(words):
            message = f'"{words[:100]}" stands in a template, so no review is owed by it'
            notes.add("GUIDE-NOT-UNDERSTOOD", "note", line, message, "say it above the template")


def _lines(block: Block) -> Iterator[tuple[int, str]]:
    if block.kind == "paragraph":
        yield from block.lines()
    for row in block.rows:
        yield row.line, " | ".join(row.cells)
    waiting = list(reversed(block.items))
    while waiting:
        item = waiting.pop()
        yield item.line, item.text.replace("\n", " ")
        waiting.extend(sub for inner in reversed(item.blocks) for sub in reversed(inner.items))
