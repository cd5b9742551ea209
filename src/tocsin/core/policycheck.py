"""What the values of a policy must mean together: names that exist, levels without gaps, clocks that end.

The schema says what each field may be (`core.policy`); here is what a schema cannot say. Errors are things that cannot
work, warnings are things that do not do what they look like.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from tocsin.core.calendar import BusinessTime, deadline_at
from tocsin.core.matchers import Matchers, compile_matchers, parse_matchers
from tocsin.core.policy import BusinessHours, Deadline, Escalation, Inhibition, Policy, Route, Rule, elapsed
from tocsin.core.promises import rules as every_rule
from tocsin.core.twopersons import NAMEABLE

SEVERITY_FIELDS = frozenset({"severity", "severities", "required_for", "never"})
_CLOCK_TIME = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00")
_SOME_DAY = datetime(2026, 11, 23, tzinfo=UTC)


class Flaw(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong with a policy; `field` is where, such as `routes[2].matchers[0]`."""

    field: str
    expected: str
    got: str | None = None
    message: str
    level: Literal["error", "warning"] = "error"


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """A flaw in a file, with its 1-based line."""

    file: str
    line: int
    field: str
    expected: str
    got: str | None
    message: str
    level: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.level}: {self.field + ': ' if self.field else ''}{self.message}"


def flaws(policy: Policy) -> list[Flaw]:
    """Everything wrong with a policy that its schema does not catch, errors and warnings."""
    checks: tuple[Callable[[Policy], Iterator[Flaw]], ...] = (
        _severities, _known_severities, _names, _escalations, _rules, _clocks, _routes, _inhibitions, _hours,
        _templates, _two_persons,
    )  # fmt: skip
    return [flaw for check in checks for flaw in check(policy)]


def _error(field: str, expected: str, got: str | None = None) -> Flaw:
    said = f"expected {expected}, got {got}" if got else f"expected {expected}"
    return Flaw(field=field, expected=expected, got=got, message=said)


def _warning(field: str, message: str) -> Flaw:
    return Flaw(field=field, expected="", message=message, level="warning")


# --- severities and names ---------------------------------------------------------------------------------------------


def _severities(policy: Policy) -> Iterator[Flaw]:
    if not policy.severities:
        yield _error("severities", "at least one severity", "none")
    ranks: list[int] = []
    for n, severity in enumerate(policy.severities):
        where = f"severities[{n}]"
        if not severity.id.strip():
            yield _error(f"{where}.id", "a name such as P1", "nothing")
        if ranks and severity.rank <= ranks[-1]:
            yield _error(f"{where}.rank", f"a rank above {ranks[-1]}: worst first, each rank once", str(severity.rank))
        elif not ranks and severity.rank != 0:
            yield _error(f"{where}.rank", "0 for the worst severity", str(severity.rank))
        ranks.append(severity.rank)
    yield from _unique("severities", "id", [each.id for each in policy.severities])
    for word, meant in policy.severity_mapping.items():
        yield from _known(f"severity_mapping.{word}", meant, [each.id for each in policy.severities])
    for n, row in enumerate(policy.decision_tree):
        if not row.question.strip() and n < len(policy.decision_tree) - 1:
            yield _error(f"decision_tree[{n}].question", "a question: only the last line may be empty", "nothing")
    yield from _unique("decision_tree", "question", [row.question for row in policy.decision_tree if row.question])


def _known_severities(policy: Policy) -> Iterator[Flaw]:
    ids = [each.id for each in policy.severities]
    for where, name, value in _fields(policy, ""):
        if name not in SEVERITY_FIELDS:
            continue
        if isinstance(value, str):
            yield from _known(where, value, ids)
        elif isinstance(value, tuple):
            for n, each in enumerate(value):
                if isinstance(each, str):
                    yield from _known(f"{where}[{n}]", each, ids)


def _known(field: str, name: str, ids: list[str]) -> Iterator[Flaw]:
    """References are exact, except in routes and mappings, where any letter case is read."""
    known = {each.casefold(): each for each in ids}
    meant = known.get(name.casefold())
    loose = field.startswith(("severity_mapping", "routes["))
    if meant is None or (meant != name and not loose):
        yield _error(field, f"one of the severities {', '.join(ids) or '(there are none)'}", repr(name))


def _names(policy: Policy) -> Iterator[Flaw]:
    yield from _unique("categories", "name", [each.name for each in policy.categories])
    yield from _unique("roles", "name", [each.name for each in policy.roles])
    yield from _unique("metrics", "key", [each.key for each in policy.metrics])
    yield from _unique("rules", "id", [each.id for each in policy.rules])
    yield from _unique("routes", "name", [each.name for each in policy.routes])
    yield from _unique("inhibitions", "name", [each.name for each in policy.inhibitions])
    yield from _unique("services", "", list(policy.services))
    for n, phase in enumerate(policy.phases):
        if not phase.title.strip():
            yield _error(f"phases[{n}].title", "a title", "nothing")
    yield from _unique("phases", "title", [each.title for each in policy.phases])


def _unique(field: str, part: str, names: list[str]) -> Iterator[Flaw]:
    first: dict[str, int] = {}
    for n, name in enumerate(names):
        if not name:
            continue
        before = first.setdefault(name.casefold(), n)
        if before != n:
            where = f"{field}[{n}].{part}" if part else f"{field}[{n}]"
            yield _error(where, f"a name that {field}[{before}] does not have", repr(name))


def _fields(value: object, path: str) -> Iterator[tuple[str, str, object]]:
    """Every field of every value inside: (path, name, value)."""
    if isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            where = f"{path}.{name}" if path else name
            yield where, name, getattr(value, name)
            yield from _fields(getattr(value, name), where)
    elif isinstance(value, tuple):
        for n, each in enumerate(value):
            yield from _fields(each, f"{path}[{n}]")
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _fields(each, f"{path}.{key}")


# --- escalation, rules, clocks ----------------------------------------------------------------------------------------


def _escalations(policy: Policy) -> Iterator[Flaw]:
    ladders: list[tuple[str, Escalation]] = [("escalation", policy.escalation)]
    ladders += [(f"escalations.{name}", ladder) for name, ladder in policy.escalations.items()]
    for where, ladder in ladders:
        yield from _levels(where, ladder, [each.id for each in policy.severities])
        yield from _unique(f"{where}.triggers", "text", [each.text for each in ladder.triggers])
        for n, row in enumerate(ladder.while_unresolved):
            yield from _some_time(f"{where}.while_unresolved[{n}].every", row.every)
    if policy.escalations and not any(route.escalation for route in policy.routes):
        yield _warning("escalations", "no route uses a named ladder")


def _levels(where: str, ladder: Escalation, severities: list[str]) -> Iterator[Flaw]:
    complained: set[int] = set()
    for severity in severities or [""]:
        owed = 1
        for n, level in enumerate(ladder.levels):
            if level.severities and severity not in level.severities:
                continue
            if level.level != owed and n not in complained:
                complained.add(n)
                what = f"level {owed}: levels count from 1 without gaps, in order" + (
                    f", for {severity}" if level.severities else ""
                )
                yield _error(f"{where}.levels[{n}].level", what, str(level.level))
            owed = level.level + 1
    for n, level in enumerate(ladder.levels):
        if not any(word.strip() for word in level.who):
            yield _error(f"{where}.levels[{n}].who", "at least one person, team, role or owner", "nobody")


def _rules(policy: Policy) -> Iterator[Flaw]:
    made = {rule.id for rule in every_rule(msgspec.structs.replace(policy, rules=()))}
    for n, rule in enumerate(policy.rules):
        where = f"rules[{n}]"
        if not rule.id.strip():
            yield _error(f"{where}.id", "a name", "nothing")
        if rule.id in made:
            yield _error(f"{where}.id", "a name that no clock of a severity or of news has", repr(rule.id))
        if rule.act.kind in ("page", "notify", "remind") and not rule.act.who:
            yield _error(f"{where}.act.who", f"somebody to {rule.act.kind}", "nobody")
        yield from _ends(where, rule)


def _ends(where: str, rule: Rule) -> Iterator[Flaw]:
    if rule.every is not None:
        yield from _some_time(f"{where}.every", rule.every)
        if rule.until is None:
            yield _error(f"{where}.until", "the moment that ends a rule with `every`", "nothing")
    if rule.start == "staffed" or (rule.until == "staffed" and not rule.id.partition("role:")[2]):
        yield _error(f"{where}.until", "staffed only of a rule with the id role:NAME", repr(rule.id))
    if rule.until == rule.start and rule.start not in ("updated", "severity", "acknowledged"):
        yield _error(f"{where}.until", f"a moment after {rule.start!r}, which starts the rule", repr(rule.until))


def _clocks(policy: Policy) -> Iterator[Flaw]:
    for n, cadence in enumerate(policy.cadences):
        yield from _some_time(f"cadences[{n}].every", cadence.every)
        if not cadence.audience.strip():
            yield _error(f"cadences[{n}].audience", "who is told", "nobody")
        if not cadence.confirmed:
            yield _warning(f"cadences[{n}].confirmed", "a cadence that nobody confirmed starts no timer")
    for n, duty in enumerate(policy.duties):
        yield from _some_time(f"duties[{n}].every", duty.every)
    for where, name, value in _fields(policy, ""):
        if isinstance(value, Deadline) and name != "not_after":
            if value.milestone is not None or value.qualitative is not None:
                yield _warning(where, f"starts no timer: {(value.milestone or value.qualitative)!r} is no span")
            else:
                yield from _datable(where, value)
    yield from _elapsed_only("paging.acknowledge_timeout", policy.paging.acknowledge_timeout)


def _datable(where: str, deadline: Deadline) -> Iterator[Flaw]:
    """Counted on a calendar without holidays, from a day of no importance: what is too long there is so everywhere."""
    try:
        deadline_at(deadline, _SOME_DAY, BusinessTime())
    except ValueError as error:
        yield _error(where, str(error).partition("expected ")[2] or str(error))


def _some_time(where: str, every: Deadline) -> Iterator[Flaw]:
    span = elapsed(every)
    if span is not None and span.total_seconds() < 60:
        yield _error(
            where, "at least 1 minute: what repeats faster can only flood people", f"{span.total_seconds():g} s"
        )


def _elapsed_only(where: str, deadline: Deadline | None) -> Iterator[Flaw]:
    if deadline is not None and not elapsed(deadline):
        yield _error(where, "an elapsed time above zero, such as 30m", "another kind of span")


# --- routes -----------------------------------------------------------------------------------------------------------


def _routes(policy: Policy) -> Iterator[Flaw]:
    everything: int | None = None
    for n, route in enumerate(policy.routes):
        where = f"routes[{n}]"
        yield from _matchers(f"{where}.matchers", route.matchers)
        if everything is not None:
            yield _warning(where, f"is never reached: routes[{everything}] takes every alert")
        elif not route.matchers:
            everything = n
        yield from _route_options(where, route, policy)
        if policy.services and route.service is not None and route.service not in policy.services:
            yield _error(f"{where}.service", f"one of the services {', '.join(policy.services)}", repr(route.service))


def _route_options(where: str, route: Route, policy: Policy) -> Iterator[Flaw]:
    if route.escalation is not None and route.escalation not in policy.escalations:
        known = ", ".join(policy.escalations) or "(there are none)"
        yield _error(f"{where}.escalation", f"one of the named ladders {known}", repr(route.escalation))
    for kind, value, fewest in (("threshold", route.threshold, 2), ("flapping", route.flapping, 3)):
        if value is None:
            continue
        count = "count" if kind == "threshold" else "transitions"
        if getattr(value, count) < fewest:
            yield _error(f"{where}.{kind}.{count}", f"at least {fewest}", str(getattr(value, count)))
        if not 1 <= value.seconds <= 86_400:
            yield _error(f"{where}.{kind}.seconds", "between 1 second and 1 day", f"{value.seconds} s")
    yield from _elapsed_only(f"{where}.reopen_within", route.reopen_within)
    for n, label in enumerate(route.correlate_by or ()):
        if not label.strip():
            yield _error(f"{where}.correlate_by[{n}]", "the name of a label", "nothing")
    if not route.page:
        for name in ("severity", "escalation", "threshold", "flapping", "reopen_within"):
            if getattr(route, name) is not None:
                yield _warning(f"{where}.{name}", "does nothing: the route pages nobody")


def _inhibitions(policy: Policy) -> Iterator[Flaw]:
    for n, rule in enumerate(policy.inhibitions):
        yield from _inhibition(f"inhibitions[{n}]", rule)


def _inhibition(where: str, rule: Inhibition) -> Iterator[Flaw]:
    for name, texts in (("source_matchers", rule.source_matchers), ("target_matchers", rule.target_matchers)):
        if not texts:
            yield _error(f"{where}.{name}", "at least one matcher: without any, every alert would match", "none")
        yield from _matchers(f"{where}.{name}", texts)
    for n, label in enumerate(rule.equal):
        if not label.strip():
            yield _error(f"{where}.equal[{n}]", "the name of a label", "nothing")


def _matchers(where: str, texts: Iterable[str]) -> Iterator[Flaw]:
    for n, text in enumerate(texts):
        try:
            compiled: Matchers = compile_matchers(parse_matchers(text, strict=True))
        except ValueError as error:
            yield Flaw(
                field=f"{where}[{n}]",
                expected='a matcher such as team="db"',
                got=repr(text),
                message=f'expected a matcher such as team="db", got {text!r}: {error}',
            )
            continue
        if not compiled.equal and not compiled.rest:
            yield _error(f"{where}[{n}]", 'a matcher such as team="db"', "nothing")


# --- the rest ---------------------------------------------------------------------------------------------------------


def _hours(policy: Policy) -> Iterator[Flaw]:
    hours: BusinessHours | None = policy.business_hours
    if hours is None:
        return
    try:
        ZoneInfo(hours.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        yield _error("business_hours.zone", "an IANA zone such as Europe/Madrid", repr(hours.zone))
    if not hours.days:
        yield _error("business_hours.days", "at least one day, 0 (Monday) to 6 (Sunday)", "none")
    for n, day in enumerate(hours.days):
        if not 0 <= day <= 6 or day in hours.days[:n]:
            yield _error(f"business_hours.days[{n}]", "each day once, 0 (Monday) to 6 (Sunday)", str(day))
    for name in ("opens", "closes"):
        text = getattr(hours, name)
        if not _CLOCK_TIME.fullmatch(text):
            yield _error(f"business_hours.{name}", "a time such as 09:00", repr(text))
            return
    if hours.opens >= hours.closes:
        yield _error("business_hours.closes", f"a time after {hours.opens}", repr(hours.closes))
    for n, text in enumerate(hours.closures):
        try:
            date.fromisoformat(text)
        except ValueError:
            yield _error(f"business_hours.closures[{n}]", "a day such as 2026-12-25", repr(text))


def _templates(policy: Policy) -> Iterator[Flaw]:
    for n, template in enumerate(policy.templates):
        for m, field in enumerate(template.typed_fields):
            where = f"templates[{n}].typed_fields[{m}]"
            if field.placeholder not in template.body:
                yield _error(f"{where}.placeholder", "text that stands in the body", repr(field.placeholder))
            if field.kind == "choice" and not field.choices:
                yield _error(f"{where}.choices", "the values to choose from", "none")


def _two_persons(policy: Policy) -> Iterator[Flaw]:
    for n, tag in enumerate(policy.two_persons.commands):
        if tag not in NAMEABLE:
            yield _error(f"two_persons.commands[{n}]", f"one of {', '.join(sorted(NAMEABLE))}", tag)
    if not 60 <= policy.two_persons.within_seconds <= 7 * 86_400:
        yield _error("two_persons.within_seconds", "60 to 604800", str(policy.two_persons.within_seconds))
