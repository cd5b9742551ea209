"""What people are owed after the resolution: summaries, offers, reports; and credit monitoring after a breach.

A guide seldom says by when. What has no time of its own, or of the heading above it, gets the policy's
`follow_up_within`, which this compiler sets to five business days and says so.
Source: docs/decisions/0150-follow-ups-have-a-day.md
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tocsin.core.policy import Deadline, FollowUp, Source
from tocsin.guide.blocks import Document, Item, Section
from tocsin.guide.inline import plain, split_label
from tocsin.guide.notes import Notes
from tocsin.guide.quantity import deadline, scan
from tocsin.guide.severities import Scheme

WITHIN = Deadline(business_days=5, text="within 5 business days, as the guide names no time")
ITEMS_MAX = 40

_HEADING = re.compile(
    r"follow-?\s?ups?\s+communications?|communications?\s+follow-?\s?ups?|post-?incident\s+communications?"
    r"|(?:internal|external|customer|partner|stakeholder|public)\s+follow-?\s?ups?|communications?\s+after\b",
    re.I,
)
_OFFER = re.compile(
    r"\b(?:offer|provide|give|issue|grant)s?\b.{0,60}\b(?:credit monitoring|identity (?:theft )?protection|service credits?"
    r"|refunds?|compensation)\b",
    re.I,
)
_IF = re.compile(r"\(?\b((?:if|when|where)\b[^()]{2,120}|as (?:applicable|needed|required))\)?\s*\.?$", re.I)
_LIMIT = re.compile(r"[\s,(]*\b(?:within|no later than)\b.*$", re.I)
_WHO: tuple[tuple[str, str], ...] = (
    (r"\bpartners?\b|\bvendors?\b", "partners"),
    (r"\bregulators?\b|\bauthorit(?:y|ies)\b", "regulators"),
    (r"\bmedia\b|\bpress\b", "media"),
    (r"\btransparency\b|\bpublic(?:ly)?\b|\bstatus page\b", "status page"),
    (r"\bexecutives?\b|\bmanagement\b|\bleadership\b|\bboard\b", "management"),
    (r"\bcustomers?\b|\bclients?\b|\busers?\b|\bservice credits?\b|\bcredit monitoring\b", "customers"),
)
_INSIDE = re.compile(r"\binternal(?:ly)?\b[^.;]*\bonly\b|\bno (?:external|customer)\b", re.I)


def compile_follow_ups(document: Document, scheme: Scheme, notes: Notes) -> tuple[FollowUp, ...]:
    """Every item under a heading of follow-up communications, and every offer to whom an incident has harmed."""
    found: dict[str, FollowUp] = {}
    for section in document.sections():
        if section.region != "policy":
            continue
        listed = bool(section.level and _HEADING.search(section.where))
        for item in (item for block in section.blocks for item in block.items):
            text = plain(item.text.replace("\n", " ")).strip()
            if len(text) <= 200 and text and (listed or _OFFER.search(text)) and len(found) < ITEMS_MAX:
                made = _follow_up(section, item, scheme)
                found.setdefault(made.text.casefold(), made)
    for each in found.values():
        assert each.source is not None
        notes.use(each.source.line)
        if each.within is None:
            message = f'"{each.text}" names no time: it is owed five business days after the resolution'
            notes.add("GUIDE-FOLLOW-UP", "note", each.source.line, message, "write by when")
    return tuple(found.values())


def within(found: tuple[FollowUp, ...]) -> Deadline | None:
    """The time of follow-ups that name none, where there are such."""
    return WITHIN if any(each.within is None for each in found) else None


def _follow_up(section: Section, item: Item, scheme: Scheme) -> FollowUp:
    raw = item.text.replace("\n", " ")
    label = split_label(raw)
    words = plain(label.value if label and _OFFER.search(label.value) else raw).strip(" .")
    condition = _IF.search(words)
    text = _LIMIT.sub("", words[: condition.start()] if condition else words).strip(" .,;")
    who = _audience(section, words)
    return FollowUp(
        text=text or words,
        audience=who,
        within=next(_times(words, section), None),
        condition=condition[1].strip() if condition else "",
        severities=() if who in ("internal", "management") else _told_outside(scheme),
        source=Source(line=item.line),
    )


def _times(words: str, section: Section) -> Iterator[Deadline]:
    """The limit of the line, else of the headings above it that speak of follow-ups."""
    for text in (words, *reversed([each for each in section.path() if _HEADING.search(each)])):
        limits = [each for each in scan(text) if each.kind not in ("interval", "offset", "qualitative", "milestone")]
        limit = deadline(limits[0]) if len(limits) == 1 else None
        if limit is not None:
            yield limit


def _audience(section: Section, words: str) -> str:
    """Who hears of it: whom the line names, else what kind of people its heading speaks of."""
    heading = section.title
    if re.search(r"\binternal\b", heading, re.I):
        return "management" if re.search(_WHO[4][0], words, re.I) else "internal"
    named = next((name for pattern, name in _WHO if re.search(pattern, words, re.I)), None)
    return named or next((name for pattern, name in _WHO if re.search(pattern, heading, re.I)), "customers")


def _told_outside(scheme: Scheme) -> tuple[str, ...]:
    """The severities of which people outside hear, where the guide says of others that they stay inside."""
    told = tuple(each.id for each in scheme.severities if not _INSIDE.search(each.communication))
    return told if len(told) < len(scheme.severities) else ()
