"""When the digest takes its next bite."""

from __future__ import annotations

from collections.abc import Callable

QUIET_ALERTS = 200  # a smaller bite is followed by the next at once
PACE_SECONDS = 0.4  # after a larger one the next waits this long: what costs is the number of incidents it touches
SHARE = 0.7  # of the time may go into small bites
DEBT_SECONDS = 0.2  # of more than that, before they have to grow: what costs is the bite, not what is in it
PAUSE_SECONDS = 0.05  # unless nothing has come for so long: then there is nothing to wait for


class Pace:
    """`elapsed`: seconds on a clock that never goes back."""

    def __init__(self, elapsed: Callable[[], float]) -> None:
        self._elapsed = elapsed
        self._bit_at = self._fed_at = self._ended_at = self._debt = 0.0
        self.quiet = True  # so little comes that nothing is gained by waiting

    def fed(self) -> None:
        """Something came."""
        self._fed_at = self._elapsed()

    def began(self) -> None:
        """A bite is taken."""
        self._bit_at = self._elapsed()

    def ended(self, alerts: int) -> None:
        """It had so many."""
        now = self._elapsed()
        self._debt = max(0.0, self._debt - (now - self._ended_at) * SHARE) + now - self._bit_at
        self._ended_at = now
        self.quiet = alerts < QUIET_ALERTS and self._debt < DEBT_SECONDS

    def allows(self) -> bool:
        """Whether what waits may be taken now."""
        now = self._elapsed()
        return self.quiet or now - self._bit_at >= PACE_SECONDS or now - self._fed_at >= PAUSE_SECONDS
