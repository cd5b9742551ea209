"""Signed notes and checkpoints (C2SP), made with Ed25519. Read and checked by `tocsin.verifier`.

Source: https://c2sp.org/signed-note, https://c2sp.org/tlog-checkpoint
"""

from __future__ import annotations

import base64
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ALGORITHM = b"\x01"


def head_text(origin: str, size: int, root: bytes) -> str:
    """The text that is signed: origin, size and root, a line each."""
    return f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"


def public(name: str, key: Ed25519PrivateKey) -> str:
    """The verifier key that people write down: name, hash and key."""
    raw = ALGORITHM + key.public_key().public_bytes_raw()
    return f"{name}+{_hash(name, raw).hex()}+{base64.b64encode(raw).decode()}"


def sign(text: str, name: str, key: Ed25519PrivateKey) -> str:
    """The note: text, a blank line, and the signature line of this key."""
    raw = ALGORITHM + key.public_key().public_bytes_raw()
    signature = base64.b64encode(_hash(name, raw) + key.sign(text.encode())).decode()
    return f"{text}\n— {name} {signature}\n"


def _hash(name: str, raw: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + raw).digest()[:4]
