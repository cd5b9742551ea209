"""Browsers that people are pushed to: added and removed by them, or removed when their push service has lost them."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import msgspec

from tocsin.core.announcement import AnnouncementSettlement
from tocsin.core.contact import plain
from tocsin.core.people import Person
from tocsin.core.push import devices, named, without_device
from tocsin.guides import Guides
from tocsin.ports import Receipt, Store

log = logging.getLogger(__name__)

VAPID = "vapid.pem"  # in the data directory: the key that signs what is pushed (vapid.py)


def keeping_devices(person: Person, stored: bytes | None) -> Person:
    """A person as the configuration says, with the devices they added themselves."""
    if stored is None:
        return person
    known = {each.address for each in person.methods}
    added = tuple(each for each in devices(msgspec.json.decode(stored, type=Person)) if each.address not in known)
    return msgspec.structs.replace(person, methods=(*person.methods, *added)) if added else person


def forgotten(
    guides: Guides, store: Store, tenant: str, person: str, kind: str, address: str, receipt: Receipt
) -> Receipt:
    """The receipt. When it says that a device is gone, the device is not the person's any more, and it says so.

    Writer thread only.
    """
    if kind != "webpush" or receipt.code != "gone":
        return receipt
    if not _removed(guides, store, tenant, person, address):
        return receipt
    detail = f"{receipt.detail}; the device was removed from {person}, who can add it again on it".lstrip("; ")
    return msgspec.structs.replace(receipt, detail=detail)


def lost(guides: Guides, store: Store, told: Sequence[AnnouncementSettlement]) -> None:
    """Devices that an announcement found gone are nobody's any more, as when a page finds it. Writer thread only."""
    for each in told:
        leased = each.leased
        if leased.recipient.kind == "webpush" and each.code == "gone":
            for person in guides.directory(leased.tenant).people:
                _removed(guides, store, leased.tenant, person, leased.recipient.address)


def _removed(guides: Guides, store: Store, tenant: str, person: str, address: str) -> bool:
    """The device of this address is not the person's, whether it was or not; False where there is no such person."""
    body = store.get(tenant, "person", person)
    if body is None or not named(address):
        return False
    before = msgspec.json.decode(body, type=Person)
    after = without_device(before, named(address))
    if after != before:
        store.put(tenant, "person", person, msgspec.json.encode(plain(after)))
        guides.changed(tenant)
        log.warning("%s: the device %s is gone and was removed", person, named(address))
    return True
