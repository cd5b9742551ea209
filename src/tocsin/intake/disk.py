"""How bytes get onto the disk for good."""

from __future__ import annotations

import errno
import os
import sys

# Linux writes and waits for the disk in one call (pwritev2(2), as O_DSYNC for this write alone): between two calls the
# interpreter's lock has to be won back, which under load takes longer than the disk. 0: there is no such call here.
DSYNC: int = getattr(os, "RWF_DSYNC", 0) if sys.platform == "linux" else 0
# What a file system says that knows no such call: some network and user-space ones, and sandboxes in place of a kernel.
_UNKNOWN = frozenset({errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS})


class Disk:
    """`flag` 0: by two calls, and so from then on where the file system knows no other way. The calls are methods so
    that a test sees them."""

    def __init__(self, flag: int = DSYNC) -> None:
        self._flag = flag

    def write(self, fd: int, data: bytes, offset: int) -> None:
        """The bytes are on the disk when this returns. Raises OSError."""
        view = memoryview(data)
        unsynced = not self._flag
        while view:
            try:
                written = self.put(fd, view, offset, self._flag)
            except OSError as error:
                if not self._flag or error.errno not in _UNKNOWN:
                    raise
                self._flag, unsynced = 0, True
                continue
            view, offset = view[written:], offset + written
        if unsynced:
            self.sync(fd)

    def put(self, fd: int, data: memoryview, offset: int, flag: int) -> int:
        """How many bytes were taken."""
        return os.pwritev(fd, [data], offset, flag) if flag else os.pwrite(fd, data, offset)

    def sync(self, fd: int) -> None:
        os.fdatasync(fd)
