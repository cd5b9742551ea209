"""Sealed streams: content of any length, encrypted in frames, so that no byte of it can be changed unnoticed.

    magic (8) | key id (8) | salt (16) | frame, frame, ..., last frame

A frame is AES-256-GCM over at most `FRAME` plain bytes with the nonce `counter (11) || last (1)`; every frame but the
last is full, and only the last carries `last = 1`: the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár 2015).
A frame that was flipped, dropped, doubled, moved or cut off does not open. Each stream has a key of its own, derived
from the installation's key by HKDF-SHA256 with the salt, the tenant and what the content is (`purpose`), so that a
nonce is never used twice, and a stream opens only as what it was sealed as. The head is bound to every frame.
"""

from __future__ import annotations

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tocsin.evidence.keys import KEY_ID_BYTES, Keys, UnknownKey

MAGIC = b"TOCEVID1"
SALT_BYTES = 16
HEAD_BYTES = len(MAGIC) + KEY_ID_BYTES + SALT_BYTES
FRAME = 64 * 1024  # plain bytes; the tag adds 16
TAG_BYTES = 16
SEALED_FRAME = FRAME + TAG_BYTES
FRAMES_MAX = 2**32  # 256 TiB; the counter has room for more


class Broken(Exception):
    """The sealed content is not what was written; the text says how far it was."""


class Sealer:
    """`write` plain bytes as they come; what it gives back, and what `finish` gives, is the sealed stream."""

    def __init__(self, keys: Keys, tenant: str, purpose: str) -> None:
        key_id, key = keys.current()
        salt = secrets.token_bytes(SALT_BYTES)
        self._head = MAGIC + key_id + salt
        self._cipher = _cipher(key, salt, tenant, purpose)
        self._waiting = bytearray()
        self._count = 0
        self._begun = False

    def write(self, plain: bytes) -> bytes:
        self._waiting += plain
        out = [self._begin()]
        while len(self._waiting) > FRAME:  # a full frame waits until it is known not to be the last
            out.append(self._frame(bytes(self._waiting[:FRAME]), last=False))
            del self._waiting[:FRAME]
        return b"".join(out)

    def finish(self) -> bytes:
        return self._begin() + self._frame(bytes(self._waiting), last=True)

    def _begin(self) -> bytes:
        if self._begun:
            return b""
        self._begun = True
        return self._head

    def _frame(self, plain: bytes, *, last: bool) -> bytes:
        sealed = self._cipher.encrypt(_nonce(self._count, last=last), plain, self._head)
        self._count += 1
        return sealed


class Opener:
    """`feed` the sealed stream as it comes, then `finish`; each gives plain bytes. `purpose` and tenant as sealed.

    Raises Broken for anything that is not exactly what was sealed, UnknownKey where the key is not there any more.
    """

    def __init__(self, keys: Keys, tenant: str, purpose: str) -> None:
        self._keys, self._tenant, self._purpose = keys, tenant, purpose
        self._head = b""
        self._cipher: AESGCM | None = None
        self._waiting = bytearray()
        self._count = 0

    def feed(self, sealed: bytes) -> bytes:
        self._waiting += sealed
        if self._cipher is None and len(self._waiting) >= HEAD_BYTES:
            self._begin()
        if self._cipher is None:
            return b""
        out = []
        while len(self._waiting) > SEALED_FRAME:  # a full frame waits until it is known not to be the last
            out.append(self._frame(bytes(self._waiting[:SEALED_FRAME]), last=False))
            del self._waiting[:SEALED_FRAME]
        return b"".join(out)

    def finish(self) -> bytes:
        if self._cipher is None:
            raise Broken("expected sealed evidence, got something shorter than its head")
        return self._frame(bytes(self._waiting), last=True)

    def _begin(self) -> None:
        self._head = bytes(self._waiting[:HEAD_BYTES])
        del self._waiting[:HEAD_BYTES]
        if not self._head.startswith(MAGIC):
            raise Broken("expected sealed evidence, got something else")
        key_id, salt = self._head[len(MAGIC) : -SALT_BYTES], self._head[-SALT_BYTES:]
        self._cipher = _cipher(self._keys.named(key_id), salt, self._tenant, self._purpose)

    def _frame(self, sealed: bytes, *, last: bool) -> bytes:
        assert self._cipher is not None, "frames come after the head"
        try:
            plain = self._cipher.decrypt(_nonce(self._count, last=last), sealed, self._head)
        except InvalidTag:
            raise Broken(f"frame {self._count} does not open: changed, moved or cut off") from None
        self._count += 1
        return plain


def _cipher(key: bytes, salt: bytes, tenant: str, purpose: str) -> AESGCM:
    info = f"tocsin evidence\0{tenant}\0{purpose}".encode()
    return AESGCM(HKDF(algorithm=SHA256(), length=32, salt=salt, info=info).derive(key))


def _nonce(count: int, *, last: bool) -> bytes:
    if count >= FRAMES_MAX:
        raise ValueError(f"content: expected at most {FRAMES_MAX} frames")
    return count.to_bytes(11, "big") + (b"\x01" if last else b"\x00")


__all__ = ["FRAME", "HEAD_BYTES", "SEALED_FRAME", "Broken", "Opener", "Sealer", "UnknownKey"]
