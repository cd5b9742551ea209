"""Who sees a private incident. `core.privacy` decides what is private; docs/permissions.md says it for people."""

from __future__ import annotations

from collections.abc import Collection

from tocsin.core.people import Directory
from tocsin.core.state import Incident

TEAM = "team:"  # begins the name of a team among those who see an incident
Sight = frozenset[str] | None
"""What somebody goes by: their id and their teams as `team:ID`; None: they see everything (Tocsin itself, and emergency
access). The empty one sees no private incident."""

NOBODY: frozenset[str] = frozenset()


def readers(incident: Incident) -> tuple[str, ...] | None:
    """Ids of people, and teams as `team:ID`, who see the incident; None: everybody who may see incidents.

    They are those that it names, whoever has a role in it, and whoever was paged for it; a notice is no page.
    """
    named = incident.restricted
    if named is None:
        return None
    held = [person for people in incident.roles.values() for person in people]
    paged = [state.page.person for state in incident.pages.values() if not state.page.notice]
    teams = [f"{TEAM}{team}" for team in named.teams]
    return tuple(dict.fromkeys((*named.people, *teams, *held, *paged)))


def within(sight: Sight, names: Collection[str] | None) -> bool:
    """Whether a sight reaches what `names` see."""
    return sight is None or names is None or not sight.isdisjoint(names)


def sight_of(person: str, teams: Collection[str]) -> frozenset[str]:
    return frozenset({person, *(f"{TEAM}{team}" for team in teams)})


def teams_of(directory: Directory, person: str) -> list[str]:
    return [team.id for team in directory.teams.values() if person in (*team.members, team.lead)]


def sees(incident: Incident, directory: Directory, person: str) -> bool:
    """Whether a person sees the incident, going by the teams as they are."""
    names = readers(incident)
    return names is None or within(sight_of(person, teams_of(directory, person)), names)
