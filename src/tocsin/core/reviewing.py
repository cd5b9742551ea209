"""The review of an incident: what the guide goes through, what was written for it, what was ticked, what the law asks.

Agenda, root-cause questions and checklist are the guide's; the words and ticks are facts of the incident. A document
of the guide that is a review gets what its own template has no heading for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime

import msgspec

from tocsin.core import commands as c, facts as f
from tocsin.core.escalation import World
from tocsin.core.fitting import fitting
from tocsin.core.incident import Incident, Refused
from tocsin.core.paging_text import one_line
from tocsin.core.policy import Policy, Template
from tocsin.core.spans import show_instant
from tocsin.core.state import KnownInstant, Owing
from tocsin.core.story import Story

PATTERN = "Add this kind of incident to the guide: none of its runbooks fits"
FIELDS_MAX = 100  # of one review; a form of more is no form that people fill in
NAME_MAX = 200
TEXT_MAX = 5_000

OWN = Template(
    title="Post-Incident Review",
    body="""# Post-Incident Review

- **Incident ID:** [Incident ID]
- **Issue:** [Issue]
- **Severity:** [Severity]
- **Duration:** [Duration]
- **Impact:** [Impact]
- **Root Cause:** [Root Cause]

## Timeline

- 00:00 - what happened

## What Went Well

- one thing

## What Could Be Improved

- one thing

## Action Items

- [ ] one thing
""",
)
"""Where a guide asks for a review and has no template of one."""

_LESSONS = (("well", r"went well"), ("poorly", r"improved?\b|went (?:poorly|wrong|badly)"), ("lucky", r"lucky"))
_REVIEW = re.compile(r"post-?\s?mortem|\bpir\b|post-?incident|retrospective|review", re.I)


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """One question of the guide's root-cause framework. `answer` empty: nobody wrote one."""

    name: str
    asks: str
    answer: str


class Tick(msgspec.Struct, frozen=True, kw_only=True):
    """One item of the checklist for the review."""

    text: str
    done: bool


class ReviewSheet(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a review goes through. `written`: what was typed, by field; `lessons`: well, poorly, lucky."""

    meets_at: datetime | None
    held_at: datetime | None
    agenda: tuple[str, ...]
    framework: tuple[Question, ...]
    checklist: tuple[Tick, ...]
    written: dict[str, str]
    lessons: dict[str, tuple[str, ...]]
    obligations: tuple[Owing, ...]
    instants: dict[str, KnownInstant]


def sheet(incident: Incident, policy: Policy) -> ReviewSheet:
    held = incident.moments.get("review_held")
    return ReviewSheet(
        meets_at=incident.review_at,
        held_at=held.at if held else None,
        agenda=policy.review.agenda,
        framework=tuple(_question(text, incident.written) for text in policy.review.framework),
        checklist=tuple(Tick(text=text, done=text in incident.ticked) for text in items_of(incident, policy)),
        written=incident.written,
        lessons=lessons(incident.written),
        obligations=tuple(incident.obligations.values()),
        instants=incident.instants,
    )


def items_of(incident: Incident, policy: Policy) -> tuple[str, ...]:
    """The guide's checklist; and, of a kind of incident that no runbook of the guide fits, that it is to be added."""
    known = not policy.runbooks or incident.drill or incident.false_positive or bool(fitting(policy, incident))
    return policy.review.checklist if known and PATTERN not in incident.ticked else (*policy.review.checklist, PATTERN)


def is_review(title: str) -> bool:
    """Whether a document of this title is the review itself, and no other paper."""
    return bool(_REVIEW.search(title))


def lessons(written: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """What was written under a heading that asks what went well, poorly, or only by luck."""
    found: dict[str, tuple[str, ...]] = {}
    for name, text in written.items():
        kind = next((kind for kind, pattern in _LESSONS if re.search(pattern, name, re.I)), None)
        if kind:
            found[kind] = found.get(kind, ()) + tuple(line for each in text.splitlines() if (line := each.strip()))
    return found


# --- commands ---------------------------------------------------------------------------------------------------------


def write(story: Story, command: c.WriteReview, world: World, now: datetime) -> None:
    """The words are kept in place of those of the same field, in whatever letter case it is said."""
    written, said, text = story.incident.written, command.field.strip(), command.text.strip()
    if not 1 <= len(said) <= NAME_MAX:
        raise ValueError(f"field: expected 1 to {NAME_MAX} characters, got {len(said)}")
    if len(text) > TEXT_MAX:
        raise ValueError(f"text: expected at most {TEXT_MAX} characters, got {len(text)}")
    name = next((each for each in written if each.casefold() == said.casefold()), said)
    if name not in written and len(written) >= FIELDS_MAX:
        raise Refused(f"cannot write this: the review has {FIELDS_MAX} fields already")
    if written.get(name, "") != text:
        story.add(f.ReviewWritten(at=now, by=command.by, field=name, text=text))


def tick(story: Story, command: c.TickReview, world: World, now: datetime) -> None:
    """An item of the checklist, by its words or its number."""
    items = items_of(story.incident, world.policy)
    if not items:
        raise ValueError("item: expected an item of the review's checklist, the guide has none")
    said = command.item.strip()
    number = int(said) if re.fullmatch(r"[0-9]{1,3}", said) else 0
    item = items[number - 1] if 1 <= number <= len(items) else None
    item = item or next((each for each in items if each.casefold() == said.casefold()), None)
    if item is None:
        raise ValueError(f"item: expected a number from 1 to {len(items)} or one of {'; '.join(items)}, got {said!r}")
    if (item in story.incident.ticked) != command.done:
        story.add(f.ReviewTicked(at=now, by=command.by, item=item, done=command.done))


# --- the parts of a document ------------------------------------------------------------------------------------------


def parts(of: ReviewSheet, text: str) -> str:
    """Markdown with what the review has and the document `text` has no heading for."""
    heads = [line.lstrip("#* ").casefold() for line in text.splitlines() if line.startswith(("#", "**"))]

    def lacks(word: str) -> bool:
        return not any(word in head for head in heads)

    found: list[str] = []
    if of.agenda and lacks("agenda"):
        found += ["## Agenda", "", *(f"{n}. {one_line(each)}" for n, each in enumerate(of.agenda, 1)), ""]
    if of.framework and lacks("framework"):
        found += ["## Root Cause Analysis Framework", "", *(_answered(each) for each in of.framework), ""]
    found += ["## Compliance and Obligations", "", *_compliance(of), ""]
    if of.checklist and lacks("checklist"):
        boxes = (f"- [{'x' if each.done else ' '}] {one_line(each.text)}" for each in of.checklist)
        found += ["## Review Checklist", "", *boxes, ""]
    return "\n".join(found)


def _answered(each: Question) -> str:
    asks = f" ({one_line(each.asks)})" if each.asks else ""
    return f"- **{one_line(each.name)}**{asks}: {one_line(each.answer.replace(chr(10), '; ')) or '____'}"


def _compliance(of: ReviewSheet) -> Iterator[str]:
    """What the record says; that nothing is recorded is no proof that nothing was owed, and is said so."""
    for name, known in of.instants.items():
        verb = "" if known.holds else "not "
        because = f": {one_line(known.because)}" if known.because else ""
        at = f"{known.happened_at:%Y-%m-%d %H:%M} UTC"
        yield f"- {verb}{name.replace('_', ' ')} at {at}, decided by {known.decided_by}{because}"
    for each in of.obligations:
        due = f"due {show_instant(each.due_at, each.since)}" if each.due_at else "without undue delay"
        late = each.due_at and each.first_submitted_at and each.first_submitted_at > each.due_at
        given = (
            f"given {show_instant(each.first_submitted_at, each.since)}{', late' if late else ''} ({each.receipt})"
            if each.first_submitted_at
            else "not given"
        )
        whom = "; ".join(each.recipients)
        yield f"- {each.regime} ({each.citation}): {one_line(each.text)} to {whom}, {due}, {given}"
    if not of.instants and not of.obligations:
        yield "- No instant that a law counts from was recorded, and no clock of a law ran."


def _question(text: str, written: Mapping[str, str]) -> Question:
    name, _, asks = text.partition(": ")
    answer = next(
        (said for field, said in written.items() if field.casefold() in (name.casefold(), text.casefold())), ""
    )
    return Question(name=name, asks=asks, answer=answer)
