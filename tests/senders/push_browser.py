"""A browser as a push service sees it: a subscription, and the key that opens what was pushed."""

from __future__ import annotations

import base64
import functools
import secrets
import tempfile
from pathlib import Path
from typing import Any

import http_ece
import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tocsin.vapid import vapid_pem


def url64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Browser:
    """Subscribed at `endpoint`; `subscription` as its `toJSON()` has it."""

    def __init__(self, endpoint: str) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._auth = secrets.token_bytes(16)
        point = self._key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        self.subscription: dict[str, Any] = {
            "endpoint": endpoint,
            "expirationTime": None,
            "keys": {"p256dh": url64(point), "auth": url64(self._auth)},
        }

    @property
    def address(self) -> str:
        return msgspec.json.encode(self.subscription).decode()

    def opened(self, body: bytes) -> dict[str, Any]:
        """What was pushed, decrypted as RFC 8291 says."""
        plain = http_ece.decrypt(body, private_key=self._key, auth_secret=self._auth, version="aes128gcm")
        found: dict[str, Any] = msgspec.json.decode(plain)
        return found


@functools.cache
def key_file() -> Path:
    """A VAPID key of these tests, made once."""
    path = Path(tempfile.mkdtemp(prefix="tocsin-vapid-")) / "vapid.pem"
    vapid_pem(path)
    return path
