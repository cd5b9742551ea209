"""`POST /slack/commands`, `/slack/interactions`, `/slack/events`: verified, then handed to the desk.

A request is Slack's when its signature over the raw body is right and its time stamp is at most five minutes off; the
same signature counts once. https://docs.slack.dev/authentication/verifying-requests-from-slack
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from datetime import timedelta
from importlib import import_module
from typing import Any, Protocol
from urllib.parse import parse_qsl

import msgspec

from tocsin.clock import Clock
from tocsin.http.asgi import (
    Answer,
    BodyGone,
    BodyTooLarge,
    Receive,
    Request,
    Scope,
    Send,
    answer,
    read_body,
    request_of,
)

BODY_MAX = 512 * 1024  # an interaction carries the whole message it belongs to
REMEMBERED = timedelta(minutes=11)  # longer than a signature can be good: five minutes both ways
SIGNATURES_MAX = 20_000


class Slack(Protocol):
    """What answers Slack (chat/slack_desk.py)."""

    async def command(self, form: Mapping[str, str]) -> dict[str, Any]: ...
    async def interaction(self, payload: Mapping[str, Any]) -> dict[str, Any] | None: ...
    async def event(self, body: Mapping[str, Any]) -> dict[str, Any] | None: ...


class Signatures:
    """Whether a request is Slack's and new, by Slack's own verifier, which is loaded when it is needed."""

    def __init__(self, secret: str, clock: Clock) -> None:
        self._clock = clock
        self._verifier = import_module("slack_sdk.signature").SignatureVerifier(secret, clock=_Seconds(clock))
        self._seen: OrderedDict[str, float] = OrderedDict()

    def refusal(self, headers: Mapping[str, str], body: bytes) -> str | None:
        """Why the request is refused, or None. One that is accepted is remembered."""
        stamp, signature = headers.get("x-slack-request-timestamp", ""), headers.get("x-slack-signature", "")
        if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12) or not signature:
            return "expected X-Slack-Request-Timestamp and X-Slack-Signature"
        try:
            valid = self._verifier.is_valid(body, stamp, signature)
        except UnicodeDecodeError:  # the verifier reads the body as text
            return "the body is not UTF-8"
        if not valid:
            return "the signature is not Slack's, or older than five minutes"
        now = self._clock.now().timestamp()
        while self._seen and next(iter(self._seen.values())) < now - REMEMBERED.total_seconds():
            self._seen.popitem(last=False)
        if signature in self._seen:
            return "this request was made before"
        self._seen[signature] = now
        while len(self._seen) > SIGNATURES_MAX:
            self._seen.popitem(last=False)
        return None


class _Seconds:
    """The clock as Slack's verifier asks it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self) -> float:
        return self._clock.now().timestamp()


class SlackApp:
    """The ASGI app behind `/slack/`. `signatures` None: no signing secret is configured, and everything is refused."""

    def __init__(self, desk: Slack | None, signatures: Signatures | None) -> None:
        self._desk = desk
        self._signatures = signatures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            given = await self._answer(request_of(scope), receive)
        except BodyGone:
            return
        except BodyTooLarge as error:
            given = _plain(413, str(error))
        except ValueError as error:
            given = _plain(400, str(error))
        await answer(send, given, head=scope["method"] == "HEAD")

    async def _answer(self, request: Request, receive: Receive) -> Answer:
        place = request.path.removeprefix("/slack/")
        if place not in ("commands", "interactions", "events"):
            return _plain(404, "expected /slack/commands, /slack/interactions or /slack/events")
        if request.method != "POST":
            return _plain(405, "expected POST", (("allow", "POST"),))
        if self._desk is None or self._signatures is None:
            return _plain(404, "Slack is not set up: [slack] bot_token and signing_secret are needed")
        body = await read_body(receive, request.headers, BODY_MAX)
        refused = self._signatures.refusal(request.headers, body)
        if refused:
            return _plain(401, refused)
        said = await self._handed(place, body)
        return Answer(body=msgspec.json.encode(said)) if said is not None else Answer(content_type="")

    async def _handed(self, place: str, body: bytes) -> dict[str, Any] | None:
        assert self._desk is not None
        if place == "events":
            return await self._desk.event(_object(body, "body"))
        form = dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=100))
        if place == "commands":
            return await self._desk.command(form)
        return await self._desk.interaction(_object(form.get("payload", "").encode(), "payload"))


def _object(body: bytes, what: str) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ValueError(f"{what}: expected a JSON object")
    return found


def _plain(status: int, text: str, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    return Answer(status=status, body=f"{text}\n".encode(), content_type="text/plain; charset=utf-8", headers=headers)
