"""Where an incident lives beside Tocsin: its chat channels and its tickets, as the facts tell it."""

from __future__ import annotations

from typing import Any

import msgspec

from tocsin.core import commands as c, facts as f


class ChatChannel(msgspec.Struct, frozen=True, kw_only=True):
    """A chat channel of the incident's own. `channel` empty: it was asked for and is not there yet."""

    kind: str
    channel: str = ""
    name: str = ""
    url: str = ""
    archived: bool = False


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket of the incident. `name` empty: it was asked for and is not there yet."""

    tracker: str
    kind: str = ""
    name: str = ""
    url: str = ""


class Places(msgspec.Struct, frozen=True, kw_only=True):
    """The newest channel of each kind, and one ticket for each tracker."""

    channels: tuple[ChatChannel, ...] = ()
    tickets: tuple[Ticket, ...] = ()

    def channel(self, kind: str) -> ChatChannel | None:
        return next((each for each in self.channels if each.kind == kind), None)

    def ticket(self, tracker: str) -> Ticket | None:
        return next((each for each in self.tickets if each.tracker == tracker), None)


class Outside(msgspec.Struct, frozen=True, kw_only=True):
    """What is configured: the chats where channels can be made, and the trackers by name, the first one first."""

    chats: tuple[str, ...] = ()
    trackers: tuple[str, ...] = ()


class Record(c.Command, frozen=True, kw_only=True, tag="record"):
    """What happened elsewhere is on the timeline. Only the engine's own loops send it."""

    fact: (
        f.ChannelOpened
        | f.ChannelArchived
        | f.ChannelFailed
        | f.TicketOpened
        | f.TicketFailed
        | f.SourceTold
        | f.SourceNotTold
    )


def evolved(places: Places, fact: Any) -> Places:
    """The places after one more fact."""
    match fact:
        case f.ChannelRequested():
            return _with_channel(places, ChatChannel(kind=fact.kind))
        case f.ChannelOpened():
            opened = ChatChannel(kind=fact.kind, channel=fact.channel, name=fact.name, url=fact.url)
            return _with_channel(places, opened)
        case f.ChannelArchived():
            known = places.channel(fact.kind)
            if known is None or known.channel != fact.channel:
                return places
            return _with_channel(places, msgspec.structs.replace(known, archived=True))
        case f.TicketRequested():
            return _with_ticket(places, Ticket(tracker=fact.tracker))
        case f.TicketOpened():
            unnamed = tuple(each for each in places.tickets if each.tracker or each.name)  # asked of "the first" one
            opened_ticket = Ticket(tracker=fact.tracker, kind=fact.kind, name=fact.name, url=fact.url)
            return _with_ticket(msgspec.structs.replace(places, tickets=unnamed), opened_ticket)
    return places


def _with_channel(places: Places, channel: ChatChannel) -> Places:
    others = tuple(each for each in places.channels if each.kind != channel.kind)
    return msgspec.structs.replace(places, channels=(*others, channel))


def _with_ticket(places: Places, ticket: Ticket) -> Places:
    others = tuple(each for each in places.tickets if each.tracker != ticket.tracker)
    return msgspec.structs.replace(places, tickets=(*others, ticket))


def _elsewhere(incident: Any, fact: Any, mark: Any, changes: dict[str, Any]) -> None:
    changes["places"] = evolved(incident.places, fact)


FAMILIES: dict[Any, Any] = dict.fromkeys(
    (f.ChannelRequested, f.ChannelOpened, f.ChannelArchived, f.TicketRequested, f.TicketOpened), _elsewhere
)
"""What each fact makes of an incident, for core/incident.py."""


def words(fact: Any) -> str:
    """The timeline's sentence, or nothing for a fact of another kind."""
    match fact:
        case f.ChannelRequested():
            return f"A {fact.kind} channel is asked for{f': {fact.because}' if fact.because else ''}"
        case f.ChannelOpened():
            return f"The {fact.kind} channel #{fact.name} is open"
        case f.ChannelArchived():
            return f"The {fact.kind} channel is archived"
        case f.ChannelFailed():
            return f"{fact.kind}: could not {fact.doing}: {fact.code} {fact.detail}".rstrip()
        case f.TicketRequested():
            where = f" in {fact.tracker}" if fact.tracker else ""
            return f"A ticket is asked for{where}{f': {fact.because}' if fact.because else ''}"
        case f.TicketOpened():
            return f"Ticket {fact.name} in {fact.tracker}: {fact.url}"
        case f.TicketFailed():
            return f"{fact.tracker or 'Tickets'}: could not {fact.doing}: {fact.code} {fact.detail}".rstrip()
        case f.SourceTold():
            many = "1 alert" if fact.alerts == 1 else f"{fact.alerts} alerts"
            return f"{fact.source} ({fact.service}) knows: {many} {_STANDING.get(fact.standing, fact.standing)}"
        case f.SourceNotTold():
            return f"{fact.source} ({fact.service}): could not {fact.doing}: {fact.code} {fact.detail}".rstrip()
    return ""


_STANDING = {"open": "not acknowledged any more"}
