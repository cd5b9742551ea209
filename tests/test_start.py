"""A restart is short: what no start needs is loaded when somebody first needs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = (
    *("apprise", "slack_sdk", "pywebpush", "nh3"),  # senders and what they send
    *("holidays", "icalendar", "recurring_ical_events"),  # schedules
    *("markdown_it", "tocsin.guide", "tocsin.policyfile"),  # guides and policies as files
    *("py_vapid", "tocsin.vapid"),  # web push
    *("cryptography", "tocsin.verifier", "tocsin.anchors.signer"),  # the signer is a process of its own
    *("argon2", "authlib", "joserfc", "pyotp", "webauthn"),  # ways to sign in
    *("jsonschema", "pydantic", "attr", "typer", "rich"),
)
STARTED = """
import asyncio, ssl, sys
from pathlib import Path
from tocsin.app import App
from tocsin.setting.config import load

async def lived(app):
    await app.start()
    await app.stop()

asyncio.run(lived(App(load(None, {}, {"server.data": sys.argv[1]}))))
"""
SERVER = ("tocsin.app", "tocsin.process", "litestar", "uvicorn", "jinja2", "sqlite3", "asyncio", "msgspec", "typer")


def loaded(code: str, *arguments: str) -> set[str]:
    """The modules that a fresh process has loaded once it has run `code`."""
    told = f"{code}\nimport sys\nprint(*sys.modules, sep='\\n')"
    run = subprocess.run([sys.executable, "-c", told, *arguments], check=True, capture_output=True, text=True)
    return set(run.stdout.splitlines())


@pytest.mark.parametrize("module", ["tocsin.app", "tocsin.process"])
def test_the_server_loads_nothing_heavy_that_it_can_start_without(module: str):
    assert loaded(f"import {module}").isdisjoint(HEAVY)


@pytest.mark.slow
def test_a_server_that_has_started_has_loaded_nothing_heavy(tmp_path: Path):
    assert loaded(STARTED, str(tmp_path)).isdisjoint(HEAVY)


def test_the_version_is_said_without_loading_the_server():
    modules = loaded("from tocsin.cli.main import main\nmain()", "--version")

    assert "tocsin.cli.main" in modules
    assert modules.isdisjoint(SERVER)
