"""Which runbooks of a guide fit an incident, and why: by its category, its service, words of its title, its severity.

Nothing is hidden by this: it puts some runbooks first. One that is for another severity is never among them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import msgspec

from tocsin.core.policy import Policy, Runbook
from tocsin.core.state import Incident

PREFIX_MIN = 5  # letters of which two words must begin alike to be forms of one: crash, crashes; not data, database

_WORD = re.compile(r"[^\W_]+")
_EMPTY = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "by",
        "for",
        "from",
        "has",
        "have",
        "if",
        "in",
        "into",
        "is",
        "it",
        "its",
        "no",
        "not",
        "of",
        "off",
        "on",
        "or",
        "our",
        "out",
        "the",
        "their",
        "there",
        "to",
        "up",
        "very",
        "was",
        "we",
        "with",
        "when",
        "while",
        "action",
        "actions",
        "appears",
        "check",
        "checks",
        "common",
        "critical",
        "down",
        "general",
        "handling",
        "high",
        "immediate",
        "incident",
        "incidents",
        "initial",
        "issue",
        "issues",
        "low",
        "medium",
        "phase",
        "playbook",
        "problem",
        "problems",
        "procedure",
        "procedures",
        "reported",
        "response",
        "runbook",
        "runbooks",
        "service",
        "services",
        "some",
        "step",
        "steps",
        "system",
        "systems",
        "we",
    ]
)
"""Words that stand in any title, so that sharing one of them says nothing."""


class Fit(msgspec.Struct, frozen=True, kw_only=True):
    """A runbook by its place in the guide, and in words why it is shown first."""

    place: int
    because: tuple[str, ...]


def fitting(policy: Policy, incident: Incident) -> tuple[Fit, ...]:
    """The runbooks that fit, the best first, each with its reasons; in the guide's order where they fit as well."""
    found = []
    for place, runbook in enumerate(policy.runbooks):
        said = _reasons(policy, runbook, incident)
        if said:
            found.append((-sum(weight for weight, _ in said), place, tuple(reason for _, reason in said)))
    return tuple(Fit(place=place, because=because) for _, place, because in sorted(found))


def _reasons(policy: Policy, runbook: Runbook, incident: Incident) -> list[tuple[int, str]]:
    heading = f"{runbook.title} {runbook.category}"
    named = severities_named(policy, heading)
    if named and incident.severity not in named:
        return []
    reasons = []
    if shared := _shared(_telling(incident.category or ""), _telling(heading)):
        reasons.append((4 * len(shared), f"the category is {incident.category}"))
    for service in dict.fromkeys(filter(None, (incident.service, *incident.services))):
        if _shared(_telling(service), _telling(heading)) or _names(runbook, service):
            reasons.append((3, f"it names {service}"))
            break
    title = (incident.title, *(each.title for each in incident.alerts))
    if shared := _shared([word for text in title for word in _telling(text)], _telling(heading)):
        reasons.append((2 * len(shared), f"the title says {' '.join(dict.fromkeys(shared))}"))
    if named:
        reasons.append((1, f"it is for {incident.severity}"))
    return reasons


def severities_named(policy: Policy, text: str) -> tuple[str, ...]:
    """The severities of the guide whose ids stand in a text as words of their own."""
    return tuple(
        each.id
        for each in policy.severities
        if re.search(rf"(?<![\w-]){re.escape(each.id)}(?![\w-])", text, re.IGNORECASE)
    )


def _names(runbook: Runbook, service: str) -> bool:
    """Whether a step or a command of it names the service, as a word of its own; `git checkout` names none."""
    word = re.compile(rf"(?<!git )(?<![^\W_]){re.escape(service.strip())}(?![^\W_])", re.IGNORECASE)
    return bool(service.strip()) and any(
        word.search(text) for step in runbook.steps for text in (step.text, *(each.code for each in step.commands))
    )


def _telling(text: str) -> list[str]:
    return [word for word in _WORD.findall(text.casefold()) if word not in _EMPTY and len(word) > 1]


def _shared(said: Iterable[str], there: Sequence[str]) -> list[str]:
    """The words that were said and stand there too, in some form."""
    return list(dict.fromkeys(word for word in said if any(_alike(word, other) for other in there)))


def _alike(one: str, other: str) -> bool:
    one, other = sorted((one.removesuffix("s"), other.removesuffix("s")), key=len)
    return one == other or (len(one) >= PREFIX_MIN and other.startswith(one))
