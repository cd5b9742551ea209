"""Web push on loopback: what a push service sees, and what only the browser can read."""

from __future__ import annotations

import asyncio
import base64
import json
import stat

import pytest
from hypothesis import given, settings, strategies as st
from py_vapid import Vapid02

from tests.senders.messages import T0, message
from tests.senders.push_browser import Browser, key_file
from tests.senders.servers import Request, Web, listening, response
from tocsin.core.people import shown_address
from tocsin.core.push import address_of, device_of, subscription_of
from tocsin.ports import Receipt
from tocsin.senders.ondemand import WEBPUSH, OnDemand
from tocsin.senders.webpush import PAYLOAD_BYTES_MAX, payload_of, subject_of
from tocsin.vapid import public_key, vapid_pem


def pushed(answer: bytes | None = response(201), **changes) -> tuple[Receipt, Request, Browser, int]:
    async def story() -> tuple[Receipt, Request, Browser, int]:
        web = Web(answer)
        async with listening(web) as port:
            browser = Browser(f"http://127.0.0.1:{port}/push/abc")
            sender = OnDemand(
                "webpush", WEBPUSH, key_file=key_file(), public_url="https://tocsin.example:8443", allow_private=True
            )
            receipt = await sender.send(message("webpush", browser.address, **changes))
            await sender.close()
        return receipt, web.seen[0], browser, port

    return asyncio.run(story())


def test_the_browser_reads_the_page_and_nobody_between_does():
    receipt, request, browser, _ = pushed()

    assert (receipt.code, request.method, request.path) == ("sent", "POST", "/push/abc")
    assert browser.opened(request.body) == {
        "title": "[SEV-1] Checkout is failing (INC-2026-001)",
        "body": "Checkout is failing",
        "tag": "inc-1-1-ana",
        "incident_url": "https://tocsin.example/incidents/INC-2026-001",
        "acknowledge_url": "https://tocsin.example/a/token",
        "loud": True,
    }
    assert b"Checkout" not in request.body
    assert request.headers["content-encoding"] == "aes128gcm"
    assert request.headers["urgency"] == "high" and request.headers["ttl"] == "3600"
    assert len(request.headers["topic"]) == 32


def test_what_may_wait_is_not_urgent():
    _, request, _, _ = pushed(event="resolved", acknowledge_url=None)

    assert (request.headers["urgency"], request.headers["ttl"]) == ("normal", "43200")


def test_the_request_is_signed_by_the_key_that_browsers_subscribe_to():
    _, request, _, port = pushed()

    signed = request.headers["authorization"]
    token, key = (part.partition("=")[2] for part in signed.removeprefix("vapid ").split(","))
    claims = token.split(".")[1]
    said = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    assert Vapid02.verify(signed)
    assert key == public_key(key_file())
    assert said == {
        "aud": f"http://127.0.0.1:{port}",
        "exp": int(T0.timestamp()) + 43_200,
        "sub": "https://tocsin.example",
    }


@pytest.mark.parametrize("status", [404, 410])
def test_a_subscription_that_ended_is_gone_for_good(status):
    receipt, _, _, _ = pushed(response(status))

    assert (receipt.code, receipt.permanent) == ("gone", True)
    assert "the subscription has ended" in receipt.detail


@given(text=st.text(max_size=6000), title=st.text(max_size=300))
@settings(max_examples=60, deadline=None)
def test_every_message_fits_and_keeps_its_links(text, title):
    said = message("webpush", "x", text=text * 3, subject=title)

    payload = payload_of(said)

    assert len(payload) <= PAYLOAD_BYTES_MAX
    assert json.loads(payload)["acknowledge_url"] == said.acknowledge_url


@pytest.mark.parametrize(
    ("url", "subject"),
    [
        ("https://tocsin.example:8443", "https://tocsin.example"),
        ("http://tocsin.example", "mailto:tocsin@localhost"),
        ("https://tocsin", "mailto:tocsin@localhost"),
    ],
)
def test_a_push_service_learns_who_sends(url, subject):
    assert subject_of(url) == subject


def test_without_its_key_nothing_is_sent(tmp_path):
    async def story() -> Receipt:
        sender = OnDemand("webpush", WEBPUSH, key_file=tmp_path / "vapid.pem", public_url="https://t.example")
        receipt = await sender.send(message("webpush", Browser("https://push.example/x").address))
        await sender.close()
        return receipt

    receipt = asyncio.run(story())

    assert (receipt.code, receipt.permanent) == ("misconfigured", True)


def test_an_address_is_shown_without_what_opens_it():
    browser = Browser("https://push.example/send/s3cr3t")
    address = address_of(subscription_of(browser.address))

    shown = shown_address("webpush", address)

    assert shown == f"https://push.example/…{device_of(browser.subscription['endpoint'])}"
    assert shown_address("webpush", '{"keys":{"auth":"s3cr3t"}}') == "a device"


def test_the_key_is_made_once_and_for_nobody_else(tmp_path):
    path = tmp_path / "vapid.pem"

    first, again = vapid_pem(path), vapid_pem(path)

    assert first == again
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("wrong", ["endpoint", "p256dh", "auth"])
def test_a_subscription_names_the_field_that_is_wrong(wrong):
    subscription = Browser("https://push.example/x").subscription
    if wrong == "endpoint":
        subscription["endpoint"] = "ftp://push.example"
    else:
        subscription["keys"][wrong] = "AAAA"

    with pytest.raises(ValueError, match=wrong):
        subscription_of(json.dumps(subscription))
