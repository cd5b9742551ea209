"""Why a file that somebody named could not be read, in words: which file, what was expected, what is there."""

from __future__ import annotations

from pathlib import Path


def because(file: Path | str, expected: str, error: OSError | UnicodeDecodeError) -> str:
    """`guide.md: expected a guide, got nothing: there is no such file`."""
    return f"{file}: expected {expected}, got {found(error)}"


def found(error: OSError | UnicodeDecodeError) -> str:
    """What is there instead."""
    match error:
        case UnicodeDecodeError():
            return f"bytes that are no UTF-8 (0x{error.object[error.start]:02x} at {error.start})"
        case FileNotFoundError() | NotADirectoryError():
            return "nothing: there is no such file"
        case IsADirectoryError():
            return "a directory"
        case PermissionError():
            return "a file that this user may not read"
        case _:
            return f"an error: {error.strerror or error}"
