"""Runs one command as the person at the terminal would, and hands on everything that it says.

The command belongs to the terminal: it may ask for a password, and Ctrl-C reaches it. What it writes to its standard
output and error is handed on as it comes, in the order in which it can be read.
"""

from __future__ import annotations

import os
import selectors
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from tocsin.clock import monotonic

PIECE = 64 * 1024
GRACE_SECONDS = 5.0  # between asking a command to end and ending it
SHELL = "/bin/sh"

Output = Callable[[bytes, bool], None]  # what it said, and whether on its standard error


class CannotRun(Exception):
    """The command was not started; the text says why."""


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """`exit_code` as a shell says it: 128 and the signal for one that was ended by it. `late`: it ran out of time."""

    exit_code: int
    late: bool = False


def run(
    command: Sequence[str] | str, output: Output, *, folder: Path | None = None, seconds: float | None = None
) -> Ended:
    """What became of the command; a text is for the shell. Raises CannotRun."""
    words = [SHELL, "-c", command] if isinstance(command, str) else list(command)
    try:
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=folder)
    except OSError as error:
        raise CannotRun(f"{words[0]}: {error.strerror or error}") from error
    until = monotonic() + seconds if seconds else None
    late = False
    try:
        late = not _handed_on(process, output, until)
    except KeyboardInterrupt:  # it was told, too; what it still says belongs to the record
        _handed_on(process, output, monotonic() + GRACE_SECONDS)
    finally:
        if process.poll() is None and not _ended(process):
            process.kill()
        for pipe in (process.stdout, process.stderr):
            assert pipe is not None, "both are pipes"
            pipe.close()
        code = process.wait()
    return Ended(exit_code=code if code >= 0 else 128 - code, late=late)


def _handed_on(process: subprocess.Popen[bytes], output: Output, until: float | None) -> bool:
    """Whether the command said everything it had to say before `until`."""
    with selectors.DefaultSelector() as waiting:
        for pipe, error in ((process.stdout, False), (process.stderr, True)):
            if pipe is not None and not pipe.closed:
                waiting.register(pipe, selectors.EVENT_READ, error)
        while waiting.get_map():
            left = None if until is None else until - monotonic()
            if left is not None and left <= 0:
                process.terminate()
                return False
            for key, _ in waiting.select(left):
                said = os.read(key.fd, PIECE)
                if said:
                    output(said, key.data)
                else:
                    waiting.unregister(key.fileobj)
    return True


def _ended(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        return False
    return True
