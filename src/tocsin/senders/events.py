"""Events of incidents to other programs, each in the form that its hook asks for, signed as that form is signed.

Sources: standard-webhooks/standard-webhooks spec; PagerDuty/developer-docs docs/webhooks (signatures).
"""

from __future__ import annotations

import hashlib
import hmac
import ssl
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from tocsin.clock import Clock
from tocsin.core.hook_bodies import test_body
from tocsin.core.hooks import HOOK, Format, Hook, key_of
from tocsin.ports import Message, Receipt
from tocsin.senders.http import TIMEOUT_SECONDS, Headers, Poster, receipt_of, target
from tocsin.senders.webhook import BODY_BYTES_MAX, header_id, shorter, sign

CONTENT_TYPES: Mapping[Format, str] = {
    "standard": "application/json",
    "cloudevents": "application/cloudevents+json; charset=utf-8",
    "pagerduty": "application/json",
}
NAMED = ("id", "reference", "title", "status", "severity", "service", "opened_at", "drill")


class EventSender:
    """Posts `message.data["body"]` to the hook that `message.person` names, at the address it has now."""

    kind = HOOK

    def __init__(
        self,
        named: Callable[[str], Hook | None],
        *,
        clock: Clock,
        public_url: str,
        allow_private: bool = False,
        timeout_seconds: float = TIMEOUT_SECONDS,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`named`: the hook of this name if it may be called, None otherwise."""
        self._named = named
        self._clock = clock
        self._public_url = public_url
        self._poster = Poster(allow_private=allow_private, timeout_seconds=timeout_seconds, tls=tls)

    async def send(self, message: Message) -> Receipt:
        hook = self._named(message.person.id)
        if hook is None:
            detail = f"the hook {message.person.id!r} was removed or is off; enable it, and replay this"
            return Receipt(code="misconfigured", permanent=True, detail=detail)
        try:
            to = target(hook.url)
        except ValueError as error:
            return Receipt(code="bad_address", permanent=True, detail=str(error))
        if message.event == "test":
            name, form = header_id(message.id), hook.format
            body = msgspec.json.encode(test_body(form, name, message.at, self._public_url))
        else:
            name, form = header_id(str(message.data["id"])), message.data["format"]
            body = fitting(message.data["body"])
        headers = signed(hook, form, name, int(self._clock.now().timestamp()), body)
        answer = await self._poster.post(to, headers, body)
        return answer if isinstance(answer, Receipt) else receipt_of(to, answer)

    async def close(self) -> None:
        await self._poster.close()


def signed(hook: Hook, form: Format, name: str, at: int, body: bytes) -> Headers:
    """The headers of one attempt. A secret that does not fit the form (it was changed meanwhile) signs nothing."""
    headers = {"Content-Type": CONTENT_TYPES[form]}
    if form == "pagerduty":
        headers |= {"X-Webhook-Id": name, "X-Webhook-Subscription": header_id(hook.name)}
        if hook.secret:
            mac = hmac.digest(hook.secret.encode(), body, hashlib.sha256)
            headers["X-PagerDuty-Signature"] = f"v1={mac.hex()}"
        return headers
    headers |= {"webhook-id": name, "webhook-timestamp": str(at)}
    if hook.secret and hook.format != "pagerduty":
        headers["webhook-signature"] = sign(key_of(hook.secret), name, at, body)
    return headers


def fitting(body: dict[str, Any]) -> bytes:
    """The body within what receivers have to take: the incident is cut down to what names it, if need be."""
    encoded = msgspec.json.encode(body)
    data = body.get("data")
    if len(encoded) <= BODY_BYTES_MAX or not isinstance(data, dict) or not isinstance(data.get("incident"), dict):
        return encoded
    incident = data["incident"]
    brief = {name: incident[name] for name in NAMED if name in incident}
    for less in (shorter(incident), brief):
        encoded = msgspec.json.encode(body | {"data": data | {"incident": less}})
        if len(encoded) <= BODY_BYTES_MAX:
            return encoded
    cut = {"details": shorter(data.get("details") or {}), "incident": shorter(brief)}
    return msgspec.json.encode(body | {"data": data | cut})
