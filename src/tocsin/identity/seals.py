"""What a browser keeps for us between two requests, sealed, so that nothing has to be remembered for strangers.

A flood of half-begun sign-ins therefore costs no memory and pushes nobody else's out. What may count only once is
remembered when it has counted, which takes somebody who could sign in.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import TypeVar

import msgspec

T = TypeVar("T")
MAC_BYTES = 32
TEXT_MAX = 4096
USED_MAX = 10_000
CHALLENGE_NOISE = 16


class _Sealed(msgspec.Struct, frozen=True, kw_only=True):
    until_us: int
    noise: str
    body: msgspec.Raw


class Seals:
    """`secret`: the installation's. Used from the event loop only."""

    def __init__(self, secret: bytes) -> None:
        self._key = hmac.digest(secret, b"tocsin identity 1", hashlib.sha256)
        self._used: dict[str, datetime] = {}

    def seal(self, purpose: str, value: object, now: datetime, lasts: timedelta) -> str:
        """The value as a text that only we can make; it counts for `purpose` alone, and until then."""
        sealed = _Sealed(
            until_us=_us(now + lasts), noise=secrets.token_urlsafe(12), body=msgspec.Raw(msgspec.json.encode(value))
        )
        body = msgspec.json.encode(sealed)
        return _packed(self._mac(purpose, body) + body)

    def opened(self, purpose: str, text: str, kind: type[T], now: datetime) -> T | None:
        """What was sealed, or None: not ours, for something else, or too old."""
        raw = _unpacked(text)
        mac, body = raw[:MAC_BYTES], raw[MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(purpose, body)):
            return None
        sealed = msgspec.json.decode(body, type=_Sealed)
        return msgspec.json.decode(sealed.body, type=kind) if _us(now) < sealed.until_us else None

    def challenge(self, purpose: str, now: datetime, lasts: timedelta) -> bytes:
        """Random bytes that we recognise as our own later (`ours`)."""
        head = secrets.token_bytes(CHALLENGE_NOISE) + _us(now + lasts).to_bytes(8, "big")
        return head + self._mac(purpose, head)

    def ours(self, purpose: str, challenge: bytes, now: datetime) -> bool:
        """Whether we made it for this, and not too long ago. Whoever answered it rightly spends it with `first`."""
        head, mac = challenge[:-MAC_BYTES], challenge[-MAC_BYTES:]
        if len(head) != CHALLENGE_NOISE + 8 or not hmac.compare_digest(mac, self._mac(purpose, head)):
            return False
        return _us(now) < int.from_bytes(head[CHALLENGE_NOISE:], "big")

    def first(self, name: str, now: datetime, lasts: timedelta) -> bool:
        """Whether this name has not counted before; it is remembered for so long."""
        if name in self._used and self._used[name] > now:
            return False
        if len(self._used) >= USED_MAX:
            self._used = {each: until for each, until in self._used.items() if until > now}
        if len(self._used) >= USED_MAX:
            return False  # what cannot be remembered does not count
        self._used[name] = now + lasts
        return True

    def digest(self, text: str) -> bytes:
        """32 bytes that only we can tell for a text, the same each time."""
        return self._mac("digest", text.encode("utf-8", "surrogatepass"))

    def _mac(self, purpose: str, body: bytes) -> bytes:
        return hmac.digest(self._key, purpose.encode() + b"\0" + body, hashlib.sha256)


def _us(at: datetime) -> int:
    return round(at.timestamp() * 1_000_000)


def _unpacked(text: str) -> bytes:
    """The bytes of a text in base64url as we write it; none for anything else."""
    if len(text) > TEXT_MAX:
        return b""
    try:
        raw = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except ValueError:  # also what is not ASCII
        return b""
    return raw if _packed(raw) == text else b""


def _packed(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
