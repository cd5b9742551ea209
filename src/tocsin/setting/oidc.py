"""`[oidc]` of tocsin.toml as a value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from tocsin.core.access import Role
from tocsin.setting.file import ConfigError, Flaw


class Oidc(msgspec.Struct, frozen=True, kw_only=True):
    """Another organisation's word about who somebody is, and what its groups mean here."""

    issuer: str
    client_id: str
    client_secret: str | None
    name: str
    scopes: tuple[str, ...]
    groups_claim: str
    roles: dict[str, Role]
    teams: dict[str, str]
    default_role: Role | None
    create: bool
    allow_private: bool


def oidc_from(of: Callable[[str], Any], where: str) -> Oidc:
    """The settings, where an issuer is named. Raises ConfigError without a client."""
    if not of("oidc.client_id"):
        flaw = Flaw(key="oidc.client_id", expected="a value, because [oidc] is used", got="nothing", where=where)
        raise ConfigError([flaw])
    return Oidc(**{name: of(f"oidc.{name}") for name in Oidc.__struct_fields__})
