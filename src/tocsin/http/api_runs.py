"""`/api/incidents/{incident}/runs`: which commands of the guide were run for it, by whom, and how they ended.

They are begun and ended by `begin-run` and `end-run`; nothing is run by the server.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from litestar import get

from tocsin.core import facts as f
from tocsin.core.access import Actor, may
from tocsin.core.facts import AnyFact
from tocsin.core.incident import fold
from tocsin.core.runs import Allowed, Run, asked_for
from tocsin.http.api_incidents import READS, facts_of
from tocsin.http.gate import Incoming, deps_of, needs


class RunView(Run, frozen=True, kw_only=True):
    """`output`: what it said last, for those who may read evidence."""

    output: str = ""


class AllowedRun(Allowed, frozen=True, kw_only=True):
    """What `asker` may run once, until then. `digest` names what exactly, `says` says it."""

    digest: str
    says: str


class RunList(msgspec.Struct, frozen=True, kw_only=True):
    """Newest first."""

    items: list[RunView]
    allowed: list[AllowedRun]


@get(
    "/api/incidents/{incident:str}/runs",
    summary="The commands of its guide that people ran, and how they ended",
    tags=["incidents"],
    guards=[needs("incident.read")],
    responses=READS,
    operation_id="list-runs",
)
async def list_runs(request: Incoming, incident: str) -> RunList:
    """`ended_at` null: it runs still, or nobody said how it ended."""
    deps = deps_of(request)
    history = await deps.read(lambda store: facts_of(store, deps.tenant, incident))
    return runs_of(history, request.user, deps.clock.now())


def runs_of(history: Sequence[AnyFact], actor: Actor, now: datetime) -> RunList:
    """What the facts of an incident say of its runs."""
    made = fold(history)
    assert made is not None, "an incident that was found has facts"
    may_read = bool(may(actor, "evidence.read"))
    said = {each.run: each.output for each in history if isinstance(each, f.RunEnded)} if may_read else {}
    items = [
        RunView(output=said.get(each.run, ""), **{name: getattr(each, name) for name in Run.__struct_fields__})
        for each in reversed(made.runs.every.values())
    ]
    asked = {
        each.request: asked_for(each.command, each.body) for each in history if isinstance(each, f.ApprovalRequested)
    }
    allowed = [
        AllowedRun(
            digest=digest,
            says=asked.get(each.request, ""),
            **{name: getattr(each, name) for name in Allowed.__struct_fields__},
        )
        for digest, each in made.runs.allowed.items()
        if each.until > now
    ]
    return RunList(items=items, allowed=allowed)
