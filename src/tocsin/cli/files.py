"""Files that a command was given by name: read, or the command ends saying which one, what was expected, what came."""

from __future__ import annotations

import sys
from pathlib import Path

from tocsin.cli.output import USAGE, fail
from tocsin.unreadable import because


def read_bytes(file: Path, expected: str) -> bytes:
    """All of the file, or of standard input for `-`. Ends the command with 2 where it cannot be read."""
    try:
        return sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        fail(because(file, expected, error), USAGE)


def read_text(file: Path, expected: str) -> str:
    """The same as text in UTF-8, without its byte order mark."""
    try:
        return read_bytes(file, expected).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        fail(because(file, expected, error), USAGE)


def must_read(file: Path, expected: str) -> Path:
    """The file, which is there and can be read: for what is opened by somebody else. Ends the command with 2 if not."""
    try:
        file.open("rb").close()
    except OSError as error:
        fail(because(file, expected, error), USAGE)
    return file
