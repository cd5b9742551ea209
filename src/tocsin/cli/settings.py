"""The configuration as the commands that run on the server's machine take it: --config, --data, --listen."""

from __future__ import annotations

import os
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from tocsin.cli.output import NO_MATCH, USAGE, Stop
from tocsin.core.tenants import TENANT as KIND, Tenant
from tocsin.setting.config import Config, load, of_tenant
from tocsin.setting.file import ConfigError

TENANT = "TOCSIN_TENANT"  # the environment variable
ConfigFile = Annotated[Path | None, typer.Option("--config", "-c", help="tocsin.toml; else the one here, if any")]
DataDir = Annotated[str | None, typer.Option("--data", help="the data directory")]
Listen = Annotated[str | None, typer.Option("--listen", help="HOST:PORT")]


def configured(
    file: Path | None, data: str | None = None, listen: str | None = None, tenant: str | None = None
) -> Config:
    """The configuration, of the tenant that is named or that TOCSIN_TENANT names; ends the command with every flaw
    named when there is one."""
    try:
        return of_house(load(file, os.environ, {"server.data": data, "server.listen": listen}), tenant)
    except ConfigError as error:
        raise Stop(str(error), USAGE) from None


def of_house(main: Config, tenant: str | None = None) -> Config:
    """The configuration of one tenant of the installation. Raises ConfigError."""
    name = tenant or os.environ.get(TENANT) or main.tenant
    if name == main.tenant:
        return main
    record = next((each for each in main.tenants if each.name == name), None)
    record = record or (_stored(main, name) if main.database.is_file() else None)
    if record is None:
        raise Stop(f"no tenant of the installation in {main.data} is called {name!r}", NO_MATCH)
    return of_tenant(record, main)


def _stored(main: Config, name: str) -> Tenant | None:
    connect = import_module("tocsin.store.sqlite").connect  # only for whoever names a tenant
    with closing(connect(main.database, read_only=True)) as db:
        row = db.execute(
            "SELECT value FROM documents WHERE tenant = ? AND kind = ? AND name = ?", (main.tenant, KIND, name)
        ).fetchone()
    return msgspec.json.decode(row[0], type=Tenant) if row else None
