"""Push messages through ntfy: loud when they must be, one tap to acknowledge, never an attachment."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from tests.senders.messages import message
from tests.senders.servers import Request, Web, listening, response
from tocsin.ports import Message, Receipt
from tocsin.senders.ntfy import MESSAGE_BYTES_MAX, NtfySender, body_of

PUBLISHED = response(200, b'{"id":"sPs71M8A2T","time":1643935928,"event":"message","topic":"oncall"}')


def published(path: str, answer: bytes = PUBLISHED, user: str = "", **changes) -> tuple[Receipt, Request]:
    async def story() -> tuple[Receipt, Request]:
        web = Web(answer)
        async with listening(web) as port:
            sender = NtfySender(allow_private=True, timeout_seconds=2)
            receipt = await sender.send(message("ntfy", f"http://{user}127.0.0.1:{port}{path}", **changes))
            await sender.close()
        return receipt, web.seen[0]

    return asyncio.run(story())


def test_a_page_is_published_as_json_to_the_root_with_a_button_that_acknowledges():
    receipt, request = published("/oncall")

    assert receipt == Receipt(code="sent", provider_id="sPs71M8A2T")
    assert (request.method, request.path) == ("POST", "/")
    assert request.json["topic"] == "oncall"
    assert request.json["title"] == "[SEV-1] Checkout is failing (INC-2026-001)"
    assert request.json["priority"] == 5
    assert request.json["click"] == "https://tocsin.example/incidents/INC-2026-001"
    assert request.json["actions"][0] == {
        "action": "http",
        "label": "Acknowledge",
        "url": "https://tocsin.example/a/token",
        "method": "POST",
        "headers": {"Accept": "text/plain"},
        "clear": True,
    }


def test_a_server_below_a_path_is_published_to_there():
    _, request = published("/push/oncall")

    assert (request.path, request.json["topic"]) == ("/push/", "oncall")


def test_a_token_signs_in():
    _, request = published("/oncall", user=":tk_secret@")

    assert request.headers["authorization"] == "Bearer tk_secret"


@pytest.mark.parametrize(
    ("event", "rank", "priority"),
    [
        ("page", 0, 5),
        ("page", 1, 4),
        ("page", 2, 4),
        ("page", 9, 3),
        ("bundle", 0, 5),
        ("resolved", 0, 3),
        ("notice", 0, 3),
    ],
)
def test_the_phone_rings_for_what_is_bad_and_asks_for_somebody(event, rank, priority):
    assert body_of(message("ntfy", event=event, rank=rank), "t")["priority"] == priority


def test_a_notice_has_no_acknowledge_button():
    actions = body_of(message("ntfy", event="resolved", acknowledge_url=None), "t")["actions"]

    assert [each["label"] for each in actions] == ["Open"]


def bundle() -> Message:
    lines = "\n".join(f"- [SEV-1] INC-2026-{n:03} Überlastung des Dienstes Nummer {n}" for n in range(101))
    url = "https://tocsin.example/a/" + "t" * 3000
    return message("ntfy", event="bundle", text=f"{lines}\n\nAcknowledge all 101: {url}\n", acknowledge_url=url)


def test_a_large_bundle_stays_a_message_and_keeps_its_button():
    body = body_of(bundle(), "t")

    assert len(body["message"].encode()) <= MESSAGE_BYTES_MAX + 3
    assert len(msgspec.json.encode(body)) < 8192  # what ntfy reads of a published JSON: twice its message limit
    assert body["actions"][0]["url"].endswith("ttt")


def test_the_links_are_buttons_and_not_repeated_in_the_text():
    assert "https://" not in body_of(message("ntfy"), "t")["message"]


@pytest.mark.parametrize("answer", [b"<html>sign in</html>", b"", b"{}", b'{"id":7}', b"\xff\xfe"])
def test_an_answer_that_is_not_ntfys_is_no_success(answer):
    receipt, _ = published("/oncall", response(200, answer))

    assert (receipt.code, receipt.permanent) == ("unknown", False)


@pytest.mark.parametrize(
    "address", ["oncall", "https://ntfy.example", "https://ntfy.example/", "https://ntfy.example/t?x=1"]
)
def test_an_address_without_a_topic_is_refused(address):
    receipt = asyncio.run(NtfySender().send(message("ntfy", address)))

    assert (receipt.code, receipt.permanent) == ("bad_address", True)
