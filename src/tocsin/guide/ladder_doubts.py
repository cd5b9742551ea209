"""What makes a ladder doubtful after it has been read: a wrong level is worse than one that is reported as missing."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tocsin.guide.ids import ID, family
from tocsin.guide.ladder_sentences import waits
from tocsin.guide.quantity import scan
from tocsin.guide.rungs import Rung

_REFERENCE = re.compile(
    r"(?:the\s+)?(?:(?:level|tier|l|stage)\s?-?\d|next\s+(?:level|tier))(?:\s+(?:if|when|for|via|once|on)\b.*)?", re.I
)
_DRAWN = re.compile(r"[→│┌┐└┘├┤─]|[-=]>")
_VERB = re.compile(
    r"\b(?:pages|escalates|notifies|alerts the|acknowledges|triggers|responds|investigates|receives|automat\w+|activation|notice|recovery)\b",
    re.I,
)
_CASE = re.compile(r"[(–—]\s*(?:only\s+)?(?:if|when|for|in case of)\b", re.I)
_WHEN = re.compile(r"\((?:only\s+)?(?:if|when|in case of)\b[^()]{2,80}\)", re.I)
HOURS = (
    r"\b(?:after|off|out[\s-]of|outside|business|working|office|market|trading|peak|school)[\s-]*"
    r"(?:business[\s-]*|working[\s-]*)?hours\b|\bweekends?\b|\bnights?\b|\b\d{1,2}(?::\d\d)?\s*[ap]\.?m\b"
)
_HOURS = re.compile(HOURS, re.I)
_THING = re.compile(r"\b(?:tickets?|channels?|queue|backlog|standup|chat\s?bot|self[\s-]service|status\s?page)\b", re.I)
_PLAN = re.compile(
    r"\b(?:free|basic|starter|standard|pro|premium|business|enterprise|gold|silver|bronze|platinum)[\s-]+(?:tier|plan|customers?|support|clients?|accounts?|users?)\b",
    re.I,
)
_HEAD = re.compile(r"\b(?:C[ETIO]O|CISO|C-?suite|chief|president|VP|board|executives?)\b", re.I)
_HANDS = re.compile(r"\bon-?call\b|\bengineers?\b|\bduty\b|\bhelp\s?desk\b|\bresponders?\b", re.I)


def doubt(rungs: Sequence[Rung]) -> str:
    """Why these rungs are no ladder that is sure; "" where nothing speaks against it."""
    who = [" ".join(rung.who).casefold() for rung in rungs]
    if any(_DRAWN.search(each) for each in who):
        return "a level of it is a step or a drawing, and no person"
    names = [name for rung in rungs for name in rung.who]
    if any(_REFERENCE.fullmatch(name) or not re.search(r"[^\W\d_]", name) for name in names):
        return "a level of it names another level, and no person"
    if any(_VERB.search(each) or of_some(each) for each in who):
        return "a level of it is a sentence about what is done, and no person"
    if any(_THING.search(name) for name in names):
        return "a level of it is a ticket or a channel, and no person"
    if len(set(who)) < len(who):
        return "the same people stand on two of its levels, so its rows may be actions"
    if _heads(who[0]) and any(_HANDS.search(each) and not _HEAD.search(each) for each in who[1:]):
        return "it goes from the head down to those on call, like a chart of who reports to whom"
    return ""


def holds_for_some(words: str) -> bool:
    """Whether a level is for some incidents only, as its aside says: "CTO (SEV1 only)", "Vendor (if the platform fails)"."""
    asides = re.findall(r"\([^()]{2,80}\)|[–—]\s+(?:only\s+)?(?:if|when)\b.*", words)
    return any(
        (each[0] == "(" and of_some(each)) or (_CASE.match(each) and not _plainly_waits(each)) for each in asides
    )


def in_some_cases(words: str) -> bool:
    """`(if the platform fails)`: a level that is called then only, and not when nobody answered or mended it."""
    return any(not _plainly_waits(each) for each in _WHEN.findall(words))


def _plainly_waits(aside: str) -> bool:
    return waits(aside) or (bool(scan(aside)) and aside[0] == "(")


def for_some_customers(title: str) -> bool:
    return _PLAN.search(title) is not None


def at_some_hours(title: str) -> bool:
    return _HOURS.search(title) is not None


_OTHER_WORK = re.compile(
    r"\b(?:deploy\w*|releases?|roll-?outs?|change\s+(?:requests?|management|control)|drills?|exercises?|training|onboarding|access\s+requests?"
    r"|suppliers?|vendors?|hiring|invoices?|bugs?|tickets?|complaints?|pull\s+requests?|(?:code|access|monthly|weekly|quarterly|overdue|annual)\s+\w*\s*reviews?|audits?|approvals?)\b",
    re.I,
)
_OF_INCIDENTS = re.compile(r"incident|on[\s-]?call|\balerts?\b|\bpag(?:e|ing)|outage|emergenc", re.I)


def of_other_work(title: str) -> bool:
    """Whether a heading is about something that is no incident: "Escalation of access requests", "Vendor escalation"."""
    return _OTHER_WORK.search(title) is not None and _OF_INCIDENTS.search(title) is None


def of_some(words: str) -> bool:
    """Whether the words hold for some severities only; "level 2" is a level."""
    return any(family(found[0]) in ("sev", "p", "s", "priority") for found in ID.finditer(words))


def _heads(who: str) -> bool:
    return bool(_HEAD.search(who)) and not _HANDS.search(who)
