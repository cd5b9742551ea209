"""What Twilio calls: a call's words and the key that was pressed, answers to an SMS, and what became of both.

Every request is proven by `X-Twilio-Signature` over the address and the form; without the configured token all of it
is refused. Acknowledging twice does what acknowledging once does, so a replay changes nothing.
Source: https://www.twilio.com/docs/usage/security#validating-requests
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol, TypeVar
from urllib.parse import parse_qsl

import msgspec

from tocsin import acting
from tocsin.clock import Clock
from tocsin.core.commands import Acknowledge, Escalate
from tocsin.core.deadlines import ReportDelivery
from tocsin.core.facts import OPEN_STATUSES
from tocsin.core.incident import Refused
from tocsin.core.people import Directory, Person
from tocsin.engine import NotFound
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
from tocsin.http.links import Expired, Links, Ticket
from tocsin.ports import Store
from tocsin.sighted import looking

T = TypeVar("T")

PATH = "/twilio/"
FORM_MAX = 64 * 1024
FIELDS_MAX = 100
LISTED = 5  # incidents that one SMS names
GONE = {"busy": "busy", "no-answer": "nobody answered", "failed": "the call failed", "canceled": "canceled"}
UNDELIVERED = {"undelivered": "not delivered", "failed": "failed"}
HELP = "Reply ACK, ACK INC-..., ACK ALL, or ESC INC-... to escalate."


class Deps(Protocol):
    """The part of http/deps.py that is needed here."""

    @property
    def tenant(self) -> str: ...
    @property
    def public_url(self) -> str: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def engine(self) -> Engine: ...
    def run(self, fn: Callable[[Store], T]) -> Awaitable[T]: ...


class Engine(Protocol):
    def handle(self, tenant: str, name: str, command: Any) -> Any: ...
    def directory(self, tenant: str) -> Directory: ...


class Waiting(msgspec.Struct, frozen=True):
    """The part of an incident's public JSON that an answer needs."""

    id: str
    reference: str
    title: str
    status: str
    severity: str
    acknowledged_at: Any = None
    paged: tuple[str, ...] = ()


Form = Mapping[str, str]


class TwilioApp:
    """The ASGI application behind `/twilio/`. `token`: the account's; None refuses everything."""

    def __init__(self, deps: Deps, links: Links, token: str | None) -> None:
        self._deps, self._links, self._token = deps, links, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            request = request_of(scope)
            body = await read_body(receive, request.headers, FORM_MAX)
        except BodyGone:
            return
        except (BodyTooLarge, ValueError) as error:
            await answer(send, _plain(413, str(error)))
            return
        await answer(send, await self._answer(request, scope, body))

    async def _answer(self, request: Request, scope: Scope, body: bytes) -> Answer:
        if request.method != "POST":
            return _plain(405, "POST only", ("allow", "POST"))
        try:
            pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=FIELDS_MAX)
        except ValueError as error:
            return _plain(400, f"body: expected a form in UTF-8, got: {error}")
        query = scope.get("query_string", b"").decode("latin-1")
        url = f"{self._deps.public_url}{request.path}" + (f"?{query}" if query else "")
        if not self._token or not signed(self._token, url, pairs, request.headers.get("x-twilio-signature", "")):
            return _plain(403, "X-Twilio-Signature: expected one of this account for this address")
        form, (verb, _, rest) = dict(pairs), request.path.removeprefix(PATH).partition("/")
        match verb:
            case "voice":
                return await self._voice(rest)
            case "digits":
                return await self._pressed(rest, form)
            case "sms":
                return await self._replied(form)
            case "status":
                return await self._reported(request, form)
        return _plain(404, "nothing is here")

    # --- calls --------------------------------------------------------------------------------------------------------

    async def _voice(self, token: str) -> Answer:
        ticket = self._ticket(token)
        if ticket is None:
            return _says("This call is about something that is over. Goodbye.")
        waiting = await self._as(ticket.person, lambda store: _waiting(store, ticket.tenant, ticket.incidents))
        if not waiting:
            return _says("Somebody has it already. Goodbye.")
        what = ". ".join(f"{each.severity}: {each.title}" for each in waiting[:3])
        count = f"{len(waiting)} incidents wait for you. " if len(waiting) > 1 else ""
        ask = f"This is Tocsin. {count}{what}. Press 4 to acknowledge, 6 to escalate."
        gather = f'<Gather numDigits="1" timeout="10" action="{self._deps.public_url}{PATH}digits/{token}"'
        return _twiml(f"{gather}><Say>{_xml(ask)}</Say><Say>{_xml(ask)}</Say></Gather><Say>Goodbye.</Say>")

    async def _pressed(self, token: str, form: Form) -> Answer:
        ticket = self._ticket(token)
        if ticket is None:
            return _says("This call is about something that is over. Goodbye.")
        match form.get("Digits", ""):
            case "4" | "1":
                person, incidents = ticket.person, ticket.incidents
                took = await self._as(person, lambda _: self._acknowledge(person, incidents, "voice"))
                what = "it" if len(took) == 1 else f"{len(took)} incidents"
                return _says(f"You have {what}. Goodbye." if took else "Somebody has it already. Goodbye.")
            case "6":
                because = f"escalated by {ticket.person} on the phone"
                await self._as(ticket.person, lambda _: self._escalate(ticket.person, ticket.incidents, because))
                return _says("The next level is paged. Goodbye.")
        return await self._voice(token)

    async def _as(self, person: str, work: Callable[[Store], T]) -> T:
        """`work` on the writer thread, with this person's sight."""

        def on_the_writer(store: Store) -> T:
            with looking(store, self._deps.engine.directory(self._deps.tenant), person) as seen:
                return work(seen)

        return await self._deps.run(on_the_writer)

    def _ticket(self, token: str) -> Ticket | None:
        try:
            return self._links.read(token, self._deps.clock.now())
        except Expired:
            return None

    # --- answers to an SMS --------------------------------------------------------------------------------------------

    async def _replied(self, form: Form) -> Answer:
        number, text = form.get("From", ""), form.get("Body", "").strip()

        def on_the_writer(store: Store) -> str:
            person = _called(self._deps.engine.directory(self._deps.tenant), number)
            if person is None:
                return "This number belongs to nobody here."
            with looking(store, self._deps.engine.directory(self._deps.tenant), person.id) as seen:
                return self._obeyed(seen, person, text)

        said = await self._deps.run(on_the_writer)
        return _twiml(f"<Message>{_xml(said)}</Message>")

    def _obeyed(self, store: Store, person: Person, text: str) -> str:
        verb, _, rest = text.partition(" ")
        waiting = [each for each in _open(store, self._deps.tenant) if not each.acknowledged_at]
        mine = [each for each in waiting if person.id in each.paged]
        named = re.match(r"(INC-\S+)\s*(.*)", rest.strip(), re.IGNORECASE | re.DOTALL)
        chosen = [named[1].upper()] if named else [each.id for each in mine]
        match verb.casefold():
            case "ack" | "a" | "yes" | "1" | "4":
                if len(chosen) > 1 and rest.strip().casefold() != "all":
                    return _list("Which one?", mine)
                took = self._acknowledge(person.id, chosen, "sms")
                return f"You have {', '.join(took)}." if took else "Nothing of yours waits to be acknowledged."
            case "esc" | "escalate" | "6":
                if not named and len(chosen) != 1:
                    return _list("Which one?", mine)
                because = named[2] if named and named[2] else f"escalated by {person.id} by SMS"
                raised = self._escalate(person.id, chosen, because)
                return f"The next level of {', '.join(raised)} is paged." if raised else "Nothing was escalated."
        return _list(HELP, mine)

    def _acknowledge(self, person: str, incidents: Sequence[str], via: str) -> list[str]:
        """The references of those that this person has now. One that ended or that somebody has is passed over."""
        took = []
        for name in incidents:
            try:
                after = self._deps.engine.handle(self._deps.tenant, name, Acknowledge(by=person, via=via))
            except (Refused, NotFound):
                continue
            if after.acknowledged_by == person:
                took.append(after.reference)
        return took

    def _escalate(self, person: str, incidents: Sequence[str], because: str) -> list[str]:
        raised = []
        for name in incidents:
            try:
                raised.append(
                    self._deps.engine.handle(self._deps.tenant, name, Escalate(by=person, because=because)).reference
                )
            except (Refused, NotFound):
                continue
        return raised

    # --- what became of it --------------------------------------------------------------------------------------------

    async def _reported(self, request: Request, form: Form) -> Answer:
        incident, page, to = (request.one(name) or "" for name in ("incident", "page", "to"))
        state = form.get("MessageStatus") or form.get("CallStatus") or ""
        sms = "MessageStatus" in form
        failed = (UNDELIVERED if sms else GONE).get(state)
        if failed is None and state not in ("delivered", "completed"):
            return Answer(status=204, content_type="")  # queued, sending, sent, ringing: not the end
        code = form.get("ErrorCode", "")
        detail = f"Twilio: {failed}{f', error {code}' if code else ''}" if failed else ""
        kind = "sms" if sms else "voice"
        command = ReportDelivery(page=page, kind=kind, address=to, delivered=not failed, detail=detail)
        acting.sees(None)  # a receipt is Tocsin's own, whoever may see the incident
        with suppress(NotFound, Refused):  # the incident is gone; there is nobody to tell
            await self._deps.run(lambda _: self._deps.engine.handle(self._deps.tenant, incident, command))
        return Answer(status=204, content_type="")


def signed(token: str, url: str, pairs: Sequence[tuple[str, str]], signature: str) -> bool:
    """Whether Twilio signed this form for this address: HMAC-SHA1 over the address and the sorted fields."""
    text = url + "".join(f"{name}{value}" for name, value in sorted(set(pairs)))
    expected = base64.b64encode(hmac.digest(token.encode(), text.encode(), hashlib.sha1))
    return hmac.compare_digest(expected, signature.encode("utf-8", "replace"))


def _called(directory: Directory, number: str) -> Person | None:
    """Who is reached at this number."""
    digits = re.sub(r"[^0-9]", "", number)
    for person in directory.people.values():
        for method in person.methods:
            if method.kind in ("sms", "voice") and digits and re.sub(r"[^0-9]", "", method.address) == digits:
                return person if person.active else None
    return None


def _open(store: Store, tenant: str) -> list[Waiting]:
    rows, _ = store.listing(tenant, statuses=tuple(OPEN_STATUSES), limit=200)
    return [msgspec.json.decode(row.summary, type=Waiting) for row in rows]


def _waiting(store: Store, tenant: str, incidents: Sequence[str]) -> list[Waiting]:
    rows = (store.index(tenant, each) for each in incidents)
    found = [msgspec.json.decode(row.summary, type=Waiting) for row in rows if row is not None]
    return [each for each in found if each.status in OPEN_STATUSES and each.acknowledged_at is None]


def _list(head: str, mine: Sequence[Waiting]) -> str:
    lines = [f"{each.reference} {each.title[:60]}" for each in mine[:LISTED]]
    more = [f"and {len(mine) - LISTED} more"] if len(mine) > LISTED else []
    return "\n".join([head, *lines, *more]) if mine else f"Nothing of yours waits. {HELP}"


def _xml(text: str) -> str:
    plain = "".join(each if each.isprintable() or each == "\n" else " " for each in text)
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _says(text: str) -> Answer:
    return _twiml(f"<Say>{_xml(text)}</Say>")


def _twiml(inside: str) -> Answer:
    body = f'<?xml version="1.0" encoding="UTF-8"?><Response>{inside}</Response>'
    return Answer(body=body.encode(), content_type="application/xml")


def _plain(status: int, text: str, *headers: tuple[str, str]) -> Answer:
    return Answer(status=status, body=f"{text}\n".encode(), content_type="text/plain; charset=utf-8", headers=headers)
