"""A way in for whoever is on call and cannot get in: a link to a contact method that they have verified.

Anybody may ask, and everybody gets the same answer at once; what becomes of it is seen by the person alone.
"""

from __future__ import annotations

import logging
from datetime import datetime

import msgspec

from tocsin.core.lockout import LINK_LASTS
from tocsin.core.people import Method, Person
from tocsin.core.standing_by import stands_by
from tocsin.http import auth
from tocsin.http.deps import Deps
from tocsin.http.gate import Incoming, deps_of
from tocsin.http.signing import NAME_MAX, host_of
from tocsin.identity import accounts
from tocsin.ports import Store
from tocsin.writer import Overloaded

NOT_READ_THERE = frozenset({"console", "voice", "webhook"})  # a link is no use where nobody can open it

log = logging.getLogger(__name__)


def link_key(tenant: str, name: str) -> str:
    return f"link:{tenant}:{name.casefold()}"


def ask_for_link(request: Incoming, name: str) -> None:
    """A link is on its way, if it may be; that is found out after the answer was given."""
    deps, name = deps_of(request), name.strip()[:NAME_MAX]
    if deps.identity.attempts.link_due(link_key(deps.tenant, name), deps.clock.now()):
        deps.identity.later(_send(deps, name, host_of(request)))


async def _send(deps: Deps, name: str, where: str) -> None:
    try:
        found = await deps.run(lambda store: link_for(deps, store, name, deps.clock.now()))
        if found is None:
            log.info("a sign-in link was asked for %r, from %s: not sent", name, where)
            return
        person, methods, link = found
        for method in methods:
            receipt = await deps.trial(person, method, link=(link, where))
            log.info("a sign-in link was asked for %r, from %s: %s: %s", name, where, method.kind, receipt.code)
            if receipt.code == "sent":
                return
    except Overloaded as error:
        log.warning("a sign-in link was asked for %r and not sent: %s", name, error)


def link_for(deps: Deps, store: Store, name: str, now: datetime) -> tuple[Person, list[Method], str] | None:
    """The link, and where it may go: for whoever may be paged now, or is signed in elsewhere. Writer thread only."""
    account = accounts.named(store, deps.tenant, name)
    guides = deps.engine.guides
    directory = msgspec.structs.replace(guides.directory(deps.tenant), at=now)
    person = directory.people.get(account.person) if account else None
    if account is None or person is None:
        return None
    methods = [
        each
        for each in person.methods
        if each.enabled and each.verified_at is not None and each.kind not in NOT_READ_THERE
    ]
    policies = [each.policy for each in guides.active(deps.tenant)]
    on_call = stands_by(person.id, directory, policies)
    if not methods or not (on_call or auth.sessions(store, deps.tenant, now, person.id)):
        return None
    url = auth.sign_in_link(
        store, deps.public_url, person.id, account.role, deps.tenant, via="contact", lasts=LINK_LASTS
    )
    return person, methods, url
