"""Guides as people read them: the guides in force, one guide whole, and the incident page's part about its guide."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

import msgspec
from litestar import Response, Router, get
from litestar.exceptions import NotFoundException

from tocsin.core.briefing import briefing, loose_commands, phase_views, runbook_views
from tocsin.core.callees import callees
from tocsin.core.facts import AnyFact
from tocsin.core.impact import acts
from tocsin.core.incident import fold
from tocsin.core.introductions import introductions
from tocsin.core.people import Directory
from tocsin.core.policy import Policy, Source
from tocsin.guides import Guide, UnknownGuide, read_directory
from tocsin.http.api_briefing import policy_in
from tocsin.http.api_incidents import incident_id
from tocsin.http.gate import Incoming, deps_of, needs
from tocsin.ports import IndexRow, Store
from tocsin.web.forms import HANDLERS, encodings, frame
from tocsin.web.render import page, span_of

BOOKS_SHOWN = 3  # runbooks with all their steps on the incident page, which is drawn anew with every fact
ABOUT = ("status", "version", "owner", "last_updated", "last_reviewed", "next_review")  # what stands under the title


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A sentence of the guide and where it stands."""

    text: str
    more: str = ""
    line: int | None = None


def guide_part(history: Sequence[AnyFact], policy: Policy) -> dict[str, Any]:
    """The values of guide_part.html."""
    incident = fold(history)
    assert incident is not None, "an incident that is shown has facts"
    return {
        "told": briefing(policy, incident, history),
        "guide_address": address(incident.guide, incident.policy_digest),
        "books_shown": BOOKS_SHOWN,
    }


def address(name: str, digest: str = "") -> str:
    return f"/guides/{quote(name, safe='')}" + (f"?edition={digest}" if digest else "")


@get("/incidents/{incident:str}/guide", guards=[needs("incident.read"), needs("policy.read")])
async def incident_guide(request: Incoming, incident: str) -> Response[Any]:
    """Everything that its guide says to the responders of one incident, and how far they are with it."""
    deps = deps_of(request)
    await deps.caught_up()

    def reading(store: Store) -> tuple[IndexRow, list[AnyFact], Directory, bytes | None]:
        name = incident_id(store, deps.tenant, incident)
        row = store.index(deps.tenant, name)
        assert row is not None, "an id that was found has an index row"
        digest = msgspec.json.decode(row.summary)["policy_digest"]
        body = store.get(deps.tenant, "policy", digest)
        return row, store.facts(deps.tenant, name), read_directory(store, deps.tenant), body

    row, history, directory, body = await deps.read(reading)
    values = {"incident": msgspec.json.decode(row.summary), "rank": row.rank}
    values |= guide_part(history, policy_in(body)) | frame(request, directory, "incidents")
    return page("incident_guide.html", encodings(request), **values)


@get("/guides", guards=[needs("policy.read")])
async def guides_page(request: Incoming) -> Response[Any]:
    """The guides in force, in the order in which they are asked."""
    deps = deps_of(request)
    guides = await deps.run(lambda _: deps.engine.guides.active(deps.tenant))
    directory = await deps.read(lambda store: read_directory(store, deps.tenant))
    shown = [(each, address(each.name)) for each in guides]
    return page("guides.html", encodings(request), guides=shown, **frame(request, directory, "guides"))


@get("/guides/{name:str}", guards=[needs("policy.read")])
async def guide_page(request: Incoming, name: str, edition: str = "") -> Response[Any]:
    """The whole guide in force under this name; `edition`: the one with this digest, whether it is in force or not."""
    deps = deps_of(request)

    def read(store: Store) -> tuple[Guide | None, Guide | None]:
        guides = deps.engine.guides
        active = next((each for each in guides.active(deps.tenant) if each.name == name), None)
        try:
            return active, guides.digested(deps.tenant, edition) if edition else active
        except UnknownGuide:
            return active, None

    active, shown = await deps.run(read)
    if shown is None:
        raise NotFoundException(f"guide: nothing is in force as {name!r}" if not edition else "guide: no such edition")
    directory = await deps.read(lambda store: read_directory(store, deps.tenant))
    return page(
        "guide.html",
        encodings(request),
        called=name,
        policy=shown.policy,
        digest=shown.digest,
        in_force=active is not None and active.digest == shown.digest,
        strangers=sum(1 for each in introductions(shown.policy, directory) if each.run),
        newer=address(name) if active is not None and active.digest != shown.digest else None,
        **contents(shown.policy),
        **frame(request, directory, "guides"),
    )


def contents(policy: Policy) -> dict[str, Any]:
    """Everything the page shows that is not the policy's as it is."""
    return {
        "about": [(key.replace("_", " "), policy.metadata[key]) for key in ABOUT if policy.metadata.get(key)],
        "phases": phase_views(policy),
        "runbooks": runbook_views(policy),
        "loose": loose_commands(policy),
        "contacts": callees(policy, ""),
        "parts": [(title, rows) for title, each in _PARTS if (rows := list(each(policy)))],
    }


def _line(source: Source | None) -> int | None:
    return source.line if source else None


def _joined(*parts: str) -> str:
    return " · ".join(filter(None, parts))


def _tree(policy: Policy) -> Iterator[Row]:
    for row in policy.decision_tree:
        yield Row(text=row.question.strip() or "Otherwise", more=row.severity, line=_line(row.source))
    for text in policy.assessment:
        yield Row(text=text, more="to be looked at")


def _categories(policy: Policy) -> Iterator[Row]:
    for each in policy.categories:
        yield Row(text=each.name, more=each.description, line=_line(each.source))


def _escalation(policy: Policy) -> Iterator[Row]:
    ladder = policy.escalation
    for level in ladder.levels:
        after = _joined(span_of(level.within, "then the next after "), ", ".join(level.severities))
        yield Row(text=f"Level {level.level}: {', '.join(level.who)}", more=after, line=_line(level.source))
    for row in ladder.while_unresolved:
        yield Row(text=f"{row.severity}, while it is unresolved", more=span_of(row.every), line=_line(row.source))
    for told in ladder.notify:
        who = f"{told.severity}: {', '.join(told.who)}"
        yield Row(text=who, more=_joined(span_of(told.within), ", ".join(told.channels)), line=_line(told.source))
    for trigger in ladder.triggers:
        itself = acts(trigger)
        more = f"escalates by itself {itself}" if itself else "a reason to escalate"
        yield Row(text=trigger.text, more=more, line=_line(trigger.source))
    for party in ladder.external:
        yield Row(text=party.who, more=party.condition, line=_line(party.source))


def _news(policy: Policy) -> Iterator[Row]:
    for each in policy.communications:
        more = _joined(span_of(each.within), ", ".join(each.severities), ", ".join(each.channels), each.condition)
        yield Row(
            text=f"{each.audience}: {', '.join(each.content) or 'to be told'}", more=more, line=_line(each.source)
        )
    for cadence in policy.cadences:
        more = _joined(
            ", ".join(cadence.severities), cadence.condition, "" if cadence.confirmed else "proposed by a template"
        )
        text = f"{cadence.audience}: an update {span_of(cadence.every, 'every ')}"
        yield Row(text=text.replace("every every", "every"), more=more, line=_line(cadence.source))


def _after(policy: Policy) -> Iterator[Row]:
    review = policy.review
    for text, limit in (("Review", review.within), ("Its date is set", review.schedule_within)):
        if limit:
            yield Row(text=text, more=span_of(limit), line=_line(review.source))
    for texts, what in ((review.agenda, "agenda"), (review.checklist, "checklist"), (review.framework, "root cause")):
        for text in texts:
            yield Row(text=text, more=what, line=_line(review.source))
    for each in policy.follow_ups:
        more = _joined(each.audience, span_of(each.within), each.condition)
        yield Row(text=each.text, more=more, line=_line(each.source))
    for horizon in policy.action_items.horizons:
        yield Row(text=f"Action items: {horizon.name}", more=span_of(horizon.within), line=_line(horizon.source))


def _upkeep(policy: Policy) -> Iterator[Row]:
    for duty in policy.duties:
        yield Row(text=duty.title, more=span_of(duty.every), line=_line(duty.source))
    for drill in policy.drills:
        yield Row(text=drill.title, more=span_of(drill.every), line=_line(drill.source))
    for report in policy.reports:
        yield Row(
            text=report.title,
            more=_joined(span_of(report.every), ", ".join(report.sections)),
            line=_line(report.source),
        )
    for metric in policy.metrics:
        yield Row(text=metric.name, more=metric.scope, line=_line(metric.source))
    for each in policy.remediation:
        yield Row(
            text=f"{each.condition}: {each.action}",
            more="offered where an alert says so; a person runs it",
            line=_line(each.source),
        )


_PARTS = (
    ("How a severity is chosen", _tree),
    ("Kinds of incident", _categories),
    ("Escalation", _escalation),
    ("Who is told", _news),
    ("After the incident", _after),
    ("Upkeep and measures", _upkeep),
)


def routes() -> Router:
    handlers = [incident_guide, guides_page, guide_page]
    return Router("/", route_handlers=handlers, exception_handlers=HANDLERS, include_in_schema=False)
