"""One step of an escalation ladder while it is being read, and what its times may be."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from tocsin.guide.blocks import Block
from tocsin.guide.ids import ID
from tocsin.guide.inline import plain
from tocsin.guide.parties import PARTY, parties
from tocsin.guide.quantity import Quantity, scan
from tocsin.guide.words import FOREIGN_AFTER, FOREIGN_NEGATIVE, LEVEL_WORDS, NEGATIVE

_OWN_LABEL = re.compile(rf"^\W*(?:escalation\s+)?(?:level|lvl|tier|l|stage|step|{LEVEL_WORDS})\s?-?\d\b", re.I)
RUNGS_MAX = 10  # a ladder with more levels is a list of something else

LEVEL = re.compile(
    rf"^(?:escalation\s+)?(?:level|lvl|tier|l|stage|step|{LEVEL_WORDS})\s?-?(\d)\b\s*(?:escalation\b\s*)?[:.–—-]*\s*(.*)$",
    re.I,
)
HOLD = re.compile(
    r"escalat\w*\s*(?:after|time|timeout|if|when|to next|threshold|window|trigger)|timeout|time\s*limit|time\s*before|max(?:imum)?\s*time|hold",
    re.I,
)


# `Trigger: no answer in 10 min` under a level says when that level is called, not how long it has.
TRIGGER = re.compile(
    r"\W*(?:triggers?|trigger(?:ed)?\s+(?:by|when|if)|when(?:\s+to\s+(?:call|engage|involve|page|escalate))?|conditions?|criteria|activat\w+|escalation\s+triggers?|(?:engaged?|called|involved|paged|notified)\s+(?:if|when|after))\s?:",
    re.I,
)


class Rung(msgspec.Struct, frozen=True, kw_only=True):
    """`reach`: when this rung is owed; `hold`: how long it has. `since_start`: counted on one time line.

    `scope` of the first rung: the words that name the severities of the whole ladder, where its own line does.
    `varies`: the words that say how long this rung has, differently by severity.
    `partial`: the rung is for some incidents only, so the ladder ends before it.
    """

    who: tuple[str, ...]
    line: int
    number: int
    reach: Quantity | None = None
    hold: Quantity | None = None
    since_start: bool = False
    actions: tuple[str, ...] = ()
    unclear: str = ""
    scope: str = ""
    partial: bool = False
    varies: str = ""


def leads_in(above: Block | None, block: Block) -> bool:
    """Whether the paragraph above a block names the severities of what follows: "SEV1 and SEV2 follow this path:"."""
    if above is None or above.kind != "paragraph" or above.end + 2 < block.line or len(above.text) > 200:
        return False
    words = plain(above.text).rstrip()
    return words.endswith(":") and ID.search(words) is not None


def fuller(rungs: Sequence[Rung], other: Sequence[Rung]) -> bool:
    """Whether these rungs have times and those have none, and most of the people are the same."""
    return has_times(rungs) and not has_times(other) and alike(rungs, other)


def has_times(rungs: Sequence[Rung]) -> bool:
    return any(rung.hold or rung.reach for rung in rungs)


def alike(rungs: Sequence[Rung], other: Sequence[Rung]) -> bool:
    """Whether two ladders begin with the same people and name the same at most of their levels."""
    pairs = [
        one.who[0].casefold() in two.who[0].casefold() or two.who[0].casefold() in one.who[0].casefold()
        for one, two in zip(rungs, other, strict=False)
    ]
    return bool(pairs) and pairs[0] and 2 * sum(pairs) > len(pairs)


def rising(rungs: list[Rung]) -> list[Rung]:
    """Times that do not rise from level to level count from the level before, not from the opening."""
    known = [start(rung.reach) for rung in rungs if rung.since_start and rung.reach is not None]
    starts = [each for each in known if each is not None]
    if starts == sorted(set(starts)):
        return rungs
    return [msgspec.structs.replace(rung, since_start=False) for rung in rungs]


def start(time: Quantity | None) -> int | None:
    """The seconds after which a time begins: 900 of "15-30 minutes"; None where it is not a number of seconds."""
    if time is None:
        return None
    value = time.value[0] if isinstance(time.value, tuple) else time.value
    return value if isinstance(value, int) and time.kind in ("elapsed", "range", "offset") else None


def plain_bound(quantity: Quantity) -> Quantity:
    """In a ladder "after 15 minutes" and "> 15 minutes" are the instant itself."""
    if isinstance(quantity.value, tuple) and quantity.value[1] is None:
        return msgspec.structs.replace(quantity, value=quantity.value[0], kind="elapsed", bound="=", months=())
    return msgspec.structs.replace(quantity, bound="=") if quantity.bound == ">" else quantity


_FOR = re.compile(
    r"\bfor\s+(?:critical|major|minor|high|medium|low)\b", re.I
)  # twice: "1 hour for critical, 2 hours for major"


def varying(text: str) -> str:
    """What a line under a level says about how long it has, where that differs by severity; else ""."""
    words = re.split(r"\s*(?:→|[-=]+>)\s*", plain(text).strip("()"))[0]
    onward = re.match(r"\W*(?:time\s*limit|timeout|escalat\w*)\b", words, re.I) or re.search(NEGATIVE, words, re.I)
    some = [found for found in ID.finditer(words) if not LEVEL.match(found[0])] or _FOR.findall(words)[1:]
    label = re.match(r"[^:]{0,40}:\s+(?=\D{0,20}\d)", words)
    if not onward or not some or not scan(words):
        return ""
    return words[label.end() :] if label and not ID.search(label[0]) else words


def counts(time: Quantity | None) -> bool:
    return time is not None and time.kind in ("elapsed", "range", "offset", "business_hours", "business_days")


def rung_of(number: int, text: str, line: int, actions: tuple[str, ...], aside: str = "") -> Rung:
    """A rung of a list: its time stands in the words ("after 30 minutes", "(0-15 min)") or in its sub-items."""
    text = re.sub(r"^[一二三四五]级\s*[:：]\s*", "", text)
    leads = re.match(r"([^→(]{2,60}?)\s*(?:→|->|=>)\s*\S", text)
    who = parties(leads[1] if leads and PARTY.search(leads[1]) else text)
    times = [each for each in scan(plain(aside or text)) if each.kind in ("elapsed", "range", "offset")]
    own = [action for action in actions if not TRIGGER.match(action)]
    hold = next(
        (
            q
            for action in own
            for q in scan(action)
            if re.search(r"escalat|no (?:response|resolution)|not resolved|unresolved|if not", action, re.I)
            and q.kind == "elapsed"
            and not varying(action)
        ),
        None,
    )
    reach, since, unclear = None, False, ""
    if len(times) == 1:
        words = _OWN_LABEL.sub("", plain(aside or text))
        if times[0].kind == "range":
            return Rung(number=number, who=who, line=line, actions=actions, reach=times[0], since_start=True, hold=None)
        if times[0].value == 0 or times[0].kind == "offset":
            reach, since = times[0], True
        elif re.search(
            r"escalate (?:to .{0,40})?(?:after|if)|if (?:.{0,20}\b)?(?:not|no|un)\w* .{0,40}(?:within|after|in)|for (?:up to )?\d",
            words,
            re.I,
        ):
            hold = times[0] if re.search(r"escalate (?:after|if)", words, re.I) else None
            reach = None if hold else times[0]
        elif re.search(FOREIGN_NEGATIVE, words, re.I):
            reach = times[0]
        elif re.search(rf"\bafter\b|>|\+|{FOREIGN_AFTER}", words, re.I):
            reach = times[0]
            since = not re.search(r"no (?:response|ack|answer)|previous|level \d|l\d", words, re.I)
        else:
            unclear = words
    varies = "" if hold else next((said for action in own if (said := varying(action))), "")
    return Rung(
        number=number,
        who=who,
        line=line,
        actions=actions,
        reach=reach,
        hold=hold,
        since_start=since,
        unclear=unclear or varies,
        varies=varies,
    )
