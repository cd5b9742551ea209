"""How many messages one person gets, so that an alert storm does not bury the page that matters.

All methods of a person count together, and only messages that were sent or whose outcome is not known. What is milder
may fill less of a window, so that a page worse than everything sent in it finds room at once, and still nobody gets
more than `PAGES_MAX`. The last message of its share carries everything that waits for the same address.
Source: docs/decisions/0030-five-messages-in-five-minutes.md, 0211-what-is-worse-finds-room.md
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Literal

from tocsin.ports import Append

PAGES_MAX = 5  # enough to wake anybody; more makes people mute the channel
PAGES_WINDOW = timedelta(minutes=5)
# How full a message of each turn may make the window; each leaves one to what is worse.
SHARES = (PAGES_MAX, 4, 3, 2, 2)
PAGE_TURNS = range(4)
NOTICE = 4
BUNDLE_MAX = 100  # others in one message: some 10 kB of text, and a receipt that touches 100 incidents in one commit

WINDOW_US = PAGES_WINDOW // timedelta(microseconds=1)

Room = Literal["none", "alone", "bundle"]


def turn_of(append: Append, *, notice: bool) -> int:
    """0 for a page of the worst severity, 1, 2, and 3 for all milder ones and for duties; notices come last."""
    if notice:
        return NOTICE
    mildest = PAGE_TURNS[-1]
    return mildest if append.index.kind == "duty" else min(max(append.index.rank, 0), mildest)


def room(sends_us: Sequence[int], now_us: int, turn: int) -> Room:
    """Whether one more message may go now, and whether it is the last of its share and so carries what waits.

    `sends_us` holds at least the newest `PAGES_MAX` messages, in any order. A message leaves the window exactly
    `PAGES_WINDOW` after it was made.
    """
    most = SHARES[turn]
    recent = sum(1 for at_us in sends_us if now_us - at_us < WINDOW_US)
    if recent >= most:
        return "none"
    return "bundle" if recent == most - 1 else "alone"


def room_at(sends_us: Sequence[int], turn: int) -> int:
    """The instant (us) from which there is room for one more message; 0 when there always was."""
    most = SHARES[turn]
    newest = sorted(sends_us, reverse=True)
    return newest[most - 1] + WINDOW_US if len(newest) >= most else 0
