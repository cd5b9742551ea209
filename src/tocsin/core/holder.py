"""Who takes a role: somebody who is known, by any name people have for them, or a guest who is said to be one."""

from __future__ import annotations

import difflib
from collections.abc import Collection

from tocsin.core.people import Directory, contact
from tocsin.core.policy import Policy
from tocsin.core.state import Incident

NAME_MAX = 200  # characters of a role or a guest's name: both stand in tables and in chats
NAMED_MAX = 8  # people that a refusal names; whoever has more of them looks into the directory


def holder(directory: Directory, said: str, *, guest: bool = False, accounts: Collection[str] = ()) -> str:
    """The id of whoever is called `said`: an id, a name or a mail address of the directory, or an account's name.

    A `guest` who is not known keeps the name as it was said. Raises ValueError, with whoever was probably meant, for
    somebody unknown or switched off, and for a name that two people have.
    """
    name = said.strip()
    if not name or len(name) > NAME_MAX:
        raise ValueError(f"person: expected 1 to {NAME_MAX} characters, got {len(name)}")
    folded = name.removeprefix("person:").casefold()
    exact = [each.id for each in directory.people.values() if each.id.casefold() == folded]
    same = [each.id for each in directory.people.values() if each.name.casefold() == folded]
    if not exact and len(same) > 1:
        raise ValueError(f"person: expected the id of one of {', '.join(same)}, got {name!r}, which is all their name")
    found = contact(directory, name)
    if found is not None:
        if not directory.people[found].active:
            raise ValueError(f"person: expected somebody who is active, got {found!r}")
        return found
    if name in accounts or guest:
        return name
    raise ValueError(f"person: expected somebody who is known{_hint(directory, folded, accounts)}, got {name!r}")


def role_word(policy: Policy, incident: Incident, said: str) -> str:
    """The role as the guide or the incident has it already, in any letter case; a role of another name is free."""
    name = " ".join(said.split())
    if not name or len(name) > NAME_MAX:
        raise ValueError(f"role: expected 1 to {NAME_MAX} characters, got {len(name)}")
    known = (*incident.roles, *(role.name for role in policy.roles))
    return next((each for each in known if each.casefold() == name.casefold()), name)


def _hint(directory: Directory, folded: str, accounts: Collection[str]) -> str:
    active = [each for each in directory.people.values() if each.active]
    names = {word.casefold(): each.id for each in active for word in (each.name, *each.name.split(), each.id) if word}
    names |= {each.casefold(): each for each in accounts}
    near = difflib.get_close_matches(folded, names, n=1)
    if near:
        return f" (did you mean {names[near[0]]}?)"
    known = sorted({*(each.id for each in active), *accounts})
    shown = ", ".join(known[:NAMED_MAX]) + (", ..." if len(known) > NAMED_MAX else "")
    return f" ({shown or 'nobody is yet: `tocsin person add`'}), or a guest who is said to be one"
