"""What takes two persons is not done by one: whoever asks is told that it waits, and it is written down."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import msgspec

from tocsin.approvers import approvers
from tocsin.core import commands as c, released
from tocsin.core.access import Action, Actor, may
from tocsin.core.facts import TOCSIN, DutyBegun, DutyEnded
from tocsin.core.incident import Refused
from tocsin.core.released import Approval
from tocsin.core.twopersons import TellApprovers
from tocsin.http.deps import Deps
from tocsin.http.gate import Incoming, deps_of
from tocsin.ports import Store
from tocsin.sighted import whole

log = logging.getLogger(__name__)

APPROVAL = "approval"  # kind of document: its id -> what waits, or was approved and is not done yet
DESK = "duty-approvals"  # the stream of notices about what is no incident's
LAPSED_SHOWN = timedelta(days=1)  # how long it is said of a request that nobody approved it in time
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


def waiting(store: Store, tenant: str, actor: Actor, *, lapsed: bool = False) -> list[Approval]:
    """What is their own or what they may do too, of incidents that they see, newest first. `lapsed`: what nobody
    approved in time too, for a while; else only what still waits."""
    now = store.now() - (LAPSED_SHOWN if lapsed else timedelta())
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
        if each.until + LAPSED_SHOWN <= now:
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
    _tell(deps, store, asked)
    return asked


def _tell(deps: Deps, store: Store, asked: Approval) -> None:
    """Whoever may approve it is told, once, on the incident that it is about or on a stream of such notices."""
    engine, tenant = deps.engine, deps.tenant
    incident = engine.load(tenant, asked.stream) if asked.stream else None
    stream = asked.stream or _desk(deps, store)
    if stream is None:
        log.warning("approval %s: nobody is told, for no guide is in force", asked.id)
        return
    people = approvers(whole(store), tenant, engine.directory(tenant), asked.action, asked.by, incident)
    because = f"{asked.by} asks to {asked.subject}, and somebody else has to approve it until {asked.until:%H:%M} UTC"
    told = TellApprovers(
        by=TOCSIN, people=tuple(each.id for each in people), because=because, key=f"approval@{asked.id}#0"
    )
    try:
        engine.handle(tenant, stream, told)
    except Refused as error:  # it waits all the same, and stands under Duties
        log.warning("approval %s: nobody is told: %s", asked.id, error)


def _desk(deps: Deps, store: Store) -> str | None:
    """The stream that carries notices about no incident: a duty that is over, so that nobody is reminded of it."""
    engine, tenant, now = deps.engine, deps.tenant, store.now()
    guides = engine.guides.active(tenant)
    if not guides:
        return None
    begun = DutyBegun(
        at=now,
        duty=DESK,
        reference="approvals",
        title="What waits for a second person",
        guide=guides[0].name,
        policy_digest=guides[0].digest,
        kind="review",
        due_at=now,
    )
    engine.begin(tenant, DESK, [begun, DutyEnded(at=now, because="it only carries what is told of it")])
    return DESK


def keep(store: Store, tenant: str, asked: Approval) -> None:
    store.put(tenant, APPROVAL, asked.id, msgspec.json.encode(asked))
