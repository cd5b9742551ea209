"""When the next message to an address may go: every rule of a list has to admit it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec


class PaceRule(msgspec.Struct, frozen=True, kw_only=True):
    """At most `count` within `per`.

    `smooth` spreads what this rule allows beyond the rule before it evenly over what this window has beyond that
    rule's, so that a burst is followed by single messages and not by silence.
    """

    count: int
    per: timedelta
    smooth: bool = False


def next_allowed(
    rules: Sequence[PaceRule], sent: Sequence[datetime], now: datetime, step: timedelta = timedelta(microseconds=1)
) -> datetime:
    """The first instant at or after `now`, in whole steps from it, at which every rule admits one more message.

    Raises ValueError if a rule never admits any.
    """
    for rule in rules:
        if rule.count < 1 or rule.per <= timedelta():
            raise ValueError(f"rule: expected a count and a window above 0, got {rule.count} per {rule.per}")
    at = now
    while True:
        wanted = max((_rule_allows(rules, n, sent, at) for n in range(len(rules))), default=at)
        if wanted <= at:
            return at
        at = now + -((now - wanted) // step) * step


def _rule_allows(rules: Sequence[PaceRule], number: int, sent: Sequence[datetime], at: datetime) -> datetime:
    """The earliest instant from `at` on at which this rule admits one more, if nothing else is sent."""
    rule = rules[number]
    inside = sorted(each for each in sent if each <= at < each + rule.per)
    if len(inside) >= rule.count:
        return inside[len(inside) - rule.count] + rule.per
    before = rules[number - 1] if number else PaceRule(count=0, per=timedelta())
    if not rule.smooth or len(inside) < before.count or not inside or rule.count <= before.count:
        return at
    spacing = max(rule.per - before.per, timedelta()) / (rule.count - before.count)
    return max(at, inside[0] + before.per + (len(inside) - before.count) * spacing)
