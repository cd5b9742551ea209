"""Pages as signed webhooks, as Standard Webhooks has them (https://www.standardwebhooks.com)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import ssl
from collections.abc import Mapping
from typing import Any

import msgspec

from tocsin.clock import Clock
from tocsin.core.hooks import key_of
from tocsin.core.paging_text import one_line
from tocsin.ports import Message, Receipt
from tocsin.senders.http import TIMEOUT_SECONDS, Poster, receipt_of, target

BODY_BYTES_MAX = 20_000  # what Standard Webhooks asks receivers to take
ALERTS_MAX = 10  # of an incident's, where all of them would be too many

TYPES = {
    "page": "incident.paged",
    "notice": "incident.notice",
    "resolved": "incident.resolved",
    "bundle": "incident.bundle",
    "test": "test",
    "alarm": "tocsin.alarm",
}


class WebhookSender:
    """Posts `{"type", "timestamp", "data"}`, signed.

    `secret` signs for every address, `secrets` (URL -> secret) for single ones; without either the message goes out
    unsigned. The clock is for the signature's timestamp, which must be that of the attempt. Raises ValueError for a
    secret that is not `whsec_` and the base64 of 24 to 64 bytes.
    """

    kind = "webhook"

    def __init__(
        self,
        *,
        clock: Clock,
        secret: str | None = None,
        secrets: Mapping[str, str] | None = None,
        allow_private: bool = False,
        timeout_seconds: float = TIMEOUT_SECONDS,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._clock = clock
        self._secret = key_of(secret) if secret else None
        self._secrets = {url: key_of(each) for url, each in (secrets or {}).items()}
        self._poster = Poster(allow_private=allow_private, timeout_seconds=timeout_seconds, tls=tls)

    async def send(self, message: Message) -> Receipt:
        url = message.method.address
        try:
            to = target(url)
        except ValueError as error:
            return Receipt(code="bad_address", permanent=True, detail=str(error))
        body = body_of(message)
        at = int(self._clock.now().timestamp())
        name = header_id(message.id)
        headers = {"webhook-id": name, "webhook-timestamp": str(at)}
        key = self._secrets.get(url, self._secret)
        if key is not None:
            headers["webhook-signature"] = sign(key, name, at, body)
        answer = await self._poster.post(to, headers, body)
        return answer if isinstance(answer, Receipt) else receipt_of(to, answer)

    async def close(self) -> None:
        await self._poster.close()


def sign(key: bytes, name: str, at: int, body: bytes) -> str:
    """The `webhook-signature` header: HMAC-SHA256 over id, timestamp (seconds) and body."""
    mac = hmac.digest(key, f"{name}.{at}.".encode() + body, hashlib.sha256)
    return f"v1,{base64.b64encode(mac).decode()}"


def header_id(page: str) -> str:
    """The page's id as a header may carry it; equal for every attempt at the same page.

    A person's id is part of a page's and may hold anything, and the signature joins its parts with dots.
    """
    plain = page.isascii() and len(page) <= 128 and all(each.isalnum() or each in "-_" for each in page)
    return page if plain else f"page-{hashlib.sha256(page.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"


def body_of(message: Message) -> bytes:
    """The JSON body, cut down to what names the incident when it would be larger than receivers have to take."""
    for data in (message.data, shorter(message.data), _brief(message)):
        body = msgspec.json.encode(_envelope(message, data))
        if len(body) <= BODY_BYTES_MAX:
            return body
    return msgspec.json.encode(_envelope(message, {}))


def _envelope(message: Message, data: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": TYPES.get(message.event, f"incident.{message.event}"),
        "timestamp": message.at,
        "data": {
            "page": message.id,
            "attempt": message.attempt,
            "person": message.person.id,
            "subject": message.subject,
            "text": _fitting(message.text),
            "acknowledge_url": message.acknowledge_url,
            "incident_url": message.incident_url,
            "incident": data,
            **({"topic": message.topic, "audience": message.audience} if message.topic else {}),
        },
    }


def _fitting(text: str) -> str:
    """The text within what a body has room for, its lines kept."""
    return text if len(text) <= 6000 else text[:6000].rstrip() + "\n…\n"


def shorter(data: Mapping[str, Any]) -> dict[str, Any]:
    """Without what grows: most alerts, promises, checklist items, long texts, the incidents of a large bundle."""
    short: dict[str, Any] = {}
    for name, value in data.items():
        match value:
            case list() | tuple():
                short[name] = value[:ALERTS_MAX]
            case dict():
                short[name] = dict(list(value.items())[:ALERTS_MAX])
            case str():
                short[name] = one_line(value, 300)
            case _:
                short[name] = value
    return short


def _brief(message: Message) -> dict[str, Any]:
    return {"id": message.incident, "reference": message.reference, "severity": message.severity}
