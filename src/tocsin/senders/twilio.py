"""Pages by SMS and by voice call through Twilio's HTTP API; what became of them comes back to `/twilio/...`.

Accepted is not delivered: Twilio answers 201 at once and reports the end later, to the status address that goes with
every request. A call reads the page out and takes a key; an SMS can be answered.
Source: https://www.twilio.com/docs/messaging/api/message-resource, .../docs/voice/api/call-resource
"""

from __future__ import annotations

import base64
import re
from typing import Literal
from urllib.parse import urlencode

import msgspec

from tocsin.core.paging_text import one_line
from tocsin.ports import Message, Receipt
from tocsin.senders.http import TIMEOUT_SECONDS, Answer, Poster, Target, receipt_of, target

SMS_MAX = 459  # three segments of 153 characters; more costs more and arrives late
RING_SECONDS = 30  # before the next method has its turn
NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")  # E.164
PERMANENT = {21211, 21214, 21217, 21408, 21610, 21612, 21614}  # a number that is none, cannot be reached, opted out


class TwilioError(msgspec.Struct):
    code: int = 0
    message: str = ""


class Accepted(msgspec.Struct):
    sid: str


class TwilioSender:
    """`kind` sms or voice. `sender`: the number it comes from; `public_url`: where Twilio finds this installation."""

    def __init__(
        self,
        kind: Literal["sms", "voice"],
        *,
        account: str,
        token: str,
        sender: str,
        public_url: str,
        api_url: str = "https://api.twilio.com",
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self.kind: str = kind
        self._account, self._sender, self._public_url = account, sender, public_url.rstrip("/")
        resource = "Messages" if kind == "sms" else "Calls"
        self._to = target(f"{api_url.rstrip('/')}/2010-04-01/Accounts/{account}/{resource}.json")
        self._headers = {
            "Authorization": f"Basic {base64.b64encode(f'{account}:{token}'.encode()).decode()}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        self._poster = Poster(allow_private=True, timeout_seconds=timeout_seconds)  # the address is the operator's

    async def send(self, message: Message) -> Receipt:
        number = re.sub(r"[\s().-]", "", message.method.address)
        if not NUMBER.fullmatch(number):
            return Receipt(code="bad_address", permanent=True, detail="number: expected one such as +14155550123")
        form = self._sms(message, number) if self.kind == "sms" else self._call(message, number)
        answer = await self._poster.post(self._to, self._headers, urlencode(form).encode())
        return answer if isinstance(answer, Receipt) else _receipt(self._to, answer)

    async def close(self) -> None:
        await self._poster.close()

    def _sms(self, message: Message, number: str) -> list[tuple[str, str]]:
        form = [("To", number), ("From", self._sender), ("Body", sms_of(message))]
        return [*form, *self._reported(message)]

    def _call(self, message: Message, number: str) -> list[tuple[str, str]]:
        form = [("To", number), ("From", self._sender), ("Timeout", str(RING_SECONDS))]
        if message.acknowledge_url:
            token = message.acknowledge_url.rpartition("/")[2]
            form.append(("Url", f"{self._public_url}/twilio/voice/{token}"))
        else:
            form.append(("Twiml", f"<Response><Say>{_xml(spoken(message))}</Say></Response>"))
        reported = self._reported(message)
        return [*form, *reported, *([("StatusCallbackEvent", "completed")] if reported else [])]

    def _reported(self, message: Message) -> list[tuple[str, str]]:
        """Where the end is reported, for what belongs to an incident's page."""
        if message.topic or message.event not in ("page", "notice", "bundle") or not message.incident:
            return []
        query = urlencode({"incident": message.incident, "page": message.id, "to": message.method.address})
        return [("StatusCallback", f"{self._public_url}/twilio/status?{query}")]


def sms_of(message: Message) -> str:
    """What fits three segments: what is wrong, how to take it, where. Non-breaking spaces would double the price."""
    head = one_line(message.subject, 300).replace("\u00a0", " ")
    how = "Reply ACK to take it." if message.acknowledge_url else ""
    rest = " ".join(part for part in (how, message.incident_url) if part)
    return f"{head[: SMS_MAX - len(rest) - 1].rstrip()}\n{rest}".strip()


def spoken(message: Message) -> str:
    """The page as a voice reads it: no addresses."""
    return f"This is Tocsin. {one_line(message.subject, 300)}."


def _xml(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _receipt(to: Target, answer: Answer) -> Receipt:
    if 200 <= answer.status < 300:
        try:
            return Receipt(code="sent", provider_id=msgspec.json.decode(answer.body, type=Accepted).sid)
        except msgspec.MsgspecError:
            return Receipt(code="unknown", detail=f"{to.origin} answered {answer.status}, but not as Twilio does")
    receipt = receipt_of(to, answer)
    try:
        said = msgspec.json.decode(answer.body, type=TwilioError)
    except msgspec.MsgspecError:
        return receipt
    detail = one_line(f"Twilio {said.code}: {said.message}", 300) if said.code else receipt.detail
    if said.code in PERMANENT:
        return Receipt(code="bad_address", permanent=True, detail=detail)
    return msgspec.structs.replace(receipt, detail=detail)
