"""`/api/incidents/{incident}/evidence`: what is kept, and keeping more of it.

Content comes in as a raw body of any length. How it goes out, holds and removal are in `api_custody`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec
from litestar import Response, Router, get, post
from litestar.exceptions import HTTPException
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import Parameter

from tocsin.core.evidence import Item
from tocsin.core.evidence_views import (
    EvidenceDetail,
    EvidenceItem,
    EvidenceList,
    EvidenceProfile,
    custody_of,
    listed,
    step_view,
    view,
)
from tocsin.core.facts import EvidenceKind
from tocsin.core.view import timeline
from tocsin.evidenceport import Label, NotCollected, Query
from tocsin.http import api_custody as custody
from tocsin.http.api_custody import READS, WRITES, item_of
from tocsin.http.api_incidents import DENIED, json_of, problem
from tocsin.http.gate import Incoming, deps_of, needs
from tocsin.http.problems import Unacceptable

SPAN_MAX = timedelta(days=31)  # of one query: more is an archive, and no answer comes in time
SPAN_DEFAULT = 3_600
COLLECTS = {
    **WRITES,
    413: problem("More than is kept of one item"),
    502: problem("What was asked did not give it; the timeline says so too"),
}


class LogSources(msgspec.Struct, frozen=True, kw_only=True):
    items: list[str]


class LabelForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is said of evidence that the server collects itself."""

    name: str = ""
    kind: EvidenceKind = "file"
    step: str = ""
    keep_original: bool = False
    original_for: tuple[str, ...] = ()


class FetchForm(LabelForm, frozen=True, kw_only=True, forbid_unknown_fields=True):
    url: Annotated[str, msgspec.Meta(min_length=1, max_length=2048)]


class QueryForm(LabelForm, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From `start` to `end`, or the last `seconds` before `end`; `end` is now unless said."""

    source: str
    query: Annotated[str, msgspec.Meta(max_length=4000)] = ""
    seconds: Annotated[int, msgspec.Meta(ge=1, le=2_678_400)] = SPAN_DEFAULT
    start: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    end: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class FailedForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What could not be collected elsewhere, and why."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    detail: Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
    origin: Annotated[str, msgspec.Meta(max_length=4000)] = ""
    step: Annotated[str, msgspec.Meta(max_length=200)] = ""


# --- what there is ----------------------------------------------------------------------------------------------------


@get("/", summary="The evidence of an incident", responses=READS, guards=[needs("evidence.list")])
async def list_evidence(request: Incoming, incident: str) -> EvidenceList:
    found = await deps_of(request).evidence.of(incident)
    return listed(found)


@get("/{item:str}", summary="One item and its custody", responses=READS, guards=[needs("evidence.list")])
async def show_evidence(request: Incoming, incident: str, item: int) -> EvidenceDetail:
    deps = deps_of(request)
    found = await deps.evidence.of(incident)
    history = await deps.read(lambda store: timeline(store.facts(deps.tenant, found.id)))
    return EvidenceDetail(item=view(found, item_of(found, item)), custody=custody_of(item, history))


@get("/profile", summary="What the guide asks to be kept", responses=READS, guards=[needs("evidence.list")])
async def show_profile(request: Incoming, incident: str) -> EvidenceProfile:
    """And whether it is there. `tocsin evidence collect` runs its commands on the machine of whoever asks."""
    deps = deps_of(request)
    found = await deps.evidence.of(incident)
    _, steps = await deps.evidence.profile(incident)
    return EvidenceProfile(incident=found.reference, steps=[step_view(each) for each in steps])


@get("/api/log-sources", summary="Where logs can be asked for", responses=DENIED, guards=[needs("evidence.list")])
async def list_sources(request: Incoming) -> LogSources:
    return LogSources(items=list(deps_of(request).evidence.log_sources()))


# --- collecting -------------------------------------------------------------------------------------------------------

CREATED = ResponseSpec(data_container=EvidenceItem, description="The item; its content is durable")


@post(
    "/",
    summary="Keep the request's body as evidence",
    responses={**COLLECTS, 201: CREATED},
    guards=[needs("evidence.collect")],
    request_max_body_size=None,
)
async def add_evidence(
    request: Incoming,
    incident: str,
    name: Annotated[str, Parameter(min_length=1, max_length=200, description="such as incident-logs.txt")],
    kind: EvidenceKind = "file",
    origin: Annotated[str, Parameter(max_length=4000, description="the command, where one was run")] = "",
    host: Annotated[str, Parameter(max_length=200, description="the machine it comes from")] = "",
    exit_code: Annotated[int | None, Parameter(ge=-1024, le=1024, description="of the command")] = None,
    step: Annotated[str, Parameter(max_length=200, description="what it answers of the guide's list")] = "",
    keep_original: Annotated[bool, Parameter(description="also from before secrets are taken out")] = False,
    original_for: Annotated[list[str] | None, Parameter(description="who may read the original")] = None,
) -> Response[EvidenceItem]:
    """The body is streamed, whatever its type: secrets are taken out, the rest is sealed and kept under its hash."""
    label = Label(
        name=name,
        kind=kind,
        source="command" if origin else "upload",
        origin=origin,
        host=host,
        exit_code=exit_code,
        step=step,
        keep_original=keep_original,
        original_for=tuple(original_for or ()),
    )
    return await collected(request, incident, label, request.stream())


async def collected(
    request: Incoming, incident: str, label: Label, chunks: AsyncIterator[bytes]
) -> Response[EvidenceItem]:
    deps = deps_of(request)
    try:
        where, item = await deps.evidence.collect(request.user.id, incident, label, chunks)
    except NotCollected as error:
        raise refused(error) from error
    except ValueError as error:
        raise Unacceptable(str(error)) from error
    return await _created(request, where, item)


async def _created(request: Incoming, where: str, item: Item) -> Response[EvidenceItem]:
    found = await deps_of(request).evidence.of(where)
    return json_of(view(found, item), 201, Location=f"/api/incidents/{where}/evidence/{item.item}")


@post(
    "/fetch",
    summary="Keep what is at an address",
    responses={**COLLECTS, 201: CREATED},
    guards=[needs("evidence.collect")],
)
async def fetch_evidence(request: Incoming, incident: str, data: FetchForm) -> Response[EvidenceItem]:
    """The server reads it: within limits of size and time, never from link-local or metadata addresses."""
    deps = deps_of(request)
    label = _label(data, data.url.partition("?")[0].rstrip("/").rpartition("/")[2] or "fetched")
    try:
        where, item = await deps.evidence.fetch(request.user.id, incident, label, data.url)
    except NotCollected as error:
        raise refused(error) from error
    except ValueError as error:
        raise Unacceptable(str(error)) from error
    return await _created(request, where, item)


@post(
    "/query",
    summary="Keep the answer of a source of logs",
    responses={**COLLECTS, 201: CREATED},
    guards=[needs("evidence.collect")],
)
async def query_evidence(request: Incoming, incident: str, data: QueryForm) -> Response[EvidenceItem]:
    """`GET /api/log-sources` names the sources; they are configured as `[[log_sources]]`."""
    deps = deps_of(request)
    end = data.end or deps.clock.now()
    start = data.start or end - timedelta(seconds=data.seconds)
    if not timedelta(0) < end - start <= SPAN_MAX:
        raise Unacceptable(f"start: expected an instant before end, at most {SPAN_MAX.days} days, got {start}")
    label = _label(data, f"{data.source}-{end:%Y%m%dT%H%M%S}.log")
    query = Query(source=data.source, query=data.query, start=start, end=end)
    try:
        where, item = await deps.evidence.ask(request.user.id, incident, label, query)
    except NotCollected as error:
        raise refused(error) from error
    except ValueError as error:
        raise Unacceptable(str(error)) from error
    return await _created(request, where, item)


@post(
    "/failures",
    summary="Note that something could not be collected",
    responses=WRITES,
    guards=[needs("evidence.collect")],
    status_code=204,
)
async def note_failure(request: Incoming, incident: str, data: FailedForm) -> None:
    label = Label(name=data.name, source="command", origin=data.origin, step=data.step)
    await deps_of(request).evidence.failed(request.user.id, incident, label, data.detail)


def _label(form: LabelForm, otherwise: str) -> Label:
    return Label(
        name=(form.name or otherwise)[:200],
        kind=form.kind,
        step=form.step,
        keep_original=form.keep_original,
        original_for=form.original_for,
    )


def refused(error: NotCollected) -> HTTPException:
    return HTTPException(status_code=413 if error.too_large else 502, detail=str(error))


def routes() -> list[Any]:
    handlers: list[Any] = [
        *(list_evidence, show_evidence, show_profile, add_evidence, fetch_evidence, query_evidence, note_failure),
        *custody.handlers(),
    ]
    of_incident = Router("/api/incidents/{incident:str}/evidence", route_handlers=handlers, tags=["evidence"])
    return [of_incident, Router("", route_handlers=[list_sources], tags=["evidence"])]
