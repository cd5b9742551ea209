"""`/api/guides/{name}/cadences`: the promises of news of a guide in force, and confirming those it only proposes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from litestar import get, post
from litestar.exceptions import NotFoundException

from tocsin.confirming import confirm, confirmations, key_of, rule_of, take_back
from tocsin.core.spans import show_deadline
from tocsin.guides import Guide, UnknownGuide
from tocsin.http.api_directory import READS, WRITES
from tocsin.http.gate import Incoming, deps_of, needs
from tocsin.http.problems import Unacceptable
from tocsin.http.second import two_persons
from tocsin.ports import Store


class CadenceView(msgspec.Struct, frozen=True, kw_only=True):
    """`rule` names its promises. `confirmed` false: it stands only in a template and starts no clock by itself."""

    rule: str
    audience: str
    every: str
    severities: tuple[str, ...]
    line: int | None
    confirmed: bool
    confirmed_by: str
    confirmed_at: datetime | None


class CadenceList(msgspec.Struct, frozen=True, kw_only=True):
    items: list[CadenceView]


class Confirming(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`rules` empty: all that are proposed. `holds` false takes a confirmation back."""

    rules: tuple[str, ...] = ()
    holds: bool = True


@get(
    "/api/guides/{name:str}/cadences",
    summary="How often whom a guide in force tells, and what of it is only proposed",
    tags=["operations"],
    guards=[needs("policy.read")],
    responses=READS,
)
async def list_cadences(request: Incoming, name: str) -> CadenceList:
    deps = deps_of(request)

    def read(store: Store) -> CadenceList:
        return _shown(store, deps.tenant, deps.engine.guides.named(deps.tenant, name))

    try:
        return await deps.run(read)
    except UnknownGuide as error:
        raise NotFoundException(str(error)) from error


@post(
    "/api/guides/{name:str}/cadences/confirm",
    summary="Confirm cadences of a guide once, for every incident that opens from now on",
    tags=["operations"],
    status_code=200,
    guards=[needs("policy.activate")],
    responses=WRITES,
)
async def confirm_cadences(request: Incoming, name: str, data: Confirming) -> CadenceList:
    """Running incidents keep the policy they were opened under; a new version asks again where a cadence changed."""
    deps, tenant = deps_of(request), deps_of(request).tenant

    def write(store: Store) -> CadenceList:
        guides = deps.engine.guides
        guide = guides.named(tenant, name)
        subject = f"{'confirm' if data.holds else 'take back'} cadences of {name}: {', '.join(data.rules) or 'all'}"
        with two_persons(deps, store, request.user, "policy.activate", subject):
            if data.holds:
                policy = confirm(store, tenant, name, guide.policy, data.rules, request.user.id)
            else:
                policy = take_back(store, tenant, name, guide.policy, data.rules)
            after = guides.activate(tenant, name, policy)
        deps.changed("guide")
        return _shown(store, tenant, after)

    try:
        return await deps.run(write)
    except UnknownGuide as error:
        raise NotFoundException(str(error)) from error
    except ValueError as error:
        raise Unacceptable(str(error)) from error


def _shown(store: Store, tenant: str, guide: Guide) -> CadenceList:
    known = confirmations(store, tenant, guide.name)
    items = []
    for n, each in enumerate(guide.policy.cadences):
        given = known.get(key_of(each))
        items.append(
            CadenceView(
                rule=rule_of(n, each),
                audience=each.audience,
                every=show_deadline(each.every) or each.every.text or "",
                severities=each.severities,
                line=each.source.line if each.source else None,
                confirmed=each.confirmed,
                confirmed_by=given.by if given else "",
                confirmed_at=given.at if given else None,
            )
        )
    return CadenceList(items=items)


def routes() -> list[Any]:
    return [list_cadences, confirm_cadences]
