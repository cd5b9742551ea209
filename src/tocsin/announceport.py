"""What announcements need from a store; part of `ports.Store`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from tocsin.core.announcement import Announcement, LeasedAnnouncement, RecipientState, Told, ToldTo

Room = Callable[[str], int]
"""How many more messages a lane may take now."""


class AnnouncementStore(Protocol):
    """`Store.commit` makes announcements owed and settles attempts; the rest is here."""

    def claim_announcements(
        self, now: datetime, limit: int, lease_seconds: int, room: Room
    ) -> list[LeasedAnnouncement]:
        """Attempts that may be made now, each leased, from every lane at most as many as there is room for."""
        ...

    def next_announcement(self) -> datetime | None:
        """When the earliest attempt at an announcement may be made, or None when none is owed."""
        ...

    def announcement(self, tenant: str, announcement: str) -> Announcement | None: ...
    def announced(
        self, tenant: str, *, incident: str | None = None, topic: str | None = None, limit: int = 200
    ) -> list[Told]:
        """What was said about an incident, or of a topic, newest first."""
        ...

    def told_to(
        self,
        tenant: str,
        announcement: str,
        *,
        states: Sequence[RecipientState] = (),
        after: int = -1,
        limit: int = 200,
    ) -> list[ToldTo]:
        """The recipients of an announcement, in order, those after a number."""
        ...

    def withdraw(self, tenant: str, kind: str, address: str) -> int:
        """Nothing is owed to this address any more; how many messages that were. From the writer thread only."""
        ...

    def forget_announcements(self, before: datetime, limit: int) -> int:
        """How many announcements made before this instant and owed to nobody are gone, recipients included."""
        ...
