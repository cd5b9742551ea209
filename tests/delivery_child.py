"""A Tocsin in a process of its own, to be killed: `-m tests.delivery_child FOLDER PORT SECONDS_LATER open|resume`.

Opens an incident (`open`), delivers its page to the webhook on PORT, and ends when the receipt is stored.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta
from pathlib import Path

from tests.test_delivery import Town, person
from tocsin.core.facts import PageSent
from tocsin.senders.webhook import WebhookSender


async def main(folder: str, port: str, later: str, act: str) -> None:
    town = Town(Path(folder), person("ana", ("webhook", f"http://127.0.0.1:{port}/", 0)))
    town.clock.advance(timedelta(seconds=int(later)))
    town.webhook = WebhookSender(clock=town.clock, allow_private=True)  # type: ignore[assignment]
    town.delivery = town.made()
    delivering = asyncio.create_task(town.delivery.run())
    if act == "open":
        await town.alert()
    (sent,) = await town.facts("i1", PageSent)
    await town.delivery.stop()
    await delivering
    print(sent.page, flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
