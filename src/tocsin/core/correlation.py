"""The correlation key: which alerts are one problem for people.

A key names guide, route, service and the labels that must be equal, as text that people can read:
`Payments/checkout/api{alertname="HighErrorRate",cluster="eu"}`. Different sets of these give different keys.
Source: docs/decisions/0010-one-incident-per-kind-of-alert.md
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from tocsin.core.matchers import parse_matchers, show
from tocsin.core.policy import Matcher

KEY_MAX = 512  # characters; longer keys end in a digest, because keys are claims and are read by people
PLACES = ("cluster", "namespace", "environment", "env")  # the same alert in two of these is two problems
SENDER_GROUP = "@group"  # stands in a key for the grouping key that the sender gave; no label can be called so


def prefix(guide: str, route: str) -> str:
    """The part of every key of a route; made once per route."""
    return f"{_part(guide)}/{_part(route)}/"


def key_of(
    prefix: str,
    service: str | None,
    labels: Mapping[str, str],
    correlate_by: tuple[str, ...] | None,
    *,
    group: str | None,
    fingerprint: str,
) -> str:
    """The correlation key of an alert.

    The labels `correlate_by` count if the route names them. Otherwise, if the sender grouped the alert, its group and
    the alert's name: a new kind of problem is never hidden in an old incident. Otherwise the alert's name, its service
    (or job) and where it runs (`PLACES`). An alert with neither name nor group is a problem of its own.
    """
    if correlate_by is not None:
        pairs = [(name, labels.get(name, "")) for name in correlate_by]
    else:
        pairs = [("alertname", labels.get("alertname", ""))]
        if group:
            pairs.insert(0, (SENDER_GROUP, group))
        elif pairs[0][1]:
            if not service:
                pairs.append(("job", labels.get("job", "")))
            pairs += [(place, labels[place]) for place in PLACES if place in labels]
        else:
            pairs = [("fingerprint", fingerprint)]
    said = ",".join([_pair(name, value) for name, value in pairs if value])
    key = f"{prefix}{_part(service) if service else ''}{{{said}}}"
    return key if len(key) <= KEY_MAX else _shortened(key)


def labels_of(key: str) -> dict[str, str]:
    """The labels that a key says are equal; none for a key that was shortened."""
    if not key.endswith("}"):
        return {}
    escaped = False
    for at, character in enumerate(key):
        if character == "{" and not escaped:
            return {matcher.name: matcher.value for matcher in parse_matchers(key[at:])}
        escaped = character == "\\" and not escaped
    return {}


def _pair(name: str, value: str) -> str:
    if name.isidentifier() and name.isascii() and '"' not in value and "\\" not in value and "\n" not in value:
        return f'{name}="{value}"'
    return show(Matcher(name=name, value=value))


def _part(text: str) -> str:
    if "/" in text or "{" in text or "\\" in text:
        return text.replace("\\", "\\\\").replace("/", "\\/").replace("{", "\\{")
    return text


def _shortened(key: str) -> str:
    digest = hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return f"{key[: KEY_MAX - 40]}...#{digest}"
