"""What other programs are told of incidents, wired: hooks, and what follows from the end of any announcement."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from tocsin.approvers import Approvers
from tocsin.clock import Clock
from tocsin.core.announcement import AnnouncementSettlement
from tocsin.core.hooks import HOOK
from tocsin.devices import lost
from tocsin.engine import Engine
from tocsin.ports import Sender
from tocsin.saying.hooks import STOPPED, Hooks
from tocsin.senders.events import EventSender
from tocsin.setting.config import Config
from tocsin.watch.upkeep import DrillsKept


class OutgoingDeps(Protocol):
    @property
    def tenant(self) -> str: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def public_url(self) -> str: ...
    @property
    def engine(self) -> Engine: ...


class Outgoing:
    """`load` on the writer thread before the first commit. `nudge`: something is owed to addresses."""

    def __init__(self, deps: OutgoingDeps, config: Config, nudge: Callable[[], None]) -> None:
        self._deps = deps
        self._config = config
        self._nudge = nudge
        self.hooks = Hooks(deps.tenant, deps.engine, deps.public_url)
        deps.engine.announcing(self.hooks.announce)
        deps.engine.releasing(Approvers(deps.engine))
        DrillsKept(deps.engine)

    def load(self) -> None:
        self.hooks.load()

    def changed(self, kind: str) -> None:
        """Documents of this kind were written. Writer thread only."""
        if kind in (HOOK, STOPPED):
            self.hooks.load()
            self._nudge()

    def settled(self, told: Sequence[AnnouncementSettlement]) -> None:
        """What ended: hooks are stopped, devices that are gone are nobody's. Writer thread only."""
        self.hooks.settled(told)
        lost(self._deps.engine.guides, self._deps.engine.store, told)

    def senders(self) -> dict[str, Sender]:
        """By the kind of recipient that each is for."""
        private = self._config.webhook.allow_private
        events = EventSender(
            self.hooks.named, clock=self._deps.clock, public_url=self._deps.public_url, allow_private=private
        )
        return {events.kind: events}
