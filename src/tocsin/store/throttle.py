"""How many messages one person gets, so that an alert storm does not bury the page that matters.

All methods of a person count together, and only messages that were sent or whose outcome is not known. The last
message of a window carries everything that waits for the same address.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Literal

PAGES_MAX = 5  # enough to wake anybody; more makes people mute the channel
PAGES_WINDOW = timedelta(minutes=5)
NOTICES_MAX = 3  # notices leave two messages of each window to pages: one that goes alone and one that carries the rest
BUNDLE_MAX = 100  # others in one message: some 10 kB of text, and a receipt that touches 100 incidents in one commit

WINDOW_US = PAGES_WINDOW // timedelta(microseconds=1)

Room = Literal["none", "alone", "bundle"]


def room(sends_us: Sequence[int], now_us: int, *, notice: bool) -> Room:
    """Whether one more message may go now, and whether it is the window's last and so carries what waits.

    `sends_us` holds at least the newest `PAGES_MAX` messages, in any order. A message leaves the window exactly
    `PAGES_WINDOW` after it was made.
    """
    most = NOTICES_MAX if notice else PAGES_MAX
    recent = sum(1 for at_us in sends_us if now_us - at_us < WINDOW_US)
    if recent >= most:
        return "none"
    return "bundle" if recent == most - 1 else "alone"


def room_at(sends_us: Sequence[int], *, notice: bool) -> int:
    """The instant (us) from which there is room for one more message; 0 when there always was."""
    most = NOTICES_MAX if notice else PAGES_MAX
    newest = sorted(sends_us, reverse=True)
    return newest[most - 1] + WINDOW_US if len(newest) >= most else 0
