"""Tables of targets in which a row names a severity and its clock: "P1 time to respond | 5 minutes"."""

from __future__ import annotations

import re

import msgspec

from tocsin.guide.blocks import Block, Row, Section
from tocsin.guide.clocks import clock_of
from tocsin.guide.entries import LIMITS, Entry, Field, Group
from tocsin.guide.ids import Named, key, named
from tocsin.guide.inline import plain

_PROMISED = re.compile(
    r"(?:our\s+)?(?:sla|target|goal|objective|limit|time|value|commitment|threshold)s?(?:\s+(?:time|value))?", re.I
)


def clock_rows(section: Section, block: Block) -> Group | None:
    """What such rows promise; it defines no severities, and what was measured promises nothing."""
    if len(block.header) < 2 or not _PROMISED.fullmatch(plain(block.header[1]).strip()):
        return None
    found: dict[str, Entry] = {}
    for row in block.rows:
        said = _said(row)
        if said is None:
            continue
        who, field = said
        before = found.get(key(who.ids[0]))
        entry = before or Entry(named=who, line=row.line)
        found[key(who.ids[0])] = msgspec.structs.replace(entry, fields=(*entry.fields, field))
    if not found:
        return None
    entries = tuple(found.values())
    return Group(form="procedures", section=section, line=entries[0].line, entries=entries)


def _said(row: Row) -> tuple[Named, Field] | None:
    who = named(row.cells[0]) if len(row.cells) > 1 and not row.span else None
    if who is None or who.by_word or len(who.ids) > 1:
        return None
    label = re.sub(r"^incidents?\s+", "", who.name.replace("-", " "), flags=re.I)
    if clock_of(label) not in LIMITS:
        return None
    bare = msgspec.structs.replace(who, name="", rest="", asides=())
    return bare, Field(label=label, value=row.cells[1], line=row.line)
