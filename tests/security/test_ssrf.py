"""Where outsiders, and people without rights, may make Tocsin connect to: the public internet and nowhere else."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.senders.messages import message
from tests.senders.push_browser import Browser
from tests.senders.servers import Web, listening, response
from tocsin.clock import SystemClock
from tocsin.devices import VAPID
from tocsin.senders.fetch import Fetcher
from tocsin.setting.config import load
from tocsin.vapid import vapid_pem
from tocsin.wiring.sending import senders

INSIDE = ("127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f000001", "0177.0.0.1", "localhost", "10.0.0.1")
NEVER = ("169.254.169.254", "[fd00:ec2::254]", "0.0.0.0", "[::]", "[64:ff9b::a9fe:a9fe]", "[::ffff:169.254.169.254]")


def told(tmp_path: Path, kind: str, address: str) -> str:
    """The code of the receipt, from a sender as an installation without configuration has it."""

    vapid_pem(tmp_path / VAPID)

    async def story() -> str:
        made = senders(load(None, {}, {"server.data": str(tmp_path)}), SystemClock(), lambda name: None)
        try:
            receipt = await made[kind].send(message(kind, address))
        finally:
            for each in made.values():
                await each.close()
        return receipt.code

    return asyncio.run(story())


@pytest.mark.parametrize("host", [*INSIDE, *NEVER])
@pytest.mark.parametrize("kind", ["subscriber-webhook", "webpush"])
def test_what_anybody_may_name_is_public(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, host: str):
    monkeypatch.chdir(tmp_path)
    url = f"http://{host}:9/x"
    address = Browser(url).address if kind == "webpush" else url

    assert told(tmp_path, kind, address) in ("bad_address", "misconfigured")  # VAPID signs for no address in brackets


@pytest.mark.parametrize("host", NEVER)
@pytest.mark.parametrize("kind", ["webhook", "ntfy", "teams"])
def test_what_administrators_name_is_never_a_metadata_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, host: str
):
    monkeypatch.chdir(tmp_path)

    assert told(tmp_path, kind, f"http://{host}:9/x") == "bad_address"


@pytest.mark.parametrize("host", [*INSIDE, *NEVER])
def test_a_provider_that_is_watched_is_public(host: str):
    async def story() -> None:
        fetcher = Fetcher()
        with pytest.raises(OSError, match=r"private|reserved"):
            await fetcher.get(f"http://{host}:9/feed")
        await fetcher.close()

    asyncio.run(story())


def test_no_receiver_can_send_a_page_on_to_the_inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    inside = Web(response(200))

    async def story() -> None:
        async with listening(inside) as port:
            outside = Web(response(307, Location=f"http://127.0.0.1:{port}/secret"))
            async with listening(outside) as front:
                code = await asyncio.to_thread(told, tmp_path, "webhook", f"http://127.0.0.1:{front}/hook")
                assert code == "refused"
                assert len(outside.seen) == 1

    asyncio.run(story())
    assert inside.seen == []
