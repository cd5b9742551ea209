"""A browser's push subscription as the address of a method: kept as JSON, shown without what opens it."""

from __future__ import annotations

import base64
import binascii
import hashlib

import msgspec

from tocsin.core.people import Method, Person

DEVICES_MAX = 20  # of one person; a page goes to each of them
ENDPOINT_MAX = 2_000
EXPECTED = 'a subscription as browsers give it, {"endpoint": "https://...", "keys": {"p256dh": "...", "auth": "..."}}'


class Keys(msgspec.Struct, frozen=True, kw_only=True):
    """The browser's public key (an uncompressed P-256 point) and shared secret, base64url as RFC 8291 has them."""

    p256dh: str
    auth: str


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """What `PushSubscription.toJSON()` says, without when it ends: the push service says that by 404 or 410."""

    endpoint: str
    keys: Keys


def subscription_of(address: str | bytes) -> Subscription:
    """The subscription in an address. Raises ValueError naming the field."""
    try:
        found = msgspec.json.decode(address, type=Subscription)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise ValueError(f"address: expected {EXPECTED}") from error
    return checked(found)


def checked(found: Subscription) -> Subscription:
    """The same, when it can be pushed to. Raises ValueError naming the field, without repeating the keys."""
    if not found.endpoint.startswith(("https://", "http://")) or len(found.endpoint) > ENDPOINT_MAX:
        raise ValueError(f"endpoint: expected an https URL of at most {ENDPOINT_MAX} characters")
    point, secret = _bytes(found.keys.p256dh), _bytes(found.keys.auth)
    if len(point) != 65 or point[0] != 4:
        raise ValueError("keys.p256dh: expected an uncompressed P-256 point of 65 bytes in base64url")
    if len(secret) != 16:
        raise ValueError("keys.auth: expected 16 bytes in base64url")
    return found


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""


def address_of(found: Subscription) -> str:
    """The subscription as an address: the same text for the same subscription, the endpoint first."""
    return msgspec.json.encode(found).decode()


def device_of(endpoint: str) -> str:
    """A short name of one subscription, which tells devices apart and opens nothing."""
    return hashlib.sha256(endpoint.encode("utf-8", "replace")).hexdigest()[:8]


def with_device(person: Person, found: Subscription) -> Person:
    """The person is reached on this device, too. Raises ValueError beyond `DEVICES_MAX`."""
    method = Method(kind="webpush", address=address_of(found))
    if method.address in [each.address for each in devices(person)]:
        return person
    known = without_device(person, device_of(found.endpoint))  # a browser that renewed its keys
    if len(devices(known)) >= DEVICES_MAX:
        raise ValueError(f"endpoint: expected at most {DEVICES_MAX} devices; remove one that is not used any more")
    return msgspec.structs.replace(known, methods=(*known.methods, method))


def without_device(person: Person, device: str) -> Person:
    """The person is not reached on the device of this name any more."""
    kept = tuple(each for each in person.methods if each.kind != "webpush" or named(each.address) != device)
    return msgspec.structs.replace(person, methods=kept)


def devices(person: Person) -> tuple[Method, ...]:
    return tuple(each for each in person.methods if each.kind == "webpush")


def named(address: str) -> str:
    """The device of an address, or "" when the address is none."""
    try:
        return device_of(subscription_of(address).endpoint)
    except ValueError:
        return ""
