"""SMS and calls through Twilio: what is asked of it, and what its answers mean."""

from __future__ import annotations

import asyncio
import base64
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.senders.messages import message
from tests.senders.servers import Request, Web, listening, response
from tocsin.ports import Receipt
from tocsin.senders.twilio import SMS_MAX, TwilioSender, sms_of

CREATED = response(201, b'{"sid":"SM123","status":"queued"}')


def asked(
    kind: Any, answer: bytes = CREATED, address: str = "+1 (415) 555-0123", **changes: Any
) -> tuple[Receipt, Request]:
    async def story() -> tuple[Receipt, list[Request]]:
        web = Web(answer)
        async with listening(web) as port:
            sender = TwilioSender(
                kind,
                account="AC1",
                token="secret",
                sender="+14155550100",
                public_url="https://tocsin.example/",
                api_url=f"http://127.0.0.1:{port}",
                timeout_seconds=2,
            )
            receipt = await sender.send(message(kind, address, **changes))
            await sender.close()
        return receipt, web.seen

    receipt, seen = asyncio.run(story())
    return receipt, seen[0] if seen else Request("", "", {}, b"")


def form_of(request: Request) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(request.body.decode()).items()}


def test_an_sms_says_what_is_wrong_how_to_take_it_and_where_its_end_is_reported() -> None:
    receipt, request = asked("sms")

    assert receipt == Receipt(code="sent", provider_id="SM123")
    assert (request.method, request.path) == ("POST", "/2010-04-01/Accounts/AC1/Messages.json")
    assert request.headers["authorization"] == f"Basic {base64.b64encode(b'AC1:secret').decode()}"
    form = form_of(request)
    assert (form["To"], form["From"]) == ("+14155550123", "+14155550100")
    assert form["Body"] == (
        "[SEV-1] Checkout is failing (INC-2026-001)\n"
        "Reply ACK to take it. https://tocsin.example/incidents/INC-2026-001"
    )
    status = urlsplit(form["StatusCallback"])
    assert status.path == "/twilio/status"
    assert parse_qs(status.query) == {"incident": ["inc-1"], "page": ["inc-1-1-ana"], "to": ["+1 (415) 555-0123"]}


def test_a_call_is_told_where_its_words_are() -> None:
    _, request = asked("voice")

    assert request.path.endswith("/Calls.json")
    form = form_of(request)
    assert form["Url"] == "https://tocsin.example/twilio/voice/token"
    assert form["StatusCallbackEvent"] == "completed"
    assert form["Timeout"] == "30"


def test_a_call_without_anything_to_acknowledge_only_speaks() -> None:
    _, request = asked("voice", acknowledge_url=None, event="test", subject="<Say> & hear")

    form = form_of(request)
    assert form["Twiml"] == "<Response><Say>This is Tocsin. &lt;Say&gt; &amp; hear.</Say></Response>"
    assert "StatusCallback" not in form


@pytest.mark.parametrize("number", ["", "0123", "+0123456789", "+1415555012345678", "ana@example.org", "+1415\r\n555x"])
def test_a_number_that_is_none_is_never_sent(number: str) -> None:
    receipt, request = asked("sms", address=number)

    assert (receipt.code, receipt.permanent, request.method) == ("bad_address", True, "")


@pytest.mark.parametrize(
    ("status", "body", "code", "permanent"),
    [
        (400, b'{"code":21211,"message":"Invalid To number"}', "bad_address", True),
        (400, b'{"code":21610,"message":"The recipient has opted out"}', "bad_address", True),
        (401, b'{"code":20003,"message":"Authenticate"}', "unauthorised", True),
        (429, b'{"code":20429,"message":"Too Many Requests"}', "throttled", False),
        (503, b"", "refused", False),
        (201, b"<html>", "unknown", False),
    ],
)
def test_what_its_answers_mean(status: int, body: bytes, code: str, permanent: bool) -> None:
    receipt, _ = asked("sms", response(status, body))

    assert (receipt.code, receipt.permanent) == (code, permanent)
    if b"message" in body:
        assert "Twilio 2" in receipt.detail


def test_a_long_title_still_leaves_room_for_how_to_answer() -> None:
    text = sms_of(message("sms", "+14155550123", subject="x\u00a0" * 400))

    assert len(text) <= SMS_MAX
    assert text.endswith("Reply ACK to take it. https://tocsin.example/incidents/INC-2026-001")
    assert "\u00a0" not in text
