"""Who a phrase names: roles and groups in the guide's words, split where the guide lists several."""

from __future__ import annotations

import re

import msgspec

from tocsin.core.policy import Deadline
from tocsin.guide.inline import plain
from tocsin.guide.quantity import Quantity, deadline, scan
from tocsin.guide.words import PEOPLE

PARTIES_MAX = 12

_VERB = re.compile(
    r"^(?:then\s+|automatic(?:ally)?\s+|immediate(?:ly)?\s+|direct\s+)*(?:(?:escalat(?:e[ds]?|ion(?=\s+to\b))|notif(?:y|ies|ied|ication)|involve|page|alert|inform|contact|call|engage"
    r"|assign(?:ed(?=\s+to\b))?|loop\s+in|bring\s+in|add|include|email|message|ping|wake)(?!\w))?\s*(?:\bto\b\s+|\bthe\b\s+|\bup\s+to\b\s+)*",
    re.I,
)
_TAIL = re.compile(
    r"\s+(?:notif(?:ication|ied|y)|attempts?|involvement|involved|handles?|takes?|is\s|are\s|must|should|will|to\s+be|for\s|if\s|when\s|who\s|via\s|by\s|through\s|assigned|paged"
    r"|after\s|within\s|supports|responds?|leads?\s+the|coordinates?|in\s+slack|required|only|immediately|directly|only$)\b.*$",
    re.I,
)
_SPLIT = re.compile(
    r"\s*(?:\s\+\s|\s&\s|,\s+and\s+|,\s+or\s+|;\s*|,\s+|\s+and\s+|\s+or\s+|\s+plus\s+|(?<=\w)\s?/\s?(?=\w))\s*"
)
_NOBODY = re.compile(
    r"^(?:none|n/a|no\b.*|-+|not\s.*|normal\b.*|as\s+needed|optional|automatic|standard\b.*|regular\b.*|within.*|immediate(?:ly)?|during\b.*|(?:business|working|office)\s+hours.*|after[\s-]hours.*|next\b.*|when\b.*|if\b.*|only\b.*|(?:create|log|file|raise|open)\s+(?:an?\s+)?(?:\w+\s+){0,2}(?:ticket|issue|task|bug|story)s?\b.*)$",
    re.I,
)


def parties(text: str) -> tuple[str, ...]:
    """The roles or groups of a phrase: "Escalate to team lead and additional engineers" names two."""
    words = re.sub(r"[(（][^()（）]{0,120}[)）]", " ", plain(text)).strip(" .:;-–—")
    words = _VERB.sub("", without_quantities(words), count=1)
    found = []
    for part in (words,) if words.startswith("@") and " " not in words else _SPLIT.split(words)[:PARTIES_MAX]:
        name = _TAIL.sub("", _VERB.sub("", part, count=1)).strip(" .:;,-–—*+")
        name = re.sub(r"^(?:the|a|an|to|both|all\s+of\s+the|immediate)\s+", "", name, flags=re.I).strip()
        if name and len(name.split()) <= 6 and not _NOBODY.match(name):
            found.append(name)
    return tuple(dict.fromkeys(found))


PARTY = re.compile(
    rf"{PEOPLE}|engineer|on[\s-]?call|(?-i:\b(?:EM|TL|NOC|SOC)\b)|\banalyst|\blead\b|\bleader(?:ship)?|maintainer|manage|director|\bc(?:to|eo|io|iso|oo|fo|so|xo|po|pto|ro|tio)\b|\bvp\b|president|\bhead\b|\bteam|officer|commander|support|owner|admin|executive|\bsre\b"
    r"|devops|\bdba\b|vendor|provider|\bops\b|operations|stakeholder|respond|secondary|primary|legal|\bboard\b|specialist|expert|chief|coordinator|developer|architect|\bsmes?\b"
    r"|supervisor|\bdesk\b|principal|senior|staff|founder|partner|advis[eo]r|@",
    re.I,
)
_SOMEBODY = re.compile(
    r"customer|client|users?\b|partner|public|press|media|regulator|authorit|company|everyone|all hands|all[\s-]+\w+|stakeholder|management|leadership|security|compliance|staff"
    r"|\bhr\b|\bpr\b|\bpm\b|\bit\b|\bqa\b|finance|product|account|community|insur|maintainer|council|committee|\bbanks?\b|department|group|squad|people|engineering|everybody|counsel|dpo|\bic\b|slack|channel",
    re.I,
)
_NOT_SOMEBODY = re.compile(
    r"\b(?:queue|ticket|backlog|system$|standup|stand-up|tracking|thread|page open|statuspage|status page|only)\b", re.I
)


def names_somebody(name: str) -> bool:
    """Whether a party of a free cell can be a person or a group: "Triage queue" and "Log as a task" are none."""
    return bool(PARTY.search(name) or _SOMEBODY.search(name) or not name.isascii()) and not _NOT_SOMEBODY.search(name)


def within(text: str) -> Deadline | None:
    """The one limit a notification phrase sets, or None where it sets none or several."""
    found = [
        quantity
        for quantity in scan(text)
        if quantity.kind in ("elapsed", "calendar", "business_days", "business_hours")
    ]
    return deadline(_as_limit(found[0])) if len(found) == 1 else None


def _as_limit(quantity: Quantity) -> Quantity:
    """ "After 1 hour" in a notification is when, not a lower bound."""
    return msgspec.structs.replace(quantity, bound="=") if quantity.bound == ">" else quantity


_BEFORE = re.compile(r"\b(?:after|within|in|by)\s+$", re.I)


def without_quantities(text: str) -> str:
    """The words without their spans of time: "Page the lead within 15 minutes" is "Page the lead"."""
    text = " ".join(text.split())
    for quantity in scan(text):
        words, folded = " ".join(quantity.text.split()).lower(), text.lower()
        at = folded.find(words) if len(folded) == len(text) and words else -1
        if at >= 0:
            text = f"{_BEFORE.sub('', text[:at])} {text[at + len(words) :]}"
    return " ".join(text.split())


def channels(text: str) -> tuple[str, ...]:
    """The channels a phrase names, in the guide's words."""
    found = re.findall(
        r"(?:slack|teams|microsoft\s+teams|discord|telegram)?\s*#[\w-]+|microsoft teams|executive slack channel|slack|teams|pagerduty|opsgenie|e-?mails?|phone(?: calls?)?|sms|"
        r"status\s*page|in-app(?: notifications?| messaging)?|social media|twitter|press releases?|partner portals?|zoom|discord|telegram|webhook|statuspage",
        plain(text),
        re.I,
    )
    return tuple(dict.fromkeys(" ".join(name.split()) for name in found))
