"""What the pages show, from stored JSON and facts: plain values for the templates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from tocsin.core import facts as f
from tocsin.core.access import Actor, Resource, action_for, commanders, may
from tocsin.core.alert import title_of
from tocsin.core.annotated import said, web_address
from tocsin.core.escalation import ladder
from tocsin.core.facts import OPEN_STATUSES, AnyFact, OwedPage
from tocsin.core.incident import fold
from tocsin.core.people import Directory, who
from tocsin.core.policy import Policy
from tocsin.ports import IndexRow, Store

OPEN_MAX = 200  # open incidents on one page; a storm is grouped long before
ENDED_PER_PAGE = 25
ALERTS_MAX = 100  # on the page; the API has all of them
ALERTS_SHOWN = 8  # before "more"
DIFFERENCES_SHOWN = 2  # labels that tell an alert from its neighbours


def row(of: IndexRow) -> dict[str, Any]:
    """An index row as the list shows it: the public JSON and the rank."""
    shown: dict[str, Any] = msgspec.json.decode(of.summary)
    return shown | {"rank": of.rank}


def open_incidents(store: Store, tenant: str) -> list[dict[str, Any]]:
    """Worst first; within a severity those that nobody has, then the oldest."""
    rows, _ = store.listing(tenant, statuses=sorted(OPEN_STATUSES), limit=OPEN_MAX)
    return [row(each) for each in sorted(rows, key=_urgency)]


def _urgency(of: IndexRow) -> tuple[int, bool, datetime]:
    return (of.rank, of.acknowledged_at is not None, of.opened_at)


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt, or one page that waits: who, how, and what became of it in words."""

    person: str
    kind: str
    address: str
    result: str  # sent, failed, waiting, forgiven
    words: str
    at: datetime | None


def deliveries(history: Sequence[AnyFact]) -> list[Delivery]:
    """Every page in the order of its latest news, newest first; of repeated attempts the last one."""
    pages: dict[str, OwedPage] = {}
    found: dict[tuple[str, int], Delivery] = {}
    attempts: dict[tuple[str, int], int] = {}
    for fact in history:
        match fact:
            case f.Escalated() | f.Notified() | f.NobodyReached():
                for page in fact.pages:
                    pages[page.id] = page
                    for n, method in enumerate(page.methods):
                        words = "waits" if n == 0 else "waits for its turn"
                        found[page.id, n] = Delivery(
                            person=page.person,
                            kind=method.kind,
                            address=method.address,
                            result="waiting",
                            words=words,
                            at=method.not_before,
                        )
            case f.PageSent() | f.PageFailed():
                key = (fact.page, fact.method)
                attempts[key] = fact.attempt
                found.pop(key, None)  # news moves to the end
                found[key] = _receipt(fact)
            case f.PagesForgiven():
                for key, each in list(found.items()):
                    if key[0] in fact.pages and each.result == "waiting":
                        found[key] = msgspec.structs.replace(
                            each, result="forgiven", words=f"not needed any more ({fact.because})", at=None
                        )
    return list(reversed(found.values()))


def _receipt(fact: f.PageSent | f.PageFailed) -> Delivery:
    sent = isinstance(fact, f.PageSent)
    if isinstance(fact, f.PageSent):
        words = "accepted" + (f", attempt {fact.attempt}" if fact.attempt > 1 else "")
    else:
        words = f"{fact.code}{': ' + fact.detail if fact.detail else ''}, " + (
            "trying again" if fact.again_at else "given up"
        )
    return Delivery(
        person=fact.person,
        kind=fact.kind,
        address=fact.address,
        result="sent" if sent else "failed",
        words=words,
        at=fact.at,
    )


KNOWN: tuple[tuple[str, str], ...] = (
    ("description", "Reported"),
    ("because", "Opened because"),
    ("detection", "Detected by"),
    ("category", "Category"),
    ("impact", "Impact"),
    ("customer_impact", "Customers"),
    ("users_affected", "Users affected"),
    ("revenue", "Revenue"),
    ("services", "Services"),
    ("components", "Components"),
    ("root_cause", "Root cause"),
    ("contributing", "Contributing"),
    ("prevention", "Not prevented because"),
)


def known(incident: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What people and triage found out, as rows; nothing that is empty."""
    rows = []
    for field, name in KNOWN:
        value = incident.get(field)
        if value not in (None, "", [], ()):
            rows.append((name, ", ".join(map(str, value)) if isinstance(value, list) else str(value)))
    rows += [(question, answer) for question, answer in (incident.get("answers") or {}).items()]
    rows += [(f"Corrected {name}", str(at)) for name, at in (incident.get("corrected") or {}).items()]
    return rows


def alerts(incident: Mapping[str, Any], stored: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The alert episodes, or at least the names that the incident itself keeps; each says how it differs."""
    found = [_alert(each) for each in (stored or incident["alerts"])[:ALERTS_MAX]]
    names = dict.fromkeys(name for each in found for name in each["labels"])
    varying = [name for name in names if len({each["labels"].get(name) for each in found}) > 1]
    for each in found:
        own = [f"{name}={each['labels'][name]}" for name in varying if name in each["labels"]]
        each["differs"] = ", ".join(own[:DIFFERENCES_SHOWN])
    return found


def _alert(of: Mapping[str, Any]) -> dict[str, Any]:
    labels = of.get("labels") or {}
    annotations = of.get("annotations") or {}
    words = said(annotations)
    return {
        "fingerprint": of.get("fingerprint", ""),
        "title": of.get("title") or title_of(labels, annotations),
        "description": words.description,
        "links": words.links,
        "labels": labels,
        "state": of.get("state") or "joined",
        "starts_at": of.get("starts_at"),
        "url": web_address(of.get("url")),
    }


def next_level(policy: Policy, history: Sequence[AnyFact]) -> str:
    """Which level is paged next, in the guide's words; the last one repeats."""
    incident = fold(history)
    levels = ladder(policy, incident) if incident else ()
    if incident is None or not levels:
        return "the last resort is paged"
    number = min(incident.ladder.level + 1, len(levels))
    again = " again" if number <= incident.ladder.level else ""
    return f"level {number}{again}: {', '.join(levels[number - 1].who)}"


def audiences(policy: Policy) -> list[str]:
    """Who updates can be for: the response team, everybody the guide owes one, and the public (its status page)."""
    named = [*(each.audience for each in policy.cadences), *(each.audience for each in policy.communications)]
    return list(dict.fromkeys(("response team", *named, "public")))


def guide_words(policies: Sequence[Policy], directory: Directory) -> list[dict[str, Any]]:
    """Every name by which the guides page somebody, and the people it means now."""
    words: dict[str, None] = {}
    owner = ["the owner of the service"]
    for policy in policies:
        for scheme in (policy.escalation, *policy.escalations.values()):
            for named in (*(each.who for each in scheme.levels), *(each.who for each in scheme.notify)):
                words |= dict.fromkeys(named)
    return [
        {
            "text": text,
            "people": owner if text == "owner" else [each.name or each.id for each in who(directory, (text,))],
        }
        for text in sorted(words, key=str.casefold)
    ]


def privacy(
    history: Sequence[AnyFact], incident: Mapping[str, Any], directory: Directory, actor: Actor
) -> dict[str, Any]:
    """Whom a private incident names, whom it could name, and whether the actor may say so."""
    said = next((each for each in reversed(history) if isinstance(each, f.Restricted | f.RestrictionLifted)), None)
    named = said if isinstance(said, f.Restricted) else None
    leads = Resource(commanders=commanders(incident["roles"]))
    return {
        "may_restrict": bool(may(actor, action_for("restrict"), leads)),
        "named_people": named.people if named else (),
        "named_teams": named.teams if named else (),
        "teams": sorted({*directory.teams, *(named.teams if named else ())}),
    }
