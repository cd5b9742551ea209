"""Keys that content is sealed with: lines of a file, or of an environment variable, oldest first.

    # comment
    3f9c1a2b7d4e5f60 BASE64-OF-32-BYTES

The last one seals; all of them open. So a key is rotated by adding a line, and what was sealed before stays readable.
"""

from __future__ import annotations

import base64
import binascii
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

KEY_ID_BYTES = 8
KEY_BYTES = 32


class UnknownKey(LookupError):
    """The content was sealed with a key that is not there; the text names it."""


class BadKeys(ValueError):
    """What should be keys is none; the text names the line, never the key."""


class Keys:
    """At least one key. `text` as above."""

    def __init__(self, text: str, where: str) -> None:
        self._keys: dict[bytes, bytes] = {}
        for number, line in enumerate(text.splitlines(), 1):
            words = line.split()
            if not words or words[0].startswith("#"):
                continue
            if len(words) != 2:
                raise BadKeys(f"{where}: line {number}: expected a key id and a key, got {len(words)} words")
            key_id, key = _hex(words[0]), _base64(words[1])
            if len(key_id) != KEY_ID_BYTES or len(key) != KEY_BYTES:
                raise BadKeys(f"{where}: line {number}: expected 16 hex digits and 32 bytes in base64")
            if key_id in self._keys:
                raise BadKeys(f"{where}: line {number}: the key id {words[0]} is there twice")
            self._keys[key_id] = key
        if not self._keys:
            raise BadKeys(f"{where}: expected at least one key, found none")

    def current(self) -> tuple[bytes, bytes]:
        """The id and the key that seals from now on."""
        return next(reversed(self._keys.items()))

    def named(self, key_id: bytes) -> bytes:
        """Raises UnknownKey."""
        found = self._keys.get(key_id)
        if found is None:
            raise UnknownKey(f"sealed with the key {key_id.hex()}, which is not among the {len(self._keys)} keys here")
        return found

    def __len__(self) -> int:
        return len(self._keys)


def fresh_line() -> str:
    """A new key as a line of the file."""
    key = base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()
    return f"{secrets.token_bytes(KEY_ID_BYTES).hex()} {key}\n"


def add_key(path: Path) -> str:
    """The id of a new key at the end of the file, on disk before this returns; the file is made if need be, 0600."""
    line = fresh_line()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "r+", encoding="ascii") as file:
        before = file.read()
        file.write(line if not before or before.endswith("\n") else f"\n{line}")
        file.flush()
        os.fsync(file.fileno())
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return line.split()[0]


class KeyFile:
    """The keys of an installation, read again when the file has changed. `environ` wins over the file."""

    def __init__(self, path: Path, environ: Mapping[str, str], variable: str) -> None:
        self.path = path
        self._text = environ.get(variable, "").replace(";", "\n")
        self._where = variable
        self._read: tuple[tuple[int, int], Keys] | None = None

    def keys(self) -> Keys:
        """Made on first use, where nobody gave any. Raises OSError, BadKeys."""
        if self._text:
            return Keys(self._text, self._where)
        if not self.path.exists():
            add_key(self.path)
        found = self.path.stat()
        stamp = (found.st_mtime_ns, found.st_size)
        if self._read is None or self._read[0] != stamp:
            self._read = (stamp, Keys(self.path.read_text("ascii"), str(self.path)))
        return self._read[1]


def _hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
