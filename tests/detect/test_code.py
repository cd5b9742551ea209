"""Failure modes in code: each is found where it is, and what looks like one and is none is left alone."""

from __future__ import annotations

import textwrap

import pytest
from hypothesis import given, strategies as st

from tocsin.detect.code import looked_at
from tocsin.detect.coderules import BLOCK, HANDLER, RETRY, SWALLOW, TASK, UNREAD, WAIT


def rules(text: str) -> list[str]:
    return [each.rule for each in looked_at(textwrap.dedent(text), "shop.py")]


WAITING = """
import asyncio
import queue
import smtplib
import socket
import subprocess
import threading
import urllib.request

import httpx
import psycopg
import redis
import requests


class Shop:
    def __init__(self):
        self.session = requests.Session()
        self.lock = threading.Lock()
        self.orders = queue.Queue()

    def pay(self):
        requests.post("https://pay.example", json={})  # 1
        self.session.get("https://pay.example")  # 2
        httpx.get("https://pay.example", timeout=None)  # 3
        with httpx.Client(timeout=None) as client:  # 4
            client.get("https://pay.example")
        urllib.request.urlopen("https://pay.example")  # 5
        subprocess.run(["git", "fetch"])  # 6
        socket.create_connection(("pay.example", 443))  # 7
        smtplib.SMTP("mail.example")  # 8
        redis.Redis(host="redis")  # 9
        psycopg.connect("postgresql://db/shop")  # 10
        self.orders.get()  # 11
        self.lock.acquire()  # 12

    async def listen(self):
        reader, writer = await asyncio.open_connection("pay.example", 443)  # 13
        await reader.readline()  # 14
"""


def test_every_wait_without_a_limit_is_found_where_it_is():
    found = [each for each in looked_at(WAITING, "shop.py") if each.rule == WAIT]

    lines = WAITING.splitlines()
    assert [lines[each.line - 1].partition("# ")[2] for each in found] == [str(n) for n in range(1, 15)]
    assert found[0].message == "Shop.pay: requests.post waits for the server without a limit"
    assert found[0].hint == "Pass timeout=SECONDS."
    assert found[2].message == "Shop.pay: httpx.get takes its limit away and waits for the server without a limit"
    assert found[9].hint == "Pass connect_timeout=SECONDS and a statement_timeout."
    levels = [each.level for each in found]
    assert (levels.count("warning"), levels.count("note")) == (9, 5)


BOUNDED = """
import asyncio, queue, smtplib, socket, subprocess, threading, urllib.request
import httpx, psycopg, redis, requests
from requests import get as fetch

OPTIONS = {"timeout": 3}

def pay(session: requests.Session, other):
    requests.post("https://pay.example", timeout=3)
    session.get("https://pay.example", timeout=(3, 10))
    fetch("https://pay.example", **OPTIONS)
    other.get("https://pay.example")
    httpx.get("https://pay.example")
    urllib.request.urlopen("https://pay.example", None, 3)
    subprocess.run(["git", "fetch"], timeout=60)
    socket.create_connection(("pay.example", 443), 3)
    smtplib.SMTP("mail.example", timeout=3)
    redis.Redis(host="redis", socket_timeout=1)
    psycopg.connect("postgresql://db/shop?connect_timeout=3")
    orders = queue.Queue()
    orders.get(timeout=3)
    orders.get(False)
    lock = threading.Lock()
    lock.acquire(blocking=False)
    with lock:
        pass
    {}.get("key")

def work(orders: queue.Queue):
    while True:
        orders.get()()

async def listen():
    async with asyncio.timeout(3):
        reader, writer = await asyncio.open_connection("pay.example", 443)
    await asyncio.wait_for(reader.readline(), 3)
"""


def test_what_has_a_limit_or_is_nobody_knows_what_is_left_alone():
    assert looked_at(BOUNDED, "shop.py") == []


def test_a_limit_for_all_sockets_counts_for_sockets_only():
    text = """
        import socket, urllib.request, requests
        socket.setdefaulttimeout(3)
        urllib.request.urlopen("https://pay.example")
        requests.get("https://pay.example")
    """

    (found,) = looked_at(textwrap.dedent(text), "shop.py")

    assert (found.rule, found.line) == (WAIT, 5)


@pytest.mark.parametrize(
    "handler",
    [
        "except:\n    pass",
        "except Exception:\n    pass",
        "except (ValueError, BaseException) as error:\n    return None",
        "except Exception:\n    return []",
        "except Exception:\n    ...",
        "finally:\n    return 1",
    ],
)
def test_an_error_that_vanishes_is_found(handler: str):
    text = "def pay():\n    try:\n        charge()\n" + textwrap.indent(handler, "    ")

    assert rules(text) == [SWALLOW]


@pytest.mark.parametrize(
    "handler",
    [
        "except ValueError:\n    pass",
        "except Exception:\n    log.exception('cannot pay')",
        "except Exception:\n    failures += 1",
        "except Exception:\n    raise PayError from None",
        "except Exception as error:\n    return str(error)",
        "except Exception:\n    return False",
        "except Exception:\n    ok = False",
        "finally:\n    done()",
    ],
)
def test_an_error_that_is_answered_is_left_alone(handler: str):
    text = "def pay():\n    try:\n        charge()\n" + textwrap.indent(handler, "    ")

    assert rules(text) == []


def test_what_cannot_be_closed_may_vanish():
    assert rules("try:\n    connection.close()\nexcept Exception:\n    pass") == []


def test_what_tidies_up_may_lose_an_error():
    text = "import contextlib\ndef close():\n    with contextlib.suppress(Exception):\n        flush()"

    assert rules(text) == []


def test_suppressing_everything_is_the_same():
    text = "import contextlib\nwith contextlib.suppress({}):\n    charge()"

    assert rules(text.format("Exception")) == [SWALLOW]
    assert rules(text.format("KeyError")) == []


def test_a_retry_that_never_rests_is_found():
    text = """
        def connect():
            while True:
                try:
                    return dial()
                except OSError:
                    log.warning("again")
    """

    assert rules(text) == [RETRY]


@pytest.mark.parametrize(
    ("body", "handler"),
    [
        ("return dial()", "nap(1)"),
        ("return dial()", "stop.wait(1)"),
        ("return dial()", "raise"),
        ("return dial()", "tries -= 1\n            if not tries:\n                raise"),
        ("handle(orders.get())", "log.exception('order')"),
        ("return dial()", "self.throttle()"),
        ("return text.decode()", "text = text[:-1]"),
    ],
)
def test_a_loop_that_rests_or_ends_or_is_no_retry_is_left_alone(body: str, handler: str):
    text = f"""
from time import sleep as nap
def connect():
    while True:
        try:
            {body}
        except OSError:
            {handler}
"""

    assert rules(text) == []


def test_a_function_that_calls_itself_when_it_failed_is_a_retry():
    text = """
        class Shop:
            def pay(self, order):
                try:
                    charge(order)
                except OSError:
                    return self.pay(order)

        from time import sleep as nap
        def pay(order, tries):
            try:
                charge(order)
            except OSError:
                return pay(order, tries - 1)

        def later(order):
            try:
                charge(order)
            except OSError:
                nap(60)
                return later(order)

        def read(text):
            try:
                charge(text)
            except UnicodeError:
                return read(text.encode())
    """

    (found,) = looked_at(textwrap.dedent(text), "shop.py")

    assert (found.rule, found.line) == (RETRY, 7)


def test_a_task_that_nobody_holds_and_a_coroutine_that_never_runs_are_found():
    text = """
        import asyncio
        async def ship(): ...
        class Shop:
            async def pay(self): ...
            async def sell(self):
                asyncio.create_task(ship())
                self.pay()
                ship()
                task = asyncio.create_task(ship())
                await self.pay()
                await task
    """

    found = looked_at(textwrap.dedent(text), "shop.py")

    assert [(each.rule, each.line) for each in found] == [(TASK, 7), (TASK, 8), (TASK, 9)]
    assert found[1].message == "Shop.sell: self.pay is never awaited, so that it never runs"


def test_what_blocks_the_event_loop_is_found():
    text = """
        import requests
        from time import sleep as nap
        async def pay():
            nap(1)
            requests.get("https://pay.example", timeout=3)
            def inside():
                nap(1)
        def other():
            nap(1)
    """

    found = looked_at(textwrap.dedent(text), "shop.py")

    assert [(each.rule, each.line) for each in found] == [(BLOCK, 5), (BLOCK, 6)]


def test_a_request_that_fails_with_its_dependency_is_a_note():
    text = """
        import requests
        @app.get("/cart")
        def cart():
            return requests.get("https://stock.example", timeout=3).json()

        @app.post("/pay")
        def pay():
            try:
                return requests.post("https://pay.example", timeout=3).json()
            except requests.RequestException:
                return "later", 503

        @cache.get("key")
        def other():
            requests.get("https://stock.example", timeout=3)
    """

    (found,) = looked_at(textwrap.dedent(text), "shop.py")

    assert (found.rule, found.level, found.line) == (HANDLER, "note", 5)


def test_whoever_wrote_a_line_may_say_that_they_know():
    assert rules("import requests\nrequests.get('https://x')  # tocsin: allow, the proxy has a limit") == []


def test_what_is_no_python_is_said():
    assert rules("def pay(:") == [UNREAD]
    assert rules("x = '\0'") == [UNREAD]
    assert rules("(" * 5_000 + ")" * 5_000) == [UNREAD]


@given(
    st.lists(st.sampled_from(WAITING.splitlines() + BOUNDED.splitlines() + ["", "  ", "    pass", "try:"]), max_size=30)
)
def test_any_text_is_looked_at(lines: list[str]):
    looked_at("\n".join(lines), "any.py")
