"""Whom to call: everybody that the guide prints with a number or an address, and what makes them due at a severity."""

from __future__ import annotations

import msgspec

from tocsin.core.policy import Contact, Deadline, Policy, Source
from tocsin.core.spans import show_deadline

_NOTHING = frozenset({"", "n/a", "none", "-", "tbd"})
_ALL = frozenset({"all", "all roles", "everyone", "everybody", "all hands"})


class Callee(msgspec.Struct, frozen=True, kw_only=True):
    """`because`: what the guide says of them for this severity; empty where it only prints them.

    `kind` is vendor for parties outside; `phone` and `email` are as the guide prints them, which may be placeholders.
    """

    name: str
    kind: str
    role: str
    service: str
    phone: str
    email: str
    support_level: str
    text: str
    because: tuple[str, ...]
    line: int | None


def callees(policy: Policy, severity: str) -> tuple[Callee, ...]:
    """Those that this severity makes due come first, then vendors, then everybody else; in the guide's order.

    Whoever the guide wants told or brought in and prints no contact for stands there too, without a number; a level of
    the ladder does not, since Tocsin pages it.
    """
    told, levels = _told(policy, severity), _levels(policy, severity)
    due = [*told, *levels]
    printed = _printed(policy)
    people = [_callee(each, tuple(why for who, why, _ in due if _is(each, who))) for each in printed]
    unnamed = [
        Callee(
            name=who,
            kind="other",
            role="",
            service="",
            phone="",
            email="",
            support_level="",
            text="",
            because=tuple(dict.fromkeys(why for other, why, _ in due if other == who)),
            line=line,
        )
        for who, line in {who: source.line if source else None for who, _, source in reversed(told)}.items()
        if not any(_is(each, who) for each in printed)
    ]
    unnamed.reverse()
    return tuple(sorted((*people, *unnamed), key=lambda each: (not each.because, each.kind != "vendor")))


def _told(policy: Policy, severity: str) -> list[tuple[str, str, Source | None]]:
    """Who is to be told or brought in at this severity, why in words, and where the guide says so."""
    rows = [row for row in policy.escalation.notify if row.severity.casefold() == severity.casefold()]
    found = [(who, f"to be told of {row.severity}{_within(row.within)}", row.source) for row in rows for who in row.who]
    return found + [
        (party.who, party.condition or "to be brought in", party.source) for party in policy.escalation.external
    ]


def _levels(policy: Policy, severity: str) -> list[tuple[str, str, Source | None]]:
    """Who stands on the levels of the ladder that this severity climbs."""
    return [
        (who, f"level {level.level}", level.source)
        for level in policy.escalation.levels
        if not level.severities or severity in level.severities
        for who in level.who
    ]


def _within(limit: Deadline | None) -> str:
    said = (limit.text or show_deadline(limit)) if limit else None
    return f", {said}" if said else ""


def _printed(policy: Policy) -> list[Contact]:
    """Every contact of the guide once: those of its tables, then those that stand only beside a role."""
    found: dict[tuple[str, ...], Contact] = {}
    for each in policy.contacts:
        found.setdefault(_key(each), each)
    for role in policy.roles:
        for each in role.contacts:
            named = each if each.role else msgspec.structs.replace(each, role=role.name)
            found.setdefault(_key(named), named)
    return list(found.values())


def _key(contact: Contact) -> tuple[str, ...]:
    who = contact.name or contact.organisation or contact.email or contact.phone or contact.text
    return (who.casefold(), contact.role.casefold(), contact.service.casefold(), contact.phone, contact.email)


def _callee(contact: Contact, because: tuple[str, ...]) -> Callee:
    name = contact.name or contact.organisation
    return Callee(
        name=name or contact.role or contact.text,
        kind=contact.kind,
        role=contact.role,
        service=contact.service,
        phone=_said(contact.phone),
        email=_said(contact.email),
        support_level=contact.support_level,
        text="" if name or contact.role else contact.text,
        because=tuple(dict.fromkeys(because)),
        line=contact.source.line if contact.source else None,
    )


def _said(text: str) -> str:
    return "" if text.strip().casefold() in _NOTHING else text


def _is(contact: Contact, who: str) -> bool:
    """Whether a guide's word for somebody means this contact: its role, its name or its organisation."""
    said = who.casefold().strip()
    if said in _ALL:
        return bool(contact.role)
    names = [each.casefold().strip() for each in (contact.role, contact.name, contact.organisation) if each.strip()]
    return bool(said) and any(said == name or said in name.split("/") for name in names)
