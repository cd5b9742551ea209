"""`[[tenants]]` of tocsin.toml as values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from tocsin.core.tenants import Limits, Tenant, check_tenant, host_of
from tocsin.ports import DEFAULT_TENANT
from tocsin.setting.file import ConfigError, Flaw

LIMITS = {name: "guides_max" if name == "guides" else name for name in Limits.__struct_fields__}


def tenant_rows(rows: list[dict[str, Any]], file: Path | None) -> dict[str, Tenant]:
    """By name. The installation's own stands under `default`, and only its limits count. Raises ConfigError."""
    found: dict[str, Tenant] = {}
    folder = file.parent if file else Path()
    for n, row in enumerate(rows):
        limits = Limits(**{name: row[key] for name, key in LIMITS.items()})
        tenant = Tenant(
            name=row["name"],
            hosts=tuple(host_of(each) for each in row["hosts"]),
            limits=limits,
            managed=False,
            public_url=row["public_url"],
            config=str((folder / row["config"]).resolve()) if row["config"] else None,
            guides=tuple(str((folder / each).resolve()) for each in row["guides"]),
        )
        if tenant.name == DEFAULT_TENANT:
            _only_limits(n, row, file)
        else:
            _checked(n, tenant, found, file)
        found[tenant.name] = tenant
    return found


def _checked(n: int, tenant: Tenant, known: dict[str, Tenant], file: Path | None) -> None:
    try:
        check_tenant(tenant, known)
    except ValueError as error:
        key, _, said = str(error).partition(": expected ")
        expected, _, got = said.partition(", got ")
        raise _flaw(f"tenants[{n}].{key}", expected, got, file) from None


def _only_limits(n: int, row: dict[str, Any], file: Path | None) -> None:
    for key in ("hosts", "config", "guides", "public_url"):
        if row[key]:
            raise _flaw(f"tenants[{n}].{key}", "only limits of the installation's own tenant", str(row[key]), file)


def _flaw(key: str, expected: str, got: str, file: Path | None) -> ConfigError:
    return ConfigError([Flaw(key=key, expected=expected, got=got, where=str(file or "tocsin.toml"))])


def same(one: Tenant, other: Tenant) -> bool:
    """Whether two records differ in nothing that somebody said."""
    return msgspec.structs.replace(one, created_at=None, state="active") == msgspec.structs.replace(
        other, created_at=None, state="active"
    )
