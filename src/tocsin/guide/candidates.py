"""Everything in a guide that might define severities: tables, headings, lists, bold paragraphs, turned tables.

A candidate is only evidence; `severities.choose` decides which one is the guide's scheme. Each entry keeps its line and
the fields that stood with it, as raw Markdown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from tocsin.guide.blocks import LABEL_LEVEL, Block, Document, Row, Section, every_block
from tocsin.guide.clock_rows import clock_rows
from tocsin.guide.clocks import clock_of
from tocsin.guide.entries import ENTRIES_MAX, Entry, Field, Group, block_fields, is_field, sets_a_clock, unique
from tocsin.guide.ids import Named, family, is_word, named, numbered
from tocsin.guide.inline import plain, split_wide
from tocsin.guide.interrupted import is_prose
from tocsin.guide.labelled import joined, labelled_entry, on_one_line
from tocsin.guide.leads import lead_into

_LABEL_SAYS_ID = re.compile(
    r"sever|priorit|level|^sev|class|уровень|nivel|nível|stufe|niveau|livello|gravit|schwere|kritikalit|dringlich|criticit|s[eé]v[eé]rit|urg[eê]nc|级别|等级|优先级|严重|レベル|重大度|심각도|tier|urgency|등급|심각|приоритет|критичность|prioridad|severid|^id$|^p$|категор",
    re.I,
)
_PROCEDURE = re.compile(
    r"\b(?:procedures?|runbooks?|playbooks?|protocols?|workflow|incident response|response (?:plan|process|steps))\b",
    re.I,
)
_NOT_A_DEFINITION = re.compile(
    r"playbook|procedure|runbook|template|escalat|notification|notify|checklist|example|matrix|timeline|workflow|drill|simulation"
    r"|alerts?$|incident response|response plan|response process|response steps|communication|steps$|actions?$|protocol$|update|postmortem|post-mortem",
    re.I,
)

_LISTED = frozenset({"examples", "notify", "updates", "escalate"})  # under such a label the list says it


def groups(document: Document) -> list[Group]:
    """Every candidate of the policy region, in the order of the page."""
    found: list[Group] = []
    for section, block in every_block(document.root):
        if block.kind == "table" and 1 <= len(block.rows) <= 4 * ENTRIES_MAX:
            found.extend(
                filter(None, (table_group(section, block), _columns(section, block), clock_rows(section, block)))
            )
        elif block.kind == "list" and len(block.items) <= 2 * ENTRIES_MAX:
            found.extend(filter(None, (_bullets(section, block),)))
    for section in document.sections():
        if section.region == "policy":
            found.extend(filter(None, (_headings(section), _bold(section), _procedures(section))))
    found.sort(key=lambda group: group.line)
    return found


def lookalikes(document: Document) -> Iterator[tuple[Section, Block, str]]:
    """Tables with a severity column that define no severities, and why they are none."""
    for section, block in every_block(document.root):
        if block.kind != "table" or not block.rows:
            continue
        columns = [
            n for n, head in enumerate(block.header) if re.search(r"\bseverity\b|\bpriority\b", plain(head), re.I)
        ]
        for column in columns[:1]:
            cells = [plain(row.cells[column]).casefold() for row in block.rows if column < len(row.cells)]
            if (
                column > 0
                and sum(named(cell) is not None for cell in cells) * 2 >= len(cells)
                and table_group(section, block) is None
            ):
                repeated = len(set(cells)) < len(cells)
                yield (
                    section,
                    block,
                    "its severities repeat"
                    if repeated
                    else f"its rows are about {plain(block.header[0]) or 'something else'}",
                )


# --- tables -----------------------------------------------------------------------------------------------------------


def table_group(section: Section, block: Block) -> Group | None:
    """The severities of a table whose rows begin with them."""
    block = _with_second_header(block)
    column = _id_column(block)
    if column is None:
        return None
    header = [plain(cell) for cell in block.header]
    name_column = _name_column(block, header, column)
    entries = []
    for row in block.rows:
        if row.span or column >= len(row.cells):
            continue
        who = named(row.cells[column]) or numbered(row.cells[column], header[column])
        if who is None:
            continue
        if name_column is not None and name_column < len(row.cells) and not who.by_word:
            who = msgspec.structs.replace(who, name=plain(row.cells[name_column]))
        elif who.rest and not who.name:
            who = msgspec.structs.replace(who, name=who.rest)
        entries.append(Entry(named=who, line=row.line, fields=_row_fields(row, header, column, name_column)))
    if len(entries) < 2 or not unique(entries):
        return None
    return Group(form="table", section=section, line=block.line, entries=tuple(entries), header=tuple(header))


def _with_second_header(block: Block) -> Block:
    """The table with one header, where its first row only says which clocks a wide column holds."""
    cells = [plain(cell) for cell in block.rows[0].cells] if len(block.rows) > 2 else []
    said = [cell for cell in cells[1:] if cell]
    if not said or cells[0] or not all(clock_of(cell) for cell in said):
        return block
    header = [cell or head for head, cell in zip(block.header, [*cells, *[""] * len(block.header)], strict=False)]
    return msgspec.structs.replace(block, header=header, rows=block.rows[1:])


def _id_column(block: Block) -> int | None:
    rows = [row for row in block.rows if not row.span]
    for column in range(min(2, len(block.header))):
        head = plain(block.header[column])
        cells = [
            named(row.cells[column]) or numbered(row.cells[column], head) for row in rows if column < len(row.cells)
        ]
        hits = [cell for cell in cells if cell]
        if len(hits) < 2 or len(hits) * 10 < len(rows) * 7:
            continue
        said = bool(_LABEL_SAYS_ID.search(head))
        by_word = all(cell.by_word for cell in hits)
        if (by_word or column > 0) and not said and head:
            continue
        if by_word and not (said or not head):
            continue
        if column > 0 and not re.fullmatch(
            r"#|rank|colou?r|icon|emoji|badge|no\.?|code|name|label|level|", plain(block.header[0]), re.I
        ):
            continue
        return column
    return None


def _name_column(block: Block, header: list[str], column: int) -> int | None:
    for n, head in enumerate(header):
        if n == column or n > column + 2:
            continue
        cells = [plain(row.cells[n]) for row in block.rows if n < len(row.cells) and not row.span]
        short = all(len(cell.split()) <= 5 for cell in cells)
        if clock_of(head) == "name" and short:
            return n
        if re.fullmatch(r"severity|priority|level", head, re.I) and cells and all(is_word(cell) for cell in cells):
            return n
    return None


def _row_fields(row: Row, header: list[str], *skip: int | None) -> tuple[Field, ...]:
    fields = []
    for n, cell in enumerate(row.cells[: len(header)]):
        if n not in skip:
            fields.append(Field(label=header[n], value=cell, line=row.line, items=tuple(row.items.get(n, ()))))
    return tuple(fields)


def _columns(section: Section, block: Block) -> Group | None:
    """A turned table: one column per severity, one row per attribute."""
    heads = [named(head) for head in block.header[1:]]
    if len(heads) < 2 or any(head is None or not head.clean or len(head.ids) > 1 for head in heads):
        return None
    if not any(
        clock_of(row.cells[0]) in ("respond", "resolve", "description", "acknowledge", "cadence")
        for row in block.rows
        if row.cells
    ):
        return None
    entries = []
    for n, head in enumerate(heads, 1):
        fields = tuple(
            Field(label=plain(row.cells[0]), value=row.cells[n], line=row.line)
            for row in block.rows
            if n < len(row.cells)
        )
        if head is not None:
            entries.append(Entry(named=head, line=block.line, fields=fields))
    if not unique(entries):
        return None
    return Group(form="columns", section=section, line=block.line, entries=tuple(entries))


# --- headings ---------------------------------------------------------------------------------------------------------


def _headings(section: Section) -> Group | None:
    entries = []
    for child in section.sections:
        if child.region != "policy":
            continue
        who = named(child.raw)
        if (
            who is None
            or _NOT_A_DEFINITION.search(child.title)
            or (who.rest and not who.clean and len(who.rest.split()) > 8)
        ):
            continue
        entry = _heading_entry(child, who)
        if who.by_word and who.name.casefold() in ("normal", "none", "warning") and not sets_a_clock(entry):
            continue
        entries.append(entry)
    entries = only_one_family(entries)
    if len(entries) < 2 or not unique(entries) or len(entries) > ENTRIES_MAX:
        return None
    return Group(form="headings", section=section, line=entries[0].line, entries=tuple(entries))


def _procedures(section: Section) -> Group | None:
    """`### P1 Incident Response` with "Response time: 15 minutes" below it: it defines nothing, and says a clock."""
    entries = []
    for child in section.sections:
        who = named(child.raw) if child.region == "policy" and _PROCEDURE.search(child.title) else None
        if who is not None and not who.by_word and len(who.ids) == 1:
            fields = tuple(field for block in child.blocks for field in block_fields(block))
            entry = Entry(named=msgspec.structs.replace(who, asides=(), rest=""), line=child.line, fields=fields)
            entries += [entry] if sets_a_clock(entry) else []
    if not entries or not unique(entries):
        return None
    return Group(form="procedures", section=section, line=entries[0].line, entries=tuple(entries))


def _heading_entry(section: Section, who: Named) -> Entry:
    fields: list[Field] = []
    text, text_line, bullets = "", 0, []
    for block in section.blocks:
        fields.extend(block_fields(block))
        if block.kind == "paragraph" and not text and split_wide(block.text) is None:
            text, text_line = block.text, block.line
        if block.kind == "list":
            bullets += [item.text for item in block.items if not is_field(item)]
    for child in section.sections:
        said = split_wide(child.title)
        if said and said.value and clock_of(said.label):  # "#### Response time: 1 hour"
            fields.append(Field(label=said.label, value=said.value, line=child.line))
        first = child.blocks[0] if child.blocks else None
        if first is None:
            continue
        for block in child.blocks:  # a bold line's own fields, and a table of attributes under any sub-heading
            fields.extend(block_fields(block) if child.level == LABEL_LEVEL or block.kind == "table" else ())
        if first.kind == "paragraph":
            below = child.blocks[1].items if len(child.blocks) > 1 else []  # "Examples:", a remark, and the examples
            items = tuple(item.text for item in below)
            remark = below and clock_of(child.title) in _LISTED and is_prose(first)
            fields.append(Field(label=child.title, value="" if remark else first.text, line=first.line, items=items))
        elif first.kind == "list":
            items = tuple(item.text for item in first.items)
            fields.append(Field(label=child.title, value="", line=child.line, items=items))
    return Entry(
        named=who,
        line=section.line,
        fields=tuple(fields),
        text=text,
        text_line=text_line,
        bullets=tuple(bullets),
        title=section.title,
    )


# --- lists and paragraphs ---------------------------------------------------------------------------------------------


def _bullets(section: Section, block: Block) -> Group | None:
    entries = []
    for item in block.items:
        if len(block.items) <= 3 and not item.blocks and (several := on_one_line(item.text, item.line)):
            return _one_line(section, several)
        entry = labelled_entry(item.text, item.line)
        if entry is None:
            continue
        fields = [field for sub in item.blocks for field in block_fields(sub)]
        extra = [sub.text for child in item.blocks for sub in child.items if not is_field(sub)]
        entries.append(msgspec.structs.replace(entry, fields=(*entry.fields, *fields), bullets=tuple(extra)))
    if len(entries) * 10 < len(block.items) * 7:
        return None
    entries = joined(only_one_family(entries))
    if len(entries) < 2 or not unique(entries):
        return None
    lead = lead_into(section, block)
    return Group(form="bullets", section=section, line=entries[0].line, entries=tuple(entries), lead=lead)


def _one_line(section: Section, entries: list[Entry]) -> Group | None:
    kept = only_one_family(entries)
    if len(kept) != len(entries) or not unique(kept):
        return None
    return Group(form="bullets", section=section, line=kept[0].line, entries=tuple(kept))


def _bold(section: Section) -> Group | None:
    """Paragraphs, or lines of one, that begin with a severity as a label."""
    entries: list[Entry] = []
    below = 0  # the line right behind a label, where a list belongs to it
    for block in section.blocks:
        if block.kind == "list" and below == block.line and len(block.items) <= 2 * ENTRIES_MAX:
            fields = tuple(block_fields(block))
            bullets = tuple(item.text for item in block.items if not is_field(item))
            entries[-1] = msgspec.structs.replace(entries[-1], fields=(*entries[-1].fields, *fields), bullets=bullets)
        below = 0
        if block.kind != "paragraph" or len(block.text) > 20_000:
            continue
        if (inline := _sentences_of(block)) and not entries:
            entries = inline
            continue
        if not entries and (several := on_one_line(block.text, block.line)):
            return _one_line(section, several)
        current: list[Entry] = []
        for n, line in block.lines():
            entry = labelled_entry(line, n) if split_wide(line) else None
            if entry and (entry.title or entry.text):
                current.append(entry)
            elif current and (label := split_wide(line)):
                field = Field(label=label.label, value=label.value, line=n)
                current[-1] = msgspec.structs.replace(current[-1], fields=(*current[-1].fields, field))
        entries += current
        below = block.end + 1 if current else 0
    entries = only_one_family(entries)
    if len(entries) < 2 or not unique(entries) or len(entries) > ENTRIES_MAX:
        return None
    return Group(form="bold", section=section, line=entries[0].line, entries=tuple(entries))


_BOLD_SUBJECT = re.compile(
    r"(?:^|(?<=[.;!?])\s+)(?:\*\*|__)([^*\n]{1,40})(?:\*\*|__)\s+((?:is|are|covers?|means?|includes?|describes?|applies)\b.*?)"
    r"(?=[.;!?]\s+(?:\*\*|__)|$)",
    re.S,
)


def _sentences_of(block: Block) -> list[Entry]:
    """`**SEV-1** is an outage. **SEV-2** is a degradation.`: sentences of one paragraph whose subjects are severities."""
    entries = []
    for match in _BOLD_SUBJECT.finditer(block.text) if "**" in block.text or "__" in block.text else ():
        who = named(match[1])
        if who is not None and who.clean and not who.by_word and len(who.ids) == 1:
            line = block.line + block.text[: match.start(1)].count("\n")
            text = " ".join(match[2].split())
            entries.append(Entry(named=who, line=line, text=text, text_line=line, title=match[1]))
    return entries if len(entries) >= 2 else []


def only_one_family(entries: list[Entry]) -> list[Entry]:
    """Where ids and bare words mix, the ids are the scheme."""
    with_ids = [entry for entry in entries if not entry.named.by_word]
    if len(with_ids) >= 2:
        families = [family(entry.named.ids[0]) for entry in with_ids]
        common = max(dict.fromkeys(families), key=families.count)
        return [entry for entry in with_ids if family(entry.named.ids[0]) == common]
    return [entry for entry in entries if entry.named.by_word]
