"""Users whom an identity provider has provisioned (`core/scim.py`), as stored: kind `scim-user`, by their id."""

from __future__ import annotations

import msgspec

from tocsin.core.scim import User
from tocsin.ports import Store

SCIM_USER = "scim-user"


def users(store: Store, tenant: str) -> list[User]:
    """Oldest first."""
    found = [msgspec.json.decode(body, type=User) for _, body in store.items(tenant, SCIM_USER)]
    return sorted(found, key=lambda each: (each.created_at, each.id))


def user(store: Store, tenant: str, name: str) -> User | None:
    body = store.get(tenant, SCIM_USER, name)
    return msgspec.json.decode(body, type=User) if body else None


def keep(store: Store, tenant: str, one: User) -> None:
    """Writer thread only."""
    store.put(tenant, SCIM_USER, one.id, msgspec.json.encode(one))
