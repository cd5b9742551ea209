"""What stands beside the levels of a ladder and was not read: a level without its time is a wrong level.

Every form of ladder comes by here once, after it has been read. Nothing here knows the forms: it looks at the cells, lines
and items from which a level was taken and asks whether each time in them has become a time of the ladder.
"""

from __future__ import annotations

import re
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import msgspec

from tocsin.guide.blocks import Block, Document, Item
from tocsin.guide.ids import ID, mentioned
from tocsin.guide.inline import plain
from tocsin.guide.ladder_doubts import HOURS, in_some_cases, of_some
from tocsin.guide.ladder_sentences import waits
from tocsin.guide.ladder_severities import times_within
from tocsin.guide.quantity import Quantity, Value, scan
from tocsin.guide.rungs import TRIGGER, Rung, counts, start
from tocsin.guide.words import NEGATIVE

NAMED_LINES = 8  # below "Escalate to level 2 if:"
NAMED_CHARS_MAX = 300
NAMED_MAX = 50  # of one page; every ladder asks for all of them
LINES_MAX = 40  # under one level; what stands further below belongs to something else


class Unread(msgspec.Struct, frozen=True, kw_only=True):
    """`at`: the level (from 0) beside which `text` stands; `whole`: whether the levels above it are not sure either."""

    at: int
    line: int
    text: str
    whole: bool


class Places:
    """Where the lines of a guide stand; made once, asked for every ladder."""

    def __init__(self, document: Document) -> None:
        self._lines = document.lines
        self._titles = {section.line: section for section in document.sections() if section.title}
        self._blocks = sorted(
            (block for section in document.sections() for block in section.blocks), key=lambda block: block.line
        )
        self._starts = [block.line for block in self._blocks]
        self.named = named_levels(document.lines)
        self.calls = list(islice(_timed_calls(document.lines), NAMED_MAX))

    def beside(
        self, line: int, until: int, severities: tuple[str, ...], known: dict[str, str]
    ) -> list[tuple[int, str]]:
        """(line, text) of everything that stands with the level of a line, up to the line of the next level."""
        if section := self._titles.get(line):
            return self._raw(line, min(until - 1, section.end or until))
        block = self._block(line)
        if block is None:
            return self._raw(line, line)
        if block.kind == "table":
            return list(_cells(block, line, severities, known))
        if block.kind == "list" and (item := _item(block, line)):
            return self._raw(line, min(until - 1, item.end))
        return self._raw(line, min(until - 1, block.end))

    def _block(self, line: int) -> Block | None:
        at = bisect_right(self._starts, line) - 1
        return self._blocks[at] if at >= 0 and line <= self._blocks[at].end else None

    def _raw(self, first: int, last: int) -> list[tuple[int, str]]:
        last = min(max(first, last), first + LINES_MAX - 1, len(self._lines))
        return list(_without_answers((n, self._lines[n - 1]) for n in range(first, last + 1)))


def _without_answers(lines: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """The lines in plain words; what stands indented below "Response time:" is how soon somebody answers."""
    below = sys.maxsize
    for n, raw in lines:
        indent, text = len(raw) - len(raw.lstrip()), plain(raw)
        if text and indent > below:
            continue
        below = indent if text.endswith(":") and _of_answers(text) else sys.maxsize
        yield n, text


def named_levels(lines: Sequence[str]) -> list[tuple[int, int, str]]:
    """(level, line, text) of each time that stands with the name of a level, anywhere on the page."""
    return list(islice(_named_levels(lines), NAMED_MAX))


def _named_levels(lines: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    """(level, line, text) of each time behind or below "Escalate to level 2 if", wherever on the page that stands."""
    number = until = 0
    for n, raw in enumerate(lines, 1):
        if len(raw) > NAMED_CHARS_MAX or not raw.strip():
            number = number if n <= until and not raw.strip() and until - n == NAMED_LINES - 1 else 0
            continue
        several = [part for part in _SENTENCES.split(raw) if _TO_LEVEL.search(part)]
        if len(several) > 1:
            yield from (
                (int(each[1]), n, plain(part))
                for part in several
                if (each := _TO_LEVEL.search(part)) and _times(plain(part))
            )
            number = 0
            continue
        if found := _TO_LEVEL.search(raw):
            number, until = int(found[1]), n + NAMED_LINES
        elif raw.startswith("#") or n > until:
            number = 0
        if number > 1 and _times(plain(raw)):
            yield number, n, plain(raw)


def _timed_calls(lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    """(line, text) of each line that calls somebody after a time, such as "not acknowledged within 5 min: page the lead"."""
    for n, raw in enumerate(lines, 1):
        if len(raw) <= NAMED_CHARS_MAX and _WAITED.search(raw) and _CALLED.search(raw) and _times(text := plain(raw)):
            yield n, text


class _Level(msgspec.Struct, frozen=True, kw_only=True):
    """The levels `first` to `last` of a ladder, which stand on one line."""

    rungs: Sequence[Rung]
    first: int
    last: int
    severities: tuple[str, ...]
    known: dict[str, str]

    @property
    def ends(self) -> bool:
        return self.last + 1 == len(self.rungs)


def unread(places: Places, rungs: Sequence[Rung], severities: tuple[str, ...], known: dict[str, str]) -> Unread | None:
    """The first thing beside the levels that says when or for whom and became no time of theirs; None where all was read."""
    for n, rung in enumerate(rungs):
        if _times(rung.unclear) or rung.partial:
            return _unclear(places, rungs, n, severities, known)
    for level, line, text in _told(places, rungs, severities, known):
        if found := _unread(level, line, text):
            return found
    for number, line, text in places.named:
        if number > len(rungs) or rungs[number - 2].hold is not None or rungs[number - 1].reach is not None:
            continue
        level = _Level(rungs=rungs, first=number - 1, last=number - 1, severities=severities, known=known)
        if any(not _was_read(each, level) for each in _times(text)):
            return Unread(at=number - 1, line=line, text=text, whole=True)
    return None


def read_lines(
    places: Places, rungs: Sequence[Rung], severities: tuple[str, ...], known: dict[str, str]
) -> Iterator[int]:
    """The lines beside the levels whose times are all those of the ladder."""
    for level, line, text in _told(places, rungs, severities, known):
        times = _times_for(level, text)
        if times and all(_was_read(each, level) for each in times):
            yield line


def _told(
    places: Places, rungs: Sequence[Rung], severities: tuple[str, ...], known: dict[str, str]
) -> Iterator[tuple[_Level, int, str]]:
    """Each thing that stands beside a level; of a chain in one line each part between two arrows."""
    for first, last in _groups(rungs):
        level = _Level(rungs=rungs, first=first, last=last, severities=severities, known=known)
        until = rungs[last + 1].line if last + 1 < len(rungs) else sys.maxsize
        for line, whole in places.beside(rungs[first].line, until, severities, known):
            for text in _ARROW.split(whole) if first < last else (whole,):
                yield level, line, text


def _unread(level: _Level, line: int, text: str) -> Unread | None:
    rungs, first = level.rungs, level.first
    own = line == rungs[first].line
    times = _times_for(level, text) if own or not _beyond(text, level) else []
    held = first > 0 and rungs[first - 1].hold is not None
    if (own or TRIGGER.match(text) or _SCOPE.match(text)) and (at := _partial_at(text, level)) is not None:
        return Unread(at=at, line=line, text=text, whole=bool(times) and not held)
    if own and times and not level.first == level.last == 0 and _IMPACT.search(text) and not _OR.search(text):
        return Unread(at=first, line=line, text=text, whole=False)  # "critical outage > 2 hours"
    if not own and not level.ends and _POINTS.match(text) and _partial(text, level):
        return Unread(at=first + 1, line=line, text=text, whole=bool(times) and not rungs[first].hold)
    left = [each for each in times if not _was_read(each, level)]
    # "no answer in 5 min or > 1 hour", "SEV1: 5 min": one time alone is not what it says
    more = len(left) < len(times) and (left or _for_some(text, level))
    if more or (left and (_missing(level) or (level.ends and not own and waits(text)))):
        return Unread(at=first, line=line, text=text, whole=bool(more) or not held)
    return None


def _times_for(level: _Level, text: str) -> list[Quantity]:
    """The times in the text that are for the severities of the ladder."""
    times = _times(text)
    per = times_within(text, level.known) if times and level.severities else {}
    return [per[one] for one in level.severities if one in per] if per else times


def _unclear(
    places: Places, rungs: Sequence[Rung], n: int, severities: tuple[str, ...], known: dict[str, str]
) -> Unread:
    """What the form itself found not to be sure, with the line on which it stands."""
    rung = rungs[n]
    until = rungs[n + 1].line if n + 1 < len(rungs) else sys.maxsize
    text = rung.unclear or " ".join(rung.who)
    near = places.beside(rung.line, until, severities, known)
    line = next((line for line, words in near if text[:20] in words), rung.line)
    held = n > 0 and rungs[n - 1].hold is not None
    sure = held and rungs[n - 1].varies == "" if _times(text) else rung.partial
    return Unread(at=n, line=line, text=text, whole=not sure)


def _groups(rungs: Sequence[Rung]) -> Iterator[tuple[int, int]]:
    """The first and the last of the rungs that stand on one line."""
    first = 0
    for n, rung in enumerate(rungs):
        if n + 1 == len(rungs) or rungs[n + 1].line != rung.line:
            yield first, n
            first = n + 1


def _times(text: str) -> list[Quantity]:
    """The times that may be those of a level: none of how soon somebody answers, of an update or of a shift."""
    found = [
        each
        for each in scan(text)
        if (counts(each) or each.kind == "calendar") and each.value and not _SECOND.fullmatch(each.text)
    ]
    return [] if found and _of_answers(text) else found


def _of_answers(text: str) -> bool:
    return bool(_ANSWERS.search(text) or _WORK.search(text) or _MENDS.match(text)) and not _ONWARD.search(text)


def _missing(level: _Level) -> bool:
    """Whether one of the levels, or the one above them, lacks the time after which the next one is called."""
    if len(level.rungs) == 1:
        return True
    return any(
        level.rungs[n].hold is None and level.rungs[n + 1].reach is None
        for n in range(max(level.first - 1, 0), min(level.last + 1, len(level.rungs) - 1))
    )


def _beyond(text: str, level: _Level) -> bool:
    """`Escalate if: ...` under the last of levels that say how long they have: it leads out of the ladder."""
    return level.ends and any(rung.hold for rung in level.rungs) and _LABEL.match(text) is not None


def _was_read(time: Quantity, level: _Level) -> bool:
    rungs = level.rungs
    near = range(max(level.first - 1, 0), min(level.last + 2, len(rungs)))
    read = [rungs[n].hold for n in near] + [rungs[n].reach for n in near if n or not start(rungs[0].reach)]
    values = {one for each in read if each is not None for one in _values(each.value)}
    return not values.isdisjoint(_values(time.value))


def _values(value: Value) -> set[Value]:
    return {one for one in value if one} if isinstance(value, tuple) else {value}


_ANSWERS = re.compile(r"\brespon(?:se|ds?|ding)\b|\backnowledge(?:s|ment)?\b|\banswers?\b", re.I)
_WORK = re.compile(r"\bupdates?\b|\bpost-?mortem|\breview|\bshifts?\b|\brotat|\bhand-?o(?:ff|ver)", re.I)
_MENDS = re.compile(
    r"\W*(?:typical|expected|target|average|usual)\s+(?:resolution|fix|recovery|duration)\b[^:]{0,20}:", re.I
)
_ONWARD = re.compile(rf"escalat|unresolved|unanswered|unacknowledged|{NEGATIVE}", re.I)
_FRONT = r"(?:^\W*|[(\[–—:→]\s*|\s-\s+|\b(?:only|during)\s+)(?:only\s+)?"
_SECOND = re.compile(r"(?:an?|one)\s+second", re.I)  # "for a second pair of eyes"
_SENTENCES = re.compile(r"(?<=[a-z)])[.;]\s+")
_TO_LEVEL = re.compile(
    r"(?:\bescalate\s+to|\b(?:level|tier|l)\s?-?\d\s*(?:→|-+>|\bto\b))\s+(?:\*\*)?(?:level|tier|l)\s?-?([2-9])\b", re.I
)
_WAITED = re.compile(
    r"\b(?:not|no|un|without|fails? to|still)\W{0,2}(?:\w+\s){0,2}?(?:ack\w*|respon\w+|answer\w*|mitigat\w+|resol\w+|progress)"
    r"|\bun(?:acknowledged|answered|resolved|mitigated)\b",
    re.I,
)
_CALLED = re.compile(r"\b(?:escalat\w*|page[sd]?|notif\w+|calls?|alert|contact|involve|bring|engage)\b|→|->", re.I)
_SCOPE = re.compile(r"\W*(?:scope|for|applies\s+to)\s?:", re.I)
_LABEL = re.compile(r"\W*escalat\w*\s+(?:if|when|after|to)\b[^:]{0,30}:", re.I)
_MAYBE = re.compile(
    rf"(?:{_FRONT}|[,;]\s*)(?:(?:if|as|when|where)\s+(?:needed|required|necessary|applicable|appropriate)|optional(?:ly)?)\b",
    re.I,
)
_SERIOUS = re.compile(
    r"\((?:only\s+)?(?:for\s+)?(?:critical|major|severe|serious|high[\s-]severity)\s+(?:issues?|incidents?|outages?|cases|events?)(?:\s+only)?\)"
    r"|\((?:critical|major|severe|serious|emergenc\w+)\s+only\)|\(only\s+(?:critical|major|severe|serious|emergenc\w+)\)",
    re.I,
)
_SOMETIMES = re.compile(rf"{_FRONT}(?:{HOURS})|(?:{HOURS})\s+only", re.I)
_AT_FRONT = re.compile(rf"(?:{_FRONT}|\b(?:for|if|in|on)\s+)(?:an?\s+|all\s+|any\s+|the\s+)?$", re.I)
_OR_ELSE = re.compile(r"\s+or\s+", re.I)
_IMPACT = re.compile(
    r"\b(?:critical|major|severe|extended|customer|user|business|infrastructure|data|security|platform)[\s/-]+(?:\w+\s+)?(?:outages?|impact\w*|issues?|incidents?|breach\w*|loss|downtime)\b",
    re.I,
)
_OR = re.compile(r"\bor\b", re.I)
_POINTS = re.compile(r"[\s|│]*(?:[vV↓▼⬇](?=\s)|\|--)")  # on the way to the next level: "↓ (P1 incidents)"
_ARROW = re.compile(r"→|[-=]+>")


def _partial_at(text: str, level: _Level) -> int | None:
    """The level that the text says is called for some incidents only, at some hours or perhaps."""
    if not _partial(text, level):
        return None
    if level.first == level.last:
        return level.first
    on_line = range(level.first, level.last + 1)
    return next((n for n in on_line if level.rungs[n].who[0].casefold() in text.casefold()), None)


def _partial(text: str, level: _Level) -> bool:
    if _MAYBE.search(text) or _SOMETIMES.search(text) or _SERIOUS.search(text) or in_some_cases(text):
        return True
    front = any(
        of_some(found[0])
        and _AT_FRONT.search(text[max(found.start() - 40, 0) : found.start()])
        and not _or_else(text, found)
        for found in ID.finditer(text)
    )
    return front and not _for_all(text, level)


def _for_some(text: str, level: _Level) -> bool:
    """Whether a time stands beside some of the severities of its ladder."""
    some = any(of_some(found[0]) and not _or_else(text, found) for found in ID.finditer(text))
    return some and not _for_all(text, level) and not (level.severities and times_within(text, level.known))


def _for_all(text: str, level: _Level) -> bool:
    return set(level.severities or level.known.values()) <= set(mentioned(text, level.known))


def _or_else(text: str, severity: re.Match[str]) -> bool:
    """`SEV1 or no resolution in 2 hours`, `no resolution in 2 hours or SEV1`: it holds for the others too."""
    behind = _OR_ELSE.match(text, severity.end())
    if behind is not None and not ID.match(text, behind.end()):
        return True
    before = text[max(severity.start() - 60, 0) : severity.start()]
    return (
        re.search(r"\bor\s+(?:if\s+(?:it|the\s+incident)\s+is\s+)?$", before, re.I) is not None
        and ID.search(before) is None
    )


_ONLY = re.compile(r"\([^()]{1,40}\bonly\)", re.I)  # "1 hour (P0 only)" under "Response time"
_OTHER = re.compile(
    r"respon(?:se|d)\b|resol|update|cadence|communicat|acknowledg|restor|mttr|frequency|review|availab|hours|example|descri|defin|impact"
    r"|method|channel",
    re.I,
)


def _cells(block: Block, line: int, severities: tuple[str, ...], known: dict[str, str]) -> Iterator[tuple[int, str]]:
    """The cells of a row, without the columns of other clocks and of other severities."""
    at = bisect_left(block.rows, line, key=lambda row: row.line)
    for row in block.rows[at : at + 1]:
        for n, cell in enumerate(row.cells):
            head = plain(block.header[n]) if n < len(block.header) else ""
            other = of_some(head) and severities and not set(severities) & set(mentioned(head, known))
            if not other and not _OTHER.search(head):
                yield line, plain(cell)
            elif not other:
                yield from ((line, only) for only in _ONLY.findall(plain(cell)))


def _item(block: Block, line: int) -> Item | None:
    """The item that begins on a line, at any depth."""
    waiting = [block]
    while waiting:
        for item in waiting.pop().items:
            if item.line == line:
                return item
            if item.line < line <= item.end:
                waiting += item.blocks
    return None
