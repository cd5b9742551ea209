"""What the signer is asked. Apart from it, so that the server loads no cryptography for asking."""

from __future__ import annotations

import msgspec


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """Sign the head of `origin` at `size`: `leaves` are the hashes of its entries from `first` on, `root` the root
    that the log claims."""

    origin: str
    first: int
    size: int
    leaves: bytes
    root: bytes
