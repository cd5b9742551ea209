"""The console, Apprise, what is loaded on demand, and the threads that blocking calls run in."""

from __future__ import annotations

import asyncio
import io
import subprocess
import sys
import threading

import pytest

from tests.senders.messages import message
from tests.senders.servers import Web, listening, response
from tocsin.ports import Receipt
from tocsin.senders.apprise import AppriseSender
from tocsin.senders.console import ConsoleSender
from tocsin.senders.ondemand import APPRISE, OnDemand
from tocsin.threads import Threads

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


def test_the_console_shows_one_line_with_what_matters():
    stream = io.StringIO()

    receipt = asyncio.run(ConsoleSender(stream).send(message("console", "ana", subject="two\nlines")))

    assert receipt == Receipt(code="sent")
    assert stream.getvalue() == (
        "2026-03-04T03:02:00Z page for ana: two lines acknowledge: https://tocsin.example/a/token "
        "incident: https://tocsin.example/incidents/INC-2026-001\n"
    )


def test_many_lines_at_once_never_mix():
    stream = io.StringIO()

    async def story() -> None:
        sender = ConsoleSender(stream)
        await asyncio.gather(*(sender.send(message("console", f"person-{n}")) for n in range(50)))

    asyncio.run(story())
    lines = stream.getvalue().splitlines()
    assert len(lines) == 50
    assert all(line.startswith("2026-03-04T03:02:00Z page for person-") for line in lines)


def notified(sender: AppriseSender | OnDemand, **changes) -> tuple[Receipt, Web]:
    async def story() -> tuple[Receipt, Web]:
        web = Web(response(200))
        async with listening(web) as port:
            receipt = await sender.send(message("apprise", f"json://127.0.0.1:{port}/", **changes))
            await sender.close()
        return receipt, web

    return asyncio.run(story())


def test_apprise_is_given_the_subject_and_the_text():
    receipt, web = notified(AppriseSender())

    assert receipt == Receipt(code="sent")
    assert web.seen[0].json["title"] == "[SEV-1] Checkout is failing (INC-2026-001)"
    assert "https://tocsin.example/a/token" in web.seen[0].json["message"]
    assert web.seen[0].json["type"] == "failure"


def test_the_secret_of_an_apprise_url_is_in_no_receipt():
    async def story() -> Receipt:
        async with listening(Web(response(500))) as port:
            return await AppriseSender().send(message("apprise", f"json://canary:canary@127.0.0.1:{port}/canary"))

    receipt = asyncio.run(story())
    assert receipt.code == "refused"
    assert "canary" not in receipt.detail


def test_a_sender_is_loaded_by_its_first_message():
    receipt, web = notified(OnDemand("apprise", APPRISE))

    assert receipt.code == "sent"
    assert len(web.seen) == 1


@pytest.mark.parametrize("target", ["tocsin.no_such_module:Sender", "no_such_package.x:Sender"])
def test_a_library_that_is_missing_is_a_receipt(target):
    receipt = asyncio.run(OnDemand("carrier-pigeon", target).send(message("apprise", "pigeon://")))

    assert (receipt.code, receipt.permanent) == ("misconfigured", True)
    assert "the library for carrier-pigeon cannot be loaded" in receipt.detail


def test_apprise_is_not_loaded_until_it_is_used():
    code = "import sys, tocsin.senders.ondemand as o; o.OnDemand('apprise', o.APPRISE); print('apprise' in sys.modules)"

    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert told.stdout.strip() == "False"


def test_a_call_that_hangs_keeps_neither_the_loop_nor_the_end_of_the_process():
    code = (
        "import asyncio, threading\n"
        "from tocsin.threads import Threads\n"
        "async def main():\n"
        "    try:\n"
        "        await asyncio.wait_for(Threads('x', 1).run(threading.Event().wait), 0.1)\n"
        "    except TimeoutError:\n"
        "        print('given up')\n"
        "asyncio.run(main())\n"
    )

    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=10)

    assert told.stdout.strip() == "given up"


def test_no_more_than_the_most_run_at_once_and_all_get_their_turn():
    running, peak, lock = [], [], threading.Lock()

    def task() -> int:
        with lock:
            running.append(1)
            peak.append(len(running))
        with lock:
            running.pop()
        return 7

    async def story() -> list[int]:
        threads = Threads("x", 2)
        return await asyncio.gather(*(threads.run(task) for _ in range(20)))

    assert asyncio.run(story()) == [7] * 20
    assert max(peak) <= 2


def test_an_error_in_a_thread_reaches_the_caller():
    def broken() -> None:
        raise OSError("no route")

    with pytest.raises(OSError, match="no route"):
        asyncio.run(Threads("x", 1).run(broken))
