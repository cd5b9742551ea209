"""Alertmanager's webhook, version 4, and everything that speaks it (Mimir, Karma, incident.io's receiver).

The same alert has the same fingerprint here and through API v2: it is made from the labels, not taken from the sender.
Source: prometheus/alertmanager notify/webhook/webhook.go and template/template.go.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tocsin.core.alert import Action, Report
from tocsin.intake import generic
from tocsin.intake.groups import KEY_CHARACTERS_MAX, group_named
from tocsin.intake.wire import (
    REPORTS_MAX,
    action_of,
    annotations_of,
    decode,
    instant,
    labels_of,
    make_report,
    string_at,
    text_of,
    unreadable,
)
from tocsin.ports import Entry

More = Callable[[Mapping[str, Any], dict[str, str]], None]
"""Adds what a dialect of the format knows about one alert to its annotations."""


def parse(entry: Entry) -> list[Report]:
    """The alerts of one notification. A body of another shape is read as a generic alert."""
    return reports(entry, decode(entry.body))


def reports(entry: Entry, value: object, more: More | None = None) -> list[Report]:
    """The alerts in a decoded notification; a bare list of alerts is taken as well.

    Members that are missing from a notification say nothing: with `truncatedAlerts` it is not the whole group, so
    nothing is resolved by absence.
    """
    notification = value if isinstance(value, dict) else {"alerts": value}
    alerts = notification.get("alerts")
    if not isinstance(alerts, list):
        return generic.reports(entry, value)
    found = [_report(entry, notification, alert, n, more) for n, alert in enumerate(alerts[:REPORTS_MAX])]
    if len(alerts) > REPORTS_MAX:
        found.append(unreadable(entry, f"{len(alerts)} alerts", "alerts", f"at most {REPORTS_MAX} in one body"))
    return found


def _report(entry: Entry, notification: Mapping[str, Any], alert: object, n: int, more: More | None) -> Report:
    if not isinstance(alert, dict):
        return unreadable(entry, alert, f"alerts[{n}]", "an object")
    own = labels = labels_of(alert.get("labels"))
    annotations = annotations_of(alert.get("annotations"))
    if more:
        more(alert, annotations)
    fingerprint = "" if own else string_at(alert, "fingerprint", limit=200)
    if not own:
        labels = labels_of(notification.get("commonLabels"))
        if not labels and not fingerprint:
            return unreadable(entry, alert, f"alerts[{n}].labels", "at least one label")
    starts_at = instant(alert.get("startsAt"), "starts_at", annotations)
    ends_at = instant(alert.get("endsAt"), "ends_at", annotations)
    return make_report(
        entry,
        _action(alert, notification, ended=ends_at is not None and ends_at <= entry.received_at),
        # The sender's fingerprint stands in only for labels that did not come; it differs between products.
        identity=f"fingerprint {fingerprint}" if fingerprint else None,
        labels=labels or {"alertname": "Alert", "source": entry.source},
        annotations=annotations,
        starts_at=starts_at,
        ends_at=ends_at,
        url=string_at(alert, "generatorURL") or string_at(notification, "externalURL"),
        group=group_named(string_at(notification, "groupKey", limit=KEY_CHARACTERS_MAX)),
        text=_left_out(notification),
    )


def _action(alert: Mapping[str, Any], notification: Mapping[str, Any], ended: bool) -> Action:
    """The alert's own status first. A notification is "firing" while one of its alerts is, so its status is only a
    guess for an alert that has none, and an end that has passed is a better one."""
    own = action_of(alert.get("status"))
    if own is not None:
        return own
    if ended:
        return "resolve"
    return action_of(notification.get("status")) or "fire"


def _left_out(notification: Mapping[str, Any]) -> str:
    truncated = notification.get("truncatedAlerts")
    if isinstance(truncated, int | str) and text_of(truncated) not in ("", "0", "false"):
        return f"the sender left out alerts of this group: {text_of(truncated, 20)}"
    return ""
