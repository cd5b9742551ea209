"""A Slack of our own: the Web API methods that Tocsin calls, as documented, and strict about what it is given.

Whatever Slack would refuse is refused with Slack's word for it; what Slack would take silently but nobody should send
(unknown arguments, a missing content type) is kept in `complaints`, which every test expects to be empty.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from slack_sdk.models.blocks import Block

from tests.senders.servers import Reader, Writer, listening, response

BOT = "xoxb-fake-bot"
APP = "xapp-fake-app"
BOT_USER = "UTOCSIN"

METHODS: dict[str, tuple[set[str], set[str]]] = {  # method -> (required, optional)
    "auth.test": (set(), set()),
    "apps.connections.open": (set(), set()),
    "chat.postMessage": (
        {"channel"},
        {"text", "blocks", "metadata", "unfurl_links", "unfurl_media", "thread_ts", "reply_broadcast", "mrkdwn"},
    ),
    "chat.update": ({"channel", "ts"}, {"text", "blocks", "metadata"}),
    "chat.postEphemeral": ({"channel", "user"}, {"text", "blocks", "thread_ts"}),
    "conversations.create": ({"name"}, {"is_private", "team_id"}),
    "conversations.setTopic": ({"channel", "topic"}, set()),
    "conversations.invite": ({"channel", "users"}, {"force"}),
    "conversations.archive": ({"channel"}, set()),
    "conversations.join": ({"channel"}, set()),
    "conversations.list": (set(), {"types", "limit", "cursor", "exclude_archived"}),
    "conversations.info": ({"channel"}, set()),
    "conversations.history": ({"channel"}, {"limit", "cursor", "oldest", "include_all_metadata"}),
    "conversations.replies": ({"channel", "ts"}, {"limit", "cursor", "include_all_metadata"}),
    "pins.add": ({"channel", "timestamp"}, set()),
    "views.open": ({"trigger_id", "view"}, set()),
}
NAME = re.compile(r"[a-z0-9_-]{1,80}")
BUTTONS_MAX, VALUE_MAX, BLOCKS_MAX, HEADER_MAX, TEXT_MAX = 25, 2000, 50, 150, 3000


class FakeSlack:
    """`calls` in order: (method, arguments). `answers` overrides the next answer of a method with raw bytes."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.complaints: list[str] = []
        self.channels: dict[str, dict[str, Any]] = {}
        self.messages: dict[str, dict[str, dict[str, Any]]] = {}  # channel -> ts -> message
        self.views: list[dict[str, Any]] = []
        self.responses: list[tuple[str, dict[str, Any]]] = []  # posts to /respond/...
        self.answers: dict[str, list[bytes | None]] = {}
        self.errors: dict[str, str] = {}  # method -> Slack's word, until taken out
        self.lose: set[str] = set()  # methods that do their work and then drop the connection, once
        self._ts = itertools.count(1_700_000_000)
        self._ids = itertools.count(1)
        self.port = 0
        self.add("C0PS", "ops")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api/"

    def add(self, channel: str, name: str, *, member: bool = True, archived: bool = False) -> str:
        self.channels[channel] = {
            "id": channel,
            "name": name,
            "is_archived": archived,
            "is_member": member,
            "creator": BOT_USER,
            "topic": {"value": ""},
            "members": [BOT_USER] if member else [],
        }
        self.messages[channel] = {}
        return channel

    def shown(self, channel: str = "C0PS") -> list[dict[str, Any]]:
        """The messages of a channel that are in no thread, oldest first."""
        return [each for each in self.messages[channel].values() if not each.get("thread_ts")]

    def thread(self, channel: str, ts: str) -> list[dict[str, Any]]:
        return [each for each in self.messages[channel].values() if each.get("thread_ts") == ts]

    def called(self, method: str) -> list[dict[str, Any]]:
        return [arguments for name, arguments in self.calls if name == method]

    # --- the socket ---------------------------------------------------------------------------------------------------

    async def __call__(self, reader: Reader, writer: Writer) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        verb, path, _ = head[0].split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        answer = self._answer(verb, path, headers, body)
        if answer is not None:
            writer.write(answer)
            await writer.drain()

    def _answer(self, verb: str, path: str, headers: dict[str, str], body: bytes) -> bytes | None:
        if path.startswith("/respond/"):
            self.responses.append((path, msgspec.json.decode(body)))
            return response(200, b"ok")
        method = path.removeprefix("/api/").partition("?")[0]
        if self.answers.get(method):
            return self.answers[method].pop(0)
        said = self._said(method, verb, headers, body)
        if method in self.lose:
            self.lose.discard(method)
            return None
        return response(200, json.dumps(said).encode(), Content_Type="application/json; charset=utf-8")

    def _said(self, method: str, verb: str, headers: dict[str, str], body: bytes) -> dict[str, Any]:
        if method not in METHODS:
            return {"ok": False, "error": "unknown_method"}
        wanted = APP if method == "apps.connections.open" else BOT
        if headers.get("authorization") != f"Bearer {wanted}":
            return {"ok": False, "error": "invalid_auth" if headers.get("authorization") else "not_authed"}
        if verb != "POST":
            self.complaints.append(f"{method}: expected POST, got {verb}")
        arguments = self._arguments(method, headers, body)
        self.calls.append((method, arguments))
        if method in self.errors:
            return {"ok": False, "error": self.errors[method], "needed": "chat:write"}
        required, optional = METHODS[method]
        if missing := required - arguments.keys():
            return {"ok": False, "error": "invalid_arguments", "response_metadata": {"messages": sorted(missing)}}
        if unknown := arguments.keys() - required - optional:
            self.complaints.append(f"{method}: unknown arguments {sorted(unknown)}")
        return getattr(self, "_" + method.replace(".", "_"))(arguments)

    def _arguments(self, method: str, headers: dict[str, str], body: bytes) -> dict[str, Any]:
        kind = headers.get("content-type", "").partition(";")[0]
        if kind == "application/json":
            return dict(msgspec.json.decode(body or b"{}"))
        if kind not in ("application/x-www-form-urlencoded", ""):
            self.complaints.append(f"{method}: content-type {kind}")
        found: dict[str, Any] = dict(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=bool(body)))
        for name in ("blocks", "metadata", "view"):
            if name in found:
                found[name] = msgspec.json.decode(found[name])
        return found

    # --- methods ------------------------------------------------------------------------------------------------------

    def _auth_test(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"ok": True, "url": "https://fake.slack.com/", "team": "Fake", "user": "tocsin", "user_id": BOT_USER}

    def _apps_connections_open(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"ok": True, "url": f"ws://127.0.0.1:{self.port}/socket"}

    def _refusal(self, channel: str, *, joined: bool = True) -> str | None:
        known = self.channels.get(channel)
        if known is None:
            return "channel_not_found"
        if known["is_archived"]:
            return "is_archived"
        return "not_in_channel" if joined and not known["is_member"] else None

    def _chat_postMessage(self, told: dict[str, Any]) -> dict[str, Any]:
        channel = self._channel_of(told["channel"])
        error = self._refusal(channel) or self._bad_blocks(told)
        if error:
            return {"ok": False, "error": error}
        if "thread_ts" in told and told["thread_ts"] not in self.messages[channel]:
            return {"ok": False, "error": "thread_not_found"}
        ts = f"{next(self._ts)}.000100"
        message = {"ts": ts, "user": BOT_USER} | {
            name: told[name] for name in ("text", "blocks", "metadata", "thread_ts") if name in told
        }
        self.messages[channel][ts] = message
        return {"ok": True, "channel": channel, "ts": ts, "message": message}

    def _channel_of(self, named: str) -> str:
        """A person's id opens the app's own conversation with them; a `#name` finds its channel."""
        if named.startswith("U"):
            direct = f"D{named[1:]}"
            if direct not in self.channels:
                self.add(direct, direct.lower())
            return direct
        found = [each for each, known in self.channels.items() if known["name"] == named.removeprefix("#")]
        return found[0] if found and named.startswith("#") else named

    def _chat_update(self, told: dict[str, Any]) -> dict[str, Any]:
        error = self._refusal(told["channel"]) or self._bad_blocks(told)
        if error:
            return {"ok": False, "error": error}
        message = self.messages[told["channel"]].get(told["ts"])
        if message is None:
            return {"ok": False, "error": "message_not_found"}
        message |= {name: told[name] for name in ("text", "blocks") if name in told} | {"edited": True}
        return {"ok": True, "channel": told["channel"], "ts": told["ts"], "text": message.get("text", "")}

    def _chat_postEphemeral(self, told: dict[str, Any]) -> dict[str, Any]:
        error = self._refusal(told["channel"]) or self._bad_blocks(told)
        return {"ok": False, "error": error} if error else {"ok": True, "message_ts": f"{next(self._ts)}.0"}

    def _conversations_create(self, told: dict[str, Any]) -> dict[str, Any]:
        name = told["name"]
        if not NAME.fullmatch(name):
            return {"ok": False, "error": "invalid_name_specials"}
        if any(each["name"] == name for each in self.channels.values()):
            return {"ok": False, "error": "name_taken"}
        return {"ok": True, "channel": self.channels[self.add(f"CNEW{next(self._ids)}", name)]}

    def _conversations_setTopic(self, told: dict[str, Any]) -> dict[str, Any]:
        if error := self._refusal(told["channel"]):
            return {"ok": False, "error": error}
        if len(told["topic"]) > 250:
            return {"ok": False, "error": "too_long"}
        self.channels[told["channel"]]["topic"] = {"value": told["topic"]}
        return {"ok": True}

    def _conversations_invite(self, told: dict[str, Any]) -> dict[str, Any]:
        if error := self._refusal(told["channel"]):
            return {"ok": False, "error": error}
        members = self.channels[told["channel"]]["members"]
        asked = told["users"].split(",")
        if all(each in members for each in asked):
            return {"ok": False, "error": "already_in_channel"}
        members += [each for each in asked if each not in members]
        return {"ok": True, "channel": {"id": told["channel"]}}

    def _conversations_archive(self, told: dict[str, Any]) -> dict[str, Any]:
        known = self.channels.get(told["channel"])
        if known is None:
            return {"ok": False, "error": "channel_not_found"}
        if known["is_archived"]:
            return {"ok": False, "error": "already_archived"}
        known["is_archived"] = True
        return {"ok": True}

    def _conversations_join(self, told: dict[str, Any]) -> dict[str, Any]:
        if error := self._refusal(told["channel"], joined=False):
            return {"ok": False, "error": error}
        self.channels[told["channel"]]["is_member"] = True
        return {"ok": True, "channel": {"id": told["channel"]}}

    def _conversations_list(self, told: dict[str, Any]) -> dict[str, Any]:
        """Two on a page, so that a cursor is needed."""
        found = [each for each in self.channels.values() if not each["id"].startswith("D")]
        if told.get("exclude_archived") == "true":
            found = [each for each in found if not each["is_archived"]]
        start = int(told.get("cursor") or 0)
        more = str(start + 2) if start + 2 < len(found) else ""
        return {"ok": True, "channels": found[start : start + 2], "response_metadata": {"next_cursor": more}}

    def _conversations_info(self, told: dict[str, Any]) -> dict[str, Any]:
        known = self.channels.get(told["channel"])
        return {"ok": True, "channel": known} if known else {"ok": False, "error": "channel_not_found"}

    def _conversations_history(self, told: dict[str, Any]) -> dict[str, Any]:
        if error := self._refusal(told["channel"]):
            return {"ok": False, "error": error}
        newest = sorted(self.shown(told["channel"]), key=lambda each: each["ts"], reverse=True)
        return {"ok": True, "messages": self._listed(newest, told), "has_more": False}

    def _conversations_replies(self, told: dict[str, Any]) -> dict[str, Any]:
        if told["channel"] not in self.channels:
            return {"ok": False, "error": "channel_not_found"}
        parent = self.messages[told["channel"]].get(told["ts"])
        if parent is None:
            return {"ok": False, "error": "thread_not_found"}
        return {"ok": True, "messages": self._listed([parent, *self.thread(told["channel"], told["ts"])], told)}

    def _listed(self, messages: list[dict[str, Any]], told: dict[str, Any]) -> list[dict[str, Any]]:
        """Without `include_all_metadata`, Slack leaves the metadata out."""
        if told.get("include_all_metadata") == "true":
            return messages
        return [{name: value for name, value in each.items() if name != "metadata"} for each in messages]

    def _pins_add(self, told: dict[str, Any]) -> dict[str, Any]:
        known = told["timestamp"] in self.messages.get(told["channel"], {})
        return {"ok": True} if known else {"ok": False, "error": "message_not_found"}

    def _views_open(self, told: dict[str, Any]) -> dict[str, Any]:
        view = told["view"]
        if len(view.get("private_metadata", "")) > 3000 or len(view["title"]["text"]) > 24:
            return {"ok": False, "error": "invalid_arguments"}
        self.views.append(view)
        return {"ok": True, "view": {"id": f"V{len(self.views)}"}}

    # --- blocks -------------------------------------------------------------------------------------------------------

    def _bad_blocks(self, told: dict[str, Any]) -> str | None:
        blocks = told.get("blocks", [])
        if not blocks and not told.get("text"):
            return "no_text"
        if not told.get("text"):
            self.complaints.append("blocks without text: notifications and screen readers have nothing to say")
        if len(blocks) > BLOCKS_MAX:
            return "invalid_blocks"
        actions: list[str] = []
        for block in blocks:
            if block["type"] == "header" and not 0 < len(block["text"]["text"]) <= HEADER_MAX:
                return "invalid_blocks"
            if block["type"] == "section" and not 0 < len(block["text"]["text"]) <= TEXT_MAX:
                return "invalid_blocks"
            if block["type"] == "actions":
                actions += [each["action_id"] for each in block["elements"]]
                if not 0 < len(block["elements"]) <= BUTTONS_MAX:
                    return "invalid_blocks"
                if any(len(each.get("value", "")) > VALUE_MAX for each in block["elements"]):
                    return "invalid_blocks"
        if len(actions) != len(set(actions)):
            return "invalid_blocks"
        for block in Block.parse_all(blocks):
            block.validate_json()
        return None


@asynccontextmanager
async def fake_slack() -> AsyncIterator[FakeSlack]:
    """A running one; at the end it must have had no reason to complain."""
    slack = FakeSlack()
    async with listening(slack) as slack.port:
        yield slack
    assert slack.complaints == []
