"""The process. Arguments: the descriptor of the socket to the house, how many lines, the descriptors to listen on."""

# ruff: noqa: E402

from __future__ import annotations

import gc
import signal
import socket
import sys

# What is never used here need not be in memory: hashlib would bring OpenSSL for one digest that it has itself, msgspec
# does without typing_extensions.
for _name in ("_hashlib", "typing_extensions"):
    sys.modules[_name] = None  # type: ignore[assignment]

from tocsin.clock import SystemClock
from tocsin.intake.packed import Packer
from tocsin.porch.lines import Porch


def main() -> None:
    """Returns when the house is gone, or has closed it. Signals are the house's, which says what follows from them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    hall, lines_max, *listeners = [int(each) for each in sys.argv[1:]]
    porch = Porch(
        socket.socket(fileno=hall),
        [socket.socket(fileno=each) for each in listeners],
        SystemClock(),
        Packer(),
        lines_max,
    )
    gc.disable()  # nothing here refers to itself
    porch.run()


if __name__ == "__main__":
    main()
