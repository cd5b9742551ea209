"""A page's logo: small, of a kind that browsers draw without running anything."""

from __future__ import annotations

import base64
import binascii
import hashlib

import msgspec

LOGO = "status-logo"  # kind of document; the name is the page's
LOGO_MAX = 16 * 1024  # the whole first load stays under 30 kB
_MAGIC = ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"RIFF", "image/webp"))


class Logo(msgspec.Struct, frozen=True, kw_only=True):
    media_type: str
    body: bytes

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.body).hexdigest()[:12]


def read_logo(text: str) -> Logo:
    """The picture in base64. Raises ValueError for anything but a small PNG, JPEG or WebP: an SVG can carry scripts."""
    try:
        body = base64.b64decode(text.partition(",")[2] if text.startswith("data:") else text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"logo: expected base64, got something else ({error})") from None
    if len(body) > LOGO_MAX:
        raise ValueError(f"logo: expected at most {LOGO_MAX} bytes, got {len(body)}")
    for magic, media_type in _MAGIC:
        if body.startswith(magic) and (media_type != "image/webp" or body[8:12] == b"WEBP"):
            return Logo(media_type=media_type, body=body)
    raise ValueError("logo: expected a PNG, JPEG or WebP picture")
