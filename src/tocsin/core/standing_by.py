"""Who may be paged at this instant: people whom a way in must never be closed to (pure)."""

from __future__ import annotations

from collections.abc import Iterable

from tocsin.core.people import Directory, who
from tocsin.core.policy import Policy


def stands_by(person: str, directory: Directory, policies: Iterable[Policy]) -> bool:
    """Whether the person has a turn on call, stands in a level of a guide in force, or is a named last resort, at the
    directory's instant."""
    words = list(directory.last_resort)
    for policy in policies:
        words += policy.paging.last_resort
        for scheme in (policy.escalation, *policy.escalations.values()):
            words += [word for level in scheme.levels for word in level.who]
    words += [f"schedule:{name}" for name in directory.schedules]
    found = {each.id for each in who(directory, tuple(words))}
    if "owner" in (word.strip().casefold() for word in words):
        found |= {each.id for service in directory.services for each in who(directory, ("owner",), service=service)}
    return person in found
