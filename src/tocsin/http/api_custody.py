"""Evidence out: its content, a sealed bundle, and what decides how long it is there: holds and removal.

Content goes out as an attachment that no browser shows: it is what somebody found on a machine that may have been
attacked.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from typing import Annotated, Any
from urllib.parse import quote

import msgspec
from litestar import get, post
from litestar.exceptions import HTTPException
from litestar.openapi.datastructures import ResponseSpec
from litestar.response import Stream

from tocsin.core.access import Resource
from tocsin.core.evidence import Item
from tocsin.core.evidence_views import EvidenceList, listed
from tocsin.core.incident import Incident
from tocsin.evidenceport import NotReadable
from tocsin.http.api_incidents import DENIED, problem
from tocsin.http.gate import Incoming, deps_of, insist, needs
from tocsin.http.problems import Unacceptable
from tocsin.http.second import asked
from tocsin.proof import erasure

READS = {**DENIED, 400: problem("A field is wrong; `errors` names it"), 404: problem("No such incident or item")}
WRITES = {**READS, 409: problem("It is held, its content is gone, or somebody else has to approve")}
GIVES = {**WRITES, 502: problem("The content is recorded and cannot be given: damaged, or its store or key is away")}
ATTACHED = {
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class HoldForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """No `items`: the whole incident, also what is yet to come."""

    because: Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
    items: tuple[int, ...] = ()


class RemoveForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    because: Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]


class ExportForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """No `items`: all whose content is there."""

    items: tuple[int, ...] = ()
    purpose: Annotated[str, msgspec.Meta(max_length=1000)] = ""


def item_of(incident: Incident, number: int) -> Item:
    """Raises 404."""
    found = incident.evidence.items.get(number)
    if found is None:
        raise HTTPException(status_code=404, detail=f"item: {incident.reference} has no evidence {number}")
    return found


# --- giving out -------------------------------------------------------------------------------------------------------


@get(
    "/{item:str}/content",
    summary="The content of an item",
    responses={
        **GIVES,
        200: ResponseSpec(data_container=bytes, description="The bytes", media_type="application/octet-stream"),
    },
    guards=[needs("evidence.read")],
)
async def show_content(request: Incoming, incident: str, item: int, original: bool = False) -> Stream:
    """That you were given it is on the timeline before the first byte. A damaged item breaks off before its end."""
    deps = deps_of(request)
    if original:
        of = await deps.evidence.of(incident)
        known = item_of(of, item)
        owner = request.user.id if request.user.id in known.original_for else None
        insist(request.user, "evidence.original", Resource(owner=owner))
        await asked(request, "evidence.original", f"read the original of item {item} of {of.reference}", of.id)
    item_of(await deps.evidence.of(incident), item)
    found, pieces = await deps.evidence.give(request.user.id, incident, item, original=original)
    size = found.original_size if original else found.size
    return await attached(found.name, pieces, size)


@post(
    "/export",
    summary="A sealed bundle",
    responses={**GIVES, 200: ResponseSpec(data_container=bytes, description="A zip", media_type="application/zip")},
    guards=[needs("evidence.read")],
    status_code=200,
)
async def export_evidence(request: Incoming, incident: str, data: ExportForm) -> Stream:
    """`python3 FILE` verifies it, offline: hashes, custody, and the audit trail's signatures."""
    deps = deps_of(request)
    found = await deps.evidence.of(incident)
    insist(request.user, "evidence.export", commanded(found))
    try:
        name, pieces = await deps.evidence.export(request.user.id, incident, data.items, data.purpose)
    except ValueError as error:
        raise Unacceptable(str(error)) from error
    return await attached(name, pieces, None, media_type="application/zip")


async def attached(
    name: str, pieces: AsyncIterator[bytes], size: int | None, *, media_type: str = "application/octet-stream"
) -> Stream:
    """A download that no browser runs. What cannot be read at all is said before anything is sent."""
    try:
        first = await anext(pieces, b"")
    except NotReadable as error:
        raise HTTPException(status_code=502, detail=str(error)) from error

    async def given() -> AsyncIterator[bytes]:
        yield first
        async for piece in pieces:
            yield piece

    headers = {**ATTACHED, "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}"}
    if size is not None:
        headers["Content-Length"] = str(size)
    return Stream(given(), media_type=media_type, headers=headers)


# --- holds and removal ------------------------------------------------------------------------------------------------


@post("/hold", summary="Legal hold", responses=WRITES, guards=[needs("evidence.list")], status_code=200)
async def hold_evidence(request: Incoming, incident: str, data: HoldForm) -> EvidenceList:
    """Neither retention nor anybody removes what is held, and nothing about it can be erased."""
    deps = deps_of(request)
    insist(request.user, "evidence.hold", commanded(await deps.evidence.of(incident)))
    return listed(await _done(deps.evidence.hold(request.user.id, incident, data.items, data.because)))


@post("/release", summary="End a legal hold", responses=WRITES, guards=[needs("evidence.release")], status_code=200)
async def release_evidence(request: Incoming, incident: str, data: HoldForm) -> EvidenceList:
    deps = deps_of(request)
    of = await deps.evidence.of(incident)
    which = f"items {erasure.spans(sorted(data.items))}" if data.items else "everything"
    subject = f"end the hold of {which} of {of.reference}: {data.because}"
    await asked(request, "evidence.release", subject, of.id)
    return listed(await _done(deps.evidence.release(request.user.id, incident, data.items, data.because)))


@post(
    "/{item:str}/remove",
    summary="Remove the content of an item",
    responses=WRITES,
    guards=[needs("evidence.remove")],
    status_code=200,
)
async def remove_evidence(request: Incoming, incident: str, item: int, data: RemoveForm) -> EvidenceList:
    """That it was there, and its hash, stay."""
    deps = deps_of(request)
    of = await deps.evidence.of(incident)
    item_of(of, item)
    subject = f"remove the content of item {item} of {of.reference}: {data.because}"
    await asked(request, "evidence.remove", subject, of.id)
    return listed(await _done(deps.evidence.remove(request.user.id, incident, item, data.because)))


async def _done(doing: Awaitable[Incident]) -> Incident:
    try:
        return await doing
    except ValueError as error:
        raise Unacceptable(str(error)) from error


def commanded(incident: Incident) -> Resource:
    """The incident as permission looks at it: who commands it."""
    people = [each for role, each in incident.roles.items() if "command" in role.casefold()]
    return Resource(commanders=frozenset(person for some in people for person in some))


def handlers() -> list[Any]:
    return [show_content, export_evidence, hold_evidence, release_evidence, remove_evidence]
