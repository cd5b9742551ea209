"""A real kill -9 between send and receipt: the page goes out again after the restart, with the same id."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from tests.senders.servers import Web, listening, response

ROOT = Path(__file__).parents[1]


def child(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "tests.delivery_child", *(str(each) for each in arguments)]


@pytest.mark.slow
def test_a_process_killed_between_send_and_receipt_sends_the_page_again_with_the_same_id(tmp_path):
    async def story() -> tuple[Web, int, str]:
        victim: asyncio.subprocess.Process | None = None

        async def kill_the_first() -> None:
            if len(web.seen) == 1 and victim is not None:
                victim.kill()
                await victim.wait()

        web = Web(response(200), before=kill_the_first)
        async with listening(web) as port, asyncio.timeout(30):
            victim = await asyncio.create_subprocess_exec(*child(tmp_path, port, 0, "open"), cwd=ROOT)
            killed = await victim.wait()
            heir = await asyncio.create_subprocess_exec(
                *child(tmp_path, port, 61, "resume"), cwd=ROOT, stdout=asyncio.subprocess.PIPE
            )
            said, _ = await heir.communicate()
        return web, killed, said.decode().strip()

    web, killed, page = asyncio.run(story())
    assert killed == -9
    assert [request.headers["webhook-id"] for request in web.seen] == [page, page]
    assert page
