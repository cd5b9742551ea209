"""What is known of a person's contact methods: verified by a six-digit code, tested every week (pure).

A code is good for 15 minutes and five tries; a new one a minute later at the earliest. Only its hash is kept.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from tocsin.core.people import Method, Person, Unverified

CODE_LASTS = timedelta(minutes=15)
CODE_AGAIN = timedelta(minutes=1)
TRIES_MAX = 5
TESTED_STALE = timedelta(days=30)  # a weekly test that has not been made for so long is a finding


class Pending(msgspec.Struct, frozen=True, kw_only=True):
    code_sha256: str
    sent_at: datetime
    tries: int = 0


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """One method, named by kind and address. `tested_ok` None: never tested."""

    kind: str
    address: str
    seen_at: datetime
    verified_at: datetime | None = None
    pending: Pending | None = None
    tested_at: datetime | None = None
    tested_ok: bool | None = None
    tested_detail: str = ""


class Contacts(msgspec.Struct, frozen=True, kw_only=True):
    methods: tuple[Known, ...] = ()

    def of(self, method: Method) -> Known | None:
        return next((each for each in self.methods if (each.kind, each.address) == (method.kind, method.address)), None)


class Wrong(ValueError):
    """The code is not accepted; the text says why, and what to do."""


def seen(contacts: Contacts, person: Person, now: datetime) -> Contacts:
    """Exactly the person's methods are known; an address that changed is a new method and verified anew."""
    kept = tuple(
        contacts.of(each) or Known(kind=each.kind, address=each.address, seen_at=now) for each in person.methods
    )
    return Contacts(methods=kept)


def asked(contacts: Contacts, method: Method, code_sha256: str, now: datetime) -> Contacts:
    """A code is on its way. Raises Wrong for one too soon after the last."""
    known = _known(contacts, method)
    if known.pending is not None and now < known.pending.sent_at + CODE_AGAIN:
        raise Wrong("code: one was sent less than a minute ago; wait for it, or ask again in a minute")
    return _with(contacts, msgspec.structs.replace(known, pending=Pending(code_sha256=code_sha256, sent_at=now)))


def tried(contacts: Contacts, method: Method, code_sha256: str, now: datetime) -> tuple[Contacts, str]:
    """The code was right and the method is verified, or one try fewer is left; what was wrong with it, else ""."""
    known = _known(contacts, method)
    pending = known.pending
    if pending is None or now >= pending.sent_at + CODE_LASTS:
        return contacts, f"code: none is waiting for {method.kind}, or it is older than 15 minutes; ask for a new one"
    if pending.tries >= TRIES_MAX:
        return contacts, f"code: {TRIES_MAX} wrong tries; ask for a new one"
    if pending.code_sha256 == code_sha256:
        return _with(contacts, msgspec.structs.replace(known, verified_at=now, pending=None)), ""
    left = TRIES_MAX - pending.tries - 1
    again = msgspec.structs.replace(pending, tries=pending.tries + 1)
    return _with(contacts, msgspec.structs.replace(known, pending=again)), f"code: it is another one; {left} tries left"


def proven(contacts: Contacts, method: Method, now: datetime) -> Contacts:
    """The method is verified without a code: its owner made it while they were signed in on it."""
    known = _known(contacts, method)
    return _with(contacts, msgspec.structs.replace(known, verified_at=known.verified_at or now, pending=None))


def noted_test(contacts: Contacts, method: Method, now: datetime, detail: str, *, ok: bool) -> Contacts:
    known = _known(contacts, method)
    return _with(
        contacts, msgspec.structs.replace(known, tested_at=now, tested_ok=ok, tested_detail=detail if not ok else "")
    )


def due_for_test(known: Known | None, now: datetime, every: timedelta) -> bool:
    """Whether the recurring test is due: that long after the last one, or after the method was first seen."""
    return known is not None and now >= (known.tested_at or known.seen_at) + every


def judged(person: Person, contacts: Contacts, unverified: Unverified) -> Person:
    """The person with what is known of each method, and with unverified ones held back as the installation says."""
    known = [(each, contacts.of(each)) for each in person.methods]
    verified = any(each.enabled and found and found.verified_at for each, found in known)
    hold = unverified == "never" or (unverified == "fallback" and verified)
    return msgspec.structs.replace(
        person,
        methods=tuple(
            msgspec.structs.replace(
                each,
                verified_at=found.verified_at if found else None,
                held=hold and not (found and found.verified_at),
            )
            for each, found in known
        ),
    )


def plain(person: Person) -> Person:
    """The person as they may be written: what is known of a method is said by nobody from outside."""
    methods = tuple(msgspec.structs.replace(each, verified_at=None, held=False) for each in person.methods)
    return msgspec.structs.replace(person, methods=methods)


def _known(contacts: Contacts, method: Method) -> Known:
    found = contacts.of(method)
    assert found is not None, "seen() comes first"
    return found


def _with(contacts: Contacts, known: Known) -> Contacts:
    return Contacts(
        methods=tuple(
            known if (each.kind, each.address) == (known.kind, known.address) else each for each in contacts.methods
        )
    )
