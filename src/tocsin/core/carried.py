"""The clocks that an incident carries itself, beside its policy's: what people promised, owe, or must tell by law.

Each is a `Rule` with its own instants in it, so that `promises` reads it like any other.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from tocsin.core.policy import Act, Deadline, Rule, Source
from tocsin.core.state import ActionItem, Duty, Incident, Owing

ACTION_LEAD = timedelta(days=3)  # before an action item's due date its owner is reminded, or at four fifths of its time
LAW_RISK = 0.5  # early is safe, late is not: people are reminded at half of the time
LAW_LEADS = (timedelta(hours=24), timedelta(hours=4), timedelta(hours=1))  # and paged so long before it is due
AT_RISK = 0.8
WEEK = timedelta(days=7)
SAID = "promised:"  # begins the id of a promise that a person made in an update

_NOW = Deadline(seconds=0)


class Carried(Rule, frozen=True, kw_only=True):
    """`due_at` and `risk_at` are instants, not spans; `since` and `done` name the moments that begin and end it.

    `done` empty: it ends as its `until` says.
    """

    due_at: datetime | None
    since: str
    risk_at: datetime | None = None
    done: str = ""


def carried(incident: Incident) -> Iterator[Carried]:
    """Every clock that the incident carries itself."""
    if incident.next_updates:
        yield from _said(incident)
    for item in incident.actions.values():
        yield from _action(incident, item)
        if item.effect_at is not None:
            yield _effect(incident, item, item.effect_at)
    for owing in incident.obligations.values():
        yield from _law(incident, owing)
    if incident.duty is not None:
        yield from _duty(incident, incident.duty)


def _said(incident: Incident) -> Iterator[Carried]:
    """What people promised themselves: the next update, at the instant that the last one named."""
    for audience, next_at in incident.next_updates.items():
        said_at = incident.moments[f"updated:{audience}"].at
        yield Carried(
            id=f"{SAID}{audience}",
            start="updated",
            delay=_NOW,
            act=Act(kind="breach", audience=audience, text=f"update {audience} as promised"),
            until="resolved",
            since=f"updated:{audience}",
            due_at=next_at,
            risk_at=said_at + (next_at - said_at) * AT_RISK,
        )


def _action(incident: Incident, item: ActionItem) -> Iterator[Carried]:
    """An action item is due on its date; its owner is reminded before, and every week after."""
    name = f"action:{item.item}"
    mark = incident.moments[name]
    fifth = mark.at + (item.due_at - mark.at) * AT_RISK
    yield _made(
        name,
        Act(kind="breach", who=(item.owner,), text=f"action item {item.item}: {item.title}"),
        due_at=item.due_at,
        risk_at=max(fifth, item.due_at - ACTION_LEAD),
    )
    if f"{name}@{mark.version}" not in incident.waived:
        text = f"overdue: action item {item.item}, {item.title}"
        yield _made(
            name, Act(kind="remind", who=(item.owner,), text=text), suffix="/overdue", due_at=item.due_at, again=WEEK
        )


def _effect(incident: Incident, item: ActionItem, due_at: datetime) -> Carried:
    """Some time after it was done, its owner says whether it helped."""
    name = f"effect:{item.item}"
    since = incident.moments[name].at
    text = f"say whether action item {item.item} helped: {item.title}"
    return _made(
        name,
        Act(kind="breach", who=(item.owner,), text=text),
        due_at=due_at,
        risk_at=since + (due_at - since) * AT_RISK,
    )


def _law(incident: Incident, owing: Owing) -> Iterator[Carried]:
    name = f"law:{owing.obligation}"
    mark = incident.moments[name]
    text = f"{owing.regime}: {owing.text}"
    due_at = owing.due_at
    half = owing.since + (due_at - owing.since) * LAW_RISK if due_at else None
    audience = "; ".join(owing.recipients)
    yield _made(name, Act(kind="breach", who=owing.who, audience=audience, text=text), due_at=due_at, risk_at=half)
    if due_at is None or half is None or f"{name}@{mark.version}" in incident.waived:
        return
    for lead in LAW_LEADS:
        if due_at - lead > max(half, mark.at):
            hours = int(lead.total_seconds() // 3600)
            said = f"due in {hours} hour{'s' if hours > 1 else ''}: {text}"
            yield _made(name, Act(kind="page", who=owing.who, text=said), suffix=f"/{hours}h", due_at=due_at - lead)
    late = Act(kind="page", who=owing.who, text=f"OVERDUE: {text}")
    yield _made(name, late, suffix="/overdue", due_at=due_at)


def _duty(incident: Incident, duty: Duty) -> Iterator[Carried]:
    """Upkeep is owed by its instant, again every period that nobody keeps it; people are reminded daily or weekly."""
    if duty.due_at is None:
        return
    mark = incident.moments["duty"]
    source = Source(line=duty.line) if duty.line else None
    yield _made(
        "duty",
        Act(kind="breach", who=duty.who, text=incident.title),
        due_at=duty.due_at,
        risk_at=mark.at + (duty.due_at - mark.at) * AT_RISK,
        every=duty.every,
        source=source,
    )
    if f"duty@{mark.version}" not in incident.waived:
        often = timedelta(days=1) if duty.due_at - mark.at <= WEEK else WEEK
        act = Act(kind="remind", who=duty.who, text=f"overdue: {incident.title}")
        yield _made("duty", act, suffix="/overdue", due_at=duty.due_at, again=often)


def _made(
    name: str,
    act: Act,
    *,
    due_at: datetime | None,
    risk_at: datetime | None = None,
    suffix: str = "",
    again: timedelta | None = None,
    every: Deadline | None = None,
    source: Source | None = None,
) -> Carried:
    return Carried(
        id=name + suffix,
        start="opened",
        delay=_NOW,
        act=act,
        every=Deadline(seconds=int(again.total_seconds())) if again else every,
        source=source,
        since=name,
        done=f"{name}:done",
        due_at=due_at,
        risk_at=risk_at,
    )
