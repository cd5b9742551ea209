"""Slack pages: shown letter by letter, with buttons, found again and revised; and what each refusal means."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec
import pytest
from hypothesis import given, settings, strategies as st
from slack_sdk.models.blocks import Block
from slack_sdk.web.async_client import AsyncWebClient

from tests.senders.cards import DATA, VIEW
from tests.senders.fake_slack import BOT, FakeSlack, fake_slack
from tests.senders.messages import message
from tests.senders.servers import response
from tocsin.core.chat_text import card
from tocsin.senders.slack import SlackSender
from tocsin.senders.slack_api import SlackApi
from tocsin.senders.slack_blocks import drawn, of_card, reply

T = TypeVar("T")
EVIL = "<!channel> <@U1|x> *bold* `rm -rf` https://evil.example <https://evil.example|click> & @everyone"


def with_slack(act: Callable[[FakeSlack, SlackSender], Awaitable[T]]) -> T:
    async def story() -> T:
        async with fake_slack() as slack:
            sender = SlackSender(SlackApi(token=BOT, base_url=slack.url, timeout_seconds=2))
            try:
                return await act(slack, sender)
            finally:
                await sender.close()

    return asyncio.run(story())


def texts(blocks: list[dict[str, Any]]) -> str:
    """Everything that a reader of the blocks sees."""
    return msgspec.json.encode(blocks).decode()


def test_a_page_to_a_person_has_the_card_and_buttons_that_name_the_incident():
    async def act(slack: FakeSlack, sender: SlackSender) -> None:
        receipt = await sender.send(message("slack", "UANA", data=DATA))

        (posted,) = slack.shown("DANA")
        assert receipt.code == "sent"
        assert receipt.provider_id == f"DANA/{posted['ts']}"
        buttons = {each["action_id"]: each for each in posted["blocks"][-1]["elements"]}
        assert buttons["tocsin.acknowledge"]["value"] == VIEW.id
        assert set(buttons) == {
            f"tocsin.{each}" for each in ("acknowledge", "escalate", "assign", "update", "resolve", "open")
        }
        assert posted["metadata"]["event_payload"]["page"] == "inc-1-1-ana"
        assert "Checkout" in posted["text"]

    with_slack(act)


def test_a_message_is_revised_in_place_and_offers_only_what_makes_sense_then():
    async def act(slack: FakeSlack, sender: SlackSender) -> None:
        sent = await sender.send(message("slack", "C0PS", data=DATA))
        taken = msgspec.structs.replace(
            VIEW, acknowledged_at=datetime(2026, 3, 4, 3, 5, tzinfo=UTC), acknowledged_by="ana"
        )

        receipt = await sender.revise(sent.provider_id, card(taken, "https://t/i"))

        (posted,) = slack.shown()
        assert receipt.code == "sent"
        assert "ana has it" in texts(posted["blocks"])
        assert "tocsin.acknowledge" not in texts(posted["blocks"])
        assert "tocsin.resolve" in texts(posted["blocks"])

    with_slack(act)


def test_what_is_over_has_no_button_but_the_link():
    ended = msgspec.structs.replace(VIEW, status="resolved", resolved_at=VIEW.opened_at, resolved_by="ana")
    blocks = of_card(card(ended, "https://t/i")).blocks

    assert [each["action_id"] for each in blocks[-1]["elements"]] == ["tocsin.open"]


def test_a_label_can_neither_ring_nor_link_nor_format():
    view = msgspec.structs.replace(VIEW, title=EVIL, impact=EVIL, service=EVIL, services=(EVIL,))
    made = drawn(message("slack", "C0PS", data=msgspec.to_builtins(view)))

    assert "<!" not in made.text
    assert "<@" not in made.text
    kinds = {
        run["type"] for each in made.blocks if each["type"] == "rich_text" for run in each["elements"][0]["elements"]
    }
    assert kinds <= {"text", "date"}
    assert all(each.get("type") != "mrkdwn" for each in walk(made.blocks))


def walk(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, list):
        return [found for each in value for found in walk(each)]
    if isinstance(value, dict):
        return [value, *(found for each in value.values() for found in walk(each))]
    return []


def test_only_the_templates_own_word_rings_the_channel():
    quiet = drawn(message("slack", "C0PS", event="announcement", text="@channel we are back <!channel>"))
    loud = drawn(message("slack", "C0PS", event="announcement", text="we are back", mention="channel"))

    assert "broadcast" not in texts(quiet.blocks)
    assert {"type": "broadcast", "range": "channel"} in walk(loud.blocks)
    assert loud.text.startswith("<!channel> ")


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=6000), st.text(max_size=400), st.sampled_from(["page", "bundle", "test", "notice"]))
def test_whatever_it_says_slack_takes_it(text, title, event):
    view = msgspec.structs.replace(VIEW, title=title, impact=text)
    made = drawn(message("slack", "C0PS", event=event, text=text, subject=title, data=msgspec.to_builtins(view)))

    assert FakeSlack()._bad_blocks({"text": made.text, "blocks": made.blocks}) is None
    assert len(made.text) <= 3100


@pytest.mark.parametrize("text", ["", "x" * 10_000])
def test_a_reply_fits(text):
    for block in Block.parse_all(reply(text).blocks):
        block.validate_json()


@pytest.mark.parametrize(
    ("error", "code", "permanent"),
    [
        ("is_archived", "channel_archived", True),
        ("not_in_channel", "not_in_channel", True),
        ("channel_not_found", "channel_unknown", True),
        ("token_revoked", "token_revoked", True),
        ("invalid_auth", "token_revoked", True),
        ("missing_scope", "missing_scope", True),
        ("user_disabled", "person_gone", True),
        ("msg_too_long", "too_large", True),
        ("ratelimited", "throttled", False),
        ("internal_error", "refused", False),
        ("something_new", "rejected", True),
    ],
)
def test_slacks_words_have_names_of_ours(error, code, permanent):
    async def act(slack: FakeSlack, sender: SlackSender) -> None:
        slack.errors["chat.postMessage"] = error
        receipt = await sender.send(message("slack", "C0PS", data=DATA))

        assert (receipt.code, receipt.permanent) == (code, permanent)
        assert error in receipt.detail
        assert BOT not in receipt.detail

    with_slack(act)


def test_a_missing_scope_is_named():
    async def act(slack: FakeSlack, sender: SlackSender) -> None:
        slack.errors["chat.postMessage"] = "missing_scope"

        assert "chat:write" in (await sender.send(message("slack", "C0PS"))).detail

    with_slack(act)


def test_what_slack_asks_for_when_it_has_enough_is_honoured():
    async def act(slack: FakeSlack, sender: SlackSender) -> None:
        slack.answers["chat.postMessage"] = [response(429, b'{"ok":false,"error":"ratelimited"}', Retry_After="30")]
        receipt = await sender.send(message("slack", "C0PS", data=DATA))

        assert (receipt.code, receipt.retry_after_seconds) == ("throttled", 30)

    with_slack(act)


def test_an_archived_channel_and_one_we_are_not_in():
    async def act(slack: FakeSlack, sender: SlackSender) -> None:
        slack.add("COLD", "old", archived=True)
        slack.add("CELSE", "else", member=False)

        codes = [(await sender.send(message("slack", each))).code for each in ("COLD", "CELSE", "CNONE", "#ops")]
        assert codes == ["channel_archived", "not_in_channel", "channel_unknown", "sent"]

    with_slack(act)


def test_the_fake_speaks_as_slacks_own_client_expects():
    """The fake is no use unless the vendor's client is at home in it."""

    async def act(slack: FakeSlack, _: SlackSender) -> None:
        client = AsyncWebClient(token=BOT, base_url=slack.url)
        assert (await client.auth_test())["user_id"] == "UTOCSIN"
        posted = await client.chat_postMessage(channel="C0PS", text="hello", blocks=reply("hello").blocks)
        await client.chat_update(channel="C0PS", ts=posted["ts"], text="hello again")

        assert slack.shown()[0]["text"] == "hello again"

    with_slack(act)
