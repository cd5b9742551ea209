"""The rule of two persons for what is no command of one incident's policy: `access.two_persons` names such actions.

One person asks, by doing it; somebody else who may do the same approves; then the first does it, once, as it was asked.
`core/twopersons.py` is the rule for commands of an incident, which a policy names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import msgspec

from tocsin.core.access import Action, Actor, may

NAMEABLE: Mapping[Action, str] = {
    "audit.erase": "erasing personal data and other contents of the record",
    "evidence.original": "reading evidence as it was before redaction",
    "evidence.release": "ending a legal hold",
    "evidence.remove": "removing the content of evidence",
    "incident.merge": "merging incidents, which is for good",
    "policy.activate": "putting a guide in force",
}
"""What `access.two_persons` may name; whoever adds a row has its route ask `http/second.py`."""


class Approval(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody asked for, until it lapses. `subject`: what exactly, in words that are the same only for the same
    thing. `stream`: the incident that it is about, so that a private one's requests stay private."""

    id: str
    action: Action
    subject: str
    by: str
    asked_at: datetime
    until: datetime
    stream: str = ""
    approved_by: str | None = None


def of(found: Iterable[Approval], by: str, action: Action, subject: str, now: datetime) -> Approval | None:
    """The request of this person for this very thing that has not lapsed."""
    same = (each for each in found if (each.by, each.action, each.subject) == (by, action, subject))
    return next((each for each in same if each.until > now), None)


def refusal(asked: Approval, by: Actor) -> str:
    """Why this person cannot approve it; empty: they can."""
    if by.kind != "person":
        return f"cannot approve: {by.id} is a program, a second person approves"
    if asked.by == by.id:
        return f"cannot approve: {by.id} asked for it, somebody else approves"
    if asked.approved_by is not None:
        return f"cannot approve: {asked.approved_by} has approved it already"
    decision = may(by, asked.action)
    return "" if decision else f"cannot approve: {decision.because}"


def approved(asked: Approval, by: Actor, now: datetime, lasts: timedelta) -> Approval:
    """Whoever asked may do it once, until `lasts` from now."""
    return msgspec.structs.replace(asked, approved_by=by.id, until=now + lasts)
