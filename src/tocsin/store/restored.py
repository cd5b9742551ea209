"""What a restore leaves for the audit trail of the next start, apart from `backup`: a start reads no archives."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec

RESTORED = "restored.json"


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """A restore that the audit trail has not heard of yet. `keep_tokens`: whoever restored vouches for the tokens."""

    made_at: datetime
    restored_at: datetime
    keep_tokens: bool = False


def restored(data: Path) -> Restored | None:
    """The restore that came before this start, until `told`."""
    place = data / RESTORED
    return msgspec.json.decode(place.read_bytes(), type=Restored) if place.exists() else None


def told(data: Path) -> None:
    """The audit trail has the restore."""
    (data / RESTORED).unlink(missing_ok=True)
