"""Which level is owed next. Every escalation, whatever its cause, is `escalate(because)`.

A level lasts as long as the smaller of its own limit and the severity's interval, measured from entering it; where the
guide gives neither, as long as the severity has to respond. What the guide does not hurry climbs by day
(`core.unhurried`). The last level repeats. A level that means nobody who can be reached is passed at once and recorded.
When the ladder has gone through its levels and nobody answered, the last resort is paged, and once more when it ends.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal, TypeVar

import msgspec

from tocsin.core import facts as f
from tocsin.core.calendar import BusinessTime, dated
from tocsin.core.facts import AnyFact, OwedPage
from tocsin.core.incident import Incident
from tocsin.core.notifying import low_urgency, owed_methods, still_told
from tocsin.core.outlook import Outlook
from tocsin.core.people import Directory, Person, reachable, who
from tocsin.core.places import Outside
from tocsin.core.policy import Deadline, Escalation, Level, Notify, Policy, Rule, severity_of
from tocsin.core.regulatory import Law
from tocsin.core.unhurried import climbs_at, unhurried

T = TypeVar("T")

LAPS_MAX = 48  # how often the last level is paged again: two days at an hour each; then the last resort is paged again
LAST_RESORT_MAX = 25  # people; more would be a storm of its own
PAGES_BYTES_MAX = 40 * 1024  # of one decision: a fact holds 64 KiB, and one that is larger opens no incident at all
METHODS_BYTES_MAX = PAGES_BYTES_MAX // 4  # of one person: two of the longest addresses, or some seventy mail addresses
UNANSWERED = timedelta(minutes=30)
URGENT_RANK = 1  # the two worst severities
NEXT_WORKING_DAY = Deadline(business_days=1)
LONGEST_REPEAT = timedelta(days=7)  # a level may not sleep longer than this between two pages


class World(msgspec.Struct, frozen=True, kw_only=True):
    """What a decision is made on, beside the incident: its policy, its clocks and calendar, and everybody, live.

    `law`: the regulatory clocks that are switched on, live too; what follows from them is kept in the facts.
    `outlook`: what was found when somebody looked at the incident's promises last; it saves looking again.
    `outside`: the chats and trackers that are configured; None: nobody has said, and anything may be asked for.
    """

    policy: Policy
    rules: tuple[Rule, ...]
    directory: Directory
    calendar: BusinessTime = BusinessTime()
    law: Law = Law()
    outlook: Outlook | None = None
    outside: Outside | None = None


def ladder(policy: Policy, incident: Incident) -> tuple[Level, ...]:
    """The levels for this incident, in order. Without any: the responders of the matrix and the owner."""
    scheme = _scheme(policy, incident)
    levels = [each for each in scheme.levels if not each.severities or incident.severity in each.severities]
    if levels:
        return tuple(sorted(levels, key=lambda each: each.level))
    named = [row for row in scheme.notify if row.severity == incident.severity and responds(policy, row)]
    names = tuple(dict.fromkeys(name for row in named for name in roster(policy, row)))
    return (Level(level=1, who=(*names, OWNER)),)


OWNER = "owner"  # of the incident's service
ALL_ROLES = frozenset({"all roles", "all team roles", "all incident roles"})


def responds(policy: Policy, row: Notify) -> bool:
    """Whether a row of the matrix names who responds, so that they are paged where the guide has no levels.

    A row without a time does; one that says "immediately" does when it names the guide's own roles (others, such as
    executives, are told).
    """
    if row.within is None:
        return True
    roles = {role.name.casefold() for role in policy.roles} | ALL_ROLES
    return row.within.seconds == 0 and any(name.casefold() in roles for name in row.who)


def roster(policy: Policy, row: Notify) -> tuple[str, ...]:
    """Whom the row names; "all roles" are also every role of the guide by name."""
    if any(name.casefold() in ALL_ROLES for name in row.who):
        return (*row.who, *(role.name for role in policy.roles))
    return row.who


def escalate(
    incident: Incident, world: World, because: str, now: datetime, *, key: str = "", level: int | None = None
) -> list[AnyFact]:
    """The facts of going to the next level (or to `level`): gaps passed on the way, and the page that is owed.

    Whoever has acknowledged is not paged again by a ladder that runs until the incident is resolved.
    """
    levels = ladder(world.policy, incident)
    until = _until(world.policy, incident)
    if key.startswith("ladder#") and incident.acknowledged_at and until == "acknowledged":
        # Its severity was lowered to one whose ladder ends with an answer: the old timer pages nobody.
        kept = incident.ladder
        return [
            f.Escalated(at=now, level=kept.level, lap=kept.lap, because=because, who=(), pages=(), until=until, key=key)
        ]
    wanted = incident.ladder.level + 1 if level is None else level
    at_the_end = wanted > len(levels)
    lap = incident.ladder.lap + 1 if at_the_end else incident.ladder.lap
    ended = at_the_end and lap in (1, LAPS_MAX) and not incident.acknowledged_at
    gaps: list[AnyFact] = []
    for number in range(min(wanted, len(levels)), len(levels) + 1):
        words = levels[number - 1].who
        people = _pageable(world.directory, words, incident)
        if people:
            last_lap = number == len(levels) and lap >= LAPS_MAX
            escalated = f.Escalated(
                at=now,
                level=number,
                lap=lap,
                because=because,
                who=words,
                pages=pages_for(
                    incident,
                    people,
                    now,
                    level=number,
                    part=int(ended),
                    low=low_urgency(world.directory, incident.severity),
                    call=called(world, incident),
                ),
                again_at=None if last_lap else again_at(world, incident, levels[number - 1], now),
                until=until,
                key=key,
            )
            if lap == 0 and (unheard := _of_the_matrix(incident, world, words, now)):
                gaps.append(unheard)
            return [*gaps, *([_nobody(incident, world, now, None)] if ended else []), escalated]
        gaps.append(
            f.CoverageGap(at=now, level=number, who=words, because=_why_nobody(world.directory, words, incident))
        )
    retry = again_at(world, incident, levels[-1], now) if lap < LAPS_MAX else None
    if incident.acknowledged_at:  # whoever is left has it already: there is nobody else to page, and no need
        return [
            f.Escalated(
                at=now, level=len(levels), lap=lap, because=because, who=levels[-1].who, pages=(), again_at=retry,
                until=until, key=key,
            )
        ]  # fmt: skip
    return [*gaps, _nobody(incident, world, now, retry)]


def again_at(world: World, incident: Incident, level: Level, now: datetime) -> datetime | None:
    """When the level after this one is owed. Where the guide sets no time at all: see `_unanswered_at`."""
    calendar = world.calendar
    scheme = _scheme(world.policy, incident)
    if unhurried(world.policy, scheme, incident.severity):
        at = climbs_at(severity_of(world.policy, incident.severity), level.within, now, calendar)
        return min(at, now + LONGEST_REPEAT) if at else _unanswered_at(world, incident, now)
    last = level.level == ladder(world.policy, incident)[-1].level
    found = [_left(level, incident, now, calendar, last=last)]
    found += [dated(row.every, now, calendar) for row in scheme.while_unresolved if row.severity == incident.severity]
    given = [at for at in found if at and at > now]
    if not given:
        severity = severity_of(world.policy, incident.severity)
        respond = dated(severity.respond_within, now, calendar) if severity else None
        given = [respond] if respond and respond > now else []
    if given:
        return min(*given, now + LONGEST_REPEAT)
    return _unanswered_at(world, incident, now) if _until(world.policy, incident) == "acknowledged" else None


def _unanswered_at(world: World, incident: Incident, now: datetime) -> datetime | None:
    """When somebody is paged again about what nobody answered and the guide gives no time for: soon for its two worst
    severities, by the next working day for milder ones. One page that nobody heard is not all that is ever done."""
    severity = severity_of(world.policy, incident.severity)
    if severity is None or severity.rank <= URGENT_RANK:
        return now + UNANSWERED
    return dated(NEXT_WORKING_DAY, now, world.calendar)


def _left(level: Level, incident: Incident, now: datetime, calendar: BusinessTime, *, last: bool) -> datetime | None:
    """The end of the level; at least a second away, so that one entered late is passed at once and not skipped.

    The last level repeats: its time from the opening counts once, then it counts from each repetition.
    """
    ends_at = dated(level.within, now if level.since == "level" else incident.opened_at, calendar)
    if level.since == "level" or (last and ends_at and ends_at <= now):
        return dated(level.within, now, calendar)
    return max(ends_at, now + timedelta(seconds=1)) if ends_at else None


def called(world: World, incident: Incident) -> bool:
    """Whether the guide has people called for this severity."""
    return incident.severity in _scheme(world.policy, incident).phone


def pages_for(
    incident: Incident,
    people: Iterable[Person],
    now: datetime,
    *,
    level: int = 0,
    notice: bool = False,
    part: int = 0,
    low: bool = False,
    call: bool = False,
) -> tuple[OwedPage, ...]:
    """What is owed to `people`; the ids are the same whenever the same decision is made again.

    Whoever's rules still run from an earlier page is not told from the start again. `call`: what rings is tried at
    once, beside what the person has tried first. Of hundreds of people, the first that fit into `PAGES_BYTES_MAX`.
    """
    number = incident.page_count + 1 + part
    pages = (
        OwedPage(
            id=f"{incident.id}-{number}-{person.id}",
            person=person.id,
            methods=_fitting(owed_methods(person, now, low=low, call=call), METHODS_BYTES_MAX),
            level=level,
            round=number,
            notice=notice,
            low=low or msgspec.UNSET,
        )
        for person in people
        if reachable(person) and (notice or not still_told(incident, person.id, now, low=low))
    )
    return _fitting(pages, PAGES_BYTES_MAX)


def _fitting(some: Iterable[T], room: int) -> tuple[T, ...]:
    """The first of them that are together encoded in `room` bytes."""
    found: list[T] = []
    for each in some:
        room -= len(msgspec.json.encode(each))
        if room < 0:
            break
        found.append(each)
    return tuple(found)


def last_resort(world: World) -> tuple[Person, ...]:
    """Who is paged when nobody else could be: the policy's last resort, else the installation's, else everybody.

    Everybody, because an incident that nobody hears of is worse than one that too many hear of; a fresh installation
    has people long before somebody has bound them to the guide's words.
    Source: docs/decisions/0006-the-last-resort-is-everybody.md
    """
    for words in (world.policy.paging.last_resort, world.directory.last_resort, tuple(world.directory.people)):
        found = tuple(person for person in who(world.directory, words) if reachable(person))
        if found:
            return found[:LAST_RESORT_MAX]
    return ()


def _nobody(incident: Incident, world: World, now: datetime, retry_at: datetime | None) -> AnyFact:
    people = last_resort(world)
    because = "nobody answered on any level" if retry_at is None else "no level has anybody who can be reached"
    low = low_urgency(world.directory, incident.severity)
    pages = pages_for(incident, people, now, low=low, call=called(world, incident))
    return f.NobodyReached(at=now, pages=pages, again_at=retry_at, because=because)


def _pageable(directory: Directory, words: tuple[str, ...], incident: Incident) -> list[Person]:
    people = who(directory, words, service=incident.service)
    return [person for person in people if reachable(person) and person.id != incident.acknowledged_by]


def _why_nobody(directory: Directory, words: tuple[str, ...], incident: Incident) -> str:
    people = who(directory, words, service=incident.service)
    names = ", ".join(words) or "nobody"
    if not people:
        return f"{names}: means no active person"
    if all(person.id == incident.acknowledged_by for person in people):
        return f"{names}: has it already"
    return f"{names}: {', '.join(person.id for person in people)} has no enabled contact method"


def gap_of(incident: Incident, world: World, words: tuple[str, ...], now: datetime) -> f.CoverageGap | None:
    """The words of those whom the guide wants told of an incident that mean nobody who can be."""
    reasons = {word: _why_untold(world.directory, word, incident) for word in words}
    names = tuple(word for word, why in reasons.items() if why)
    return (
        f.CoverageGap(at=now, level=0, who=names, because="; ".join(reasons[each] for each in names)) if names else None
    )


def _of_the_matrix(incident: Incident, world: World, words: tuple[str, ...], now: datetime) -> f.CoverageGap | None:
    """As `gap_of`, where the notification matrix is the ladder: whom it names beside those who are paged."""
    if _scheme(world.policy, incident).levels:
        return None
    return gap_of(incident, world, tuple(word for word in words if word.casefold() not in (*ALL_ROLES, OWNER)), now)


def _why_untold(directory: Directory, word: str, incident: Incident) -> str:
    people = who(directory, (word,), service=incident.service)
    if not people:
        return f"{word}: means no active person, tell them yourself or bind it to somebody"
    return "" if any(map(reachable, people)) else _why_nobody(directory, (word,), incident)


def _until(policy: Policy, incident: Incident) -> Literal["acknowledged", "resolved"]:
    scheme = _scheme(policy, incident)
    if unhurried(policy, scheme, incident.severity):
        return "acknowledged"
    repeated = any(row.severity == incident.severity for row in scheme.while_unresolved)
    return "resolved" if repeated else scheme.until if _timed(policy, incident) else "acknowledged"


def _timed(policy: Policy, incident: Incident) -> bool:
    """Whether the guide gives the severity a time to answer in, beside intervals."""
    severity = severity_of(policy, incident.severity)
    limits = (severity.respond_within if severity else None, *(each.within for each in ladder(policy, incident)))
    return any(each and each.qualitative is None and each.milestone is None for each in limits)


def _scheme(policy: Policy, incident: Incident) -> Escalation:
    return policy.escalations.get(incident.escalation or "", policy.escalation)
