"""incident.io's alert sources: a webhook body with version "1" (Alertmanager's receiver for it), and the HTTP form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tocsin.core.alert import Report
from tocsin.intake import alertmanager, generic
from tocsin.intake.wire import (
    SUMMARY_CHARACTERS_MAX,
    action_of,
    decode,
    details,
    made_labels,
    make_report,
    severity_of,
    string_at,
)
from tocsin.ports import Entry


def parse(entry: Entry) -> list[Report]:
    """The alerts of a notification, or the one alert of the HTTP form; another shape is a generic alert."""
    value = decode(entry.body)
    if isinstance(value, dict) and not isinstance(value.get("alerts"), list) and "title" in value:
        return [_form(entry, value)]
    if isinstance(value, dict) and isinstance(value.get("alerts"), list):
        return alertmanager.reports(entry, value)
    return generic.reports(entry, value)


def _form(entry: Entry, alert: Mapping[str, Any]) -> Report:
    title = string_at(alert, "title", limit=SUMMARY_CHARACTERS_MAX) or "an alert without a title"
    description = string_at(alert, "description")
    metadata = alert.get("metadata")
    known: Mapping[str, Any] = metadata if isinstance(metadata, dict) else {}
    word = string_at(known, "severity", "priority", limit=100)
    key = string_at(alert, "deduplication_key", limit=1_000) or entry.meta.get("dedup_key", "")
    return make_report(
        entry,
        action_of(alert.get("status")) or "fire",
        identity=f"key {key or f'entry {entry.position}'}",
        labels=made_labels({
            "alertname": string_at(known, "alertname", "name", limit=200) or title,
            "severity": severity_of(word) or word,
            **{name: string_at(known, name) for name in ("service", "team", "environment", "component", "source")},
        }),
        annotations={"summary": title, **({"description": description} if description else {}), **details(metadata)},
        url=string_at(alert, "source_url"),
        text=description,
    )  # fmt: skip
