"""What Slack sends: slash commands, buttons, forms, events. The same for its webhooks and for Socket Mode.

Every answer is ready at once; what takes a call to Slack (opening a form, telling somebody why not) is a task of its
own, because Slack waits three seconds.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections import OrderedDict
from collections.abc import Coroutine, Mapping
from typing import Any, Protocol

import msgspec

from tocsin.chat import slack_views as views
from tocsin.chat.desk import Desk, Stranger, Wrong, leading, reply_of, unknown_user
from tocsin.core import commands as c
from tocsin.core.chat_text import mrkdwn
from tocsin.core.policy import Policy
from tocsin.ports import Declined, Receipt

log = logging.getLogger(__name__)
EVENTS_MAX = 5_000  # ids of events that are remembered: Slack repeats one for up to an hour
TASKS_MAX = 200
USUAL_AUDIENCE = "response team"


class Calls(Protocol):
    """The part of Slack's Web API that answering needs."""

    async def call(self, method: str, /, **arguments: Any) -> dict[str, Any] | Declined: ...

    async def respond(self, url: str, body: dict[str, Any]) -> Receipt: ...


class SlackDesk:
    """`command`, `interaction` and `event` take what Slack sends, verified, and give the JSON to answer with."""

    def __init__(self, desk: Desk, calls: Calls) -> None:
        self._desk = desk
        self._calls = calls
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()

    async def command(self, form: Mapping[str, str]) -> dict[str, Any]:
        """The reply to a slash command, shown to whoever typed it or to the channel."""
        user = form.get("user_id", "")
        key = "i" + hashlib.sha256(f"slack\0{form.get('trigger_id', '')}".encode()).hexdigest()[:31]
        try:
            said = await self._desk.typed(
                user, form.get("text", ""), form.get("channel_id", ""), key if form.get("trigger_id") else ""
            )
        except Stranger:
            return {"response_type": "ephemeral", "text": unknown_user("slack", user)}
        except Wrong as wrong:
            return {"response_type": "ephemeral", "text": str(wrong)}
        return reply_of(said)

    async def interaction(self, payload: Mapping[str, Any]) -> dict[str, Any] | None:
        """The answer to a pressed button or a filled-in form; None: nothing but 200."""
        match payload.get("type"):
            case "block_actions":
                for action in payload.get("actions") or ():
                    await self._pressed(payload, str(action.get("action_id", "")), str(action.get("value") or ""))
            case "view_submission":
                return await self._submitted(payload)
        return None

    async def event(self, body: Mapping[str, Any]) -> dict[str, Any] | None:
        """The answer to an event; a repeated one is not acted on twice."""
        if body.get("type") == "url_verification":
            return {"challenge": str(body.get("challenge", ""))[:200]}
        if self._again(str(body.get("event_id", ""))):
            return None
        event = body.get("event") or {}
        match event.get("type"):
            case "app_mention":
                self._later(self._mentioned(event, str(body.get("event_id", ""))))
            case "tokens_revoked" | "app_uninstalled":
                log.error("Slack says %s: nobody is reached by Slack until the app is installed again", event["type"])
        return None

    async def settle(self) -> None:
        """Everything that was begun is done. For a stop, and for tests."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    # --- buttons ------------------------------------------------------------------------------------------------------

    async def _pressed(self, payload: Mapping[str, Any], action: str, incident: str) -> None:
        user = str((payload.get("user") or {}).get("id", ""))
        verb = action.removeprefix("tocsin.")
        if verb == action or not incident:  # a link, or another app's button
            return
        try:
            if verb == "acknowledge":
                await self._desk.do(user, incident, c.Acknowledge())
            elif verb in _FORMS:
                found, policy = await self._desk.about(user, incident, _COMMANDS[verb])
                view = _FORMS[verb](found.id, found.reference, policy)
                self._later(self._opened(payload, view))
        except Stranger:
            self._later(self._told(payload, unknown_user("slack", user)))
        except Wrong as wrong:
            self._later(self._told(payload, mrkdwn(str(wrong))))

    async def _opened(self, payload: Mapping[str, Any], view: views.View) -> None:
        answer = await self._calls.call("views.open", trigger_id=str(payload.get("trigger_id", "")), view=view)
        if isinstance(answer, Declined):
            log.warning("a form could not be opened: %s", answer.receipt.detail)
            await self._told(payload, "Slack did not open the form; `/incident help` shows how to type it.")

    async def _told(self, payload: Mapping[str, Any], text: str) -> None:
        url = str(payload.get("response_url", ""))
        if url:
            body = {"response_type": "ephemeral", "replace_original": False, "text": text}
            receipt = await self._calls.respond(url, body)
            if receipt.code != "sent":
                log.warning("somebody could not be told why: %s", receipt.detail)

    async def _submitted(self, payload: Mapping[str, Any]) -> dict[str, Any] | None:
        view = payload.get("view") or {}
        user = str((payload.get("user") or {}).get("id", ""))
        incident = str(view.get("private_metadata", ""))
        filled = views.values(view)
        try:
            match str(view.get("callback_id", "")).removeprefix("tocsin."):
                case "escalate":
                    await self._desk.do(user, incident, c.Escalate(because=filled.get("because", "")))
                case "resolve":
                    await self._desk.do(user, incident, c.Resolve(because=filled.get("because", "")))
                case "assign":
                    await self._desk.assign(user, incident, filled.get("person", ""), filled.get("role", ""))
                case "update":
                    await self._desk.do(user, incident, _update_of(filled))
        except Stranger:
            return _errors(view, unknown_user("slack", user))
        except Wrong as wrong:
            return _errors(view, str(wrong))
        return None

    # --- events -------------------------------------------------------------------------------------------------------

    async def _mentioned(self, event: Mapping[str, Any], key: str) -> None:
        """`@tocsin ack INC-2026-001` in a channel is the same as the slash command, answered in the thread; what is for
        whoever asked, such as a private incident, is shown to them alone."""
        text = str(event.get("text", "")).partition(">")[2].strip()
        channel = str(event.get("channel", ""))
        form = {"user_id": str(event.get("user", "")), "text": text, "channel_id": channel, "trigger_id": key}
        answer = await self.command(form)
        thread = event.get("thread_ts") or event.get("ts")
        to: dict[str, Any] = {"channel": channel, "thread_ts": thread, "text": answer["text"]}
        if answer["response_type"] == "in_channel":
            told = await self._calls.call("chat.postMessage", **to)
        else:
            told = await self._calls.call("chat.postEphemeral", user=form["user_id"], **to)
        if isinstance(told, Declined):
            log.warning("a mention could not be answered: %s", told.receipt.detail)

    def _again(self, name: str) -> bool:
        if not name or name in self._seen:
            return bool(name)
        self._seen[name] = None
        while len(self._seen) > EVENTS_MAX:
            self._seen.popitem(last=False)
        return False

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        if len(self._tasks) >= TASKS_MAX:
            log.error("too much is on its way to Slack; an answer was dropped")
            work.close()
            return
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _update_of(filled: Mapping[str, str]) -> c.PostUpdate:
    told = {"command": "post-update", "audience": filled.get("audience", USUAL_AUDIENCE)}
    return msgspec.convert(told | {"text": filled.get("text", ""), "status": filled.get("status")}, c.PostUpdate)


def _errors(view: Mapping[str, Any], text: str) -> dict[str, Any]:
    """The form stays open and says why, at its first field."""
    blocks = view.get("blocks") or [{}]
    return {"response_action": "errors", "errors": {str(blocks[0].get("block_id", "because")): text[:3000]}}


def _audiences(policy: Policy) -> list[str]:
    told = [each.audience for each in policy.cadences] + [each.audience or "" for each in policy.templates]
    return list(dict.fromkeys([USUAL_AUDIENCE, *(each for each in told if each)]))


def _roles(policy: Policy) -> list[str]:
    return list(dict.fromkeys([leading(policy), *(role.name for role in policy.roles)]))


_COMMANDS = {"escalate": "escalate", "resolve": "resolve", "update": "post-update", "assign": "assign-role"}
_FORMS: Mapping[str, Any] = {
    "escalate": lambda incident, reference, _: views.escalate(incident, reference),
    "resolve": lambda incident, reference, _: views.resolve(incident, reference),
    "update": lambda incident, reference, policy: views.update(incident, reference, _audiences(policy)),
    "assign": lambda incident, reference, policy: views.assign(incident, reference, _roles(policy)),
}
