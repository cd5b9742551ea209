"""Pages as push messages through ntfy, the public server or one's own (https://ntfy.sh)."""

from __future__ import annotations

import ssl
from typing import Any

import msgspec

from tocsin.ports import Message, Receipt
from tocsin.senders.http import TIMEOUT_SECONDS, Answer, Poster, Target, receipt_of, target
from tocsin.senders.webhook import header_id

MESSAGE_BYTES_MAX = 3500  # ntfy turns a message of more than 4096 bytes into an attachment that must be opened first
TITLE_MAX = 200
PRIORITIES = (5, 4, 4, 3)  # by severity rank; 5 rings through "do not disturb" where the phone allows it
QUIET = 3  # a notice or an end asks for nothing tonight


class NtfySender:
    """Publishes as JSON; the notification has a button that acknowledges without opening anything.

    An address is the topic's URL, `https://ntfy.example/oncall`; `user:password@` or `:token@` before the host signs
    in. ntfy has no message ids of its own to give: a repeated attempt carries the same `Idempotency-Key`.
    """

    kind = "ntfy"

    def __init__(
        self,
        *,
        allow_private: bool = False,
        timeout_seconds: float = TIMEOUT_SECONDS,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._poster = Poster(allow_private=allow_private, timeout_seconds=timeout_seconds, tls=tls)

    async def send(self, message: Message) -> Receipt:
        try:
            topic_url = target(message.method.address)
            base, topic = _server_and_topic(topic_url)
        except ValueError as error:
            return Receipt(code="bad_address", permanent=True, detail=str(error))
        body = msgspec.json.encode(body_of(message, topic))
        answer = await self._poster.post(base, {"Idempotency-Key": header_id(message.id)}, body)
        if isinstance(answer, Receipt):
            return answer
        receipt = receipt_of(base, answer)
        return _accepted(base, answer) if receipt.code == "sent" else receipt

    async def close(self) -> None:
        await self._poster.close()


class _Published(msgspec.Struct):
    """The part of ntfy's answer that says it took the message."""

    id: str


def _accepted(base: Target, answer: Answer) -> Receipt:
    """A 200 is ntfy's only when it names the message: sign-in walls and wrong addresses answer 200 too."""
    try:
        return Receipt(code="sent", provider_id=msgspec.json.decode(answer.body, type=_Published).id)
    except msgspec.DecodeError:
        return Receipt(code="unknown", detail=f"{base.origin} answered {answer.status}, but not as ntfy does")


def _server_and_topic(url: Target) -> tuple[Target, str]:
    """JSON is published to the server's root; the last part of the address is the topic."""
    path, _, query = url.path.partition("?")
    root, _, topic = path.rstrip("/").rpartition("/")
    if not topic or query:
        raise ValueError("address: expected the URL of an ntfy topic, such as https://ntfy.example/oncall")
    return msgspec.structs.replace(url, path=f"{root}/"), topic


def body_of(message: Message, topic: str) -> dict[str, Any]:
    """The JSON that ntfy publishes; the acknowledge button is there when the message asks for it."""
    loud = message.event in ("page", "bundle", "alarm")
    body: dict[str, Any] = {
        "topic": topic,
        "title": message.subject[:TITLE_MAX],
        "message": _fitting(_without_links(message)),
        "priority": PRIORITIES[min(max(message.rank, 0), len(PRIORITIES) - 1)] if loud else QUIET,
        "tags": [_TAGS.get(message.event, "information_source")],
        "actions": [],
    }
    if message.incident_url:
        body["click"] = message.incident_url
        body["actions"].append({"action": "view", "label": "Open", "url": message.incident_url})
    if message.acknowledge_url:
        button = {
            "action": "http",
            "label": "Acknowledge",
            "url": message.acknowledge_url,
            "method": "POST",
            "headers": {"Accept": "text/plain"},
            "clear": True,
        }
        body["actions"].insert(0, button)
    return body


_TAGS = {"page": "rotating_light", "bundle": "rotating_light", "resolved": "white_check_mark", "test": "wave"}


def _without_links(message: Message) -> str:
    """The text without the lines that end in a link: the notification opens and acknowledges by itself."""
    urls = tuple(url for url in (message.acknowledge_url, message.incident_url) if url)
    return "\n".join(line for line in message.text.splitlines() if not line.endswith(urls))


def _fitting(text: str) -> str:
    """The text cut at a character boundary to what a push message holds."""
    raw = text.strip().encode("utf-8", "replace")
    if len(raw) <= MESSAGE_BYTES_MAX:
        return raw.decode()
    return raw[:MESSAGE_BYTES_MAX].decode("utf-8", "ignore").rstrip() + "…"
