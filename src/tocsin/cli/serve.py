"""`tocsin serve`."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from tocsin.cli.output import FAILURE, Stop, note
from tocsin.cli.settings import ConfigFile, DataDir, Listen, configured


def serve(
    config: ConfigFile = None,
    guide: Annotated[
        list[Path] | None, typer.Option("--guide", "-g", help="a guide: .md, .yaml or .json; may be repeated")
    ] = None,
    data: DataDir = None,
    listen: Listen = None,
) -> None:
    """Start the server. It stops on SIGTERM and SIGINT, within six seconds."""
    told = configured(config, data, listen)
    for warning in told.warnings:
        note(f"tocsin: {told.file or 'configuration'}: {warning}")
    process = import_module("tocsin.process")  # the server stack: no other command waits for it to load
    code = process.serve(told, tuple(guide or ()))
    if code:
        raise Stop(code=code if isinstance(code, int) else FAILURE)
