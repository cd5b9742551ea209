"""People whom a guide prints, and who of them the directory knows. A guide pages nobody whom the directory does not."""

from __future__ import annotations

import re
from collections.abc import Collection

import msgspec

from tocsin.core.people import Directory, Person, who
from tocsin.core.policy import Contact, Policy
from tocsin.core.texts import one_line, shortened

ADDRESS = "ADDRESS"  # stands where the guide prints no address that mail could go to
NAME_MAX = 200
_MAIL = re.compile(r"[^\s@,;<>]+@[^\s@,;<>]+\.[^\s@,;<>]+")
_NO_WORD = re.compile(r"[\W_]+")


class Introduction(msgspec.Struct, frozen=True, kw_only=True):
    """`person`: who they are in the directory, null if nobody. `run`: the words of a command that makes them known, or
    says that the guide's word for them means them; empty where nothing is missing."""

    name: str
    role: str
    email: str
    phone: str
    person: str | None
    run: tuple[str, ...]
    line: int | None


def introductions(policy: Policy, directory: Directory) -> tuple[Introduction, ...]:
    """Every contact of the guide that is no vendor, in its order."""
    taken = {each.casefold() for each in directory.people}
    found = []
    for each in policy.contacts:
        name = _plain(each.name or each.role)
        if each.kind == "vendor" or not name:
            continue
        mail = _MAIL.fullmatch(each.email.strip())
        known = _known(directory, name, mail[0] if mail else "")
        run = _bound(directory, known, each) if known else _added(each, name, mail[0] if mail else ADDRESS, taken)
        if not known:
            taken.add(run[3])
        found.append(
            Introduction(
                name=name,
                role=_plain(each.role),
                email=each.email,
                phone=each.phone,
                person=known.id if known else None,
                run=run,
                line=each.source.line if each.source else None,
            )
        )
    return tuple(found)


def _plain(text: str) -> str:
    return shortened(" ".join(one_line(text).split()), NAME_MAX)


def _known(directory: Directory, name: str, mail: str) -> Person | None:
    """By name or id, else by mail address; a shared address is the first one's who has it."""
    wanted, address = name.casefold(), mail.casefold()
    people = directory.people.values()
    by_name = next((each for each in people if wanted in (each.name.casefold(), each.id.casefold())), None)
    return by_name or next(
        (each for each in people if address and address in (way.address.casefold() for way in each.methods)), None
    )


def _bound(directory: Directory, person: Person, contact: Contact) -> tuple[str, ...]:
    role = _plain(contact.role)
    if not role or who(directory, (role,)):
        return ()
    return ("tocsin", "binding", "add", role, person.id)


def _added(contact: Contact, name: str, mail: str, taken: Collection[str]) -> tuple[str, ...]:
    plain = _NO_WORD.sub("-", name.casefold()).strip("-")[:60] or "somebody"
    id_, n = plain, 2
    while id_ in taken:
        id_, n = f"{plain}-{n}", n + 1
    role = _plain(contact.role)
    return ("tocsin", "person", "add", id_, "--name", name, *(("--role", role) if role else ()), "--reach", mail)
