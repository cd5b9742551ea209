"""Failed tries as they are counted while the process runs: bounded, and forgotten with it.

They are not stored: a flood of wrong passwords must not become a flood of writes, and no attacker makes us restart.
"""

from __future__ import annotations

import ipaddress
from datetime import datetime, timedelta

from tocsin.core import lockout
from tocsin.core.lockout import FREE, FREE_ADDRESS, Tally

KEPT_MAX = 50_000  # keys; beyond it, those with the fewest failures are forgotten first


class Later(Exception):
    """Too many failed tries: the next one has to wait."""

    def __init__(self, wait: timedelta) -> None:
        self.seconds = int(wait.total_seconds()) + 1
        super().__init__(f"too many tries have failed; the next one counts in {self.seconds} seconds")


class Attempts:
    """Used from the event loop only."""

    def __init__(self) -> None:
        self._tallies: dict[str, Tally] = {}

    def waits(self, keys: list[str], now: datetime) -> timedelta:
        """How long the next try has to wait, whichever of its keys says so."""
        return max((lockout.waits(self._of(key), now, _free(key)) for key in keys), default=timedelta(0))

    def failed(self, keys: list[str], now: datetime) -> None:
        """One more failure for each key."""
        for key in keys:
            self._count(key, now)

    def passed(self, keys: list[str]) -> None:
        """The try that was counted was right: the name's failures are forgotten, and the address has one fewer."""
        for key in keys:
            tally = self._tallies.pop(key, None)
            if tally is not None and key.startswith("address:") and tally.count > 1:
                self._tallies[key] = Tally(count=tally.count - 1, last_at=tally.last_at)

    def highest(self, keys: list[str]) -> int:
        return max((self._of(key).count for key in keys), default=0)

    def link_due(self, key: str, now: datetime) -> bool:
        """Whether one more link may be sent under this key; it is counted."""
        if not lockout.link_due(self._of(key), now):
            return False
        self._count(key, now)
        return True

    def _of(self, key: str) -> Tally:
        return self._tallies.get(key, Tally())

    def _count(self, key: str, now: datetime) -> None:
        if key not in self._tallies and len(self._tallies) >= KEPT_MAX:
            self._forget(now)
        self._tallies[key] = lockout.counted(self._of(key), now)

    def _forget(self, now: datetime) -> None:
        alive = {key: each for key, each in self._tallies.items() if lockout.current(each, now).count}
        worst = sorted(alive, key=lambda key: alive[key].count, reverse=True)[: KEPT_MAX // 2]
        self._tallies = {key: alive[key] for key in worst}


def address_key(host: str) -> str:
    """The key of where a request came from; an IPv6 host has a whole /64 to itself."""
    try:
        found = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return "address:unknown"
    if found.version == 6:
        return f"address:{ipaddress.ip_network((found, 64), strict=False)}"
    return f"address:{found}"


def _free(key: str) -> int:
    return FREE_ADDRESS if key.startswith("address:") else FREE
