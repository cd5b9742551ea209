"""`/api/people`, `teams`, `services`, `bindings`, `schedules`: live documents, in force from the next page on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from litestar import Response, Router, delete, get, put
from litestar.exceptions import NotFoundException
from litestar.openapi.datastructures import ResponseSpec

from tocsin.core.access import ANYTHING, Action, Resource, may
from tocsin.core.audiences import StoredAudience
from tocsin.core.contact import plain
from tocsin.core.people import (
    SECRET_ADDRESSES,
    MethodKind,
    Person,
    Service,
    Team,
    circle_from,
    flaw_of,
    restored_methods,
    told_methods,
)
from tocsin.http.api_incidents import DENIED, json_of, problem
from tocsin.http.deps import Deps
from tocsin.http.gate import Incoming, deps_of, insist, needs
from tocsin.http.problems import Unacceptable
from tocsin.oncall.record import after_change, before_change
from tocsin.oncall.stored import StoredSchedule
from tocsin.ports import Store

NAME_MAX = 200  # characters of an id: it stands in page titles, claims and file names


class Binding(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A guide's words for somebody (`id`), and the people, teams or roles they mean. `last_resort` is one of them."""

    id: str
    means: tuple[str, ...]


MANAGE: Mapping[str, Action] = {"service": "service.manage", "schedule": "schedule.manage"}

KINDS: tuple[tuple[str, str, type[msgspec.Struct]], ...] = (
    ("people", "person", Person),
    ("teams", "team", Team),
    ("services", "service", Service),
    ("bindings", "binding", Binding),
    ("schedules", "schedule", StoredSchedule),
)

READS = {**DENIED, 404: problem("Nothing has this id")}
WRITES = {**READS, 400: problem("A field is wrong; `errors` names it")}


def stored(value: msgspec.Struct) -> bytes:
    """A document as it is stored: bindings as their bare list, the rest as they are."""
    if isinstance(value, Person):
        value = plain(value)
    return msgspec.json.encode(value.means if isinstance(value, Binding) else value)


def read(kind: type[msgspec.Struct], name: str, body: bytes) -> Any:
    if kind is Binding:
        return Binding(id=name, means=msgspec.json.decode(body, type=tuple[str, ...]))
    return msgspec.json.decode(body, type=kind)


def check_name(name: str) -> None:
    if not name.strip() or len(name) > NAME_MAX or any(not each.isprintable() for each in name):
        raise Unacceptable(f"id: expected 1 to {NAME_MAX} printable characters, got {name[:40]!r}")


def keep(deps: Deps, store: Store, kind: str, name: str, value: msgspec.Struct) -> bool:
    """Store a document of the directory; whether it is new. Writer thread only."""
    new = store.get(deps.tenant, kind, name) is None
    if isinstance(value, Person):
        value = _whole(value, store.get(deps.tenant, kind, name))
    if isinstance(value, Binding):
        _check_ways(deps, store, value)
    if isinstance(value, StoredAudience):
        _check_channels(value)
    if kind == "schedule":
        before_change(store, deps.tenant, name, store.now())
    store.put(deps.tenant, kind, name, stored(value))
    if kind == "schedule":
        after_change(store, deps.tenant, name, store.now())
    deps.engine.guides.changed(deps.tenant)
    return new


def _check_channels(audience: StoredAudience) -> None:
    for n, each in enumerate(audience.channels):
        if each.kind not in get_args(MethodKind):
            known = ", ".join(get_args(MethodKind))
            raise Unacceptable(f"channels[{n}].kind: expected one of {known}, got {each.kind[:80]!r}")


def _whole(person: Person, stored: bytes | None) -> Person:
    """The person with the addresses that were only shown as they are stored. Raises Unacceptable."""
    try:
        ZoneInfo(person.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Unacceptable(
            f"zone: expected an IANA time zone such as Europe/Berlin, got {person.zone[:80]!r}"
        ) from None
    before = msgspec.json.decode(stored, type=Person).methods if stored else ()
    methods = restored_methods(person.methods, before)
    for n, each in enumerate(methods):
        if each not in before and (flaw := flaw_of(each)):
            raise Unacceptable(f"methods[{n}].{flaw}")
        if "…" in each.address and ("://" in each.address or each.kind in SECRET_ADDRESSES):
            raise Unacceptable(f"methods: expected a whole address, got {each.address[:80]!r}, which hides a part")
    return msgspec.structs.replace(person, methods=methods)


def _check_ways(deps: Deps, store: Store, value: Binding) -> None:
    """No names, and names that lead back to themselves, mean nobody: whoever is not paged would be who notices."""
    if not value.means or not all(each.strip() for each in value.means):
        raise Unacceptable("means: expected people, teams or roles, got nothing; to mean nobody, remove the binding")
    known = {
        each: msgspec.json.decode(body, type=tuple[str, ...]) for each, body in store.items(deps.tenant, "binding")
    }
    same = [each for each in known if each.strip().casefold() == value.id.strip().casefold()]
    others = {each: means for each, means in known.items() if each not in same}
    circle = circle_from(others | {value.id: value.means}, value.id)
    if circle:
        raise Unacceptable(f"means: expected names that lead to somebody, got a circle: {' -> '.join(circle)}")


def whose(value: Any) -> Resource:
    """Whose a document is: a service its owner's, a schedule its team's."""
    teams = {value.owner} if isinstance(value, Service) else {getattr(value, "team", None)}
    return Resource(teams=frozenset(team for team in teams if team))


def _owned(request: Incoming, kind: str, form: type[msgspec.Struct], name: str) -> Callable[..., bool]:
    """Insists, on the writer thread, that the caller may manage the document as it is and as it will be."""
    action, tenant = MANAGE.get(kind, "people.manage"), deps_of(request).tenant

    def check(store: Store, after: Any = None) -> bool:
        body = store.get(tenant, kind, name)
        before = read(form, name, body) if body else None
        for value in [each for each in (before, after) if each is not None]:
            insist(request.user, action, whose(value))
        if before is None and after is None:
            insist(request.user, action, ANYTHING)
        return True

    return check


def drop(deps: Deps, store: Store, kind: str, name: str) -> bool:
    if kind == "schedule":
        before_change(store, deps.tenant, name, store.now())
    gone = store.delete(deps.tenant, kind, name)
    if kind == "schedule":
        after_change(store, deps.tenant, name, store.now())
    deps.engine.guides.changed(deps.tenant)
    return gone


def _told(request: Incoming, value: Any) -> Any:
    """The document as the caller may see it: of a person, no password and no key."""
    if not isinstance(value, Person):
        return value
    methods = told_methods(value.methods, manages=bool(may(request.user, "people.manage")))
    return msgspec.structs.replace(value, methods=methods)


def document_routes(path: str, kind: str, form: type[msgspec.Struct], *, listed: bool = True) -> Router:
    """List (where `listed`), show, create or replace, and delete the documents of one kind."""
    manage = MANAGE.get(kind, "people.manage")
    page = msgspec.defstruct(f"{form.__name__}List", [("items", list[form])], frozen=True, kw_only=True)  # type: ignore[valid-type]

    async def list_all(request: Incoming) -> Any:
        deps = deps_of(request)
        items = await deps.read(lambda store: store.items(deps.tenant, kind))
        return page(items=[_told(request, read(form, name, body)) for name, body in items])

    async def show(request: Incoming, name: str) -> Any:
        deps = deps_of(request)
        body = await deps.read(lambda store: store.get(deps.tenant, kind, name))
        if body is None:
            raise NotFoundException(f"{kind}: nothing has the id {name!r}")
        return _told(request, read(form, name, body))

    async def replace(request: Incoming, name: str, data: Any) -> Response[Any]:
        deps = deps_of(request)
        check_name(name)
        if data.id != name:
            raise Unacceptable(f"id: expected {name!r}, the id in the path, got {data.id!r}")
        check = _owned(request, kind, form, name)
        new = await deps.run(lambda store: check(store, data) and keep(deps, store, kind, name, data))
        return json_of(_told(request, data), 201 if new else 200)

    async def remove(request: Incoming, name: str) -> None:
        deps = deps_of(request)
        check = _owned(request, kind, form, name)
        if not await deps.run(lambda store: check(store) and drop(deps, store, kind, name)):
            raise NotFoundException(f"{kind}: nothing has the id {name!r}")

    list_all.__annotations__["return"] = page
    show.__annotations__["return"] = form
    replace.__annotations__ |= {"data": form, "return": Response[form]}  # type: ignore[valid-type]
    created = ResponseSpec(data_container=form, description="It is new")
    listing = [get("/", summary=f"List {path}", responses=DENIED, operation_id=f"list-{path}")(list_all)]
    return Router(
        f"/api/{path}",
        route_handlers=[
            *(listing if listed else ()),
            get("/{name:str}", summary=f"One {kind}", responses=READS, operation_id=f"show-{kind}")(show),
            put(
                "/{name:str}",
                summary=f"Create or replace a {kind}",
                guards=[needs(manage)],
                responses={**WRITES, 201: created},
                operation_id=f"put-{kind}",
            )(replace),
            delete(
                "/{name:str}",
                summary=f"Delete a {kind}",
                guards=[needs(manage)],
                responses=READS,
                operation_id=f"delete-{kind}",
            )(remove),
        ],
        guards=[needs("oncall.read" if kind == "schedule" else "directory.read")],
        tags=["directory"],
    )


def routes() -> list[Router]:
    return [document_routes(*kind) for kind in KINDS]
