"""The guide's rules of remediation ("error_rate > 10%": restart_service): whether their condition holds, and what then.

A condition holds where a firing alert says so: it names the metric and its value, or `[[remedies]]` of tocsin.toml says
which alert is about it. A value without the condition's unit is compared with nothing: 0.12 and 12 may both be twelve
percent.
Nothing is run here; a person runs the runbook that is bound to the action.
Source: docs/decisions/0222-a-remedy-is-offered-and-a-person-runs-it.md
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal

import msgspec

from tocsin.core.binding import Binding
from tocsin.core.checklists import checklists, meant
from tocsin.core.guidance import Remediation
from tocsin.core.incident import Incident
from tocsin.core.offers import Offer
from tocsin.core.policy import Policy

State = Literal["holds", "does not hold", "unknown", "no value", "not understood"]
SUGGESTED_MAX = 4  # steps of the guide that an action without a runbook may mean

_UNIT = r"\s*(?P<unit>%|[A-Za-z]{0,12})\s*"
_CONDITION = re.compile(
    r"\s*(?P<metric>[A-Za-z_][\w .-]*?)\s*(?P<op>>=|<=|==|=|>|<)\s*(?P<value>[0-9]{1,15}(?:\.[0-9]{1,9})?)" + _UNIT
)
_VALUE = re.compile(r"\s*(?P<value>-?[0-9]{1,15}(?:\.[0-9]{1,18})?)" + _UNIT)
_NAMES = ("metric", "metric_name")
_VALUES = ("value", "current_value", "metric_value")
_UNITS: Mapping[str, tuple[str, Decimal]] = {
    "": ("", Decimal(1)),
    "%": ("ratio", Decimal("0.01")),
    "percent": ("ratio", Decimal("0.01")),
    "ratio": ("ratio", Decimal(1)),
    "ms": ("time", Decimal("0.001")),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), ("time", Decimal(1))),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), ("time", Decimal(60))),
    **dict.fromkeys(("h", "hour", "hours"), ("time", Decimal(3600))),
    "b": ("bytes", Decimal(1)),
    "bytes": ("bytes", Decimal(1)),
    **{f"{letter}b": ("bytes", Decimal(1000) ** n) for n, letter in enumerate("kmgt", 1)},
    **{f"{letter}ib": ("bytes", Decimal(1024) ** n) for n, letter in enumerate("kmgt", 1)},
}
_ACTIONS: tuple[tuple[re.Pattern[str], re.Pattern[str]], ...] = tuple(
    (re.compile(action, re.I), re.compile(step, re.I))
    for action, step in (
        (r"restart", r"\brestart"),
        (r"roll.?back|revert", r"\broll(?:ing)?[ -]?back|\brollout undo\b|\brevert"),
        (r"fail.?over", r"\bfail(?:ing)?[ -]?over"),
        (r"scale", r"\bscale\b.*--replicas=[1-9]|\bscale up\b"),
        (r"read.?only", r"\bread[-_ ]?only"),
        (r"maintenance", r"\bmaintenance[-_ ]?mode"),
        (r"(?:clear|flush).*cache|cache.*(?:clear|flush)", r"\bflush(?:db|all)\b|\bclear\w* (?:the )?cache"),
        (r"cache", r"\bcache[-_ ]?mode"),
        (r"reroute|route|traffic", r"\brerout|\btraffic\b.*\brout|emergency-routing"),
        (r"quarantine|isolate", r"\bquarantine|\bisolate"),
        (r"cert", r"\bcert\w*[- ](?:renew)|\brenew\w*\b.*\bcert"),
    )
)


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    metric: str
    op: str
    value: Decimal
    unit: str


class Remedy(msgspec.Struct, frozen=True, kw_only=True):
    """One rule and how it stands. `because`: in a sentence, what was looked at. `run`: what is typed to do it; empty
    where the action is bound to nothing, or to what the guide does not have (`problem`). `suggested`: steps of the
    guide that it may mean."""

    condition: str
    action: str
    line: int | None
    state: State
    because: str
    alert: str = ""
    run: str = ""
    problem: str = ""
    suggested: tuple[Offer, ...] = ()


def condition_of(text: str) -> Condition | None:
    """The condition that the guide writes, or None for one that is none."""
    found = _CONDITION.fullmatch(text)
    if found is None or found["unit"].casefold() not in _UNITS:
        return None
    return Condition(
        metric=_plain(found["metric"]), op=found["op"], value=Decimal(found["value"]), unit=found["unit"].casefold()
    )


def remedies(
    policy: Policy, incident: Incident, alerts: Sequence[Mapping[str, Any]], bindings: Sequence[Binding]
) -> tuple[Remedy, ...]:
    """Every rule of the guide; those that hold first. Only alerts that fire are looked at."""
    firing = [each for each in alerts if each.get("state") == "firing"]
    found = [_remedy(policy, incident, each, firing, _bound(each, incident, bindings)) for each in policy.remediation]
    return tuple(sorted(found, key=lambda each: each.state != "holds"))


def _bound(rule: Remediation, incident: Incident, bindings: Iterable[Binding]) -> Binding | None:
    """The one for this guide counts before the one for any."""
    same = [each for each in bindings if _plain(each.action) == _plain(rule.action)]
    own = [each for each in same if each.guide == incident.guide]
    return next(iter([*own, *(each for each in same if not each.guide)]), None)


def _remedy(
    policy: Policy,
    incident: Incident,
    rule: Remediation,
    firing: Sequence[Mapping[str, Any]],
    bound: Binding | None,
) -> Remedy:
    state, because, alert = _stands(rule, firing, bound)
    run, problem = _run(policy, incident, bound)
    return Remedy(
        condition=rule.condition,
        action=rule.action,
        line=rule.source.line if rule.source else None,
        state=state,
        because=because,
        alert=alert,
        run=run,
        problem=problem,
        suggested=() if run else _suggested(policy, rule.action),
    )


def _stands(rule: Remediation, firing: Sequence[Mapping[str, Any]], bound: Binding | None) -> tuple[State, str, str]:
    """Whether it holds, why, and the fingerprint of the alert that says so."""
    condition = condition_of(rule.condition)
    about = [each for each in firing if bound and bound.alert and _labels(each).get("alertname") == bound.alert]
    if bound and bound.fires and about:
        return "holds", f"{bound.alert} fires", str(about[0].get("fingerprint", ""))
    if condition is None:
        return "not understood", "expected a metric, a comparison, a number and a unit such as error_rate > 10%", ""
    judged = [
        (*_judged(condition, said, bound.unit if bound and alert in about else ""), alert)
        for alert in firing
        if (said := _said(alert, condition.metric, named=alert in about))
    ]
    if not judged:
        return "no value", f"no firing alert says a value of {condition.metric}", ""
    order: tuple[State, ...] = ("holds", "unknown", "does not hold")
    state, because, alert = min(judged, key=lambda each: order.index(each[0]))
    return state, f"{_labels(alert).get('alertname') or 'an alert'} says {because}", str(alert.get("fingerprint", ""))


def _said(alert: Mapping[str, Any], metric: str, *, named: bool) -> str:
    """What the alert says the metric is."""
    every = {**(alert.get("annotations") or {}), **_labels(alert)}
    plain = {_plain(str(name)): str(value) for name, value in every.items()}
    if metric in plain:
        return plain[metric]
    if named or any(_plain(plain.get(name, "")) == metric for name in _NAMES):
        value = next((plain[name] for name in _VALUES if plain.get(name)), "")
        return f"{value} {plain.get('unit', '')}".strip() if _VALUE.fullmatch(value) else value
    return ""


def _judged(condition: Condition, said: str, unit: str) -> tuple[State, str]:
    found = _VALUE.fullmatch(said)
    if found is None:
        return "unknown", f"{condition.metric} is {said[:60]!r}, which is no number"
    own = (found["unit"] or unit).casefold()
    said = said if found["unit"] or not unit else f"{said} {unit}"
    if own not in _UNITS or _UNITS[own][0] != _UNITS[condition.unit][0]:
        how = f"in {own!r}" if own else "without a unit"
        return "unknown", f"{condition.metric} is {said[:60]}, {how}, which cannot be compared with {condition.unit!r}"
    value = Decimal(found["value"]) * _UNITS[own][1]
    limit = condition.value * _UNITS[condition.unit][1]
    holds = {
        ">": value > limit,
        ">=": value >= limit,
        "<": value < limit,
        "<=": value <= limit,
    }.get(condition.op, value == limit)
    return ("holds" if holds else "does not hold"), f"{condition.metric} is {said[:60]}"


def _run(policy: Policy, incident: Incident, bound: Binding | None) -> tuple[str, str]:
    """The line that does it, or why there is none."""
    if bound is None:
        return "", "no [[remedies]] of tocsin.toml says what it means here"
    lists = {each.name: each for each in checklists(policy)}
    try:
        name = meant("runbook", list(lists), bound.runbook)
    except ValueError as error:
        return "", f"[[remedies]] {bound.action}: {error}"
    if bound.step > len(lists[name].items):
        return "", f"[[remedies]] {bound.action}: expected a step from 1 to {len(lists[name].items)}, got {bound.step}"
    words = ["tocsin", "runbook", "run", incident.reference, name]
    return shlex.join([*words, "--step", str(bound.step)] if bound.step else words), ""


def _suggested(policy: Policy, action: str) -> tuple[Offer, ...]:
    """Steps with commands that do what the action's word says."""
    pattern = next((step for word, step in _ACTIONS if word.search(action)), None)
    if pattern is None:
        return ()
    found: dict[object, Offer] = {}
    for each in sorted(checklists(policy), key=lambda each: each.kind == "phase"):
        for number, (name, step) in enumerate(each.items, 1):
            if step.commands and pattern.search("\n".join((name, *(block.code for block in step.commands)))):
                line = step.source.line if step.source else None
                offer = Offer(phase=each.name, number=number, item=name, strategy="may be meant", line=line)
                found.setdefault(line or name, offer)
    return tuple(found.values())[:SUGGESTED_MAX]


def _labels(alert: Mapping[str, Any]) -> Mapping[str, str]:
    return alert.get("labels") or {}


def _plain(name: str) -> str:
    return re.sub(r"[\s.-]+", "_", name.strip()).casefold()
