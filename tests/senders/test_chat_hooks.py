"""Chats by webhook and by bot: their limits are kept, their words are understood, and nobody rings them but us."""

from __future__ import annotations

import asyncio
import re

import msgspec
import pytest
from hypothesis import example, given, settings, strategies as st

from tests.senders.cards import DATA, VIEW
from tests.senders.messages import message
from tests.senders.servers import Request, Web, listening, response
from tocsin.core.chat_text import card
from tocsin.ports import Message, Receipt
from tocsin.senders import discord, mattermost, teams, telegram
from tocsin.senders.discord import discord_sender
from tocsin.senders.mattermost import rocketchat_sender

EVIL = "@everyone @channel <@1> <!channel> [click](https://evil.example) **bold** <b>bold</b> <at>all</at> @all @here"
RINGS = re.compile(r"(?<![A-Za-z0-9_])@(?:everyone|channel|here|all)")


def about(text: str = EVIL, **changes: object) -> Message:
    view = msgspec.structs.replace(VIEW, title=text, impact=text, service=text, services=(text,))
    return message(
        "teams", "https://hook.example/x", data=msgspec.to_builtins(view), subject=text, text=text, **changes
    )


def answered(send, answer: bytes) -> tuple[Receipt, Request]:
    async def story() -> tuple[Receipt, Request]:
        web = Web(answer)
        async with listening(web) as port:
            receipt = await send(f"http://127.0.0.1:{port}")
        return receipt, web.seen[0]

    return asyncio.run(story())


# --- Teams ------------------------------------------------------------------------------------------------------------


def test_a_teams_card_is_an_adaptive_card_with_the_signed_link():
    body = teams.body_of(message("teams", "https://hook.example/x", data=DATA))

    (attachment,) = body["attachments"]
    content = attachment["content"]
    assert body["type"] == "message"
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert (content["type"], content["version"]) == ("AdaptiveCard", "1.4")
    assert [(each["title"], each["url"]) for each in content["actions"]] == [
        ("Acknowledge", "https://tocsin.example/a/token"),
        ("Open", "https://tocsin.example/incidents/INC-2026-001"),
    ]


def test_nothing_of_a_label_is_markdown_to_teams():
    content = teams.body_of(about())["attachments"][0]["content"]

    assert {each["type"] for each in content["body"]} == {"RichTextBlock"}
    assert {run["type"] for each in content["body"] for run in each["inlines"]} == {"TextRun"}
    assert "entities" not in content["msteams"]


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=40_000), st.sampled_from(["page", "bundle"]))
def test_a_teams_message_is_never_larger_than_teams_takes(text, event):
    assert len(msgspec.json.encode(teams.body_of(about(text, event=event)))) <= teams.BODY_BYTES_MAX


# --- Mattermost, Rocket.Chat ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("draw", [mattermost.mattermost, mattermost.rocketchat])
@pytest.mark.parametrize("event", ["page", "bundle", "announcement"])
def test_a_label_rings_nobody_and_links_nowhere(draw, event):
    said = msgspec.json.encode(draw(about(event=event))["attachments"]).decode()
    shown = {name: value for name, value in draw(about(event=event))["attachments"][0].items() if name != "fallback"}

    assert not RINGS.search(msgspec.json.encode(shown).decode())
    assert "[click](" not in said.replace('"fallback"', "").partition('"title"')[2]


def test_the_template_may_ring():
    assert mattermost.mattermost(about(mention="channel"))["text"] == "@channel"
    assert mattermost.rocketchat(about(mention="channel"))["text"] == "@all"
    assert discord.body_of(about(mention="here"))["content"] == "@here"


def test_the_worst_is_urgent():
    assert mattermost.mattermost(about(rank=0))["priority"] == {"priority": "urgent"}
    assert "priority" not in mattermost.mattermost(about(rank=1))


def test_rocketchats_own_refusal_is_no_success():
    async def send(base: str) -> Receipt:
        sender = rocketchat_sender(allow_private=True)
        receipt = await sender.send(message("rocketchat", f"{base}/hooks/a/b", data=DATA))
        await sender.close()
        return receipt

    receipt, _ = answered(send, response(200, b'{"success":false,"error":"invalid-channel"}'))

    assert (receipt.code, receipt.permanent) == ("rejected", True)
    assert "invalid-channel" in receipt.detail


# --- Discord ----------------------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@example("\x08", "bundle")
@given(st.text(max_size=8_000) | st.text("*_`@<", max_size=4000), st.sampled_from(["page", "bundle", "resolved"]))
def test_an_embed_keeps_discords_limits(text, event):
    body = discord.body_of(about(text, event=event, mention=""))
    (embed,) = body["embeds"]

    assert 0 < len(embed["title"]) <= 256
    assert len(embed["description"]) <= 4096
    assert all(0 < len(each["value"]) <= 1024 and 0 < len(each["name"]) <= 256 for each in embed["fields"])
    total = len(embed["title"]) + len(embed["description"])
    assert total + sum(len(each["name"]) + len(each["value"]) for each in embed["fields"]) <= 6000
    assert body["allowed_mentions"] == {"parse": []}


def test_discord_is_asked_for_the_messages_id():
    async def send(base: str) -> Receipt:
        sender = discord_sender(allow_private=True)
        receipt = await sender.send(message("discord", f"{base}/api/webhooks/1/token?thread_id=5", data=DATA))
        await sender.close()
        return receipt

    receipt, request = answered(send, response(200, b'{"id":"99","channel_id":"7"}'))

    assert receipt == Receipt(code="sent", provider_id="99")
    assert request.path == "/api/webhooks/1/token?thread_id=5&wait=true"


# --- Telegram ---------------------------------------------------------------------------------------------------------


def telegram_says(answer: bytes, **changes: object) -> tuple[Receipt, Request]:
    async def send(base: str) -> Receipt:
        sender = telegram.TelegramSender(token="1:secret", base_url=base)
        receipt = await sender.send(message("telegram", "42", data=DATA, **changes))
        await sender.close()
        return receipt

    return answered(send, answer)


def test_a_telegram_page_has_buttons_that_name_the_incident():
    receipt, request = telegram_says(response(200, b'{"ok":true,"result":{"message_id":7,"chat":{"id":42}}}'))

    assert receipt == Receipt(code="sent", provider_id="42/7")
    assert request.path == "/bot1:secret/sendMessage"
    said = request.json
    assert (said["chat_id"], said["parse_mode"]) == ("42", "HTML")
    (row,) = said["reply_markup"]["inline_keyboard"]
    assert [each.get("callback_data") for each in row] == [f"ack:{VIEW.id}", f"esc:{VIEW.id}", None]
    assert all(len(each.get("callback_data", "").encode()) <= 64 for each in row)


@pytest.mark.parametrize(
    ("status", "said", "code", "permanent"),
    [
        (403, "Forbidden: bot was blocked by the user", "person_gone", True),
        (403, "Forbidden: bot was kicked from the group chat", "not_in_channel", True),
        (400, "Bad Request: chat not found", "channel_unknown", True),
        (401, "Unauthorized", "token_revoked", True),
        (400, "Bad Request: something", "rejected", True),
        (502, "", "refused", False),
    ],
)
def test_telegrams_words_have_names_of_ours(status, said, code, permanent):
    body = msgspec.json.encode({"ok": False, "error_code": status, "description": said}) if said else b"<html>"
    receipt, _ = telegram_says(response(status, body))

    assert (receipt.code, receipt.permanent) == (code, permanent)
    assert "1:secret" not in receipt.detail


def test_telegrams_wait_is_honoured():
    body = b'{"ok":false,"error_code":429,"description":"Too Many Requests","parameters":{"retry_after":9}}'
    receipt, _ = telegram_says(response(429, body))

    assert (receipt.code, receipt.retry_after_seconds) == ("throttled", 9)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=6_000), st.sampled_from(["page", "bundle", "test"]))
def test_what_telegram_gets_is_well_formed_and_short(text, event):
    given_ = about(text, event=event)
    shown = card(msgspec.convert(given_.data, type(VIEW)), given_.incident_url)
    html = telegram.card_html(shown) if event == "page" else telegram.said_html(given_)
    bare = re.sub(r"</?b>|&(?:lt|gt|amp);", "x", html)

    assert not re.search(r"[<>&]", bare)
    assert len(re.sub(r"</?b>", "", html).replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">")) <= 4096


def test_a_button_to_a_private_host_is_left_out_because_telegram_would_refuse_the_message():
    view = card(VIEW, "http://127.0.0.1:8080/incidents/INC-1")

    assert all("url" not in each for row in telegram._buttons(view) for each in row)
