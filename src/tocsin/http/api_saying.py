"""`/api/incidents/{incident}/preview`, `say`, `told`, `documents`; `/api/audiences`, `/api/templates`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from litestar import Response, Router, get, post
from litestar.openapi.spec import Example
from litestar.params import Body, Parameter

from tocsin.core.announcement import Told, ToldTo
from tocsin.core.approval import approvers
from tocsin.core.audiences import Audience, StoredAudience
from tocsin.core.documents import Action
from tocsin.core.people import shown_address
from tocsin.core.view import IncidentView
from tocsin.http.api_directory import document_routes
from tocsin.http.api_incidents import DENIED, READS, WRITES, acting, incident_id, json_of
from tocsin.http.gate import Incoming, deps_of, needs
from tocsin.ports import Store
from tocsin.saying.composing import AUDIENCE, TEMPLATE, Desk, Preview, Update, say, stored_audiences
from tocsin.saying.owntemplate import OwnTemplate
from tocsin.saying.paperwork import keep, paper, titles

TOLD_MAX = 200  # announcements of one incident on its table
RECIPIENTS_MAX = 100  # named channels of one announcement

NEXT_STEPS: Mapping[str, str] = {
    "refused": "the provider cannot take it now; it is tried again",
    "rejected": "the provider does not want this message: read its words, correct what it names, say it again",
    "throttled": "the provider limits how much it takes; it is tried again when it allows",
    "timeout": "nobody answered: check that the address can be reached from this machine",
    "unreachable": "no connection: check the address, the name server and the certificate",
    "bad_address": "correct the address of the channel, then say it again",
    "gone": "the channel has ended: remove it from the audience",
    "misconfigured": "set this kind of channel up in tocsin.toml, then say it again",
    "too_large": "shorten the text, then say it again",
    "unauthorised": "give Tocsin valid credentials for this channel, then say it again",
    "unknown": "read the log of this server; it is tried again",
}

UPDATE = Example(
    summary="one update for two audiences",
    value={
        "audiences": ["response-team", "customers"],
        "text": "The cause is found, the fix is being tested.",
        "public_text": "We have found the cause and expect to be back soon.",
        "fields": {"ETA": "05:00 UTC", "specific functionality": "pay by card"},
        "status": "identified",
    },
)


class Previews(msgspec.Struct, frozen=True, kw_only=True):
    items: list[Preview]


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """A draft that waits for its release. `approvers`: who may, in words; `released_by`: who that is now, by id."""

    draft: str
    audience: str
    subject: str
    text: str
    by: str
    at: datetime
    approvers: tuple[str, ...] = ()
    released_by: tuple[str, ...] = ()


class Reached(msgspec.Struct, frozen=True, kw_only=True):
    """One named channel. `next_step`: what to do where it failed; `help`: where that is explained."""

    name: str
    kind: str
    address: str
    state: Literal["pending", "sent", "failed", "withdrawn"]
    attempts: int
    at: datetime | None
    next_at: datetime | None
    code: str
    detail: str
    next_step: str
    help: str


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What one audience was told, and how many of its recipients got it. Private addresses are counted, not named."""

    announcement: str
    at: datetime
    audience: str
    subject: str
    text: str
    pending: int
    sent: int
    failed: int
    withdrawn: int
    channels: list[Reached]


class Telling(msgspec.Struct, frozen=True, kw_only=True):
    """Who was told what and when, newest first."""

    drafts: list[Waiting]
    items: list[Said]


class PaperTitles(msgspec.Struct, frozen=True, kw_only=True):
    items: list[dict[str, str]]


class PaperWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`fields` fills in what was not recorded, by field; `until` in them ends a report's period before that day (UTC).
    `action`: the improvement an action item is about."""

    title: str
    fields: dict[str, str] = {}
    action: Action | None = None


class Paper(msgspec.Struct, frozen=True, kw_only=True):
    """`markdown` has `____` where a field of `missing` stands."""

    title: str
    markdown: str
    missing: list[str]


class Audiences(msgspec.Struct, frozen=True, kw_only=True):
    items: list[Audience]


# --- previews and posting ---------------------------------------------------------------------------------------------


@post(
    "/{incident:str}/preview",
    status_code=200,
    summary="What each audience would be told; changes nothing",
    responses=READS,
    guards=[needs("incident.say")],
    operation_id="preview-update",
)
async def preview(
    request: Incoming, incident: str, data: Annotated[Update | None, Body(examples=[UPDATE])] = None
) -> Previews:
    """Every audience unless `audiences` names some. `missing` names the fields that keep a text from going."""
    deps = deps_of(request)

    def compose(store: Store) -> list[Preview]:
        name = incident_id(store, deps.tenant, incident)
        desk = Desk(deps.engine, deps.tenant, name, deps.public_url)
        found: list[Preview] = acting(lambda: desk.previews(data or Update()))
        return found

    return Previews(items=await deps.run(compose))


@post(
    "/{incident:str}/say",
    status_code=200,
    summary="Say one update to several audiences",
    responses=WRITES,
    guards=[needs("incident.say")],
    operation_id="say-update",
)
async def say_update(
    request: Incoming, incident: str, data: Annotated[Update, Body(examples=[UPDATE])]
) -> Response[IncidentView]:
    """Posts at once, or drafts for audiences that need a release. 409 while a text has a field missing."""
    deps = deps_of(request)

    def post_it(store: Store) -> bytes:
        name = incident_id(store, deps.tenant, incident)
        after = acting(lambda: say(deps.engine, deps.tenant, name, data, request.user.id, deps.public_url))
        return msgspec.json.encode(deps.engine.view(deps.tenant, after))

    return json_of(await deps.run(post_it))


@get(
    "/{incident:str}/told",
    summary="Who was told what and when, and the drafts that wait",
    responses=READS,
    guards=[needs("incident.say")],
    operation_id="show-told",
)
async def told(
    request: Incoming,
    incident: str,
    limit: Annotated[int, Parameter(ge=1, le=TOLD_MAX)] = TOLD_MAX,
) -> Telling:
    deps = deps_of(request)
    return await deps.run(lambda store: telling(deps.engine, store, deps.tenant, incident, limit))


def telling(engine: Any, store: Store, tenant: str, name: str, limit: int = TOLD_MAX) -> Telling:
    """The table of one incident. Writer thread only."""
    found = engine.load(tenant, incident_id(store, tenant, name))
    policy, directory = engine.guides.digested(tenant, found.policy_digest).policy, engine.directory(tenant)
    drafts = [
        Waiting(
            draft=key,
            audience=each.audience,
            subject=each.subject,
            text=each.text,
            by=each.by,
            at=each.at,
            approvers=each.approvers,
            released_by=tuple(approvers(found, policy, directory, each.approvers)),
        )
        for key, each in found.drafts.items()
    ]
    items = store.announced(tenant, incident=found.id, limit=limit)
    return Telling(drafts=drafts, items=[_said(each, store, tenant) for each in items])


def _said(each: Told, store: Store, tenant: str) -> Said:
    rows = store.told_to(tenant, each.announcement.id, limit=RECIPIENTS_MAX)
    return Said(
        announcement=each.announcement.id,
        at=each.announcement.at,
        audience=each.announcement.audience,
        subject=each.announcement.subject,
        text=each.announcement.text,
        pending=each.pending,
        sent=each.sent,
        failed=each.failed,
        withdrawn=each.withdrawn,
        channels=[_reached(row) for row in rows if row.recipient.timeline],
    )


def _reached(row: ToldTo) -> Reached:
    wrong = row.code if row.state in ("failed", "pending") and row.code not in ("", "sent") else ""
    return Reached(
        name=row.recipient.name,
        kind=row.recipient.kind,
        address=shown_address(row.recipient.kind, row.recipient.address),
        state=row.state,
        attempts=row.attempts,
        at=row.at,
        next_at=row.next_at,
        code=row.code,
        detail=row.detail,
        next_step=NEXT_STEPS.get(wrong, ""),
        help=f"docs/receipts.md#{wrong}" if wrong else "",
    )


# --- documents --------------------------------------------------------------------------------------------------------


@get(
    "/{incident:str}/documents",
    summary="The documents that the incident's guide has a template for",
    responses=READS,
    operation_id="list-documents",
)
async def list_documents(request: Incoming, incident: str) -> PaperTitles:
    deps = deps_of(request)

    def known(store: Store) -> list[dict[str, str]]:
        return titles(Desk(deps.engine, deps.tenant, incident_id(store, deps.tenant, incident), deps.public_url))

    return PaperTitles(items=await deps.run(known))


@post(
    "/{incident:str}/documents",
    status_code=200,
    summary="Write one of the guide's documents for this incident; what is typed for a review is kept",
    responses=READS,
    guards=[needs("incident.say")],
    operation_id="write-document",
)
async def write_document(
    request: Incoming,
    incident: str,
    data: Annotated[PaperWanted, Body(examples=[Example(summary="a review", value={"title": "Post-Mortem Template"})])],
) -> Paper:
    """Markdown, filled from what was recorded."""
    deps = deps_of(request)

    def write(store: Store) -> Paper:
        name = incident_id(store, deps.tenant, incident)
        if data.fields:
            acting(lambda: keep(deps.engine, deps.tenant, name, data.title, data.fields, request.user.id))
        filled = acting(
            lambda: paper(deps.engine, deps.tenant, name, data.title, data.fields, data.action, deps.public_url)
        )
        return Paper(title=data.title, markdown=filled.text, missing=list(filled.missing))

    return await deps.run(write)


@get(
    "/",
    summary="Every audience as it is told now, built-in ones included",
    responses=DENIED,
    operation_id="list-audiences",
)
async def list_audiences(request: Incoming) -> Audiences:
    """Addresses are shown without their secret parts."""
    deps = deps_of(request)
    known = await deps.read(lambda store: stored_audiences(store, deps.tenant))
    return Audiences(items=[_shown(each) for each in known.values()])


def _shown(audience: Audience) -> Audience:
    channels = tuple(
        msgspec.structs.replace(each, address=shown_address(each.kind, each.address)) for each in audience.channels
    )
    return msgspec.structs.replace(audience, channels=channels)


def routes() -> Sequence[Router]:
    handlers: list[Any] = [preview, say_update, told, list_documents, write_document]
    return [
        Router("/api/incidents", route_handlers=handlers, guards=[needs("incident.read")], tags=["communication"]),
        Router(
            "/api/audiences", route_handlers=[list_audiences], guards=[needs("incident.read")], tags=["communication"]
        ),
        document_routes("audiences", AUDIENCE, StoredAudience, listed=False),
        document_routes("templates", TEMPLATE, OwnTemplate),
    ]
