"""What the faces ask of whoever looks after the tenants of an installation (tenants/installation.py)."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Protocol

import msgspec

from tocsin.core.tenants import Limits, Tenant


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How a tenant is: `reasons` say why it is not ready; the numbers are for /metrics."""

    tenant: Tenant
    running: bool
    reasons: tuple[str, ...] = ()
    figures: Mapping[str, float] = {}
    met: Mapping[str, int] = {}
    stored_bytes: int = 0


class Tenancy(Protocol):
    """Every change is stored, audited and in force when it returns. Raises ValueError, naming the field, for what
    cannot be, KeyError for a tenant that is not known, PermissionError for one that the configuration file names."""

    def standings(self) -> list[Standing]: ...
    def create(self, tenant: Tenant) -> Awaitable[str | None]:
        """The new tenant runs; the link that signs its first administrator in, once."""
        ...

    def change(self, name: str, *, hosts: tuple[str, ...] | None, limits: Limits | None) -> Awaitable[Tenant]: ...
    def suspend(self, name: str) -> Awaitable[Tenant]: ...
    def resume(self, name: str) -> Awaitable[Tenant]: ...
    def remove(self, name: str) -> Awaitable[str]:
        """A suspended tenant is forgotten; where its data were put aside."""
        ...

    def sign_in(self, name: str) -> Awaitable[str]:
        """A link that signs an administrator of it in, once."""
        ...
