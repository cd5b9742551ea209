"""Spans of time as people write them: a small grammar that either understands a phrase or says that it does not.

`scan(text)` finds every quantity in a sentence, in order. `read(text)` understands a whole phrase, such as a table
cell, or returns None: a cell with two different times, or with words that could change the meaning, is not read.
Business forms stay business forms; "immediate" is 0 seconds unless a number stands beside it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Literal

import msgspec
from msgspec.structs import replace

from tocsin.core.policy import Calendar, Deadline
from tocsin.guide.inline import CACHED_CHARS, CACHED_LINES
from tocsin.guide.words import (
    BUSINESS_DAYS,
    BUSINESS_HOURS,
    FILLERS,
    IMMEDIATE,
    INTERVAL_WORDS,
    MILESTONE,
    NEGATED,
    NEXT_BUSINESS_DAY,
    NONE_WORDS,
    NUMBER_WORDS,
    OFFICE_HOURS,
    PLACEHOLDER,
    QUALITATIVE,
    TIME_WORDS,
    UNIT_SECONDS,
    UNITS,
)

PHRASE_CHARS_MAX = 400  # a phrase longer than this is prose, not a quantity; also the bound of the work per cell
SCAN_CHARS_MAX = 4 * PHRASE_CHARS_MAX
SECONDS_MAX = 10 * 366 * 86400  # nobody promises anything in ten years; a larger number is a typing error

Kind = Literal[
    "elapsed", "interval", "range", "business_days", "business_hours", "calendar", "milestone", "offset", "none",
    "qualitative", "placeholder",
]  # fmt: skip
Value = int | str | tuple[int, int | None] | None


class Quantity(msgspec.Struct, frozen=True, kw_only=True):
    """What a phrase means. `value` is seconds, a pair of seconds, a count of business units, or a name.

    `months` keeps calendar months exact where the unit was months or longer; `bound` is how the guide limits it.
    `working_days`: an interval that counts working days, such as "daily on weekdays".
    """

    kind: Kind
    value: Value = None
    bound: str | None = None
    text: str = ""
    start: int = 0
    end: int = 0
    months: tuple[int, ...] = ()
    working_days: int = 0


_N = (
    r"(?:\d{1,6}(?:[.,]\d{1,2})?|"
    + "|".join(re.escape(word) for word in sorted(NUMBER_WORDS, key=len, reverse=True))
    + r")"
)
_U = "(?:" + UNITS + ")"
_BOUND = (
    r"(?:(?P<upto><=?|≤|⩽|within(?:\s+the)?(?:\s+(?:first|next))?|under|less\s+than|up\s+to|no\s+more\s+than|at\s+most"
    r"|no\s+later\s+than|max(?:imum)?\.?(?:\s+of)?|not\s+exceed(?:ing)?|first|by|innerhalb|менее|dentro\s+de|em\s+até|até|hasta|menos\s+de|(?:no\s+|como\s+)?m[aá]ximo(?:\s+de)?|이내)"
    r"|(?P<over>>=?|≥|more\s+than|longer\s+than|over|at\s+least|after|exceed(?:s|ing)?)"
    r"|(?P<about>~|≈|about|approx(?:\.|imately)?|around|roughly))\s*(?:an?\s+(?=\d))?"
)
_BOUND_2 = re.sub(r"P<(\w+)>", r"P<\1_2>", _BOUND)
_EVERY = r"(?P<every>every|each|once\s+(?:per|an?|every|each)|per|кажд\w+|cada|a\s+cada|alle|jede[nrs]?|tou(?:te)?s\s+les|chaque|ogni|elke|setiap|mỗi|매|每|毎)\s*(?:the\s+)?"
_WORKDAY = r"(?:(?:business|working|work)[\s-]+days?|weekdays?)(?!\w)"
_WORKWEEK = r"mon(?:day)?s?\s?(?:-|to|through)\s?fri(?:day)?s?(?!\w)"
_GRAMMAR = re.compile(
    rf"""
    (?P<offset>\bt\s?\+\s?(?P<on>\d{{1,5}})\s?(?P<ou>{_U})?)
  | (?P<nbd>{NEXT_BUSINESS_DAY}|\b(?:by\s+)?(?:(?:end|close)\s+of\s+(?:the\s+)?)?(?:next|following)\s+(?:business|working|work|biz)[\s-]+(?:day|morning)\b|\bnbd\b)
  | (?P<sbd>\bsame[\s-]+(?:business|working|work|biz)[\s-]+day\b|\b(?:by\s+)?(?:end|close)\s+of\s+business(?:\s+day)?\b|\b(?:cob|eob)\b)
  | (?P<nbh>\b(?:by\s+|within\s+)?(?:the\s+)?next\s+(?:business|working)[\s-]+hour\b|\bwithin\s+(?:the\s+)?(?:business|working)\s+day\b)
  | (?P<nextday>\bnext[\s-]day\b|\btomorrow\b)
  | (?P<sameday>\bsame[\s-](?:calendar\s+)?day\b|\b(?:by\s+)?end\s+of\s+(?:the\s+)?day\b|\beod\b)
  | (?P<ebd>(?<!\w)(?:(?:every|each|once\s+(?:an?|per|every|each))\s+(?:(?P<ebn>{_N}|other|second)\s+)?{_WORKDAY}|daily\W{{1,3}}(?:only\s+)?(?:on\s+|during\s+)?(?:{_WORKDAY}|{_WORKWEEK})(?:\s+only)?\)?))
  | (?:{_BOUND_2})?(?:(?<!\w)(?P<bn1>{_N})\s?-\s?)?(?<!\w)(?P<bn>{_N})[\s-]*(?:(?:business|working|work|office|service|biz|bus\.?)[\s-]+(?P<bu>days?|hours?|hrs?)|(?P<bd>bds?|wds?|{BUSINESS_DAYS})|(?P<bh>{BUSINESS_HOURS}))(?![^\W\d_内以])
  | (?:{_EVERY})?(?:(?:{_BOUND}))?(?:
        (?<![\w.])(?P<ra>{_N})\s?(?P<rau>{_U})?\s?(?:-|to\b|до)\s?(?P<rb>{_N})[\s-]?(?P<rbu>{_U})
      | (?<![\w.])(?P<pn>{_N})\s?\+\s?(?P<pu>{_U})
      | (?<![\w.])(?P<n1>{_N})[\s-]?(?P<u1>{_U})(?:(?:\s?,?\s?and\s|\s?,\s|\s)?(?P<n2>\d{{1,4}})[\s-]?(?P<u2>{_U}))?
    )(?P<most>\s*(?:以?内|이내|max(?:imum)?\b|or\s+less|or\s+sooner|or\s+faster|at\s+most))?
  | {_EVERY.replace("P<every>", "P<ever2>")}(?:(?P<other>other|second)\s+)?(?P<eu>{_U})
  | (?<!\w)(?P<word>{"|".join(re.escape(word) for word in sorted(INTERVAL_WORDS, key=len, reverse=True))})(?!\w)
  | (?P<now>{IMMEDIATE})
    """,
    re.VERBOSE,
)
MILESTONES = re.compile(MILESTONE)
# Most lines of a guide name no time at all: this says so much faster than the grammar does.
_TIMED = re.compile(
    r"[\d\u0080-\uffff]|second|minute|hour|day|dai|week|month|quarter|annual|year|immediat|instant|right\s+away|tomorrow|business|nbd|cob|eob|eod"
    r"|fortnight|sofort|inmediat|imediat|diari|hora|stunde|twice",
    re.I,
)
_DONE = r"^\W*(?:implement|deploy|create|write|open|file)\b"  # says what is done, not by when
_MORE = re.compile(rf"[+;]|{_DONE}|\d\W{{0,12}}(?:[a-z]{{0,6}}\W{{1,4}})?(?:min|hour|hr|day|week|sec)", re.I)
_WORDS = re.compile(r"[^\W\d_][\w'’.-]*|\d+")


def normalise(text: str) -> str:
    """The phrase in one alphabet: letters folded, dashes and spaces alike, Markdown marks gone. Length may change."""
    text = unicodedata.normalize("NFKC", text).lower().replace("&lt;", "<").replace("&gt;", ">").replace("\\", "")
    text = text.translate(_DASHES).replace("*", "").replace("`", "").replace("~~", "")
    text = re.sub(r"24\s?[x×/*]\s?7(?:\s?[x×/*]\s?365)?", " ", text)
    text = re.sub(r"\b[a-z]+(?:-[a-z]+)?\s+\((\d{1,3})\)(?=\s+[a-z])", r"\1", text)  # "within one (1) hour"
    text = re.sub(r"([<≤]\s?\d{1,3})\s?['′](?!\w)", r"\1 min", text)  # "response < 15'"
    text = re.sub(r"\bwithin the (hour|day|week|month)\b", r"within 1 \1", text)
    return re.sub(r"\s+", " ", text).strip()


_DASHES = str.maketrans({"–": "-", "—": " - ", "−": "-", "‑": "-", "‐": "-", "→": " -> "})


def number(text: str) -> float:
    """What a numeral or number word counts."""
    return NUMBER_WORDS[text] if text in NUMBER_WORDS else float(text.replace(",", "."))


def scan(text: str) -> list[Quantity]:
    """Every quantity in the text, in order; positions are those of `normalise(text)`."""
    if not _TIMED.search(text, 0, SCAN_CHARS_MAX):
        return []
    return list(_short_scan(text)) if len(text) <= CACHED_CHARS else list(_scan(text))


@lru_cache(maxsize=CACHED_LINES)
def _short_scan(text: str) -> tuple[Quantity, ...]:
    return tuple(_scan(text))


def _scan(text: str) -> Iterator[Quantity]:
    words, at = normalise(text[:SCAN_CHARS_MAX]), 0
    while match := _GRAMMAR.search(words, at):
        quantity, at = _quantity(match), match.end()
        if quantity is None and match["n2"]:  # "10 min, 1 hour" are two
            at = match.start("n2")
            quantity = _quantity(_GRAMMAR.match(words, match.start(), at) or match)
        if quantity:
            yield quantity


def read(text: str) -> Quantity | None:
    """What the whole phrase means, or None where it says more than one thing or something this grammar lacks."""
    phrase = normalise(text).strip(" .:;")
    if not phrase or len(phrase) > PHRASE_CHARS_MAX:
        return None
    word = phrase.strip("()-_ .")
    if word in NONE_WORDS or word == "" or phrase.split(" (")[0] in NONE_WORDS or re.match(NEGATED, phrase):
        return Quantity(kind="none", text=text)
    if re.fullmatch(PLACEHOLDER, phrase):
        return Quantity(kind="placeholder", text=text)
    found = [quantity for quantity in scan(phrase) if quantity.kind != "offset" or quantity.start == 0]
    milestone = MILESTONES.search(phrase)
    if milestone and milestone[0] == "backlog" and len(phrase.split()) > 3:
        milestone = None  # "create a ticket, put it in the backlog" says what to do, not by when
    if milestone and not any(quantity.value != 0 for quantity in found):
        return Quantity(kind="milestone", value=_milestone_name(milestone[0]), text=text)
    if not found:
        said = re.search(QUALITATIVE, phrase) and not _MORE.search(phrase)  # not "in-hours reply; ticket"
        return Quantity(kind="qualitative", text=text) if said else None
    return _whole(phrase, found, text)


def _whole(phrase: str, found: list[Quantity], text: str) -> Quantity | None:
    chosen = found[0]
    if len(found) == 2 and _same(found[0], found[1]):  # "Next business day (NBD)"
        phrase = phrase[: found[1].start] + phrase[found[1].end :]
        found = found[:1]
    rest = phrase
    for quantity in reversed(found):
        rest = rest[: quantity.start] + "\x00" + rest[quantity.end :]
    if len(found) == 2 and found[0].value == 0 and found[0].kind == "elapsed":
        between = phrase[found[0].end : found[1].start]
        if not re.fullmatch(
            r"[\s(\[,:/-]*(?:response|reaction|or|i\.e\.|target|响应|應變|回应|응답|대응|対応)?[\s(\[,:/-]*", between
        ):
            return None
        chosen = found[1]
        if chosen.kind == "elapsed":
            chosen = replace(chosen, bound="<=")
    elif len(found) > 1:
        return None
    if chosen.value == 0 and chosen.kind == "elapsed":
        if any(word in TIME_WORDS for word in _WORDS.findall(rest)):
            return Quantity(kind="qualitative", text=text)
        return replace(chosen, text=text)
    return _with_rest(chosen, rest, text)


def _same(one: Quantity, other: Quantity) -> bool:
    return (one.kind, one.value, one.months) == (other.kind, other.value, other.months) and one.value != 0


_BUSINESS_WORDS = frozenset(re.findall(
    r"\w+", "business working office biz hours hour hrs during comercial comerciais laboral laborales hábil hábiles úteis útil"
))  # fmt: skip


def _with_rest(chosen: Quantity, rest: str, text: str) -> Quantity | None:
    """The quantity if the words around it cannot change it; business hours named beside a span change its unit."""
    around = set(_WORDS.findall(rest.replace("\x00", " ")))
    if re.search(rf"\b(?:business|working|office|biz)[\s-]+days?\b|{OFFICE_HOURS}", rest):
        return None
    if chosen.kind == "interval" and isinstance(chosen.value, int) and chosen.value >= 86400:
        rest = re.sub(r"\bduring (?:business|working|office) hours\b", " ", rest)  # "daily" already is that
    if re.search(
        r"\b(?:business|working|office|biz)[\s-]+(?:hours?|hrs?|time)\b|\((?:business|biz|comercial|comerciais|laboral(?:es)?|h[aá]bil(?:es)?|[uú]te[il]s?)\)",
        rest,
    ):
        hours = chosen.value // 3600 if isinstance(chosen.value, int) and chosen.value % 3600 == 0 else None
        if chosen.kind != "elapsed" or not hours or around - _BUSINESS_WORDS - FILLERS:
            return None
        return replace(chosen, kind="business_hours", value=hours, text=text)
    outside = re.sub(r"\([^()]*\)|\[[^\[\]]*\]|^(?:asap|as soon as possible)\b", " ", rest)
    outside = re.split(
        r"[,;(]|\.\s| - | if | when | while | until | unless | during ", outside.replace("\x00", " \x00 ")
    )[0 if _first(rest) else -1]
    strange = set(_WORDS.findall(outside.replace("\x00", " "))) - FILLERS
    risky = around & {
        "otherwise",
        "except",
        "unless",
        "or",
        "then",
        "after-hours",
        "weekend",
        "weekends",
        "overnight",
        "off-hours",
    }
    return None if strange or risky else replace(chosen, text=text)


def _first(rest: str) -> bool:
    return "\x00" in re.split(r"[,;]|\.\s| - ", rest)[0]


_FOREIGN = (
    ("sprint|it[ée]ration|спринт|스프린트|迭代", "next_sprint"),
    ("release|релиз|배포|릴리스|版本", "next_release"),
)


def _milestone_name(phrase: str) -> str:
    foreign = re.match(r"(?:siguiente|próxim|nächst|prochain|следующ|다음|下|sprint\s)", phrase)
    if foreign:
        return next(name for pattern, name in _FOREIGN if re.search(pattern, phrase))
    words = [
        word
        for word in re.findall(r"[a-z]+|\d+", phrase)
        if word not in {"the", "a", "planned", "scheduled", "in", "within", "regular"}
    ]
    return "_".join(words)


def _quantity(match: re.Match[str]) -> Quantity | None:
    got = match.groupdict()
    at = Quantity(kind="none", start=match.start(), end=match.end(), text=match[0])
    if got["offset"]:
        return replace(at, kind="offset", value=_seconds(float(got["on"]), got["ou"] or "min"), bound="=")
    for group, name in (
        ("nbd", "next_business_day"),
        ("sbd", "same_business_day"),
        ("sameday", "same_day"),
        ("nextday", "next_day"),
    ):
        if got[group]:
            return replace(at, kind="calendar", value=name, bound="<=")
    if got["ebd"]:
        days = 2 if got["ebn"] in ("other", "second") else int(number(got["ebn"] or "1"))
        return replace(at, kind="interval", value=days * 86400, bound="=", working_days=days) if days else None
    if got["nbh"]:
        return replace(at, kind="business_hours" if "hour" in got["nbh"] else "business_days", value=1, bound="<=")
    bound = _bound(got)
    if got["bn"]:
        hours = got["bh"] or (got["bu"] or "d").startswith("h")
        kind: Kind = "business_hours" if hours else "business_days"
        return replace(at, kind=kind, value=int(number(got["bn"])), bound=bound)
    if got["now"]:
        return replace(at, kind="elapsed", value=0, bound="=")
    if got["word"]:
        seconds, months = INTERVAL_WORDS[got["word"]]
        return replace(at, kind="interval", value=seconds, bound="=", months=(months,) if months else ())
    if got["eu"]:
        return _interval(2.0 if got["other"] else 1.0, got["eu"], at)
    return _numeric(got, bound, at)


def _bound(got: dict[str, str | None]) -> str:
    if got["upto"] or got["upto_2"] or got["most"]:
        return "<="
    if got["over"] or got["over_2"]:
        return ">"
    return "~" if got["about"] or got["about_2"] else "="


def _interval(count: float, unit: str, at: Quantity) -> Quantity | None:
    months = _months(count, unit)
    seconds = _seconds(count, unit)
    if seconds is None:
        return None
    return replace(at, kind="interval", value=seconds, bound="=", months=months)


def _numeric(got: dict[str, str | None], bound: str, at: Quantity) -> Quantity | None:
    if got["ra"] and got["rb"] and got["rbu"]:
        low_unit = got["rau"] or got["rbu"]
        low, high = _seconds(number(got["ra"]), low_unit), _seconds(number(got["rb"]), got["rbu"])
        if low is None or high is None or low > high:
            return None
        kind: Kind = "interval" if got["every"] else "range"
        months = _months(number(got["ra"]), low_unit) + _months(number(got["rb"]), got["rbu"])
        return replace(at, kind=kind, value=(low, high), bound="range", months=months if len(months) == 2 else ())
    if got["pn"] and got["pu"]:
        low = _seconds(number(got["pn"]), got["pu"])
        months = _months(number(got["pn"]), got["pu"])
        return replace(at, kind="range", value=(low, None), bound="range", months=months) if low is not None else None
    if not got["n1"] or not got["u1"]:
        return None
    if got["every"]:
        return _interval(number(got["n1"]), got["u1"], at)
    seconds = _seconds(number(got["n1"]), got["u1"])
    if seconds is not None and got["n2"] and got["u2"]:
        more = _seconds(number(got["n2"]), got["u2"])
        seconds = None if more is None or more >= seconds else seconds + more
    if seconds is None:
        return None
    months = () if got["n2"] else _months(number(got["n1"]), got["u1"])
    return replace(at, kind="elapsed", value=seconds, bound=bound, months=months)


def _seconds(count: float, unit: str) -> int | None:
    for pattern, seconds in UNIT_SECONDS:
        if re.fullmatch(pattern, unit):
            total = round(count * seconds)
            return total if total <= SECONDS_MAX else None
    return None


def _months(count: float, unit: str) -> tuple[int, ...]:
    seconds = _seconds(1, unit)
    if seconds in (30 * 86400, 365 * 86400) and count == int(count):
        return (int(count) * (12 if seconds == 365 * 86400 else 1),)
    return ()


def deadline(quantity: Quantity | None, *, lower: bool = False) -> Deadline | None:
    """The deadline that a quantity sets: a range counts with its upper end (`lower`: its lower one).

    None for what sets no limit: "none", a placeholder, "> 1 hour", "60+ minutes".
    """
    if quantity is None or quantity.kind in ("none", "placeholder") or quantity.bound == ">":
        return None
    text, value = quantity.text or None, quantity.value
    if quantity.kind == "qualitative":
        return Deadline(qualitative=quantity.text.strip() or "unspecified", text=text)
    if quantity.kind == "calendar":
        return Deadline(calendar=_calendar(value), text=text)
    if quantity.kind == "milestone":
        return Deadline(milestone=str(value), text=text)
    if isinstance(value, tuple):
        chosen = value[0] if lower else value[1]
        if chosen is None:
            return None
        if len(quantity.months) == 2:
            return Deadline(months=quantity.months[0 if lower else 1], text=text)
        return Deadline(seconds=chosen, text=text)
    if not isinstance(value, int):
        return None
    if quantity.working_days:
        return Deadline(business_days=quantity.working_days, text=text)
    if quantity.kind == "business_days":
        return Deadline(business_days=value, text=text)
    if quantity.kind == "business_hours":
        return Deadline(business_hours=value, text=text)
    return Deadline(months=quantity.months[0], text=text) if quantity.months else Deadline(seconds=value, text=text)


def _calendar(value: Value) -> Calendar:
    match value:
        case "next_business_day" | "same_business_day" | "same_day" | "next_day":
            return value
    raise ValueError(f"expected a calendar name, got {value!r}")
