"""The key that signs what is pushed to browsers (VAPID, RFC 8292). Loaded on demand: it brings `cryptography`.

It lies in the data directory, and browsers subscribe to it: whoever loses it has every device subscribe again.
"""

from __future__ import annotations

import base64
import logging
import os
import secrets
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

log = logging.getLogger(__name__)


def vapid_pem(path: Path) -> bytes:
    """The installation's private key, made on first use, mode 0600. Raises OSError, ValueError when it is no key.

    It appears whole or not at all: two that make it at once have the same.
    """
    if not path.exists():
        key = ec.generate_private_key(ec.SECP256R1())
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        made = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
        with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(made, path)
        except FileExistsError:
            log.info("%s was made by somebody else at the same time", path)
        finally:
            made.unlink()
    return path.read_bytes()


def public_key(path: Path) -> str:
    """The key that browsers subscribe to, base64url. Raises OSError, ValueError."""
    key = serialization.load_pem_private_key(vapid_pem(path), None)
    point = key.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    return base64.urlsafe_b64encode(point).rstrip(b"=").decode()
