"""Secrets that have to be read again, sealed where they are stored: whoever has the database alone has none of them.

`sealed:KEYID:BASE64URL`, of nonce and AES-256-GCM over the text, bound to whom it belongs. The keys are lines of a file
beside the database, or better elsewhere: the last one seals, all of them open.
"""

from __future__ import annotations

import base64
import binascii
import logging
import secrets
from collections.abc import Callable
from importlib import import_module
from typing import Any, Protocol

log = logging.getLogger(__name__)
AEAD = "cryptography.hazmat.primitives.ciphers.aead"  # loaded when a secret is first sealed or opened
INVALID = "cryptography.exceptions"
PREFIX = "sealed:"
NONCE_BYTES = 12  # random; a key seals a few thousand secrets in its life, and 2**32 would be safe


class Keys(Protocol):
    """Keys of 32 bytes by id. `named` raises LookupError where it is not there."""

    def current(self) -> tuple[bytes, bytes]: ...
    def named(self, key_id: bytes) -> bytes: ...


class Box:
    """`keys` reads the keys as they are now; a file is made on first use. It raises OSError, ValueError."""

    def __init__(self, keys: Callable[[], Keys]) -> None:
        self._keys = keys

    def seal(self, text: str, *owner: str) -> str:
        """The text as only we read it, for this owner alone. Raises OSError, ValueError where there is no key."""
        key_id, key = self._keys().current()
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = nonce + self._cipher(key).encrypt(nonce, text.encode(), _bound(key_id, owner))
        return f"{PREFIX}{key_id.hex()}:{base64.urlsafe_b64encode(sealed).decode()}"

    def opened(self, stored: str, *owner: str) -> str | None:
        """What was sealed for this owner, or None: its key is not there, or it is not what was stored; the log says."""
        if not is_sealed(stored):
            return stored  # from before there was a box
        name, _, body = stored.removeprefix(PREFIX).partition(":")
        try:
            key_id, raw = bytes.fromhex(name), base64.urlsafe_b64decode(body)
            cipher = self._cipher(self._keys().named(key_id))
            plain: bytes = cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], _bound(key_id, owner))
        except import_module(INVALID).InvalidTag:
            log.error("a sealed secret of %s does not open: it was changed, or belongs to somebody else", owner[-1])
        except (OSError, ValueError, LookupError, binascii.Error) as error:
            log.error("a sealed secret of %s does not open: %s", owner[-1], error)
        else:
            return plain.decode()
        return None

    def _cipher(self, key: bytes) -> Any:
        return import_module(AEAD).AESGCM(key)


def is_sealed(stored: str) -> bool:
    return stored.startswith(PREFIX)


def _bound(key_id: bytes, owner: tuple[str, ...]) -> bytes:
    return b"tocsin identity 1\0" + key_id + b"\0" + "\0".join(owner).encode("utf-8", "surrogatepass")
