"""Slack from end to end, on a running Tocsin: an alert, a message, a pressed button, the message as it is then."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count
from typing import Any
from urllib.parse import urlencode

import httpx2
import msgspec
import pytest
from slack_sdk.signature import SignatureVerifier

from tests.path.harness import PEOPLE, POLICY, Tocsin, World, throughout, until
from tests.senders.fake_slack import BOT, FakeSlack
from tocsin.clock import SystemClock

pytestmark = pytest.mark.slow

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
FIRES = {"labels": {"alertname": "CheckoutFails", "service": "checkout", "severity": "critical"}}
RESOLVED = FIRES | {"endsAt": "2026-01-01T00:00:00Z", "startsAt": "2025-12-31T00:00:00Z"}


@pytest.fixture
def slack(shop: World) -> Iterator[FakeSlack]:
    fake = FakeSlack()
    fake.port = shop.servers.serve(fake)
    yield fake
    assert fake.complaints == []


def running(shop: World, slack: FakeSlack, more: str = "") -> Tocsin:
    people = PEOPLE.replace('methods = ["ana@example.org"]', 'methods = ["slack:UANA"]')
    settings = f"""
[slack]
bot_token = "{BOT}"
signing_secret = "{SECRET}"
channel = "C0PS"
api_url = "{slack.url.rstrip("/")}"
{more}
"""
    return shop.tocsin(people=people + settings, policy=POLICY)


def posted(
    tocsin: Tocsin, place: str, form: dict[str, str], *, at: float = 0.0, now: float | None = None, **headers: str
) -> httpx2.Response:
    """What Slack posts, signed as Slack signs it (its own code does), `at` seconds from now."""
    body = urlencode(form)
    stamp = str(int((SystemClock().now().timestamp() if now is None else now) + at))
    signature = SignatureVerifier(SECRET).generate_signature(timestamp=stamp, body=body) or ""
    given = {
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": signature,
        "Content-Type": "application/x-www-form-urlencoded",
    }
    encoded = {name: value.encode("latin-1") for name, value in (given | headers).items()}
    return httpx2.post(f"{tocsin.url}/slack/{place}", content=body.encode(), headers=encoded)


PRESSES = count(738474920)


def pressed(button: dict[str, Any], user: str, slack: FakeSlack) -> dict[str, str]:
    """One press: Slack gives each a trigger of its own, so that two within a second are not taken for a replay."""
    payload = {
        "type": "block_actions",
        "user": {"id": user},
        "trigger_id": f"13345224609.{next(PRESSES)}.8088930838d88f008e0",
        "response_url": f"http://127.0.0.1:{slack.port}/respond/1",
        "actions": [{"type": "button", "action_id": button["action_id"], "value": button.get("value", "")}],
    }
    return {"payload": json.dumps(payload)}


def button(message: dict[str, Any], name: str) -> dict[str, Any]:
    found = [each for each in message["blocks"][-1]["elements"] if each["action_id"] == f"tocsin.{name}"]
    return dict(found[0]) if found else {}


def shown(message: dict[str, Any]) -> str:
    return msgspec.json.encode(message["blocks"]).decode()


def test_an_alert_a_message_a_pressed_button_and_the_message_as_it_is_then(shop: World, slack: FakeSlack) -> None:
    tocsin = running(shop, slack)

    tocsin.alert(FIRES)
    (common,) = until(slack.shown, what="the message in the channel")
    (direct,) = until(lambda: slack.messages.get("DANA") and slack.shown("DANA"), what="ana's own message")
    assert "nobody has it yet" in shown(common)

    answer = posted(tocsin, "interactions", pressed(button(direct, "acknowledge"), "UANA", slack))

    assert answer.status_code == 200
    incident = tocsin.incident()
    assert incident["acknowledged_by"] == "ana"
    until(lambda: "ana has it" in shown(common), what="the message in the channel to change")
    until(lambda: "ana has it" in shown(direct), what="ana's own message to change")
    assert button(common, "acknowledge") == {}
    said = until(lambda: [each["text"] for each in slack.thread("C0PS", common["ts"])], what="the thread")
    assert said[0] == "Acknowledged by ana"

    tocsin.command(incident["id"], "resolve", because="rolled back")
    until(lambda: "Resolved by" in shown(common), what="the message to say that it is over")
    assert len(slack.shown()) == 1


def test_guides_own_command_opens_an_incident_with_a_channel_that_ends_with_it(shop: World, slack: FakeSlack) -> None:
    tocsin = running(shop, slack)
    form = {"command": "/incident", "user_id": "UANA", "channel_id": "C0PS", "trigger_id": "1.2"}

    answer = posted(tocsin, "commands", form | {"text": "create “Dashboard Outage - P1”"})

    assert answer.json()["response_type"] == "in_channel"
    incident = tocsin.incident()
    assert (incident["title"], incident["severity"]) == ("Dashboard Outage", "P1")
    (place,) = until(
        lambda: [each for each in tocsin.incident()["channels"] if each["channel"]], what="the incident's own channel"
    )
    reference = incident["reference"].casefold()
    assert place["name"] == f"{reference}-dashboard-outage"
    channel = slack.channels[place["channel"]]
    until(lambda: "UANA" in channel["members"], what="the responder in the channel")
    assert incident["reference"] in channel["topic"]["value"]
    until(lambda: slack.shown(place["channel"]), what="the incident's message in its channel")

    said = posted(tocsin, "commands", form | {"text": "ack", "channel_id": place["channel"], "trigger_id": "1.3"})
    assert "ana has it" in said.json()["text"]
    tocsin.command(incident["id"], "resolve")
    tocsin.command(incident["id"], "close")
    until(lambda: channel["is_archived"], what="the channel to be archived")
    until(lambda: "ChannelArchived" in tocsin.kinds(incident["id"]), what="that on the timeline")


def test_a_channel_that_fails_is_a_fact_and_keeps_nobody_from_working(shop: World, slack: FakeSlack) -> None:
    slack.channels["C0PS"]["is_archived"] = True
    slack.errors["conversations.create"] = "missing_scope"
    tocsin = running(shop, slack, 'incident_channels = ["all"]')

    tocsin.alert(FIRES)
    incident = tocsin.incident()
    failed = until(
        lambda: [each for each in tocsin.timeline(incident["id"]) if each["kind"] == "ChannelFailed"][:2] or None,
        what="the failure on the timeline",
    )
    until(lambda: slack.messages.get("DANA"), what="the page, which goes out all the same")

    codes = {each["data"]["code"] for each in failed}
    assert codes <= {"channel_archived", "missing_scope"}
    assert tocsin.command(incident["id"], "acknowledge")["acknowledged_at"]
    throughout(1.5, lambda: tocsin.kinds(incident["id"]).count("ChannelFailed") <= 2)


def test_a_lost_answer_leads_to_no_second_message(shop: World, slack: FakeSlack) -> None:
    slack.lose.add("chat.postMessage")
    tocsin = shop.tocsin(
        people=PEOPLE + f'\n[slack]\nbot_token = "{BOT}"\nchannel = "C0PS"\napi_url = "{slack.url.rstrip("/")}"\n',
        policy=POLICY,
    )

    tocsin.alert(FIRES)
    until(lambda: slack.called("conversations.history"), 20, what="the message to be looked for")
    tocsin.command(tocsin.incident()["id"], "acknowledge")
    until(lambda: "has it" in shown(slack.shown()[0]), 20, what="the message to be revised")

    assert len(slack.shown()) == 1


def test_what_is_forged_old_or_said_twice_is_refused(shop: World, slack: FakeSlack) -> None:
    tocsin = running(shop, slack)
    form = {"command": "/incident", "text": "create x", "user_id": "UANA", "channel_id": "C0PS", "trigger_id": "9"}

    assert posted(tocsin, "commands", form, at=-301).status_code == 401
    assert posted(tocsin, "commands", form, at=330).status_code == 401
    for wrong in ({"X-Slack-Signature": "v0=" + "0" * 64}, {"X-Slack-Signature": ""}):
        assert posted(tocsin, "commands", form, **wrong).status_code == 401
    for stamp in ("garbage", "", "1e9", "\xb2", "9" * 40):
        answer = posted(tocsin, "commands", form, **{"X-Slack-Request-Timestamp": stamp})
        assert answer.status_code == 401, stamp
    assert tocsin.incidents() == []

    now = SystemClock().now().timestamp()
    assert posted(tocsin, "commands", form, now=now).status_code == 200
    assert posted(tocsin, "commands", form, now=now).status_code in (200, 401)
    assert len(tocsin.incidents()) == 1


def test_a_stranger_is_told_how_to_be_known_and_changes_nothing(shop: World, slack: FakeSlack) -> None:
    tocsin = running(shop, slack)
    tocsin.alert(FIRES)
    (common,) = until(slack.shown, what="the message in the channel")

    posted(tocsin, "interactions", pressed(button(common, "acknowledge"), "UEVE", slack))
    ((_, told),) = until(lambda: slack.responses, what="an answer to the stranger")
    assert "tocsin channel link slack UEVE" in told["text"]
    assert tocsin.incident()["acknowledged_at"] is None

    answer = tocsin.ask("PUT", "/api/chat-users/slack/UEVE", json={"person": "bo"})
    assert answer.json() == {"kind": "slack", "user": "UEVE", "person": "bo"}
    posted(tocsin, "interactions", pressed(button(common, "acknowledge"), "UEVE", slack))
    until(lambda: tocsin.incident()["acknowledged_by"] == "bo", what="bo to have it")


def test_a_form_posts_an_update(shop: World, slack: FakeSlack) -> None:
    tocsin = running(shop, slack)
    tocsin.alert(FIRES)
    (common,) = until(slack.shown, what="the message in the channel")

    posted(tocsin, "interactions", pressed(button(common, "update"), "UANA", slack))
    (view,) = until(lambda: slack.views, what="the form")
    values = {
        "audience": {"audience": {"type": "static_select", "selected_option": {"value": "response team"}}},
        "text": {"text": {"type": "plain_text_input", "value": "rolling back <!channel>"}},
        "status": {"status": {"type": "static_select", "selected_option": {"value": "identified"}}},
    }
    filled = view | {"state": {"values": values}}
    payload = {"type": "view_submission", "user": {"id": "UANA"}, "view": filled}
    answer = posted(tocsin, "interactions", {"payload": json.dumps(payload)})

    assert (answer.status_code, answer.content) == (200, b"")
    assert tocsin.incident()["status"] == "identified"
    said = until(lambda: slack.thread("C0PS", common["ts"])[1:], what="the update in the thread")
    assert "rolling back &lt;!channel&gt;" in "".join(each["text"] for each in said)
