"""`/api/hooks`: programs that are told of incidents. A secret is shown once, when it is made."""

from __future__ import annotations

import base64
import secrets
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from litestar import Response, delete, get, post, put
from litestar.exceptions import NotFoundException
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import Parameter

from tocsin.core.hooks import HOOK, SECRET_PREFIX, Format, Hook, check_hook
from tocsin.core.people import Method, Person, shown_address
from tocsin.http.api_directory import READS, WRITES, check_name
from tocsin.http.api_incidents import DENIED, acting, json_of
from tocsin.http.gate import Incoming, deps_of, needs
from tocsin.http.problems import Unacceptable
from tocsin.ports import Store
from tocsin.saying.hooks import LOOKED_AT, STOPPED, Delivery, deliveries, replay, stopped

SECRET_BYTES = 32


class HookForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Without `secret`, a new hook gets one and a known one keeps its own. `events` empty: all of them."""

    url: str
    format: Format = "standard"
    secret: str | None = None
    events: tuple[str, ...] = ()
    enabled: bool = True


class HookView(msgspec.Struct, frozen=True, kw_only=True):
    """`url` without what may be secret in it. `secret` only in the answer that made it. The counts are those of the
    newest deliveries. `state` stopped: its receiver answered 410; enable it again when it is there again."""

    name: str
    url: str
    format: Format
    events: tuple[str, ...]
    signed: bool
    state: Literal["on", "off", "stopped"]
    stopped_at: datetime | None = None
    because: str = ""
    sent: int = 0
    pending: int = 0
    failed: int = 0
    last_failure: str = ""
    secret: str | None = None


class HookList(msgspec.Struct, frozen=True, kw_only=True):
    items: list[HookView]


class DeliveryList(msgspec.Struct, frozen=True, kw_only=True):
    items: list[Delivery]


class HookReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """What its receiver answered. `code` sent: a 2xx."""

    code: str
    detail: str


class ReplayForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    announcement: str


@get(
    "/api/hooks",
    summary="Programs that are told",
    tags=["communication"],
    guards=[needs("hook.read")],
    responses=DENIED,
)
async def list_hooks(request: Incoming) -> HookList:
    deps = deps_of(request)

    def look(store: Store) -> list[HookView]:
        return [
            _view(store, deps.tenant, msgspec.json.decode(body, type=Hook))
            for _, body in store.items(deps.tenant, HOOK)
        ]

    return HookList(items=await deps.read(look))


@put(
    "/api/hooks/{name:str}",
    summary="Create or replace a hook",
    tags=["communication"],
    guards=[needs("hook.manage")],
    responses={**WRITES, 201: ResponseSpec(data_container=HookView, description="The hook, and its secret this once")},
)
async def put_hook(request: Incoming, name: str, data: HookForm) -> Response[HookView]:
    """What is under way goes to the new address."""
    deps = deps_of(request)
    check_name(name)

    def on_the_writer(store: Store) -> tuple[HookView, bool]:
        body = store.get(deps.tenant, HOOK, name)
        known = msgspec.json.decode(body, type=Hook) if body else None
        kept = known.secret if known and _fits(known.format, data.format) else None
        made = data.secret or kept or _made(data.format)
        hook = Hook(
            name=name, secret=made, **{key: getattr(data, key) for key in ("url", "format", "events", "enabled")}
        )
        acting(lambda: check_hook(hook))
        store.put(deps.tenant, HOOK, name, msgspec.json.encode(hook))
        store.delete(deps.tenant, STOPPED, name)
        deps.changed(HOOK)
        shown = _view(store, deps.tenant, hook)
        return (msgspec.structs.replace(shown, secret=made) if not data.secret and not kept else shown), known is None

    shown, new = await deps.run(on_the_writer)
    return json_of(shown, 201 if new else 200)


@delete(
    "/api/hooks/{name:str}",
    summary="Remove a hook",
    tags=["communication"],
    guards=[needs("hook.manage")],
    responses=READS,
)
async def remove_hook(request: Incoming, name: str) -> None:
    """What it was owed and has not got is not sent any more."""
    deps = deps_of(request)

    def on_the_writer(store: Store) -> bool:
        store.delete(deps.tenant, STOPPED, name)
        gone = store.delete(deps.tenant, HOOK, name)
        deps.changed(HOOK)
        return gone

    if not await deps.run(on_the_writer):
        raise _unknown(name)


@post(
    "/api/hooks/{name:str}/enable",
    summary="Send to a hook again",
    tags=["communication"],
    guards=[needs("hook.manage")],
    responses=READS,
    status_code=200,
)
async def enable_hook(request: Incoming, name: str) -> HookView:
    """Whether somebody had switched it off or its receiver had answered 410. What failed meanwhile can be replayed."""
    deps = deps_of(request)

    def on_the_writer(store: Store) -> HookView:
        hook = msgspec.structs.replace(_known(store, deps.tenant, name), enabled=True)
        store.put(deps.tenant, HOOK, name, msgspec.json.encode(hook))
        store.delete(deps.tenant, STOPPED, name)
        deps.changed(HOOK)
        return _view(store, deps.tenant, hook)

    return await deps.run(on_the_writer)


@post(
    "/api/hooks/{name:str}/test",
    summary="Send a test to a hook",
    tags=["communication"],
    guards=[needs("hook.manage")],
    responses=READS,
    status_code=200,
)
async def test_hook(request: Incoming, name: str) -> HookReceipt:
    """One message, directly and once; the answer is what its receiver said."""
    deps = deps_of(request)
    hook = await deps.read(lambda store: _known(store, deps.tenant, name))
    method = Method(kind=HOOK, address=hook.url)  # type: ignore[arg-type]
    receipt = await deps.trial(Person(id=name, name=name), method)
    return HookReceipt(code=receipt.code, detail=receipt.detail)


@get(
    "/api/hooks/{name:str}/deliveries",
    summary="What a hook was told",
    tags=["communication"],
    guards=[needs("hook.read")],
    responses=READS,
)
async def list_deliveries(
    request: Incoming, name: str, limit: Annotated[int, Parameter(ge=1, le=LOOKED_AT)] = 50
) -> DeliveryList:
    """Newest first, with attempts, the reason of a failure and the next attempt."""
    deps = deps_of(request)

    def look(store: Store) -> list[Delivery]:
        _known(store, deps.tenant, name)
        return deliveries(store, deps.tenant, name, limit)

    return DeliveryList(items=await deps.read(look))


@post(
    "/api/hook-replays",
    summary="Send one event to its hook again",
    tags=["communication"],
    guards=[needs("hook.manage")],
    responses={**WRITES, 201: ResponseSpec(data_container=Delivery, description="It is owed again")},
)
async def replay_event(request: Incoming, data: ReplayForm) -> Response[Delivery]:
    """With the id it had: a receiver that has it already can tell."""
    deps = deps_of(request)

    def on_the_writer(store: Store) -> Delivery | None:
        try:
            owed = replay(store, deps.tenant, data.announcement, secrets.token_hex(8))
        except ValueError as error:
            raise Unacceptable(str(error)) from None
        deps.changed(HOOK)
        return owed

    owed = await deps.run(on_the_writer)
    if owed is None:
        raise NotFoundException(f"announcement: no event of a hook has the id {data.announcement[:200]!r}")
    return json_of(owed, 201)


def _fits(before: Format, after: Format) -> bool:
    """Whether a secret of one format serves for the other."""
    return (before == "pagerduty") == (after == "pagerduty")


def _made(form: Format) -> str:
    if form == "pagerduty":
        return secrets.token_hex(SECRET_BYTES)
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def _known(store: Store, tenant: str, name: str) -> Hook:
    body = store.get(tenant, HOOK, name)
    if body is None:
        raise _unknown(name)
    return msgspec.json.decode(body, type=Hook)


def _unknown(name: str) -> NotFoundException:
    return NotFoundException(f"hook: nothing has the name {name!r}")


def _view(store: Store, tenant: str, hook: Hook) -> HookView:
    found = deliveries(store, tenant, hook.name, LOOKED_AT)
    states = [each.state for each in found]
    failure = next((each for each in found if each.state != "sent" and each.code), None)
    note = stopped(store, tenant, hook)
    return HookView(
        name=hook.name,
        url=shown_address(HOOK, hook.url),
        format=hook.format,
        events=hook.events,
        signed=hook.secret is not None,
        state="off" if not hook.enabled else "stopped" if note else "on",
        stopped_at=note.at if note else None,
        because=note.because if note else "",
        sent=states.count("sent"),
        pending=states.count("pending"),
        failed=states.count("failed"),
        last_failure=f"{failure.code} {failure.detail}".strip() if failure else "",
    )


def routes() -> list[Any]:
    return [
        list_hooks,
        put_hook,
        remove_hook,
        enable_hook,
        test_hook,
        list_deliveries,
        replay_event,
    ]
