"""Severities that a guide sets in a fence: a table drawn with bars, or lines such as "SEV1: all is down"."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from tocsin.guide.blocks import Block, Document, Row, Section, every_block
from tocsin.guide.candidates import labelled_entry, only_one_family, table_group
from tocsin.guide.entries import ENTRIES_MAX, Entry, Field, Group, unique
from tocsin.guide.inline import split_label

LINES_MAX = 80  # a longer fence is a program or a log
_BLANK = re.compile(r"\[[^\]\n]+\]|\{\{?[^}\n]+\}\}?|<[A-Za-z][^>\n]*>|_{3,}")
_RULE = re.compile(r"^[\s|:+=-]+$")


def fenced(document: Document) -> list[Group]:
    """The candidates in the fences of the policy region; a fence that has blanks to fill in is a form and is none."""
    return [group for section, block in every_block(document.root) for group in _of_block(section, block)]


def _of_block(section: Section, block: Block) -> Iterator[Group]:
    if block.kind not in ("fence", "code") or block.info.split(" ")[0].casefold() not in (
        "",
        "text",
        "txt",
        "plaintext",
    ):
        return
    lines = [
        (n, line) for n, line in enumerate(block.text.split("\n"), block.line + (block.kind == "fence")) if line.strip()
    ]
    if len(lines) > LINES_MAX or _BLANK.search(block.text):
        return
    drawn = [(n, line) for n, line in lines if line.count("|") >= 1 and not _RULE.match(line)]
    group = _drawn(section, block, drawn) if len(drawn) >= 3 else _lines(section, block, lines)
    if group is not None:
        yield group


def _drawn(section: Section, block: Block, lines: list[tuple[int, str]]) -> Group | None:
    rows = [Row(line=n, cells=[cell.strip() for cell in line.strip().strip("|").split("|")]) for n, line in lines]
    table = Block(kind="table", line=block.line, end=block.end, header=rows[0].cells, rows=rows[1:])
    found = table_group(section, table) if len(rows) <= 2 * ENTRIES_MAX else None
    return msgspec.structs.replace(found, form="fence") if found else None


def _lines(section: Section, block: Block, lines: list[tuple[int, str]]) -> Group | None:
    entries: list[Entry] = []
    strange = 0
    for n, line in lines:
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
    return Group(form="fence", section=section, line=entries[0].line, entries=tuple(entries))
