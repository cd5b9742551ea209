"""How bytes get onto the disk for good."""

from __future__ import annotations

import os
import sys

# Linux writes and waits for the disk in one call (pwritev2(2), as O_DSYNC for this write alone): between two calls the
# interpreter's lock has to be won back, which under load takes longer than the disk. 0: there is no such call here.
DSYNC: int = getattr(os, "RWF_DSYNC", 0) if sys.platform == "linux" else 0


class Disk:
    """`flag` 0: by two calls. The calls are methods so that a test sees them."""

    def __init__(self, flag: int = DSYNC) -> None:
        self._flag = flag

    def write(self, fd: int, data: bytes, offset: int) -> None:
        """The bytes are on the disk when this returns. Raises OSError."""
        view = memoryview(data)
        while view:
            written = self.put(fd, view, offset, self._flag)
            view, offset = view[written:], offset + written
        if not self._flag:
            self.sync(fd)

    def put(self, fd: int, data: memoryview, offset: int, flag: int) -> int:
        """How many bytes were taken."""
        return os.pwritev(fd, [data], offset, flag) if flag else os.pwrite(fd, data, offset)

    def sync(self, fd: int) -> None:
        os.fdatasync(fd)
