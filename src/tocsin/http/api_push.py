"""`/api/push/key`, `/api/me/push`: the browser of whoever calls is one of their methods, tested, and removed again."""

from __future__ import annotations

import asyncio
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec
from litestar import Response, Router, delete, get, post
from litestar.exceptions import NotFoundException, ServiceUnavailableException

from tocsin.contacts import contacts_of, keep_contacts, note_test
from tocsin.core.contact import proven
from tocsin.core.people import Method, Person, shown_address
from tocsin.core.push import (
    Keys,
    Subscription,
    address_of,
    checked,
    device_of,
    devices,
    named,
    with_device,
    without_device,
)
from tocsin.http.api_contacts import Sent
from tocsin.http.api_directory import READS, WRITES, keep
from tocsin.http.api_incidents import DENIED, json_of
from tocsin.http.deps import Deps
from tocsin.http.gate import Incoming, deps_of, needs
from tocsin.http.problems import Unacceptable
from tocsin.ports import Store


class PushKey(msgspec.Struct, frozen=True, kw_only=True):
    """What a browser subscribes to (`applicationServerKey`), base64url."""

    key: str


class Subscribed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`PushSubscription.toJSON()` of the browser."""

    endpoint: str
    keys: Keys
    expirationTime: float | None = None


class Which(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of the caller's devices, by its endpoint or by its short name (`device`)."""

    endpoint: str = ""
    device: str = ""

    @property
    def name(self) -> str:
        return device_of(self.endpoint) if self.endpoint else self.device


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """`device` is its short name; the address is shown without what opens it."""

    device: str
    address: str


@get("/api/push/key", summary="The key that browsers subscribe to", responses=DENIED, operation_id="push-key")
async def show_key(request: Incoming) -> PushKey:
    path = deps_of(request).vapid
    try:
        return PushKey(key=await asyncio.to_thread(_public_key, path))
    except (OSError, ValueError) as error:
        raise ServiceUnavailableException(f"the key in {path.name} cannot be read or made: {error}") from error


@post("/api/me/push", summary="Push to this browser", responses=WRITES, operation_id="add-device", status_code=200)
async def add_device(request: Incoming, data: Subscribed) -> Response[Device]:
    """The device is a verified method of the caller: who subscribed there was signed in there. Again: no change."""
    deps, who = deps_of(request), request.user.id
    try:
        found = checked(Subscription(endpoint=data.endpoint, keys=data.keys))
    except ValueError as error:
        raise Unacceptable(str(error)) from error

    def add(store: Store) -> None:
        caller = _caller(deps, store, who)
        try:
            person = with_device(caller, found)
        except ValueError as error:
            raise Unacceptable(str(error)) from error
        keep(deps, store, "person", who, person)
        method = next(each for each in devices(person) if named(each.address) == device_of(found.endpoint))
        known = proven(contacts_of(store, deps.tenant, person, store.now()), method, store.now())
        keep_contacts(deps.engine.guides, store, deps.tenant, person, known)

    await deps.run(add)
    return json_of(Device(device=device_of(found.endpoint), address=shown_address("webpush", address_of(found))))


@delete("/api/me/push", summary="Push to a browser no more", responses=READS, operation_id="remove-device")
async def remove_device(request: Incoming, data: Which) -> None:
    deps, who = deps_of(request), request.user.id
    await deps.run(lambda store: drop_device(deps, store, who, data.name))


@post("/api/me/push/test", summary="A test push", responses=READS, operation_id="test-device", status_code=200)
async def test_device(request: Incoming, data: Which) -> Sent:
    deps, who = deps_of(request), request.user.id

    def find(store: Store) -> tuple[Person, Method]:
        person = _caller(deps, store, who)
        return person, _method(person, data.name)

    person, method = await deps.run(find)
    receipt = await deps.trial(person, method)
    await deps.run(lambda store: note_test(deps.engine.guides, store, deps.tenant, person, method, receipt))
    return Sent(receipt=receipt.code, detail=receipt.detail)


def _public_key(path: Path) -> str:
    """In a thread: the module brings `cryptography`, which is loaded by whoever asks first."""
    key: str = import_module("tocsin.vapid").public_key(path)
    return key


def drop_device(deps: Deps, store: Store, who: str, device: str) -> None:
    """The device is not one of the person's any more. Writer thread only. Raises NotFoundException."""
    person = _caller(deps, store, who)
    _method(person, device)
    keep(deps, store, "person", who, without_device(person, device))


def _caller(deps: Deps, store: Store, who: str) -> Person:
    body = store.get(deps.tenant, "person", who)
    if body is None:
        raise NotFoundException(f"person: the directory has nobody with the id {who!r}; somebody who manages adds them")
    return msgspec.json.decode(body, type=Person)


def _method(person: Person, device: str) -> Method:
    found = next((each for each in devices(person) if named(each.address) == device and device), None)
    if found is None:
        raise NotFoundException(f"device: {person.id} has none of this name or endpoint")
    return found


def routes() -> list[Any]:
    handlers = [show_key, add_device, remove_device, test_device]
    return [Router("/", route_handlers=handlers, guards=[needs("self.manage")], tags=["directory"])]
