"""The key of this installation, from which links and shared secrets are made."""

from __future__ import annotations

import secrets
from pathlib import Path


def secret_of(path: Path) -> bytes:
    """The installation's secret, made on first use, mode 0600. Raises OSError, ValueError when it is too short."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(32) + "\n")
    text = path.read_text().strip().encode()
    if len(text) < 32:
        raise ValueError(f"{path}: expected a secret of at least 32 characters, got {len(text)}")
    return text
