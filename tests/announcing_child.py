"""A Tocsin in a process of its own, to be killed: `-m tests.announcing_child FOLDER PORT COUNT`.

Owes one announcement to COUNT mail addresses unless it is owed already, and ends when none is owed any more.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta
from pathlib import Path

from tests.test_announcing import FAST, Square, said
from tests.test_delivery import Town
from tocsin.core.announcement import Recipient
from tocsin.saying.paces import Paces
from tocsin.senders.email import EmailSender


async def main(folder: str, port: str, count: str) -> None:
    town = Town(Path(folder))
    town.email = EmailSender(host="127.0.0.1", port=int(port), sender="status@example.org", tls="none")  # type: ignore[assignment]
    town.delivery = town.made()
    square = Square(town, Paces(FAST))
    announcing = asyncio.create_task(square.announcing.run())
    people = (Recipient(kind="email", address=f"p{n}@example.org") for n in range(int(count)))
    await square.owe(said(), *people)
    while await town.do(town.store.next_announcement) is not None:
        await asyncio.sleep(0.05)
        town.clock.advance(timedelta(seconds=0.05))
    await square.announcing.stop()
    await announcing
    (told,) = await town.do(lambda: town.store.announced("default"))  # type: ignore[misc]
    print(told.sent, told.failed, told.pending, flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
