"""Message and document templates: fences and sections that are to be filled in, and their fields."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from tocsin.core.policy import Field, Source, Template
from tocsin.guide.blocks import Block, Document, Item, Section, walk
from tocsin.guide.inline import plain, split_label, title, unsigned
from tocsin.guide.interrupted import is_prose
from tocsin.guide.notes import Notes
from tocsin.guide.shell import is_shell

FIELDS_MAX = 100

_NAMED = re.compile(
    r"template|notification|\bnotice\b|announcement|\bmessage\b|\bemail\b|\breport\b|\bform\b|\bformat\b|status update|initial update|resolution update",
    re.I,
)
_GENERIC = re.compile(
    r"^(?:communication|message|notification|incident|internal|external|status|customer|update|email|slack)?\s*(?:communications?\s*)?(?:templates|communication|updates|messages)$|^format$",
    re.I,
)
_MESSAGE = re.compile(r"^\s*(?:subject:|dear\b|hi\b|hello\b|template:|to:)", re.I | re.M)
_DATA = frozenset(
    {
        "json",
        "yaml",
        "yml",
        "sql",
        "python",
        "js",
        "javascript",
        "typescript",
        "go",
        "mermaid",
        "promql",
        "toml",
        "ini",
        "xml",
        "html",
        "hcl",
        "dockerfile",
        "diff",
        "rust",
        "java",
        "ts",
        "graphql",
        "solidity",
        "plantuml",
    }
)
_PLACEHOLDER = re.compile(
    r"\[(?![ xX]\]|\^|\d+\])([^\[\]\n]{1,80})\](?!\()|<(?!/|https?:|!--|br\b)([A-Za-z][^<>\n]{0,80})>|\{\{\s*([^{}\n]{1,60})\s*\}\}|(?<![\w$])\{([a-z_][\w .-]{0,40})\}"
    r"|(?<!\w)\$\{?([A-Z][A-Z0-9_]{2,40})\}?|\b(?:[A-Z]+-)?(YYYY(?:-?MM-?DD)?(?:-[XN]{2,4})?(?:\s+HH:MM)?|HH:MM(?:\s?UTC)?|DD/MM/YYYY|MM/DD/YYYY|[XN]{2,6}|INC-[XN]{2,6})\b"
)
_TREE = re.compile(r"[├└│┌┐]|-->|→|=>|^\s*(?:YES|NO)\b", re.M)


def compile_templates(document: Document, notes: Notes) -> tuple[Template, ...]:
    """Every template of the guide, in the order of the page."""
    found = []
    for section in document.sections():
        if section.region in ("example", "decoy"):
            continue
        for block, lead, item in _fences(section):
            if is_template(block, section, lead):
                found.append(_of_fence(block, section, lead, item))
        if section.region == "template" and (section.parent is None or section.parent.region != "template"):
            body = _section_body(section, document)
            if body:
                found.append(_template(section.title, body, section, section.line))
    for template in found:
        if template.source:
            notes.use(template.source.line)
    return tuple(found)


def _fences(section: Section) -> Iterator[tuple[Block, str, str]]:
    """(fence, the line that introduces it, the title of the step it stands in)."""
    lead, item_title = "", ""
    for block in section.blocks:
        if block.kind == "fence":
            yield block, lead, item_title
            lead = ""
        elif block.kind == "paragraph" and not (lead.endswith(":") and is_prose(block)):
            lead = plain(block.text.split("\n")[-1])
        elif block.kind == "list":
            lead = ""
            for item in block.items:
                item_title = _item_title(item)
                yield from ((inner, below, item_title) for inner, below in _inside(item))


def _inside(item: Item) -> Iterator[tuple[Block, str]]:
    waiting = [(block, plain(item.text)) for block in reversed(item.blocks)]
    while waiting:
        block, lead = waiting.pop()
        if block.kind == "fence":
            yield block, lead
        waiting.extend((child, plain(each.text)) for each in reversed(block.items) for child in reversed(each.blocks))


def _item_title(item: Item) -> str:
    label = split_label(item.text.split("\n")[0])
    return label.label if label and label.strong else ""


def is_template(block: Block, section: Section, lead: str) -> bool:
    """Whether a fence is a text to fill in and send or file, rather than commands, data, a drawing or a checklist."""
    tag = block.info.split()[0].casefold() if block.info else ""
    body = block.text
    if tag in _DATA or is_shell(block) or not body.strip():
        return False
    lines = [line for line in body.split("\n") if line.strip()]
    if sum(bool(re.match(r"\s*(?:[-*]\s+)?\[[ xX]\]", line)) for line in lines) * 2 > len(lines):
        return False
    message = bool(_MESSAGE.search(body))
    fields = len(_PLACEHOLDER.findall(body[:20_000]))
    if _TREE.search(body) and not fields and not message:
        return False
    named = bool(_NAMED.search(section.title) or _NAMED.search(lead) or section.region == "template")
    labels = sum(split_label(re.sub(r"^\s*[-*]\s+", "", line)) is not None for line in lines[:200])
    if named:
        return message or fields > 0 or labels >= 2 or tag in ("markdown", "md")
    return message or (tag in ("markdown", "md") and (fields > 0 or labels >= 2)) or (fields >= 3 and labels >= 3)


def _of_fence(block: Block, section: Section, lead: str, item: str) -> Template:
    first = next((line for line in block.text.split("\n") if line.strip()), "")
    own = unsigned(title(first.lstrip("# "))) if len(first) < 80 else ""
    name = section.title
    lead_label = split_label(lead)
    if re.search(r"template\s*:?$", lead, re.I) and len(lead.split()) <= 6:
        name = lead.rstrip(": ")
    elif lead_label and _GENERIC.match(lead_label.label):
        name = own or section.title
    elif item:
        name = item
    elif _GENERIC.match(section.title):
        name = own or section.title
    return _template(name, block.text.rstrip("\n"), section, block.line)


def _template(name: str, body: str, section: Section, line: int) -> Template:
    typed = tuple(_fields(body))
    return Template(
        title=name,
        audience=_audience(section, name),
        body=body,
        fields=tuple(dict.fromkeys(_names(body, typed))),
        typed_fields=typed,
        source=Source(line=line),
    )


def _audience(section: Section, name: str) -> str | None:
    for text in (name, *reversed(section.path())):
        if re.search(r"customer|client|user", text, re.I):
            return "customers"
        if re.search(r"^external|\bexternal\b|public|status page", text, re.I):
            return "external"
        if re.search(r"stakeholder|executive|management", text, re.I):
            return "stakeholders"
        if re.search(r"response team|^internal|\binternal\b|slack|team", text, re.I):
            return "internal"
    return None


_LABELLED = re.compile(r"^\s*(?:>\s*|#+\s*|[-*+]\s+|\d+[.)]\s+)*(.*)$")


def _names(body: str, typed: tuple[Field, ...]) -> Iterator[str]:
    """What the form asks for, in its order: labels, and the placeholders that no label names."""
    by_mark = {field.placeholder: field.name for field in typed}
    for line in body.split("\n")[:400]:
        inner = _LABELLED.match(line)
        label = split_label(inner[1]) if inner else None
        value = label.value if label else line
        if label and len(label.label.split()) <= 5 and not re.match(r"(?:http|note)", label.label, re.I):
            yield label.label
        marks = [match[0] for match in _PLACEHOLDER.finditer(line[:2000])]
        for mark in marks:
            if mark in by_mark and (label is None or value.strip() != mark):
                yield by_mark[mark]


def _fields(body: str) -> Iterator[Field]:
    seen: set[str] = set()
    labelled = _labelled(body)
    for match in _PLACEHOLDER.finditer(body[:200_000]):
        inner = next(group for group in match.groups() if group is not None)
        if match[0] in seen or len(seen) >= FIELDS_MAX:
            continue
        seen.add(match[0])
        several = "/" in inner and not re.search(r"date/time|and/or|customer/business", inner, re.I)
        choices = tuple(part.strip() for part in inner.split("/")) if several else ()
        label = labelled.get(match[0], "")
        name = label or _field_name(inner)
        yield Field(name=name, placeholder=match[0], kind=_kind(f"{label} {inner}".strip(), choices), choices=choices)


def _labelled(body: str) -> dict[str, str]:
    """Placeholders that are the whole value of one label, and of that one only: the label is their name."""
    found: dict[str, set[str]] = {}
    for line in body.split("\n")[:400]:
        inner = _LABELLED.match(line)
        label = split_label(inner[1]) if inner else None
        mark = _PLACEHOLDER.fullmatch(label.value.strip()) if label else None
        if label and mark:
            found.setdefault(mark[0], set()).add(label.label)
    return {mark: next(iter(labels)) for mark, labels in found.items() if len(labels) == 1 and body.count(mark) == 1}


def _field_name(inner: str) -> str:
    words = inner.strip().casefold()
    if re.fullmatch(r"(?:inc-)?[xn]{2,6}", words) or words.startswith("inc-"):
        return "id" if words.startswith("inc") else "number"
    if words.startswith(("yyyy", "dd/", "mm/")):
        return "time" if "hh" in words else "date"
    return "time" if words.startswith("hh:mm") else words


_KINDS: tuple[tuple[str, Literal["time", "duration", "person", "severity", "status", "id", "number", "url"]], ...] = (
    (r"\binc-|incident.?id|^incident$", "id"), (r"duration", "duration"), (r"\btime|\bdate|\beta\b|yyyy|hh:mm|\bwhen\b|frequency|\bstarted\b|timestamp", "time"), (r"\bname\b|owner|commander|handle|author|@", "person"),
    (r"severity|priority|sev-?x|p1/p2", "severity"), (r"status|investigating", "status"), (r"^inc|incident.?id|\bid\b|ticket", "id"),
    (r"count|number|^[xn]{2,}$|hours|minutes|%", "number"), (r"link|url", "url"),
)  # fmt: skip


def _kind(
    inner: str, choices: tuple[str, ...]
) -> Literal["text", "time", "duration", "person", "severity", "status", "id", "number", "url", "choice"]:
    words = inner.casefold()
    if choices and not all(re.fullmatch(r"(?:sev|p|s)-?\d", choice, re.I) for choice in choices):
        return "choice"
    return next((kind for pattern, kind in _KINDS if re.search(pattern, words)), "text")


def _section_body(section: Section, document: Document) -> str:
    """The text of a template that is written as a section; empty where its fences are the templates."""
    holds_fence = any(
        block.kind == "fence" or any(item.blocks for item in block.items if any(b.kind == "fence" for b in item.blocks))
        for each in walk(section)
        for block in each.blocks
    )
    if holds_fence or _GENERIC.match(section.title):
        return ""
    prose = {
        n
        for each in walk(section)
        for block in each.blocks
        if block.kind == "paragraph" and split_label(block.text) is None and not _PLACEHOLDER.search(block.text)
        for n in range(block.line, block.end + 1)
    }
    kept = [
        line for n, line in enumerate(document.lines[section.line : section.end], section.line + 1) if n not in prose
    ]
    body = re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip()
    return body if len(body) > 20 else ""
