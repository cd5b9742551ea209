"""Escalation ladders as guides draw them: lists, tables, trees in fences, headings, arrow chains.

Every form is read into rungs; `levels` decides what their times mean. A time that could be "reached after" as well as
"held for" is not used, and is reported.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from tocsin.core.policy import Deadline, Level, Source
from tocsin.guide.blocks import Block, Document, Section
from tocsin.guide.cadences import scope_of
from tocsin.guide.ids import ID, mentioned
from tocsin.guide.inline import Label, plain, split_dash, split_label
from tocsin.guide.ladder_beside import named_levels
from tocsin.guide.ladder_choice import chosen
from tocsin.guide.ladder_doubts import at_some_hours, for_some_customers, holds_for_some, of_other_work, of_some
from tocsin.guide.ladder_drawings import chain, of_chain, of_tree
from tocsin.guide.ladder_due import triggered
from tocsin.guide.ladder_each import completed, elsewhere
from tocsin.guide.ladder_headings import of_headings
from tocsin.guide.ladder_lists import clear, inner, of_lines, of_moments, of_waits, with_units
from tocsin.guide.ladder_matrices import of_matrix
from tocsin.guide.ladder_mermaid import of_mermaid
from tocsin.guide.ladder_onward import drawn_table, of_onward
from tocsin.guide.ladder_sentences import item_text, of_paragraph, of_sentences
from tocsin.guide.ladder_severities import apart
from tocsin.guide.ladder_stages import of_stages
from tocsin.guide.ladder_tables import of_table
from tocsin.guide.ladder_timelines import of_fence, of_list
from tocsin.guide.ladder_yaml import of_yaml
from tocsin.guide.notes import Notes
from tocsin.guide.parties import PARTY, parties
from tocsin.guide.quantity import deadline, scan
from tocsin.guide.rungs import LEVEL, RUNGS_MAX, Rung, leads_in, plain_bound, rising, rung_of
from tocsin.guide.words import ESCALATION, FOREIGN_ESCALATION

_LADDER = re.compile(
    rf"{FOREIGN_ESCALATION}|escalat\w*\s*(?:tree|path|paths|chain|ladder|order|levels?|contacts|tiers|flow|hierarchy|timeline|matrix)|^escalation$|\d\s+escalation$|chain of command",
    re.I,
)
_ESCALATION = re.compile(ESCALATION, re.I)
DRAWING_LINES_MAX = 200  # a longer fence is code or a log, and no ladder
Path = tuple[tuple[str, ...], str, int]  # severities, the chain as it is written, its line
_ORDINALS = ("primary", "secondary", "tertiary", "escalation", "executive")
_FIRST = re.compile(
    rf"\d|first|then|finally|after|immediate|t\s?\+|on-?call|{'|'.join(_ORDINALS)}|{PARTY.pattern}", re.I
)
_CONDITION = re.compile(
    r"\b(?:is|are|was|be|been|has|have|may|exceeds?|exceeded|affect\w*|required|detected|confirmed|suspected|failed|fails|lost|lasts?|breach\w*)\b",
    re.I,
)


def compile_levels(
    document: Document, known: dict[str, str], ids: Sequence[str], paths: Sequence[Path], notes: Notes
) -> tuple[tuple[Level, ...], tuple[str, ...]]:
    """The levels of every ladder of the guide, and the severities that have one, read or refused.

    A ladder counts for each severity the first one that names it, else the first that names none.

    `ids` are all severities; `paths` are the chains that stood beside them: "On-call → team lead → CTO" in the row of SEV1.
    """
    found, refused = chosen(document, _scoped(document, known, paths, notes), known, ids, notes)
    covered = tuple(one for severities, _ in [*found, *refused] for one in severities or ids)
    return tuple(level for severities, rungs in found for level in levels(rungs, severities)), covered


def _scoped(
    document: Document, known: dict[str, str], paths: Sequence[Path], notes: Notes
) -> Iterator[tuple[tuple[str, ...], list[Rung]]]:
    """Every ladder with the severities it is for."""
    told = elsewhere(document, named_levels(document.lines))
    for section, rungs, above in _ladders(document, notes):
        if len(rungs) < 2:
            continue
        rungs = completed(rungs, told, known)
        if at_some_hours(section.title) or for_some_customers(section.title) or of_other_work(section.title):
            message = f'"{section.title}" holds at some hours, for some customers or for other work; no level was taken from it'
            notes.add("GUIDE-UNREAD", "note", rungs[0].line, message, "write the ladder that always holds")
            continue
        said = rungs[0].scope or (plain(above.text) if above else "")
        severities = mentioned(said, known) if said else scope_of(section, known)
        if above and severities:
            notes.use(*range(above.line, above.end + 1))
        if any(rung.varies for rung in rungs) and (own := list(apart(rungs, known))):
            yield from own
        elif severities or not said:
            yield severities, rungs
    for severities, text, line in paths:
        if len(rungs := clear(chain(text, line, 2))) > 1:
            yield severities, rungs
    for section in document.sections():
        if section.region != "policy":
            continue
        for block in section.blocks:
            if block.kind == "paragraph":
                yield from _of_label(block, section, known)
        if _ESCALATION.search(section.where) and not of_other_work(section.title):
            for block in section.blocks:
                table = drawn_table(block) if block.kind in ("fence", "code") else block
                if table is not None and table.kind == "table":
                    yield from of_matrix(table, known, notes)


def levels(rungs: list[Rung], severities: tuple[str, ...]) -> Iterator[Level]:
    """The rungs as levels: a rung lasts as long as it says, else until the next one is reached."""
    for n, rung in enumerate(rungs):
        following = rungs[n + 1] if n + 1 < len(rungs) else None
        limit, since = _limit(rung, following)
        yield Level(
            level=n + 1,
            who=rung.who,
            within=limit,
            since="opened" if since else "level",
            severities=severities,
            actions=rung.actions,
            source=Source(line=rung.line),
        )


def _limit(rung: Rung, following: Rung | None) -> tuple[Deadline | None, bool]:
    if rung.hold is not None:
        return deadline(plain_bound(rung.hold)), rung.since_start
    if following is not None and following.reach is not None:
        return deadline(plain_bound(following.reach), lower=True), following.since_start
    return None, False


def _ladders(document: Document, notes: Notes) -> Iterator[tuple[Section, list[Rung], Block | None]]:
    """(section, rungs, the paragraph that leads into them and names severities) of each block that may be a ladder."""
    for section in document.sections():
        if section.region != "policy":
            continue
        near = bool(_ESCALATION.search(section.where))
        if near and (rungs := rising(of_headings(section)) or of_stages(section)):
            yield section, rungs, None
        above: Block | None = None
        for block in section.blocks:
            for rungs in of_yaml(section, block, above, notes) or [_of_block(section, block, near)]:
                yield section, clear(rungs), above if leads_in(above, block) else None
            for words, below in inner(block) if near else ():
                if rungs := clear(_of_block(section, below, near)):
                    yield section, [replace(rungs[0], scope=words), *rungs[1:]], None
            above = block


def _of_block(section: Section, block: Block, near: bool) -> list[Rung]:
    if block.kind == "table":
        return of_table(block, near)
    if block.kind == "list" and near and len(block.items) == 1 and not block.items[0].blocks:
        return chain(block.items[0].text, block.items[0].line)
    if block.kind == "list":
        return rising(_of_list(section, block, near))
    if block.kind in ("fence", "code") and near and block.text.count("\n") <= DRAWING_LINES_MAX:
        if block.info.startswith("mermaid"):
            return of_mermaid(block)
        return of_moments(block) or of_fence(block) or of_tree(block)
    if block.kind == "paragraph" and near:
        return of_chain(block) or of_paragraph(block.text, block.line) or of_lines(block)
    return []


# --- lists ------------------------------------------------------------------------------------------------------------


def _of_list(section: Section, block: Block, near: bool) -> list[Rung]:
    if any(item.task is not None for item in block.items):
        return []  # what is still to be done
    block = replace(block, items=with_units(block.items))
    if near and (told := _told(block)):
        return told
    title = section.title
    rungs: list[Rung] = []
    levelled = False
    for item in block.items[: RUNGS_MAX + 1]:
        first = item.text.split("\n")[0]
        label = split_label(first) or split_dash(first)
        words = plain(first)
        role = _role(label)
        named = role or levelled or LEVEL.match(label.label) or _FIRST.search(label.label) if label else True
        if label and label.value and not named:
            return []  # "Cluster: the web team" says for what somebody is called
        level = LEVEL.match(label.label if label else words)
        actions = tuple(plain(sub.text) for child in item.blocks for sub in child.items)
        some = holds_for_some(words) or (level is not None and of_some(words))
        if near and rungs and some:  # "CTO (for SEV1)" ends the levels, which `ladder_beside` reports
            return [*rungs, _for_some(words, item.line, len(rungs) + 1)] if _named(rungs) else []
        if levelled and not level:
            return rungs if _named(rungs) else []  # so does "Emergency: ..."
        levelled = level is not None
        if level and near:
            if _STEP.match(first) or _BETWEEN.match(words) or _leads_on(label.value if label else level[2]):
                return []
            text = label.value if label and label.value else level[2]
            name = level[2].strip(" ()") if label and label.value and parties(level[2]) and not scan(level[2]) else ""
            rungs.append(triggered(rung_of(int(level[1]), name or text, item.line, actions, aside=words), actions))
        elif (
            label
            and label.strong
            and _ordinal(label.label) is not None
            and not role
            and not label.value.startswith(("→", "->", "=>"))
            and (re.search(r"on-?call", title, re.I) or (near and not _holders(section)))
        ):
            rungs.append(Rung(number=len(rungs) + 1, who=_who(label.value), line=item.line))
        elif (
            not level
            and (_LADDER.search(title) or _names_ladder(block, section) or (near and _ranged(block)))
            and len((role or words).split()) <= 12
            and __is_rung(role or words)
        ):
            rungs.append(
                rung_of(
                    len(rungs) + 1,
                    label.value
                    if label and re.fullmatch(r"\d.*|first|then|finally", label.label, re.I)
                    else role or _person(words),
                    item.line,
                    actions,
                    aside=words,
                )
            )
        else:
            return []
    return rungs if len(rungs) == len(block.items) and _whole(rungs, block) else []


def _told(block: Block) -> list[Rung]:
    """The ladder of a list whose items say when somebody is called, and not only who."""
    lines = [(item.line, item_text(item)) for item in block.items]
    found = of_list(block) or of_onward(lines) or of_waits(lines)
    return found or of_sentences(lines, alone=False) or _chained(block)


def _chained(block: Block) -> list[Rung]:
    """`1. Primary → secondary → director`, `2. Vendors as needed`: the one item that is a chain, beside others without times."""
    chains = [chain(item.text, item.line) for item in block.items]
    found = [rungs for rungs in chains if rungs]
    others = [item for item, rungs in zip(block.items, chains, strict=True) if not rungs]
    return found[0] if len(found) == 1 and not any(scan(plain(item.text)) for item in others) else []


def _for_some(words: str, line: int, number: int) -> Rung:
    return Rung(number=number, who=parties(words) or (words,), line=line, unclear=words, partial=True)


def _whole(rungs: list[Rung], block: Block) -> bool:
    """Whether the numbers follow each other and every item names somebody."""
    return _numbered(rungs) and all(
        rung.who and (LEVEL.match(plain(item.text)) or PARTY.search(" ".join(rung.who)))
        for rung, item in zip(rungs, block.items, strict=False)
    )


def _numbered(rungs: list[Rung]) -> bool:
    numbers = [rung.number for rung in rungs]
    return numbers in ([*range(1, len(rungs) + 1)], [*range(len(rungs))])


def _named(rungs: list[Rung]) -> bool:
    """Whether the first items of a list are a ladder of their own."""
    return len(rungs) > 1 and _numbered(rungs) and all(PARTY.search(" ".join(rung.who)) for rung in rungs)


def _role(label: Label | None) -> str:
    """`**Manager on duty** — for decisions about people and money`: who it is, where the rest says more than a name."""
    if label is None or not label.strong or not PARTY.search(label.label) or len(label.value.split()) < 4:
        return ""
    if _ordinal(label.label) is not None and PARTY.search(label.value):
        return ""  # "Primary: the web engineer on duty"
    return label.label


def _person(words: str) -> str:
    """`Team lead → if nobody answers in 15 minutes`: the part that names somebody."""
    parts = re.split(r"\s*(?:→|->|=>)\s*", words)
    return parts[0] if len(parts) == 2 and PARTY.search(parts[0]) else words


_BETWEEN = re.compile(
    r"\W*(?:level|tier|l)\s?-?\d\s*(?:to|and|or|/|-|–)\s*(?:level|tier|l)?\s?-?\d\b", re.I
)  # "Level 1 to 2"
_STEP = re.compile(r"\W*(?:level|tier|l)\s?-?\d\W{0,4}(?:→|->|=>)\s*\W{0,2}(?:level|tier|l)\s?-?\d", re.I)


def _leads_on(words: str) -> bool:
    """`Losses of 2% → notify operations` is a condition and no level; `L1 → L2` is a step between two (`_STEP`)."""
    arrow = re.match(r"\s*(.*?)\s*(?:→|->|=>)", words)
    return arrow is not None and not PARTY.search(arrow[1])


def __is_rung(words: str) -> bool:
    """Whether the item names somebody to turn to, and is no condition and no step from one severity to another."""
    who = re.split(r"\b(?:if|when|after|within)\b|[(:–—→]|\s-\s|[-=]>", words, flags=re.I)[0]
    return bool(who.strip()) and not _CONDITION.search(who) and not ID.match(words)


def _names_ladder(block: Block, section: Section) -> bool:
    before = [each for each in section.blocks if each.kind == "paragraph" and each.end < block.line <= each.end + 2]
    return bool(before and block.ordered and re.search(r"escalat\w*.{0,60}:\s*$", plain(before[-1].text), re.I))


def _ranged(block: Block) -> bool:
    """Whether every item but the last has a stretch of time, from zero and without a gap: "(0-15 min)", "(15-60 min)"."""
    found = [[each for each in scan(plain(item.text)) if each.kind == "range"] for item in block.items[:-1]]
    if not block.ordered or not found or any(len(times) != 1 for times in found):
        return False
    spans = [times[0].value for times in found]
    ends = [0, *(span[1] if isinstance(span, tuple) else None for span in spans)]
    return all(isinstance(span, tuple) and span[0] == end for span, end in zip(spans, ends, strict=False))


def _holders(section: Section) -> bool:
    """Whether "Primary" and "Secondary" stand under a role, and say who has it: "Incident commander"."""
    return PARTY.search(section.title) is not None and not _ESCALATION.search(section.title)


def _ordinal(label: str) -> int | None:
    words = label.casefold().replace("on-call", "").replace("oncall", "").strip(" :")
    return _ORDINALS.index(words) if words in _ORDINALS else None


def _who(text: str) -> tuple[str, ...]:
    words = plain(text)
    return (words,) if re.search(r"\([A-Z][A-Za-z]+\)$", words) and len(words.split()) <= 5 else parties(words)


# --- chains beside other lines ---------------------------------------------------------------------------------------


def _of_label(block: Block, section: Section, known: dict[str, str]) -> Iterator[tuple[tuple[str, ...], list[Rung]]]:
    """`**Escalation:** Lead → CTO → CEO (for P1 incidents)` among the other lines of a paragraph."""
    alone = not _ESCALATION.search(section.where)  # a chain under a heading about escalation has been read
    for n, line in block.lines() if alone or "\n" in block.text else ():
        label = split_label(line)
        if label is None or not _ESCALATION.match(label.label):
            continue
        aside = " ".join(re.findall(r"\(([^()]{1,60})\)", plain(label.value)))
        rungs = clear(chain(label.value, n))
        if rungs:
            yield mentioned(aside, known) or scope_of(section, known), rungs
