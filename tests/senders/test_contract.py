"""What every sender owes: a receipt for whatever a provider or the network does, in time, and the same id each time.

Real servers on loopback; the table says which receipt each channel owes in each case. Apprise tells success from
failure and no more, so most of its column is `refused`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

from tests.senders.messages import T0, message
from tests.senders.push_browser import Browser, key_file
from tests.senders.servers import Dialogue, Mailbox, Web, closed_port, listening, mail_server, response, silent
from tocsin.clock import ManualClock
from tocsin.ports import Receipt, Sender
from tocsin.senders.apprise import AppriseSender
from tocsin.senders.console import ConsoleSender
from tocsin.senders.discord import discord_sender
from tocsin.senders.email import EmailSender
from tocsin.senders.mattermost import mattermost_sender, rocketchat_sender
from tocsin.senders.ntfy import NtfySender
from tocsin.senders.slack import SlackSender
from tocsin.senders.slack_api import SlackApi
from tocsin.senders.teams import teams_sender
from tocsin.senders.telegram import TelegramSender
from tocsin.senders.webhook import WebhookSender
from tocsin.senders.webpush import WebPushSender

# One of Apprise's modules imports what newer Pythons have dropped; it has a replacement of its own for those.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

SHORT = 0.6  # seconds a sender of these tests waits
SHORTER = 0.15  # where nobody will ever answer
IN_TIME = 3.0  # seconds after which a receipt is overdue

OK = ("sent", False)
REFUSED = ("refused", False)
TIMEOUT = ("timeout", False)
UNREACHABLE = ("unreachable", False)
UNKNOWN = ("unknown", False)
UNAUTHORISED = ("unauthorised", True)
REJECTED = ("rejected", True)
BAD_ADDRESS = ("bad_address", True)
TOO_LARGE = ("too_large", True)

EXPECTED: dict[str, dict[str, tuple[str, bool]]] = {
    "ok": {"email": OK, "webhook": OK, "ntfy": OK, "apprise": OK, "console": OK},
    "slow": {"email": OK, "webhook": OK, "ntfy": OK, "apprise": OK, "console": OK},
    "busy": {"email": REFUSED, "webhook": REFUSED, "ntfy": REFUSED, "apprise": REFUSED},
    "throttled": {"webhook": ("throttled", False), "ntfy": ("throttled", False), "apprise": REFUSED},
    "rejected": {"email": REJECTED, "webhook": REJECTED, "ntfy": REJECTED, "apprise": REFUSED},
    "no such address": {
        "email": BAD_ADDRESS,
        "webhook": BAD_ADDRESS,
        "ntfy": BAD_ADDRESS,
    },
    "gone": {"webhook": ("gone", True), "ntfy": ("gone", True), "apprise": REFUSED},
    "unauthorised": {"email": UNAUTHORISED, "webhook": UNAUTHORISED, "ntfy": UNAUTHORISED, "apprise": REFUSED},
    "too large": {"email": TOO_LARGE, "webhook": TOO_LARGE, "ntfy": TOO_LARGE, "apprise": REFUSED},
    "moved": {"webhook": BAD_ADDRESS, "ntfy": BAD_ADDRESS},
    "redirected": {"webhook": REFUSED, "ntfy": REFUSED},
    "closed port": {"email": UNREACHABLE, "webhook": UNREACHABLE, "ntfy": UNREACHABLE, "apprise": REFUSED},
    "black hole": {"email": TIMEOUT, "webhook": TIMEOUT, "ntfy": TIMEOUT, "apprise": TIMEOUT, "console": TIMEOUT},
    "dropped": {"email": UNREACHABLE, "webhook": UNREACHABLE, "ntfy": UNREACHABLE, "apprise": REFUSED},
    "garbage": {"email": UNKNOWN, "webhook": UNKNOWN, "ntfy": UNKNOWN, "apprise": REFUSED},
    "closed output": {"console": UNREACHABLE},
    "bad address": {
        "email": BAD_ADDRESS,
        "webhook": BAD_ADDRESS,
        "ntfy": BAD_ADDRESS,
        "apprise": ("misconfigured", True),
    },
}

HOOKS = ("teams", "mattermost", "discord", "rocketchat")
CHATS = ("slack", "telegram")  # by a token of ours and an id; what is wrong with the id, only they know
for _case, _owed in EXPECTED.items():
    if "webhook" in _owed:
        _owed |= dict.fromkeys(HOOKS, _owed["webhook"])
        if _case != "bad address":
            _owed |= dict.fromkeys(CHATS, _owed["webhook"])
    if "webhook" in _owed:
        _owed["webpush"] = _owed["webhook"]
EXPECTED["no such address"]["webpush"] = ("gone", True)  # a subscription that ended, as 410 says
EXPECTED["garbage"] |= {"telegram": UNKNOWN}
EXPECTED["unauthorised"] |= {"telegram": UNAUTHORISED}

ACCEPTED = (
    b'{"id":"n1","event":"message","ok":true,"channel":"C1","ts":"1.5","success":true,'
    b'"result":{"message_id":7,"chat":{"id":1}}}'
)
HTTP_ANSWERS: dict[str, bytes | None] = {
    "ok": response(200, ACCEPTED),
    "busy": response(503, b"down for a minute", Retry_After="7"),
    "throttled": response(429, b"slow down", Retry_After="7"),
    "rejected": response(400, b'{"error":"bad"}'),
    "no such address": response(404),
    "gone": response(410),
    "unauthorised": response(401),
    "too large": response(413),
    "moved": response(301, Location="http://elsewhere.example/"),
    "redirected": response(302, Location="http://169.254.169.254/"),
    "dropped": None,
    "garbage": b"\x00\xff\x00 this is not HTTP\r\n\r\n",
}

MAIL_ANSWERS: dict[str, dict[str, str]] = {
    "ok": {},
    "busy": {"data": "451 4.3.0 try again later"},
    "rejected": {"data": "550 5.7.1 looks like spam"},
    "no such address": {"rcpt": "550 5.1.1 no such user"},
    "too large": {"data": "552 5.3.4 too big"},
}

Rig = tuple[Sender, str, list[str]]
"""A sender, the address to send to, and the ids its receiver has seen."""


async def pause() -> None:
    await asyncio.sleep(SHORT / 3)


@asynccontextmanager
async def http_rig(make: Callable[[int], Sender], address: Callable[[int], str], case: str) -> AsyncIterator[Rig]:
    web = Web(HTTP_ANSWERS.get(case, HTTP_ANSWERS["ok"]), before=pause if case == "slow" else None)
    server: AbstractAsyncContextManager[int]
    match case:
        case "closed port":
            server = closed_port()
        case "black hole":
            server = listening(silent)
        case _:
            server = listening(web)
    async with server as port:
        ids = _Ids(
            lambda: [
                each.headers.get("webhook-id") or each.headers.get("idempotency-key") or each.headers.get("topic", "")
                for each in web.seen
            ]
        )
        yield make(port), "nonsense" if case == "bad address" else address(port), ids


class _Ids(list[str]):
    """A list that is read when it is compared, after the server has seen what it will see."""

    def __init__(self, read: Callable[[], list[str]]) -> None:
        super().__init__()
        self._read = read

    def __iter__(self) -> Any:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())


@asynccontextmanager
async def email_rig(case: str) -> AsyncIterator[Rig]:
    mailbox = Mailbox(**MAIL_ANSWERS.get(case, {}))
    if case == "slow":
        mailbox.before_answer = pause
    servers: dict[str, AbstractAsyncContextManager[int]] = {
        "closed port": closed_port(),
        "black hole": listening(silent),
        "dropped": listening(Dialogue(END=None)),
        "garbage": listening(Dialogue(GREETING="HTTP/1.1 400 what is this")),
        "unauthorised": listening(Dialogue(EHLO="250-mx\r\n250 AUTH PLAIN", AUTH="535 5.7.8 wrong password")),
    }
    async with servers.get(case) or mail_server(mailbox) as port:
        login = {"username": "tocsin", "password": "wrong"} if case == "unauthorised" else {}
        sender = EmailSender(
            host="127.0.0.1", port=port, sender="t@tocsin.example", tls="none", timeout_seconds=patience(case), **login
        )
        ids = _Ids(lambda: [str(each["Message-ID"]) for each in mailbox.mails])
        yield sender, "nobody" if case == "bad address" else "ana@example.org", ids


@asynccontextmanager
async def console_rig(case: str) -> AsyncIterator[Rig]:
    read_end, write_end = os.pipe()
    with os.fdopen(read_end, "rb") as reader, os.fdopen(write_end, "w") as stream:
        if case == "black hole":
            os.set_blocking(write_end, False)
            with pytest.raises(BlockingIOError):
                while True:
                    os.write(write_end, b"." * 4096)
            os.set_blocking(write_end, True)
        if case == "closed output":
            stream.close()
        yield ConsoleSender(stream, timeout_seconds=patience(case)), "ana", []
        if case == "black hole":
            os.set_blocking(read_end, False)
            while reader.read(1 << 20):  # let the thread that still writes come to its end
                pass


def rig(kind: str, case: str) -> AbstractAsyncContextManager[Rig]:
    match kind:
        case "email":
            return email_rig(case)
        case "webhook":
            return http_rig(lambda _: webhook(patience(case)), lambda port: f"http://127.0.0.1:{port}/hook", case)
        case "ntfy":
            return http_rig(
                lambda _: NtfySender(allow_private=True, timeout_seconds=patience(case)),
                lambda port: f"http://127.0.0.1:{port}/topic",
                case,
            )
        case "apprise":  # its first message loads its plugins, which takes longer than anything else here
            longer = SHORTER if case == "black hole" else 2 * IN_TIME
            return http_rig(
                lambda _: AppriseSender(timeout_seconds=longer),
                lambda port: f"json://127.0.0.1:{port}/?rto=1&cto=1",
                case,
            )
        case "webpush":
            return http_rig(
                lambda _: WebPushSender(
                    key_file=key_file(),
                    public_url="https://tocsin.example",
                    allow_private=True,
                    timeout_seconds=patience(case),
                ),
                lambda port: Browser(f"http://127.0.0.1:{port}/push/s3cr3t").address,
                case,
            )
        case "slack":
            return http_rig(
                lambda port: SlackSender(SlackApi(token="x", base_url=base(port), timeout_seconds=patience(case))),
                by_id,
                case,
            )
        case "telegram":
            return http_rig(
                lambda port: TelegramSender(token="1:x", base_url=base(port), timeout_seconds=patience(case)),
                by_id,
                case,
            )
        case "teams" | "mattermost" | "discord" | "rocketchat":
            make = HOOK_SENDERS[kind]
            return http_rig(lambda _: make(allow_private=True, timeout_seconds=patience(case)), hook_url, case)
        case _:
            return console_rig(case)


HOOK_SENDERS: dict[str, Callable[..., Sender]] = {
    "teams": teams_sender,
    "mattermost": mattermost_sender,
    "discord": discord_sender,
    "rocketchat": rocketchat_sender,
}


def patience(case: str) -> float:
    return SHORTER if case == "black hole" else SHORT


def base(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def hook_url(port: int) -> str:
    return f"http://127.0.0.1:{port}/hooks/s3cr3t-part?x=1"


def by_id(_: int) -> str:
    return "123"


def webhook(seconds: float) -> Sender:
    return WebhookSender(clock=ManualClock(T0), allow_private=True, timeout_seconds=seconds)


async def sent(kind: str, case: str, attempts: int = 1) -> tuple[list[Receipt], list[str]]:
    async with rig(kind, case) as (sender, address, ids):
        receipts = []
        for attempt in range(1, attempts + 1):
            async with asyncio.timeout(IN_TIME * (3 if kind == "apprise" else 1)):
                receipts.append(await sender.send(message(kind, address, attempt=attempt)))
        await sender.close()
        return receipts, list(ids)


CASES = [pytest.param(kind, case, id=f"{kind}-{case}") for case, owed in EXPECTED.items() for kind in owed]


@pytest.mark.parametrize(("kind", "case"), CASES)
def test_a_sender_answers_with_the_receipt_that_is_owed(kind, case):
    (receipt,), _ = asyncio.run(sent(kind, case))

    assert (receipt.code, receipt.permanent) == EXPECTED[case][kind], receipt.detail
    assert bool(receipt.detail) == (receipt.code != "sent")


@pytest.mark.parametrize("kind", ["webhook", "ntfy", "webpush", *HOOKS, *CHATS])
@pytest.mark.parametrize("case", ["busy", "throttled"])
def test_what_the_provider_asks_for_is_in_the_receipt(kind, case):
    (receipt,), _ = asyncio.run(sent(kind, case))

    assert receipt.retry_after_seconds == 7


@pytest.mark.parametrize(
    ("kind", "case"),
    [("email", "busy"), ("webhook", "busy"), ("webhook", "dropped"), ("ntfy", "busy"), ("webpush", "busy")],
)
def test_every_attempt_at_a_page_carries_the_same_id(kind, case):
    _, ids = asyncio.run(sent(kind, case, attempts=3))

    assert len(ids) == 3
    assert len(set(ids)) == 1
    assert ids[0]


@pytest.mark.parametrize("kind", ["webpush", *HOOKS, *CHATS])
@pytest.mark.parametrize("case", ["busy", "rejected", "no such address", "closed port", "black hole", "garbage"])
def test_no_receipt_repeats_the_secret_part_of_an_address(kind, case):
    (receipt,), _ = asyncio.run(sent(kind, case))

    assert "s3cr3t" not in receipt.detail
    assert "1:x" not in receipt.detail


@pytest.mark.parametrize("kind", ["email", "webhook", "ntfy", "apprise", "console", "webpush", *HOOKS, *CHATS])
def test_a_sender_names_its_channel(kind):
    async def named() -> str:
        async with rig(kind, "ok") as (sender, _, _ids):
            return sender.kind

    assert asyncio.run(named()) == kind
