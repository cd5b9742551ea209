"""`tocsin backup` and `tocsin restore`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from tocsin.cli.files import must_read
from tocsin.cli.output import USAGE, fail, say
from tocsin.cli.settings import ConfigFile, DataDir, configured
from tocsin.clock import SystemClock
from tocsin.setting.config import Config
from tocsin.store import backup as copies
from tocsin.store.backup import BackupError, Manifest
from tocsin.store.migrate import SchemaError
from tocsin.store.sqlite import DataInUse


def backup(
    file: Annotated[Path, typer.Argument(help="the file to write, such as tocsin-2026-11-23.tgz")],
    config: ConfigFile = None,
    data: DataDir = None,
) -> None:
    """Copy the database, the journal and the secrets into one file. The server may run meanwhile."""
    if not file.parent.is_dir():
        fail(f"{file}: expected a file in a directory that is there, got {file.parent}, which is none", USAGE)
    told = _embedded(configured(config, data))
    manifest = _done(lambda: copies.backup(told.data, file, SystemClock().now()))
    say(f"{file}: {file.stat().st_size} bytes, schema {manifest.schema}, journal consumed to {manifest.consumed}")


def restore(
    file: Annotated[Path, typer.Argument(help="a file that `tocsin backup` wrote")],
    config: ConfigFile = None,
    data: DataDir = None,
    force: Annotated[bool, typer.Option("--force", help="put aside what is in the data directory now")] = False,
    keep_tokens: Annotated[
        bool, typer.Option("--keep-tokens", help="none was revoked since: they count without being confirmed")
    ] = False,
) -> None:
    """Make the data directory what the backup holds. The server must not run."""
    must_read(file, "a backup made by `tocsin backup`")
    told = _embedded(configured(config, data))
    manifest = _done(lambda: copies.restore(file, told.data, SystemClock().now(), force=force, keep_tokens=keep_tokens))
    say(f"{told.data}: as it was on {manifest.made_at:%Y-%m-%d %H:%M:%S} UTC")
    if not keep_tokens:
        say("its tokens count once they are confirmed (alerts are taken meanwhile): tocsin token list, token confirm")


def _embedded(told: Config) -> Config:
    if told.database != told.data / copies.DATABASE:
        fail(f"the database is {told.database}, outside of the data directory; copy it with SQLite's own tools")
    return told


def _done(act: Callable[[], Manifest]) -> Manifest:
    try:
        return act()
    except (BackupError, SchemaError, DataInUse, OSError) as error:
        fail(str(error))
