"""What whoever posted alerts is told."""

from __future__ import annotations

import msgspec

RETRY_AFTER_SECONDS = 1


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """What the client gets. `payload` 0: nothing was stored. `retry_after` 0: no such header."""

    status: int
    body: bytes
    payload: int = 0
    retry_after: int = 0


def refusal(status: int, why: str, retry_after: int = 0) -> Outcome:
    """Nothing was stored. Bodies of refusals are JSON texts, as everything that Alertmanager says."""
    return Outcome(status, msgspec.json.encode(why), 0, retry_after)


FULL = refusal(503, "the disk takes no more: nothing was stored", RETRY_AFTER_SECONDS)
BUSY = refusal(503, "too much waits to be digested: nothing was stored", RETRY_AFTER_SECONDS)
