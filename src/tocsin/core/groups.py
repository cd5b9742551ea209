"""What the groups of an identity provider mean here: a role, and teams (pure)."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from tocsin.core.access import RANK, Role


def role_for(groups: Collection[str], roles: Mapping[str, Role], otherwise: Role | None) -> Role | None:
    """The highest role that one of the groups gives; `otherwise` where none gives any."""
    found = [roles[each] for each in groups if each in roles]
    return max(found, key=lambda each: RANK[each], default=otherwise)


def teams_after(
    members: Mapping[str, tuple[str, ...]], person: str, groups: Collection[str], teams: Mapping[str, str]
) -> dict[str, tuple[str, ...]]:
    """The members of each team that changes: the person is in the teams that their groups mean, and in no other team
    that a group stands for. Teams that no group stands for stay as they are.
    """
    theirs = {team for group, team in teams.items() if group in groups}
    changed = {}
    for team in sorted(set(teams.values()) & members.keys()):
        now = members[team]
        if team in theirs and person not in now:
            changed[team] = (*now, person)
        elif team not in theirs and person in now:
            changed[team] = tuple(each for each in now if each != person)
    return changed


def fresh_id(wanted: str, taken: Collection[str]) -> str:
    """An id for somebody new, from the name they have elsewhere; never one that is taken, in any letter case."""
    local = wanted.casefold().partition("@")[0]
    kept = "".join(each if each.isascii() and (each.isalnum() or each in "._-") else "-" for each in local)
    base = kept.strip("-.")[:60] or "person"
    used = {each.casefold() for each in taken}
    if base not in used:
        return base
    return next(name for n in range(2, len(used) + 3) if (name := f"{base}-{n}") not in used)
