"""The guides in force, compiled for triage: routes and inhibitions behind indexes, sentences made beforehand.

Guides stand side by side, in order. An alert whose `service` label a guide governs (`Policy.services`) goes through the
routes of the guides that govern it, and through no others. Every other alert goes through the routes of the guides that
govern whatever nobody else does, and through those routes of the rest that name one of their guide's services.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tocsin.core.correlation import prefix
from tocsin.core.matchers import Index, Matchers, compile_matchers, index, parse_matchers, show
from tocsin.core.policy import Matcher, Policy, Route, elapsed, severity_of
from tocsin.core.severity import RANK_WITHOUT_WORD, at_rank, words_of

ROUTES_MAX = 10_000  # of all guides together: a policy made by a generator gone wrong must not stop intake


class CompiledGuide(msgspec.Struct, frozen=True, kw_only=True):
    """`words`: what a severity label may say -> (severity id, the sentence for `because`)."""

    name: str
    words: dict[str, tuple[str, str]]
    otherwise: tuple[str, str]
    prefix: str


class CompiledRoute(msgspec.Struct, frozen=True, kw_only=True):
    guide: int
    name: str
    route: Route
    matchers: Matchers
    severity: tuple[str, str] | None
    because: str
    prefix: str
    reopen_seconds: int


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """The routes that some alerts go through, in order, and the guide that takes what no route matches."""

    index: Index
    routes: tuple[CompiledRoute, ...]
    fallback: int
    because: str


class CompiledInhibition(msgspec.Struct, frozen=True, kw_only=True):
    guide: int
    name: str
    source: Matchers
    target: Matchers
    equal: tuple[str, ...]


class Compiled(msgspec.Struct, frozen=True, kw_only=True):
    """Every guide in force, in order, ready to be asked."""

    guides: tuple[CompiledGuide, ...]
    general: Table
    by_service: dict[str, Table]
    routes: dict[tuple[str, str], CompiledRoute]
    inhibitions: tuple[CompiledInhibition, ...]
    sources: Index
    targets: Index


def compile_policies(policies: Sequence[tuple[str, Policy]]) -> Compiled:
    """The guides, by name and in order, ready for `triage.verdict`.

    Raises ValueError for no guide, for a guide without severities, and for a route or inhibition that cannot work,
    naming the field; `tocsin policy check` finds all of these beforehand.
    """
    if not policies:
        raise ValueError("guides: expected at least one, got none")
    count = sum(len(policy.routes) for _, policy in policies)
    if count > ROUTES_MAX:
        raise ValueError(f"routes: expected at most {ROUTES_MAX} in all guides together, got {count}")
    routes = [
        _route(number, guide, policy, at, route)
        for number, (guide, policy) in enumerate(policies)
        for at, route in enumerate(policy.routes)
    ]
    inhibitions = tuple(
        each for number, (guide, policy) in enumerate(policies) for each in _inhibitions(number, guide, policy)
    )
    services = dict.fromkeys(service for _, policy in policies for service in policy.services)
    return Compiled(
        guides=tuple(_guide(name, policy) for name, policy in policies),
        general=_general(policies, routes),
        by_service={service: _governed(service, policies, routes) for service in services},
        routes={(policies[route.guide][0], route.name): route for route in reversed(routes)},
        inhibitions=inhibitions,
        sources=index([each.source for each in inhibitions]),
        targets=index([each.target for each in inhibitions]),
    )


def route_name(route: Route, number: int) -> str:
    """What a route is called: its name, else its matchers, which a change of order does not change."""
    return route.name or ",".join(route.matchers) or f"routes[{number}]"


def _guide(name: str, policy: Policy) -> CompiledGuide:
    words = {
        word: (meant, f"severity {word!r} means {meant}" if word != meant.casefold() else f"the alert says {meant}")
        for word, meant in words_of(policy).items()
    }
    otherwise = at_rank(policy, RANK_WITHOUT_WORD).id
    return CompiledGuide(
        name=name,
        words=words,
        otherwise=(otherwise, f"the alert does not say how bad it is: {otherwise}"),
        prefix=prefix(name, ""),
    )


def _route(number: int, guide: str, policy: Policy, at: int, route: Route) -> CompiledRoute:
    where = f"{guide}: routes[{at}]"
    found = [matcher for text in route.matchers for matcher in _parsed(text, f"{where}.matchers")]
    severity = None
    if route.severity is not None:
        meant = severity_of(policy, route.severity)
        if meant is None:
            known = ", ".join(each.id for each in policy.severities)
            raise ValueError(f"{where}.severity: expected one of {known}, got {route.severity!r}")
        severity = (meant.id, f"the route says {meant.id}")
    if route.escalation is not None and route.escalation not in policy.escalations:
        known = ", ".join(policy.escalations) or "a ladder of escalations, of which there is none"
        raise ValueError(f"{where}.escalation: expected one of {known}, got {route.escalation!r}")
    name = route_name(route, at)
    reopen = elapsed(route.reopen_within)
    what = f"matched {','.join(show(matcher) for matcher in found)}" if found else "takes every alert"
    return CompiledRoute(
        guide=number,
        name=name,
        route=route,
        matchers=compile_matchers(found),
        severity=severity,
        because=f"route {name!r} {what}",
        prefix=prefix(guide, name),
        reopen_seconds=int(reopen.total_seconds()) if reopen else 0,
    )


def _inhibitions(number: int, guide: str, policy: Policy) -> list[CompiledInhibition]:
    found = []
    for at, rule in enumerate(policy.inhibitions):
        where = f"{guide}: inhibitions[{at}]"
        source = [each for text in rule.source_matchers for each in _parsed(text, f"{where}.source_matchers")]
        target = [each for text in rule.target_matchers for each in _parsed(text, f"{where}.target_matchers")]
        found.append(
            CompiledInhibition(
                guide=number,
                name=rule.name or f"inhibitions[{at}]",
                source=compile_matchers(source),
                target=compile_matchers(target),
                equal=rule.equal,
            )
        )
    return found


def _parsed(text: str, where: str) -> tuple[Matcher, ...]:
    try:
        return parse_matchers(text, strict=True)
    except ValueError as error:
        raise ValueError(f"{where}: {error}, in {text!r}") from None


def _general(policies: Sequence[tuple[str, Policy]], routes: Sequence[CompiledRoute]) -> Table:
    fallback = next((number for number, (_, policy) in enumerate(policies) if not policy.services), 0)
    kept = []
    for route in routes:
        services = policies[route.guide][1].services
        if not services or route.route.service in services:
            kept.append(route)
    return _table(kept, fallback, f"no route matched: guide {policies[fallback][0]!r} takes what no other claims")


def _governed(service: str, policies: Sequence[tuple[str, Policy]], routes: Sequence[CompiledRoute]) -> Table:
    governing = [number for number, (_, policy) in enumerate(policies) if service in policy.services]
    name = policies[governing[0]][0]
    kept = [route for route in routes if route.guide in governing]
    return _table(kept, governing[0], f"no route matched: guide {name!r} governs service {service!r}")


def _table(routes: Sequence[CompiledRoute], fallback: int, because: str) -> Table:
    return Table(
        index=index([route.matchers for route in routes]), routes=tuple(routes), fallback=fallback, because=because
    )
