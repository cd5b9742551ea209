"""How long the next try has to wait after failed ones, and that it never waits for ever (pure).

Three counts, each with its own key: of the name that was typed, of the address it came from, and of a browser in which
this person has signed in before. The third stands for the first two: whoever guesses from elsewhere slows down nobody
in a browser of their own.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

FREE = 5  # failed tries of a name that cost nothing: people mistype
FREE_ADDRESS = 30  # a whole office may sit behind one address
FIRST_WAIT = timedelta(seconds=10)
WAIT_MAX = timedelta(minutes=15)
FORGOTTEN = timedelta(hours=24)  # after this long without a failure nothing is counted any more

LINK_LASTS = timedelta(minutes=15)
_LINK_GAPS = (timedelta(0), timedelta(minutes=1), timedelta(minutes=3), timedelta(minutes=10))


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """Failed tries in a row, or links sent in a row, and when the last was."""

    count: int = 0
    last_at: datetime | None = None


def counted(tally: Tally, now: datetime) -> Tally:
    """One more."""
    return Tally(count=current(tally, now).count + 1, last_at=now)


def current(tally: Tally, now: datetime) -> Tally:
    """The tally, or an empty one when it is forgotten."""
    return Tally() if tally.last_at is None or now - tally.last_at >= FORGOTTEN else tally


def waits(tally: Tally, now: datetime, free: int = FREE) -> timedelta:
    """How long the next try still has to wait: nothing, 10 s, 20 s, 40 s ... never more than `WAIT_MAX`."""
    tally = current(tally, now)
    if tally.last_at is None or tally.count < free:
        return timedelta(0)
    doubled: int = 1 << min(tally.count - free, 20)
    wait = min(FIRST_WAIT * doubled, WAIT_MAX)
    return max(timedelta(0), tally.last_at + wait - now)


def link_due(tally: Tally, now: datetime) -> bool:
    """Whether one more sign-in link may be sent to somebody's own contact method.

    No gap is longer than a link works: whoever makes us send links in somebody's name cannot keep that person from
    having one that works.
    """
    tally = current(tally, now)
    if tally.last_at is None:
        return True
    return now - tally.last_at >= _LINK_GAPS[min(tally.count, len(_LINK_GAPS) - 1)]


def longest_link_gap() -> timedelta:
    return max(_LINK_GAPS)
