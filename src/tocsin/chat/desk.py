"""What people want of incidents in a chat: who they are here, what they may, and the answer in words.

A chat proves who speaks by its own signature and its own user id. Whoever is linked to a person (`chat-user` documents,
or a contact method of that kind with that id) acts as that person, with that person's role and no more; anybody else is
told how to be linked. Private incidents are there only for whoever they name: emergency access does not reach a chat.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Protocol, TypeVar, cast

import msgspec

from tocsin.core import chat_command as said, commands as c
from tocsin.core.access import ANYTHING, Action, Actor, Resource, action_for, commanders, may
from tocsin.core.chat_text import mrkdwn
from tocsin.core.facts import OPEN_STATUSES, TOCSIN
from tocsin.core.incident import Incident, Refused
from tocsin.core.paging_text import one_line, span
from tocsin.core.people import Directory, Person
from tocsin.core.policy import Policy
from tocsin.core.twopersons import tag_of
from tocsin.engine import Engine, NotFound
from tocsin.guides import UnknownGuide
from tocsin.holders import named
from tocsin.ports import Store
from tocsin.sighted import looking
from tocsin.standing import of_person

T = TypeVar("T")
CHAT_USER = "chat-user"  # kind of document: `slack:U123` -> the person's id
CHAT_ROOM = "chat-room"  # kind of document: `slack:C123` -> the incident whose own channel it is
LISTED_MAX = 20
SAYS_MAX = 2_000  # characters of what waits; nobody approves here what does not fit into a message
MERGES_MAX = 5


class DeskDeps(Protocol):
    @property
    def tenant(self) -> str: ...
    @property
    def public_url(self) -> str: ...
    @property
    def engine(self) -> Engine: ...
    def run(self, fn: Callable[[Store], T]) -> Awaitable[T]: ...


class Stranger(Exception):
    """Nobody here is linked to this user of the chat."""


class Wrong(Exception):
    """It cannot be done; the text says why, to whoever asked."""


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """An answer. `public`: everybody in the channel should see it. `incident` None: it is about none."""

    text: str
    public: bool = False
    incident: str | None = None


class Desk:
    """Carries out what is asked, on the writer thread. `kind` is the chat service."""

    def __init__(self, deps: DeskDeps, kind: str) -> None:
        self._deps = deps
        self.kind = kind

    async def typed(self, user: str, text: str, channel: str, key: str) -> Said:
        """The answer to a typed command. `key` names the request, so that a repeated one declares nothing twice."""

        def work(store: Store) -> Said:
            try:
                return self._typed(store, user, text, channel, key)
            except said.Misunderstood as error:
                raise Wrong(str(error)) from error

        return await self._act(user, work)

    async def do(self, user: str, incident: str, command: c.Command) -> Incident:
        """The incident after the command, by the person that the user is. Raises Stranger, Wrong."""
        return await self._act(user, lambda store: self._handle(store, self._actor(store, user), incident, command))

    async def assign(self, user: str, incident: str, who: str, role: str) -> Incident:
        """`who` (a user of the chat) has the role. Raises Stranger, Wrong."""

        def work(store: Store) -> Incident:
            by = self._actor(store, user)
            person = self.person(store, who)
            if person is None:
                raise Wrong("Tocsin does not know who that is; an administrator can link them.")
            return self._handle(store, by, incident, c.AssignRole(role=role, person=person.id))

        return await self._act(user, work)

    async def about(self, user: str, incident: str, tag: str) -> tuple[Incident, Policy]:
        """An incident and the policy that governs it, for whoever may send it a command of this tag.
        Raises Stranger, Wrong."""

        def work(store: Store) -> tuple[Incident, Policy]:
            by = self._actor(store, user)
            found = self._load(incident)
            insist(by, action_for(tag), _resource(found))
            return found, self._deps.engine.guides.digested(self._deps.tenant, found.policy_digest).policy

        return await self._act(user, work)

    def person(self, store: Store, user: str) -> Person | None:
        """Who a user of the chat is here, if that is known and they are active."""
        directory = self._deps.engine.directory(self._deps.tenant)
        body = store.get(self._deps.tenant, CHAT_USER, f"{self.kind}:{user}")
        found = linked(directory, self.kind, user) if body is None else directory.people.get(msgspec.json.decode(body))
        return found if found is not None and found.active else None

    # --- on the writer thread -----------------------------------------------------------------------------------------

    async def _act(self, user: str, work: Callable[[Store], T]) -> T:
        """`work` with the sight of whoever the user is here; of nobody, if that is not known."""

        def acting(store: Store) -> T:
            person = self.person(store, user)
            directory = self._deps.engine.directory(self._deps.tenant)
            sight = looking(store, directory, person.id if person else "")
            try:
                with sight as seen, store.acting(person.id if person else TOCSIN):
                    return work(seen)
            except (Refused, NotFound, UnknownGuide, ValueError) as error:
                raise Wrong(str(error)) from error

        return await self._deps.run(acting)

    def _actor(self, store: Store, user: str) -> Actor:
        found = self.person(store, user)
        if found is None:
            raise Stranger(user)
        return of_person(store, self._deps.tenant, found, f"{self.kind}:{user}")

    def _load(self, incident: str) -> Incident:
        engine, tenant = self._deps.engine, self._deps.tenant
        found = engine.load(tenant, engine.find(tenant, incident))
        for _ in range(MERGES_MAX):
            if found.merged_into is None:
                break
            found = engine.load(tenant, found.merged_into)
        return found

    def _handle(self, store: Store, by: Actor, incident: str, command: c.Command) -> Incident:
        given = msgspec.structs.replace(command, by=by.id)
        if isinstance(given, c.Acknowledge):
            given = msgspec.structs.replace(given, via=self.kind)
        found = self._load(incident)
        insist(by, action_for(str(given.__struct_config__.tag)), _resource(found))
        given = named(given, found, self._deps.engine, store, self._deps.tenant)
        return self._deps.engine.handle(self._deps.tenant, found.id, given)

    def _typed(self, store: Store, user: str, text: str, channel: str, key: str) -> Said:
        by = self._actor(store, user)
        guides = self._deps.engine.guides.active(self._deps.tenant)
        severities: dict[str, str] = {}
        for guide in guides:
            for severity in guide.policy.severities:
                severities.setdefault(severity.id, guide.name)
        match said.parse(text, severities):
            case said.Help():
                return Said(text=said.USAGE.format("/incident"))
            case said.Listing():
                insist(by, "incident.read")
                return Said(text=self._listing(store))
            case said.Show(incident):
                insist(by, "incident.read")
                found = self._load(incident or self._here(store, channel))
                return Said(text=self._line(found, store.now()) + _requests(found, store.now()), incident=found.id)
            case said.Open(command, unknown):
                return self._declared(by, command, unknown, key)
            case said.Assign(incident, who, role):
                return self._assigned(store, by, incident or self._here(store, channel), who, role)
            case said.Act(incident, command):
                name = incident or self._here(store, channel)
                approved = _approved(self._load(name), command)
                found = self._handle(store, by, name, command)
                text = self._line(found, store.now()) + _waiting(found, by, command, store.now()) + approved
                return Said(text=text, public=found.restricted is None, incident=found.id)
        raise AssertionError("every meaning has its answer")

    def _here(self, store: Store, channel: str) -> str:
        """The incident whose own channel this is."""
        body = store.get(self._deps.tenant, CHAT_ROOM, f"{self.kind}:{channel}")
        if body is None:
            raise Wrong("Which incident? Name it, such as INC-2026-001, or say it in the incident's own channel.")
        return str(msgspec.json.decode(body))

    def _declared(self, by: Actor, command: c.Declare, unknown: str, key: str) -> Said:
        """The incident is open and is owed a channel of its own: that is what the command is for (REC-10)."""
        insist(by, "incident.declare")
        engine, tenant = self._deps.engine, self._deps.tenant
        found = engine.declare(tenant, msgspec.structs.replace(command, by=by.id), key or None)
        if self.kind == "slack" and found.restricted is None:
            found = engine.handle(tenant, found.id, c.OpenChannel(by=by.id, because="declared in the chat"))
        text = f"{self._link(found)} is open as {mrkdwn(found.severity)}: {mrkdwn(one_line(found.title))}"
        if unknown:
            text += f"\n{mrkdwn(unknown)} is no severity of the guides here; `/incident severity` changes it."
        return Said(text=text, public=found.restricted is None, incident=found.id)

    def _assigned(self, store: Store, by: Actor, incident: str, who: str, role: str) -> Said:
        user = said.mentioned(who)
        if user:
            linked_to = self.person(store, user)
            if linked_to is None:
                raise Wrong("Tocsin does not know who that is; an administrator can link them.")
            meant = linked_to.id
        else:
            meant = by.id if who.casefold() in ("me", "@me") else who.removeprefix("@")
        found = self._load(incident)
        role = role or leading(self._deps.engine.guides.digested(self._deps.tenant, found.policy_digest).policy)
        wanted = c.AssignRole(by=by.id, role=role, person=meant)
        known = cast(c.AssignRole, named(wanted, found, self._deps.engine, store, self._deps.tenant))
        found = self._handle(store, by, incident, known)
        person = self._deps.engine.directory(self._deps.tenant).people.get(known.person)
        who = person.name if person and person.name else known.person
        text = f"{mrkdwn(who)} is {mrkdwn(role)} of {self._link(found)}"
        return Said(text=text, public=found.restricted is None, incident=found.id)

    def _listing(self, store: Store) -> str:
        rows, more = store.listing(self._deps.tenant, statuses=sorted(OPEN_STATUSES), limit=LISTED_MAX)
        if not rows:
            return "No incident is open."
        found = [self._line(self._deps.engine.load(self._deps.tenant, row.incident), store.now()) for row in rows]
        return "\n".join([*found, *([f"and more: {self._deps.public_url}/"] if more else [])])

    def _line(self, incident: Incident, now: datetime) -> str:
        has = f", {incident.acknowledged_by} has it" if incident.acknowledged_by else ", nobody has it yet"
        state = incident.status + (has if incident.open else "")
        title = mrkdwn(one_line(incident.title, 200))
        since = span(now - incident.opened_at)
        return f"{self._link(incident)} {mrkdwn(incident.severity)} {title} ({mrkdwn(state)}, opened {since} ago)"

    def _link(self, incident: Incident) -> str:
        return f"<{self._deps.public_url}/incidents/{incident.reference}|{mrkdwn(incident.reference)}>"


def insist(by: Actor, action: Action, resource: Resource = ANYTHING) -> None:
    """Raises Wrong, with the reason, for somebody who may not."""
    decision = may(by, action, resource)
    if not decision:
        raise Wrong(decision.because)


def _resource(incident: Incident) -> Resource:
    return Resource(commanders=commanders(incident.roles))


def _waiting(incident: Incident, by: Actor, command: c.Command, now: datetime) -> str:
    """That it is not done yet, where the guide wants a second person for it."""
    tag = tag_of(command)
    asked = [
        n for n, each in incident.approvals.items() if (each.by, each.command) == (by.id, tag) and each.until > now
    ]
    return f"\n`{tag}` waits until somebody else approves it (request {asked[-1]})" if asked else ""


def _requests(incident: Incident, now: datetime) -> str:
    """What waits for a second person, in the very words."""
    return "".join(
        f"\nRequest {n}: {mrkdwn(each.by)} asks {mrkdwn(one_line(each.says, SAYS_MAX))}; `/incident approve"
        f" {mrkdwn(incident.reference)} {n}`"
        for n, each in incident.approvals.items()
        if each.until > now
    )


def _approved(incident: Incident, command: c.Command) -> str:
    """What an approval lets somebody do, so that whoever gave it reads it once more."""
    asked = incident.approvals.get(command.request) if isinstance(command, c.Approve) else None
    if asked is None:
        return ""
    if len(asked.says) > SAYS_MAX:
        raise Wrong(f"request {asked.request} is too long to be read here: approve it on the incident's page")
    return f"\nApproved request {asked.request}: {mrkdwn(asked.by)} asked {mrkdwn(one_line(asked.says, SAYS_MAX))}"


def linked(directory: Directory, kind: str, user: str) -> Person | None:
    """The one person whose contact method of this kind has this id; two of them are nobody."""
    found = [
        person
        for person in directory.people.values()
        if any(method.kind == kind and method.address == user for method in person.methods)
    ]
    return found[0] if len(found) == 1 else None


def leading(policy: Policy) -> str:
    """The guide's word for whoever leads an incident."""
    names = [role.name for role in policy.roles]
    return next((name for name in names if "commander" in name.casefold()), "Incident Commander")


def unknown_user(kind: str, user: str) -> str:
    """What somebody is told whom nobody has linked."""
    return (
        f"Tocsin does not know who you are here. An administrator can link you: "
        f"`tocsin channel link {kind} {one_line(user, 40)} PERSON`"
    )


def reply_of(given: Said) -> dict[str, Any]:
    """The answer as a slash command's reply."""
    return {"response_type": "in_channel" if given.public else "ephemeral", "text": given.text}
