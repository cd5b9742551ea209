"""A rehearsal put together: the guide, who plays, what opens the incident, what happens then.

Everything a rehearsal can do without is loaded when it is asked for: half of a rehearsal's time is its start.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec

from tocsin.core.decide import Opening
from tocsin.core.escalation import World
from tocsin.core.people import Directory
from tocsin.core.policy import BusinessHours, Policy, severity_of
from tocsin.core.promises import rules
from tocsin.holidays_data import calendar_of
from tocsin.rehearsal.casting import Cast, cast
from tocsin.rehearsal.rehearsal import Action, Event, Played, play

REFERENCE = "REHEARSAL"
POLICY = (".yaml", ".yml", ".json")


class Rehearsed(msgspec.Struct, frozen=True, kw_only=True):
    """`unpaged`: alerts that page nobody, and why."""

    guide: str
    policy: Policy
    cast: Cast
    played: Played
    unpaged: tuple[Event, ...] = ()


def read_policy(path: Path, hours: BusinessHours | None = None) -> Policy:
    """The policy of a guide (.md) or a policy file; `hours` count where it states none.

    Raises OSError, or ValueError saying what is wrong.
    """
    data = path.read_bytes()
    if path.suffix in POLICY:
        policy: Policy = import_module("tocsin.policyfile").load(data.decode("utf-8", "replace"), str(path))
    else:
        policy = import_module("tocsin.guide.compile").compile_guide(data, str(path)).policy
    wrong = next((each for each in policy.findings if each.rule == "GUIDE-HOURS" and each.level == "error"), None)
    if wrong:
        raise ValueError(f"{path}:{wrong.line}: {wrong.message}")
    if not policy.severities:
        raise ValueError(f"{path}: expected a guide with severities, got none: it is no incident-response policy")
    return msgspec.structs.replace(policy, business_hours=policy.business_hours or hours)


def severity_said(policy: Policy, name: str | None) -> str:
    """The severity's id; the worst one where none is named. Raises ValueError naming those there are."""
    if name is None:
        return min(policy.severities, key=lambda each: each.rank).id
    found = severity_of(policy, name)
    if found is None:
        known = ", ".join(each.id for each in policy.severities)
        raise ValueError(f"severity: expected one of {known}, got {name!r}")
    return found.id


def world_of(policy: Policy, directory: Directory, at: datetime) -> World:
    """What decisions are made on. Business time is the policy's own, with the holidays of the years around `at`.

    Raises ValueError for business hours that cannot be.
    """
    calendar = calendar_of(policy.business_hours, at.year)
    return World(policy=policy, rules=rules(policy), directory=directory, calendar=calendar)


def rehearse(
    guide: str,
    policy: Policy,
    directory: Directory,
    *,
    start: datetime,
    until: datetime,
    severity: str,
    title: str = "Rehearsal",
    service: str | None = None,
    actions: Sequence[Action] = (),
    stand_ins: bool = True,
    unreachable: frozenset[str] = frozenset(),
) -> Rehearsed:
    """An incident that a person declares. Raises ValueError for an unknown severity."""
    found = cast(policy, directory, service=service, stand_ins=stand_ins)
    opening = opening_of(guide, title, severity_said(policy, severity), found.service, because="declared")
    world = world_of(policy, found.directory, start)
    played = play(opening, world, actions, start, until, unreachable=unreachable)
    return Rehearsed(guide=guide, policy=policy, cast=found, played=played)


def opening_of(guide: str, title: str, severity: str, service: str | None, **more: Any) -> Opening:
    return Opening(
        incident="rehearsal",
        reference=REFERENCE,
        title=title,
        guide=guide,
        policy_digest="",
        severity=severity,
        service=service,
        drill=True,
        **more,
    )
