"""`tocsin tenant`, and the commands of this machine for one of several tenants."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.server import Answering
from tests.tenants.asking import ask, installation, token_of


def test_a_tenant_is_created_with_limits(run: Run, server: Answering):
    server.says("POST", "/api/tenants", {"sign_in": "http://acme.test/sign-in/x"}, status=201)

    made = run("tenant", "create", "acme", "--host", "acme.test", "--limit", "people=5")

    assert made.out.strip() == "http://acme.test/sign-in/x"
    assert server.last.json == {"name": "acme", "hosts": ["acme.test"], "limits": {"people": 5}}


@pytest.mark.parametrize("limit", ["people", "people=many", "colour=1", "people=-1"])
def test_a_limit_is_a_name_and_a_number(run: Run, server: Answering, limit: str):
    refused = run("tenant", "create", "acme", "--host", "acme.test", "--limit", limit)

    assert refused.code == 2 and "NAME=NUMBER" in refused.err


def test_a_command_speaks_to_the_tenant_that_is_named(
    run: Run, server: Answering, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    house = tmp_path / "data" / "tenants" / "acme"
    house.mkdir(parents=True)
    (house / "host").write_text("acme.test\n")
    (house / "cli.token").write_text("toc_of_acme\n")
    server.says("GET", "/api/tokens", {"items": []})
    monkeypatch.delenv("TOCSIN_URL")
    monkeypatch.setenv("TOCSIN_LISTEN", server.url.removeprefix("http://"))
    monkeypatch.setenv("TOCSIN_TENANT", "acme")

    assert run("token", "list").code == 0
    assert server.last.headers["host"] == "acme.test"
    assert server.last.headers["authorization"] == "Bearer toc_of_acme"

    monkeypatch.setenv("TOCSIN_TENANT", "nobody")
    assert "expected the host of a tenant" in run("token", "list").err


@pytest.mark.slow
def test_the_commands_of_this_machine_take_a_tenant(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch):
    async def story() -> None:
        async with installation(tmp_path, "") as house:
            form = {"name": "made", "hosts": ["made.test"]}
            admin = token_of(house.main)
            assert (await ask(house, "127.0.0.1", "POST", "/api/tenants", token=admin, body=form)).status == 201

    asyncio.run(story())
    monkeypatch.chdir(tmp_path)
    common = ("--config", str(tmp_path / "tocsin.toml"), "--data", str(tmp_path / "data"))
    for words in (("--tenant", "made"), ()):
        assert run("audit", "verify", *words, *common).code == 0
    assert run("audit", "verify", "--tenant", "nobody", *common).code == 1
    monkeypatch.setenv("TOCSIN_TENANT", "made")
    found = json.loads(run("doctor", "--format", "json", *common).out)
    assert any(str(Path("tenants") / "made" / "tocsin.db") in each["text"] for each in found)
    assert run("backup", str(tmp_path / "made.tgz"), *common).code == 0
    monkeypatch.setenv("TOCSIN_TENANT", "nobody")
    assert run("backup", str(tmp_path / "nobody.tgz"), *common).code == 3
