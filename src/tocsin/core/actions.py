"""Action items: what an incident taught, with an owner, a due date and criteria that say when it is done."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from tocsin.core import commands as c, facts as f
from tocsin.core.calendar import dated, end_of_day
from tocsin.core.escalation import World
from tocsin.core.incident import Refused
from tocsin.core.state import ActionItem, Incident
from tocsin.core.story import Story

ITEMS_MAX = 200  # of one incident; a review that finds more has found projects
CRITERIA_MAX = 30


def add(story: Story, command: c.AddActionItem, world: World, now: datetime) -> None:
    if not command.title.strip():
        raise ValueError("title: expected a few words, got nothing")
    if not command.owner.strip():
        raise ValueError("owner: expected a person or a role, got nothing: an item that nobody owns is not done")
    if len(story.incident.actions) >= ITEMS_MAX:
        raise Refused(f"cannot add an action item: {story.incident.reference} has {ITEMS_MAX} already")
    due_at, horizon = _due(command, world, now)
    story.add(
        f.ActionItemAdded(
            at=now,
            by=command.by,
            item=max(story.incident.actions, default=0) + 1,
            title=command.title,
            owner=command.owner,
            due_at=due_at,
            priority=command.priority,
            description=command.description,
            criteria=_criteria(command.criteria),
            horizon=horizon,
        )
    )


def change(story: Story, command: c.ChangeActionItem, world: World, now: datetime) -> None:
    item = _item(story.incident, command.item)
    if command.status == "completed" and item.status != "completed":
        _complete(item, command.criteria, command.because)
    said = {name: getattr(command, name) for name in ("title", "owner", "priority", "status", "description")}
    for name in ("title", "owner"):
        if said[name] is not None and not said[name].strip():
            raise ValueError(f"{name}: expected a few words, got nothing")
    if command.due_on is not None:
        said["due_at"] = _day(command.due_on, world, now)
    if command.criteria is not None:
        said["criteria"] = _criteria(command.criteria)
    said |= _effect(item, command, world, now)
    new = {name: value for name, value in said.items() if value is not None and value != getattr(item, name)}
    if new:
        story.add(f.ActionItemChanged(at=now, by=command.by, item=command.item, because=command.because, **new))


def meet(story: Story, command: c.MeetCriterion, world: World, now: datetime) -> None:
    item = _item(story.incident, command.item)
    if not 1 <= command.criterion <= len(item.criteria):
        raise ValueError(f"criterion: expected a number from 1 to {len(item.criteria)}, got {command.criterion}")
    if command.criterion not in item.met:
        story.add(f.CriterionMet(at=now, by=command.by, item=command.item, criterion=command.criterion))


def finish(story: Story, command: c.FinishActionItem, world: World, now: datetime) -> None:
    change(
        story,
        c.ChangeActionItem(by=command.by, item=command.item, status="completed", because=command.because),
        world,
        now,
    )


def _item(incident: Incident, number: int) -> ActionItem:
    item = incident.actions.get(number)
    if item is None:
        known = ", ".join(map(str, incident.actions)) or "none"
        raise ValueError(f"item: expected an action item of {incident.reference} ({known}), got {number}")
    return item


def _complete(item: ActionItem, criteria: tuple[str, ...] | None, because: str) -> None:
    """Whether it may be completed. Raises Refused naming the criteria that are not met, unless there is a reason."""
    left = [text for n, text in enumerate(item.criteria, 1) if n not in item.met] if criteria is None else []
    if left and not because.strip():
        raise Refused(
            f"cannot finish action item {item.item}: {len(left)} of {len(item.criteria)} acceptance criteria "
            f"are not met ({'; '.join(left)}): meet them, or say because"
        )


def _effect(item: ActionItem, command: c.ChangeActionItem, world: World, now: datetime) -> dict[str, Any]:
    """When it is asked whether it helped, of one that is completed now; or the answer. Raises Refused."""
    if command.effective is not None and command.status is None and item.status != "completed":
        raise Refused(f"cannot say whether action item {item.item} helped: it is {item.status}")
    asked = command.status == "completed" and item.status != "completed" and command.effective is None
    return {
        "effective": command.effective,
        "effect_at": dated(world.policy.action_items.effect_within, now, world.calendar) if asked else None,
    }


def _criteria(said: tuple[str, ...]) -> tuple[str, ...]:
    if len(said) > CRITERIA_MAX:
        raise ValueError(f"criteria: expected at most {CRITERIA_MAX}, got {len(said)}")
    for n, text in enumerate(said):
        if not text.strip():
            raise ValueError(f"criteria[{n}]: expected a few words, got nothing")
    return said


def _due(command: c.AddActionItem, world: World, now: datetime) -> tuple[datetime, str | None]:
    """When it is due, and the guide's horizon where that says so. Raises ValueError."""
    if command.due_on is not None and command.horizon is not None:
        raise ValueError("due_on: expected a day or a horizon, got both")
    if command.due_on is not None:
        return _day(command.due_on, world, now), None
    horizons = {each.name: each.within for each in world.policy.action_items.horizons}
    name = command.horizon or next(iter(horizons), None)
    found = next((each for each in horizons if name and each.casefold() == name.casefold()), None)
    if found is None:
        known = f" or a horizon of the guide ({', '.join(horizons)})" if horizons else ", the guide names no horizons"
        raise ValueError(f"due_on: expected a day such as 2026-12-15{known}, got {name!r}")
    due_at = dated(horizons[found], now, world.calendar)
    if due_at is None:
        raise ValueError(f"horizon: expected one with a span, {found} has none: give due_on")
    return due_at, found


def _day(text: str, world: World, now: datetime) -> datetime:
    """The end of the local day. Raises ValueError."""
    try:
        found = end_of_day(date.fromisoformat(text), world.calendar)
    except (ValueError, OverflowError):
        raise ValueError(f"due_on: expected a day such as 2026-12-15, got {text!r}") from None
    if found <= now:
        raise ValueError(f"due_on: expected a day that is not over yet, got {text}")
    return found
