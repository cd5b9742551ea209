"""What a guide says about itself and about incidents in general: metadata, status, definition, categories, triage."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tocsin.core.policy import Category, Question, Source
from tocsin.guide.blocks import Block, Document, Section, walk, words
from tocsin.guide.ids import ID, key, mentioned
from tocsin.guide.inline import plain, split_label, title
from tocsin.guide.notes import Notes
from tocsin.guide.severities import Scheme

METADATA_LINES = 60  # metadata stands at the head or the foot of a document, not in its middle

_META: tuple[tuple[str, str], ...] = (
    ("version", r"(?:document\s+|doc\s+|guide\s+)?version"), ("last_updated", r"(?:last\s+)?(?:updated|modified|revised|revision)(?:\s+date)?|date|effective date"),
    ("next_review", r"next\s+(?:review|update)(?:\s+date)?|review\s+(?:date|by|due)"), ("last_reviewed", r"last\s+review(?:ed)?"),
    ("owner", r"(?:document\s+)?owners?|maintained\s+by|maintainers?|responsible\s+team"), ("authors", r"authors?|written\s+by"), ("status", r"(?:document\s+)?status"),
    ("review_cycle", r"review\s+(?:cycle|frequency|schedule)"), ("classification", r"(?:document\s+)?classification"), ("applies_to", r"applies\s+to|scope"),
    ("approved_by", r"approved\s+by|approver"),
)  # fmt: skip
_COMPILED = tuple((name, re.compile(pattern, re.I)) for name, pattern in _META)
_UNFINISHED = r"(?:draft|work in progress|wip|proposed|proposal|in review|not (?:yet )?ratified|not (?:yet )?approved|pending approval|placeholder|skeleton)"
_DRAFT = re.compile(rf"^\W*{_UNFINISHED}\b|\bnot (?:yet )?(?:ratified|approved|in force)\b", re.I)
_CALLS_ITSELF = re.compile(
    rf"\bthis (?:document|guide|page|playbook|plan|policy|runbook) is (?:currently |still )?(?:an? |in )?(?:early )?{_UNFINISHED}\b"
    r"|\bnot (?:yet )?(?:ratified|approved)\b",
    re.I,
)
_NOT_STARTED = re.compile(
    r"^\W*(?:not\s+(?:yet\s+)?started|to be written|coming soon|todo|tbd|not (?:yet )?(?:implemented|written)|stub|under construction)\b",
    re.I,
)
_DISCLOSURE = re.compile(
    r"report(?:ing)? (?:a |security )?vulnerabilit|supported versions|responsible disclosure|coordinated disclosure|bug bounty|security policy|vulnerability disclosure|cvss",
    re.I,
)


_VULNERABLE = re.compile(
    r"vulnerabilit|disclos|\badvisor(?:y|ies)\b|\bcves?\b|\bcve-|\bghsa\b|\bcvss\b|\breporters?\b|embargo|researcher",
    re.I,
)
_OPERATED = re.compile(
    r"outage|on-?call|escalat|\bpage[rd]?\b|downtime|status page|incident (?:commander|manager|lead|channel)|\bsev-?\d|\bp[0-4]\b|containment|eradicat|stakeholder|severity level",
    re.I,
)


def compile_metadata(document: Document, front: dict[str, str]) -> tuple[dict[str, str], dict[str, int]]:
    """The document's own data, and the line of each; a version-history table gives the newest version."""
    found: dict[str, str] = {name.replace(" ", "_"): value for name, value in front.items() if len(name) < 30}
    lines: dict[str, int] = dict.fromkeys(found, 1)
    last = len(document.lines)
    for section in document.sections():
        for block in section.blocks:
            near = block.line <= METADATA_LINES or block.end >= last - METADATA_LINES
            if section.region != "policy" or not near:
                continue
            for n, text in _field_lines(block):
                for part in re.split(r"(?<=\s)\|(?=\s)", text):
                    label = split_label(part)
                    if label:
                        _put(found, lines, label.label, plain(label.value), n)
    for name, value, n in _history(document):
        if name not in found:
            found[name], lines[name] = value, n
    return found, lines


def _field_lines(block: Block) -> Iterator[tuple[int, str]]:
    if block.kind == "paragraph":
        yield from block.lines()
    elif block.kind == "list":
        yield from ((item.line, item.text) for item in block.items[:15])
    elif block.kind == "table" and len(block.header) == 2:
        for row in block.rows[:15]:
            if len(row.cells) == 2:
                yield row.line, f"**{row.cells[0]}:** {row.cells[1]}"


def _put(found: dict[str, str], lines: dict[str, int], label: str, value: str, line: int) -> None:
    for name, pattern in _COMPILED:
        if pattern.fullmatch(label.strip()) and value and len(value) < 120 and name not in found:
            found[name], lines[name] = value, line


def _history(document: Document) -> Iterator[tuple[str, str, int]]:
    for section in document.sections():
        for block in section.blocks if section.region == "policy" else ():
            heads = [plain(head).casefold() for head in block.header]
            if block.kind == "table" and heads[:1] == ["version"] and "date" in heads and block.rows:
                newest = max(
                    block.rows,
                    key=lambda row: (
                        plain(row.cells[heads.index("date")]) if len(row.cells) > heads.index("date") else ""
                    ),
                )
                cells = dict(zip(heads, map(plain, newest.cells), strict=False))
                yield "version", cells.get("version", ""), newest.line
                yield "last_updated", cells.get("date", ""), newest.line
                yield "history", "; ".join(" ".join(map(plain, row.cells)) for row in block.rows[:50]), block.line


def status_of(document: Document, metadata: dict[str, str], at: int = 1) -> tuple[str, int]:
    """("active" | "draft" | "not started" | "no policy", line): whether the text may run at all.

    Only what the document says of itself counts: a status field, a banner, its title. A draft post-mortem is none.
    """
    stated = metadata.get("status", "")
    fenced = {n for block in document.fences for n in range(block.line, block.end + 1)}
    whole = _before_its_parts(document)
    for n, line in enumerate(document.lines[:METADATA_LINES], 1):
        said = "" if n in fenced or "|" in line else _said_of_itself(line)
        if said == "draft" or (said and n < whole):
            return said, n
    if stated and _NOT_STARTED.search(stated) and at < whole:
        return "not started", at
    if stated and _DRAFT.search(stated):
        return "draft", 1
    return ("no policy", 1) if _is_disclosure(document) else ("active", 0)


def _before_its_parts(document: Document) -> int:
    """The line of the first heading below the title: behind it a status is that of a part; a page of one part has none."""
    parts = [section.line for section in document.sections() if section.level in (2, 3, 4, 5, 6) and section.line > 1]
    return parts[0] if len(parts) > 1 else len(document.lines) + 1


def _said_of_itself(line: str) -> str:
    """What a line near the top says of the whole document, or ""."""
    bare = line.strip().lstrip("#>!-* \t")
    label, text = split_label(line.strip().lstrip("#>!- \t")), plain(bare)
    if label and re.fullmatch(r"(?:document |doc |guide )?(?:status|state)", label.label, re.I):
        value = plain(label.value)
        return "not started" if _NOT_STARTED.search(value) else "draft" if _DRAFT.search(value) else ""
    banner = line.startswith("# ") or line.lstrip().startswith((">", "**", "_", "!!!")) or text.isupper()
    if (
        banner
        and len(text) < 240
        and (re.search(r"\((?i:draft)\)|^DRAFT\b|\bDRAFT$", text) or _CALLS_ITSELF.search(text))
    ):
        return "draft"
    return "draft" if len(text) < 240 and _CALLS_ITSELF.search(text) and "this " in text.casefold() else ""


def _is_disclosure(document: Document) -> bool:
    """A note on how to report a vulnerability is no incident-response policy, however many severities it lists."""
    reports = sum(bool(_VULNERABLE.search(line)) for line in document.lines[:2000])
    runs = sum(bool(_OPERATED.search(line)) for line in document.lines[:2000])
    if reports >= 6 and reports > 3 * runs:
        return True
    top = " ".join(section.title for section in document.sections() if 0 < section.level <= 2)
    hits = len(_DISCLOSURE.findall(top))
    incidents = sum(len(re.findall(r"\bincidents?\b|on-?call|escalat", line, re.I)) for line in document.lines[:2000])
    return hits >= 1 and incidents < 4


def compile_definition(document: Document) -> tuple[str, ...]:
    """What counts as an incident."""
    for section in document.sections():
        if section.region == "policy" and re.search(
            r"incident definition|what (?:is|constitutes) an incident|definition of (?:an )?incident",
            section.title,
            re.I,
        ):
            items = [plain(item.text) for block in section.blocks for item in block.items]
            if items or words(section):
                return tuple(items) or (words(section),)
    return ()


_OBJECTIVES = re.compile(
    r"(?:incident )?(?:response )?(?:objectives?|goals?|priorities)(?: of (?:the |our )?(?:incident )?response)?", re.I
)


def compile_objectives(document: Document, notes: Notes) -> tuple[str, ...]:
    """`Response Objectives`: what the response is for, in the guide's order."""
    for section in document.sections():
        if section.region != "policy" or not _OBJECTIVES.fullmatch(section.title.strip()):
            continue
        items = [item for block in section.blocks if block.kind == "list" for item in block.items]
        if items:
            notes.use(*(item.line for item in items))
            return tuple(plain(item.text) for item in items)
    return ()


def compile_categories(document: Document, notes: Notes) -> tuple[Category, ...]:
    """Kinds of incident: lists under "Incident Categories", headings under "Incident Types"."""
    found = []
    for section in document.sections():
        if section.region != "policy" or not re.search(
            r"incident (?:categor|types)|categories of|impact categories|^categories$|types of incident",
            section.title,
            re.I,
        ):
            continue
        for block in section.blocks:
            for item in block.items:
                label = split_label(item.text)
                if label:
                    notes.use(item.line)
                    found.append(
                        Category(name=label.label, description=plain(label.value), source=Source(line=item.line))
                    )
        if not found:
            found += [
                Category(name=child.title, source=Source(line=child.line))
                for child in section.sections
                if child.level < 7
            ]
    return tuple(found)


def compile_assessment(document: Document, notes: Notes) -> tuple[str, ...]:
    """What to look at when the severity is chosen."""
    pattern = re.compile(
        r"assessment checklist|severity (?:determination|assessment)|impact assessment checklist|triage checklist", re.I
    )
    for section in document.sections():
        if section.region != "policy":
            continue
        for block in section.blocks:
            if block.kind == "list" and pattern.search(section.title):
                notes.use(*(item.line for item in block.items))
                return tuple(plain(item.text) for item in block.items)
            for item in block.items:
                inner = [sub for below in item.blocks for sub in below.items]
                if pattern.search(plain(item.text)) and inner:
                    notes.use(*(sub.line for sub in inner))
                    return tuple(plain(sub.text) for sub in inner)
    return ()


_ARROW = re.compile(r"^[-*\d.\s]*(.{3,200}?)\s*(?:→|=>|-{1,2}>|:)\s*(?:\*\*)?\s*(.{1,40}?)(?:\*\*)?\s*$")


def compile_decision_tree(document: Document, scheme: Scheme, notes: Notes) -> tuple[Question, ...]:
    """An ordered, first-match list of questions; a tree with branches is reported, not flattened."""
    for section in document.sections():
        if section.region != "policy" or not re.search(
            r"decision|classif|tree|determin|which severity|triage", " ".join(section.path()[-2:]), re.I
        ):
            continue
        for block in section.blocks:
            lines = (
                [(n, line) for n, line in enumerate(block.text.split("\n"), block.line + 1) if line.strip()]
                if block.kind == "fence"
                else []
            )
            found = [question for n, line in lines if (question := _question(line, n, scheme))]
            if len(found) >= 2 and len(found) == len(lines):
                notes.use(*(question.source.line for question in found if question.source))
                return tuple(found)
            if (
                lines
                and any(re.search(r"\b(?:YES|NO)\b\s*(?:-+>|→|:)", line, re.I) for _, line in lines)
                and any(mentioned(line, scheme.known) for _, line in lines)
            ):
                notes.add(
                    "GUIDE-TREE",
                    "note",
                    block.line,
                    "this decision tree branches; only an ordered list of questions is run",
                    "write one question per line: question → severity",
                )
    return ()


def _question(line: str, n: int, scheme: Scheme) -> Question | None:
    found = _ARROW.match(line.strip())
    if not found:
        return None
    target = ID.match(plain(found[2]))
    severity = scheme.known.get(key(target[0])) if target else scheme.known.get(plain(found[2]).casefold())
    if severity is None or (target and len(plain(found[2]).split()) > 4):
        return None
    question = plain(found[1])
    otherwise = re.match(r"(?:other|otherwise|else|default|anything else|everything else|all other)\b", question, re.I)
    return Question(question="" if otherwise else question, severity=severity, source=Source(line=n))


def compile_mapping(document: Document, scheme: Scheme, notes: Notes) -> dict[str, str]:
    """A table under "Severity mapping": what another scheme or a label says, and which of our severities it is."""
    found: dict[str, str] = {}
    for section in document.sections():
        if section.region != "policy" or not re.search(
            r"severity mapping|mapping of severit|map(?:ped|s) to", section.title, re.I
        ):
            continue
        for block in section.blocks:
            for row in block.rows:
                target = mentioned(plain(row.cells[1]), scheme.known) if len(row.cells) > 1 else ()
                if len(target) == 1 and plain(row.cells[0]):
                    notes.use(row.line)
                    found.setdefault(plain(row.cells[0]), target[0])
    return found


def services_of(front: dict[str, str]) -> tuple[str, ...]:
    """The services that the front matter says the guide governs: `services: payments, checkout`."""
    return tuple(name.strip() for name in front.get("services", "").split(",") if name.strip())


def guide_title(document: Document, front: dict[str, str], name: str) -> str:
    """The first heading, else the front matter's title, else the file's name."""
    for section in walk(document.root):
        if section.level in (1, 2) and section.title:
            return section.title
    return title(front.get("title", "")) or re.sub(r"\.\w+$", "", name) or "guide"


def section_titles(document: Document) -> Iterator[Section]:
    yield from (section for section in document.sections() if section.level)
