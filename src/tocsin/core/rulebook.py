"""What a guide promises, every clock of it in one form: `Rule`.

A clock that stands only in a template, or under a condition, is proposed: its rule starts when somebody confirms it.
"""

from __future__ import annotations

from collections.abc import Iterator

from tocsin.core.escalation import responds
from tocsin.core.policy import Act, Communication, Deadline, Moment, Policy, Rule, Severity, Staffing, elapsed
from tocsin.core.windows import window_rules

_KEPT_BY: tuple[tuple[str, Moment], ...] = (
    ("ack", "acknowledged"),
    ("respon", "acknowledged"),
    ("assess", "assessed"),
    ("triage", "assessed"),
    ("classif", "assessed"),
    ("contain", "mitigated"),
    ("mitigat", "mitigated"),
    ("workaround", "mitigated"),
    ("update", "updated"),
    ("notif", "updated"),
    ("communicat", "updated"),
    ("resol", "resolved"),
    ("restor", "resolved"),
)  # the first word that a clock's name holds says what keeps it


def rules(policy: Policy) -> tuple[Rule, ...]:
    """Every clock of the policy in one form, the guide's own rules last."""
    return (
        *_severity_rules(policy),
        *_communication_rules(policy),
        *_matrix_rules(policy),
        *_role_rules(policy),
        *window_rules(policy),
        *_review_rules(policy),
        *_follow_up_rules(policy),
        *policy.rules,
    )


def kept_by(clock: str) -> Moment | None:
    """The moment that keeps a named clock of a severity; None for a name this release has no moment for."""
    name = clock.casefold()
    return next((moment for word, moment in _KEPT_BY if word in name), None)


def _severity_rules(policy: Policy) -> Iterator[Rule]:
    for severity in policy.severities:
        if severity.respond_within:
            yield _breach("respond", severity, severity.respond_within, "acknowledged")
        if severity.resolve_within:
            yield _breach("resolve", severity, severity.resolve_within, "resolved")
        for name, deadline in severity.clocks.items():
            until = kept_by(name)
            if until:
                yield _breach(name, severity, deadline, until)


def _breach(text: str, severity: Severity, delay: Deadline, until: Moment) -> Rule:
    return Rule(
        id=f"{text}:{severity.id}",
        start="severity",
        delay=delay,
        act=Act(kind="breach", text=text),
        until=until,
        severities=(severity.id,),
        source=severity.source,
    )


def _communication_rules(policy: Policy) -> Iterator[Rule]:
    for n, cadence in enumerate(policy.cadences):
        yield Rule(
            id=f"update:{cadence.audience}:{n}",
            start="updated" if cadence.confirmed else "confirmed",
            delay=cadence.every,
            act=Act(kind="breach", audience=cadence.audience, text=f"update {cadence.audience}"),
            every=cadence.every,
            until="resolved",
            severities=cadence.severities,
            source=cadence.source,
        )
    for n, party in enumerate(policy.escalation.external):
        condition = f", {_lower(party.condition)}" if party.condition else ""
        yield Rule(
            id=f"external:{party.who}:{n}",
            start="confirmed",
            delay=Deadline(qualitative=party.condition or "when they are needed"),
            act=Act(kind="breach", audience=party.who, text=f"bring in {party.who}{condition}"),
            until="updated",
            source=party.source,
        )
    for n, duty in enumerate(policy.communications):
        told = [each for each in duty.severities if not _in_matrix(policy, duty, each)]
        if duty.within and (told or not duty.severities):
            condition = f", {duty.condition}" if duty.condition else ""
            yield Rule(
                id=f"tell:{duty.audience}:{n}",
                start="confirmed" if duty.condition else "severity",
                delay=duty.within,
                act=Act(kind="breach", audience=duty.audience, text=f"tell {duty.audience}{condition}"),
                until="updated",
                severities=tuple(told),
                source=duty.source,
            )


def _in_matrix(policy: Policy, duty: Communication, severity: str) -> bool:
    """Whether the same line of the guide already has these told of this severity as soon: it is one promise."""
    line = duty.source.line if duty.source and not duty.condition else None
    return line is not None and any(
        row.severity == severity
        and row.within is not None
        and duty.within is not None
        and elapsed(row.within) == elapsed(duty.within)
        and row.source is not None
        and (row.source.line, row.source.file) == (line, duty.source.file if duty.source else None)
        and any(duty.audience.casefold() in name.casefold() for name in row.who)
        for row in policy.escalation.notify
    )


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _matrix_rules(policy: Policy) -> Iterator[Rule]:
    """Who hears of it besides the ladder. Where there are no levels the ladder pages the matrix itself (`ladder`)."""
    for n, row in enumerate(policy.escalation.notify):
        if not policy.escalation.levels and responds(policy, row):
            continue
        yield Rule(
            id=f"notify:{row.severity}:{n}",
            start="severity",
            delay=row.within or Deadline(seconds=0),
            act=Act(kind="notify", who=row.who, text=f"{row.severity} notification matrix"),
            until="resolved",
            severities=(row.severity,),
            source=row.source,
        )


ASSIGN_WITHIN = Deadline(seconds=15 * 60)  # where a guide asks for a role and names no time, people are reminded then
ASSIGN_AGAIN = Deadline(seconds=30 * 60)


def _role_rules(policy: Policy) -> Iterator[Rule]:
    """Whoever responds is reminded while nobody holds a role that the guide asks for; its own time is a promise too."""
    said = {each.role.casefold() for each in policy.staffing}
    bare = (each for each in policy.roles if each.required_for and each.name.casefold() not in said)
    asked = (Staffing(role=each.name, severities=each.required_for, source=each.source) for each in bare)
    for each in (*policy.staffing, *asked):
        if each.within:
            yield Rule(
                id=f"role:{each.role}",
                start="severity",
                delay=each.within,
                act=Act(kind="breach", text=f"assign {each.role}"),
                until="staffed",
                severities=each.severities,
                source=each.source,
            )
        words = f": {each.text}" if each.text else ""
        yield Rule(
            id=f"remind-role:{each.role}",
            start="severity",
            delay=each.within or ASSIGN_WITHIN,
            act=Act(kind="remind", text=f"nobody is {each.role}{words}"),
            every=ASSIGN_AGAIN,
            until="staffed",
            severities=each.severities,
            source=each.source,
        )


def _review_rules(policy: Policy) -> Iterator[Rule]:
    """What is owed once it is over: a review that is scheduled and held, and a close watch for a while."""
    review = policy.review
    holds = review.kept_by == "holding"
    owed: tuple[tuple[str, str, Deadline | None, Moment], ...] = (
        (
            "review:schedule",
            "schedule the review",
            review.schedule_within if holds else review.within,
            "review_scheduled",
        ),
        ("review:hold", "hold the review", review.within if holds else None, "review_held"),
    )
    for name, text, within, until in owed:
        if within:
            yield Rule(
                id=name,
                start="resolved",
                delay=within,
                act=Act(kind="breach", text=text),
                until=until,
                severities=review.severities,
                source=review.source,
            )
    if review.monitoring:
        yield Rule(
            id="monitoring",
            start="resolved",
            delay=review.monitoring,
            act=Act(kind="notify", text="end of the enhanced monitoring"),
            severities=review.severities,
            source=review.source,
        )


def _follow_up_rules(policy: Policy) -> Iterator[Rule]:
    """What people hear afterwards: a summary, an offer, a report. Owed until somebody says that it was done."""
    for n, each in enumerate(policy.follow_ups):
        condition = f", {_lower(each.condition)}" if each.condition else ""
        yield Rule(
            id=f"follow-up:{each.audience}:{n}",
            start="confirmed" if each.condition else "resolved",
            delay=each.within or policy.follow_up_within or Deadline(qualitative="the guide names no time"),
            act=Act(kind="breach", audience=each.audience, text=f"follow-up: {each.text}{condition}"),
            until="done",
            severities=each.severities,
            source=each.source,
        )
