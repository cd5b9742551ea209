"""A real kill -9 in the middle of many mails: everybody gets theirs, and a double has the id of the first."""

from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.senders.servers import Mailbox, mail_server

ROOT = Path(__file__).parents[1]
COUNT = int(os.environ.get("TOCSIN_MANY", "1500"))  # 10,000 takes minutes on a busy machine
KILLED_AT = COUNT * 2 // 5
DOUBLES_MAX = 264  # what was handed out but not recorded: a lane's places, and outcomes that were being gathered


@pytest.mark.slow
def test_every_subscriber_gets_the_mail_across_a_kill(tmp_path):
    async def story() -> tuple[Mailbox, int, str]:
        victim: asyncio.subprocess.Process | None = None

        async def kill_in_the_middle() -> None:
            if len(box.raw) == KILLED_AT and victim is not None:
                victim.kill()
                await victim.wait()

        box = Mailbox()
        box.before_answer = kill_in_the_middle
        async with mail_server(box) as port, asyncio.timeout(max(240, COUNT // 10)):
            command = [sys.executable, "-m", "tests.announcing_child", str(tmp_path), str(port), str(COUNT)]
            victim = await asyncio.create_subprocess_exec(*command, cwd=ROOT)
            killed = await victim.wait()
            heir = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
            said, _ = await heir.communicate()
        return box, killed, said.decode().strip()

    box, killed, said = asyncio.run(story())
    got = Counter(to for _, recipients in box.envelopes for to in recipients)
    ids = {}
    for mail, (_, recipients) in zip(box.mails, box.envelopes, strict=True):
        ids.setdefault(recipients[0], set()).add(mail["Message-ID"])
    assert killed == -9
    assert said == f"{COUNT} 0 0"
    assert set(got) == {f"p{n}@example.org" for n in range(COUNT)}
    assert sum(got.values()) - COUNT <= DOUBLES_MAX
    assert all(len(each) == 1 for each in ids.values()), "a double carries the id of the first"
    assert len({next(iter(each)) for each in ids.values()}) == COUNT
