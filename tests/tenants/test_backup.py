"""A backup copies every tenant, and a restore brings every one back."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.tenants.asking import ask, installation, token_of
from tocsin.audit import AuditService
from tocsin.store import backup as copies

pytestmark = pytest.mark.slow

AT = datetime(2026, 11, 28, 12, tzinfo=UTC)
CONFIG = '[[tenants]]\nname = "acme"\nhosts = ["acme.test"]\n'


async def declared(house, host: str, token: str, title: str) -> None:
    said = await ask(house, host, "POST", "/api/incidents", token=token, body={"title": title})
    assert said.status == 201


async def titles(house, host: str, token: str) -> list[str]:
    said = await ask(house, host, "GET", "/api/incidents", token=token)
    return [each["title"] for each in said.json()["items"]]


def test_everybody_comes_back_and_signers_stay(tmp_path: Path):
    data, file = tmp_path / "data", tmp_path / "all.tgz"

    async def before() -> None:
        async with installation(tmp_path, CONFIG) as house:
            await declared(house, "127.0.0.1", token_of(house.main), "Ours")
            await declared(house, "acme.test", token_of(house.running["acme"]), "Theirs")
            await asyncio.to_thread(copies.backup, data, file, AT)
            await declared(house, "acme.test", token_of(house.running["acme"]), "Too late")

    async def after() -> None:
        async with installation(tmp_path, CONFIG) as house:
            assert await titles(house, "127.0.0.1", token_of(house.main)) == ["Ours"]
            assert await titles(house, "acme.test", token_of(house.running["acme"])) == ["Theirs"]

    asyncio.run(before())
    key = (data / "tenants" / "acme" / "signer" / "key").read_bytes()
    copies.restore(file, data, AT, force=True)
    assert (data / "tenants" / "acme" / "signer" / "key").read_bytes() == key
    asyncio.run(after())
    for name in ("default", "acme"):
        _, violations = AuditService.verify_chain(data / "tocsin.db", tenant_id=name)
        assert [each.code for each in violations] == ["rollback"]  # which no restore may hide
