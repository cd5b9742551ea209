"""What takes two persons is not done by one: whoever asks is told that it waits, and it is written down."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from tocsin.core import commands as c, released
from tocsin.core.access import Action, Actor, may
from tocsin.core.incident import Refused
from tocsin.core.released import Approval
from tocsin.http.deps import Deps
from tocsin.http.gate import Incoming, deps_of
from tocsin.ports import Store

APPROVAL = "approval"  # kind of document: its id -> what waits, or was approved and is not done yet
APPROVALS_MAX = 200  # of everybody; whoever floods the list hides what is in it


@contextmanager
def two_persons(
    deps: Deps, store: Store, actor: Actor, action: Action, subject: str, *, stream: str = ""
) -> Iterator[None]:
    """What is inside is done once for an approval, which is used up unless it fails. Writer thread only.

    Raises Refused where it waits for somebody else, or begins to.
    """
    if action not in deps.access.two_persons:
        yield
        return
    now, known = store.now(), every(store, deps.tenant)
    asked = released.of(known, actor.id, action, subject, now)
    if asked is None:
        asked = _ask(deps, store, known, actor, action, subject, stream)
    if asked.approved_by is None:
        raise Refused(
            f"cannot do it alone: {action} takes two persons, and request {asked.id} waits until somebody else"
            f" approves it, at most until {asked.until:%Y-%m-%d %H:%M} UTC"
        )
    yield
    store.delete(deps.tenant, APPROVAL, asked.id)


async def asked(request: Incoming, action: Action, subject: str, stream: str) -> None:
    """The same for what is done elsewhere than on the writer thread: an approval is used up before it is."""
    deps = deps_of(request)

    def used(store: Store) -> None:
        with two_persons(deps, store, request.user, action, subject, stream=stream):
            pass

    await deps.run(used)


@contextmanager
def commanding(deps: Deps, store: Store, actor: Actor, stream: str, command: c.Command) -> Iterator[None]:
    """The rule for commands of an incident, beside what its policy says: merging is decided on two incidents, so no
    policy names it, and a program is nobody's second person."""
    if isinstance(command, c.Approve) and actor.kind != "person":
        raise Refused(f"cannot approve: {actor.id} is a program, a second person approves")
    if isinstance(command, c.Merge):
        with two_persons(deps, store, actor, "incident.merge", f"merge {stream} into {command.into}", stream=stream):
            yield
    else:
        yield


def every(store: Store, tenant: str) -> list[Approval]:
    return [msgspec.json.decode(body, type=Approval) for _, body in store.items(tenant, APPROVAL)]


def waiting(store: Store, tenant: str, actor: Actor) -> list[Approval]:
    """What has not lapsed and is their own or what they may do too, of incidents that they see; newest first."""
    now = store.now()
    shown = [
        each
        for each in every(store, tenant)
        if each.until > now
        and (each.by == actor.id or may(actor, each.action))
        and (not each.stream or store.index(tenant, each.stream) is not None)
    ]
    return sorted(shown, key=lambda each: each.asked_at, reverse=True)


def _ask(
    deps: Deps, store: Store, known: list[Approval], actor: Actor, action: Action, subject: str, stream: str
) -> Approval:
    now = store.now()
    for each in known:
        if each.until <= now:
            store.delete(deps.tenant, APPROVAL, each.id)
    if sum(1 for each in known if each.until > now) >= APPROVALS_MAX:
        raise Refused(f"cannot ask for it: {APPROVALS_MAX} requests wait already")
    asked = Approval(
        id=secrets.token_hex(4),
        action=action,
        subject=subject,
        by=actor.id,
        asked_at=now,
        until=now + deps.access.approval,
        stream=stream,
    )
    keep(store, deps.tenant, asked)
    return asked


def keep(store: Store, tenant: str, asked: Approval) -> None:
    store.put(tenant, APPROVAL, asked.id, msgspec.json.encode(asked))
