"""People, teams and services: who can be reached, how, and who owns what. Live, unlike the policy."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal

import msgspec

from tocsin.core.schedule import Schedule, named_in, on_call

QUIET = r"^(([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9])?$"
_ENDPOINT = re.compile(r'"endpoint"\s*:\s*"((https?://[^/"?#@\\]+)[^"\\]*)"')
Unverified = Literal["use", "fallback", "never"]

MethodKind = Literal[
    "email",
    "webhook",
    "ntfy",
    "console",
    "apprise",
    "slack",
    "teams",
    "mattermost",
    "discord",
    "rocketchat",
    "telegram",
    "sms",
    "voice",
    "webpush",
]


class Method(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One way to reach a person; `after_seconds` is how long the ones before it are given first.

    `address`: a mail address, an URL (webhook, ntfy topic, Apprise, chat webhooks), an id of Slack or Telegram (of a
    person or a channel), a telephone number (sms, voice), a browser's subscription as JSON (webpush, core/push.py), or
    a name printed on the console.
    """

    kind: MethodKind
    address: str
    after_seconds: int = 0
    enabled: bool = True
    verified_at: datetime | None = None  # Tocsin's own word, whatever is written here
    held: bool = False  # not used, because it is unverified and the installation says so; Tocsin's own word too


ADDRESS_MAX = 4_000  # characters: a browser's subscription takes some hundred
AFTER_SECONDS_MAX = 604_800  # a week: whoever is told later than that is not told
_MAIL = re.compile(r"[^\s@:/]+@[^\s@/]+")
_PHONE = re.compile(r"\+[0-9][0-9 ().-]{4,30}")
_URL = re.compile(r"https?://[^\s/]+\S*")
_WRITTEN: dict[str, tuple[re.Pattern[str], str]] = {
    "email": (_MAIL, "a mail address"),
    "sms": (_PHONE, "a telephone number that begins with +"),
    "voice": (_PHONE, "a telephone number that begins with +"),
    **dict.fromkeys(("webhook", "teams", "mattermost", "discord", "rocketchat"), (_URL, "an http or https URL")),
}


def flaw_of(method: Method) -> str | None:
    """`field: expected ..., got ...` where what is written can reach nobody; else None."""
    if not 0 <= method.after_seconds <= AFTER_SECONDS_MAX:
        return f"after_seconds: expected 0 to {AFTER_SECONDS_MAX}, got {method.after_seconds}"
    if len(method.address) > ADDRESS_MAX:
        return f"address: expected at most {ADDRESS_MAX} characters, got {len(method.address)}"
    if method.kind == "console":
        return None
    pattern, expected = _WRITTEN.get(method.kind, (None, f"an address for {method.kind}"))
    if method.address.strip() and (pattern is None or pattern.fullmatch(method.address)):
        return None
    return f"address: expected {expected}, got {method.address[:80]!r}"


class NotificationRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """After so long, by `method`: a kind such as `email`, or `kind:address` for one of several."""

    after_seconds: Annotated[int, msgspec.Meta(ge=0, le=AFTER_SECONDS_MAX)] = 0
    method: Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]


class NotificationRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Without any, every method is used after its own time. `low` empty: as for high urgency."""

    high: Annotated[tuple[NotificationRule, ...], msgspec.Meta(max_length=50)] = ()
    low: Annotated[tuple[NotificationRule, ...], msgspec.Meta(max_length=50)] = ()


class Person(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: str
    name: str = ""
    methods: tuple[Method, ...] = ()
    roles: tuple[str, ...] = ()  # roles of a guide this person fills, in the guide's words
    zone: str = "UTC"
    active: bool = True
    rules: NotificationRules = NotificationRules()
    quiet_hours: Annotated[str, msgspec.Meta(pattern=QUIET)] = ""  # such as 22:00-07:00, in `zone`, for low urgency


class Team(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: str
    name: str = ""
    members: tuple[str, ...] = ()
    lead: str | None = None


class Service(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: str
    name: str = ""
    owner: str | None = None  # a team or a person
    tier: int | None = None
    depends_on: tuple[str, ...] = ()
    components: tuple[str, ...] = ()


class Directory(msgspec.Struct, frozen=True, kw_only=True):
    """Everybody at one instant. `bindings`: a guide's words for somebody -> people, teams; `last_resort`: people.

    `at`: when the question who is on call is asked; without it, a schedule means everybody who ever has a turn.
    """

    people: dict[str, Person] = {}
    teams: dict[str, Team] = {}
    services: dict[str, Service] = {}
    bindings: dict[str, tuple[str, ...]] = {}
    last_resort: tuple[str, ...] = ()
    schedules: dict[str, Schedule] = {}
    low_urgency: tuple[str, ...] = ()  # severities whose pages may wait for the end of quiet hours
    unverified: Unverified = "fallback"
    at: datetime | None = None


def who(directory: Directory, words: tuple[str, ...], *, service: str | None = None) -> tuple[Person, ...]:
    """The active people that `words` mean, in order, each once; unknown words mean nobody.

    A word is, in this order: a binding, a person, a team, a schedule (whoever is on call at the directory's instant), a
    role somebody fills (all in any letter case, and also with the prefixes `person:`, `team:`, `schedule:`, `role:`),
    or `owner`, the team or person that owns `service`.
    """
    found: dict[str, Person] = {}
    for word in words:
        for person in _meaning(directory, word, service, seen=frozenset()):
            if person.active:
                found.setdefault(person.id, person)
    return tuple(found.values())


def person_named(directory: Directory, name: str) -> Person | None:
    """The person with this id, else with this name, in any letter case."""
    folded = name.strip().removeprefix("person:").casefold()
    people = directory.people.values()
    by_id = next((each for each in people if each.id.casefold() == folded), None)
    return by_id or next((each for each in people if each.name.casefold() == folded), None)


def contact(directory: Directory, said: str) -> str | None:
    """The id of the person with this id, name or mail address."""
    found = person_named(directory, said)
    if found is None and "@" in said:
        address = said.strip().casefold()
        mails = {
            method.address.casefold(): each
            for each in directory.people.values()
            for method in each.methods
            if method.kind == "email"
        }
        found = mails.get(address)
    return found.id if found else None


def shown_address(kind: str, address: str) -> str:
    """The address as people may see it: of an URL only scheme and host, because the rest is often a secret."""
    if kind == "webpush":
        return _shown_device(address)
    scheme, found, rest = address.partition("://")
    if kind == "apprise":  # what stands where a host would may be a key; the digest tells two of them apart
        named = hashlib.sha256(address.encode("utf-8", "replace")).hexdigest()[:8]
        return f"{scheme}://…{named}" if found else f"…{named}"
    if kind == "email" or not found:
        return address
    host = rest.partition("/")[0].partition("?")[0].rpartition("@")[2]
    return f"{scheme}://{host}/…"


SECRET_ADDRESSES = ("apprise", "teams", "mattermost", "discord", "rocketchat", "webpush")
"""Kinds whose address is itself the permission to send; nobody is shown it again."""


def told_address(kind: str, address: str, *, manages: bool) -> str:
    """The address as the API says it: to whoever manages, webhooks and topics too, but never a password."""
    scheme, found, rest = address.partition("://")
    if not manages or kind in SECRET_ADDRESSES or not found:
        return shown_address(kind, address)
    authority, slash, path = rest.partition("/")
    info, at, host = authority.rpartition("@")
    path, query, _ = path.partition("?")
    return f"{scheme}://{info.partition(':')[0] + ':…@' if at else ''}{host}{slash}{path}{'?…' if query else ''}"


def told_methods(methods: tuple[Method, ...], *, manages: bool) -> tuple[Method, ...]:
    return tuple(
        msgspec.structs.replace(each, address=told_address(each.kind, each.address, manages=manages))
        for each in methods
    )


def restored_methods(methods: tuple[Method, ...], before: tuple[Method, ...]) -> tuple[Method, ...]:
    """The methods, where an address that is only shown stands for the stored one it was shown for, in their order."""
    left = list(before)
    found = []
    for each in methods:
        same = next((one for one in left if one.kind == each.kind and _stands_for(each.address, one)), None)
        if same is not None:
            left.remove(same)
            each = msgspec.structs.replace(each, address=same.address)
        found.append(each)
    return tuple(found)


def _stands_for(address: str, method: Method) -> bool:
    return address == method.address or address in {
        told_address(method.kind, method.address, manages=manages) for manages in (True, False)
    }


def _shown_device(address: str) -> str:
    """The push service, and a digest of the endpoint that tells two devices apart; of the keys nothing."""
    found = _ENDPOINT.search(address)
    if found is None:
        return "a device"
    return f"{found[2]}/…{hashlib.sha256(found[1].encode('utf-8', 'replace')).hexdigest()[:8]}"


def destination(kind: str, address: str) -> str:
    """Who would be slow, and who is paced: the server of a URL, else the whole channel."""
    _, found, rest = address.partition("://")
    host = re.split(r"[/?#\\]", rest, maxsplit=1)[0].rpartition("@")[2].casefold() if found else ""
    if host.startswith("[") and "]" not in host:  # no URL at all
        host = ""
    return f"{kind} {host}".rstrip()


def reachable(person: Person) -> bool:
    """Whether at least one method may be used."""
    return bool(usable(person))


def usable(person: Person) -> tuple[Method, ...]:
    """The methods that are enabled and not held back."""
    return tuple(each for each in person.methods if each.enabled and not each.held)


def circle_from(bindings: Mapping[str, tuple[str, ...]], name: str) -> tuple[str, ...]:
    """The bindings that lead from this one back to it, itself first and last; () where it leads to no circle."""
    known = {each.strip().casefold(): each for each in bindings}
    start = name.strip().casefold()
    seen: set[str] = set()
    open_ways: list[tuple[str, ...]] = [(start,)]
    while open_ways:
        way = open_ways.pop()
        for means in bindings[known[way[-1]]]:
            folded = means.strip().casefold()
            if folded == start:
                return (*(known[each] for each in way), known[start])
            if folded in known and folded not in seen:
                seen.add(folded)
                open_ways.append((*way, folded))
    return ()


def _meaning(directory: Directory, word: str, service: str | None, *, seen: frozenset[str]) -> list[Person]:
    folded = word.strip().casefold()
    if folded in seen:  # a binding that leads back to itself means nobody
        return []
    seen |= {folded}
    if folded == "owner":
        owned = directory.services.get(service) if service else None
        return _meaning(directory, owned.owner, service, seen=seen) if owned and owned.owner else []
    for name, means in directory.bindings.items():
        if name.casefold() == folded:
            return [person for each in means for person in _meaning(directory, each, service, seen=seen)]
    kind, _, rest = folded.partition(":")
    only = kind if rest and kind in ("person", "team", "schedule", "role") else ""
    name = rest.strip() if only else folded
    if only in ("", "person"):
        people = [each for each in directory.people.values() if name in (each.id.casefold(), each.name.casefold())]
        if people:
            return people
    if only in ("", "team"):
        for team in directory.teams.values():
            if name in (team.id.casefold(), team.name.casefold()):
                members = [member for member in (team.lead, *team.members) if member]
                return [directory.people[member] for member in members if member in directory.people]
    if only in ("", "schedule"):
        for key, schedule in directory.schedules.items():
            if name in (key.casefold(), schedule.name.casefold()):
                return _on_call(directory, schedule, service)
    return [each for each in directory.people.values() if name in [role.casefold() for role in each.roles]]


def _on_call(directory: Directory, schedule: Schedule, service: str | None) -> list[Person]:
    names = named_in(schedule) if directory.at is None else on_call(schedule, directory.at)
    people = (_meaning(directory, f"person:{name}", service, seen=frozenset()) for name in names)
    return [person for found in people for person in found]
