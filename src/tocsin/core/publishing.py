"""Deciding what becomes public. Somebody says so, by a command of their own; nothing becomes public by itself."""

from __future__ import annotations

from datetime import datetime

from tocsin.core import commands as c, facts as f
from tocsin.core.escalation import World
from tocsin.core.facts import AnyFact
from tocsin.core.incident import Refused
from tocsin.core.public import PUBLIC
from tocsin.core.status import NAME_MAX, STATABLE, TEXT_MAX
from tocsin.core.story import Story


def publish(story: Story, command: c.Publish, world: World, now: datetime) -> None:
    """The incident stands on the pages; what the command leaves out stays as it is."""
    incident = story.incident
    if incident.restricted is not None:
        raise Refused(f"cannot publish: {incident.reference} is private")
    if incident.drill:
        raise Refused(f"cannot publish: {incident.reference} is a drill, and drills never reach customers")
    if len(command.name) > NAME_MAX:
        raise ValueError(f"name: expected at most {NAME_MAX} characters, got {len(command.name)}")
    before = incident.public
    stated = dict(before.components) if before else {}
    for each in command.components:
        name, state = _stated(each)
        stated[name] = state
    fact = f.Published(
        at=now,
        by=command.by,
        pages=command.pages or (before.pages if before else ()),
        name=command.name.strip() or (before.name if before else ""),
        impact=command.impact or (before.impact if before else None),
        components=stated,
    )
    if before is None or (fact.pages, fact.name, fact.impact, fact.components) != (
        before.pages,
        before.name,
        before.impact,
        before.components,
    ):
        story.add(fact)


def _stated(text: str) -> tuple[str, str]:
    """`api=partial_outage` taken apart; without a state it is the one that the impact stands for."""
    name, sign, state = text.partition("=")
    if not name or (sign and state not in STATABLE):
        raise ValueError(f"components: expected ID or ID=STATE with one of {', '.join(STATABLE)}, got {text[:120]!r}")
    return name, state


def unpublish(story: Story, command: c.Unpublish, world: World, now: datetime) -> None:
    if not command.because.strip():
        raise Refused("cannot unpublish: because must say why")
    if story.incident.public is not None:
        story.add(f.Unpublished(at=now, by=command.by, because=command.because))


def announce(story: Story, audience: str, text: str, by: str, now: datetime) -> None:
    """An update to the public puts the incident on the default page, unless it is public already or a drill."""
    if audience.casefold() != PUBLIC:
        return
    if len(text) > TEXT_MAX:
        raise ValueError(f"text: expected at most {TEXT_MAX} characters, got {len(text)}")
    if story.incident.restricted is not None:
        raise Refused(f"cannot tell the public: {story.incident.reference} is private")
    if story.incident.public is None and not story.incident.drill:
        story.add(f.Published(at=now, by=by, pages=(), name=""))


def change_text(story: Story, command: c.ChangePublicText, world: World, now: datetime) -> None:
    if not command.text.strip() or len(command.text) > TEXT_MAX:
        raise ValueError(f"text: expected 1 to {TEXT_MAX} characters, got {len(command.text)}")
    if command.update not in story.incident.public_updates:
        known = ", ".join(str(each) for each in story.incident.public_updates) or "there is none"
        raise ValueError(f"update: expected the place of a public update ({known}), got {command.update}")
    story.add(f.PublicTextChanged(at=now, by=command.by, update=command.update, text=command.text))


def set_review(story: Story, command: c.SetPublicReview, world: World, now: datetime) -> None:
    if len(command.text) > TEXT_MAX:
        raise ValueError(f"text: expected at most {TEXT_MAX} characters, got {len(command.text)}")
    if command.published and story.incident.public is None:
        raise Refused(f"cannot publish the review: {story.incident.reference} is not on a public page")
    story.add(f.PublicReviewSet(at=now, by=command.by, text=command.text, published=command.published))


def words(fact: AnyFact) -> str:
    """What the timeline says of a public fact; "" for any other."""
    match fact:
        case f.Published():
            pages = ", ".join(fact.pages) or "the default page"
            return f"Public on {pages}" + (f" as: {fact.name}" if fact.name else "")
        case f.Unpublished():
            return f"Not public any more: {fact.because}"
        case f.PublicTextChanged():
            return f"A public update now reads: {fact.text}"
        case f.PublicReviewSet() if not fact.text:
            return "The public review was taken away"
        case f.PublicReviewSet():
            return f"The public review was {'published' if fact.published else 'drafted'}"
    return ""
