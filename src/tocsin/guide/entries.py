"""The parts of a severity candidate: its entries, the labelled fields of each, and where they were read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

import msgspec

from tocsin.guide.blocks import Block, Item, Section
from tocsin.guide.clocks import clock_of
from tocsin.guide.ids import Named, key
from tocsin.guide.inline import Label, plain, split_wide

ENTRIES_MAX = 12  # a scheme has two to six levels; a longer list is a list of something else

_NEXT_LABEL = re.compile(r"[,;]\s+(?=[^\W\d_][^,;:]{2,40}:\s)")
LIMITS = frozenset({"respond", "resolve", "acknowledge", "contain", "mitigate"})

Form = Literal["table", "headings", "bullets", "bold", "columns", "procedures", "fence", "sentence"]


class Field(msgspec.Struct, frozen=True, kw_only=True):
    label: str
    value: str
    line: int
    items: tuple[str, ...] = ()


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    named: Named
    line: int
    fields: tuple[Field, ...] = ()
    text: str = ""  # what stands behind the label, unlabelled
    text_line: int = 0
    bullets: tuple[str, ...] = ()
    title: str = ""


class Group(msgspec.Struct, frozen=True, kw_only=True):
    form: Form
    section: Section
    line: int
    entries: tuple[Entry, ...]
    header: tuple[str, ...] = ()
    lead: str = ""  # the line that leads into a list: "Response times:"

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(one for entry in self.entries for one in entry.named.ids)


def is_field(item: Item) -> bool:
    label = split_wide(item.text)
    return bool(label and clock_of(label.label))


def block_fields(block: Block) -> Iterator[Field]:
    """The labelled values of a block: list items, lines of a paragraph, rows of an attribute table."""
    if block.kind == "list":
        for item in block.items:
            for said in _labels(item.text.split("\n")[0]):
                yield Field(label=said.label, value=said.value, line=item.line, items=tuple(sub_items(item)))
            for n, line in enumerate(item.text.split("\n")[1:], 1):
                label = split_wide(line)
                if label:
                    yield Field(label=label.label, value=label.value, line=item.line + n)
    elif block.kind == "paragraph":
        for n, line in block.lines():
            for part in re.split(r"(?<=\s)[|·•]\s+(?=\*\*)", line):
                label = split_wide(part)
                if label:
                    yield Field(label=label.label, value=label.value, line=n)
    elif block.kind == "fence" and block.info.strip().casefold() in ("", "yaml", "yml", "text", "txt"):
        yield from _fence_fields(block)
    elif block.kind == "table" and len(block.header) == 2:
        heads = [plain(cell) for cell in block.header]
        if clock_of(heads[0]) and not any(clock_of(row.cells[0]) for row in block.rows if row.cells):
            return
        if any(clock_of(head) for head in heads):
            yield Field(label=heads[0], value=block.header[1], line=block.line)
        for row in block.rows:
            if len(row.cells) > 1:
                yield Field(label=plain(row.cells[0]), value=row.cells[1], line=row.line)


def _labels(text: str) -> list[Label]:
    """The label of a line; several where each names a clock: "Acknowledge: 15 min, Resolve: 4 h"."""
    parts = [split_wide(part) for part in _NEXT_LABEL.split(text)]
    if len(parts) > 1 and all(part and clock_of(part.label) in LIMITS for part in parts):
        return [part for part in parts if part]
    label = split_wide(text)
    return [label] if label else []


def _fence_fields(block: Block) -> Iterator[Field]:
    """`Response Time: < 1 minute` in a fence below a severity; a fence that has blanks to fill in is a form."""
    if re.search(r"[\[<{][^\]>}\n]+[\]>}]", block.text):
        return
    for n, line in enumerate(block.text.split("\n")[:40], block.line + 1):
        label = split_wide(line)
        if label and label.value and clock_of(label.label) in ("respond", "resolve", "acknowledge"):
            yield Field(label=label.label, value=label.value, line=n)


def sub_items(item: Item) -> Iterator[str]:
    for block in item.blocks:
        for sub in block.items:
            yield sub.text


def sets_a_clock(entry: Entry) -> bool:
    return any(clock_of(field.label) in ("respond", "resolve", "acknowledge") for field in entry.fields)


def unique(entries: list[Entry]) -> bool:
    every = [key(one) for entry in entries for one in entry.named.ids]
    return len(set(every)) == len(every)
