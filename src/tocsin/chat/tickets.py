"""Tickets of incidents: opened once, linked, and told how it ended.

That a ticket is owed is a fact; that it is being opened is written down before the tracker is asked, so that a crash or
a lost answer leads to looking for it by its marker, never to a second one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

import msgspec

from tocsin.chat.follower import FollowerDeps
from tocsin.core import commands as c, facts as f
from tocsin.core.chat_text import card
from tocsin.core.incident import Incident, Refused
from tocsin.core.places import Record, Ticket
from tocsin.core.ticket_text import Brief, brief, ending
from tocsin.core.view import IncidentView
from tocsin.ports import Declined, Receipt, Store

TICKETS = "ticket-state"  # kind of document
AGAIN_SECONDS = (10.0, 30.0, 60.0, 180.0, 300.0, 300.0)
LOOK_AFTER_SECONDS = 30.0  # a search index may be behind: after a lost answer, the ticket is looked for this late


class Tracker(Protocol):
    """Where tickets are (senders/github.py and its like)."""

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    async def find(self, brief: Brief) -> Ticket | Declined | None: ...
    async def create(self, brief: Brief) -> Ticket | Declined: ...
    async def comment(self, ticket: Ticket, text: str, marker: str) -> Receipt: ...


class Filing(msgspec.Struct, frozen=True, kw_only=True):
    """A tracker, and the severities whose incidents get a ticket there without being asked."""

    tracker: Tracker
    severities: tuple[str, ...] = ()


class Kept(msgspec.Struct, kw_only=True):
    """`begun`: trackers that were asked for a ticket and whose answer is not known. `ended`: what was commented."""

    seen: int = 0
    begun: dict[str, datetime] = {}
    ended: dict[str, datetime] = {}
    failed: dict[str, str] = {}
    tries: int = 0


class _Later(Exception):
    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds


class Tickets:
    """`follow` opens what is owed and comments on what ended; in how many seconds to look again, or None."""

    def __init__(self, deps: FollowerDeps, filings: Sequence[Filing], public_url: str) -> None:
        self._deps = deps
        self._filings = {each.tracker.name: each for each in filings}
        self._url = public_url

    def seen(self, store: Store) -> dict[str, int]:
        """Up to which version each incident was looked at."""
        found = store.items(self._deps.tenant, TICKETS)
        return {name: msgspec.json.decode(body, type=Kept).seen for name, body in found}

    async def follow(self, stream: str) -> float | None:
        kept, incident, view, now = await self._deps.run(lambda store: self._look(store, stream))
        if incident.restricted is not None:  # a tracker has readers of its own
            return None
        owed = brief(view, card(view, f"{self._url}/incidents/{incident.reference}"))
        try:
            for filing in self._filings.values():
                await self._asked(filing, incident)
            for ticket in incident.places.tickets:
                if not ticket.name:
                    await self._opened(kept, incident, ticket, owed, now)
                elif incident.resolved_at is not None:
                    await self._ended(kept, incident, view, ticket)
        except _Later as later:
            await self._save(stream, kept)
            return later.seconds
        kept.seen, kept.tries = incident.version, 0
        await self._save(stream, kept)
        return None

    async def _asked(self, filing: Filing, incident: Incident) -> None:
        """An incident of such a severity is owed a ticket; a drill is not: tickets are other people's work."""
        name = filing.tracker.name
        wanted = "all" in filing.severities or incident.severity in filing.severities
        if wanted and incident.open and not incident.drill and incident.places.ticket(name) is None:
            await self._handle(incident.id, c.OpenTicket(tracker=name, because=f"severity {incident.severity}"))

    async def _opened(self, kept: Kept, incident: Incident, ticket: Ticket, owed: Brief, now: datetime) -> None:
        name = ticket.tracker or next(iter(self._filings), "")
        filing = self._filings.get(name)
        if filing is None:
            known = ", ".join(self._filings) or "none is"
            detail = f"no tracker {name!r} is configured ({known}); add it to [[trackers]]"
            receipt = Receipt(code="misconfigured", permanent=True, detail=detail)
            return await self._refused(kept, incident, name, "open a ticket", receipt)
        tracker = filing.tracker
        if name in kept.begun:
            waited = (now - kept.begun[name]).total_seconds()
            if waited < LOOK_AFTER_SECONDS:
                raise _Later(LOOK_AFTER_SECONDS - waited + 0.1)
            found = await tracker.find(owed)
            if isinstance(found, Declined):
                return await self._refused(kept, incident, name, "look for its ticket", found.receipt)
            if found is not None:
                return await self._recorded(kept, incident, found)
        kept.begun[name] = now
        await self._save(incident.id, kept)
        made = await tracker.create(owed)
        if isinstance(made, Declined):
            if made.error.startswith("4"):  # the tracker has answered: there is none
                kept.begun.pop(name, None)
            return await self._refused(kept, incident, name, "open a ticket", made.receipt)
        await self._recorded(kept, incident, made)

    async def _recorded(self, kept: Kept, incident: Incident, ticket: Ticket) -> None:
        fact = f.TicketOpened(
            at=incident.last_at, tracker=ticket.tracker, kind=ticket.kind, name=ticket.name, url=ticket.url
        )
        await self._handle(incident.id, Record(fact=fact))
        kept.begun.pop(ticket.tracker, None)

    async def _ended(self, kept: Kept, incident: Incident, view: IncidentView, ticket: Ticket) -> None:
        filing = self._filings.get(ticket.tracker)
        at = incident.resolved_at
        if filing is None or at is None or kept.ended.get(ticket.tracker) == at:
            return
        marker = f"tocsin:{incident.id}:ended:{int(at.timestamp())}"
        receipt = await filing.tracker.comment(ticket, ending(view), marker)
        if receipt.code != "sent":
            return await self._refused(kept, incident, ticket.tracker, "comment on its ticket", receipt)
        kept.ended[ticket.tracker] = at

    async def _refused(self, kept: Kept, incident: Incident, name: str, doing: str, receipt: Receipt) -> None:
        """What may pass is tried again, for a while; the rest is a fact, once, and nothing waits for it."""
        last = kept.tries >= len(AGAIN_SECONDS)
        if not receipt.permanent and not last:
            kept.tries += 1
            raise _Later(max(AGAIN_SECONDS[kept.tries - 1], float(receipt.retry_after_seconds or 0)))
        if kept.failed.get(f"{name}/{doing}") != receipt.code:
            kept.failed[f"{name}/{doing}"] = receipt.code
            failed = f.TicketFailed(
                at=incident.last_at, tracker=name, doing=doing, code=receipt.code, detail=receipt.detail[:300]
            )
            await self._handle(incident.id, Record(fact=failed))

    # --- the store ----------------------------------------------------------------------------------------------------

    def _look(self, store: Store, stream: str) -> tuple[Kept, Incident, IncidentView, datetime]:
        body = store.get(self._deps.tenant, TICKETS, stream)
        incident = self._deps.engine.load(self._deps.tenant, stream)
        view = self._deps.engine.view(self._deps.tenant, incident)
        return msgspec.json.decode(body, type=Kept) if body else Kept(), incident, view, store.now()

    async def _save(self, stream: str, kept: Kept) -> None:
        body = msgspec.json.encode(kept)
        await self._deps.run(lambda store: store.put(self._deps.tenant, TICKETS, stream, body))

    async def _handle(self, incident: str, command: Any) -> None:
        def work(_: Store) -> None:
            try:
                self._deps.engine.handle(self._deps.tenant, incident, command)
            except Refused:  # it was merged or closed meanwhile: there is nothing to open
                return

        await self._deps.run(work)
