"""Webhooks: signed as the standard's own library verifies, and never larger than receivers have to take."""

from __future__ import annotations

import asyncio
import base64
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given, strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from tests.senders.messages import T0, message
from tests.senders.servers import Request, Web, listening, response
from tocsin.clock import ManualClock, SystemClock
from tocsin.core.hooks import key_of
from tocsin.ports import Receipt
from tocsin.senders.http import retry_after
from tocsin.senders.webhook import BODY_BYTES_MAX, WebhookSender, body_of, header_id, sign

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
OTHER = "whsec_" + base64.b64encode(b"o" * 32).decode()


def posted(answer: bytes = b"", path: str = "/hook", times: int = 1, **options) -> tuple[list[Receipt], list[Request]]:
    async def story() -> tuple[list[Receipt], list[Request]]:
        web = Web(answer or response(200))
        async with listening(web) as port:
            own = options.pop("own", None)
            url = f"http://127.0.0.1:{port}{path}"
            secrets = {url: own} if own else None
            sender = WebhookSender(**({"clock": SystemClock(), "allow_private": True, "secrets": secrets} | options))
            receipts = [await sender.send(message("webhook", url)) for _ in range(times)]
            await sender.close()
        return receipts, web.seen

    return asyncio.run(story())


def test_the_standards_own_library_verifies_the_signature():
    _, (request,) = posted(secret=SECRET)

    said = Webhook(SECRET).verify(request.body, request.headers)

    assert said["type"] == "incident.paged"
    assert said["data"]["page"] == "inc-1-1-ana"
    assert said["data"]["acknowledge_url"] == "https://tocsin.example/a/token"
    assert said["data"]["incident"]["reference"] == "INC-2026-001"


def test_an_address_may_have_a_secret_of_its_own():
    _, (request,) = posted(secret=SECRET, own=OTHER)

    Webhook(OTHER).verify(request.body, request.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(request.body, request.headers)


def test_without_a_secret_nothing_is_signed():
    _, (request,) = posted()

    assert "webhook-signature" not in request.headers
    assert request.headers["webhook-id"] == "inc-1-1-ana"


def test_the_timestamp_is_that_of_the_attempt():
    clock = ManualClock(datetime(2026, 3, 4, 3, 30, tzinfo=UTC))

    _, (request,) = posted(clock=clock)

    assert request.headers["webhook-timestamp"] == str(int(clock.now().timestamp()))
    assert request.json["timestamp"] == "2026-03-04T03:02:00Z"


def test_a_body_that_never_ends_does_not_hide_that_it_was_accepted():
    endless = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 100

    (receipt,), _ = posted(endless)

    assert receipt.code == "sent"


def test_the_user_info_of_an_url_signs_in_and_is_in_no_receipt():
    async def story() -> tuple[Receipt, Web]:
        web = Web(response(403))
        async with listening(web) as port:
            sender = WebhookSender(clock=SystemClock(), allow_private=True)
            receipt = await sender.send(message("webhook", f"http://ana:canary@127.0.0.1:{port}/secret-path"))
            await sender.close()
        return receipt, web

    receipt, web = asyncio.run(story())
    assert web.seen[0].headers["authorization"].startswith("Basic ")
    assert "canary" not in receipt.detail and "secret-path" not in receipt.detail


@pytest.mark.parametrize("status", [302, 400, 404])
def test_a_receiver_that_repeats_the_request_puts_no_secret_on_the_timeline(status):
    echo = b"Cannot POST /services/T0/s3cr3t-path?key=s3cr3t-key as YW5hOmNhbmFyeS0xMg== (canary-12)"
    answer = response(status, echo, Location="/services/T0/s3cr3t-path?key=s3cr3t-key")

    async def story() -> Receipt:
        async with listening(Web(answer)) as port:
            sender = WebhookSender(clock=SystemClock(), allow_private=True)
            url = f"http://ana:canary-12@127.0.0.1:{port}/services/T0/s3cr3t-path?key=s3cr3t-key"
            receipt = await sender.send(message("webhook", url))
            await sender.close()
            return receipt

    receipt = asyncio.run(story())
    assert "Cannot POST" in receipt.detail
    for secret in ("s3cr3t-path", "s3cr3t-key", "canary-12", "YW5hOmNhbmFyeS0xMg=="):
        assert secret not in receipt.detail


def test_connections_are_used_again():
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

    receipts, seen = posted(answer, times=2)

    # The test's server hangs up after each answer; an idle connection that died is replaced, never reported.
    assert [receipt.code for receipt in receipts] == ["sent", "sent"]
    assert len(seen) == 2


@pytest.mark.parametrize("secret", ["whsec_", "whsec_c2hvcnQ=", "not base64!", "whsec_" + "A" * 200])
def test_a_bad_secret_is_refused_without_being_repeated(secret):
    with pytest.raises(ValueError, match="webhook secret: expected") as error:
        key_of(secret)

    assert secret not in str(error.value)


@pytest.mark.parametrize("size", [0, 1, 10, 300])
def test_a_body_is_never_too_large(size):
    data = {
        "id": "i1",
        "reference": "INC-2026-001",
        "title": "x" * size * 10,
        "alerts": [{"title": "y" * 300} for _ in range(size)],
        "answers": {f"q{n}": "z" * 100 for n in range(size)},
    }

    body = body_of(message("webhook", data=data, text="t" * size * 1000))

    assert len(body) <= BODY_BYTES_MAX
    assert msgspec.json.decode(body)["data"]["incident"]["reference"] == "INC-2026-001"


@given(page=st.text(max_size=300))
def test_an_id_is_fit_for_a_header_and_the_same_each_time(page):
    name = header_id(page)

    assert name == header_id(page)
    assert name.isascii() and "." not in name and len(name) <= 128 and name == name.strip()


@given(body=st.binary(max_size=200), name=st.text("abc-", min_size=1, max_size=20))
def test_every_signature_verifies(body, name):
    at = int(SystemClock().now().timestamp())  # the library compares with the machine's clock
    headers = {
        "webhook-id": name,
        "webhook-timestamp": str(at),
        "webhook-signature": sign(key_of(SECRET), name, at, body),
    }
    verifier = Webhook(SECRET)

    try:
        verifier.verify(body, headers)
    except (WebhookVerificationError, ValueError) as error:
        assert not isinstance(error, WebhookVerificationError), error  # a body that is no JSON is verified, then fails


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": " 120 "}, 120),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "9" * 40}, 999_999_999),
        ({"retry-after": "Wed, 04 Mar 2026 03:03:30 GMT", "date": "Wed, 04 Mar 2026 03:02:00 GMT"}, 90),
        ({"retry-after": "Wed, 04 Mar 2026 03:00:00 GMT", "date": "Wed, 04 Mar 2026 03:02:00 GMT"}, 0),
        ({"retry-after": "Wed, 04 Mar 2026 03:03:30 GMT"}, None),
    ],
)
def test_retry_after_is_read_in_both_forms(headers, seconds):
    assert retry_after(headers) == seconds


def test_the_message_is_dated_by_the_page():
    assert msgspec.json.decode(body_of(message("webhook", at=T0)))["timestamp"] == "2026-03-04T03:02:00Z"
