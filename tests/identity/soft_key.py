"""An authenticator in software: makes a passkey and answers challenges, rightly or as it is told to."""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from tocsin.identity.passkeys import packed, unpacked

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


class SoftKey:
    """`count` None: it keeps no count, as synced passkeys do."""

    def __init__(self, *, count: int | None = 0) -> None:
        self.id = os.urandom(16)
        self.count = count
        self.user = b""
        self._key = ec.generate_private_key(ec.SECP256R1())

    def made(self, options: dict[str, Any], origin: str, *, verified: bool = True) -> dict[str, Any]:
        """What `navigator.credentials.create` gives."""
        self.user = unpacked(options["user"]["id"])
        numbers = self._key.public_key().public_numbers()
        public = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        data = self._data(options["rp"]["id"], verified, ATTESTED) + bytes(16)
        data += len(self.id).to_bytes(2, "big") + self.id + cbor2.dumps(public)
        attested = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client("webauthn.create", options["challenge"], origin)
        return self._credential({"clientDataJSON": packed(client), "attestationObject": packed(attested)})

    def answer(
        self, options: dict[str, Any], origin: str, *, verified: bool = True, rp: str = "", user: bytes | None = None
    ) -> dict[str, Any]:
        """What `navigator.credentials.get` gives."""
        if self.count is not None:
            self.count += 1
        data = self._data(rp or options["rpId"], verified, 0)
        client = self._client("webauthn.get", options["challenge"], origin)
        signed = self._key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        handle = self.user if user is None else user
        return self._credential(
            {
                "clientDataJSON": packed(client),
                "authenticatorData": packed(data),
                "signature": packed(signed),
                "userHandle": packed(handle),
            }
        )

    def _data(self, rp: str, verified: bool, more: int) -> bytes:
        flags = PRESENT | (VERIFIED if verified else 0) | more
        return hashlib.sha256(rp.encode()).digest() + bytes([flags]) + (self.count or 0).to_bytes(4, "big")

    def _client(self, kind: str, challenge: str, origin: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": origin, "crossOrigin": False}).encode()

    def _credential(self, response: dict[str, str]) -> dict[str, Any]:
        name = packed(self.id)
        return {"id": name, "rawId": name, "type": "public-key", "response": response}
