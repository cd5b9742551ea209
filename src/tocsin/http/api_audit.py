"""`/api/audit`: who did what when, whether the record is whole, and what must go from it."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Response, Router, get, post
from litestar.exceptions import NotFoundException
from litestar.params import Parameter

from tocsin.core import ledger
from tocsin.core.ledger import Draft
from tocsin.http.api_incidents import DENIED, json_of, problem
from tocsin.http.gate import Incoming, deps_of, needs
from tocsin.http.problems import Unacceptable
from tocsin.http.second import two_persons
from tocsin.ports import Store
from tocsin.proof import erasure

PAGE_MAX = 500
READS = {**DENIED, 400: problem("A field is wrong; `errors` names it")}


class EntryView(msgspec.Struct, frozen=True, kw_only=True):
    """An entry in its own words. `resource` of an incident's fact is `STREAM/VERSION`; `erased`: nothing opens it."""

    seq: int
    at: str
    actor: str
    action: str
    resource_type: str
    resource: str
    detail: str
    erased: bool


class EntryList(msgspec.Struct, frozen=True, kw_only=True):
    """Newest first; `next` is the `before` of the following page."""

    items: list[EntryView]
    next: int | None


class ViolationView(msgspec.Struct, frozen=True, kw_only=True):
    code: str
    seq: int | None
    detail: str
    anchor: str


class AuditReport(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the log is whole. `anchored`: how many entries a checkpoint outside covers, as far as one was given."""

    valid: bool
    entries: int
    signed: int
    erased: int
    violations: list[ViolationView]
    problems: list[str]


class EraseForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What must go: the contents of these entries, or everything that says how a person was to be reached."""

    because: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
    seqs: list[int] = []
    person: str | None = None


class Erased(msgspec.Struct, frozen=True, kw_only=True):
    entries: list[int]


class ExportForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    what: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


@get("/", summary="The audit trail, newest first", responses=READS, guards=[needs("audit.read")])
async def list_entries(
    request: Incoming,
    before: Annotated[int | None, Parameter(ge=0, description="Entries below this number")] = None,
    limit: Annotated[int, Parameter(ge=1, le=PAGE_MAX)] = 100,
) -> EntryList:
    deps = deps_of(request)
    found = await deps.read(lambda store: store.audit_newest(deps.tenant, before, limit))
    items = [view_of(each) for each in found]
    more = bool(items) and items[-1].seq > 0 and len(items) == limit
    return EntryList(items=items, next=items[-1].seq if more else None)


@get("/protection", summary="How much of the log nobody here can rewrite unnoticed", responses=DENIED)
async def show_protection(request: Incoming) -> dict[str, Any]:
    """`size` entries are held by a place outside, since `at`; `entries` are all there are."""
    deps = deps_of(request)
    found: dict[str, Any] = msgspec.to_builtins(await deps.protection(deps.tenant))
    return found


@get("/verify", summary="Whether the log is whole", responses=DENIED, guards=[needs("audit.read")])
async def verify_log(request: Incoming) -> AuditReport:
    """Exact bytes, chain, tree, checkpoints, contents. What an administrator with the signing key rewrote is found by
    `tocsin audit verify --anchor` only: this answer comes from the machine that is being judged."""
    deps = deps_of(request)
    report = await deps.audited(deps.tenant)
    return AuditReport(
        valid=report.valid,
        entries=report.entries,
        signed=report.signed,
        erased=report.erased,
        violations=[
            ViolationView(code=each.code, seq=each.seq, detail=each.detail, anchor=each.anchor)
            for each in report.violations
        ],
        problems=report.problems,
    )


@post(
    "/exports",
    summary="Note that the log was exported",
    responses=READS,
    guards=[needs("audit.export")],
    status_code=204,
)
async def note_export(request: Incoming, data: ExportForm) -> None:
    deps = deps_of(request)
    draft = Draft(
        actor=request.user.id, action=ledger.EXPORTED, resource_type="log", resource=deps.tenant, detail=data.what
    )
    await deps.run(lambda store: store.record(deps.tenant, [draft]))


@post(
    "/erasures",
    summary="Take contents out of the record",
    responses={**READS, 404: problem("No entry fits"), 409: problem("It is held, or somebody else has to approve")},
    guards=[needs("audit.erase")],
)
async def erase(request: Incoming, data: EraseForm) -> Response[Erased]:
    """The entries stay, and the chain and its proofs with them; what they committed to can never be opened again."""
    deps = deps_of(request)
    if bool(data.seqs) == (data.person is not None):
        raise Unacceptable("seqs: expected either seqs or person, got both or neither")

    what = f"entries {erasure.spans(sorted(set(data.seqs)))}" if data.person is None else f"person {data.person}"

    def on_the_writer(store: Store) -> list[int]:
        with two_persons(deps, store, request.user, "audit.erase", f"erase {what}: {data.because}"):
            if data.person is not None:
                return erasure.erase_person(deps.engine, deps.tenant, data.person, request.user.id, data.because)
            return erasure.erase_entries(deps.engine, deps.tenant, data.seqs, request.user.id, data.because)

    try:
        entries = await deps.run(on_the_writer)
    except erasure.NothingToErase as error:
        raise NotFoundException(str(error)) from error
    except ValueError as error:
        raise Unacceptable(str(error)) from error
    await deps.evidence.sweep()
    return json_of(Erased(entries=entries), 201)


def view_of(entry: ledger.Entry) -> EntryView:
    """An entry as it is shown."""
    said = ledger.shown(entry)
    return EntryView(
        seq=entry.seq,
        at=said.at,
        actor=said.actor,
        action=said.action,
        resource_type=said.resource_type,
        resource=said.resource,
        detail=said.detail,
        erased=bool(said.commitment) and entry.salt is None,
    )


def routes() -> list[Router]:
    handlers = [list_entries, show_protection, verify_log, note_export, erase]
    return [Router("/api/audit", route_handlers=handlers, tags=["audit"], guards=[needs("audit.protection")])]
