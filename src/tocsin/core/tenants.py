"""Tenants: organisations that share an installation and nothing else. What is known of one, and what it may use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import msgspec

TENANT = "tenant"  # the kind of document, kept by the installation's own tenant
NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")  # a directory is called so, on every file system
HOST = re.compile(r"(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*")
HOSTS_MAX = 20
BURST_SECONDS = 60  # of the permitted rate, where no burst is said: a storm begins with everything at once

State = Literal["active", "suspended"]


class Limits(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a tenant may use; None is without limit. Over a limit nothing is lost: senders are asked to come back."""

    alerts_per_second: int | None = None
    alerts_burst: int | None = None  # at once, after a quiet time; None: what `BURST_SECONDS` permit
    body_kb: int | None = None  # of one body that is handed in
    stored_mb: int | None = None  # on disk: alerts wait outside, people may still work
    streams: int | None = None  # open event streams
    people: int | None = None
    guides: int | None = None
    messages_per_minute: int | None = None  # announcements and hooks wait their turn; pages never do

    @property
    def burst(self) -> float:
        """How many alerts may come at once."""
        return float(self.alerts_burst or (self.alerts_per_second or 0) * BURST_SECONDS)


class Tenant(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One organisation. `managed` False: the configuration file names it, and only the file changes it.

    `config` and `guides` are files of the installation's machine. `hosts`: the names that lead to it, lower case.
    """

    name: str
    hosts: tuple[str, ...]
    state: State = "active"
    limits: Limits = Limits()
    managed: bool = True
    public_url: str | None = None
    config: str | None = None
    guides: tuple[str, ...] = ()
    created_at: datetime | None = None


def check_limits(limits: Limits) -> None:
    """Raises ValueError for a limit that would let nothing through."""
    for name in limits.__struct_fields__:
        value = getattr(limits, name)
        if value is not None and value < 1:
            raise ValueError(f"limits.{name}: expected a whole number from 1, or nothing for no limit, got {value}")


def check_tenant(tenant: Tenant, known: Mapping[str, Tenant]) -> None:
    """Raises ValueError, naming the field, for one that cannot be added to those that are known."""
    if not NAME.fullmatch(tenant.name):
        raise ValueError(f"name: expected 1 to 32 lower-case letters, digits and hyphens, got {tenant.name[:80]!r}")
    check_hosts(tenant, known)
    check_limits(tenant.limits)


def check_hosts(tenant: Tenant, known: Mapping[str, Tenant]) -> None:
    """Raises ValueError unless every host leads to this tenant alone."""
    if not 0 < len(tenant.hosts) <= HOSTS_MAX:
        raise ValueError(f"hosts: expected 1 to {HOSTS_MAX} host names, got {len(tenant.hosts)}")
    for host in tenant.hosts:
        if not HOST.fullmatch(host) or is_local(host):
            raise ValueError(f"hosts: expected a host name such as acme.example.org, got {host[:80]!r}")
    taken = {host: other.name for other in known.values() if other.name != tenant.name for host in other.hosts}
    for host in tenant.hosts:
        if host in taken:
            raise ValueError(f"hosts: expected a host of its own, got {host}, which is {taken[host]}'s")


def is_local(host: str) -> bool:
    """Whether a request to it would be from this machine's own programs, or to a bare address: no tenant's name."""
    return host == "localhost" or bool(re.fullmatch(r"[0-9.]+", host))


def host_of(value: str) -> str:
    """The name in a Host header: lower case, without port and final dot. An IPv6 address keeps its brackets."""
    if value.startswith("["):
        return value.partition("]")[0].lower() + "]"
    return value.partition(":")[0].lower().rstrip(".")
