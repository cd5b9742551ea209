"""When the digest takes its next bite."""

from __future__ import annotations

from collections.abc import Callable

QUIET_ALERTS = 200  # a smaller bite is followed by the next at once
PACE_SECONDS = 0.4  # after a larger one the next waits this long: what costs is the number of incidents it touches
PAUSE_SECONDS = 0.05  # unless nothing has come for so long: then there is nothing to wait for


class Pace:
    """`elapsed`: seconds on a clock that never goes back."""

    def __init__(self, elapsed: Callable[[], float]) -> None:
        self._elapsed = elapsed
        self._bit_at = self._fed_at = 0.0
        self.quiet = True  # so little comes that nothing is gained by waiting

    def fed(self) -> None:
        """Something came."""
        self._fed_at = self._elapsed()

    def began(self) -> None:
        """A bite is taken."""
        self._bit_at = self._elapsed()

    def ended(self, alerts: int) -> None:
        """It had so many."""
        self.quiet = alerts < QUIET_ALERTS

    def allows(self) -> bool:
        """Whether what waits may be taken now."""
        now = self._elapsed()
        return self.quiet or now - self._bit_at >= PACE_SECONDS or now - self._fed_at >= PAUSE_SECONDS
