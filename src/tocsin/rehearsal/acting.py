"""A scenario put on the stage: its people and calendar, its alerts through the guide's routes, what people do."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from tocsin.core import commands as c
from tocsin.core.alert import Verdict, fingerprint_of, title_of
from tocsin.core.decide import Opening
from tocsin.core.facts import AlertName
from tocsin.core.people import Directory
from tocsin.core.policy import Policy
from tocsin.core.routing import compile_policies
from tocsin.core.triage import Context, changed, counted, source_cleared, source_fired, verdict
from tocsin.rehearsal.casting import cast
from tocsin.rehearsal.rehearsal import Action, Event, play
from tocsin.rehearsal.scenario import SaidAlert, Scenario
from tocsin.rehearsal.staging import Rehearsed, opening_of, rehearse, severity_said, world_of


def rehearse_scenario(scenario: Scenario, policy: Policy, directory: Directory) -> Rehearsed:
    """The scenario's life under `policy`. Raises ValueError naming the line of what cannot be."""
    changes: dict[str, Any] = {}
    if scenario.calendar:
        changes["business_hours"] = scenario.calendar
    if scenario.paging:
        changes["paging"] = scenario.paging
    policy = msgspec.structs.replace(policy, **changes)
    directory = msgspec.structs.replace(
        directory,
        people=directory.people | scenario.people,
        bindings=directory.bindings | scenario.bindings,
        last_resort=scenario.last_resort or directory.last_resort,
    )
    name = Path(scenario.guide).stem
    try:
        severity = severity_said(policy, scenario.severity)
    except ValueError as error:
        raise ValueError(f"{scenario.file}:{scenario.severity_line}: {error}") from None
    if not scenario.alerts:
        return rehearse(
            name,
            policy,
            directory,
            start=scenario.start,
            until=scenario.until,
            severity=severity,
            title=scenario.title,
            service=scenario.service,
            actions=scenario.actions,
            stand_ins=scenario.stand_ins,
            unreachable=scenario.unreachable,
        )
    judged = _Alerts(name, policy, scenario)
    opening, start = judged.opening(severity if scenario.severity else None)
    found = cast(policy, directory, service=opening.service, stand_ins=scenario.stand_ins)
    opening = msgspec.structs.replace(opening, service=found.service)
    actions = sorted([*judged.actions, *scenario.actions], key=lambda each: each.at)
    world = world_of(policy, found.directory, start)
    played = play(opening, world, actions, start, scenario.until, unreachable=scenario.unreachable)
    return Rehearsed(guide=name, policy=policy, cast=found, played=played, unpaged=tuple(judged.unpaged))


class _Alerts:
    """A scenario's alerts through the policy's triage: the one that opens, those that join, those that page nobody."""

    def __init__(self, guide: str, policy: Policy, scenario: Scenario) -> None:
        self._scenario = scenario
        self._context = Context(compiled=compile_policies([(guide, policy)]))
        self._firing: dict[str, tuple[AlertName, Verdict]] = {}
        self._first: tuple[SaidAlert, AlertName, Verdict] | None = None
        self.actions: list[Action] = []
        self.unpaged: list[Event] = []
        for alert in sorted(scenario.alerts, key=lambda each: each.at):
            self._take(alert)

    def opening(self, severity: str | None) -> tuple[Opening, datetime]:
        """What opens the incident, and when. Raises ValueError when no alert pages anybody."""
        if self._first is None:
            line = self._scenario.alerts[0].line
            why = "; ".join(each.text for each in self.unpaged)
            raise ValueError(f"{self._scenario.file}:{line}: expected an alert that opens an incident: {why}")
        alert, name, given = self._first
        opening = opening_of(
            given.guide,
            name.title,
            severity or given.severity,
            given.service or self._scenario.service,
            key=given.key,
            escalation=given.escalation,
            reopen_seconds=given.reopen_seconds,
            detected_by="monitoring",
            because="; ".join(given.because),
            alerts=(name,),
            count=1,
        )
        return opening, alert.at

    def _take(self, alert: SaidAlert) -> None:
        labels = alert.said.labels
        fingerprint = fingerprint_of(labels)
        if alert.said.status == "resolved":
            self._clear(alert, fingerprint)
            return
        if fingerprint in self._firing:
            return  # it repeats itself
        source_fired(self._context, labels, fingerprint)
        given = verdict(self._context, labels, fingerprint, alert.at, alert.at)
        counted(self._context, given, fingerprint, alert.at, alert.at)
        title = title_of(labels, {"summary": alert.said.summary} if alert.said.summary else {})
        name = AlertName(fingerprint=fingerprint, starts_at=alert.at, title=title)
        if given.outcome != "page":
            because = "; ".join(given.because) or given.outcome
            text = f"{title} pages nobody: {because}"
            self.unpaged.append(Event(at=alert.at, kind="done", text=text, what="unpaged", line=alert.line))
            return
        if self._first is None:
            self._first = (alert, name, given)
        elif given.key != self._first[2].key:
            place = f"{self._scenario.file}:{alert.line}"
            raise ValueError(f"{place}: expected alerts of one incident, this one would open another ({given.key})")
        else:
            self._attach(
                alert, given, len(self._firing), len(self._firing) + 1, alerts=(name,), count=1, severity=given.severity
            )
        self._firing[fingerprint] = (name, given)
        self._context.open_keys = frozenset({given.key})

    def _clear(self, alert: SaidAlert, fingerprint: str) -> None:
        source_cleared(self._context, alert.said.labels, fingerprint)
        known = self._firing.pop(fingerprint, None)
        if known is not None:
            name, given = known
            before = len(self._firing) + 1
            self._attach(alert, given, before, before - 1, cleared_alerts=(name,), cleared=1)

    def _attach(self, alert: SaidAlert, given: Verdict, before: int, after: int, **fields: Any) -> None:
        flap = changed(self._context, given, before, after, alert.at)
        command = c.AttachAlerts(
            flapping_until=flap.quiet_until if flap else None,
            transitions=flap.transitions if flap else 0,
            **fields,
        )
        self.actions.append(Action(at=alert.at, command=command, line=alert.line))
