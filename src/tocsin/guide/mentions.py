"""A scheme that stands only in a sentence: "Classify the incident as Sev1/Sev2/Sev3"."""

from __future__ import annotations

import re

from tocsin.guide.beside import beside
from tocsin.guide.blocks import Block, Document, Item, Section, every_block
from tocsin.guide.clocks import clock_of
from tocsin.guide.entries import Entry, Group
from tocsin.guide.evidence import names_incidents
from tocsin.guide.ids import ID, Named, family, is_word, key, named, number, run_of_ids
from tocsin.guide.inline import plain, split_wide

_CHOSEN = re.compile(r"\b(?:classif\w+|severit(?:y|ies)|assign|declare|determine|grade|rate)\b", re.I)
# A verb stands in front: "Severity: critical / high / low" alone is a field of a form.
_LISTED = re.compile(
    r"\b(?:classif\w+|assign|determine|grade|rate|set|choose)\b[^:()]{0,40}\bseverit(?:y|ies)\b(?: levels?)?\W{0,3}[:(]\s*([^:()]{8,80}?)[.)]?$",
    re.I,
)
_LABEL = re.compile(r"(?:(?:incident )?(?:severity|priority) levels?|severities|priorities)\s*:\s*", re.I)
SENTENCE_CHARS_MAX = 200


def in_a_sentence(document: Document) -> Group | None:
    """The first sentence that lists at least three severities in a row, where the page's title is about incidents."""
    titles = [section.title for section in document.sections() if section.level]
    if not titles or not names_incidents(titles[0]):
        return None
    for section, block in every_block(document.root):
        for line, text in _lines(block):
            words = plain(text)
            if labelled := _labelled(words):
                return Group(
                    form="sentence",
                    section=section,
                    line=line,
                    entries=tuple(Entry(named=who, line=line) for who in labelled),
                )
            if paired := _with_limits(text):
                return _group(section, line, paired)
            found = ID.search(words) if len(words) <= SENTENCE_CHARS_MAX and _CHOSEN.search(words) else None
            if worded := _words(words):
                return _group(section, line, worded)
            ids = run_of_ids(words, found) if found else ()
            if len(ids) >= 3 and family(ids[0]) in ("sev", "p") and _all_named_here(ids, document):
                return _group(section, line, ids)
    return None


def _labelled(text: str) -> tuple[Named, ...]:
    """The severities of `Severity levels: P1 (critical) / P2 (major) / P3 (minor)`, each with its name."""
    label = _LABEL.match(text) if len(text) <= SENTENCE_CHARS_MAX else None
    parts = [named(part) for part in re.split(r"\s*[/|,;]\s*", text[label.end() :])] if label else []
    said = tuple(who for who in parts if who is not None and who.clean and not who.by_word and len(who.ids) == 1)
    numbers = [number(who.ids[0]) for who in said]
    in_order = len(said) == len(parts) and numbers == sorted(set(numbers), key=numbers.index)
    return said if len(said) >= 3 and in_order and len({family(who.ids[0]) for who in said}) == 1 else ()


def _with_limits(text: str) -> tuple[str, ...]:
    """The severities of `Response times: P1 5 min, P2 1 hour, P3 1 day`: a label that names a clock, and a limit for each."""
    label = split_wide(text) if len(text) <= SENTENCE_CHARS_MAX else None
    if label is None or clock_of(label.label) not in ("respond", "acknowledge"):
        return ()
    ids = [match[0] for match in ID.finditer(plain(label.value))]
    known = {key(one): one for one in ids}
    pairs = beside(label.value, known)
    return tuple(pairs) if len(pairs) == len(ids) >= 3 and len({family(one) for one in ids}) == 1 else ()


def _words(text: str) -> tuple[str, ...]:
    """The words of `Classify severity: critical, high, medium, low`, where nothing else follows."""
    found = _LISTED.search(text)
    parts = [part.strip() for part in re.split(r"\s*(?:,|/|\bor\b|\band\b)\s*", found[1])] if found else []
    parts = [part for part in parts if part]
    return (
        tuple(parts)
        if len(parts) >= 3 and all(is_word(part) for part in parts) and len(set(parts)) == len(parts)
        else ()
    )


def _lines(block: Block) -> list[tuple[int, str]]:
    if block.kind == "paragraph":
        return list(block.lines())
    found: list[tuple[int, str]] = []
    waiting: list[Item] = list(reversed(block.items))
    while waiting:
        item = waiting.pop()
        found.append((item.line, item.text.replace("\n", " ")))
        waiting.extend(sub for inner in reversed(item.blocks) for sub in reversed(inner.items))
    return found


def _all_named_here(ids: tuple[str, ...], document: Document) -> bool:
    """Whether the list is complete: no other severity of the same scheme is named anywhere on the page."""
    known = {key(one) for one in ids}
    kind = family(ids[0])
    every = {match[0] for line in document.lines for match in ID.finditer(line, 0, 2000) if family(match[0]) == kind}
    return all(key(one) in known for one in every if number(one) is not None)


def _group(section: Section, line: int, ids: tuple[str, ...]) -> Group:
    entries = tuple(
        Entry(named=Named(ids=(one,), by_word=not family(one), name="" if family(one) else one), line=line)
        for one in ids
    )
    return Group(form="sentence", section=section, line=line, entries=entries)
