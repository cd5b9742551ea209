"""The hooks of this installation: what becomes owed to them, what was delivered, and what stops them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from tocsin.core.announcement import Announcement, AnnouncementSettlement, Owed, Recipient, RecipientState
from tocsin.core.facts import AnyFact
from tocsin.core.hook_bodies import Around, body_of
from tocsin.core.hooks import HOOK, Happened, Hook, Stopped, happenings, wants
from tocsin.core.incident import Incident
from tocsin.core.paging_text import one_line
from tocsin.core.saying import RecordAnnouncement
from tocsin.engine import Engine
from tocsin.ports import Store

STOPPED = "hook_stopped"  # the document that a 410 writes, beside the hook, because the file may say the hook again
PROGRAMS = "other programs"  # whom a timeline says hooks are for
FAILED_MAX = 5_000
LOOKED_AT = 200  # newest deliveries of a hook that its standing counts


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One event and what became of it. `announcement` is what a replay names; `at`: the last attempt's end."""

    announcement: str
    event: str
    type: str
    reference: str
    state: RecipientState
    attempts: int
    owed_at: datetime
    at: datetime | None
    next_at: datetime | None
    code: str
    detail: str
    replay: bool = False


class Hooks:
    """Every hook, as stored. All of it on the writer thread, but `named`."""

    def __init__(self, tenant: str, engine: Engine, public_url: str) -> None:
        self._tenant = tenant
        self._engine = engine
        self._public_url = public_url
        self._hooks: dict[str, Hook] = {}
        self._failed: set[tuple[str, str]] = set()  # hooks whose failure is on an incident's timeline

    def load(self) -> None:
        """Hooks were stored, removed or stopped: know it."""
        store = self._engine.store
        stored = (msgspec.json.decode(body, type=Hook) for _, body in store.items(self._tenant, HOOK))
        self._hooks = {each.name: each for each in stored if stopped(store, self._tenant, each) is None}

    def named(self, name: str) -> Hook | None:
        """The hook of this name, if it may be called."""
        hook = self._hooks.get(name)
        return hook if hook and hook.enabled else None

    def announce(
        self, tenant: str, before: Incident | None, incident: Incident, facts: Sequence[AnyFact]
    ) -> list[Owed]:
        """What is owed to hooks because of these facts (`listeners.Announcer`)."""
        if not self._hooks or incident.duty is not None or tenant != self._tenant:
            return []
        found = happenings(incident.id, before.version if before else 0, facts)
        pairs = [(hook, each) for each in found for hook in self._hooks.values() if wants(hook, each.type)]
        if not pairs:
            return []
        around = self._around(incident)
        return [
            owed(tenant, hook, each, incident.reference, body_of(hook.format, each, around)) for hook, each in pairs
        ]

    def _around(self, incident: Incident) -> Around:
        directory = self._engine.guides.directory(self._tenant)
        service = directory.services.get(incident.service or "")
        team = directory.teams.get(service.owner or "") if service else None
        return Around(
            incident=incident,
            summary=msgspec.to_builtins(self._engine.view(self._tenant, incident)),
            public_url=self._public_url,
            people={each.id: each.name for each in directory.people.values()},
            service=service.name if service else "",
            team=(team.id, team.name) if team else None,
            low=incident.severity in directory.low_urgency,
        )

    def settled(self, told: Sequence[AnnouncementSettlement]) -> None:
        """A receiver that answered 410 is told nothing more (Standard Webhooks), and the hook says so.

        What could not be delivered is on its incident's timeline, once for each hook.
        """
        gone = [each for each in told if each.leased.recipient.kind == HOOK and each.code == "gone"]
        for each in gone:
            hook = self._hooks.get(each.leased.recipient.name)
            if hook is not None and hook.url == each.leased.recipient.address:
                note = Stopped(at=each.at, url=hook.url, because=each.detail or "its receiver answered 410 Gone")
                self._engine.store.put(self._tenant, STOPPED, hook.name, msgspec.json.encode(note))
        if gone:
            self.load()
        for each in told:
            if each.leased.recipient.kind == HOOK and each.outcome == "failed" and each.leased.tenant == self._tenant:
                self._given_up(each)

    def _given_up(self, told: AnnouncementSettlement) -> None:
        said = self._engine.store.announcement(self._tenant, told.leased.announcement)
        incident = str(said.data.get("id", "")).rpartition("-")[0] if said else ""
        name = (told.leased.recipient.name, incident)
        if name in self._failed or not incident or self._engine.store.index(self._tenant, incident) is None:
            return
        if len(self._failed) >= FAILED_MAX:
            self._failed.clear()  # some timeline may say it twice
        self._failed.add(name)
        self._engine.handle(self._tenant, incident, RecordAnnouncement(audience=PROGRAMS, settlement=told))


def owed(tenant: str, hook: Hook, event: Happened, reference: str, body: dict[str, Any]) -> Owed:
    """One event is owed to one hook. An event is never the same news as another: its id says so."""
    name = f"hook-{event.id}-{hook.name}"
    said = Announcement(
        id=name,
        topic=topic(hook.name),
        subject=event.type,
        text=one_line(f"{event.type} {reference}", 200),
        at=event.at,
        event="hook",
        reference=reference,
        data={"id": event.id, "format": hook.format, "body": msgspec.to_builtins(body)},
        change=name,
    )
    return Owed(tenant=tenant, announcement=said, recipients=(_recipient(hook),))


def _recipient(hook: Hook) -> Recipient:
    return Recipient(kind=HOOK, address=hook.url, name=hook.name)


def topic(hook: str) -> str:
    return f"hook/{hook}"


def replayed(said: Announcement, hook: Hook, fresh: str, now: datetime) -> Announcement:
    """The same event once more, with its own id, so that a receiver that has it already can tell."""
    name = f"{said.id.partition('/again-')[0]}/again-{fresh}"
    return msgspec.structs.replace(said, id=name, change=name, at=now, topic=topic(hook.name))


def replay(store: Store, tenant: str, name: str, fresh: str) -> Delivery | None:
    """The event of this announcement is owed again; None when there is none. ValueError: its hook is off."""
    said = store.announcement(tenant, name)
    if said is None or not said.topic.startswith("hook/"):
        return None
    body = store.get(tenant, HOOK, said.topic.removeprefix("hook/"))
    if body is None:
        raise ValueError(
            f"announcement: expected one of a hook that there is, got {said.topic.removeprefix('hook/')!r}"
        )
    hook = msgspec.json.decode(body, type=Hook)
    if not hook.enabled or stopped(store, tenant, hook):
        raise ValueError(f"announcement: expected one of a hook that is on, got {hook.name!r}: enable it first")
    again = replayed(said, hook, fresh, store.now())
    store.commit(announce=[Owed(tenant=tenant, announcement=again, recipients=(_recipient(hook),))])
    return _delivery(store, tenant, again)


def deliveries(store: Store, tenant: str, hook: str, limit: int) -> list[Delivery]:
    """The hook's newest deliveries, newest first."""
    found = store.announced(tenant, topic=topic(hook), limit=limit)
    return [each for each in (_delivery(store, tenant, told.announcement) for told in found) if each]


def _delivery(store: Store, tenant: str, said: Announcement) -> Delivery | None:
    rows = store.told_to(tenant, said.id, limit=1)
    if not rows:
        return None
    row = rows[0]
    return Delivery(
        announcement=said.id,
        event=str(said.data.get("id", "")),
        type=said.subject,
        reference=said.reference,
        state=row.state,
        attempts=row.attempts,
        owed_at=said.at,
        at=row.at,
        next_at=row.next_at,
        code=row.code,
        detail=row.detail,
        replay="/again-" in said.id,
    )


def stopped(store: Store, tenant: str, hook: Hook) -> Stopped | None:
    """Why nothing is sent to the hook at its present address, or None."""
    body = store.get(tenant, STOPPED, hook.name)
    note = msgspec.json.decode(body, type=Stopped) if body else None
    return note if note and note.url == hook.url else None
