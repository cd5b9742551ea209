"""The guides' routes as an Alertmanager configuration: what `GET /api/v2/status` and `amtool config` show."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from tocsin.core.policy import Inhibition, Policy, Route
from tocsin.http.alertlist import NOBODY, receivers_of

Guides = Sequence[tuple[str, Policy]]


def alertmanager_config(guides: Guides) -> str:
    """A configuration that Alertmanager's own tools can read: the routes of every guide, in the order they are tried.

    It shows which receiver an alert reaches; clocks, ladders and thresholds have no words in that language.
    """
    receivers = [{"name": each.name} for each in receivers_of(guides)] or [{"name": NOBODY}]
    routes = [_route(guide, route) for guide, policy in guides for route in policy.routes]
    tree: dict[str, Any] = {"receiver": receivers[0]["name"]}
    if routes:
        tree["routes"] = routes
    config: dict[str, Any] = {"route": tree, "receivers": receivers}
    inhibitions = [_inhibition(each) for _, policy in guides for each in policy.inhibitions]
    if inhibitions:
        config["inhibit_rules"] = inhibitions
    dumped: str = import_module("yaml").safe_dump(config, sort_keys=False, allow_unicode=True)  # when somebody asks
    return dumped


def _route(guide: str, route: Route) -> dict[str, Any]:
    shown: dict[str, Any] = {"receiver": (route.escalation or route.service or guide) if route.page else NOBODY}
    if route.matchers:
        shown["matchers"] = list(route.matchers)
    if route.correlate_by:
        shown["group_by"] = list(route.correlate_by)
    return shown


def _inhibition(rule: Inhibition) -> dict[str, Any]:
    return {
        "source_matchers": list(rule.source_matchers),
        "target_matchers": list(rule.target_matchers),
        "equal": list(rule.equal),
    }
