"""Who hears of what was committed, and who is asked in each commit what else is owed because of it.

Whoever listens is no part of the decision: one that fails takes nothing back, keeps nothing from others, is counted.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import msgspec

from tocsin.core.announcement import Owed
from tocsin.core.facts import AnyFact
from tocsin.core.incident import Incident, Refused
from tocsin.work import Work

Subscriber = Callable[[str, str, int], None]
Announcer = Callable[[str, Incident | None, Incident, Sequence[AnyFact]], Sequence[Owed]]
POISON = (ValueError, LookupError, TypeError, AssertionError, Refused, msgspec.MsgspecError)

log = logging.getLogger(__name__)


class Listeners:
    """Those of one engine."""

    def __init__(self) -> None:
        self.subscribers: list[Subscriber] = []
        self.announcers: list[Announcer] = []
        self.subscriber_failures = self.announcer_failures = 0

    def tell(self, entry: Work) -> None:
        """Every subscriber has heard of the commit; of duties, which are no incidents, nobody hears."""
        for subscriber in self.subscribers if entry.facts and entry.incident.duty is None else ():
            try:
                subscriber(entry.tenant, entry.stream, entry.incident.version)
            except POISON:
                self.subscriber_failures += 1
                log.exception("incident %s of %s: a listener failed", entry.stream, entry.tenant)

    def announced(self, entry: Work) -> list[Owed]:
        """What is said because of these facts. Nobody outside hears of a private incident."""
        owed: list[Owed] = []
        told = entry.facts and entry.incident.restricted is None
        for announcer in self.announcers if told else ():
            try:
                owed += announcer(entry.tenant, entry.before, entry.incident, entry.facts)
            except POISON:
                self.announcer_failures += 1
                log.exception("incident %s of %s: an announcement could not be made", entry.stream, entry.tenant)
        return owed
