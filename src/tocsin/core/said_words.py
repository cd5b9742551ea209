"""What was said to audiences, and what became of it, as the timeline says it."""

from __future__ import annotations

import msgspec

from tocsin.core import facts as f
from tocsin.core.audiences import PUBLIC
from tocsin.core.facts import AnyFact
from tocsin.core.people import shown_address


def said(fact: AnyFact) -> str:
    match fact:
        case f.UpdateDrafted():
            return f"Draft for {fact.audience}: {fact.subject or fact.text}"
        case f.UpdateDiscarded():
            return f"Draft dropped ({fact.draft})" + (f": {fact.because}" if fact.because else "")
        case f.Announced():
            here = "on the status page" if fact.audience == PUBLIC else "on the incident's page"
            where = ", ".join(each.name or each.kind for each in fact.channels) or here
            allowed = f", released as {fact.approved_as}" if fact.approved_as else ""
            told = f"not told ({fact.withheld}{allowed})" if fact.withheld else f"told ({where}{allowed})"
            return f"{fact.audience} {told}: {fact.subject or fact.text}"
        case f.AnnouncementSent():
            return f"{fact.audience} told by {fact.kind} at {fact.name or fact.address}"
        case f.AnnouncementFailed():
            where = f"{fact.kind} at {fact.name or fact.address}"
            return f"Telling {fact.audience} by {where} failed, given up: {fact.code} {fact.detail}".rstrip()
    return ""


def without_addresses(fact: f.UpdateDrafted | f.Announced) -> AnyFact:
    """The fact as people may see it: of an URL only scheme and host."""
    shown = (msgspec.structs.replace(each, address=shown_address(each.kind, each.address)) for each in fact.channels)
    return msgspec.structs.replace(fact, channels=tuple(shown))
