"""Cadences that stand only in a template of a guide, confirmed once for every incident of it.

A confirmation is of what the cadence says (whom, how often, of which severities), not of a version of the guide: a new
version asks again only where that has changed. It is a stored document, so the audit trail says who gave it.
Source: docs/decisions/0217-a-cadence-is-confirmed-once.md
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

import msgspec

from tocsin.core.policy import Cadence, Policy
from tocsin.ports import Store

CONFIRMED = "confirmed-cadences"  # kind of document, by guide


class Confirmation(msgspec.Struct, frozen=True, kw_only=True):
    """`key` names what the cadence says; `said` is that in words, for people."""

    key: str
    said: str
    by: str
    at: datetime


def confirmations(store: Store, tenant: str, guide: str) -> dict[str, Confirmation]:
    """What was confirmed for this guide, by key; also what its version in force does not say any more."""
    body = store.get(tenant, CONFIRMED, guide)
    found = msgspec.json.decode(body, type=tuple[Confirmation, ...]) if body else ()
    return {each.key: each for each in found}


def as_confirmed(store: Store, tenant: str, guide: str, policy: Policy) -> Policy:
    """The policy with every proposed cadence in force that somebody confirmed."""
    if all(each.confirmed for each in policy.cadences):
        return policy
    known = confirmations(store, tenant, guide)
    cadences = tuple(
        msgspec.structs.replace(each, confirmed=True) if key_of(each) in known else each for each in policy.cadences
    )
    return msgspec.structs.replace(policy, cadences=cadences)


def key_of(cadence: Cadence) -> str:
    bare = msgspec.structs.replace(cadence, confirmed=True, source=None)
    return hashlib.sha256(msgspec.json.encode(bare)).hexdigest()


def rule_of(n: int, cadence: Cadence) -> str:
    """What its promises are called: the id of its rule (`core.rulebook`)."""
    return f"update:{cadence.audience}:{n}"


def confirm(store: Store, tenant: str, guide: str, policy: Policy, rules: Sequence[str], by: str) -> Policy:
    """These proposed cadences hold from now on, all of them where none is named. Raises ValueError naming them."""
    proposed = {rule_of(n, each): each for n, each in enumerate(policy.cadences) if not each.confirmed}
    _must_know(rules, proposed, "a cadence that the guide only proposes")
    known = confirmations(store, tenant, guide)
    for name in rules or proposed:
        cadence = proposed[name]
        said = f"{cadence.audience}: {cadence.every.text or cadence.every.seconds}"
        known[key_of(cadence)] = Confirmation(key=key_of(cadence), said=said, by=by, at=store.now())
    store.put(tenant, CONFIRMED, guide, msgspec.json.encode(tuple(known.values())))
    return as_confirmed(store, tenant, guide, policy)


def take_back(store: Store, tenant: str, guide: str, policy: Policy, rules: Sequence[str]) -> Policy:
    """These cadences are only proposed again. Raises ValueError naming those that were confirmed."""
    known = confirmations(store, tenant, guide)
    held = {rule_of(n, each): each for n, each in enumerate(policy.cadences) if key_of(each) in known}
    _must_know(rules, held, "a cadence that was confirmed")
    gone = {key_of(held[name]) for name in rules or held}
    left = tuple(each for key, each in known.items() if key not in gone)
    store.put(tenant, CONFIRMED, guide, msgspec.json.encode(left))
    cadences = tuple(
        msgspec.structs.replace(each, confirmed=False) if key_of(each) in gone else each for each in policy.cadences
    )
    return msgspec.structs.replace(policy, cadences=cadences)


def _must_know(rules: Sequence[str], known: dict[str, Cadence], what: str) -> None:
    wrong = next((name for name in rules if name not in known), None)
    if wrong is not None or not known:
        raise ValueError(f"rules: expected {what} ({', '.join(known) or 'there is none'}), got {wrong or 'nothing'!r}")
