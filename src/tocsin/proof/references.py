"""Which contents of evidence are needed: a small document for each item, and one for each content to be deleted.

They are an index of what the facts say, for housekeeping: it must know what nobody refers to without reading every
incident. Nobody administers them, and the audit trail leaves them out. Writes are from the writer thread.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from tocsin.ports import Store

REFERENCE, GONE = "evidence-reference", "evidence-gone"


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """Which objects an item needs, `size` bytes of content. `item` None: its fact is not known to be written."""

    stream: str
    objects: tuple[str, ...]
    at: datetime
    item: int | None = None
    keep_until: datetime | None = None
    size: int = 0


def object_names(sha256: str = "", original_sha256: str = "") -> tuple[str, ...]:
    """As `evidence.vault.object_name` gives them, content first."""
    return tuple(each for each in (sha256, original_sha256 and f"{original_sha256}o") if each)


def references(store: Store, tenant: str) -> dict[str, Reference]:
    return {name: msgspec.json.decode(body, type=Reference) for name, body in store.items(tenant, REFERENCE)}


def let_go(store: Store, tenant: str, stream: str, item: int) -> None:
    """The item needs its content no longer; content that no other item needs is to be deleted."""
    every = references(store, tenant)
    own = {name: each for name, each in every.items() if (each.stream, each.item) == (stream, item)}
    for ref in own.values():
        for name in ref.objects:
            store.put(tenant, GONE, name, b"{}")
    for name in own:
        store.delete(tenant, REFERENCE, name)


def gone(store: Store, tenant: str) -> list[str]:
    """The objects that are to be deleted, those left out that somebody needs after all."""
    needed = {name for each in references(store, tenant).values() for name in each.objects}
    return [name for name, _ in store.items(tenant, GONE) if name not in needed]


def swept(store: Store, tenant: str, name: str) -> None:
    """The object is deleted."""
    store.delete(tenant, GONE, name)
