"""Ladders whose times differ by severity: "15 min P1, 1 hr P2" on an arrow or in a cell gives one ladder per severity."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from tocsin.guide.ids import ID, family, is_word, key, runs
from tocsin.guide.quantity import Quantity, normalise, scan
from tocsin.guide.rungs import Rung, counts
from tocsin.guide.words import FOREIGN_NEGATIVE

CHARS_MAX = 160  # a longer line says more than when
SENTENCE_CHARS_MAX = 300
# What may stand between times and severities without changing them; any other word is a condition that is not read.
_BESIDE = re.compile(
    rf"for|after|in|within|if|when|no|not|un\w+|still|is|resol\w+|respon\w+|ack\w*|progress|answer\w*|incidents?|and|per|each|every|escalat\w*|before|to|the|next|level|tier|time|limit|v|내|이내|미해결|미응답|{FOREIGN_NEGATIVE}",
    re.I,
)

_SPAN = r"\d{1,3}\s?(?:minutes?|mins?|hours?|hrs?|h|m)\b"
SEVERITY = re.sub(r"\?P<\w+>", "?:", ID.pattern)
_OF = rf"\s*\(?\s*(?:for\s+)?{SEVERITY}(?:\s*(?:/|,|&|and)\s*{SEVERITY})*\s*(?:incidents?)?\s*\)?"
# "15 minutes (P1) or 60 minutes (P2)" inside of a sentence
BY_SEVERITY = re.compile(rf"{_SPAN}{_OF}(?:\s*(?:,|/|;|or|and)\s*(?:within\s+|after\s+)?{_SPAN}{_OF})+", re.I)


def times_by_severity(text: str, known: dict[str, str]) -> dict[str, Quantity]:
    """`30 min for SEV1, 2 hours for SEV2`: the time of each severity; {} where the words say anything else.

    Times and severities take turns; several severities may share a time: "15 min P1/P2, 1 hour P3".
    """
    words = normalise(text)
    if len(words) > CHARS_MAX:
        return {}
    times = [each for each in scan(words) if each.value]
    masked = words
    for time in times:
        masked = masked[: time.start] + "\0" * (time.end - time.start) + masked[time.end :]
    named = list(runs(masked)) or [
        (each.start(), each.end(), (each[0],))
        for each in _WORDS.finditer(masked)
        if is_word(each[0]) and key(each[0]) in known
    ]
    marks: list[tuple[int, int, Quantity | tuple[str, ...]]] = [
        *((each.start, each.end, each) for each in times),
        *named,
    ]
    marks = [mark for mark in marks if isinstance(mark[2], Quantity) or not _is_level(mark[2], known)]
    marks.sort(key=lambda mark: mark[0])
    rest = masked.replace("\0", " ")
    for start, end, _ in named:
        rest = rest[:start] + " " * (end - start) + rest[end:]
    strange = any(not _BESIDE.fullmatch(word) for word in _WORDS.findall(rest))
    if strange or len(marks) % 2 or any(not counts(each) or each.kind == "range" for each in times):
        return {}
    return _in_turns([mark for _, _, mark in marks], known)


def times_within(text: str, known: dict[str, str]) -> dict[str, Quantity]:
    """The times by severity of a text, or of the part of a sentence that holds them: "15 minutes (P1) or 60 minutes (P2)"."""
    return times_by_severity(text, known) or times_by_severity(told_by_severity(text), known)


def told_by_severity(text: str) -> str:
    """The part of a sentence in which each of several severities has its time, as a list; "" where there is none."""
    found = BY_SEVERITY.search(text[:SENTENCE_CHARS_MAX])
    return re.sub(r"\s+or\s+(?=\D{0,8}\d)", ", ", found[0], flags=re.I) if found else ""


def _is_level(ids: tuple[str, ...], known: dict[str, str]) -> bool:
    """`→ Level 2` says who is called, where no severity has that name."""
    return family(ids[0]) not in ("sev", "p", "s", "priority") and key(ids[0]) not in known


_WORDS = re.compile(r"[^\W_]+")


def _in_turns(marks: Sequence[Quantity | tuple[str, ...]], known: dict[str, str]) -> dict[str, Quantity]:
    found: dict[str, Quantity] = {}
    for one, other in zip(marks[::2], marks[1::2], strict=True):
        time, ids = (one, other) if isinstance(one, Quantity) else (other, one)
        if (
            not isinstance(time, Quantity)
            or isinstance(ids, Quantity)
            or isinstance(one, Quantity) != isinstance(marks[0], Quantity)
        ):
            return {}
        names = [known.get(key(each), "") for each in ids]
        if not all(names) or any(name in found for name in names):
            return {}
        found |= dict.fromkeys(names, time)
    return found


def apart(rungs: Sequence[Rung], known: dict[str, str]) -> Iterator[tuple[tuple[str, ...], list[Rung]]]:
    """The ladder of each severity, up to the first time that names others; nothing where no arrow has several of its own.

    Severities whose ladder is the same share it.
    """
    told = [times_by_severity(rung.varies, known) if rung.varies else {} for rung in rungs]
    first = next((times for rung, times in zip(rungs, told, strict=True) if rung.varies), {})
    if not any(len(times) > 1 for times in told):
        return
    together: dict[str, tuple[list[str], list[Rung]]] = {}
    for one in dict.fromkeys(name for name in known.values() if name in first):
        own: list[Rung] = []
        for rung, times in zip(rungs, told, strict=True):
            held = times.get(one) if rung.varies else rung.hold
            own.append(replace(rung, hold=held, varies="", unclear=""))
            if rung.varies and held is None:
                break  # from here on it is for others
        if len(own) > 1:
            names = together.setdefault(repr([(rung.line, rung.hold) for rung in own]), ([], own))[0]
            names.append(one)
    for names, own in together.values():
        yield tuple(names), own
