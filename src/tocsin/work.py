"""What one commit holds of one stream: where it stood, what is added, and what the store is told of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from tocsin.core import commands as c, facts as f
from tocsin.core.audiences import StoredAudience
from tocsin.core.facts import AnyFact
from tocsin.core.incident import Incident, evolve
from tocsin.core.outlook import Outlook
from tocsin.core.policy import Rule, severity_of
from tocsin.core.promises import outlook
from tocsin.core.saying import ReleaseOverriding, ReleaseTo
from tocsin.core.sight import readers
from tocsin.core.view import view_with
from tocsin.guides import Guide
from tocsin.ports import Append, Claim, IndexRow, LeasedPage, Store


class Work:
    """One stream inside one commit: where it stood, and what is being added. `outlook`: on its promises, if known."""

    def __init__(self, tenant: str, before: Incident | None, stream: str, outlook: Outlook | None = None) -> None:
        self.tenant = tenant
        self.stream = stream
        self.before = before
        self.after = before
        self.outlook = outlook
        self.facts: list[AnyFact] = []
        self.counter: tuple[str, int] | None = None

    def add(self, facts: Sequence[AnyFact]) -> None:
        for fact in facts:
            self.after = evolve(self.after, fact)
            self.facts.append(fact)

    @property
    def incident(self) -> Incident:
        assert self.after is not None
        return self.after


def addressed(entry: Work, command: Any, store: Store) -> Any:
    """The command; what was drafted while its audience had no channel is released to those that it has now."""
    draft = entry.incident.drafts.get(command.draft) if isinstance(command, c.Release) else None
    body = store.get(entry.tenant, "audience", draft.audience) if draft and not draft.channels else None
    if body is None:
        return command
    told = msgspec.json.decode(body, type=StoredAudience).channels
    return ReleaseTo(
        by=command.by,
        draft=command.draft,
        text=command.text,
        channels=tuple(f.SaidTo(kind=each.kind, address=each.address, name=each.name) for each in told),
        overriding=isinstance(command, ReleaseOverriding),
    )


_KEYED = (f.Escalated, f.Notified, f.PromiseAtRisk, f.PromiseMissed)


def rules_of(guide: Guide, incident: Incident) -> tuple[Rule, ...]:
    """The clocks of the guide that can run here: its promises are about incidents, not about duties."""
    return () if incident.duty else guide.rules


def append_of(entry: Work, guide: Guide) -> Append:
    """What is committed of this work: facts, index row, wake-up, pages, claims."""
    incident = entry.incident
    found = entry.outlook = outlook(incident, rules_of(guide, incident), guide.calendar, entry.outlook)
    before = set(entry.before.keys) if entry.before else set()
    severity = severity_of(guide.policy, incident.severity)
    pages = [fact.pages for fact in entry.facts if isinstance(fact, f.Escalated | f.Notified | f.NobodyReached)]
    forgiven = [fact.pages for fact in entry.facts if isinstance(fact, f.PagesForgiven)]
    hasten = [
        (fact.page, fact.method) for fact in entry.facts if isinstance(fact, f.PageFailed) and fact.again_at is None
    ]
    acted = [fact.key for fact in entry.facts if isinstance(fact, _KEYED) and fact.key]
    take = [Claim(kind="key", name=key) for key in incident.keys if key not in before]
    take += [Claim(kind="due", name=f"{incident.id}/{key}") for key in dict.fromkeys(acted)]
    was_public = entry.before is not None and entry.before.public is not None
    public = (Claim(kind="public", name=incident.id),)
    take += public if incident.public and not was_public else ()
    if entry.before is None:
        take.append(Claim(kind="reference", name=incident.reference))
    return Append(
        tenant=entry.tenant,
        stream=entry.stream,
        expected=entry.before.version if entry.before else 0,
        facts=tuple(entry.facts),
        index=IndexRow(
            incident=incident.id,
            reference=incident.reference,
            title=incident.title,
            status=incident.status,
            severity=incident.severity,
            rank=severity.rank if severity else 0,
            service=incident.service,
            category=incident.category,
            guide=incident.guide,
            opened_at=incident.opened_at,
            acknowledged_at=incident.acknowledged_at,
            resolved_at=incident.resolved_at,
            firing=incident.firing,
            drill=incident.drill,
            kind="duty" if incident.duty else "incident",
            actions=len(incident.actions),
            readers=readers(incident),
            summary=msgspec.json.encode(view_with(incident, found.promises)),
        ),
        wake_at=found.next_at,
        pages=tuple(page for some in pages for page in some),
        forgive=tuple(page for some in forgiven for page in some),
        hasten=tuple(hasten),
        take=tuple(take),
        release=(
            *(Claim(kind="key", name=key) for key in before - set(incident.keys)),
            *(public if was_public and not incident.public else ()),
        ),
        reference_counter=entry.counter,
    )


def method_of(owed: f.OwedPage | None, page: LeasedPage) -> int:
    """Which of the owed page's methods the message used."""
    for n, method in enumerate(owed.methods if owed else ()):
        if (n == page.method or page.also) and (method.kind, method.address) == (page.kind, page.address):
            return n
    return page.method
