"""Who would not be reached: everything a guide relies on that means nobody, found before it matters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import msgspec

from tocsin.core.audiences import PUBLIC, Audience, meant
from tocsin.core.people import Directory, Person, reachable, who
from tocsin.core.policy import Cadence, Communication, Escalation, Policy, Source

CROWD = 100  # people with two methods each: core.escalation.PAGES_BYTES_MAX and some room
OWNER = "owner"  # means somebody only once an incident has a service


Level = Literal["error", "warning", "note"]  # a note is worth knowing, and nobody is missed for it
Check = Literal[
    "level", "notify", "role", "last resort", "binding", "person", "team", "service", "schedule", "contact", "channel",
    "audience",
]  # fmt: skip


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """Something that would keep a page from somebody. `level`: an error pages nobody, a warning too few.

    `check` names what was looked at; `line` is the guide's, 0 where it comes from no guide.
    """

    check: Check
    level: Level
    text: str
    guide: str = ""
    line: int = 0


def gaps(guides: Sequence[tuple[str, Policy]], directory: Directory) -> list[Gap]:
    """Errors first, then in the order of the guides; empty when everybody a guide names can be reached."""
    found = [gap for name, policy in guides for gap in _guide(name, policy, directory)]
    found += _directory(directory)
    return sorted(found, key=lambda each: each.level != "error")


def unheard(guides: Sequence[tuple[str, Policy]], known: Mapping[str, Audience]) -> list[Gap]:
    """Whom a guide owes news that would reach nobody: words that no audience goes by, audiences without a channel."""
    return [gap for name, policy in guides for gap in _untold(name, policy, known)]


def _untold(name: str, policy: Policy, known: Mapping[str, Audience]) -> Iterator[Gap]:
    owed: dict[str, tuple[int, list[str]]] = {}
    duties = [each for each in policy.communications if each.within]
    news: list[Cadence | Communication] = [*policy.cadences, *duties]
    for each in news:
        line, ways = owed.setdefault(each.audience, (_line(each.source), []))
        ways += [way for way in each.channels if way not in ways]
    for words, (line, ways) in owed.items():
        wanted = f" (the guide says: {', '.join(ways)})" if ways else ""
        means = meant(words, known)
        if not means:
            text = f"{words} are owed news and no audience goes by that name: `tocsin audience set NAME --word ...`"
            yield Gap(check="audience", level="warning", text=text + wanted, guide=name, line=line)
        for audience in means:
            if audience != PUBLIC and not known[audience].channels:
                called = words if words.casefold() == audience else f"{words} ({audience})"
                text = f"{called} are owed news and have no channel: `tocsin audience set {audience} --channel ...`"
                yield Gap(check="audience", level="warning", text=text + wanted, guide=name, line=line)


def _guide(name: str, policy: Policy, directory: Directory) -> Iterator[Gap]:
    for scheme_name, scheme in (("", policy.escalation), *policy.escalations.items()):
        yield from _levels(name, scheme_name, scheme, directory)
        for row in scheme.notify:
            for word in row.who:
                why = _why_nobody(directory, word)
                if why:
                    text = f"{row.severity} tells {word}: {why}"
                    yield Gap(check="notify", level="warning", text=text, guide=name, line=_line(row.source))
    for role in policy.roles:
        why = _why_nobody(directory, role.name)
        if why:
            text = f"role {role.name}: {why}"
            yield Gap(check="role", level="warning", text=text, guide=name, line=_line(role.source))
    if not any(reachable(each) for each in who(directory, policy.paging.last_resort or directory.last_resort)):
        everybody = any(each.active and reachable(each) for each in directory.people.values())
        then = "everybody would be paged" if everybody else "nobody would be paged"
        named = "nobody who can be reached" if policy.paging.last_resort or directory.last_resort else "nobody"
        text = f"the last resort is {named}: when no level answers, {then}"
        yield Gap(check="last resort", level="warning" if everybody else "error", text=text, guide=name)


def _levels(guide: str, scheme: str, escalation: Escalation, directory: Directory) -> Iterator[Gap]:
    for level in escalation.levels:
        where = f"level {level.level}" + (f" of {scheme}" if scheme else "")
        crowd = sum(reachable(each) for each in who(directory, level.who))
        if crowd > CROWD:
            text = f"{where} pages {crowd} people: a page goes to as many as fit into one fact, about {CROWD}"
            yield Gap(check="level", level="warning", text=text, guide=guide, line=_line(level.source))
        silent = {word: _why_nobody(directory, word) for word in level.who}
        missing = [f"{word}: {why}" for word, why in silent.items() if why]
        if not missing:
            continue
        nobody = all(silent.values())
        yield Gap(
            check="level",
            level="error" if nobody else "warning",
            text=f"{where} {'pages nobody' if nobody else 'pages too few'}; {'; '.join(missing)}",
            guide=guide,
            line=_line(level.source),
        )


def _why_nobody(directory: Directory, word: str) -> str:
    """Why this word reaches nobody; "" when it does, or when only an incident's service says who owns it."""
    if word.strip().casefold() == OWNER:
        return ""
    people = who(directory, (word,))
    if not people:
        return "means no active person"
    if not any(reachable(person) for person in people):
        return f"{', '.join(person.id for person in people)} has no enabled contact method"
    return ""


def _directory(directory: Directory) -> Iterator[Gap]:
    for word, means in directory.bindings.items():
        nobody = [each for each in means if not who(directory, (each,))]
        if nobody:
            level: Literal["error", "warning"] = "error" if len(nobody) == len(means) else "warning"
            yield Gap(check="binding", level=level, text=f"{word} is bound to {', '.join(nobody)}: no active person")
        elif not means:
            yield Gap(check="binding", level="error", text=f"{word} is bound to nobody")
    for person in directory.people.values():
        yield from _person(person)
    for team in directory.teams.values():
        if not who(directory, (f"team:{team.id}",)):
            yield Gap(check="team", level="warning", text=f"team {team.id} has no active member")
    for service in directory.services.values():
        if not service.owner:
            yield Gap(check="service", level="warning", text=f"service {service.id} has no owner")
        elif not any(reachable(each) for each in who(directory, (OWNER,), service=service.id)):
            text = f"service {service.id}: its owner {service.owner} cannot be reached"
            yield Gap(check="service", level="warning", text=text)


def _person(person: Person) -> Iterator[Gap]:
    if not person.active:
        return
    if not person.methods:
        yield Gap(check="person", level="warning", text=f"{person.id} has no contact method")
    elif not reachable(person):
        yield Gap(check="person", level="warning", text=f"{person.id}: every contact method is disabled")


def _line(source: Source | None) -> int:
    return source.line if source else 0
