"""What the guide says to responders, as JSON: of one incident, and every runbook of the guides in force."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import get
from litestar.params import Parameter

from tocsin.core.briefing import Briefing, RunbookView, briefing, runbook_views
from tocsin.core.facts import AnyFact
from tocsin.core.incident import Incident, fold
from tocsin.core.policy import Policy
from tocsin.http.api_incidents import DENIED, READS, acting, facts_of
from tocsin.http.deps import Deps
from tocsin.http.gate import Incoming, deps_of, needs
from tocsin.ports import Store


class RunbookEntry(RunbookView, frozen=True, kw_only=True):
    """A runbook of a guide in force; `digest` names the guide's policy."""

    guide: str
    digest: str


class RunbookList(msgspec.Struct, frozen=True, kw_only=True):
    """In the order of the guides, each in its own order."""

    items: list[RunbookEntry]


@get(
    "/api/incidents/{incident:str}/guide",
    summary="What its guide says: phases, runbooks that fit, duties, whom to call",
    tags=["incidents"],
    guards=[needs("incident.read"), needs("policy.read")],
    responses=READS,
)
async def show_briefing(request: Incoming, incident: str) -> Briefing:
    """The guide is the edition that the incident was opened under. Nothing is run by the server: `run` is what a
    responder types, and keeps what the command says as evidence."""
    made, history, policy = await under_its_guide(deps_of(request), incident)
    return briefing(policy, made, history)


async def under_its_guide(deps: Deps, incident: str) -> tuple[Incident, list[AnyFact], Policy]:
    """The incident, its facts, and the edition of the guide that it was opened under. Raises what `facts_of` does."""
    await deps.caught_up()

    def reading(store: Store) -> tuple[Incident, list[AnyFact], bytes | None]:
        history = facts_of(store, deps.tenant, incident)
        made = fold(history)
        assert made is not None, "an incident that was found has facts"
        return made, history, store.get(deps.tenant, "policy", made.policy_digest)

    made, history, body = await deps.read(reading)
    return made, history, policy_in(body)


def policy_in(body: bytes | None) -> Policy:
    """A stored policy; an empty one where none is."""
    return msgspec.json.decode(body, type=Policy) if body else Policy(title="", severities=())


@get(
    "/api/runbooks",
    summary="The runbooks of the guides in force, with their steps and commands",
    tags=["operations"],
    guards=[needs("policy.read")],
    responses=DENIED,
)
async def list_runbooks(
    request: Incoming,
    guide: Annotated[str | None, Parameter(description="of this guide only")] = None,
) -> RunbookList:
    deps = deps_of(request)

    def read(_: Store) -> list[RunbookEntry]:
        guides, tenant = deps.engine.guides, deps.tenant
        wanted = guides.active(tenant) if guide is None else (acting(lambda: guides.named(tenant, guide)),)
        return [
            RunbookEntry(guide=each.name, digest=each.digest, **_fields(view))
            for each in wanted
            for view in runbook_views(each.policy)
        ]

    return RunbookList(items=await deps.run(read))


def _fields(view: RunbookView) -> dict[str, Any]:
    return {name: getattr(view, name) for name in RunbookView.__struct_fields__}


def routes() -> list[Any]:
    return [show_briefing, list_runbooks]
