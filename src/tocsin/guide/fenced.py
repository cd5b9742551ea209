"""Severities that a guide sets in a fence: a table drawn with bars, lines such as "SEV1: all is down", or YAML."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from tocsin.guide.blocks import Block, Document, Row, Section, every_block
from tocsin.guide.candidates import only_one_family, table_group
from tocsin.guide.entries import ENTRIES_MAX, Entry, Field, Group, unique
from tocsin.guide.ids import is_word, named
from tocsin.guide.inline import split_label
from tocsin.guide.labelled import labelled_entry
from tocsin.guide.leads import lead_clock
from tocsin.guide.yaml_fences import document as yaml_document, line_of, texts, words

LINES_MAX = 80  # a longer fence is a program or a log
_TEXT = frozenset(
    {"", "text", "txt", "plaintext", "yaml", "yml"}
)  # "P2: > 50 % fail" is no YAML, whatever it is called
_BLANK = re.compile(r"\[[^\]\n]+\]|\{\{?[^}\n]+\}\}?|<[A-Za-z][^>\n]*>|_{3,}")
_SEVERITIES = re.compile(r"severit|priorit|incident[ _]?(?:levels|classes)|\bsla", re.I)
_BARE = re.compile(r"_(?:in_)?(seconds?|minutes?|mins?|hours?|hrs?|days?)$", re.I)
_RULE = re.compile(r"^[\s|:+=─━═-]+$")
_BOX = re.compile(r"^\s?[│║┃|](?=\s)|\s*[│║┃|]\s*$|^[┌┐└┘├┤╔╗╚╝╭╮╰╯─━═]+$")
_LEAD = re.compile(r"[^\W\d][^:|\d]{2,60}(?::|$)")


def fenced(document: Document) -> list[Group]:
    """The candidates in the fences of the policy region; a fence that has blanks to fill in is a form and is none."""
    found: list[Group] = []
    last: tuple[Section, Block] | None = None
    for section, block in every_block(document.root):
        above = last[1] if last is not None and last[0] is section else None
        of_yaml = list(_of_yaml(section, block, above))
        found += of_yaml or _of_block(section, block)
        last = (section, block)
    return found


def _of_block(section: Section, block: Block) -> Iterator[Group]:
    if block.kind not in ("fence", "code") or block.info.split(" ")[0].casefold() not in _TEXT:
        return
    lines = [
        (n, line) for n, line in enumerate(block.text.split("\n"), block.line + (block.kind == "fence")) if line.strip()
    ]
    if len(lines) > LINES_MAX or _BLANK.search(block.text):
        return
    drawn = [(n, line) for n, line in lines if line.count("|") >= 1 and not _RULE.match(line)]
    group = _drawn(section, block, drawn) if len(drawn) >= 3 else None
    yield from [group] if group is not None else filter(None, (_lines(section, *part) for part in _parts(lines)))


def _parts(lines: list[tuple[int, str]]) -> Iterator[tuple[str, list[tuple[int, str]]]]:
    """(lead, lines) of every list in a fence: a line such as "Response times:" leads into the next one; a box is no text."""
    lead: str = ""
    held: list[tuple[int, str]] = []
    clean = [(n, _BOX.sub("", line).rstrip()) for n, line in lines]
    ruled = {n - 1 for n, line in clean if line.strip() and _RULE.match(line)}  # the line above is underlined
    for n, line in clean:
        bare = line.strip()
        if not bare or _RULE.match(bare):
            continue
        if _LEAD.fullmatch(bare) and (bare.endswith(":") or n in ruled) and named(bare) is None:
            yield lead, held
            lead, held = bare, []
        else:
            held.append((n, line))
    yield lead, held


def _of_yaml(section: Section, block: Block, above: Block | None) -> Iterator[Group]:
    """`severity_levels:` over `SEV1: {response_time: 15m}`, or over a list of levels with an id each."""
    found = yaml_document(section, block, above, None, _SEVERITIES)
    for entry in found.entries if found is not None else ():
        if not _SEVERITIES.search(words(entry.key)) and not lead_clock(words(entry.key)):
            continue
        entries = [_level(inner.key, inner.line, inner.node, block) for inner in getattr(entry.node, "entries", ())]
        for item in getattr(entry.node, "items", ()):
            said = {words(inner.key): text for inner in getattr(item, "entries", ()) for text in texts(inner.node)}
            name = next((said[key] for key in ("id", "level", "severity", "priority", "name") if key in said), "")
            entries.append(_level(name, item.line, item, block))
        kept = only_one_family([each for each in entries if each is not None])
        if 2 <= len(kept) <= ENTRIES_MAX and len(kept) == len(entries) and unique(kept):
            yield Group(form="fence", section=section, line=kept[0].line, entries=tuple(kept), lead=words(entry.key))


def _level(name: str, line: int, node: object, block: Block) -> Entry | None:
    who = named(name)
    if who is None:
        return None
    fields = []
    for inner in getattr(node, "entries", ()):
        said = list(texts(inner.node))
        unit = _BARE.search(inner.key) if len(said) == 1 and said[0].strip().isdigit() else None
        value = f"{said[0]} {unit[1]}" if unit else ", ".join(said)
        label = words(inner.key[: unit.start()] if unit else inner.key)
        if said and value != name:
            fields.append(Field(label=label, value=value, line=line_of(block, inner.line)))
    own = next((field.value for field in fields if field.label == "name" and is_word(field.value)), "")
    who = msgspec.structs.replace(who, name=own) if own and not who.by_word else who
    text = getattr(node, "text", "")
    at = line_of(block, line)
    return Entry(named=who, line=at, fields=tuple(fields), text=text, text_line=at, title=name)


def _drawn(section: Section, block: Block, lines: list[tuple[int, str]]) -> Group | None:
    rows = [Row(line=n, cells=[cell.strip() for cell in line.strip().strip("|").split("|")]) for n, line in lines]
    if named(rows[0].cells[0]) is not None:
        return None  # "SEV1: answer 5 min | over 1 h": bars between the limits of a list
    table = Block(kind="table", line=block.line, end=block.end, header=rows[0].cells, rows=rows[1:])
    found = table_group(section, table) if len(rows) <= 2 * ENTRIES_MAX else None
    return msgspec.structs.replace(found, form="fence") if found else None


def _lines(section: Section, lead: str, lines: list[tuple[int, str]]) -> Group | None:
    entries: list[Entry] = []
    strange = 0
    margin = min((len(line) - len(line.lstrip(" ")) for _, line in lines), default=0)
    for n, line in ((n, line[margin:]) for n, line in lines):
        inner = line.startswith((" ", "\t"))
        entry = None if inner else labelled_entry(line, n)
        label = split_label(line.strip(" \t-*\u2022"))
        if entry is not None:
            entries.append(entry)
        elif entries and label is not None and inner:
            field = Field(label=label.label, value=label.value, line=n)
            entries[-1] = msgspec.structs.replace(entries[-1], fields=(*entries[-1].fields, field))
        elif not inner:
            strange += 1
    entries = only_one_family(entries)
    if not 2 <= len(entries) <= ENTRIES_MAX or strange > 1 or not unique(entries):
        return None
    return Group(form="fence", section=section, line=entries[0].line, entries=tuple(entries), lead=lead)
