"""The rule of two persons: a command that the policy names is asked for by one person and released by another.

What is asked for is kept as it was said, and is carried out as its asker's once somebody else approves. It lapses.
What alerts and clocks do asks nobody, and neither does what must not wait (`FREE`).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, get_args

import msgspec

from tocsin.core import commands as c, facts as f
from tocsin.core.escalation import World, pages_for
from tocsin.core.facts import TOCSIN
from tocsin.core.incident import Refused
from tocsin.core.policy import Policy
from tocsin.core.runs import asked_for
from tocsin.core.saying import Announce
from tocsin.core.state import Incident
from tocsin.core.story import Story
from tocsin.core.texts import shortened

FREE = frozenset(
    {
        "declare", "acknowledge", "unacknowledge", "escalate", "add-note", "restrict", "approve", "decline", "end-run",
    }
)  # fmt: skip
TWO_STREAMS = frozenset({"merge", "link", "reopen"})  # they are decided on more than this incident's facts
NAMEABLE = frozenset(str(each.__struct_config__.tag) for each in get_args(c.AnyCommand)) - FREE - TWO_STREAMS
PENDING_MAX = 50
TOLD_MAX = 400  # characters of what is asked for, in a message
TOLD = "a second person"  # the audience of those who may approve

_DECODER: msgspec.json.Decoder[Any] = msgspec.json.Decoder(c.AnyCommand)


def tag_of(command: Any) -> str:
    """The command's name; a status or an update that resolves is a `resolve`."""
    if isinstance(command, c.ChangeStatus | c.PostUpdate | Announce) and command.status == "resolved":
        return "resolve"
    return str(type(command).__struct_config__.tag)


def needed(incident: Incident, command: Any, policy: Policy) -> bool:
    """Whether this command of a person waits for a second one."""
    by = getattr(command, "by", TOCSIN)
    if by == TOCSIN or by.startswith("source:") or incident.duty is not None:
        return False
    if isinstance(command, c.BeginRun):
        return False  # core/running.py asks, once it knows that the command is the guide's
    return ruled(incident, tag_of(command), policy)


def ruled(incident: Incident, tag: str, policy: Policy) -> bool:
    """Whether the policy names this command."""
    rule = policy.two_persons
    return tag in rule.commands and (not rule.severities or incident.severity in rule.severities)


def ask(story: Story, command: Any, world: World, now: datetime) -> None:
    """The command waits, once however often it is said."""
    incident = story.incident
    if type(command) not in get_args(c.AnyCommand):
        raise Refused(f"cannot do it here: {tag_of(command)} needs two persons, send it as a command of its own")
    body = msgspec.json.encode(command).decode()
    waiting = {name: each for name, each in incident.approvals.items() if each.until > now}
    if any(each.body == body for each in waiting.values()):
        return
    if len(waiting) >= PENDING_MAX:
        raise Refused(f"cannot ask for it: {PENDING_MAX} requests wait already")
    lasts = timedelta(seconds=world.policy.two_persons.within_seconds)
    number = incident.asked + 1
    story.add(
        f.ApprovalRequested(
            at=now, by=command.by, request=number, command=tag_of(command), body=body, until=now + lasts
        )
    )


def approve(story: Story, command: c.Approve, now: datetime) -> Any:
    """What was asked for, to be carried out now. Raises Refused, ValueError."""
    pending = _pending(story.incident, command.request)
    if pending.by == command.by:
        raise Refused(f"cannot approve: {command.by} asked for it, somebody else approves")
    if pending.until <= now:
        raise Refused(f"cannot approve: request {command.request} lapsed at {pending.until.isoformat()}")
    story.add(f.ApprovalEnded(at=now, by=command.by, request=command.request, approved=True, because=command.because))
    return _DECODER.decode(pending.body)


def decline(story: Story, command: c.Decline, world: World, now: datetime) -> None:
    """It is not carried out; whoever asked may take it back so."""
    _pending(story.incident, command.request)
    story.add(f.ApprovalEnded(at=now, by=command.by, request=command.request, approved=False, because=command.because))


def _pending(incident: Incident, request: int) -> Any:
    found = incident.approvals.get(request)
    if found is None:
        known = ", ".join(map(str, incident.approvals)) or "none waits"
        raise ValueError(f"request: expected one that waits ({known}), got {request}")
    return found


class TellApprovers(c.Command, frozen=True, kw_only=True, tag="tell-approvers"):
    """`people` may release what waits, and are told of it. `key`: once, however often it is decided."""

    people: tuple[str, ...]
    because: str
    key: str


def asking(asked: f.ApprovalRequested) -> str:
    what = shortened(asked_for(asked.command, asked.body), TOLD_MAX)
    return f"{asked.by} asks {what}, and somebody else has to approve it until {asked.until:%H:%M} UTC"


def tell(story: Story, command: TellApprovers, world: World, now: datetime) -> None:
    """Notices of low urgency: nobody is woken for them, and what is not approved in time lapses."""
    base, _, number = command.key.rpartition("#")
    if story.incident.fired.get(base, -1) >= int(number):
        return
    people = [world.directory.people[name] for name in command.people if name in world.directory.people]
    pages = pages_for(story.incident, people, now, notice=True, low=True)
    if pages:
        story.add(f.Notified(at=now, audience=TOLD, because=command.because, pages=pages, key=command.key))


def lapse(story: Story, key: str, now: datetime) -> None:
    """Nobody approved it in time, and the timeline says so."""
    request = int(key.rpartition("@")[2])
    story.add(f.ApprovalEnded(at=now, by=TOCSIN, request=request, approved=False, because="nobody approved it in time"))


def words(fact: object) -> str:
    """The facts of this module in a sentence."""
    match fact:
        case f.ApprovalRequested():
            what = asked_for(fact.command, fact.body)
            return f"{fact.by} asks {what} (request {fact.request}); somebody else has to approve"
        case f.ApprovalEnded():
            because = f": {fact.because}" if fact.because else ""
            if fact.by == TOCSIN:
                return f"Request {fact.request} lapsed{because}"
            return f"Request {fact.request} was {'approved' if fact.approved else 'declined'} by {fact.by}{because}"
    return ""
