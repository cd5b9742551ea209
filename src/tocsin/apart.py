"""Work that is done in a process of its own, which takes the memory that it needed along when it ends.

Compiling guides brings a Markdown parser and leaves its heap behind, 7 MB that a server keeps for as long as it runs.
"""

from __future__ import annotations

import os
import pickle
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def apart(work: Callable[[], T]) -> T:
    """What `work` gives, or the OSError or ValueError that it raises; it is done once more here if it ends otherwise.
    Here and now where there is no fork(2), or where other threads already run."""
    if not hasattr(os, "fork") or threading.active_count() > 1:
        return work()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(reading)
            with os.fdopen(writing, "wb") as pipe:
                pickle.dump(_outcome(work), pipe)
            status = 0
        finally:
            os._exit(status)  # nothing of the parent's is tidied up here
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    if not said:
        return work()  # it was killed, or met something that is to be seen here
    given, error = pickle.loads(said)
    if error is not None:
        raise error
    found: T = given
    return found


def _outcome(work: Callable[[], T]) -> tuple[T | None, Exception | None]:
    try:
        return work(), None
    except (OSError, ValueError) as error:
        return None, error
