"""Alert sources and their tokens: who may hand in alerts, in which format."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from tocsin.ports import DEFAULT_TENANT, Store

SOURCE = "source"  # the kind of document a stored source is
ANY_KIND = "any"


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """One sender of alerts. `token_sha256` is hex; the token itself is shown once, when the source is made.

    `kind`: a format of intake/formats.py, or `any`. `secret`: verifies the vendor's signature over the raw body, where
    the vendor signs. `mapping`: for the generic format. `service`: what its alerts are about unless a label says so.
    """

    name: str
    kind: str
    token_sha256: str
    tenant: str = DEFAULT_TENANT
    service: str | None = None
    mapping: dict[str, Any] | None = None
    secret: str | None = None


def token_digest(token: str) -> str:
    """What is stored of a token: the SHA-256 of its UTF-8 bytes, in hex."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


class Sources:
    """The sources of every tenant, found by token. Replaced as a whole when one is added or removed."""

    def __init__(self, sources: Iterable[Source] = ()) -> None:
        self._by_digest: dict[str, Source] = {}
        self.replace(sources)

    def replace(self, sources: Iterable[Source]) -> None:
        self._by_digest = {source.token_sha256: source for source in sources}

    def by_token(self, token: str, kind: str | None = None) -> Source | None:
        """The source with this token that may send `kind`, or None.

        The table is keyed by the token's digest, so the look-up's timing tells nothing about a token; the digests are
        then compared in constant time all the same.
        """
        digest = token_digest(token)
        source = self._by_digest.get(digest)
        expected = source.token_sha256 if source else token_digest("")
        if not hmac.compare_digest(digest.encode(), expected.encode()) or source is None:
            return None
        return source if kind is None or source.kind in (kind, ANY_KIND) else None


def stored_sources(store: Store, tenant: str) -> list[Source]:
    return [msgspec.json.decode(body, type=Source) for _, body in store.items(tenant, SOURCE)]


def credential(headers: Mapping[str, str]) -> str | None:
    """The token of an Authorization header, or None: `Bearer TOKEN`, `GenieKey TOKEN`, `Token token=TOKEN`, or
    `Basic` with the token as the password, whatever the user name. Schemes are case-insensitive (RFC 9110)."""
    scheme, _, text = headers.get("authorization", "").strip().partition(" ")
    text = text.strip()
    match scheme.casefold():
        case "bearer" | "geniekey":
            return text or None
        case "token":
            return text.removeprefix("token=").strip('"') or None
        case "basic":
            try:
                pair = base64.b64decode(text, validate=True).decode()
            except (binascii.Error, UnicodeDecodeError):
                return None
            return pair.partition(":")[2] or None
    return None
