"""Who releases a draft: whoever holds the Communications Lead role, or whoever the audience names instead.

An administrator may too; that is an override, and the record says so. A role that nobody holds can be taken, by a
command of its own (`assign-role`): so a text is never held up for want of a title, and somebody has stood up for it.
"""

from __future__ import annotations

import re

from tocsin.core.incident import Incident
from tocsin.core.people import Directory, who
from tocsin.core.policy import Policy

LEAD = "Communications Lead"
OVERRIDE = "an administrator, in place of {}"
_LEAD = re.compile(r"\bcomm(?:s|unications?)\b.*\b(?:lead|manager|officer|coordinator|owner)\b", re.I)


def is_lead(role: str) -> bool:
    """Whether a guide's word for a role means the Communications Lead."""
    return _LEAD.search(role) is not None


def holders(incident: Incident, policy: Policy, directory: Directory, approver: str) -> tuple[str, ...]:
    """Ids of those who are meant by a word for an approver: who took the role in this incident, else who fills it."""
    lead = approver.casefold() == LEAD.casefold()

    def meant(role: str) -> bool:
        return role.casefold() == approver.casefold() or (lead and is_lead(role))

    taken = [person for role, people in incident.roles.items() if meant(role) for person in people]
    if taken:
        return tuple(dict.fromkeys(taken))
    words = [approver, *(each.name for each in policy.roles if meant(each.name))]
    words += [name for name in directory.bindings if meant(name)]
    words += [role for person in directory.people.values() for role in person.roles if meant(role)]
    return tuple(each.id for each in who(directory, tuple(dict.fromkeys(words)), service=incident.service))


def approvers(incident: Incident, policy: Policy, directory: Directory, words: tuple[str, ...]) -> dict[str, str]:
    """Everybody who may release, and as what, in the order of the words."""
    found: dict[str, str] = {}
    for word in words:
        for person in holders(incident, policy, directory, word):
            found.setdefault(person, word)
    return found


def refusal(incident: Incident, words: tuple[str, ...], may: dict[str, str], by: str) -> str:
    """Why somebody may not release, and what they can do."""
    wanted = " or ".join(words)
    if may:
        return f"cannot release: {by} does not hold {wanted} on {incident.reference}; {', '.join(may)} can"
    return (
        f"cannot release: nobody holds {wanted} on {incident.reference}; "
        f'whoever takes it over says so first (assign-role, role "{words[0]}")'
    )
