"""Grafana's unified alerting webhook: Alertmanager's notification and more. POST or PUT, `version` "1" or "4".

Users may replace the whole body with a template of their own: that is read as a generic alert. So is what versions
before 8 sent, whose state `pending` says that the condition has not lasted long enough yet: it pages nobody.
Source: grafana/alerting receivers/webhook/v1/webhook.go, templates/template_data.go; "State and health of alerts".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from tocsin.core.alert import Report
from tocsin.intake import alertmanager
from tocsin.intake.wire import decode, string_at, text_of
from tocsin.ports import Entry

PENDING = "pending: the condition has not lasted long enough yet"
LINKS = {
    "dashboardURL": "dashboard_url",
    "panelURL": "panel_url",
    "silenceURL": "silence_url",
    "imageURL": "image_url",
    "valueString": "value_string",
    "ruleUID": "rule_uid",
}


def parse(entry: Entry) -> list[Report]:
    """The alerts of one notification, with Grafana's links and values among the annotations."""
    value = decode(entry.body)
    found = alertmanager.reports(entry, value, _more)
    if isinstance(value, dict) and "ruleId" in value and string_at(value, "state", limit=20).casefold() == "pending":
        return [msgspec.structs.replace(each, action="note", text=PENDING) for each in found]
    return found


def _more(alert: Mapping[str, Any], annotations: dict[str, str]) -> None:
    for member, name in LINKS.items():
        if text := string_at(alert, member):
            annotations.setdefault(name, text)
    values = alert.get("values")
    if isinstance(values, dict) and values:
        annotations.setdefault("values", ", ".join(f"{text_of(k, 100)}={text_of(v, 100)}" for k, v in values.items()))
