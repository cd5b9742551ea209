"""`/api/people/{id}/contacts`: verified with a six-digit code, tested, and told as they stand."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime

import msgspec
from litestar import Response, Router, get, post
from litestar.exceptions import NotFoundException

from tocsin.contacts import contacts_of, keep_contacts, note_test
from tocsin.core.access import Actor, Resource
from tocsin.core.contact import Wrong, asked, tried
from tocsin.core.people import Method, Person, shown_address
from tocsin.http.api_directory import WRITES
from tocsin.http.api_incidents import json_of
from tocsin.http.deps import Deps
from tocsin.http.gate import Incoming, deps_of, insist, needs
from tocsin.http.problems import Unacceptable
from tocsin.ports import Store


class Which(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of the person's methods; the address only where there are several of the kind."""

    kind: str
    address: str | None = None


class Code(Which, frozen=True, kw_only=True, forbid_unknown_fields=True):
    code: str


class ContactView(msgspec.Struct, frozen=True, kw_only=True):
    """`used`: whether pages go there now. `tested_ok` null: it was never tested."""

    kind: str
    address: str
    enabled: bool
    used: bool
    verified_at: datetime | None
    tested_at: datetime | None
    tested_ok: bool | None
    tested_detail: str


class ContactList(msgspec.Struct, frozen=True, kw_only=True):
    items: list[ContactView]


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the message. Only `sent` means that a provider took it."""

    receipt: str
    detail: str = ""


@get("/", summary="How somebody is reached, and whether it was verified", responses=WRITES, operation_id="contacts")
async def list_contacts(request: Incoming, name: str) -> ContactList:
    deps = deps_of(request)

    return ContactList(items=await deps.run(lambda store: listed(deps, store, name)))


def listed(deps: Deps, store: Store, name: str) -> list[ContactView]:
    """What is known of each method of the person. Writer thread only. Raises NotFoundException."""
    person = _person(deps, name)
    known = contacts_of(store, deps.tenant, person, store.now())
    return [
        ContactView(
            kind=method.kind,
            address=shown_address(method.kind, method.address),
            enabled=method.enabled,
            used=method.enabled and not method.held,
            verified_at=each.verified_at,
            tested_at=each.tested_at,
            tested_ok=each.tested_ok,
            tested_detail=each.tested_detail,
        )
        for method, each in zip(person.methods, known.methods, strict=True)
    ]


@post("/verify", summary="Send a code", responses=WRITES, operation_id="verify-contact", status_code=202)
async def send_code(request: Incoming, name: str, data: Which) -> Response[Sent]:
    """Six digits, good for 15 minutes and five tries; a new one after a minute."""
    deps = deps_of(request)
    code = f"{secrets.randbelow(10**6):06}"

    def ask(store: Store) -> tuple[Person, Method]:
        person = _own(deps, request.user, name)
        method = _method(person, data)
        now = store.now()
        known = contacts_of(store, deps.tenant, person, now)
        try:
            waiting = asked(known, method, _hash(person, method, code), now)
            keep_contacts(deps.engine.guides, store, deps.tenant, person, waiting)
        except Wrong as error:
            raise Unacceptable(str(error)) from error
        return person, method

    person, method = await deps.run(ask)
    receipt = await deps.trial(person, method, code)
    return json_of(Sent(receipt=receipt.code, detail=receipt.detail), 202)


@post("/confirm", summary="Confirm with the code", responses=WRITES, operation_id="confirm-contact", status_code=200)
async def confirm(request: Incoming, name: str, data: Code) -> ContactList:
    deps = deps_of(request)

    def attempt(store: Store) -> str:
        person = _own(deps, request.user, name)
        method = _method(person, data)
        known = contacts_of(store, deps.tenant, person, store.now())
        digits = "".join(each for each in data.code if each.isdigit())
        after, wrong = tried(known, method, _hash(person, method, digits), store.now())
        keep_contacts(deps.engine.guides, store, deps.tenant, person, after)
        return wrong

    wrong = await deps.run(attempt)  # a wrong try is kept before it is refused
    if wrong:
        raise Unacceptable(wrong)
    return ContactList(items=await deps.run(lambda store: listed(deps, store, name)))


@post("/test", summary="Send a test message", responses=WRITES, operation_id="test-contact", status_code=200)
async def test_contact(request: Incoming, name: str, data: Which) -> Sent:
    """The same as the weekly test: the receipt is kept."""
    deps = deps_of(request)

    def find(_: Store) -> tuple[Person, Method]:
        person = _own(deps, request.user, name)
        return person, _method(person, data)

    person, method = await deps.run(find)
    receipt = await deps.trial(person, method)
    await deps.run(lambda store: note_test(deps.engine.guides, store, deps.tenant, person, method, receipt))
    return Sent(receipt=receipt.code, detail=receipt.detail)


def _person(deps: Deps, name: str) -> Person:
    person = deps.engine.guides.directory(deps.tenant).people.get(name)
    if person is None:
        raise NotFoundException(f"person: nothing has the id {name!r}")
    return person


def _own(deps: Deps, actor: Actor, name: str) -> Person:
    insist(actor, "contact.manage", Resource(owner=name))
    return _person(deps, name)


def _method(person: Person, data: Which) -> Method:
    found = [
        each
        for each in person.methods
        if each.kind == data.kind and data.address in (None, each.address, shown_address(each.kind, each.address))
    ]
    if len(found) != 1:
        kinds = ", ".join(each.kind for each in person.methods) or "none"
        raise Unacceptable(
            f"kind: expected one method of {person.id} ({kinds}), got {data.kind!r}, which is {len(found)}"
        )
    return found[0]


def _hash(person: Person, method: Method, code: str) -> str:
    said = "\0".join((person.id, method.kind, method.address, code))
    return hashlib.sha256(said.encode()).hexdigest()


def router() -> Router:
    handlers = [list_contacts, send_code, confirm, test_contact]
    return Router(
        "/api/people/{name:str}/contacts", route_handlers=handlers, guards=[needs("directory.read")], tags=["directory"]
    )
