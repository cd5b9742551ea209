"""Incidents in chats, kept up to date: one message each, revised in place; its story in the thread; its own channel.

What is shown is a document beside the incident, written before and after each step, so that a restart goes on where it
was and a lost answer is looked for, not repeated. What a chat refuses for good becomes a fact, once, and nothing waits.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from tocsin.chat.desk import CHAT_ROOM, CHAT_USER
from tocsin.chat.follower import FollowerDeps
from tocsin.core import commands as c, facts as f
from tocsin.core.chat_text import Card, card
from tocsin.core.facts import AnyFact
from tocsin.core.incident import Incident, Refused
from tocsin.core.people import Directory
from tocsin.core.places import Record
from tocsin.core.view import words
from tocsin.ports import Declined, Receipt, Store

MIRROR = "chat-mirror"  # kind of document
EVERY_SEVERITY = "all"
AGAIN_SECONDS = (5.0, 15.0, 60.0, 180.0, 300.0)  # after the 1st, 2nd ... failure of a step that may pass
REPLIES_MAX = 20  # of one look; what is older than that is in the message itself
POSTS_MAX = 50  # messages of one incident that are kept up to date
TOLD = (
    f.UpdatePosted,
    f.SeverityChanged,
    f.StatusChanged,
    f.Acknowledged,
    f.Unacknowledged,
    f.RoleAssigned,
    f.Resolved,
    f.Reopened,
    f.Closed,
    f.TicketOpened,
)


_DELIVERY = (f.PageSent, f.PageFailed, f.Escalated, f.Notified, f.PromiseAtRisk, f.ChannelRequested, f.ChannelOpened)


class Room(Protocol):
    """A chat where channels can be made (senders/slack_room.py)."""

    @property
    def kind(self) -> str: ...
    async def post(self, channel: str, shown: Card, key: str) -> str | Declined: ...
    async def reply(self, post: str, text: str, key: str) -> str | Declined: ...
    async def revise(self, post: str, shown: Card) -> Receipt: ...
    async def find(self, channel: str, key: str, thread: str = "") -> str | Declined | None: ...
    async def open_channel(self, name: str) -> tuple[str, str] | Declined: ...
    async def set_topic(self, channel: str, topic: str) -> Receipt: ...
    async def pin(self, post: str) -> Receipt: ...
    async def invite(self, channel: str, users: tuple[str, ...]) -> Receipt: ...
    async def archive(self, channel: str) -> Receipt: ...


class Reviser(Protocol):
    """A channel whose messages can be changed after they were sent."""

    async def revise(self, post: str, shown: Card) -> Receipt: ...


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """`channel` None: no common channel. `own_for`: severities that get a channel of their own without being asked."""

    channel: str | None = None
    severities: tuple[str, ...] = ()
    own_for: tuple[str, ...] = ()
    archive: bool = True


class Kept(msgspec.Struct, kw_only=True):
    """What is shown of an incident. `trying`: the key of a post whose answer is not known. `failed`: step -> code."""

    seen: int = 0
    told: int = 0  # facts up to this version are in the thread
    post: str = ""
    own: str = ""  # the message in the incident's own channel
    trying: str = ""
    replied: tuple[str, ...] = ()  # the newest replies, while the same fact still has to go to the other thread
    shown: dict[str, str] = {}  # post -> digest of the card
    invited: tuple[str, ...] = ()
    failed: dict[str, str] = {}
    tries: int = 0


class Now(msgspec.Struct, frozen=True, kw_only=True):
    """One look at the incident."""

    incident: Incident
    history: tuple[AnyFact, ...]
    shown: Card
    users: Mapping[str, str]  # person -> their id in the chat


class Later(Exception):
    """A step failed in a way that may pass."""

    def __init__(self, receipt: Receipt) -> None:
        super().__init__(receipt.detail)
        self.receipt = receipt


class Mirror:
    """`follow` brings everything up to date. `revisers` by kind: whose pages are revised too (the room's included)."""

    def __init__(
        self, deps: FollowerDeps, room: Room | None, rules: Rules, revisers: Mapping[str, Reviser], public_url: str
    ) -> None:
        self._deps = deps
        self._room = room
        self._rules = rules
        self._revisers = revisers
        self._url = public_url

    def seen(self, store: Store) -> dict[str, int]:
        """Up to which version each incident is shown."""
        found = store.items(self._deps.tenant, MIRROR)
        return {name: msgspec.json.decode(body, type=Kept).seen for name, body in found}

    async def follow(self, stream: str) -> float | None:
        """Everything outside shows the incident as it is. In how many seconds to try again, or None."""
        kept, now = await self._deps.run(lambda store: self._look(store, stream))
        if now.incident.restricted is not None:  # who reads a channel is not for Tocsin to know
            return None
        try:
            if self._room is not None:
                await self._asked(kept, now)
                await self._common(self._room, kept, now)
                await self._own(self._room, kept, now)
            await self._revised(kept, now)
            if self._room is not None:
                await self._thread(self._room, kept, now)
                await self._ended(self._room, kept, now)
        except Later as later:
            delay = AGAIN_SECONDS[min(kept.tries, len(AGAIN_SECONDS) - 1)]
            kept.tries += 1
            if kept.tries == len(AGAIN_SECONDS):
                await self._fact(stream, self._failure(now.incident, "keep the chat up to date", later.receipt))
            await self._save(stream, kept)
            return max(delay, float(later.receipt.retry_after_seconds or 0))
        kept.seen, kept.tries = now.incident.version, 0
        await self._save(stream, kept)
        return None

    # --- steps --------------------------------------------------------------------------------------------------------

    async def _asked(self, kept: Kept, now: Now) -> None:
        """An incident of a severity that gets its own channel is owed one."""
        incident = now.incident
        wanted = EVERY_SEVERITY in self._rules.own_for or incident.severity in self._rules.own_for
        if wanted and incident.open and incident.places.channel(self._kind) is None:
            why = f"severity {incident.severity}"
            await self._handle(incident.id, c.OpenChannel(kind="slack", because=why))

    async def _common(self, room: Room, kept: Kept, now: Now) -> None:
        rules = self._rules
        wanted = not rules.severities or now.incident.severity in rules.severities
        if rules.channel and wanted and not kept.post and now.incident.open:
            kept.post = await self._once(room, kept, now, rules.channel, "post") or ""

    async def _own(self, room: Room, kept: Kept, now: Now) -> None:
        """The incident's own channel is there, says what it is about, and has everybody who responds."""
        incident = now.incident
        place = incident.places.channel(room.kind)
        if place is None or place.archived or not incident.open:
            return
        channel = place.channel
        if not channel:
            opened = await room.open_channel(channel_name(incident.reference, incident.title))
            if isinstance(opened, Declined):
                return await self._refused(kept, incident, "open the channel", opened.receipt)
            channel, name = opened
            kept.own, kept.invited = "", ()
            await self._opened(incident, channel, name)
            topic = f"{incident.reference} {incident.severity}: {incident.title}"
            await self._checked(kept, incident, "set the topic", await room.set_topic(channel, topic))
        if not kept.own:
            kept.own = await self._once(room, kept, now, channel, "own") or ""
            if kept.own:
                await self._checked(kept, incident, "pin the message", await room.pin(kept.own))
        users = tuple(now.users[each] for each in _responders(incident) if each in now.users)
        new = tuple(each for each in users if each not in kept.invited)
        if new:
            await self._checked(kept, incident, "invite the responders", await room.invite(channel, new))
            kept.invited = (*kept.invited, *new)

    async def _revised(self, kept: Kept, now: Now) -> None:
        """Every message about the incident shows what it is now, also the pages that people got."""
        digest = _digest(now.shown)
        for kind, post in _posts(kept, now, self._kind):
            if kept.shown.get(post) != digest and kind in self._revisers:
                receipt = await self._revisers[kind].revise(post, now.shown)
                if receipt.code != "sent" and not receipt.permanent:
                    raise Later(receipt)
                kept.shown[post] = digest  # a message that was deleted is not asked for again

    async def _thread(self, room: Room, kept: Kept, now: Now) -> None:
        """What happened stands in the thread of the common message, and in the own channel."""
        begin = max(kept.told, len(now.history) - REPLIES_MAX * 10)
        news = [(n, fact) for n, fact in enumerate(now.history[begin:], begin + 1) if isinstance(fact, TOLD)]
        for n, fact in news[-REPLIES_MAX:]:
            for post in filter(None, (kept.post, kept.own)):
                answer = await self._replied(room, kept, now, post, n, words(fact))
                if isinstance(answer, Declined) and not answer.receipt.permanent:
                    raise Later(answer.receipt)
            kept.told = n
        kept.told = len(now.history)

    async def _ended(self, room: Room, kept: Kept, now: Now) -> None:
        place = now.incident.places.channel(room.kind)
        if now.incident.status != "closed" or not self._rules.archive or place is None:
            return
        if place.channel and not place.archived:
            receipt = await room.archive(place.channel)
            if await self._checked(kept, now.incident, "archive the channel", receipt):
                fact = f.ChannelArchived(at=now.incident.last_at, kind=room.kind, channel=place.channel)
                await self._fact(now.incident.id, fact)

    # --- one post, once -----------------------------------------------------------------------------------------------

    async def _once(self, room: Room, kept: Kept, now: Now, channel: str, what: str) -> str | None:
        """The post, made now or by an attempt whose answer was lost; None when the chat refuses it for good."""
        key = f"{now.incident.id}/{what}"
        if kept.trying == key:
            found = await room.find(channel, key)
            if isinstance(found, str):
                kept.trying = ""
                return found
        kept.trying = key
        await self._save(now.incident.id, kept)
        answer = await room.post(channel, now.shown, key)
        if isinstance(answer, Declined):
            if answer.error:  # the chat has answered: nothing was posted
                kept.trying = ""
            await self._refused(kept, now.incident, "post the incident", answer.receipt)
            return None
        kept.trying = ""
        kept.shown[answer] = _digest(now.shown)
        kept.failed.pop("post the incident", None)
        return answer

    async def _replied(self, room: Room, kept: Kept, now: Now, post: str, n: int, text: str) -> str | Declined:
        """The fact stands in the post's thread; a reply whose answer was lost is looked for first."""
        key = f"{now.incident.id}/{n}@{post}"
        if key in kept.replied:
            return post
        if kept.trying == key and isinstance(found := await room.find("", key, post), str):
            kept.trying = ""
            kept.replied = (*kept.replied, key)
            return found
        kept.trying = key
        await self._save(now.incident.id, kept)
        answer = await room.reply(post, text, key)
        if not isinstance(answer, Declined) or answer.error:
            kept.trying = ""
        if not isinstance(answer, Declined):
            kept.replied = (*kept.replied, key)[-2:]
        return answer

    async def _refused(self, kept: Kept, incident: Incident, doing: str, receipt: Receipt) -> None:
        """What may pass is tried again; what will not is a fact, once."""
        if not receipt.permanent:
            raise Later(receipt)
        if kept.failed.get(doing) != receipt.code:
            kept.failed[doing] = receipt.code
            await self._fact(incident.id, self._failure(incident, doing, receipt))

    async def _checked(self, kept: Kept, incident: Incident, doing: str, receipt: Receipt) -> bool:
        if receipt.code == "sent":
            kept.failed.pop(doing, None)
            return True
        await self._refused(kept, incident, doing, receipt)
        return False

    def _failure(self, incident: Incident, doing: str, receipt: Receipt) -> f.ChannelFailed:
        return f.ChannelFailed(
            at=incident.last_at, kind=self._kind, doing=doing, code=receipt.code, detail=receipt.detail[:300]
        )

    # --- the store ----------------------------------------------------------------------------------------------------

    @property
    def _kind(self) -> str:
        return self._room.kind if self._room is not None else ""

    def _look(self, store: Store, stream: str) -> tuple[Kept, Now]:
        engine, tenant = self._deps.engine, self._deps.tenant
        body = store.get(tenant, MIRROR, stream)
        incident = engine.load(tenant, stream)
        view = engine.view(tenant, incident)
        now = Now(
            incident=incident,
            history=tuple(store.facts(tenant, stream)),
            shown=card(view, f"{self._url}/incidents/{incident.reference}"),
            users=_users(engine.directory(tenant), store, tenant, self._kind),
        )
        kept = msgspec.json.decode(body, type=Kept) if body else Kept(told=1)  # the thread begins after the opening
        return kept, now

    async def _save(self, stream: str, kept: Kept) -> None:
        posts = dict(list(kept.shown.items())[-POSTS_MAX * 2 :])
        body = msgspec.json.encode(msgspec.structs.replace(kept, shown=posts))
        await self._deps.run(lambda store: store.put(self._deps.tenant, MIRROR, stream, body))

    async def _opened(self, incident: Incident, channel: str, name: str) -> None:
        fact = f.ChannelOpened(at=incident.last_at, kind=self._kind, channel=channel, name=name)

        def work(store: Store) -> None:
            store.put(self._deps.tenant, CHAT_ROOM, f"{self._kind}:{channel}", msgspec.json.encode(incident.id))
            self._deps.engine.handle(self._deps.tenant, incident.id, Record(fact=fact))

        await self._deps.run(work)

    async def _fact(self, incident: str, fact: Any) -> None:
        await self._handle(incident, Record(fact=fact))

    async def _handle(self, incident: str, command: c.Command) -> None:
        def work(_: Store) -> None:
            try:
                self._deps.engine.handle(self._deps.tenant, incident, command)
            except Refused:  # it ended meanwhile: there is nothing to say
                return

        await self._deps.run(work)


def channel_name(reference: str, title: str) -> str:
    """`inc-2026-001-dashboard-outage`: what Slack takes as a name, at most 80 characters."""
    plain = unicodedata.normalize("NFKD", f"{reference} {title}").encode("ascii", "ignore").decode().casefold()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:80].rstrip("-") or "incident"


def _digest(shown: Card) -> str:
    return hashlib.sha256(msgspec.json.encode(shown)).hexdigest()[:16]


def _responders(incident: Incident) -> tuple[str, ...]:
    """Who was paged, who has it, and who has a role."""
    paged = [state.page.person for state in incident.pages.values() if not state.page.notice and not state.forgiven]
    has = [incident.acknowledged_by] if incident.acknowledged_by else []
    roles = [person for people in incident.roles.values() for person in people]
    return tuple(dict.fromkeys([*paged, *has, *roles]))


def _posts(kept: Kept, now: Now, kind: str) -> list[tuple[str, str]]:
    """(kind, post) of every message about this incident alone that may show what is not so any more."""
    found = [(kind, post) for post in (kept.post, kept.own) if post]
    changed_at = max((n for n, fact in enumerate(now.history) if not isinstance(fact, _DELIVERY)), default=0)
    for n, fact in enumerate(now.history):
        if not isinstance(fact, f.PageSent) or "/" not in fact.provider_id or fact.bundle:
            continue
        if n < changed_at or fact.provider_id in kept.shown:  # a page shows what was so when it was sent
            found.append((fact.kind, fact.provider_id))
    return found[-POSTS_MAX:]


def _users(directory: Directory, store: Store, tenant: str, kind: str) -> dict[str, str]:
    """Everybody's id in the chat: the address of their method, else as linked."""
    found: dict[str, str] = {}
    for person in directory.people.values():
        for method in person.methods:
            if method.kind == kind and method.address.startswith(("U", "W")):
                found.setdefault(person.id, method.address)
    for name, body in store.items(tenant, CHAT_USER):
        service, _, user = name.partition(":")
        if service == kind:
            found.setdefault(msgspec.json.decode(body), user)
    return found
