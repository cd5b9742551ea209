"""Slack's Socket Mode: what Slack sends comes over a connection of ours, for a server that Slack cannot reach.

https://docs.slack.dev/apis/events-api/using-socket-mode. Slack's own client keeps the connection, in threads of its
own; it is loaded when Socket Mode is used.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from importlib import import_module
from typing import Any

from tocsin.chat.slack_desk import SlackDesk

log = logging.getLogger(__name__)
ANSWER_SECONDS = 3.0  # Slack waits no longer
RETRY_SECONDS = (1.0, 5.0, 30.0, 60.0)  # until the first connection is made; the client keeps it from then on
ENVELOPES_MAX = 2_000


class SocketMode:
    """Runs until cancelled. Every envelope is answered; one that comes again is not acted on twice."""

    def __init__(self, desk: SlackDesk, *, app_token: str, base_url: str) -> None:
        self._desk = desk
        self._app_token = app_token
        self._base_url = base_url.rstrip("/") + "/"
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._loop: asyncio.AbstractEventLoop
        self.connected = asyncio.Event()

    async def run(self) -> None:
        self._loop = asyncio.get_running_loop()
        client = await asyncio.to_thread(self._client)
        try:
            await self._connect(client)
            self.connected.set()
            await asyncio.Event().wait()
        finally:
            await asyncio.to_thread(client.close)

    def _client(self) -> Any:
        builtin = import_module("slack_sdk.socket_mode.builtin")
        web = import_module("slack_sdk.web").WebClient(base_url=self._base_url)
        client = builtin.SocketModeClient(app_token=self._app_token, web_client=web)
        client.socket_mode_request_listeners.append(self._heard)
        return client

    async def _connect(self, client: Any) -> None:
        """Connected, however long it takes: a network that is down at the start comes back."""
        slack_errors = import_module("slack_sdk.errors")
        for n in range(1_000_000):
            try:
                await asyncio.to_thread(client.connect)
            except (slack_errors.SlackClientError, OSError) as error:
                log.error("Socket Mode: no connection: %s", str(error).partition("\n")[0])
                await asyncio.sleep(RETRY_SECONDS[min(n, len(RETRY_SECONDS) - 1)])
            else:
                return

    def _heard(self, client: Any, request: Any) -> None:
        """One envelope, in a thread of the client's."""
        answered = asyncio.run_coroutine_threadsafe(self._answer(request), self._loop)
        try:
            payload = answered.result(ANSWER_SECONDS)
        except TimeoutError:
            log.warning("Socket Mode: an answer took more than %g s", ANSWER_SECONDS)
            payload = None
        response = import_module("slack_sdk.socket_mode.response")
        client.send_socket_mode_response(response.SocketModeResponse(request.envelope_id, payload))

    async def _answer(self, request: Any) -> dict[str, Any] | None:
        if request.envelope_id in self._seen:
            return None
        self._seen[request.envelope_id] = None
        while len(self._seen) > ENVELOPES_MAX:
            self._seen.popitem(last=False)
        payload = request.payload or {}
        match request.type:
            case "slash_commands":
                return await self._desk.command({name: str(value) for name, value in payload.items()})
            case "interactive":
                return await self._desk.interaction(payload)
            case "events_api":
                return await self._desk.event(payload)
        return None
