"""What is said to audiences: posted at once or drafted and released; and what became of it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from tocsin.core import approval, commands as c, facts as f
from tocsin.core.announcement import AnnouncementSettlement
from tocsin.core.audiences import PUBLIC, TEAM
from tocsin.core.escalation import World
from tocsin.core.incident import Refused
from tocsin.core.lifecycle import resolve
from tocsin.core.people import shown_address
from tocsin.core.publishing import announce as publish
from tocsin.core.story import Story, must_be_open

PRIVATE, STAYS_INSIDE, NO_CHANNEL = "the incident is private", "a drill stays inside", "it has no channel"
AT_HOME = frozenset({PUBLIC, TEAM})  # they read where it is written: the status pages, the incident's own page


class RecordAnnouncement(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt at a named channel ended, one way or the other. Only the engine says this."""

    audience: str
    settlement: AnnouncementSettlement


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """A text for one audience, ready to go. `said`: the person's own words, for the timeline and the public page."""

    audience: str
    subject: str
    text: str
    words: tuple[str, ...]
    channels: tuple[f.SaidTo, ...] = ()
    outside: bool = False
    mention: Literal["", "channel", "here"] = ""
    fields: dict[str, str] = {}
    said: str = ""
    draft: bool = False
    approvers: tuple[str, ...] = ()


class ReleaseOverriding(c.Release, frozen=True, kw_only=True, tag="release"):
    """Released by an administrator, whoever else should. The face that knows who asks says this; no caller can."""


class ReleaseTo(c.Release, frozen=True, kw_only=True, tag="release"):
    """A release of what was drafted while its audience had no channel. The engine looked up those that it has now."""

    channels: tuple[f.SaidTo, ...]
    overriding: bool = False


class Announce(msgspec.Struct, frozen=True, kw_only=True, tag="announce"):
    """One update for several audiences, and the status it brings. The shell prepares it (`composing`)."""

    by: str
    prepared: tuple[Prepared, ...]
    status: Literal["investigating", "identified", "mitigating", "monitoring", "resolved"] | None = None
    because: str = ""
    next_at: datetime | None = None


def announce(story: Story, command: Announce, world: World, now: datetime) -> None:
    """The status first, then each audience is told, or its draft waits. Whoever cannot be told is no reason to keep the
    news from the others; an update that nobody at all would hear is refused."""
    if command.next_at is not None and command.next_at <= now:
        raise Refused(f"cannot post an update: the next one is promised for {command.next_at.isoformat()}, in the past")
    if command.prepared and not command.status and not any(each.draft for each in command.prepared):
        silent = {each.audience: why for each in command.prepared if (why := _untold(story, each))}
        if len(silent) == len(command.prepared):
            raise Refused("; ".join(_advice(audience, why) for audience, why in silent.items()))
    if command.status == "resolved":
        resolve(story, c.Resolve(by=command.by, because=command.because), world, now)
    elif command.status and command.status != story.incident.status:
        must_be_open(story.incident, command)
        story.add(f.StatusChanged(at=now, by=command.by, status=command.status))
    for each in command.prepared:
        if each.draft:
            name = f"{each.audience}-{story.incident.version + 1}"
            story.add(
                f.UpdateDrafted(
                    at=now, by=command.by, draft=name, audience=each.audience, subject=each.subject, text=each.text,
                    words=each.words, channels=each.channels, outside=each.outside, mention=each.mention,
                    fields=each.fields, said=each.said, approvers=each.approvers,
                )
            )  # fmt: skip
        else:
            _say(story, each, command.by, now, next_at=command.next_at, status=command.status)


def release(story: Story, command: c.Release, world: World, now: datetime) -> None:
    draft = _drafted(story, command)
    approved_as = _approved_as(story, command, draft, world)
    channels = command.channels if isinstance(command, ReleaseTo) else draft.channels
    prepared = Prepared(
        audience=draft.audience, subject=draft.subject, text=command.text.strip() or draft.text, words=draft.words,
        channels=channels, outside=draft.outside, mention=draft.mention, fields=draft.fields,
        said="" if command.text.strip() else draft.said,
    )  # fmt: skip
    if "____" in prepared.text:
        raise Refused(f"cannot release: {command.draft} still has a field that is not filled in (____)")
    if why := _untold(story, prepared):
        raise Refused(_advice(draft.audience, why))
    _say(story, prepared, command.by, now, draft=command.draft, approved_as=approved_as)


def _approved_as(story: Story, command: c.Release, draft: f.UpdateDrafted, world: World) -> str:
    """What allows this release. Raises Refused for somebody who may not."""
    if not draft.approvers:
        return ""
    may = approval.approvers(story.incident, world.policy, world.directory, draft.approvers)
    if command.by in may:
        return may[command.by]
    if isinstance(command, ReleaseOverriding) or (isinstance(command, ReleaseTo) and command.overriding):
        return approval.OVERRIDE.format(" or ".join(draft.approvers))
    raise Refused(approval.refusal(story.incident, draft.approvers, may, command.by))


def discard(story: Story, command: c.Discard, world: World, now: datetime) -> None:
    _drafted(story, command)
    story.add(f.UpdateDiscarded(at=now, by=command.by, draft=command.draft, because=command.because))


def _drafted(story: Story, command: c.Release | c.Discard) -> f.UpdateDrafted:
    draft = story.incident.drafts.get(command.draft)
    if draft is None:
        known = ", ".join(story.incident.drafts) or "there is none"
        raise ValueError(f"draft: expected one that waits ({known}), got {command.draft!r}")
    return draft


def _say(
    story: Story,
    prepared: Prepared,
    by: str,
    now: datetime,
    *,
    draft: str = "",
    approved_as: str = "",
    next_at: datetime | None = None,
    status: f.Status | None = None,
) -> None:
    """The audience is told, and the guide's promises to tell it are kept; where nobody is told, neither. A drill stays
    inside the house, where telling is practised, and a private incident with those who see it."""
    untold = _untold(story, prepared)
    drill = story.incident.drill and prepared.outside
    private = story.incident.restricted is not None
    if prepared.audience == PUBLIC and not untold:
        publish(story, PUBLIC, prepared.said or prepared.text, by, now)
    withheld = untold or (STAYS_INSIDE if drill else "")
    story.add(
        f.Announced(
            at=now, by=by, announcement=f"{story.incident.id}-{story.incident.version + 1}-{prepared.audience}",
            audience=prepared.audience, subject=prepared.subject, text=prepared.text,
            channels=() if drill or private else prepared.channels, outside=prepared.outside, mention=prepared.mention,
            fields=prepared.fields, draft=draft, withheld=withheld, approved_as=approved_as,
        )
    )  # fmt: skip
    for word in () if untold else prepared.words or (prepared.audience,):
        story.add(
            f.UpdatePosted(
                at=now, by=by, audience=word, text=prepared.said or prepared.text, status=status, next_at=next_at
            )
        )


def _untold(story: Story, prepared: Prepared) -> str:
    """Why nobody of the audience hears it; "" where somebody does, or where it is practised in a drill."""
    if story.incident.restricted is not None:
        return "" if prepared.audience == TEAM else PRIVATE
    if prepared.channels or prepared.audience in AT_HOME or (story.incident.drill and prepared.outside):
        return ""
    return NO_CHANNEL


def _advice(audience: str, why: str) -> str:
    """The refusal, and what whoever reads it can do."""
    channel = f"give it one (`tocsin audience set {audience} --channel KIND:ADDRESS`), or " if why == NO_CHANNEL else ""
    return f"cannot tell {audience}: {why}; {channel}tell them yourself and record that you did (post-update)"


def record(story: Story, command: RecordAnnouncement, world: World, now: datetime) -> None:
    told = command.settlement
    to = told.leased.recipient
    address = shown_address(to.kind, to.address)
    if told.outcome == "sent":
        story.add(
            f.AnnouncementSent(
                at=now,
                announcement=told.leased.announcement,
                audience=command.audience,
                kind=to.kind,
                address=address,
                name=to.name,
                attempt=told.leased.attempt,
                provider_id=told.provider_id,
            )
        )
    else:
        story.add(
            f.AnnouncementFailed(
                at=now,
                announcement=told.leased.announcement,
                audience=command.audience,
                kind=to.kind,
                address=address,
                name=to.name,
                attempt=told.leased.attempt,
                code=told.code,
                detail=told.detail,
            )
        )
