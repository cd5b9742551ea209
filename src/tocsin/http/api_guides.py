"""Guides in force and guides that wait: what a changed one would change, and putting it in force."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import delete, get, post
from litestar.exceptions import NotFoundException

from tocsin.core.introductions import Introduction, introductions
from tocsin.guides import Guide, Offered, UnknownGuide
from tocsin.http.api_directory import READS, WRITES
from tocsin.http.api_incidents import DENIED
from tocsin.http.gate import Incoming, deps_of, needs
from tocsin.http.problems import Unacceptable
from tocsin.http.second import two_persons
from tocsin.ports import Store


class GuideView(msgspec.Struct, frozen=True, kw_only=True):
    """A guide in force; `digest` names its policy (`GET /api/policies/{digest}`)."""

    name: str
    digest: str
    title: str


class GuideList(msgspec.Struct, frozen=True, kw_only=True):
    """`active` in order: the first one takes what no other claims. `offered`: wait for `POST .../activate`."""

    active: list[GuideView]
    offered: list[Offered]


@get(
    "/api/guides",
    summary="Guides in force and guides that wait",
    tags=["operations"],
    guards=[needs("policy.read")],
    responses=DENIED,
)
async def list_guides(request: Incoming) -> GuideList:
    deps = deps_of(request)

    def read(_: Store) -> GuideList:
        guides, tenant = deps.engine.guides, deps.tenant
        return GuideList(active=[_view(each) for each in guides.active(tenant)], offered=guides.offered(tenant))

    return await deps.run(read)


class IntroductionList(msgspec.Struct, frozen=True, kw_only=True):
    """In the guide's order."""

    items: tuple[Introduction, ...]


@get(
    "/api/guides/{name:str}/contacts",
    summary="People whom a guide in force prints, and who of them the directory knows",
    tags=["operations"],
    guards=[needs("policy.read"), needs("directory.read")],
    responses=READS,
)
async def list_contacts(request: Incoming, name: str) -> IntroductionList:
    """`run` is the command that makes somebody known, or says that the guide's word for them means them."""
    deps = deps_of(request)

    def read(_: Store) -> IntroductionList:
        guide = deps.engine.guides.named(deps.tenant, name)
        return IntroductionList(items=introductions(guide.policy, deps.engine.directory(deps.tenant)))

    try:
        return await deps.run(read)
    except UnknownGuide as error:
        raise NotFoundException(str(error)) from error


@post(
    "/api/guides/{name:str}/activate",
    summary="Put an offered guide in force",
    tags=["operations"],
    status_code=200,
    guards=[needs("policy.activate")],
    responses=WRITES,
)
async def activate_guide(request: Incoming, name: str) -> GuideView:
    """It governs every incident that opens from now on; running incidents keep the policy they were opened under."""
    deps = deps_of(request)

    def activate(store: Store) -> Guide:
        offer = next((each for each in deps.engine.guides.offered(deps.tenant) if each.name == name), None)
        subject = f"put {name} in force as {offer.digest if offer else ''}"
        with two_persons(deps, store, request.user, "policy.activate", subject):
            guide = deps.engine.guides.activate_offered(deps.tenant, name)
        deps.changed("guide")
        return guide

    try:
        return _view(await deps.run(activate))
    except UnknownGuide as error:
        raise NotFoundException(str(error)) from error
    except ValueError as error:
        raise Unacceptable(f"guide: expected a policy that triage can use: {error}") from error


@delete(
    "/api/guides/{name:str}/offer",
    summary="Do not take what is offered",
    tags=["operations"],
    guards=[needs("policy.activate")],
    responses=READS,
)
async def withdraw_guide(request: Incoming, name: str) -> None:
    deps = deps_of(request)
    if not await deps.run(lambda _: deps.engine.guides.withdraw(deps.tenant, name)):
        raise NotFoundException(f"guide: nothing is offered as {name!r}")


def _view(guide: Guide) -> GuideView:
    return GuideView(name=guide.name, digest=guide.digest, title=guide.policy.title)


def routes() -> list[Any]:
    return [list_guides, list_contacts, activate_guide, withdraw_guide]
