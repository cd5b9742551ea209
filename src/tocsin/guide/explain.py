"""The policy back in words, each sentence with the line it came from: what people will be held to."""

from __future__ import annotations

from collections.abc import Iterator

from tocsin.core.impact import acts
from tocsin.core.policy import Policy, Severity, Source
from tocsin.core.unhurried import unhurried
from tocsin.guide.saying import count, due, every, inside, listing, severities, span, within


def explain(policy: Policy) -> str:
    """The policy as a page of plain sentences."""
    parts = [f"{policy.title}", "=" * len(policy.title), ""]
    status = policy.metadata.get("status", "")
    if status and status.casefold() not in ("active", "final", "approved"):
        parts += [f"Status: {status}.", ""]
    for heading, lines in (
        ("What counts as an incident", (f"- {each}" for each in policy.definition)), ("What the response is for", (f"- {each}" for each in policy.objectives)),
        ("Severities, the worst first", _severities(policy)), ("How a severity is chosen", _triage(policy)), ("Escalation", _escalation(policy)),
        ("Updates", _updates(policy)), ("Roles", _roles(policy)), ("Phases", _phases(policy)), ("Runbooks", _runbooks(policy)),
        ("After the incident", _after(policy)), ("Upkeep", _upkeep(policy)),
    ):  # fmt: skip
        found = list(lines)
        if found:
            parts += [heading, "-" * len(heading), *found, ""]
    return "\n".join(parts).rstrip() + "\n"


def _at(source: Source | None) -> str:
    return f"  (line {source.line})" if source else ""


def _elsewhere(severity: Severity) -> str:
    lines = sorted({each.source.line for each in severity.cited.values()})
    return f"  (times on line {listing([str(line) for line in lines])})" if lines else ""


def _severities(policy: Policy) -> Iterator[str]:
    for severity in policy.severities:
        yield f"{severity.id}{f', {severity.name}' if severity.name and severity.name != severity.id else ''}: {_clocks(severity)}.{_at(severity.source)}{_elsewhere(severity)}"
        if severity.description:
            yield f"    {severity.description}"


def _clocks(severity: Severity) -> str:
    said = []
    if severity.respond_within:
        said.append(f"somebody answers {within(severity.respond_within)}")
    if severity.resolve_within:
        said.append(f"it is resolved {within(severity.resolve_within)}")
    said += [f"{name.replace('_', ' ')} {within(limit)}" for name, limit in severity.clocks.items()]
    return "; ".join(said) if said else "no time is promised"


def _triage(policy: Policy) -> Iterator[str]:
    for question in policy.decision_tree:
        yield f"{question.question or 'Otherwise'}: {question.severity}.{_at(question.source)}"
    if policy.assessment:
        yield f"Looked at: {listing(policy.assessment)}."


def _escalation(policy: Policy) -> Iterator[str]:
    for level in policy.escalation.levels:
        then = (
            ""
            if level.within is None
            else f"; the next level {'after' if level.since == 'level' else 'at'} {span(level.within)}{'' if level.since == 'level' else ' from the opening'}"
        )
        yield f"Level {level.level}{f' for {listing(level.severities)}' if level.severities else ''}: {listing(level.who)}{then}.{_at(level.source)}"
    for timer in policy.escalation.while_unresolved:
        yield f"{timer.severity}: the next level {every(timer.every)} while it is not resolved.{_at(timer.source)}"
    left = [one.id for one in policy.severities if unhurried(policy, policy.escalation, one.id)]
    if left and policy.escalation.levels:
        yield f"{listing(left)}: no timer of its own, so the next level only if nobody answers within its time to respond."
    for row in policy.escalation.notify:
        yield f"{row.severity} is told to {listing(row.who)}{f' {within(row.within)}' if row.within else ''}.{_at(row.source)}"
    for trigger in policy.escalation.triggers:
        yield f"Escalate {acts(trigger) or 'by hand'}: {trigger.text}.{_at(trigger.source)}"
    for party in policy.escalation.external:
        yield f"Outside: {party.who}{f', {inside(party.condition)}' if party.condition else ''}.{_at(party.source)}"


def _updates(policy: Policy) -> Iterator[str]:
    for cadence in policy.cadences:
        how = "" if cadence.confirmed else " (only in a template: it waits for somebody to confirm it)"
        yield f"{cadence.audience}: {every(cadence.every)} for {severities(cadence.severities)}{how}.{_at(cadence.source)}"
    for duty in policy.communications:
        when = f" {within(duty.within)}" if duty.within else ""
        yield f"{duty.audience}: told{when} for {severities(duty.severities)}{f', {inside(duty.condition)}' if duty.condition else ''}.{_at(duty.source)}"


def _roles(policy: Policy) -> Iterator[str]:
    for role in policy.roles:
        people = [contact.name for contact in role.contacts if contact.name]
        yield f"{role.name}: {listing(role.responsibilities, 'no duties are written')}{f' ({listing(people)})' if people else ''}.{_at(role.source)}"


def _phases(policy: Policy) -> Iterator[str]:
    for phase in policy.phases:
        window = f", from {span(phase.starts)} to {span(phase.ends)}" if phase.starts and phase.ends else ""
        yield f"{phase.title}{window}: {count(len(phase.steps), 'step')}.{_at(phase.source)}"


def _runbooks(policy: Policy) -> Iterator[str]:
    for runbook in policy.runbooks:
        commands = sum(len(step.commands) for step in runbook.steps)
        yield f"{runbook.title}: {count(len(runbook.steps), 'step')}, {count(commands, 'command')}.{_at(runbook.source)}"


def _after(policy: Policy) -> Iterator[str]:
    review = policy.review
    if review.within:
        yield f"The review of {severities(review.severities)} is due {within(review.within)}.{_at(review.source)}"
    for each in policy.follow_ups:
        condition = f", {inside(each.condition)}" if each.condition else ""
        by = due(each.within or policy.follow_up_within)
        yield f"Afterwards {each.audience} are owed, {by} of the resolution{condition}: {each.text}.{_at(each.source)}"
    if review.agenda:
        yield f"Its agenda: {listing(review.agenda)}."
    for report in policy.reports:
        yield f"{report.title}{f', {every(report.every)}' if report.every else ''}.{_at(report.source)}"


def _upkeep(policy: Policy) -> Iterator[str]:
    for drill in policy.drills:
        yield f"Drill: {drill.title}.{_at(drill.source)}"
    for duty in policy.duties:
        yield f"{duty.title}: {every(duty.every)}.{_at(duty.source)}"
