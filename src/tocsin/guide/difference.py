"""What changes for whom when one policy takes the place of another, in sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

import msgspec

from tocsin.core.policy import Cadence, Deadline, Level, Policy, Role, Severity, Template
from tocsin.guide.ids import key
from tocsin.guide.saying import due, every, listing, severities, span

Row = TypeVar("Row")


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One difference; `about` says which part of the policy, `line` where the new guide says it (0: it is gone)."""

    about: str
    text: str
    line: int = 0


def difference(old: Policy, new: Policy) -> list[Change]:
    """Every difference that somebody will notice: clocks, people, messages, steps. Wording and lines are none."""
    found = [
        *_severities(old, new), *_levels(old, new), *_timers(old, new), *_notify(old, new), *_cadences(old, new), *_roles(old, new),
        *_templates(old, new), *_phases(old, new), *_commands(old, new), *_review(old, new), *_names(old, new),
    ]  # fmt: skip
    return list(dict.fromkeys(found))


def _same(first: Deadline | None, second: Deadline | None) -> bool:
    def bare(limit: Deadline | None) -> Deadline | None:
        return msgspec.structs.replace(limit, text=None) if limit is not None else None

    return bare(first) == bare(second)


def _paired(
    old: tuple[Row, ...], new: tuple[Row, ...], name: Callable[[Row], object]
) -> Iterator[tuple[Row | None, Row | None]]:
    before = {name(row): row for row in old}
    after = {name(row): row for row in new}
    for each in [*before, *(one for one in after if one not in before)]:
        yield before.get(each), after.get(each)


def _line(row: object) -> int:
    source = getattr(row, "source", None)
    return source.line if source is not None else 0


def _severities(old: Policy, new: Policy) -> Iterator[Change]:
    for before, after in _paired(old.severities, new.severities, lambda each: key(each.id)):
        if before is None and after is not None:
            yield Change(
                about="severity",
                text=f"{after.id} is new: answered {due(after.respond_within)}, resolved {due(after.resolve_within)}.",
                line=_line(after),
            )
        elif after is None and before is not None:
            yield Change(about="severity", text=f"{before.id} is gone: no new incident can have it.")
        elif before is not None and after is not None:
            yield from _severity(before, after)


def _severity(before: Severity, after: Severity) -> Iterator[Change]:
    if before.id != after.id:
        yield Change(about="severity", text=f"{before.id} is written {after.id} now.", line=_line(after))
    if before.name != after.name:
        yield Change(
            about="severity",
            text=_renamed(before, after),
            line=_line(after),
        )
    if before.rank != after.rank:
        yield Change(
            about="severity", text=f"{after.id} ranks {after.rank + 1} instead of {before.rank + 1}.", line=_line(after)
        )
    clocks = [
        ("answered", before.respond_within, after.respond_within),
        ("resolved", before.resolve_within, after.resolve_within),
    ]
    clocks += [(name, before.clocks.get(name), after.clocks.get(name)) for name in {**before.clocks, **after.clocks}]
    for name, was, now in clocks:
        if not _same(was, now):
            yield Change(about="clock", text=f"{after.id}: {name} {due(now)} instead of {due(was)}.", line=_line(after))


def _renamed(before: Severity, after: Severity) -> str:
    if not after.name:
        return f"{after.id} has no name any more; it was {before.name}."
    return f"{after.id} is called {after.name}{f' instead of {before.name}' if before.name else ' from now on'}."


def _levels(old: Policy, new: Policy) -> Iterator[Change]:
    def name(level: Level) -> object:
        return level.level, level.severities

    for before, after in _paired(old.escalation.levels, new.escalation.levels, name):
        if before is None and after is not None:
            yield Change(
                about="escalation", text=f"Level {after.level} is new: {listing(after.who)}.", line=_line(after)
            )
        elif after is None and before is not None:
            yield Change(about="escalation", text=f"Level {before.level} ({listing(before.who)}) is gone.")
        elif before is not None and after is not None:
            if before.who != after.who:
                yield Change(
                    about="escalation",
                    text=f"Level {after.level}: {listing(after.who)} instead of {listing(before.who)}.",
                    line=_line(after),
                )
            if not _same(before.within, after.within) or before.since != after.since:
                yield Change(
                    about="escalation",
                    text=f"Level {after.level}: the next level {_then(after)} instead of {_then(before)}.",
                    line=_line(after),
                )


def _then(level: Level) -> str:
    return f"after {span(level.within)}" if level.within is not None else "at no stated time"


def _timers(old: Policy, new: Policy) -> Iterator[Change]:
    for before, after in _paired(
        old.escalation.while_unresolved, new.escalation.while_unresolved, lambda row: row.severity
    ):
        was, now = before.every if before else None, after.every if after else None
        severity = after.severity if after else before.severity if before else ""
        if not _same(was, now):
            yield Change(about="escalation", text=_repeated(severity, was, now), line=_line(after))
    if old.escalation.never != new.escalation.never:
        now_never = ", ".join(new.escalation.never) or "no severity"
        yield Change(about="escalation", text=f"The guide now says of {now_never} that it is not escalated.")
    if old.escalation.until != new.escalation.until:
        yield Change(
            about="escalation",
            text=f"The ladder runs until an incident is {new.escalation.until}, not {old.escalation.until}.",
        )


def _repeated(severity: str, was: Deadline | None, now: Deadline | None) -> str:
    if now is None:
        return f"{severity}: no longer escalated {every(was) if was else ''} while unresolved."
    before = f" instead of {every(was)}" if was else " from now on"
    return f"{severity}: escalated {every(now)} while unresolved{before}."


def _notify(old: Policy, new: Policy) -> Iterator[Change]:
    for before, after in _paired(old.escalation.notify, new.escalation.notify, lambda row: (row.severity, row.who)):
        if before is None and after is not None:
            yield Change(
                about="notification",
                text=f"{listing(after.who)} {'are' if len(after.who) > 1 else 'is'} told of {after.severity} from now on.",
                line=_line(after),
            )
        elif after is None and before is not None:
            yield Change(
                about="notification",
                text=f"{listing(before.who)} {'are' if len(before.who) > 1 else 'is'} no longer told of {before.severity}.",
            )
        elif before is not None and after is not None and not _same(before.within, after.within):
            yield Change(
                about="notification",
                text=f"{listing(after.who)}: told of {after.severity} {due(after.within)} instead of {due(before.within)}.",
                line=_line(after),
            )


def _cadences(old: Policy, new: Policy) -> Iterator[Change]:
    def name(cadence: Cadence) -> object:
        return cadence.audience, cadence.severities

    for before, after in _paired(old.cadences, new.cadences, name):
        if before is None and after is not None:
            yield Change(
                about="update",
                text=f"{after.audience} are told {every(after.every)} ({severities(after.severities)}) from now on.",
                line=_line(after),
            )
        elif after is None and before is not None:
            yield Change(
                about="update",
                text=f"{before.audience} are no longer promised an update {every(before.every)} ({severities(before.severities)}).",
            )
        elif (
            before is not None
            and after is not None
            and (not _same(before.every, after.every) or before.confirmed != after.confirmed)
        ):
            yield Change(
                about="update",
                text=f"{after.audience} are told {every(after.every)} instead of {every(before.every)} ({severities(after.severities)}){'' if after.confirmed else ', once somebody confirms it'}.",
                line=_line(after),
            )


def _roles(old: Policy, new: Policy) -> Iterator[Change]:
    def name(role: Role) -> object:
        return role.name.casefold()

    for before, after in _paired(old.roles, new.roles, name):
        if before is None and after is not None:
            yield Change(
                about="role",
                text=f"{after.name} is a new role: {listing(after.responsibilities, 'no duties are written')}.",
                line=_line(after),
            )
        elif after is None and before is not None:
            yield Change(about="role", text=f"The role {before.name} is gone.")
        elif before is not None and after is not None:
            was = [(contact.kind, contact.name, contact.phone, contact.email) for contact in before.contacts]
            now = [(contact.kind, contact.name, contact.phone, contact.email) for contact in after.contacts]
            if was != now:
                yield Change(
                    about="role",
                    text=f"{after.name}: {listing([each[1] for each in now])} instead of {listing([each[1] for each in was])}.",
                    line=_line(after),
                )
            if before.responsibilities != after.responsibilities:
                yield Change(
                    about="role",
                    text=f"{after.name} has other duties: {listing(after.responsibilities, 'none are written')}.",
                    line=_line(after),
                )


def _templates(old: Policy, new: Policy) -> Iterator[Change]:
    def name(template: Template) -> object:
        return template.title.casefold()

    for before, after in _paired(old.templates, new.templates, name):
        if before is None and after is not None:
            yield Change(about="template", text=f'The template "{after.title}" is new.', line=_line(after))
        elif after is None and before is not None:
            yield Change(about="template", text=f'The template "{before.title}" is gone.')
        elif before is not None and after is not None and before.body != after.body:
            yield Change(about="template", text=f'The template "{after.title}" says something else.', line=_line(after))


def _phases(old: Policy, new: Policy) -> Iterator[Change]:
    for before, after in _paired(old.phases, new.phases, lambda phase: phase.title.casefold()):
        if before is None and after is not None:
            yield Change(about="phase", text=f'The phase "{after.title}" is new.', line=_line(after))
        elif after is None and before is not None:
            yield Change(about="phase", text=f'The phase "{before.title}" is gone.')
        elif (
            before is not None
            and after is not None
            and [step.text for step in before.steps] != [step.text for step in after.steps]
        ):
            yield Change(about="phase", text=f'The phase "{after.title}" has other steps.', line=_line(after))


def _commands(old: Policy, new: Policy) -> Iterator[Change]:
    before = {command.code for command in old.commands}
    after = {command.code for command in new.commands}
    for command in new.commands:
        if command.code not in before:
            yield Change(
                about="command", text=f"A new command: {command.code.splitlines()[0][:100]}", line=_line(command)
            )
    for command in old.commands:
        if command.code not in after:
            yield Change(about="command", text=f"A command is gone: {command.code.splitlines()[0][:100]}")


def _review(old: Policy, new: Policy) -> Iterator[Change]:
    if not _same(old.review.within, new.review.within):
        yield Change(
            about="review",
            text=f"The review is due {due(new.review.within)} instead of {due(old.review.within)}.",
            line=_line(new.review),
        )
    if old.review.severities != new.review.severities:
        yield Change(
            about="review",
            text=f"The review is held for {severities(new.review.severities)} instead of {severities(old.review.severities)}.",
            line=_line(new.review),
        )


def _names(old: Policy, new: Policy) -> Iterator[Change]:
    """Parts that are compared by name only."""
    parts = (("runbook", "runbooks", "title"), ("metric", "metrics", "name"), ("report", "reports", "title"), ("drill", "drills", "title"), ("duty", "duties", "title"), ("follow-up", "follow_ups", "text"), ("category", "categories", "name"), ("remediation", "remediation", "condition"))  # fmt: skip
    for about, field, name in parts:
        before = {getattr(row, name): row for row in getattr(old, field)}
        after = {getattr(row, name): row for row in getattr(new, field)}
        for each, row in after.items():
            if each not in before:
                yield Change(about=about, text=f'{about.capitalize()} "{each}" is new.', line=_line(row))
        for each in before:
            if each not in after:
                yield Change(about=about, text=f'{about.capitalize()} "{each}" is gone.')
