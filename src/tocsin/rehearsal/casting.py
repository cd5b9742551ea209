"""Who plays in a rehearsal: the people of the installation, and stand-ins for words of the guide that mean nobody."""

from __future__ import annotations

import msgspec

from tocsin.core.escalation import roster
from tocsin.core.people import Directory, Method, Person, Service, reachable, who
from tocsin.core.policy import Escalation, Policy

OWNER = "owner"
SERVICE = "the affected service"
STAND_IN_OWNER = "owner of the service"
LAST_RESORT = "last resort"


class Cast(msgspec.Struct, frozen=True, kw_only=True):
    """`unbound`: the guide's words that mean nobody. With stand-ins they are paged as if they were people."""

    directory: Directory
    unbound: tuple[str, ...] = ()
    stand_ins: frozenset[str] = frozenset()
    service: str | None = None


def cast(policy: Policy, directory: Directory, *, service: str | None = None, stand_ins: bool = True) -> Cast:
    """Everybody the policy can page. Without stand-ins a word that means nobody is a gap, as it would be at night."""
    unbound = tuple(word for word in _words(policy) if word.casefold() != OWNER and not who(directory, (word,)))
    if not stand_ins:
        return Cast(directory=directory, unbound=unbound, service=service)
    people, bindings, services = dict(directory.people), dict(directory.bindings), dict(directory.services)
    extra = list(unbound)
    resort = directory.last_resort
    if not any(reachable(each) for each in who(directory, policy.paging.last_resort or resort)):
        extra.append(LAST_RESORT)
        resort = (LAST_RESORT,)
    service = service or SERVICE
    owned = services.get(service) or Service(id=service)
    if owned.owner is None:
        services[service] = msgspec.structs.replace(owned, owner=STAND_IN_OWNER)
        extra.append(STAND_IN_OWNER)
    for word in extra:
        people[word] = Person(id=word, methods=(Method(kind="console", address=word),))
        bindings = {name: means for name, means in bindings.items() if name.casefold() != word.casefold()}
        bindings[word] = (f"person:{word}",)
    return Cast(
        directory=msgspec.structs.replace(
            directory, people=people, services=services, bindings=bindings, last_resort=resort
        ),
        unbound=unbound,
        stand_ins=frozenset(extra),
        service=service,
    )


def _words(policy: Policy) -> tuple[str, ...]:
    """Every word for somebody, as first written."""
    said = [level.who for scheme in _schemes(policy) for level in scheme.levels]
    said += [roster(policy, row) for scheme in _schemes(policy) for row in scheme.notify]
    said += [rule.act.who for rule in policy.rules]
    found: dict[str, str] = {}
    for word in (word for words in (*said, policy.paging.last_resort) for word in words):
        found.setdefault(word.casefold(), word)
    return tuple(found.values())


def _schemes(policy: Policy) -> tuple[Escalation, ...]:
    return (policy.escalation, *policy.escalations.values())
