"""The C allocator, told that this process is long-lived and should be small.

glibc gives every thread an arena of its own and keeps what was freed in it; with a journal, a writer and reader threads
that each see large bodies pass through, that was 10 MB of nothing. On another C library nothing happens here.
"""

from __future__ import annotations

import ctypes

_M_ARENA_MAX = -8  # from glibc's malloc.h
_LIBRARY = ctypes.CDLL(None)


def one_arena() -> bool:
    """All threads allocate from one arena; to be called before they start. False where there are no arenas."""
    tune = getattr(_LIBRARY, "mallopt", None)
    return tune is not None and tune(_M_ARENA_MAX, 1) == 1


def give_back() -> None:
    """Memory that is free is the system's again. Takes milliseconds, without the interpreter's lock."""
    trim = getattr(_LIBRARY, "malloc_trim", None)
    if trim is not None:
        trim(0)
