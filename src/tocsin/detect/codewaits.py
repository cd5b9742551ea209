"""Calls that wait for somebody else, and what bounds them: a table, a line for each."""

from __future__ import annotations

from typing import Literal

import msgspec

Whom = Literal["network", "process", "own"]
"""Another machine; a child process; a thread, queue or lock of the same program."""


class Wait(msgspec.Struct, frozen=True, kw_only=True):
    """`bounds`: keywords of which one must be there. `place`: where the bound may stand without its name, from 0."""

    whom: Whom
    bounds: tuple[str, ...] = ("timeout",)
    place: int | None = None
    bounded: bool = False  # without a word; only `timeout=None` takes the bound away
    what: str = ""


_VERBS = ("get", "post", "put", "patch", "delete", "head", "options", "request")
_QUEUES = ("queue.Queue", "queue.LifoQueue", "queue.PriorityQueue", "queue.SimpleQueue", "multiprocessing.Queue")
_LOCKS = ("Lock", "RLock", "Semaphore", "BoundedSemaphore")
_POOLS = ("concurrent.futures.ThreadPoolExecutor", "concurrent.futures.ProcessPoolExecutor")

WAITS: dict[str, Wait] = {
    **{f"requests.{verb}": Wait(whom="network", what="the server") for verb in _VERBS},
    **{f"requests.{made}().{verb}": Wait(whom="network", what="the server")
       for made in ("Session", "session") for verb in (*_VERBS, "send")},
    **{f"httpx.{verb}": Wait(whom="network", bounded=True, what="the server") for verb in (*_VERBS, "stream")},
    **{f"httpx.{made}": Wait(whom="network", bounded=True, what="the server") for made in ("Client", "AsyncClient")},
    **{f"httpx.{made}().{verb}": Wait(whom="network", bounded=True, what="the server")
       for made in ("Client", "AsyncClient") for verb in (*_VERBS, "stream", "send")},
    "aiohttp.ClientSession": Wait(whom="network", bounded=True, what="the server"),
    "urllib.request.urlopen": Wait(whom="network", place=2, what="the server"),
    "http.client.HTTPConnection": Wait(whom="network", place=2, what="the server"),
    "http.client.HTTPSConnection": Wait(whom="network", place=2, what="the server"),
    "socket.create_connection": Wait(whom="network", place=1, what="the other side"),
    "smtplib.SMTP": Wait(whom="network", place=3, what="the mail server"),
    "smtplib.SMTP_SSL": Wait(whom="network", place=5, what="the mail server"),
    "ftplib.FTP": Wait(whom="network", place=4, what="the FTP server"),
    "imaplib.IMAP4": Wait(whom="network", place=2, what="the mail server"),
    "imaplib.IMAP4_SSL": Wait(whom="network", what="the mail server"),
    "poplib.POP3": Wait(whom="network", place=2, what="the mail server"),
    **{f"redis.{made}": Wait(whom="network", bounds=("socket_timeout",), what="Redis")
       for made in ("Redis", "StrictRedis", "from_url", "Redis.from_url", "asyncio.Redis", "asyncio.from_url",
                    "asyncio.Redis.from_url", "ConnectionPool", "ConnectionPool.from_url")},
    **{f"{made}.connect": Wait(whom="network", bounds=("connect_timeout",), what="the database")
       for made in ("psycopg", "psycopg2", "psycopg.Connection", "psycopg.AsyncConnection")},
    "asyncio.open_connection": Wait(whom="network", bounds=(), what="the other side"),
    "asyncio.open_unix_connection": Wait(whom="network", bounds=(), what="the other side"),
    **{f"asyncio.StreamReader().{verb}": Wait(whom="network", bounds=(), what="the other side")
       for verb in ("read", "readline", "readexactly", "readuntil")},
    **{f"subprocess.{made}": Wait(whom="process", what="the program")
       for made in ("run", "call", "check_call", "check_output")},
    "subprocess.Popen().wait": Wait(whom="process", place=0, what="the program"),
    "subprocess.Popen().communicate": Wait(whom="process", place=1, what="the program"),
    **{f"{made}().get": Wait(whom="own", place=1, what="whoever fills the queue") for made in _QUEUES},
    **{f"threading.{made}().acquire": Wait(whom="own", place=1, what="whoever holds the lock") for made in _LOCKS},
    "threading.Event().wait": Wait(whom="own", place=0, what="whoever sets the event"),
    "threading.Condition().wait": Wait(whom="own", place=0, what="whoever notifies"),
    "threading.Thread().join": Wait(whom="own", place=0, what="the thread"),
    "multiprocessing.Process().join": Wait(whom="own", place=0, what="the process"),
    **{f"{made}().submit().result": Wait(whom="own", place=0, what="the worker") for made in _POOLS},
}  # fmt: skip

UNSET = "socket.setdefaulttimeout"  # bounds every socket of the process that says nothing itself
BY_SOCKET = ("urllib.", "http.client.", "socket.", "smtplib.", "ftplib.", "imaplib.", "poplib.")

# Nothing else runs on the event loop while these wait.
BLOCKING = frozenset(
    {name for name, wait in WAITS.items() if not name.startswith(("asyncio.", "aiohttp.", "redis.asyncio."))}
    - {name for name in WAITS if "Async" in name}
    - {"httpx.Client", "redis.Redis", "redis.StrictRedis", "redis.from_url", "redis.Redis.from_url"}
    - {"redis.ConnectionPool", "redis.ConnectionPool.from_url"}
    | {"time.sleep"}
)

# A block in which everything is bounded, and a call that bounds the one it is given.
TIMEOUT_BLOCKS = frozenset(
    {"asyncio.timeout()", "asyncio.timeout_at()", "anyio.fail_after()", "anyio.move_on_after()", "trio.fail_after()",
     "trio.move_on_after()", "async_timeout.timeout()"}
)  # fmt: skip
TIMEOUT_CALLS = frozenset({"asyncio.wait_for"})

PAUSES = frozenset({"time.sleep", "asyncio.sleep", "anyio.sleep", "trio.sleep", "gevent.sleep", "eventlet.sleep"})
TASKS = frozenset({"asyncio.create_task", "asyncio.ensure_future", "asyncio.get_running_loop().create_task",
                   "asyncio.get_event_loop().create_task"})  # fmt: skip
