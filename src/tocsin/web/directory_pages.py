"""The directory: who can be reached, who owns what, and whom the guide's words mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

import msgspec
from litestar import Response, Router, get, post
from litestar.response import Redirect

from tocsin.core.people import Method, MethodKind, Person
from tocsin.guides import read_directory
from tocsin.http.api_directory import Binding, check_name, drop, keep
from tocsin.http.gate import Incoming, deps_of, needs
from tocsin.http.problems import Unacceptable
from tocsin.ports import Store
from tocsin.web import show
from tocsin.web.forms import HANDLERS, encodings, fields_of, frame
from tocsin.web.render import page


@get("/directory", guards=[needs("directory.read")])
async def directory_page(request: Incoming) -> Response[Any]:
    deps = deps_of(request)
    directory = await deps.read(lambda store: read_directory(store, deps.tenant))
    guides = await deps.run(lambda _: deps.engine.guides.active(deps.tenant))
    policies = [guide.policy for guide in guides]
    return page(
        "directory.html",
        encodings(request),
        people=sorted(directory.people.values(), key=lambda each: (not each.active, each.name or each.id)),
        teams=sorted(directory.teams.values(), key=lambda each: each.name or each.id),
        services=sorted(directory.services.values(), key=lambda each: (each.tier or 99, each.name or each.id)),
        words=show.guide_words(policies, directory),
        role_names=list(dict.fromkeys(each.name for policy in policies for each in policy.roles)),
        method_kinds=[each for each in get_args(MethodKind) if each != "webpush"],  # a browser adds itself,
        error="",
        **frame(request, directory, "directory"),
    )


@post("/directory/person", guards=[needs("people.manage")], status_code=200)
async def save_person(request: Incoming) -> Response[Any]:
    """A new person, or a further method for one who is there: the same kind of method is replaced."""
    deps = deps_of(request)
    fields = await fields_of(request)
    name = fields.get("id", "")
    check_name(name)
    try:
        method = msgspec.convert({"kind": fields.get("kind"), "address": fields.get("address")}, Method)
    except msgspec.ValidationError as error:
        raise Unacceptable(str(error)) from error

    def on_the_writer(store: Store) -> None:
        body = store.get(deps.tenant, "person", name)
        before = msgspec.json.decode(body, type=Person) if body else Person(id=name)
        keep(deps, store, "person", name, _person(before, fields, method))

    await deps.run(on_the_writer)
    return Redirect("/directory", status_code=303)


def _person(before: Person, fields: Mapping[str, str], method: Method) -> Person:
    return msgspec.structs.replace(
        before,
        name=fields.get("name", before.name),
        roles=_words(fields["roles"]) if "roles" in fields else before.roles,
        methods=(*(each for each in before.methods if each.kind != method.kind), method),
        active=True,
    )


@post("/directory/person/{name:str}/remove", guards=[needs("people.manage")], status_code=200)
async def remove_person(request: Incoming, name: str) -> Response[Any]:
    deps = deps_of(request)
    await deps.run(lambda store: drop(deps, store, "person", name))
    return Redirect("/directory", status_code=303)


@post("/directory/binding", guards=[needs("people.manage")], status_code=200)
async def save_binding(request: Incoming) -> Response[Any]:
    deps = deps_of(request)
    fields = await fields_of(request)
    name = fields.get("id", "")
    check_name(name)
    binding = Binding(id=name, means=_words(fields.get("means", "")))
    await deps.run(lambda store: keep(deps, store, "binding", name, binding))
    return Redirect("/directory", status_code=303)


def _words(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def routes() -> Router:
    handlers = [directory_page, save_person, remove_person, save_binding]
    return Router("/", route_handlers=handlers, exception_handlers=HANDLERS, include_in_schema=False)
