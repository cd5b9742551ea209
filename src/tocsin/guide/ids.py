"""Severity ids as guides write them: SEV-0, Sev 1, P2, S3, Priority 1, Level 2, or a word such as Critical."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

import msgspec

from tocsin.guide.inline import CACHED_CHARS, CACHED_LINES, plain, unsigned

_PREFIX = r"(?:sev(?:erity)?(?:\s+level)?|priority|prio|level|lvl|tier|class|cat(?:egory)?|критичность|приоритет|심각도|등급|stufe|schweregrad|niveau|nivel|nível|livello|prioridade|prioridad|severidade|severidad)"
ID = re.compile(
    rf"(?<![\w/.-])(?:(?P<long>{_PREFIX})[\s_-]{{0,2}}(?P<ln>[0-5])|(?P<short>[pslt])-?(?P<sn>[0-5]))(?=[级級급]|(?![\w%]|\.\d|-\d\d))",
    re.I,
)
_MORE = re.compile(
    r"\s*(?:/|&|,|\+|-|–|\band\b|\bor\b|\bto\b)\s*(?:(?:sev(?:erity)?|priority|p|s|l|level)?[\s_-]?)(?P<n>[0-5])(?!\w|%|\.\d)",
    re.I,
)

_PREFIXED = re.compile(r"(?:priority|severity|sev)[-:/_](?P<id>(?:p|s|sev)-?[0-5])\b", re.I)  # the label `priority-p1`

# Words that name a severity, worst first; the value is the rank order among words, equal for synonyms.
WORDS: dict[str, int] = {
    "emergency": 0, "catastrophic": 0, "blocker": 0, "critical": 1, "severe": 1, "urgent": 2, "high": 3, "major": 3,
    "significant": 3, "medium": 4, "moderate": 4, "normal": 5, "minor": 5, "low": 6, "informational": 7, "info": 7,
    "trivial": 7, "cosmetic": 7, "negligible": 7, "none": 8, "warning": 4, "error": 3, "warn": 4,
    "критический": 1, "критичный": 1, "критическая": 1, "высокий": 3, "высокая": 3, "средний": 4, "средняя": 4, "низкий": 6, "низкая": 6,
    "심각": 1, "긴급": 1, "높음": 3, "중간": 4, "보통": 4, "낮음": 6, "crítico": 1, "crítica": 1, "alto": 3, "alta": 3, "médio": 4,
    "média": 4, "medio": 4, "media": 4, "baixo": 6, "baixa": 6, "bajo": 6, "baja": 6, "kritisch": 1, "hoch": 3, "mittel": 4,
    "niedrig": 6, "gering": 6, "critique": 1, "haute": 3, "élevée": 3, "majeur": 3, "majeure": 3, "moyenne": 4, "faible": 6,
    "mineur": 6, "mineure": 6, "cosmétique": 7, "bloquant": 0, "bloquante": 0, "kritis": 1, "tinggi": 3, "sedang": 4, "rendah": 6, "normale": 5, "informativo": 7, "informativa": 7, "critico": 1, "critica": 1, "basso": 6, "bassa": 6, "严重": 1, "高": 3, "中": 4, "低": 6,
}  # fmt: skip
_NARROW = str.maketrans({"（": " (", "）": ")", "：": ": "})
_GRADE = re.compile(r"[级級급](?:别|別)?(?:响应|響應|故障|事件|事故|问题|問題|대응|장애)?")  # "P0级响应" is P0
_WORD_ONLY = re.compile(
    rf"^(?:{'|'.join(sorted(map(re.escape, WORDS), key=len, reverse=True))})(?:\s+(?:severity|priority|impact|level|incidents?|issues?))?$",
    re.I,
)


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """A label that names severities. `rest` is what stood behind (a tagline); `asides` are the parentheses."""

    ids: tuple[str, ...]
    name: str = ""
    rest: str = ""
    asides: tuple[str, ...] = ()
    by_word: bool = False
    clean: bool = True  # nothing but id, name and asides
    graded: bool = False  # the label says that the word is a severity or a priority


def key(severity: str) -> str:
    """One spelling per id: `SEV-1`, `Sev 1` and `sev1` are the same, `P1` is another."""
    found = ID.fullmatch(severity.strip())
    if not found:
        return " ".join(severity.casefold().split())
    return family(severity) + (found["ln"] or found["sn"])


def family(severity: str) -> str:
    """The scheme an id belongs to: `sev`, `p`, `s`, `level`; empty for a word."""
    found = ID.fullmatch(severity.strip())
    if not found:
        return ""
    prefix = (found["long"] or found["short"]).lower()
    return "sev" if prefix.startswith("sev") else "priority" if prefix.startswith("prio") else prefix.split()[0]


def number(severity: str) -> int | None:
    found = ID.fullmatch(severity.strip())
    return int(found["ln"] or found["sn"]) if found else None


def is_word(text: str) -> bool:
    return bool(_WORD_ONLY.match(unsigned(text).strip(" .:*")))


def word_rank(text: str) -> int | None:
    words = unsigned(text).casefold().split()
    return WORDS.get(words[0]) if words else None


def named(raw: str) -> Named | None:
    """The severities that a heading, cell or label names; None where it names none at its front."""
    return _short_named(raw) if len(raw) <= CACHED_CHARS else _named(raw)


@lru_cache(maxsize=CACHED_LINES)
def _short_named(raw: str) -> Named | None:
    return _named(raw)


def _named(raw: str) -> Named | None:
    text = unsigned(re.sub(r"^\s*\d+(?:\.\d+)*[.)]?\s+(?=\D)", "", plain(raw))).translate(_NARROW)
    text = text.strip(" .:*-–—|")
    if spelt := _PREFIXED.match(text):
        text = spelt["id"].upper() + text[spelt.end() :]
    if len(text) > 160:
        return None
    found = ID.search(text)
    if found is None:
        return _by_word(text)
    before = text[: found.start()].strip(" (:-–—[|")
    joined = text[: found.start()].rstrip().endswith(("(", "-", "–", "—", ":", "/", "[", "|"))
    if before and not (joined and len(before.split()) <= 4) and not is_word(before):
        return None
    ids, end = _ids(text, found)
    graded = _GRADE.match(text, end)
    after = text[graded.end() if graded else end :]
    name, rest, asides = _name(before, after)
    name = "" if _GENERIC.match(name) else name
    clean = not rest or bool(re.match(r"(?:immediate|urgent|standard|scheduled|response|respond|\W*$)", rest, re.I))
    return Named(ids=ids, name=name, rest=rest, asides=asides, clean=clean)


def _ids(text: str, found: re.Match[str]) -> tuple[tuple[str, ...], int]:
    """The ids at the front: `S3/S4`, `SEV-0/1`, `P2-P3` and `SEV1-2` name several."""
    first = found[0]
    ids, end = [first], found.end()
    prefix = re.sub(r"[0-5]$", "", first)
    while (more := _MORE.match(text, end)) and len(ids) < 6:
        ranged = re.match(r"\s*(?:-|–|to)\s*", more[0]) is not None
        count = int(more["n"])
        last = int(re.sub(r"\D", "", ids[-1])[-1:])
        spaced = re.match(r"\s+[-–]\s+[0-5]", more[0]) is not None
        if count <= last or spaced:
            break
        steps = range(last + 1, count + 1) if ranged else [count]
        ids += [f"{prefix}{step}" for step in steps]
        end = more.end()
    return tuple(ids), end


def run_of_ids(text: str, found: re.Match[str]) -> tuple[str, ...]:
    """The ids of a list that starts at `found`, each written out or as a number: `SEV1/SEV2/SEV3`, `P0-P3`."""
    return _ids(text, found)[0]


def runs(text: str) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    """Every run of ids with where it begins and ends: `P1/P2` and `P3` of "P1/P2 at once, P3 later"."""
    at = 0
    while match := ID.search(text, at):
        ids, at = _ids(text, match)
        yield match.start(), at, ids


def _name(before: str, after: str) -> tuple[str, str, tuple[str, ...]]:
    asides = tuple(aside.strip() for aside in re.findall(r"[(\[]([^()\[\]]{1,100})[)\]]", after))
    opened = after.lstrip().startswith(")") or after.lstrip().startswith("]")
    bare = re.sub(r"[(\[][^()\[\]]{0,100}[)\]]", " \x01 ", after)
    bare = bare.lstrip(" )]")
    if before:
        rest = bare.replace("\x01", " ").strip(" :-–—|)")
        return before.strip(" (:-–—|/"), " ".join(rest.split()), asides
    del opened
    parts = re.split(r"(\s[-–—]+\s|\s\|\s|:\s|^\s*[-–—:]+\s*|\x01)", bare)
    said = [(chunk.strip(" :|)-–—"), mark) for chunk, mark in zip(parts[::2], ["", *parts[1::2]], strict=True)]
    said = [(chunk, mark) for chunk, mark in said if chunk]
    chunks = [chunk for chunk, _ in said]
    name = chunks[0] if chunks else ""
    if (
        not name and asides and is_word(lead := re.split(r",|:\s|\s[-–—]+\s", asides[0])[0])
    ):  # "(Critical - full outage)"
        return lead.strip(), "", asides[1:]
    if name and not is_word(name) and asides and is_word(asides[0]) and after.lstrip().startswith(("(", "[")):
        return asides[0], _rest(said), asides[1:]
    return name, _rest(said[1:]), asides


def _rest(said: list[tuple[str, str]]) -> str:
    """What stood behind the name; "Response time: 1 hour" stays one clause."""
    rest = "".join(f"{': ' if ':' in mark else ' - '}{chunk}" for chunk, mark in said)
    return rest.removeprefix(" - ").removeprefix(": ")


_GENERIC = re.compile(r"^(?:severity|priority|level|incidents?|issues?|events?|alerts?)$", re.I)


def numbered(raw: str, head: str) -> Named | None:
    """A bare number under a header that says what it counts: `1` under "Sev" is SEV1, under "Priority" P1."""
    found = re.match(r"([0-5])\b(?!\s*[.,%]|\s*\d)\s*(.*)$", unsigned(plain(raw)))
    prefix = next(
        (
            prefix
            for pattern, prefix in (("sev", "SEV"), ("prio", "P"), ("level", "Level "))
            if pattern in head.casefold()
        ),
        "",
    )
    if not found or not prefix:
        return None
    name, rest, asides = _name("", f" {found[2]}")
    return Named(ids=(f"{prefix}{found[1]}",), name=name, rest=rest, asides=asides)


# "Prioridad Alta": where the adjective follows, a heading spells out what it grades. "Priority: High" is a field of a form.
_GRADED = re.compile(
    r"^(?:severidad|prioridad|gravedad|criticidad|severidade|prioridade|gravidade|criticidade|sévérité|priorité|gravité|criticité"
    r"|gravità|priorità|severità)\s+(?=[^\W\d_])",
    re.I,
)


def _by_word(text: str) -> Named | None:
    text, graded = _GRADED.subn("", text)
    asides = tuple(aside.strip() for aside in re.findall(r"\(([^()]{1,100})\)", text))
    bare = re.sub(r"\([^()]{0,100}\)", " ", text)
    chunks = [chunk.strip() for chunk in re.split(r"\s[-–—]+\s|:\s|\s\|\s", bare) if chunk.strip()]
    if not chunks or not is_word(chunks[0]):
        return None
    word = chunks[0]
    word = re.sub(r"\s+(?:severity|priority|impact|level|incidents?|issues?)$", "", word, flags=re.I)
    return Named(ids=(word,), name=word, rest=" - ".join(chunks[1:]), asides=asides, by_word=True, graded=bool(graded))


def mentioned(text: str, known: dict[str, str]) -> tuple[str, ...]:
    """The known severities a sentence names, in its order; `known` maps `key` and lower-case names to ids.

    `SEV-0/1`, `P0 and P1`, `SEV1-2` and `P2+` name several. A word counts only as `Critical incidents` or alone.
    """
    found: list[str] = []
    at = 0
    while match := ID.search(text, at):
        ids, at = _ids(text, match)
        if re.match(r"\s?\+|\s+(?:and|or)\s+(?:above|higher|worse|up)\b", text[at:]):
            ids = _and_above(ids[0], known)
        found += [known[key(each)] for each in ids if key(each) in known]
    if not found:
        for word in re.findall(r"[^\W\d_]+", text):
            name = word.casefold()
            if name in known and re.search(
                rf"\b(?:for|on)\s+{re.escape(word)}\b\s*(?:[.;,]|$)|\b{re.escape(word)}\b(?:\s+(?:severity|priority|incidents?|issues?|alerts?|\()|\s*[:,/)]|\s*$)",
                text,
            ):
                found.append(known[name])
    return tuple(dict.fromkeys(found))


def only_names(label: str, known: dict[str, str]) -> bool:
    """Whether a label names severities and nothing else: "P1 and P2 incidents", and not "Premium customers with P2"."""
    words = re.findall(r"[^\W\d_]+", ID.sub(" ", label).casefold())
    return all(word in known or word in _BESIDE_NAMES for word in words)


_BESIDE_NAMES = frozenset(re.findall(
    r"\w+",
    "and or to all any the for incident incidents issue issues alert alerts outage outages severity severities priority priorities "
    "level levels sev higher above critical high medium low major minor urgent",
))  # fmt: skip


def _and_above(first: str, known: dict[str, str]) -> tuple[str, ...]:
    mine, kind = number(first), family(first)
    every = {each for each in known.values() if family(each) == kind}
    return tuple(sorted(each for each in every if (number(each) or 0) <= (mine or 0)))
