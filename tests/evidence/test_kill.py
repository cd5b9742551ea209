"""A server that is killed while evidence comes in: no fact without its content, nothing half written is left."""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.path.server import Tocsin, eventually

pytestmark = pytest.mark.slow
MIB = 1024 * 1024


@pytest.fixture
def tocsin(tmp_path: Path) -> Iterator[Tocsin]:
    made = Tocsin(tmp_path)
    yield made
    made.stop()


class Asked:
    def __init__(self, tocsin: Tocsin) -> None:
        self.token = (tocsin.folder / "data" / "cli.token").read_text().strip()
        self.client = httpx2.Client(base_url=tocsin.url, headers={"Authorization": f"Bearer {self.token}"}, timeout=60)


def test_a_kill_in_the_middle_of_an_upload_leaves_no_fact_and_no_file(tocsin: Tocsin) -> None:
    asked = Asked(tocsin)
    incident = asked.client.post("/api/incidents", json={"title": "x"}).json()["id"]
    kept = asked.client.post(f"/api/incidents/{incident}/evidence", params={"name": "whole"}, content=b"whole")
    assert kept.status_code == 201, kept.text
    spool = tocsin.folder / "data" / ".evidence-spool"

    where = urlsplit(tocsin.url)
    with socket.create_connection((where.hostname, where.port)) as line:
        head = f"POST /api/incidents/{incident}/evidence?name=half HTTP/1.1\r\nHost: {where.netloc}\r\n"
        head += f"Authorization: Bearer {asked.token}\r\nContent-Length: {64 * MIB}\r\n\r\n"
        line.sendall(head.encode())
        line.sendall(os.urandom(8 * MIB))
        eventually(lambda: any(each.stat().st_size > MIB for each in spool.glob("*.part")))
        tocsin.kill()
    asked.client.close()
    assert list(spool.glob("*.part"))

    tocsin.start()
    asked = Asked(tocsin)
    eventually(lambda: not list(spool.glob("*.part")))
    items = asked.client.get(f"/api/incidents/{incident}/evidence").json()["items"]
    assert [each["name"] for each in items] == ["whole"]
    assert asked.client.get(f"/api/incidents/{incident}/evidence/1/content").content == b"whole"
    asked.client.close()


def test_a_large_upload_stays_small_in_memory(tocsin: Tocsin) -> None:
    asked = Asked(tocsin)
    incident = asked.client.post("/api/incidents", json={"title": "x"}).json()["id"]
    asked.client.post(f"/api/incidents/{incident}/evidence", params={"name": "warm"}, content=b"\x00" * MIB)
    piece = b"\x00" + os.urandom(MIB - 1)
    digest = hashlib.sha256()
    before = peak(tocsin)

    def coming() -> Iterator[bytes]:
        for _ in range(384):
            digest.update(piece)
            yield piece

    made = asked.client.post(f"/api/incidents/{incident}/evidence", params={"name": "big"}, content=coming())

    assert (made.status_code, made.json()["size"]) == (201, 384 * MIB)
    assert made.json()["sha256"] == digest.hexdigest()
    assert peak(tocsin) - before < 48 * MIB
    asked.client.close()


def peak(tocsin: Tocsin) -> int:
    """The most memory that the server ever held."""
    lines = Path(f"/proc/{tocsin.pid}/status").read_text().splitlines()
    return next(int(each.split()[1]) * 1024 for each in lines if each.startswith("VmHWM:"))
