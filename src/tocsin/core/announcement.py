"""What is said to an audience or to subscribers: one text, many addresses. A page is owed to a person; this is not.

The text is stored once and every address is a row of its own, with its own attempts and its own end. There is no
acknowledgement to wait for and no throttle per person; a lane (one provider) is paced instead.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any, Literal

import msgspec

RECIPIENTS_MAX = 100_000  # of one announcement: rows that one commit writes, some 100 bytes each

RecipientState = Literal["pending", "sent", "failed", "withdrawn"]


class Recipient(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One address: a channel, a distribution list, a subscriber. `name` is how people read it.

    `timeline`: its end is a fact on the incident's timeline. Never for private addresses: facts are kept for ever.
    `unsubscribe_url`: its own one-click link (RFC 8058), for those who subscribed.
    """

    kind: str
    address: str
    name: str = ""
    unsubscribe_url: str = ""
    timeline: bool = False


class Announcement(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that is said, and nothing about to whom.

    `id` is stable: announced again, it adds nothing. `topic` is what it is news of ("incident/ID/customers"); news that
    equals the newest of its topic (`change`) is not sent again. `url` is where the reader finds more; an outside reader
    never gets an inside page. `outside`: it leaves the organisation, so a drill is never announced there.
    """

    id: str
    topic: str
    subject: str
    text: str
    at: datetime
    event: str = "update"
    audience: str = ""
    incident: str = ""
    reference: str = ""
    severity: str = ""
    rank: int = 0
    url: str = ""
    outside: bool = False
    data: dict[str, Any] = {}  # for machine receivers
    change: str = ""
    mention: Literal["", "channel", "here"] = ""  # whom the template itself asks a chat to ring


class Owed(msgspec.Struct, frozen=True, kw_only=True):
    """An announcement that becomes owed to every recipient. One whose id is known, or which is the newest news of its
    topic once more, owes nothing. Raises ValueError for more than `RECIPIENTS_MAX` recipients."""

    tenant: str
    announcement: Announcement
    recipients: tuple[Recipient, ...]

    def __post_init__(self) -> None:
        if len(self.recipients) > RECIPIENTS_MAX:
            raise ValueError(f"recipients: expected at most {RECIPIENTS_MAX}, got {len(self.recipients)}")


class LeasedAnnouncement(msgspec.Struct, frozen=True, kw_only=True):
    """A claimed attempt at one recipient. `attempt` counts from 1, and is what the lease is recognised by."""

    tenant: str
    announcement: str
    number: int  # of the recipient, from 0
    recipient: Recipient
    attempt: int
    lease_until: datetime


class AnnouncementSettlement(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a leased attempt. Ignored where the lease was lost, or the recipient was withdrawn meanwhile.

    `retry_at` for an outcome "pending": tried again then. "failed" is for good.
    """

    leased: LeasedAnnouncement
    outcome: RecipientState
    at: datetime
    code: str
    detail: str = ""
    provider_id: str = ""
    retry_at: datetime | None = None


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One announcement and how many of its recipients are where."""

    announcement: Announcement
    pending: int
    sent: int
    failed: int
    withdrawn: int


class ToldTo(msgspec.Struct, frozen=True, kw_only=True):
    """One recipient of an announcement. `at`: the last attempt's end; `next_at`: when the next attempt may be made."""

    number: int
    recipient: Recipient
    state: RecipientState
    attempts: int
    at: datetime | None
    next_at: datetime | None
    code: str
    detail: str
    provider_id: str


def change_of(announcement: Announcement) -> str:
    """What makes two announcements of a topic the same news: what the announcer says, else the words."""
    if announcement.change:
        return announcement.change
    said = f"{announcement.event}\0{announcement.subject}\0{announcement.text}"
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()


def each_once(recipients: tuple[Recipient, ...]) -> tuple[Recipient, ...]:
    """Every address once, where it stands first."""
    found: dict[tuple[str, str], Recipient] = {}
    for each in recipients:
        found.setdefault((each.kind, each.address), each)
    return tuple(found.values())


def message_id(announcement: str, number: int) -> str:
    """The id that every attempt at one address carries."""
    return f"{announcement}-{number}"
