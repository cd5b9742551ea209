"""Passkeys (WebAuthn): options for the browser, and what it brings back, verified. User verification is required.

A challenge is sealed (seals.py), so none is remembered before somebody has answered it rightly.
"""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Mapping
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from tocsin.identity.accounts import Passkey
from tocsin.identity.seals import Seals

WEBAUTHN = "webauthn"  # brings `cryptography`, which no start needs
HELPERS = "webauthn.helpers"
STRUCTS = "webauthn.helpers.structs"
EXCEPTIONS = "webauthn.helpers.exceptions"
CHALLENGE_LASTS = timedelta(minutes=5)
SPENT_LASTS = timedelta(hours=1)

Purpose = Literal["enrol", "sign-in"]


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where passkeys count: the relying party's id, and the one origin that it is asked from."""

    rp: str
    origin: str


class Refused(Exception):
    """What the browser brought is not taken; the text is for the log and for whoever enrols."""


def place_of(public_url: str) -> Place | None:
    """None where browsers have no passkeys: an address that is no name, or plain http to another machine.

    On this machine's own address (127.0.0.1) it is the same server under its name, localhost.
    """
    parts = urlsplit(public_url)
    host = (parts.hostname or "").casefold()
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        local = host == "localhost" or host.endswith(".localhost")
        return Place(rp=host, origin=f"{parts.scheme}://{parts.netloc}") if parts.scheme == "https" or local else None
    if not address.is_loopback or parts.scheme != "http":
        return None
    port = f":{parts.port}" if parts.port else ""
    return Place(rp="localhost", origin=f"http://localhost{port}")


def handle(seals: Seals, tenant: str, person: str) -> bytes:
    """What an authenticator knows a person by: says nothing about them, and is the same each time."""
    return seals.digest(f"passkey handle\0{tenant}\0{person}")


def enrolment(
    place: Place, seals: Seals, user: bytes, person: str, shown: str, have: list[Passkey], now: datetime
) -> dict[str, Any]:
    """PublicKeyCredentialCreationOptions as JSON. Imports the library: call in a thread."""
    library, structs = import_module(WEBAUTHN), import_module(STRUCTS)
    options = library.generate_registration_options(
        rp_id=place.rp,
        rp_name="Tocsin",
        user_id=user,
        user_name=person,
        user_display_name=shown,
        challenge=seals.challenge("enrol", now, CHALLENGE_LASTS),
        timeout=int(CHALLENGE_LASTS.total_seconds() * 1000),
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.REQUIRED,
            user_verification=structs.UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[structs.PublicKeyCredentialDescriptor(id=unpacked(each.id)) for each in have],
    )
    return dict(import_module(HELPERS).options_to_json_dict(options))


def request(place: Place, seals: Seals, now: datetime) -> dict[str, Any]:
    """PublicKeyCredentialRequestOptions as JSON: any passkey of this place. Says nothing about who has one."""
    return {
        "challenge": packed(seals.challenge("sign-in", now, CHALLENGE_LASTS)),
        "timeout": int(CHALLENGE_LASTS.total_seconds() * 1000),
        "rpId": place.rp,
        "allowCredentials": [],
        "userVerification": "required",
    }


def challenge_of(credential: Mapping[str, Any]) -> bytes:
    """The challenge that the browser says it answers; none for a body that is no credential."""
    try:
        client = msgspec.json.decode(unpacked(credential["response"]["clientDataJSON"]))
        return unpacked(client["challenge"])
    except (LookupError, TypeError, msgspec.DecodeError):
        return b""


def enrolled(place: Place, challenge: bytes, credential: Mapping[str, Any], made: Passkey) -> Passkey:
    """The new passkey: `made` with its id, key and count. Imports the library: call in a thread. Raises Refused."""
    library, wrong = import_module(WEBAUTHN), import_module(EXCEPTIONS)
    try:
        found = library.verify_registration_response(
            credential=dict(credential),
            expected_challenge=challenge,
            expected_rp_id=place.rp,
            expected_origin=place.origin,
            require_user_verification=True,
        )
    except (wrong.WebAuthnException, ValueError, TypeError, LookupError) as error:
        raise Refused(str(error)) from error
    return msgspec.structs.replace(
        made,
        id=packed(found.credential_id),
        public_key=packed(found.credential_public_key),
        sign_count=found.sign_count,
        synced=bool(found.credential_backed_up),
    )


def proved(place: Place, challenge: bytes, credential: Mapping[str, Any], key: Passkey, count: int, user: bytes) -> int:
    """The new sign count of a passkey that answered rightly. `count`: the newest one so far; `user`: its person's
    handle. Imports the library: call in a thread. Raises Refused."""
    library, wrong = import_module(WEBAUTHN), import_module(EXCEPTIONS)
    try:
        said = credential["response"].get("userHandle")
        if said is not None and unpacked(said) != user:
            raise Refused("the passkey names somebody else")
        found = library.verify_authentication_response(
            credential=dict(credential),
            expected_challenge=challenge,
            expected_rp_id=place.rp,
            expected_origin=place.origin,
            credential_public_key=unpacked(key.public_key),
            credential_current_sign_count=count,
            require_user_verification=True,
        )
    except (wrong.WebAuthnException, ValueError, TypeError, AttributeError, LookupError) as error:
        raise Refused(str(error)) from error
    return int(found.new_sign_count)


def packed(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unpacked(text: Any) -> bytes:
    """The bytes of base64url; none for anything else."""
    try:
        return base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except (ValueError, AttributeError):
        return b""
