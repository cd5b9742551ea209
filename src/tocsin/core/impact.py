"""Triggers of a guide that escalate by themselves: what is recorded of an incident's impact has become worse.

A guide's trigger is prose ("Increased user impact"). It acts where its words mean something that people record as a
value: users affected, a report that a law asks for, a yes in the assessment, the category. Free text escalates nothing
("no data was lost" has all the words), and a trigger that means none of these is for people to pull.
Source: docs/decisions/0237-impact-that-rises-escalates.md
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Literal

from tocsin.core.escalation import World
from tocsin.core.lifecycle import raise_to
from tocsin.core.policy import Trigger
from tocsin.core.severity import YES
from tocsin.core.state import Incident
from tocsin.core.story import Story

Meaning = Literal["users", "law", "data", "security"]

AGAIN = 2  # times as many users as when it escalated last: every corrected estimate would page one level more
_MEANINGS: tuple[tuple[Meaning, re.Pattern[str]], ...] = (
    ("law", re.compile(r"\b(?:regulat\w+|complian\w+)\b", re.I)),
    ("security", re.compile(r"\b(?:security|breach\w*|intrusion|compromis\w+)\b", re.I)),
    ("data", re.compile(r"\bdata\b.*\b(?:loss|lost|corrupt\w*)\b|\b(?:loss|corruption) of data\b", re.I)),
    (
        "users",
        re.compile(r"\b(?:user|customer|client)s?\b.*\b(?:impact\w*|affected)\b|\bmore (?:users|customers)\b", re.I),
    ),
)
_PATTERNS = dict(_MEANINGS)
_ACTS: dict[Meaning, str] = {
    "users": "when more users are recorded as affected",
    "law": "when a report to an authority is owed",
    "data": "when the assessment or the category says so",
    "security": "when the assessment or the category says so",
}


def meaning(trigger: Trigger) -> Meaning | None:
    """What is recorded as a value that the trigger acts on; None where people escalate by it."""
    if trigger.kind != "impact":
        return None
    return next((name for name, words in _MEANINGS if words.search(trigger.text)), None)


def acts(trigger: Trigger) -> str:
    """When it escalates, in words; "" where people do."""
    found = meaning(trigger)
    return _ACTS[found] if found else ""


def rise(story: Story, before: Incident, world: World, now: datetime) -> None:
    """The first trigger that the change since `before` pulls has escalated, unless the change has escalated already.

    The severities for which the guide wants no escalation are left alone: there people raise the severity.
    """
    after, scheme = story.incident, world.policy.escalation
    if not after.open or after.ladder.count != before.ladder.count or after.severity in scheme.never:
        return
    for place, trigger in enumerate(scheme.triggers):
        means = meaning(trigger) if _changed(before, after) else None
        pulled = _pulled(means, before, after, after.fired.get(f"impact:{place}")) if means else None
        if pulled is not None:
            size, why = pulled
            raise_to(story, world, f"{trigger.text} - {why}", now, by=story.facts[-1].by, key=f"impact:{place}#{size}")
            return


def _changed(before: Incident, after: Incident) -> bool:
    return any(
        getattr(before, name) is not getattr(after, name)
        for name in ("users_affected", "obligations", "answers", "category")
    )


def _pulled(means: Meaning, before: Incident, after: Incident, last: int | None) -> tuple[int, str] | None:
    """How large it is now, and what has risen; None where nothing has since it escalated last."""
    match means:
        case "users":
            was, now = before.users_affected, after.users_affected
            if was is None or now is None or now <= was or (last is not None and now < AGAIN * last):
                return None
            return now, f"users affected rose from {was} to {now}"
        case "law":
            new = [each for name, each in after.obligations.items() if name not in before.obligations]
            return (0, f"owed: {new[0].text}") if new and last is None else None
    if last is not None:
        return None
    said = _PATTERNS[means]
    for question, answer in after.answers.items():
        if answer.casefold().strip() in YES and before.answers.get(question) != answer and said.search(question):
            return 0, f"{question}: {answer}"
    named = after.category if after.category != before.category else None
    return (0, f"the category is {named}") if named and said.search(named) else None
