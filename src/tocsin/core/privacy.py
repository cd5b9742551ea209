"""Private (security) incidents: who is named, who sees them, and what is kept inside because of it.

A private incident is seen by the people it names and the members of the teams it names, by whoever has a role in it,
by whoever was paged for it, and by emergency access. Nobody else learns that it exists, whatever their role.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tocsin.core import commands as c, facts as f
from tocsin.core.escalation import World
from tocsin.core.facts import TOCSIN
from tocsin.core.incident import Refused
from tocsin.core.people import Directory, person_named, who
from tocsin.core.policy import Policy
from tocsin.core.sight import TEAM, sees
from tocsin.core.story import Story


def asked_for(policy: Policy, *, private: bool, category: str | None, service: str | None) -> bool:
    """Whether an incident is private from its first fact: somebody says so, or the policy does of what it is about."""
    kinds = {each.casefold() for each in policy.privacy.categories}
    return private or (category or "").casefold() in kinds or service in policy.privacy.services


def begin(story: Story, words: tuple[str, ...], world: World, now: datetime, *, by: str) -> None:
    """The incident is private from the start, seen by those that `words` and the policy name. Raises ValueError for
    a word that means nobody: whoever was meant would not see it."""
    unknown = [word for word in words if not any(_meant(world.directory, (word,)))]
    if unknown:
        raise ValueError(f"visible_to: expected people and teams that are known, got {', '.join(map(repr, unknown))}")
    people, teams = _meant(world.directory, (*words, *world.policy.privacy.visible_to))
    known = (by,) if by in world.directory.people else ()
    named = tuple(dict.fromkeys((*known, *people)))
    story.add(f.Restricted(at=now, by=by, people=named, teams=teams, because="private from the start"))


def restrict(story: Story, command: c.Restrict, world: World, now: datetime) -> None:
    """Those named before and not named now see it no longer, unless a role or a page lets them."""
    incident = story.incident
    if incident.open and not command.because.strip() and incident.restricted is None:
        raise Refused("cannot restrict: because must say why")
    unknown = [each for each in command.people if person_named(world.directory, each) is None]
    unknown += [each for each in command.teams if each not in world.directory.teams]
    if unknown:
        raise ValueError(f"people: expected people and teams that are known, got {', '.join(map(repr, unknown))}")
    named = [found.id for each in command.people if (found := person_named(world.directory, each))]
    people = tuple(dict.fromkeys((*((command.by,) if command.by != TOCSIN else ()), *named)))
    before = incident.restricted
    if before is not None and (before.people, before.teams) == (people, command.teams):
        return
    if incident.public is not None:
        story.add(f.Unpublished(at=now, by=command.by, because="the incident is private"))
    story.add(f.Restricted(at=now, by=command.by, people=people, teams=command.teams, because=command.because))
    _hush(story, world, now)


def lift(story: Story, command: c.LiftRestriction, world: World, now: datetime) -> None:
    if story.incident.restricted is None:
        return
    if not command.because.strip():
        raise Refused("cannot lift the restriction: because must say why")
    story.add(f.RestrictionLifted(at=now, by=command.by, because=command.because))


def _hush(story: Story, world: World, now: datetime) -> None:
    """Notices that are still owed to people who see it no longer are not sent."""
    gone = tuple(
        name
        for name, state in story.incident.pages.items()
        if state.owed and state.page.notice and not sees(story.incident, world.directory, state.page.person)
    )
    if gone:
        story.add(f.PagesForgiven(at=now, pages=gone, because="the incident is private"))


def _meant(directory: Directory, words: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """People and teams that words name; a team stays a team, so that who joins it later sees the incident."""
    ids = {team.id.casefold(): team.id for team in directory.teams.values()}
    teams = [ids[name] for word in words if (name := word.strip().casefold().removeprefix(TEAM)) in ids]
    others = tuple(word for word in words if word.strip().casefold().removeprefix(TEAM) not in ids)
    return tuple(person.id for person in who(directory, others)), tuple(dict.fromkeys(teams))


def words(fact: Any) -> str:
    """The facts of this module in a sentence."""
    match fact:
        case f.Restricted():
            names = ", ".join((*fact.people, *(f"team {team}" for team in fact.teams))) or "whoever is paged"
            return f"Private: seen by {names} only{f': {fact.because}' if fact.because else ''}"
        case f.RestrictionLifted():
            return f"No longer private: {fact.because}"
    return ""
