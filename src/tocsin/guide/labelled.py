"""One line of a list or a paragraph that begins with a severity, and lines on which several stand."""

from __future__ import annotations

import re

import msgspec

from tocsin.guide.clocks import clock_of
from tocsin.guide.entries import LIMITS, Entry, Field, unique
from tocsin.guide.ids import Named, is_word, named
from tocsin.guide.inline import Label, plain, split_dash, split_wide

LINE_CHARS_MAX = 600  # several severities stand on one line where little is said of each

_NEXT_ON_LINE = re.compile(
    r"[;.]\s+(?=(?:\*\*|`)?(?:sev(?:erity)?|p|s|priority)[\s-]?[0-5]\b(?:\*\*|`)?\s*(?:\([^()]{1,40}\)\s*)?[:–—-])",
    re.I,
)


def on_one_line(raw: str, line: int) -> list[Entry]:
    """`Sev1: response 1 h, resolution 8 h; Sev2: response 4 h, resolution 2 days`: three severities at least."""
    if len(raw) > LINE_CHARS_MAX or not _NEXT_ON_LINE.search(raw):
        return []
    parts = _NEXT_ON_LINE.split(" ".join(raw.split()).rstrip(". "))
    found = [entry for part in parts if (entry := labelled_entry(part, line)) and (entry.text or entry.fields)]
    return found if len(found) == len(parts) >= 3 and not any(each.named.by_word for each in found) else []


def labelled_entry(raw: str, line: int) -> Entry | None:
    """`**SEV1 (Critical)**: text`, `` `SEV1`: text ``, `P0 - Critical: text`, `P0 - text`."""
    first, _, more = raw.partition("\n")
    first = re.sub(r"^[^\w*`\[(]+", "", first)  # a coloured sign before the label
    label = split_wide(first) or split_dash(first) or _coded(first) or _arrow(first)
    if label is None:
        who = named(first)
        return Entry(named=who, line=line, title=plain(first)) if who and who.clean and len(first) < 60 else None
    who = named(label.label)
    if who is None or (not who.clean and len(who.rest.split()) > 6) or clock_of(who.name) == "examples":
        return None  # "P1 examples: ..." defines nothing
    who, text = _name_from_value(who, label)
    fields = []
    if who.name and clock_of(who.name) in LIMITS and text:  # "P0 acknowledgement: 15 min"
        fields, text = [Field(label=who.name, value=text, line=line)], ""
        who = msgspec.structs.replace(who, name="")
    elif (said := split_wide(text)) and said.value and clock_of(said.label) in LIMITS:
        fields, text = [Field(label=said.label, value=said.value, line=line)], ""
    for n, extra in enumerate(more.split("\n"), 1):
        labelled = split_wide(extra)
        if labelled:
            fields.append(Field(label=labelled.label, value=labelled.value, line=line + n))
    if more and not fields:
        text = f"{text} {more}".strip()
    return Entry(named=who, line=line, fields=tuple(fields), text=text, text_line=line, title=label.label)


def _coded(first: str) -> Label | None:
    """`` `P0` acknowledgement: 15 min ``: a severity in code, and what is said of it without a mark between."""
    found = re.match(r"\s*`([^`\n]{1,20})`\s+(.+)$", first)
    return Label(label=found[1], value=found[2], strong=True) if found and named(found[1]) else None


def _arrow(first: str) -> Label | None:
    """`SEV1 → page at once, 15 min response`."""
    found = re.match(r"\s*([^→=>]{2,30}?)\s*(?:→|-{1,2}>|=>)\s*(.+)$", first)
    return Label(label=plain(found[1]), value=found[2], strong=False) if found and named(found[1]) else None


def joined(entries: list[Entry]) -> list[Entry]:
    """`SEV1 response: 15 min`, `SEV1 resolution: 4 h`: one entry per severity where each line only sets a clock."""
    if unique(entries) or any(entry.text or not entry.fields for entry in entries):
        return entries
    found: dict[tuple[str, ...], Entry] = {}
    for entry in entries:
        before = found.get(entry.named.ids)
        fields = (*before.fields, *entry.fields) if before else entry.fields
        found[entry.named.ids] = msgspec.structs.replace(before or entry, fields=fields)
    return list(found.values())


def _name_from_value(who: Named, label: Label) -> tuple[Named, str]:
    """`**P0**: Critical - the site is down`: a severity word at the front of the value is the name."""
    value = label.value
    if who.name or who.by_word:
        return who, value
    lead = re.match(r"^\**([^\W\d_]+)\**\s*(?:$|[–—:(,.]|-(?=\s))\s*", plain(value))  # not "low-impact issue"
    if lead and is_word(lead[1]):
        return msgspec.structs.replace(who, name=lead[1]), plain(value)[lead.end(1) :].strip(" -–—:,.")
    return who, value
