"""Pages as notifications of the browser or the installed page: Web Push, encrypted, with no relay of a vendor between.

The push service of the browser sees who is pushed to and when; what is said only the browser can read.
Source: RFC 8030 (delivery), 8188 and 8291 (aes128gcm), 8292 (VAPID)
"""

from __future__ import annotations

import hashlib
import ssl
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from py_vapid import Vapid02, VapidException
from pywebpush import WebPusher, WebPushException

from tocsin.core.paging_text import one_line
from tocsin.core.push import Subscription, subscription_of
from tocsin.ports import Message, Receipt
from tocsin.senders.http import TIMEOUT_SECONDS, Answer, Headers, Poster, Target, receipt_of, target

PAYLOAD_BYTES_MAX = 3_900  # services take 4096 encrypted: 86 of header, 17 of padding and tag, and a margin
TITLE_MAX = 200
SIGNED_FOR = timedelta(hours=12)  # services take at most 24 h
LOUD_SECONDS = 3_600  # a device that was off is not woken later than this: the ladder has gone on
QUIET_SECONDS = 12 * 3_600
NO_PORT = "mailto:tocsin@localhost"


class WebPushSender:
    """An address is a browser's subscription as JSON. `key_file`: the VAPID key, which must be there.

    `public_url`: where a push service may learn who sends. A repeated attempt has the same topic and tag: a device
    that was off shows it once.
    """

    kind = "webpush"

    def __init__(
        self,
        *,
        key_file: Path,
        public_url: str,
        allow_private: bool = False,
        timeout_seconds: float = TIMEOUT_SECONDS,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._key_file = key_file
        self._subject = subject_of(public_url)
        self._vapid: Vapid02 | None = None
        self._poster = Poster(allow_private=allow_private, timeout_seconds=timeout_seconds, tls=tls)

    async def send(self, message: Message) -> Receipt:
        try:
            subscription = subscription_of(message.method.address)
            to = target(subscription.endpoint)
        except ValueError as error:
            return Receipt(code="bad_address", permanent=True, detail=str(error))
        try:
            body = _encrypted(subscription, payload_of(message))
        except (WebPushException, ValueError) as error:  # such as a point that is not on the curve
            return Receipt(code="bad_address", permanent=True, detail=f"keys: {one_line(str(error), 160)}")
        try:
            headers = headers_of(message) | self._signed(to, message)
        except (OSError, ValueError, VapidException) as error:
            return Receipt(code="misconfigured", permanent=True, detail=f"VAPID key: {one_line(str(error), 160)}")
        answer = await self._poster.post(to, headers, body)
        return answer if isinstance(answer, Receipt) else _receipt(to, answer)

    async def close(self) -> None:
        await self._poster.close()

    def _signed(self, to: Target, message: Message) -> Headers:
        if self._vapid is None:
            self._vapid = Vapid02.from_pem(self._key_file.read_bytes())
        until = int((message.at + SIGNED_FOR).timestamp())
        signed: Headers = self._vapid.sign({"aud": to.origin, "exp": until, "sub": self._subject})
        return signed


def subject_of(public_url: str) -> str:
    """Whom a push service may ask; it wants https without a port, or a mail address."""
    parts = urlsplit(public_url)
    host = parts.hostname or ""
    return f"https://{host}" if parts.scheme == "https" and "." in host else NO_PORT


def headers_of(message: Message) -> Headers:
    """How urgent, how long it is worth anything, and what it replaces while it waits."""
    loud = message.event in ("page", "bundle", "alarm")
    return {
        "Content-Type": "application/octet-stream",
        "Content-Encoding": "aes128gcm",
        "TTL": str(LOUD_SECONDS if loud else QUIET_SECONDS),
        "Urgency": "high" if loud or message.event in ("test", "code") else "normal",
        "Topic": hashlib.sha256(message.id.encode("utf-8", "replace")).hexdigest()[:32],
    }


def payload_of(message: Message) -> bytes:
    """What the service worker shows, as JSON that fits; the text gives way first, the links stay."""
    said = {
        "title": one_line(message.subject, TITLE_MAX),
        "body": _without_links(message),
        "tag": message.id,
        "incident_url": message.incident_url,
        "acknowledge_url": message.acknowledge_url,
        "loud": message.event in ("page", "bundle", "alarm"),
    }
    clean = {
        key: value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
        for key, value in said.items()
    }
    body = str(clean["body"])
    while len(encoded := msgspec.json.encode(clean)) > PAYLOAD_BYTES_MAX and body:
        body = body[: -max(1, (len(encoded) - PAYLOAD_BYTES_MAX) // 6)].rstrip()
        clean["body"] = f"{body}…"
    return encoded


def _without_links(message: Message) -> str:
    """The text without the lines that end in a link: the notification opens and acknowledges by itself."""
    urls = tuple(url for url in (message.acknowledge_url, message.incident_url) if url)
    lines = (line for line in message.text.splitlines() if not line.endswith(urls))
    return "\n".join(lines).strip()


def _encrypted(to: Subscription, payload: bytes) -> bytes:
    body: bytes = WebPusher(msgspec.to_builtins(to)).encode(payload, "aes128gcm")["body"]
    return body


def _receipt(to: Target, answer: Answer) -> Receipt:
    """404 and 410 mean that the subscription ended; the rest is as everywhere."""
    if answer.status in (404, 410):
        return Receipt(
            code="gone", permanent=True, detail=f"{to.origin} answered {answer.status}: the subscription has ended"
        )
    return receipt_of(to, answer)
