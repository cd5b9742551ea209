"""`tocsin dashboard`: the incident dashboard of the guides in force, for Grafana."""

from __future__ import annotations

from typing import Annotated

import typer

from tocsin.cli.client import connect
from tocsin.cli.output import show_json
from tocsin.core.grafana import Form

app = typer.Typer(no_args_is_help=True)


@app.callback()
def dashboard() -> None:
    """The incident dashboard of the guides in force, for Grafana."""


@app.command()
def export(
    form: Annotated[
        Form,
        typer.Option(
            "--form", help="api: for POST /api/dashboards/db; file: to import or provision; guide: as it is printed"
        ),
    ] = "api",
    guide: Annotated[str | None, typer.Option("--guide", help="of this guide only")] = None,
) -> None:
    """Print the dashboard as JSON: the guide's own panels, and further ones from /metrics."""
    show_json(connect().get("/api/dashboards/grafana", form=form, guide=guide))
