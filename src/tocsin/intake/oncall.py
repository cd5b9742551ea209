"""Grafana OnCall's formatted webhook, taken as it was, for whoever has to leave OnCall by changing one URL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tocsin.core.alert import Report
from tocsin.intake import alertmanager, generic
from tocsin.intake.wire import SUMMARY_CHARACTERS_MAX, action_of, decode, details, made_labels, make_report, string_at
from tocsin.ports import Entry

KNOWN = ("alert_uid", "title", "message", "image_url", "state", "link_to_upstream_details")


def parse(entry: Entry) -> list[Report]:
    """The one alert of a formatted webhook; OnCall's Alertmanager and other integrations are read by their shape."""
    value = decode(entry.body)
    if isinstance(value, dict) and isinstance(value.get("alerts"), list):
        return alertmanager.reports(entry, value)
    if isinstance(value, dict) and any(name in value for name in ("alert_uid", "title", "message")):
        return [_report(entry, value)]
    return generic.reports(entry, value)


def _report(entry: Entry, alert: Mapping[str, Any]) -> Report:
    title = string_at(alert, "title", limit=SUMMARY_CHARACTERS_MAX)
    message = string_at(alert, "message")
    uid = string_at(alert, "alert_uid", limit=1_000)
    annotations = {
        "summary": title or message[:200] or "an alert without a title",
        "description": message,
        "image_url": string_at(alert, "image_url", limit=2_000),
        **details({name: member for name, member in alert.items() if name not in KNOWN}),
    }
    return make_report(
        entry,
        action_of(alert.get("state")) or "fire",
        # OnCall groups what has no uid by its title.
        identity=f"uid {uid}" if uid else f"title {title or message}",
        labels=made_labels({"alertname": title or "OnCall alert", "alert_uid": uid}),
        annotations={name: text for name, text in annotations.items() if text},
        url=string_at(alert, "link_to_upstream_details"),
        text=message,
    )
